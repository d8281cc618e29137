"""A pack's own test cases: played and compared, and what is missing or came unexpected said in words.

A case is a scenario in the pack's folder `cases`, whose `policy` is `../`: it tries the pack that it stands in. Each
expected line must match an effect of its own; kinds named in `exactly` may have no others after the first entry of
the timeline; what `expect_not` names may not happen.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_args, get_type_hints

from abusedesk.policy.decision import Answer, AnyEffect, Notify, Take
from abusedesk.policy.effect_fields import fields, in_words, kind_of
from abusedesk.policy.pack import Pack, find_pack, load_pack
from abusedesk.policy.rule import BREACH
from abusedesk.policy.scenario import Scenario, scenario_of
from abusedesk.policy.simulate import Played, Stage, Step
from abusedesk.policy.source import Node, read_yaml
from abusedesk.problem import Problem
from abusedesk.vocabulary.instant import parse_instant
from abusedesk.vocabulary.money import format_amount, parse_amount

OWN_PACK = ("../", "..")
"""What a case writes as its `policy`: the pack in whose folder it stands."""

_INSTANTS = frozenset({"at", "due"})
_TRUTHS = frozenset({"refund", "upstream"})
_NUMBERS = frozenset({"number", "points", "port"})
_LITERALS: dict[str, tuple[str, ...]] = {
    name: get_args(get_type_hints(kind)[name])
    for kind, name in ((Take, "measure"), (Take, "mode"), (Notify, "to"), (Answer, "answer"))
}
_UNSAID = frozenset({"clauses", "counts", "occurrence", "item_id"})
_BY_KIND: dict[str, frozenset[str]] = {
    kind_of(one): frozenset({"at", "effect", "clause", *one.__struct_fields__}) - _UNSAID for one in get_args(AnyEffect)
}
_FIELDS = frozenset().union(*_BY_KIND.values())

Left = TypeVar("Left")
Right = TypeVar("Right")


class Line(NamedTuple):
    """An expected line with its place, `file:line`."""

    place: str
    wanted: dict[str, Any]


class Case(NamedTuple):
    """A scenario and what must come of it. `exactly` are kinds of effects, and `place` is where it says so."""

    scenario: Scenario
    clauses: tuple[str, ...]
    expect: tuple[Line, ...]
    never: tuple[Line, ...]
    exactly: tuple[str, ...]
    place: str


class CaseResult(NamedTuple):
    """What came of one case. `clauses` are those that it is there to show.

    `missing` and `unexpected` say in words what is wrong, each with its place. `cited` are the clauses that its
    effects cite, `hits` the rules that acted in it, each with a clause for which it did.
    """

    name: str
    file: str
    passed: bool
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    cited: frozenset[str] = frozenset()
    hits: frozenset[tuple[str, str]] = frozenset()
    fault: str | None = None
    """Why the case itself cannot be played, with its place."""


def run_cases(pack_folder_or_name: str) -> list[CaseResult]:
    """The results of a pack's cases, in the order of their files' names. Raises Problem where the pack cannot be."""
    pack = load_pack(pack_folder_or_name)
    return [run_file(path, pack) for path in case_files(pack_folder_or_name)]


def case_files(pack_folder_or_name: str) -> list[Path]:
    """The files of a pack's cases, in order. Raises Problem where there is no such pack."""
    return sorted((find_pack(pack_folder_or_name) / "cases").glob("*.yaml"))


def not_played(pack_folder_or_name: str) -> list[Path]:
    """What else lies among a pack's cases, such as a file that ends in .yml, and is nobody's case."""
    folder = find_pack(pack_folder_or_name) / "cases"
    return sorted(set(folder.glob("[!.]*")) - set(folder.glob("*.yaml")))


def run_file(path: Path, pack: Pack) -> CaseResult:
    """Plays the case of one file; one that cannot be read is a result with a fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        return CaseResult(path.stem, str(path), passed=False, fault=f"{path} cannot be read: {reason}; mend the file")
    return run_text(text, path, pack)


def run_text(text: str, path: Path, pack: Pack) -> CaseResult:
    """Plays a case from its text; `path` is where it is said to stand."""
    try:
        case = read_case(text, path, pack)
    except Problem as problem:
        return CaseResult(path.stem, str(path), passed=False, fault=str(problem))
    return judge(case, str(path))


def judge(case: Case, file: str) -> CaseResult:
    """Plays a case and compares what came with what had to come."""
    steps = list(Stage(case.scenario).steps())
    played = [Played(step.at, effect) for step in steps for effect in step.decision.effects]
    missing = tuple(_missing(case, played))
    unexpected = (*_surplus(case, played), *_forbidden(case, played))
    return CaseResult(
        case.scenario.name,
        file,
        passed=not missing and not unexpected,
        missing=missing,
        unexpected=unexpected,
        clauses=case.clauses,
        cited=frozenset(clause for one in played for clause in one.effect.clauses),
        hits=frozenset(hit for step in steps for hit in _hits(step)),
    )


def _hits(step: Step) -> Iterator[tuple[str, str]]:
    """The rules that acted in a step, each with its clauses; with `breach`, those that the step's effects cite."""
    cited = {clause for effect in step.decision.effects for clause in effect.clauses}
    for line in step.decision.trace:
        if line.result == "hit":
            yield from ((line.rule, clause) for clause in line.clauses if clause != BREACH)
            if BREACH in line.clauses:
                yield from ((line.rule, clause) for clause in cited)


# --- reading --------------------------------------------------------------------------------------------------------


def read_case(text: str, path: Path, pack: Pack) -> Case:
    """A case of a pack from its text. Raises Problem with file, line and column for whatever means nothing."""
    root = read_yaml(text, str(path))
    scenario = scenario_of(root, path, pack)
    keys: dict[str, Node] = root.value
    if keys["policy"].value not in OWN_PACK:
        keys["policy"].refuse("a case tries the pack that it stands in; write `policy: ../`")
    reader = _Reader(scenario)
    exactly = keys.get("exactly")
    case = Case(
        scenario,
        tuple(reader.clause(one) for one in _items(keys, "clauses")),
        tuple(reader.line(one) for one in _items(keys, "expect")),
        tuple(reader.line(one) for one in _items(keys, "expect_not")),
        tuple(one.one_of("the kind of effect", _BY_KIND) for one in _items(keys, "exactly")),
        _place(exactly or root),
    )
    if not case.clauses:
        root.refuse("the case names no clause; add `clauses: [...]`, those that it is there to show")
    if not (case.expect or case.never or case.exactly):
        root.refuse("the case expects nothing, so it cannot fail; add `expect`, `exactly` or `expect_not`")
    return case


def _items(keys: Mapping[str, Node], name: str) -> list[Node]:
    return keys[name].items(name) if name in keys else []


def _place(node: Node) -> str:
    return f"{node.file}:{node.line}"


class _Reader:
    """Reads expected lines against the world and the pack of their scenario, so that a typo never passes for calm."""

    def __init__(self, scenario: Scenario) -> None:
        pack = scenario.pack
        self.clauses = (*pack.clauses, *pack.safeguards)
        self.words: dict[str, Iterable[str]] = {
            "service": scenario.services,
            "customer": scenario.customers,
            "abuse_type": pack.content.abuse_types,
            "template": {template for _, template in pack.content.templates} | {"blast_radius"},
            **_LITERALS,
        }

    def clause(self, node: Node) -> str:
        """A clause by its full id; refuses the short one of the pack, with the full one."""
        full = next((one for one in self.clauses if one.partition(":")[2] == node.raw), None)
        if full is not None:
            node.refuse(f"the clause {node.raw!r} stands in a case under its full id; write {full}")
        return node.one_of("the clause", self.clauses)

    def line(self, node: Node) -> Line:
        keys = node.mapping("an expected line")
        kind = keys["effect"].one_of("the effect", _BY_KIND) if "effect" in keys else None
        allowed = _BY_KIND[kind] if kind is not None else _FIELDS
        node.known_keys(f"the effect {kind}" if kind is not None else "an expected line", (), sorted(allowed))
        return Line(_place(node), {name: self._value(name, one) for name, one in keys.items()})

    def _value(self, name: str, node: Node) -> Any:
        if name in _INSTANTS:
            return _parsed(node, parse_instant, "an instant").astimezone(UTC)
        if name in _TRUTHS:
            return node.truth(name)
        if name in _NUMBERS:
            return node.number(name)
        if name == "via":
            return tuple(one.text("a channel") for one in node.items("via"))
        return self._word(name, node)

    def _word(self, name: str, node: Node) -> str:
        if name == "clause":
            return self.clause(node)
        if name in self.words:
            return node.one_of(f"the {name.replace('_', ' ')}", self.words[name])
        if name == "ip":
            return str(_parsed(node, ip_address, "an address"))
        if name == "amount":
            return format_amount(_parsed(node, parse_amount, "an amount"))
        return node.text(name)


def _parsed(node: Node, parse: Callable[[str], Any], what: str) -> Any:
    try:
        return parse(node.text(what))
    except ValueError as error:
        node.refuse(f"{what} cannot be {node.value!r}: {error}")


# --- comparing ------------------------------------------------------------------------------------------------------


def unmatched(left: Sequence[Left], right: Sequence[Right], fits: Callable[[Left, Right], bool]) -> list[Left]:
    """Those of `left` that are left over when as many as possible have one of `right` of their own."""
    owner: dict[int, Left] = {}

    def place(one: Left, tried: set[int]) -> bool:
        for index, other in enumerate(right):
            if index in tried or not fits(one, other):
                continue
            tried.add(index)
            if index not in owner or place(owner[index], tried):
                owner[index] = one
                return True
        return False

    return [one for one in left if not place(one, set())]


def matches(line: Line, played: Played) -> bool:
    """Whether an effect has every field as the line wants it."""
    return all(_same(name, value, played) for name, value in line.wanted.items())


def _same(name: str, wanted: Any, played: Played) -> bool:
    if name == "clause":
        return wanted in played.effect.clauses
    return bool(wanted == _got(name, played))


def _got(name: str, played: Played) -> Any:
    if name == "effect":
        return kind_of(type(played.effect))
    return played.at if name == "at" else getattr(played.effect, name, None)


def _missing(case: Case, played: list[Played]) -> Iterator[str]:
    for line in unmatched(case.expect, played, matches):
        yield f"{line.place}: missing: {_said(line.wanted)}{_nearest(line, played)}"


def _nearest(line: Line, played: list[Played]) -> str:
    """The effect that comes closest to a line that nothing meets, and where it differs."""
    kind = line.wanted.get("effect")
    kin = [one for one in played if kind is None or _got("effect", one) == kind]
    if not kin:
        return f"; there is no {kind or 'effect'} at all"
    best = max(kin, key=lambda one: sum(_same(name, value, one) for name, value in line.wanted.items()))
    other = [name for name, value in line.wanted.items() if not _same(name, value, best)]
    differs = f"differs in {', '.join(other)}" if other else "meets another line"
    return f"; nearest: {_happened(best)}, which {differs}"


def _surplus(case: Case, played: list[Played]) -> Iterator[str]:
    """Effects of the kinds that must be exactly those expected, after the first entry of the timeline."""
    start = min((one.at for one in case.scenario.timeline), default=datetime.min.replace(tzinfo=UTC))
    counted = [one for one in played if one.at >= start and _got("effect", one) in case.exactly]
    for one in unmatched(counted, case.expect, lambda effect, line: matches(line, effect)):
        yield f"{case.place}: not expected: {_happened(one)}"


def _forbidden(case: Case, played: list[Played]) -> Iterator[str]:
    for line in case.never:
        happened = next((one for one in played if matches(line, one)), None)
        if happened is not None:
            yield f"{line.place}: must not happen: {_said(line.wanted)}; happened: {_happened(happened)}"


_FIRST = ("measure", "item", "name", "abuse_type", "flag", "answer", "reason", "to")
_LAST = frozenset({"effect", "at", "clause", "clauses"})
_TOO_MUCH = frozenset({"customer", "case", "occurrence", "item_id"})


def _happened(played: Played) -> str:
    return _said({name: value for name, value in fields(*played).items() if name not in _TOO_MUCH})


def _said(line: Mapping[str, Any]) -> str:
    """A line in words: what, of whom, by which clauses, when."""
    order = (*_FIRST, *(name for name in line if name not in _FIRST))
    shown = {name: _shown(line[name]) for name in order if name in line and name not in _LAST}
    clauses = [line["clause"]] if "clause" in line else line.get("clauses", ())
    words = [str(line.get("effect", "any effect")), in_words(shown)]
    words += [f"by {' and '.join(clauses)}"] if clauses else []
    words += [f"at {_shown(line['at'])}"] if "at" in line else []
    return ", ".join(one for one in words if one)


def _shown(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
