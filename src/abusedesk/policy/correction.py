"""Correction: what staff undo as their own mistake, and deadlines that stand still while a customer appeals.

Everything is looked for by what it is. What is not there, or is over already, is passed over.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import UNSET
from msgspec.structs import replace

from abusedesk.policy import charges, deadlines, measures, occurrences, rejection
from abusedesk.policy.docket import Charge, Deadline, Measure, Occurrence, stands
from abusedesk.policy.pending import united
from abusedesk.policy.resting import forget, rests
from abusedesk.policy.stimulus import Corrected, OfCharge, OfDeadline, OfMeasure, Paused, Resumed

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft

OUR_MISTAKE = "safeguard:our_mistake"
APPEAL = "safeguard:appeal"
CLAUSES = (OUR_MISTAKE,)


def correct(draft: "Draft", told: Corrected) -> None:
    """Undoes what is named, and then whatever rested on it alone."""
    for occurrence in list(_occurrences(draft, told.occurrences)):
        _undo(draft, occurrence)
    for occurrence in list(_occurrences(draft, told.strikes)):
        _forgive_strike(draft, occurrence)
    draft.occurrence = None
    for charge in told.charges:
        _forgive_charge(draft, charge)
    rejection.drop_fallen(draft, CLAUSES)
    for measure in told.measures:
        _lift(draft, measure)
    for measure in told.refunds:
        _refund(draft, measure)
    for deadline in _deadlines(draft, told.deadlines):
        deadlines.end(draft, deadline, "cancelled")


def _occurrences(draft: "Draft", reports: Iterable[str]) -> Iterator[Occurrence]:
    found = (occurrences.find_report(draft, one) for one in reports)
    return iter({one[0].id: one[0] for one in found if one is not None}.values())


def _undo(draft: "Draft", occurrence: Occurrence) -> None:
    """None of its reports counts here any more; the next one opens another occurrence."""
    draft.occurrence = replace(occurrence, undone_at=draft.at, closed=True)
    draft.keep_occurrence(draft.occurrence)
    rejection.annul(draft, draft.occurrence, CLAUSES)
    deadlines.cancel_reply(draft, occurrence.id)


def _forgive_strike(draft: "Draft", occurrence: Occurrence) -> None:
    draft.occurrence = occurrence
    rejection.annul(draft, occurrence, CLAUSES)
    annulled = draft.occurrence
    if annulled.strike is not None:
        draft.keep_occurrence(replace(annulled, strike=replace(annulled.strike, forgiven=True)))


def _forgive_charge(draft: "Draft", named: OfCharge) -> None:
    charge = next((one for one in draft.charges if _is_charge(one, named)), None)
    if charge is not None:
        charge = replace(charge, forgiven=True)
        draft.keep_charge(charge)
        charges.withdraw(draft, charge, CLAUSES)


def _is_charge(charge: Charge, named: OfCharge) -> bool:
    same = (charge.item, charge.at, charge.ip) == (named.item, named.at, named.ip)
    return same and charge.state != "withdrawn"


def _lift(draft: "Draft", named: OfMeasure) -> None:
    for measure in draft.measures:
        if not _is_measure(measure, named):
            continue
        if stands(measure):
            measures.lift_own(draft, measure, CLAUSES)
        elif rests(draft, measure):
            forget(draft, measure)


def _is_measure(measure: Measure, named: OfMeasure) -> bool:
    return (measure.kind, measure.ip, measure.port) == (named.kind, named.ip, named.port)


def _refund(draft: "Draft", named: OfMeasure) -> None:
    """What was taken without refund is with refund again."""
    measure = next((one for one in draft.measures if stands(one) and _is_measure(one, named)), None)
    if measure is None or measure.refund is not False:
        return
    grounds = tuple(replace(one, refund=True) if one.refund is False else one for one in measure.grounds)
    restored = replace(measure, refund=True, grounds=grounds)
    draft.keep_measure(restored)
    if measure.state == "in_force" or not measures.closed(draft):
        measures.say(draft, restored, united(CLAUSES, measure.clauses))


# --- deadlines ------------------------------------------------------------------------------------------------------


def pause(draft: "Draft", told: Paused) -> None:
    """Deadlines stand still, and what begins for a disputed occurrence will."""
    for occurrence in _occurrences(draft, told.occurrences or ()):
        if occurrence.disputed_at is UNSET:
            draft.keep_occurrence(replace(occurrence, disputed_at=draft.at))
    for deadline in _deadlines(draft, told.deadlines):
        deadlines.pause(draft, deadline)


def resume(draft: "Draft", told: Resumed) -> None:
    """Deadlines go on, later by as long as they stood still, and the counts of time that they are part of with them."""
    freed = frozenset(one.id for one in _occurrences(draft, told.occurrences or ()))
    for occurrence in draft.occurrences:
        if occurrence.id in freed:
            draft.keep_occurrence(replace(occurrence, disputed_at=UNSET))
    going_on = {one.id: one for one in (*_deadlines(draft, told.deadlines), *deadlines.held_back(draft, freed))}
    for deadline in going_on.values():
        stood = deadlines.resume(draft, deadline, (APPEAL,))
        if stood and deadline.occurrence is not None:
            deadlines.delay_chain(draft, deadline.occurrence, stood)


def _deadlines(draft: "Draft", named: tuple[OfDeadline, ...]) -> list[Deadline]:
    """The open deadlines that are named, each once."""
    wanted = {(one.name, one.due, _occurrence_of(draft, one)) for one in named}
    running = (one for one in draft.deadlines if one.state == "open")
    return [one for one in running if (one.name, one.due, one.occurrence) in wanted]


def _occurrence_of(draft: "Draft", named: OfDeadline) -> str | None:
    found = occurrences.find_report(draft, named.report) if named.report is not None else None
    return found[0].id if found is not None else None
