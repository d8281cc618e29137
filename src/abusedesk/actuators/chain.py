"""A brand's actuators for one kind of measure, in the order in which they act: the first, and its fallbacks.

A brand's entry is one actuator, or a list of them. The first acts. What has not brought the measure about within its
`within` is left behind, and the next acts; the last has no such end and is tried until a person is asked.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from hashlib import sha256
from json import dumps
from typing import Any, NamedTuple

from abusedesk.actuators.registry import DEFAULT
from abusedesk.problem import Problem
from abusedesk.vocabulary.duration import parse_duration
from abusedesk.vocabulary.measure import MeasureKind

WITHIN = timedelta(minutes=1)
"""How long an actuator has before the next one acts, where its entry does not say."""

LONGEST = timedelta(hours=1)
"""Longer than that nobody waits for an actuator that has a fallback."""

OWN = ("actuator", "within", "as")
"""The keys of an entry that are the chain's own; every other is an option of the actuator."""

STAND_IN: MeasureKind = "null_route"
"""What a fallback may bring about in place of a suspension or a shutdown: the service out of reach, and no more."""

STANDS_IN_FOR = ("suspend", "shutdown")
"""In place of a closed port or a limited rate it would be harsher than what was ordered."""


class Link(NamedTuple):
    """One actuator of a chain. `stands_in` is what it brings about instead of the measure's own kind; `mark` tells its
    entry from another of the same actuator, also after the brand's list was put in another order.
    """

    actuator: str
    options: dict[str, Any]
    within: timedelta
    stands_in: MeasureKind | None
    mark: str


def chain_of(choice: Mapping[str, Any], kind: str) -> tuple[Link, ...]:
    """A brand's chain for a kind: its own entry, else `default`, else the console. Raises Problem for a wrong one."""
    entry = choice.get(kind)
    if entry is None or entry == {}:
        entry = choice.get("default", {})
    links = tuple(_link(one, kind) for one in (entry if isinstance(entry, list) else [entry]))
    marks = [one.mark for one in links]
    twice = next((one.actuator for place, one in enumerate(links) if one.mark in marks[:place]), None)
    if twice is not None:
        raise Problem(f"{twice} stands in the list twice with the same options")
    if not links:
        raise Problem("the list names no actuator")
    return links


def names_of(entry: Any) -> str:
    """An entry in a few words: `webhook, then gobgp`."""
    entries: Iterable[Any] = entry if isinstance(entry, list) else [entry]
    return ", then ".join(str(one.get("actuator", DEFAULT)) for one in entries)


def _link(entry: Any, kind: str) -> Link:
    if not isinstance(entry, dict):
        raise Problem(f'an entry is a mapping such as {{"actuator": "console"}}, or a list of them, not {entry!r}')
    options = {key: value for key, value in entry.items() if key not in OWN}
    name, stands_in = str(entry.get("actuator", DEFAULT)), _stands_in(entry.get("as"), kind)
    mark = sha256(dumps([name, options, stands_in], sort_keys=True, default=str).encode()).hexdigest()[:12]
    return Link(name, options, _within(entry.get("within")), stands_in, mark)


def _within(given: Any) -> timedelta:
    if given is None:
        return WITHIN
    try:
        found = parse_duration(str(given))
    except ValueError as error:
        raise Problem(f"within cannot be {given!r}: {error}; write PT30S or PT5M") from None
    if found > LONGEST:
        raise Problem(f"within cannot be {given!r}; an hour is the longest")
    return found


def _stands_in(given: Any, kind: str) -> MeasureKind | None:
    if given is None:
        return None
    if given != STAND_IN or kind not in STANDS_IN_FOR:
        raise Problem(
            f"as cannot be {given!r} for {kind}; only {STAND_IN} can, in place of {' or '.join(STANDS_IN_FOR)}"
        )
    return STAND_IN
