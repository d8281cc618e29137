"""Deadlines: for the customer's reply to an occurrence, and for the payment of what was charged at one instant."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from msgspec import UNSET
from msgspec.structs import replace

from abusedesk.policy.decision import SetDeadline
from abusedesk.policy.docket import Charge, Deadline
from abusedesk.policy.pending import united
from abusedesk.policy.rule import Calendar

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft

_SATURDAY, _WEEK = 5, 7
_MOST_DAYS = 3660
"""Ten years: the longest that a deadline in business days is counted day by day."""

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


def later(moment: datetime, by: timedelta) -> datetime:
    """An instant moved by a duration, within what the calendar knows."""
    try:
        return moment + by
    except OverflowError:
        return END_OF_TIME if by > timedelta() else datetime.min.replace(tzinfo=UTC)


def earlier(moment: datetime, by: timedelta) -> datetime:
    """An instant moved back by a duration, within what the calendar knows."""
    try:
        return moment - by
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) if by > timedelta() else END_OF_TIME


def due(draft: "Draft", parameter: str, calendar: Calendar, mandate: timedelta | None = None) -> datetime:
    """When a deadline of a parameter's length from now is due, or by the mandate where that is sooner."""
    length = draft.terms.duration(parameter) if draft.terms is not None else timedelta()
    normal = later(draft.at, length) if calendar == "all" else _after_business(draft, length)
    return min(normal, later(draft.at, max(mandate, timedelta()))) if mandate is not None else normal


def _after_business(draft: "Draft", length: timedelta) -> datetime:
    """The present moved by a duration of which Saturdays, Sundays and the pack's holidays (UTC) do not count."""
    holidays = frozenset(draft.pack.content.holidays.days)
    days, rest = length.days, length - timedelta(days=length.days)
    moment = _business(draft.at, holidays)
    for _ in range(min(days, _MOST_DAYS)):
        moment = _business(later(moment, timedelta(days=1)), holidays)
    return _business(later(moment, rest), holidays)


def _business(moment: datetime, holidays: frozenset[date]) -> datetime:
    """The instant itself, or the same time of the next day that is neither a weekend nor a holiday."""
    moment = _weekday(moment)
    while moment.date() in holidays and moment < END_OF_TIME:
        moment = _weekday(later(moment, timedelta(days=1)))
    return moment


def _weekday(moment: datetime) -> datetime:
    """The instant itself, or on a weekend the same time of the next Monday."""
    return later(moment, timedelta(days=max(0, _WEEK - moment.weekday()))) if moment.weekday() >= _SATURDAY else moment


def find(draft: "Draft", deadline: str) -> Deadline | None:
    """A deadline by its id."""
    for one in draft.deadlines:
        if one.id == deadline:
            return one
    return None


def start_reply(draft: "Draft", name: str, due: datetime, clauses: tuple[str, ...]) -> None:
    """A deadline of the occurrence at hand."""
    _start(draft, name, due, clauses, draft.occurrence.id if draft.occurrence is not None else None)


def shorten_reply(draft: "Draft", name: str, due: datetime, clauses: tuple[str, ...]) -> None:
    """Replaces the occurrence's open deadline where the new one ends sooner."""
    occurrence = draft.occurrence
    for one in draft.deadlines:
        if (
            occurrence is not None
            and one.occurrence == occurrence.id
            and one.state == "open"
            and one.name == name
            and due < one.due
        ):
            end(draft, one, "replaced")
            _start(draft, name, due, clauses, occurrence.id)


def start_payment(draft: "Draft", charge: Charge, name: str, due: datetime, clauses: tuple[str, ...]) -> None:
    """A deadline for a charge; charges owed since one instant share one."""
    shared = next(
        (one for one in draft.deadlines if one.name == name and one.due == due and _covers_now(draft, one)), None
    )
    if shared is None:
        shared = _start(draft, name, due, clauses, None)
    elif shared.state != "open":
        draft.keep_deadline(replace(shared, state="open"))
    draft.keep_charge(replace(charge, deadline=shared.id))
    if _is_disputed(draft, bearing(charge)):
        pause(draft, next(one for one in draft.deadlines if one.id == shared.id))


def cancel_reply(draft: "Draft", occurrence: str) -> None:
    """Ends the open reply deadlines of an occurrence that nothing bears any more."""
    for one in draft.deadlines:
        if one.occurrence == occurrence and one.state == "open":
            end(draft, one, "cancelled")


def end(draft: "Draft", deadline: Deadline, state: Literal["met", "missed", "cancelled", "replaced"]) -> None:
    """Ends a deadline."""
    draft.keep_deadline(replace(deadline, state=state))


def of(draft: "Draft", measure: str, name: str) -> Deadline | None:
    """The open deadline of a name that is about a measure."""
    for one in draft.deadlines:
        if one.measure == measure and one.name == name and one.state == "open":
            return one
    return None


def put(draft: "Draft", name: str, measure: str, due: datetime, clauses: tuple[str, ...]) -> None:
    """A deadline about a measure; it takes the place of the one of that name that runs."""
    end_of(draft, measure, name, "replaced")
    deadline = Deadline(draft.new_id("d"), name, due, clauses, measure=measure)
    draft.deadlines = (*draft.deadlines, deadline)
    _say(draft, deadline)


def end_of(draft: "Draft", measure: str, name: str, state: Literal["cancelled", "replaced"]) -> None:
    """Ends the deadline of a name that is about a measure, where one runs."""
    running = of(draft, measure, name)
    if running is not None:
        end(draft, running, state)


def postpone(draft: "Draft", by: timedelta) -> None:
    """Moves every open deadline, and the count of time since the first notice with them.

    An expiry stays where it is: no pause of ours prolongs what is done to a customer. What stands still already stands
    as if it had since the earlier beginning of the two.
    """
    since = earlier(draft.at, by)
    for one in draft.deadlines:
        if one.state == "open" and one.paused_at is not UNSET:
            draft.keep_deadline(replace(one, paused_at=min(one.paused_at, since)))
        elif one.state == "open" and one.name != "expiry":
            moved = replace(one, due=later(one.due, by))
            draft.keep_deadline(moved)
            _say(draft, moved)
    for occurrence in draft.occurrences:
        if occurrence.chain_from is not None and occurrence.processed_at is None:
            draft.keep_occurrence(replace(occurrence, chain_from=later(occurrence.chain_from, by)))


def pause(draft: "Draft", deadline: Deadline) -> None:
    """A deadline stands still. An expiry does not: no pause of ours prolongs what is done to a customer."""
    if deadline.state == "open" and deadline.paused_at is UNSET and deadline.name != "expiry":
        draft.keep_deadline(replace(deadline, paused_at=draft.at))


def resume(draft: "Draft", deadline: Deadline, clauses: tuple[str, ...]) -> timedelta:
    """A deadline goes on, later by as long as it stood still. Returns how long that was."""
    if deadline.state != "open" or deadline.paused_at is UNSET:
        return timedelta()
    stood = max(draft.at - deadline.paused_at, timedelta())
    cited = united(deadline.clauses, clauses)
    moved = replace(deadline, due=later(deadline.due, stood), paused_at=UNSET, clauses=cited)
    draft.keep_deadline(moved)
    _say(draft, moved)
    return stood


def held_back(draft: "Draft", freed: frozenset[str]) -> list[Deadline]:
    """The deadlines that stand still for disputed occurrences of which none is disputed any more."""
    still = [one for one in draft.deadlines if one.state == "open" and one.paused_at is not UNSET]
    found = ((one, _concerned(draft, one)) for one in still)
    return [one for one, about in found if about & freed and not _is_disputed(draft, about)]


def _concerned(draft: "Draft", deadline: Deadline) -> set[str]:
    """The occurrences that a deadline is about: its own, or those that bear what it is there to have paid."""
    own = {deadline.occurrence} if deadline.occurrence is not None else set()
    return own.union(*(bearing(one) for one in draft.charges if one.deadline == deadline.id))


def bearing(charge: Charge) -> set[str]:
    """The occurrences that bear a charge."""
    return {one.occurrence for one in charge.grounds if one.occurrence is not None}


def _is_disputed(draft: "Draft", about: set[str]) -> bool:
    return any(one.id in about and one.disputed_at is not UNSET for one in draft.occurrences)


def delay_chain(draft: "Draft", occurrence: str, by: timedelta) -> None:
    """Moves the count of time since the first notice of an occurrence that waits for an answer."""
    found = next((one for one in draft.occurrences if one.id == occurrence), None)
    if found is not None and found.chain_from is not None and found.processed_at is None:
        draft.keep_occurrence(replace(found, chain_from=later(found.chain_from, by)))


def _covers_now(draft: "Draft", deadline: Deadline) -> bool:
    """Whether a payment deadline was started for what is owed since this very instant."""
    return any(one.deadline == deadline.id and one.owed_at == draft.at for one in draft.charges)


def _start(draft: "Draft", name: str, due: datetime, clauses: tuple[str, ...], occurrence: str | None) -> Deadline:
    deadline = Deadline(draft.new_id("d"), name, due, clauses, occurrence)
    draft.deadlines = (*draft.deadlines, deadline)
    _say(draft, deadline)
    if occurrence is not None and _is_disputed(draft, {occurrence}):
        pause(draft, deadline)
    return deadline


def _say(draft: "Draft", deadline: Deadline) -> None:
    case = draft.case() if deadline.occurrence is not None else None
    draft.effects.append(
        SetDeadline(
            deadline.clauses,
            draft.docket.service,
            draft.facts.customer,
            case=case,
            occurrence=deadline.occurrence,
            item_id=deadline.id,
            name=deadline.name,
            due=deadline.due,
        )
    )
