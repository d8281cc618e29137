"""What a changed pack would rewrite of the versions already in force, by which things that happened are decided."""

from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec.structs import replace

from abusedesk.policy.author.diff import Change, as_of, diff
from abusedesk.policy.author.difference import day, instead
from abusedesk.policy.author.uses import used_parameters, used_thresholds
from abusedesk.policy.facts import Settings
from abusedesk.policy.pack import Pack, Version

_EVER = datetime.min.replace(tzinfo=UTC)
_DECIDING = frozenset({"counting", "parameter", "threshold", "abuse_type", "rule"})
"""The parts that bear on a decision; what a clause, a reading or a notice says in words does not."""


def reaches_back(before: Pack, after: Pack, settings: Settings, now: datetime) -> list[str]:
    """In words, what `after` changes in versions of `before` that were in force by an instant; empty as a rule.

    A policy changes by a version of its own from a date to come. Whatever else happens to what is in force already
    changes how events of the past would be decided from now on.
    """
    dates = [*_dates(before, after, settings, now)]
    if before.currency != after.currency:
        dates.append(instead("the currency", before.currency, after.currency))
    return [*dates, *_contents(before, after, settings, now)]


def _dates(before: Pack, after: Pack, settings: Settings, now: datetime) -> Iterator[str]:
    new = {one.id: after.since(one, settings) for one in after.versions}
    old = {one.id: before.since(one, settings) for one in before.versions}
    for name, since in old.items():
        until = new.get(name)
        if name not in new and _by(since, now):
            yield f"the version {name!r}, {_since(since)}, is gone"
        elif name in new and since != until and (_by(since, now) or _by(until, now)):
            yield instead(f"the version {name!r}", _since(since), _since(until))
    for name, since in new.items():
        if name not in old and _by(since, now):
            yield f"a new version {name!r} is {_since(since)}, and decides what happened since then and comes in now"


def _by(since: datetime | None, now: datetime) -> bool:
    return since is not None and since <= now


def _since(moment: datetime | None) -> str:
    return f"in force from {day(moment)}" if moment is not None else "never in force"


def _contents(before: Pack, after: Pack, settings: Settings, now: datetime) -> Iterator[str]:
    """What differs within the versions that both have and that were in force, each difference once."""
    present = {one.id: one for one in after.versions}
    found: dict[str, list[str]] = {}
    for version in before.versions:
        if version.id in present and _by(before.since(version, settings), now):
            for change in _changes(before, version, after, present[version.id]):
                found.setdefault(str(change), []).append(version.id)
    for text, versions in found.items():
        yield f"in the version{'s' * (len(versions) > 1)} {' and '.join(map(repr, versions))}: {text}"


def _changes(before: Pack, was: Version, after: Pack, now: Version) -> Iterator[Change]:
    for change in diff(_applied(before, was), _applied(after, now)):
        if change.kind in _DECIDING and not change.words:
            yield change


def _applied(pack: Pack, version: Version) -> Pack:
    """A version with those thresholds and values alone that its rules apply.

    A value that came with a later version, for rules that hold from then on, decides nothing in an earlier one.
    """
    held = as_of(pack, version.since or _EVER)
    thresholds = {name: held.content.thresholds[name] for name in sorted(used_thresholds(held))}
    told = Pack(replace(held.content, thresholds=thresholds), held.safeguards, held.digest)
    parameters = {name: held.parameters[name] for name in sorted(used_parameters(told))}
    return Pack(replace(told.content, parameters=parameters), held.safeguards, held.digest)
