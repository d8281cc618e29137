"""Periods as bars on a common scale, for the small drawings of assignment histories."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from abusedesk.records.models import Assignment

WIDTH = 1000


class Span(NamedTuple):
    """One assignment as a bar: where it begins and how long it is, of WIDTH units; `on` where it holds the moment."""

    assignment: Assignment
    since: datetime
    until: datetime | None
    x: int
    width: int
    on: bool


class Scale(NamedTuple):
    """The bars and where the moment lies on their scale."""

    spans: list[Span]
    moment_x: int


def spans_of(assignments: Iterable[Assignment], moment: datetime) -> Scale:
    """The assignments as bars from the first beginning to just after the moment or the last end."""
    held = list(assignments)
    begin = min((one.period.lower for one in held), default=moment)
    last = max([moment, *(one.period.upper for one in held if one.period.upper)])
    end = last + max((last - begin) / 40, timedelta(hours=1))
    whole = (end - begin) / timedelta(seconds=1)

    def place(at: datetime) -> int:
        return round(float((at - begin) / timedelta(seconds=1) / whole) * WIDTH)

    return Scale(
        [_span(one, moment, place(one.period.lower), place(one.period.upper or end)) for one in held], place(moment)
    )


def _span(one: Assignment, moment: datetime, x: int, until: int) -> Span:
    period = one.period
    on = period.lower <= moment and (period.upper is None or moment < period.upper)
    return Span(one, period.lower, period.upper, x, max(until - x, 6), on)
