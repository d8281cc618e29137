"""Who is on call: turns of a week that follow one another, handed over at an hour of a weekday, and who stands in.

Turns are counted in the rota's own clock on the wall, so that a handover at nine stays at nine when the clocks change.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from abusedesk.desk.oncall.kinds import zone_of

WEEK = timedelta(days=7)
_FORM = "%Y-%m-%d %H:%M"


class StandIn(NamedTuple):
    """Somebody else is on call from an instant until another: a holiday, an illness, a swapped night."""

    since: datetime
    until: datetime
    who: str


class Turns(NamedTuple):
    """A rota of one level. `first` is a day in the week of the first turn; before it the turns go on backwards.

    `weekday` (Monday is 0) and `hour` are when the next takes over, in `zone`. Of stand-ins that overlap the last
    written counts.
    """

    people: tuple[str, ...]
    first: date
    weekday: int = 0
    hour: int = 9
    zone: str = "UTC"
    stand_ins: tuple[StandIn, ...] = ()


def on_call(turns: Turns, at: datetime) -> str:
    """Who is on call at an instant. There always is somebody, as long as anybody has a turn."""
    for one in reversed(turns.stand_ins):
        if one.since <= at < one.until:
            return one.who
    return turns.people[number_of(turns, at) % len(turns.people)]


def number_of(turns: Turns, at: datetime) -> int:
    """The number of the turn that holds at an instant; 0 is the first."""
    wall = at.astimezone(ZoneInfo(turns.zone)).replace(tzinfo=None) - timedelta(hours=turns.hour)
    return (_handover_day(turns, wall.date()) - _handover_day(turns, turns.first)) // WEEK


def _handover_day(turns: Turns, day: date) -> date:
    """The day on which the turn that holds on a day began."""
    return day - timedelta(days=(day.weekday() - turns.weekday) % 7)


def next_handover(turns: Turns, at: datetime) -> datetime:
    """When the next takes over."""
    zone = ZoneInfo(turns.zone)
    wall = at.astimezone(zone).replace(tzinfo=None) - timedelta(hours=turns.hour)
    day = _handover_day(turns, wall.date()) + WEEK
    return datetime.combine(day, time(turns.hour), zone).astimezone(UTC)


def ahead(turns: Turns, at: datetime, weeks: int = 8) -> list[tuple[datetime, str]]:
    """Who takes over when, from now on: turns and stand-ins as they will really be, each change once."""
    instants = {at}
    handover = at
    for _ in range(weeks):
        handover = next_handover(turns, handover)
        instants.add(handover)
    instants |= {edge for one in turns.stand_ins for edge in (one.since, one.until) if at < edge <= handover}
    found: list[tuple[datetime, str]] = []
    for moment in sorted(instants):
        who = on_call(turns, moment)
        if not found or found[-1][1] != who:
            found.append((moment, who))
    return found


def read_people(text: str) -> tuple[str, ...]:
    """The people in their turns, one a line. Raises ValueError where there is none."""
    people = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not people:
        raise ValueError("nobody has a turn; write one name a line, the first turn first")
    return people


def read_stand_ins(text: str, zone: str) -> tuple[StandIn, ...]:
    """Stand-ins as they are written, one a line: `2026-12-24 09:00 to 2026-12-27 09:00 ben`, in the rota's zone.

    Raises ValueError that names the line.
    """
    return tuple(_stand_in(line.strip(), zone_of(zone)) for line in text.splitlines() if line.strip())


def _stand_in(line: str, zone: str) -> StandIn:
    since, to, rest = line.partition(" to ")
    words = rest.split(maxsplit=2)
    refusal = f"{line!r} is none; write 2026-12-24 09:00 to 2026-12-27 09:00 NAME"
    if not to or len(words) != 3:
        raise ValueError(refusal)
    try:
        begins, ends = (_instant(one, zone) for one in (since, f"{words[0]} {words[1]}"))
    except ValueError:
        raise ValueError(refusal) from None
    if ends <= begins:
        raise ValueError(f"{line!r} ends before it begins")
    return StandIn(begins, ends, words[2])


def _instant(text: str, zone: str) -> datetime:
    return datetime.strptime(" ".join(text.split()), _FORM).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def written(stand_ins: Sequence[StandIn], zone: str) -> str:
    """Stand-ins as `read_stand_ins` reads them."""
    here = ZoneInfo(zone)
    lines = (
        f"{one.since.astimezone(here):{_FORM}} to {one.until.astimezone(here):{_FORM}} {one.who}" for one in stand_ins
    )
    return "\n".join(lines)
