"""What two packs say differently, in words, clause by clause.

Everything that a pack's content holds is compared; where a thing stands in its file is not. So there is no difference
here exactly if the two packs decide, cite and write the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from abusedesk.policy.author import wording
from abusedesk.policy.author.diff_rules import rule_changes
from abusedesk.policy.author.difference import Change, day, gains, instead, matched, moved, reworded, short
from abusedesk.policy.facts import Settings
from abusedesk.policy.pack import AbuseType, Clause, Content, Interpretation, Pack, Parameter, Threshold, Value, Version
from abusedesk.policy.rule import SendNotice
from abusedesk.problem import Problem

__all__ = ["Change", "as_of", "diff", "version_on"]


_Said = Callable[[datetime | None], str]
"""What a clause says as of an instant."""


def diff(before: Pack, after: Pack) -> list[Change]:
    """All that `after` says otherwise than `before`, in the order of its clauses; what is about no clause comes first.

    Clauses are the same by their short ids, whatever the packs are called.
    """
    old = before.content if before.name == after.name else _renamed(before.content, before.name, after.name)
    found = [change for compare in _COMPARED for change in compare(old, after.content)]
    found += _clauses(before.safeguards, after.safeguards)
    if before.name != after.name:
        found.insert(0, Change(None, "pack", instead("the pack's name", before.name, after.name)))
    places = {one: place for place, one in enumerate(dict.fromkeys([*after.clauses, *old.clauses]))}
    return sorted(found, key=lambda one: -1 if one.clause is None else places.get(one.clause, len(places)))


def as_of(pack: Pack, date: datetime) -> Pack:
    """What holds at a date alone: one version, its rules, and each parameter's one value.

    Raises Problem where no version was in force then.
    """
    version = version_on(pack, date)
    content = replace(
        pack.content,
        versions=(version,),
        clauses={key: one.as_of(version.since) for key, one in pack.clauses.items() if one.said_at(version.since)},
        parameters={key: replace(one, values=((None, one.at(version.since)),)) for key, one in pack.parameters.items()},
        rules=tuple((rule, frozenset[str]()) for rule, held in pack.content.rules if not held or version.id in held),
    )
    return Pack(content, pack.safeguards, sha256(f"{version.id}:{pack.digest}".encode()).hexdigest())


def version_on(pack: Pack, date: datetime) -> Version:
    """The version in force at a date; the first where its date is the operator's to say. Raises Problem for none."""
    version = pack.version_at(date, Settings())
    if version is not None:
        return version
    first = pack.versions[0]
    if first.since is None:
        return first
    raise Problem(
        f"{pack.name} has no version in force on {date:%Y-%m-%d}; its first is in force from {first.since:%F}"
    )


def _renamed(thing: Any, old: str, new: str) -> Any:
    """The same content with the clauses' ids of a pack of another name."""
    if isinstance(thing, str):
        return f"{new}:{thing.removeprefix(f'{old}:')}" if thing.startswith(f"{old}:") else thing
    if isinstance(thing, Struct):
        return replace(thing, **{name: _renamed(getattr(thing, name), old, new) for name in thing.__struct_fields__})
    if isinstance(thing, dict):
        return {_renamed(key, old, new): _renamed(one, old, new) for key, one in thing.items()}
    return tuple(_renamed(one, old, new) for one in thing) if type(thing) is tuple else thing


# --- the parts of a pack --------------------------------------------------------------------------------------------


def _heading(before: Content, after: Content) -> Iterator[Change]:
    for what, old, new in (
        ("the pack's title", before.title, after.title),
        ("the currency", before.currency, after.currency),
        ("the languages", ", ".join(before.languages), ", ".join(after.languages)),
    ):
        if old != new:
            yield Change(None, "pack", instead(what, old, new))
    if before.service_types != after.service_types:
        parts = gains(before.service_types, after.service_types) or ["stands in another order"]
        yield Change(None, "pack", f"the catalogue of service types {' and '.join(parts)}")


def _holidays(before: Content, after: Content) -> Iterator[Change]:
    old, new = before.holidays, after.holidays
    clause = new.clause or old.clause
    if old.clause and new.clause:
        yield from moved(old.clause, new.clause, "pack", "the list of holidays")
    for day_of in sorted({*old.days} ^ {*new.days}):
        said = "is a holiday" if day_of in new.days else "is no holiday any more"
        yield Change(clause, "pack", f"{day_of} {said}")


def _versions(before: Content, after: Content) -> Iterator[Change]:
    old, new = before.versions, after.versions
    if len(old) == len(new) == 1 and old[0].id != new[0].id:
        yield Change(new[0].clause, "version", f"in force is {_dated(new[0])} instead of {_dated(old[0])}")
        yield from moved(old[0].clause, new[0].clause, "version", "the version")
        return
    pairs, gone, further = matched(old, new, lambda one: one.id)
    yield from (Change(one.clause, "version", f"the version {_dated(one)}, is gone") for one in gone)
    yield from (Change(one.clause, "version", f"a new version {_dated(one)}") for one in further)
    for was, now in pairs:
        yield from moved(was.clause, now.clause, "version", f"the version {now.id!r}")
        if was.since != now.since:
            yield Change(now.clause, "version", instead(f"the version {now.id!r}", _begins(was), _begins(now)))
    if not gone and not further and [one.id for one in old] != [one.id for one in new]:
        yield Change(new[0].clause, "version", "the versions follow each other in another order")


def _dated(version: Version) -> str:
    return f"{version.id!r}, {_begins(version)}"


def _begins(version: Version) -> str:
    return f"in force from {day(version.since)}" if version.since else "in force from the operator's own date"


def _counting(before: Content, after: Content) -> Iterator[Change]:
    was, now = before.counting, after.counting
    yield from moved(was.clause, now.clause, "counting", "the counting of occurrences")
    if was.acts_on != now.acts_on:
        yield Change(now.clause, "counting", f"an occurrence counts once it is {now.acts_on} instead of {was.acts_on}")


def _clauses_of(before: Content, after: Content) -> Iterator[Change]:
    yield from _clauses(before.clauses, after.clauses)


def _clauses(before: Mapping[str, Clause], after: Mapping[str, Clause]) -> Iterator[Change]:
    for key, was in before.items():
        if key not in after:
            yield Change(key, "clause", f"the clause is gone: {was.title}: “{was.text}”")
    for key, now in after.items():
        yield from _clause(before[key], now) if key in before else (_new_clause(now),)
    if [one for one in before if one in after] != [one for one in after if one in before]:
        yield Change(None, "clause", f"the clauses stand in another order: {', '.join(map(short, after))}")


def _new_clause(clause: Clause) -> Change:
    aside = ", informative" if clause.informative else ""
    aside += f", said from {day(clause.begins)}" if clause.begins else ""
    return Change(clause.id, "clause", f"a new clause{aside}: {clause.title}: “{clause.text}”")


def _clause(was: Clause, now: Clause) -> Iterator[Change]:
    yield from _wordings(now.id, "the title", (*was.titles, *now.titles), was.title_at, now.title_at)
    if was.begins != now.begins:
        before, after = (f"from {day(one.begins)} on" if one.begins else "since ever" for one in (was, now))
        yield Change(now.id, "clause", f"the clause is said {after} instead of {before}")
    yield from _wordings(now.id, "the text", (*was.texts, *now.texts), was.at, now.at)
    if was.informative != now.informative:
        text = "is now informative, nothing acts by it" if now.informative else "is no longer informative"
        yield Change(now.id, "clause", f"the clause {text}")


def _wordings(
    clause: str, what: str, dated: Sequence[tuple[datetime, str]], old: _Said, new: _Said
) -> Iterator[Change]:
    """How a clause's title or words differ, from each date on from which they do."""
    dates: list[datetime | None] = [*sorted({since for since, _ in dated})] or [None]
    told: tuple[str, str] | None = None
    for since in dates:
        pair = old(since), new(since)
        if pair != told:
            yield from reworded(clause, "clause", f"{what} from {day(since)}" if since else what, *pair)
        told = pair


def _parameters(before: Content, after: Content) -> Iterator[Change]:
    for name, was in before.parameters.items():
        if name not in after.parameters:
            text = f"the {wording.named(name)} is gone; it was {history(was, before.currency)}"
            yield Change(was.clause, "parameter", text)
    for name, now in after.parameters.items():
        if name in before.parameters:
            yield from _parameter(before.parameters[name], now, before.currency, after.currency)
        else:
            text = f"a new value, the {wording.named(name)}: {history(now, after.currency)}"
            yield Change(now.clause, "parameter", text)


def _parameter(was: Parameter, now: Parameter, old: str, new: str) -> Iterator[Change]:
    what = f"the {wording.named(now.name)}"
    yield from moved(was.clause, now.clause, "parameter", what)
    if was.kind != now.kind:
        text = instead(what, f"{history(was, old)} (a {was.kind})", f"{history(now, new)} (a {now.kind})")
        yield Change(now.clause, "parameter", text)
    elif was.values != now.values:
        texts = list(_stretches(what, was, now, (old, new))) or [
            f"{what} has other dates, to the same effect: {history(now, new)}"
        ]
        yield from (Change(now.clause, "parameter", text) for text in texts)


def _stretches(what: str, was: Parameter, now: Parameter, currencies: tuple[str, str]) -> Iterator[str]:
    """The stretches of time over which the values differ, each in words."""
    rows = _rows(was, now)
    for place, (since, old, new) in enumerate(rows):
        if old == new:
            continue
        until = rows[place + 1][0] if place + 1 < len(rows) else None
        when = (f" from {day(since)}" if since else "") + (f" until {day(until)}" if until else "")
        yield from (f"{text}{when}" for text in _value(what, now, (old, new), currencies))


def _rows(was: Parameter, now: Parameter) -> list[tuple[datetime | None, Value, Value]]:
    """Both values over time: from when on which pair holds, neighbours differing; None is since ever."""
    dates: list[datetime | None] = [None, *sorted({since for since, _ in (*was.values, *now.values) if since})]
    rows: list[tuple[datetime | None, Value, Value]] = []
    for date in dates:
        pair = (was.at(date), now.at(date))
        if not rows or rows[-1][1:] != pair:
            rows.append((date, *pair))
    return rows


def _value(what: str, parameter: Parameter, pair: tuple[Value, Value], currencies: tuple[str, str]) -> Iterator[str]:
    old, new = pair
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys((*old, *new)):
            yield from _lapse(f"{what} of {'every other' if name == '*' else wording.named(name)}", name, old, new)
        return
    yield instead(
        what, *(wording.value(parameter.kind, one, money) for one, money in zip(pair, currencies, strict=True))
    )


def _lapse(what: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    was, now = (wording.duration(one.get(name, one.get("*"))) for one in (old, new))
    if was != now:
        yield instead(what, was, now)
    elif (name in old) != (name in new):
        yield f"{what} is {now} {'by itself' if name in new else 'as every other'}, as before"


def history(parameter: Parameter, currency: str) -> str:
    """All the values of a parameter with their dates: `from 2022-06-07 6 hours, from 2027-01-01 4 hours`."""
    parts = []
    for since, given in parameter.values:
        date = f"from {day(since)} " if since is not None else ""
        parts.append(f"{date}{wording.value(parameter.kind, given, currency)}")
    return ", ".join(parts)


def _thresholds(before: Content, after: Content) -> Iterator[Change]:
    for name in dict.fromkeys((*before.thresholds, *after.thresholds)):
        was, now = before.thresholds.get(name), after.thresholds.get(name)
        if was != now:
            clause = _threshold_clause(after, now) or _threshold_clause(before, was)
            yield Change(clause, "threshold", _threshold(wording.named(name), was, now))


def _threshold_clause(content: Content, threshold: Threshold | None) -> str | None:
    parameter = content.parameters.get(threshold.parameter) if threshold is not None else None
    return parameter.clause if parameter is not None else None


def _threshold(name: str, was: Threshold | None, now: Threshold | None) -> str:
    if now is None:
        return f"the threshold {name!r} is gone"
    if was is None:
        return f"a new threshold {name!r}: {wording.threshold(now)}"
    return f"the threshold {name!r} is met if {wording.threshold(now)}, instead of {wording.threshold(was)}"


def _abuse_types(before: Content, after: Content) -> Iterator[Change]:
    old, new = before.abuse_types, after.abuse_types
    for name, was in old.items():
        if name not in new:
            yield Change(_breached(was), "abuse_type", f"the abuse type {name!r} is gone")
    for name, now in new.items():
        yield from _abuse_type(old[name], now) if name in old else (_new_type(now),)
    if [one for one in old if one in new] != [one for one in new if one in old]:
        yield Change(None, "abuse_type", f"the abuse types are tried in another order: {', '.join(new)}")


def _breached(one: AbuseType) -> str | None:
    return next(iter(one.breaches.values()), None)


def _new_type(one: AbuseType) -> Change:
    breaches = f", which breach {_breaches(one)}" if one.breaches else ""
    asked = "".join(f"; asked is, in {language}: {text}" for language, text in one.remediation.items())
    return Change(
        _breached(one), "abuse_type", f"a new abuse type {one.name!r} for {', '.join(one.categories)}{breaches}{asked}"
    )


def _breaches(one: AbuseType) -> str:
    listed = [f"{short(clause)}{'' if pattern == '*' else f' ({pattern})'}" for pattern, clause in one.breaches.items()]
    return ", ".join(listed) or "no clause"


def _abuse_type(was: AbuseType, now: AbuseType) -> Iterator[Change]:
    clause, what = _breached(now) or _breached(was), f"the abuse type {now.name!r}"
    if was.categories != now.categories:
        parts = gains(was.categories, now.categories) or [
            f"tries its categories otherwise: {', '.join(now.categories)}"
        ]
        yield Change(clause, "abuse_type", f"{what} {' and '.join(parts)}")
    if list(was.breaches.items()) != list(now.breaches.items()):
        yield Change(clause, "abuse_type", f"{what} breaches {_breaches(now)} instead of {_breaches(was)}")
    yield from _remediation(clause, what, was.remediation, now.remediation)


def _remediation(clause: str | None, what: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Change]:
    for language in dict.fromkeys((*was, *now)):
        asked = f"what is asked for {what} in {language}"
        if language not in now:
            yield Change(clause, "abuse_type", f"{asked} is gone: “{was[language]}”")
        elif language not in was:
            yield Change(clause, "abuse_type", f"{asked} is new: “{now[language]}”")
        else:
            yield from reworded(clause, "abuse_type", asked, was[language], now[language])


def _interpretations(before: Content, after: Content) -> Iterator[Change]:
    pairs, gone, new = matched(before.interpretations, after.interpretations, lambda one: (one.clause, one.question))
    for one in gone:
        yield Change(one.clause, "interpretation", f"the question “{one.question}” is no longer answered: {one.choice}")
    for one in new:
        yield Change(one.clause, "interpretation", f"a new reading: “{one.question}” {one.choice}{_others(one)}")
    for was, now in pairs:
        yield from _reading(was, now)
    order = [(one.clause, one.question) for one in after.interpretations]
    if not gone and not new and order != [(one.clause, one.question) for one in before.interpretations]:
        yield Change(None, "interpretation", "the readings stand in another order")


def _others(one: Interpretation) -> str:
    listed = f" (or: {'; '.join(one.alternatives)})" if one.alternatives else ""
    return f"{listed}{f', held by {one.parameter}' if one.parameter else ''}"


def _reading(was: Interpretation, now: Interpretation) -> Iterator[Change]:
    what = f"“{now.question}”"
    if was.choice != now.choice:
        yield Change(now.clause, "interpretation", f"{what} is read: {now.choice}; instead of: {was.choice}")
    if was.alternatives != now.alternatives:
        texts = [", ".join(f"“{one}”" for one in each.alternatives) or "none" for each in (was, now)]
        yield Change(now.clause, "interpretation", instead(f"the other reading of {what}", *texts))
    if was.parameter != now.parameter:
        names = [f"held by {one.parameter}" if one.parameter else "held by no parameter" for one in (was, now)]
        yield Change(now.clause, "interpretation", instead(f"the choice of {what}", *names))


def _notices(before: Content, after: Content) -> Iterator[Change]:
    for language, template in sorted({*before.templates, *after.templates}):
        was, now = (one.templates.get((language, template)) for one in (before, after))
        clause = _sent_by(after, template) or _sent_by(before, template)
        what = f"the notice {template!r} in {language}"
        if was is None:
            yield Change(clause, "notice", f"{what} is new")
        elif now is None:
            yield Change(clause, "notice", f"{what} is gone")
        else:
            yield from reworded(clause, "notice", what, was, now)


def _sent_by(content: Content, template: str) -> str | None:
    """The clause by which a notice is first sent."""
    rules = [rule for rule, _ in content.rules]
    sending = (
        rule for rule in rules if any(isinstance(one, SendNotice) and one.template == template for one in rule.orders)
    )
    return next((rule.ground for rule in sending if rule.ground in content.clauses), None)


_COMPARED: Sequence[Callable[[Content, Content], Iterator[Change]]] = (
    _heading,
    _versions,
    _holidays,
    _counting,
    _clauses_of,
    _parameters,
    _thresholds,
    _abuse_types,
    rule_changes,
    _interpretations,
    _notices,
)
