"""A measure after it came into force: it expires, staff lift it to let the customer clean up, or accept that it was
lifted by hand.

A lift to clean is one action with two ends: the measure is lifted now, and stands again at an instant, as far as
what bore it still does.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import UNSET

from abusedesk.policy import deadlines, grounds, measures
from abusedesk.policy.docket import Deadline, Ground, Measure
from abusedesk.policy.expiry import EXPIRY
from abusedesk.policy.pending import PendingMeasure, united
from abusedesk.policy.resting import forget, rests
from abusedesk.policy.stimulus import ExpirySet, LiftedByHand, LiftedToClean

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft

BY_HAND = "safeguard:by_hand"
TO_CLEAN = "safeguard:lift_to_clean"
MAIL_PORT = 25


def lifted_by_hand(draft: "Draft", told: LiftedByHand) -> None:
    """Staff accept that a measure was lifted outside: it is over, and what the upstream did stays."""
    measure = _standing(draft, told.measure, told.ip, told.port)
    if measure is not None:
        measures.lift_own(draft, measure, (BY_HAND,), because="by_hand")


def expiry_set(draft: "Draft", told: ExpirySet) -> None:
    """Staff say until when a measure stands, or that it stands until it is lifted."""
    measure = _standing(draft, told.measure, told.ip, told.port)
    if measure is None or measure.kind == "terminate":
        return
    if told.until is None:
        deadlines.end_of(draft, measure.id, "expiry", "cancelled")
    else:
        deadlines.put(draft, "expiry", measure.id, max(told.until, draft.at), united(measure.clauses, (EXPIRY,)))


def expired(draft: "Draft", deadline: Deadline) -> None:
    """A measure's time is over."""
    deadlines.end(draft, deadline, "met")
    measure = next((one for one in draft.measures if one.id == deadline.measure), None)
    if measure is not None and measure.state == "in_force":
        measures.lift_own(draft, measure, (EXPIRY,), because="expired")


def lifted_to_clean(draft: "Draft", told: LiftedToClean) -> None:
    """Staff lift a measure until an instant; told again, the instant moves, or the measure stays lifted."""
    measure = _standing(draft, told.measure, told.ip, told.port)
    resting = _resting(draft, told.measure, told.ip, told.port)
    if measure is not None:
        if told.until is not None and told.until > draft.at and _may_rest(measure):
            _rest(draft, measure, told.until)
    elif resting is not None and told.until is None:
        forget(draft, resting)
    elif resting is not None and told.until is not None:
        deadlines.put(draft, "resume", resting.id, max(told.until, draft.at), united(resting.clauses, (TO_CLEAN,)))


def _may_rest(measure: Measure) -> bool:
    """What cannot be undone does not rest, and what the upstream did is not ours to lift."""
    return measure.kind != "terminate" and not any(one.upstream for one in measure.grounds)


def _rest(draft: "Draft", measure: Measure, until: datetime) -> None:
    measures.lift_own(draft, measure, (TO_CLEAN,), because="to_clean")
    deadlines.put(draft, "resume", measure.id, until, united(measure.clauses, (TO_CLEAN,)))


def resumed(draft: "Draft", deadline: Deadline) -> None:
    """The time to clean up is over: what still bears the measure takes it again, by the word of who lifted it."""
    deadlines.end(draft, deadline, "met")
    measure = next((one for one in draft.measures if one.id == deadline.measure), None)
    if measure is None or measure.ended is UNSET:
        return
    since = measure.ended.at
    left = tuple(one for one in measure.grounds if not one.upstream and _still_bears(draft, one, since))
    if left:
        clauses = united(*(one.clauses for one in left), (TO_CLEAN,))
        refund = all(one.refund is not False for one in left)
        measures.order(draft, PendingMeasure(measure.kind, measure.ip, measure.port, "approved", refund, clauses, left))


def _still_bears(draft: "Draft", ground: Ground, since: datetime) -> bool:
    """Whether a ground bears its measure as it did when that was lifted: nobody closed or settled it meanwhile."""
    if not grounds.bears(draft, ground):
        return False
    if ground.charge is not None:
        return any(one.id == ground.charge and one.state == "owed" for one in draft.charges)
    occurrence = next((one for one in draft.occurrences if one.id == ground.occurrence), None)
    closed = occurrence is not None and occurrence.processed_at is not None and occurrence.processed_at >= since
    return not closed and not (occurrence is not None and occurrence.closed)


def _standing(draft: "Draft", kind: str, ip: str | None, port: int | None) -> Measure | None:
    """The measure that staff speak of, where it is in force."""
    found = measures.find(draft, kind, ip, _port(kind, port))
    return found if found is not None and found.state == "in_force" else None


def _resting(draft: "Draft", kind: str, ip: str | None, port: int | None) -> Measure | None:
    """The measure that staff speak of, where it waits to stand again."""
    fitting = [one for one in draft.measures if (one.kind, one.ip, one.port) == (kind, ip, _port(kind, port))]
    return next((one for one in reversed(fitting) if rests(draft, one)), None)


def _port(kind: str, port: int | None) -> int | None:
    return (port or MAIL_PORT) if kind == "block_port" else None
