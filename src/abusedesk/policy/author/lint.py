"""What the loader lets pass and a policy author should still know: each finding with its place and what to do."""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches

from abusedesk.policy.author import lint_notices, lint_rules, lint_values
from abusedesk.policy.author.finding import Finding, error
from abusedesk.policy.author.reach import may_hold
from abusedesk.policy.pack import SAFEGUARD, AbuseType, Pack, find_pack, pack_files, pack_from, placed
from abusedesk.policy.rule import BREACH, Rule
from abusedesk.policy.source import Fault, Node, Unfit, nearest, read_yaml
from abusedesk.problem import Problem
from abusedesk.vocabulary.category import CATEGORIES, matches

__all__ = ["Finding", "lint", "lint_files"]


def lint(name_or_path: str) -> list[Finding]:
    """All findings about a pack, in the order of its text; one that cannot be loaded has what the loader refuses.

    Raises Problem where there is no pack at all.
    """
    folder = find_pack(name_or_path)
    return lint_files(pack_files(folder), str(folder))


def lint_files(files: Mapping[str, bytes], origin: str = "") -> list[Finding]:
    """All findings about a pack in its files; places begin with `origin`."""
    path = placed("pack.yaml", origin)
    try:
        pack = pack_from(files, origin)
    except Unfit as unfit:
        return [_refused(one, path) for one in unfit.faults]
    except Problem as problem:
        return [_refused(problem, path)]
    root = read_yaml(files["pack.yaml"].decode(), path)
    found = [finding for check in _CHECKS for finding in check(pack, root.value)]
    return sorted(found, key=_order)


def _refused(problem: Problem, path: str) -> Finding:
    if isinstance(problem, Fault):
        return Finding("error", f"{problem.file}:{problem.line}:{problem.column}", problem.text)
    return Finding("error", f"{path}:1:1", str(problem))


def _order(finding: Finding) -> tuple[str, int, int]:
    file, line, column = finding.place.rsplit(":", 2)
    return file, int(line), int(column)


def _clauses(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    used = _used_clauses(pack)
    for clause_id, clause in pack.clauses.items():
        short = clause_id.removeprefix(f"{pack.name}:")
        if clause_id not in used and not clause.informative:
            text = f"the clause {short!r} has no rule, parameter or interpretation; add one, or `informative: true`"
            yield error(keys["clauses"].keys[short], text)


def _used_clauses(pack: Pack) -> set[str]:
    used = {clause for rule in pack.rules for clause in rule.clauses if not clause.startswith(SAFEGUARD)}
    used |= {one.clause for one in pack.parameters.values()} | {one.clause for one in pack.interpretations}
    used |= {one.clause for one in pack.versions}
    breached = [one for one in pack.content.abuse_types.values() if any(_applies(rule, one) for rule in pack.rules)]
    used |= {clause for one in breached for clause in one.breaches.values()}
    return used | {pack.content.counting.clause, pack.content.holidays.clause}


def _applies(rule: Rule, abuse_type: AbuseType) -> bool:
    """Whether a rule cites what an abuse type breaches, and may concern that type."""
    return BREACH in rule.clauses and may_hold(rule, "abuse_type", abuse_type.name)


def _types(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    taken: set[str] = set()
    for name, one in pack.content.abuse_types.items():
        node = keys["abuse_types"].value[name]
        yield from _patterns(name, node)
        own = {category for category in CATEGORIES if any(matches(category, each) for each in one.categories)}
        if own and own <= taken:
            text = f"the abuse type {name!r} is never reached: earlier types take all; put it before them"
            yield error(keys["abuse_types"].keys[name], text)
        taken |= own


def _patterns(name: str, node: Node) -> Iterator[Finding]:
    """Patterns that fit no category there is, of an abuse type or of what it breaches."""
    breaches = node.value.get("breaches")
    mapped = breaches.keys.values() if breaches is not None and isinstance(breaches.value, dict) else ()
    for place in (*node.value["categories"].value, *mapped):
        pattern = str(place.value)
        if not any(matches(category, pattern) for category in CATEGORIES):
            near = nearest(pattern, CATEGORIES) if get_close_matches(pattern, CATEGORIES, cutoff=0.61) else _FAMILIES
            yield error(place, f"no category fits {pattern!r} of the abuse type {name!r}; mend it or remove it{near}")


_FAMILIES = f": patterns are such as {', '.join(sorted({one.split('/')[0] + '/*' for one in CATEGORIES}))}"


_CHECKS: tuple[Callable[[Pack, dict[str, Node]], Iterator[Finding]], ...] = (
    lint_values.versions,
    lint_values.dates,
    lint_values.wordings,
    lint_values.amounts,
    lint_values.unused,
    lint_values.kinds,
    lint_values.lengths,
    lint_values.lapses,
    lint_notices.languages,
    lint_notices.templates,
    lint_notices.undue,
    lint_rules.conditions,
    lint_rules.repeated,
    lint_rules.not_said_yet,
    lint_rules.deadlines,
    lint_rules.holidays,
    lint_rules.requests,
    lint_rules.assurances,
    lint_rules.belief,
    lint_rules.ports,
    lint_rules.unpaid,
    _clauses,
    _types,
)
