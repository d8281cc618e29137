"""The kinds of alert, how grave each is, and what a brand says otherwise.

`page` wakes whoever is on call, again and again until somebody acknowledges; `tell` goes to the team once; `nothing`
is not even kept. A brand's setting `alerts` changes a kind, and its `office_hours` say when people look by themselves.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal, NamedTuple, cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Severity = Literal["page", "tell", "nothing"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
ALERTS = "alerts"
"""The brand's setting: severities by kind, where they are not the product's."""

OFFICE_HOURS = "office_hours"
"""The brand's setting, as `Mon-Fri 09:00-18:00 Europe/Berlin`. Without it no hour is office hours."""


class Kind(NamedTuple):
    """A kind of alert. `in_office` is its severity while the brand's office is open, where that is another."""

    title: str
    severity: Severity
    in_office: Severity | None = None


KINDS: dict[str, Kind] = {
    "blast_radius": Kind("Too many measures at once: further ones are proposed", "page"),
    "brake": Kind("Many deadlines at once are held", "page"),
    "brand_held": Kind("A brand was stopped by the desk itself", "page"),
    "protected": Kind("A proposal on a protected customer", "page", "tell"),
    "proposal": Kind("A proposal waits for a person", "nothing"),
    "overdue": Kind("A proposal waits too long", "tell"),
    "measure_failed": Kind("A measure failed for good", "page"),
    "notice_failed": Kind("A notice failed for good", "tell"),
    "drift": Kind("A measure was undone outside and is not taken again", "tell"),
    "channel": Kind("A channel is not read", "page"),
    "inventory": Kind("An inventory is not read or stale", "tell"),
    "clock": Kind("The clocks differ", "page"),
    "standstill": Kind("Deadlines or orders stand still", "page"),
    "authority": Kind("A request of an authority came in", "page"),
    "duty": Kind("An upstream demands something", "page"),
    "break_glass": Kind("Somebody approved alone what another should have", "tell"),
}
"""What is told of, with the product's severities."""

OF_THE_HOUSE = frozenset({"clock", "standstill"})
"""Kinds that are no brand's: they are as grave for everybody."""

TEST = "test"
"""The kind of an alert that somebody sent to try a way."""


class Hours(NamedTuple):
    """Office hours: days of the week (Monday is 0) and times of day. `until` before `since` passes midnight."""

    days: frozenset[int]
    since: time
    until: time
    zone: str


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([A-Za-z]{3}(?:[-,][A-Za-z]{3})*) (\d\d:\d\d)-(\d\d:\d\d)(?: (\S+))?")
EXAMPLE = "Mon-Fri 09:00-18:00 Europe/Berlin"


def read_hours(text: str) -> Hours:
    """Office hours as they are written. Raises ValueError that says what is wrong."""
    match = _HOURS.fullmatch(" ".join(text.split()))
    if match is None:
        raise ValueError(f"{text!r} are no office hours; write them as {EXAMPLE}")
    days, since, until, zone = match.groups()
    return Hours(_days(days.lower()), _time(since), _time(until), zone_of(zone or "UTC"))


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise ValueError(f"{part!r} names no days; write Mon, Tue … Sun, or Mon-Fri")
        start, end = DAYS.index(first), DAYS.index(last or first)
        found |= {day % 7 for day in range(start, (end if end >= start else end + 7) + 1)}
    return frozenset(found)


def _time(text: str) -> time:
    if text == "24:00":
        return time.max
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time of day such as 09:00") from None


def zone_of(name: str) -> str:
    """The name of a time zone that is known. Raises ValueError."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; write one such as Europe/Berlin or UTC") from None


def is_open(hours: Hours, at: datetime) -> bool:
    """Whether the office is open at an instant."""
    local = at.astimezone(ZoneInfo(hours.zone))
    now, day = local.time().replace(tzinfo=None), local.weekday()
    if hours.since <= hours.until:
        return day in hours.days and hours.since <= now < hours.until
    # The night after a day belongs to that day.
    return (day in hours.days and now >= hours.since) or ((day - 1) % 7 in hours.days and now < hours.until)


def next_open(hours: Hours, at: datetime) -> datetime:
    """The first instant from `at` on at which the office is open."""
    if is_open(hours, at):
        return at
    zone = ZoneInfo(hours.zone)
    today = at.astimezone(zone).date()
    days = (today + timedelta(days=step) for step in range(9))
    begins = (datetime.combine(day, hours.since, zone).astimezone(UTC) for day in days if day.weekday() in hours.days)
    return next(one for one in begins if one > at)


def office_hours(settings: Mapping[str, Any]) -> Hours | None:
    """The brand's office hours, or None where it says none that can be read."""
    try:
        return read_hours(str(settings.get(OFFICE_HOURS) or ""))
    except ValueError:
        return None


def quiet_until(severity: str, person: str, settings: Mapping[str, Any], at: datetime) -> datetime | None:
    """From when on it may be told that an alert is over: at once where it may wake, else while the office is open.

    None says never: without office hours it is always night, and only the team's ways wake nobody.
    """
    hours = office_hours(settings)
    if severity == "page" or (hours is None and not person):
        return at
    return next_open(hours, at) if hours is not None else None


def severity_of(kind: str, settings: Mapping[str, Any], at: datetime) -> Severity:
    """How grave a kind is for a brand at an instant. What the brand says holds at all hours, office or not."""
    known = KINDS[kind]
    said = _said(settings).get(kind)
    if said is not None:
        return said
    return known.in_office if known.in_office is not None and _office_is_open(settings, at) else known.severity


def _said(settings: Mapping[str, Any]) -> dict[str, Severity]:
    given = settings.get(ALERTS)
    kept = given if isinstance(given, dict) else {}
    return {kind: cast("Severity", one) for kind, one in kept.items() if one in SEVERITIES}


def _office_is_open(settings: Mapping[str, Any], at: datetime) -> bool:
    hours = office_hours(settings)
    return hours is not None and is_open(hours, at)
