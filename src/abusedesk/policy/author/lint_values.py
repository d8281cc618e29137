"""Faults of versions and values: dates at which nothing begins, amounts that the text does not state, values unused."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from abusedesk.policy.author.difference import day
from abusedesk.policy.author.finding import Finding, error, warning
from abusedesk.policy.author.uses import used_parameters, used_thresholds
from abusedesk.policy.pack import Pack, Parameter, ParameterKind
from abusedesk.policy.parameters_of_the_desk import REMIND_BEFORE
from abusedesk.policy.rule import OrderMeasure, ShortenDeadline, StartDeadline
from abusedesk.policy.source import Node, nearest
from abusedesk.vocabulary.duration import format_duration
from abusedesk.vocabulary.money import format_amount, parse_amount

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def versions(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Versions of one id, and versions whose date is left to the operator."""
    seen: set[str] = set()
    for version, node in zip(pack.versions, keys["versions"].value, strict=True):
        if version.id in seen:
            yield error(node, f"there are two versions {version.id!r}; give this one another id")
        seen.add(version.id)
        if version.since is None:
            text = (
                f"the version {version.id!r} has no date, so it decides nothing until each brand under it has one; "
                "give the brand in_force_from, or write the date here, as in `from: 2026-01-31`"
            )
            yield warning(node.value["from"], text)


def dates(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Values from a date at which no version begins: a version has the values of its own date."""
    begins = [one.since for one in pack.versions]
    for name, one in pack.parameters.items():
        for place, (since, _) in enumerate(one.values):
            if place and since is not None and since not in begins:
                until = one.values[place + 1][0] if place + 1 < len(one.values) else None
                yield error(_value_node(keys, name, place), _never(name, since, until, begins))


def wordings(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Words and titles from a date at which no version begins: a version has the words of its own date."""
    for clause_id, clause in pack.clauses.items():
        written = keys["clauses"].value[clause_id.removeprefix(f"{pack.name}:")].value
        yield from _wordings(pack, clause_id, clause.texts, written.get("texts"), "these words")
        yield from _wordings(pack, clause_id, clause.titles, written.get("titles"), "this title")


def _wordings(
    pack: Pack, clause: str, dated: tuple[tuple[datetime, str], ...], node: Node | None, what: str
) -> Iterator[Finding]:
    begins = [one.since for one in pack.versions]
    for place, (since, _) in enumerate(dated):
        since_ever = not place and (begins[0] is None or since < begins[0])
        if node is not None and since not in begins and not since_ever:
            until = dated[place + 1][0] if place + 1 < len(dated) else None
            short = clause.removeprefix(f"{pack.name}:")
            yield error([*node.keys.values()][place], _never(short, since, until, begins, what))


def _never(
    name: str, since: datetime, until: datetime | None, begins: list[datetime | None], what: str = "this value"
) -> str:
    later = [one for one in begins if one is not None and one > since and (until is None or one < until)]
    held = f"only from {day(later[0])} on" if later else "never"
    advice = "add a version from that date, or give it the date of one"
    holds = "holds" if what.startswith("this") else "hold"
    return f"no version begins on {day(since)}, so {what} of {name!r} {holds} {held}; {advice}"


def _value_node(keys: dict[str, Node], name: str, place: int) -> Node:
    values: Node = keys["parameters"].value[name].value["values"]
    return list(values.keys.values())[place]


def amounts(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Amounts that no text of their clause states and no interpretation explains."""
    read = {one.parameter for one in pack.interpretations}
    for name, one in pack.parameters.items():
        if one.kind == "amount" and name not in read:
            for amount in _unstated(pack, one):
                text = (
                    f"no text of its clause states {amount}, the value of {name!r}; mend it, or add an interpretation"
                )
                yield error(keys["parameters"].keys[name], f"{text} with `parameter: {name}`")


def _unstated(pack: Pack, parameter: Parameter) -> list[str]:
    """The amounts that neither the clause nor one of its sub-clauses states, as they are worded at the time."""
    times = [*(since for since, _ in parameter.values), *(one.since for one in pack.versions)]
    held = [(parameter.at(time), _stated(pack, parameter.clause, time)) for time in times]
    missing = [value for value, stated in held if isinstance(value, int) and stated is not None and value not in stated]
    return [format_amount(value) for value in dict.fromkeys(missing)]


def _stated(pack: Pack, clause: str, time: datetime | None) -> set[int | None] | None:
    """The amounts that a clause and its sub-clauses state as of an instant; None while the clause is not said yet."""
    if not pack.clauses[clause].said_at(time):
        return None
    kin = [one for key, one in pack.clauses.items() if key == clause or key.startswith(f"{clause}.")]
    texts = " ".join(one.at(time) for one in kin if one.said_at(time))
    return {_minor(number) for number in _NUMBER.findall(texts)}


def _minor(number: str) -> int | None:
    try:
        return parse_amount(number.replace(",", ""))
    except ValueError:
        return None


def unused(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Values and thresholds that no rule applies."""
    for name in pack.content.thresholds:
        if name not in used_thresholds(pack):
            text = f"no rule's condition names the threshold {name!r}; name it in one, or remove it"
            yield error(keys["thresholds"].keys[name], text)
    for name in pack.parameters:
        if name not in used_parameters(pack):
            text = f"no rule uses the parameter {name!r}, so its value holds nowhere; use it in one, or remove it"
            yield error(keys["parameters"].keys[name], text)


def lengths(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Lengths of time that are over as they begin."""
    timed = {
        one.within for rule in pack.rules for one in rule.orders if isinstance(one, StartDeadline | ShortenDeadline)
    }
    timed |= {
        one.expires for rule in pack.rules for one in rule.orders if isinstance(one, OrderMeasure) and one.expires
    }
    for name, one in pack.parameters.items():
        for place, (_, value) in enumerate(one.values):
            if name in timed | {"good_behaviour"} and value == timedelta():
                text = f"{name!r} is no time at all, so it is over as it begins; write for example P2D"
                yield error(_place_of(keys, name, place), text)
            if isinstance(value, timedelta) and value > _LONGEST:
                text = f"{name!r} is longer than any calendar; write {format_duration(_LONGEST)} for a hundred years"
                yield error(_place_of(keys, name, place), text)


_LONGEST = timedelta(days=36500)
"""Added to any instant of this century it is still a date."""


def kinds(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Values that the engine itself applies and cannot as they are written, and counts of less than nothing."""
    for name, one in pack.parameters.items():
        for place, (_, value) in enumerate(one.values):
            node = _place_of(keys, name, place)
            needed = _KINDS.get(name, one.kind)
            if one.kind != needed:
                text = f"{name} must be {_WRITTEN_AS[needed]}, and this is of the kind {one.kind}"
                yield error(node, f"{text}; {_written(needed, node.raw)}")
            elif one.kind == "count" and isinstance(value, int) and value < 0:
                yield error(node, f"{value} counts nothing: a count is 0 or more; mend it")


_KINDS: Mapping[str, ParameterKind] = {
    "limitation": "durations",
    "occurrence_window": "duration",
    "good_behaviour": "duration",
    REMIND_BEFORE: "duration",
}
"""The parameters that the engine and the desk apply by themselves."""
_WRITTEN_AS = {"durations": "durations by abuse type", "duration": "a duration"}


def _written(needed: ParameterKind, raw: str) -> str:
    days = f"P{raw}D" if raw.isdigit() else "P90D"
    if needed == "durations":
        return f'write {{"*": {raw if raw.startswith("P") else days}}}'
    return f"write for example {days}, or PT{raw}H" if raw.isdigit() else f"write for example {days}"


def lapses(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Limitations of abuse types that there are not."""
    types = [*pack.content.abuse_types, "*"]
    for place, (_, value) in enumerate(pack.parameters["limitation"].values):
        node = _place_of(keys, "limitation", place)
        for name in value if isinstance(value, dict) else ():
            if name not in types:
                yield error(node.keys[name], f"there is no abuse type {name!r}{nearest(name, types)}")


def _place_of(keys: dict[str, Node], name: str, place: int) -> Node:
    """Where one of a parameter's values is written."""
    written: dict[str, Node] = keys["parameters"].value[name].value
    if "value" in written:
        return written["value"]
    dated: dict[str, Node] = written["values"].value
    return [*dated.values()][place]
