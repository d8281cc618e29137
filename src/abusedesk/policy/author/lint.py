"""What the loader lets pass and a policy author should still know: each finding with its place and what to do."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from abusedesk.policy.author.reach import can_hold, unknown_words
from abusedesk.policy.pack import SAFEGUARD, Pack, Parameter, find_pack, load_pack
from abusedesk.policy.source import Node, read_yaml
from abusedesk.problem import Problem
from abusedesk.vocabulary.category import CATEGORIES, matches
from abusedesk.vocabulary.money import format_amount, parse_amount

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


class Finding(NamedTuple):
    """`place` is file:line:column; an error makes the pack unfit, a warning is for the author to weigh."""

    level: Literal["error", "warning"]
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.level}: {self.text}"


def lint(name_or_path: str) -> list[Finding]:
    """All findings about a pack; one that cannot be loaded has the loader's refusal alone.

    Raises Problem where there is no pack at all.
    """
    path = find_pack(name_or_path) / "pack.yaml"
    try:
        pack = load_pack(name_or_path)
    except Problem as problem:
        place, _, text = str(problem).partition(": ")
        return [Finding("error", place, text)]
    root = read_yaml(Path(path).read_text(encoding="utf-8"), str(path))
    return [finding for check in _CHECKS for finding in check(pack, root.value)]


def _error(node: Node, text: str) -> Finding:
    return Finding("error", f"{node.file}:{node.line}:{node.column}", text)


def _warning(node: Node, text: str) -> Finding:
    return _error(node, text)._replace(level="warning")


def _clauses(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    used = _used_clauses(pack)
    for clause_id, clause in pack.clauses.items():
        short = clause_id.removeprefix(f"{pack.name}:")
        if clause_id not in used and not clause.informative:
            text = f"the clause {short!r} has no rule, parameter or interpretation; add one, or `informative: true`"
            yield _error(keys["clauses"].keys[short], text)


def _used_clauses(pack: Pack) -> set[str]:
    used = {clause for rule in pack.rules for clause in rule.clauses if not clause.startswith(SAFEGUARD)}
    used |= {one.clause for one in pack.parameters.values()} | {one.clause for one in pack.interpretations}
    used |= {one.clause for one in pack.versions}
    used |= {clause for one in pack.content.abuse_types.values() for clause in one.breaches.values()}
    return used | {pack.content.counting.clause}


def _types(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    taken: set[str] = set()
    for name, one in pack.content.abuse_types.items():
        node = keys["abuse_types"].keys[name]
        for pattern in one.categories:
            if not any(matches(category, pattern) for category in CATEGORIES):
                yield _error(node, f"no category fits {pattern!r} of the abuse type {name!r}; mend it or remove it")
        own = {category for category in CATEGORIES if any(matches(category, each) for each in one.categories)}
        if own and own <= taken:
            yield _error(node, f"the abuse type {name!r} is never reached: earlier types take all; put it before them")
        taken |= own


def _rules(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    for rule, node in zip(pack.rules, keys["rules"].value, strict=True):
        if rule.condition is None:
            continue
        place = node.value["when"]
        unknown = list(unknown_words(rule, pack))
        yield from (_error(place, text) for text in unknown)
        if not unknown and not can_hold(rule, pack):
            yield _error(place, f"the rule {rule.id!r} is never reached: its condition is always false; mend it")


def _versions(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    seen: set[str] = set()
    for version, node in zip(pack.versions, keys["versions"].value, strict=True):
        if version.id in seen:
            yield _error(node, f"there are two versions {version.id!r}; give this one another id")
        seen.add(version.id)
        if version.since is None:
            text = f"the version {version.id!r} has no date; each operator must give in_force_from, or it never acts"
            yield _warning(node, text)


def _amounts(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    read = {one.parameter for one in pack.interpretations}
    for name, one in pack.parameters.items():
        if one.kind == "amount" and name not in read:
            for amount in _unstated(pack, one):
                text = (
                    f"no text of its clause states {amount}, the value of {name!r}; mend it, or add an interpretation"
                )
                yield _error(keys["parameters"].keys[name], f"{text} with `parameter: {name}`")


def _unstated(pack: Pack, parameter: Parameter) -> list[str]:
    """The amounts that neither the clause nor one of its sub-clauses states."""
    kin = (parameter.clause, f"{parameter.clause}.")
    texts = " ".join(one.text for key, one in pack.clauses.items() if key == kin[0] or key.startswith(kin[1]))
    stated = {_minor(number) for number in _NUMBER.findall(texts)}
    return [format_amount(value) for _, value in parameter.values if isinstance(value, int) and value not in stated]


def _minor(number: str) -> int | None:
    try:
        return parse_amount(number.replace(",", ""))
    except ValueError:
        return None


_CHECKS: tuple[Callable[[Pack, dict[str, Node]], Iterator[Finding]], ...] = (
    _versions,
    _clauses,
    _amounts,
    _types,
    _rules,
)
