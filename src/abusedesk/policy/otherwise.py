"""Otherwise: how a docket would stand had some reports never come, and what stands in it only because they did.

The docket's own history is decided once more without them, under the packs and with the facts of then. Deadlines are
let pass when they passed then, where they would have been due; those that would have been due at other times are not
let pass, in the customer's favour.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Literal, NamedTuple

from msgspec.structs import replace

from abusedesk.policy.carried import report_of
from abusedesk.policy.decide import decide
from abusedesk.policy.docket import Charge, Deadline, Docket, Measure, Occurrence, charged, stands
from abusedesk.policy.facts import Facts
from abusedesk.policy.pack import Pack
from abusedesk.policy.stimulus import (
    AnyStimulus,
    CarriedTicket,
    DeadlineDropped,
    DeadlinePassed,
    Report,
    Verification,
)
from abusedesk.policy.strikes import struck

Because = Literal["counted", "proposed", "refund"]
"""Why something follows: it would not be, it would only be proposed, or it would be with refund."""


class Then(NamedTuple):
    """A stimulus as it was decided then."""

    stimulus: AnyStimulus
    facts: Facts
    pack: Pack
    at: datetime


class Followed(NamedTuple):
    """What stands only because of what is undone: a measure, a charge, a strike or a deadline, by its id."""

    what: Literal["strike", "measure", "charge", "deadline"]
    id: str
    because: Because


def without(docket: Docket, history: Iterable[Then], reports: frozenset[str]) -> Docket:
    """The docket as it would stand without some reports. `docket` is the one that the history begins with."""
    was = other = docket
    for then in history:
        stimulus = _told_otherwise(then.stimulus, was, other, reports)
        if stimulus is not None:
            other = decide(other, stimulus, then.facts, then.pack, then.at).docket
        was = decide(was, then.stimulus, then.facts, then.pack, then.at).docket
    return other


def _told_otherwise(stimulus: AnyStimulus, was: Docket, other: Docket, reports: frozenset[str]) -> AnyStimulus | None:
    """The stimulus in the other history; None where it would not have come."""
    if isinstance(stimulus, DeadlinePassed | DeadlineDropped):
        due = next((one for one in was.deadlines if one.id == stimulus.deadline), None)
        same = next((one.id for one in other.deadlines if due is not None and _is_same(one, due)), None)
        return replace(stimulus, deadline=same) if same is not None else None
    return None if _report(stimulus) in reports else stimulus


def _is_same(one: Deadline, due: Deadline) -> bool:
    return one.state == "open" and (one.name, one.due) == (due.name, due.due)


def _report(stimulus: AnyStimulus) -> str | None:
    if isinstance(stimulus, Report):
        return stimulus.id
    if isinstance(stimulus, Verification):
        return stimulus.report
    return report_of(stimulus) if isinstance(stimulus, CarriedTicket) else None


# --- what stands only because of it ---------------------------------------------------------------------------------


def followed(now: Docket, otherwise: Docket) -> list[Followed]:
    """What stands now and would not otherwise, or not so."""
    return [
        *_strikes(now, otherwise),
        *(one for measure in now.measures if (one := _measure(measure, otherwise)) is not None),
        *_charges(now, otherwise),
        *_deadlines(now, otherwise),
    ]


def _strikes(now: Docket, otherwise: Docket) -> list[Followed]:
    counted = {report.id for one in otherwise.occurrences if struck(one) for report in one.reports}
    return [
        Followed("strike", one.id, "counted")
        for one in now.occurrences
        if struck(one) and not any(report.id in counted for report in one.reports)
    ]


def _measure(measure: Measure, otherwise: Docket) -> Followed | None:
    if not stands(measure) or measure.upstream:
        return None
    target = (measure.kind, measure.ip, measure.port)
    same = next((one for one in otherwise.measures if stands(one) and (one.kind, one.ip, one.port) == target), None)
    if same is None:
        return Followed("measure", measure.id, "counted")
    if same.state == "proposed" and measure.state == "in_force":
        return Followed("measure", measure.id, "proposed")
    lost = measure.refund is False and same.refund is True
    return Followed("measure", measure.id, "refund") if lost else None


def _charges(now: Docket, otherwise: Docket) -> list[Followed]:
    """The charges beyond those that would stand for the same, the latest of them first."""
    left = Counter(_sum(one) for one in otherwise.charges if charged(one))
    found = []
    for one in (one for one in now.charges if charged(one)):
        if left[_sum(one)] > 0:
            left[_sum(one)] -= 1
        else:
            found.append(Followed("charge", one.id, "counted"))
    return found


def _sum(charge: Charge) -> tuple[str, str | None, str | None, int]:
    return charge.item, charge.ip, charge.case, charge.amount


def _deadlines(now: Docket, otherwise: Docket) -> list[Followed]:
    """The replies waited for in occurrences that would wait for none."""
    waiting = {
        report.id
        for deadline in otherwise.deadlines
        if deadline.state == "open"
        for one in otherwise.occurrences
        if one.id == deadline.occurrence
        for report in one.reports
    }
    of = {one.id: one for one in now.occurrences}
    return [
        Followed("deadline", one.id, "counted")
        for one in now.deadlines
        if one.state == "open" and one.occurrence in of and not _any_in(of[one.occurrence], waiting)
    ]


def _any_in(occurrence: Occurrence, reports: set[str]) -> bool:
    return any(one.id in reports for one in occurrence.reports)
