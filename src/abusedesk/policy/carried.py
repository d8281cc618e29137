"""What is carried over from another system: old tickets and balances, recorded as they were, with nothing following.

A carried strike counts for what comes next, and lapses by its own date. Nothing is noticed, measured, charged or set
going because of it: whatever was to follow then, followed in the other system.
"""

from typing import TYPE_CHECKING

from msgspec import UNSET
from msgspec.structs import replace

from abusedesk.policy import occurrences, strikes
from abusedesk.policy.docket import Charge, HeardReport, Occurrence, Strike
from abusedesk.policy.stimulus import CarriedBalance, CarriedTicket

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft


def report_of(carried: CarriedTicket) -> str:
    """What the old ticket is called where a report is: staff reject it by this name. One corrected has a new one."""
    revision = "" if carried.revision is UNSET else f" (corrected {carried.revision})"
    return f"{carried.source}:{carried.ticket}{revision}"


def ticket(draft: "Draft", carried: CarriedTicket) -> None:
    """An old ticket becomes an occurrence that is over; one that counted there counts here. Known ones change nothing.

    It stands for no events, so that no amount that counts events rises by it.
    """
    if occurrences.find_report(draft, report_of(carried)) is not None:
        return
    heard = HeardReport(
        report_of(carried),
        carried.happened_at,
        carried.category,
        carried.ips,
        0,
        "verified" if carried.struck else "unverified",
        carried.happened_at,
    )
    occurrence = Occurrence(
        draft.new_id("o"),
        draft.pack.abuse_type(carried.category, draft.version).name,
        carried.happened_at,
        draft.version.id if draft.version is not None else "",
        (heard,),
        processed_at=draft.at,
        closed=True,
    )
    draft.occurrences = _in_time(draft.occurrences, occurrence)
    draft.occurrence, draft.report = occurrence, heard
    if carried.struck:
        _strike(draft, occurrence)


def balance(draft: "Draft", carried: CarriedBalance) -> None:
    """What was owed there is owed here, without a deadline; what was paid too much is credit."""
    if carried.amount < 0:
        draft.credit -= carried.amount
        return
    clauses = (draft.pack.content.counting.clause,)
    charge = Charge(
        draft.new_id("c"),
        carried.item,
        carried.happened_at,
        carried.amount,
        0,
        draft.pack.currency,
        "approved",
        clauses,
        "owed",
        owed_at=carried.happened_at,
    )
    draft.charges = (*draft.charges, charge)


def _strike(draft: "Draft", occurrence: Occurrence) -> None:
    clauses = (draft.pack.content.counting.clause,)
    before = [one for one in strikes.counting(draft) if one.opened_at <= occurrence.opened_at]
    of_type = 1 + sum(one.abuse_type == occurrence.abuse_type for one in before)
    lapse = draft.terms.lapse(occurrence.abuse_type) if draft.terms is not None else None
    lapses_at = strikes.lapse_of(occurrence.opened_at, lapse)
    strike = Strike(len(before) + 1, occurrence.opened_at, lapses_at, clauses, of_type=of_type)
    draft.keep_occurrence(replace(occurrence, strike=strike))
    strikes.say(draft, occurrence, strike)


def _in_time(known: tuple[Occurrence, ...], one: Occurrence) -> tuple[Occurrence, ...]:
    """An old occurrence takes its place in time: the last of a type is the one that may be running."""
    return tuple(sorted((*known, one), key=lambda each: each.opened_at))
