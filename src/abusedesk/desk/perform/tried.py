"""What became of each actuator that was asked for a measure: pure, from the rows that are kept with the measure.

One that was asked may have acted, whatever it answered; so all that were asked are undone when the measure is lifted.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from abusedesk.actuators.chain import Link
from abusedesk.vocabulary.instant import format_instant, parse_instant

State = Literal["asked", "acts", "left", "lifted", "again"]
"""`asked` has the order and no last word yet, `acts` brought it about, `left` was left behind for the next in the
chain, `lifted` was read back as undone. `again` may have acted and is asked once more because a person said so."""


class Tried(NamedTuple):
    """One actuator that was asked. `since` is when it first was, of this turn; `error` why it was left behind.

    `attempts` counts how often it was asked in this turn: each has as many as if it stood alone.
    """

    place: int
    actuator: str
    mark: str
    stands_in: str | None
    state: State
    since: datetime
    error: str = ""
    attempts: int = 0


class Turn(NamedTuple):
    """Whose turn it is: the place in the chain, the link there, and whether another could act after it."""

    place: int
    link: Link
    is_last: bool


def read(measures: Iterable[Any]) -> tuple[Tried, ...]:
    """What is kept with the measures of one switch. They are kept alike; one that joined later has none yet.

    Of a measure that was taken before chains were kept, its actuator is known and no more.
    """
    found: dict[tuple[int, str, str], Tried] = {}
    for one in measures:
        rows = [_from_row(row) for row in one.tried] or _of_old(one)
        found.update({(row.place, row.actuator, row.mark): row for row in rows})
    return tuple(sorted(found.values(), key=lambda row: row.place))


def rows_of(tried: Iterable[Tried]) -> list[dict[str, Any]]:
    """What is kept."""
    return [{**one._asdict(), "since": format_instant(one.since)} for one in tried]


def _from_row(row: dict[str, Any]) -> Tried:
    return Tried(**{**row, "since": parse_instant(row["since"])})


def _of_old(measure: Any) -> list[Tried]:
    state: State = "lifted" if measure.state == "lifted" else "acts" if measure.state == "in_force" else "asked"
    return [Tried(0, measure.actuator, "", None, state, measure.at)] if measure.actuator else []


def turn(links: Sequence[Link], tried: Sequence[Tried]) -> Turn:
    """Whose turn it is to bring a measure about: who acts or was asked last, else the first not left behind."""
    behind = {
        place for place, link in enumerate(links) if (one := _of_link(tried, place, link)) and one.state == "left"
    }
    busy = [
        place
        for place, link in enumerate(links)
        if (one := _of_link(tried, place, link)) and one.state in {"asked", "acts"}
    ]
    free = [place for place in range(len(links)) if place not in behind]
    place = max(busy) if busy else free[0] if free else len(links) - 1
    return Turn(place, links[place], place == len(links) - 1)


def link_behind(links: Sequence[Link], one: Tried) -> Link:
    """What undoes or looks up what was asked of an actuator: its own entry, though it stands elsewhere in the list by
    now, or the same place with other options, or any of that name, or the bare name where the brand names it no more.
    """
    same = [link for link in links if link.actuator == one.actuator]
    by_mark = [link for link in same if link.mark == one.mark]
    by_place = [link for place, link in enumerate(links) if place == one.place and link in same]
    found = next(iter([*by_mark, *by_place, *same]), Link(one.actuator, {}, timedelta(), None, one.mark))
    return found._replace(stands_in=one.stands_in)  # type: ignore[arg-type]


def asking(tried: Sequence[Tried], on: Turn, now: datetime) -> tuple[Tried, ...]:
    """As it is once the actuator whose turn it is has been asked."""
    known = _of_link(tried, on.place, on.link)
    before = known if known and known.state == "asked" else None
    since, attempts = (before.since, before.attempts) if before else (now, 0)
    fresh = Tried(on.place, on.link.actuator, on.link.mark, on.link.stands_in, "asked", since, "", attempts + 1)
    return _with(tried, known, fresh)


def now_is(tried: Sequence[Tried], one: Tried, state: State, error: str = "") -> tuple[Tried, ...]:
    """As it is once something became of one that was asked."""
    return _with(tried, one, one._replace(state=state, error=error))


def asked_at(tried: Sequence[Tried], on: Turn) -> Tried:
    """The one whose turn it is, which was asked."""
    return next(one for one in tried if one.place == on.place and one.mark == on.link.mark)


def to_undo(tried: Sequence[Tried]) -> list[Tried]:
    """All that acted or may have acted, the last that was asked first."""
    return [one for one in reversed(tried) if one.state != "lifted"]


def anew(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is kept once a person said: try again. The chain begins at its first, and what was asked is remembered."""
    return [{**row, "state": "again"} if row["state"] in {"asked", "left"} else row for row in rows]


def _of_link(tried: Sequence[Tried], place: int, link: Link) -> Tried | None:
    """What was asked of a link: of its very entry, or of the one of that name that stood at its place."""
    same = [one for one in tried if one.actuator == link.actuator]
    exact = next((one for one in same if one.mark == link.mark), None)
    return exact or next((one for one in same if one.place == place), None)


def _with(tried: Sequence[Tried], before: Tried | None, after: Tried) -> tuple[Tried, ...]:
    rest = [one for one in tried if one is not before]
    return tuple(sorted([*rest, after], key=lambda one: one.place))
