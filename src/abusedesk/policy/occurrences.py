"""Occurrences: which reports belong together, what they amount to, and whether the customer answered."""

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import UNSET
from msgspec.structs import replace

from abusedesk.policy.docket import HeardReport, Occurrence
from abusedesk.vocabulary.assurance import RANK

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft

KNOWN = RANK["authenticated"]


def running(draft: "Draft", abuse_type: str, *, silent: bool = False) -> Occurrence | None:
    """The occurrence of an abuse type whose window, inclusive at its end, is not over.

    Closed ones are passed over: an old ticket carried over may be dated after one that runs. What is heard in silence
    runs apart from what the customer is told of.
    """
    window = draft.terms.window if draft.terms is not None else None
    for one in reversed(draft.occurrences):
        if one.abuse_type == abuse_type and not one.closed and is_silent(one) == silent:
            open_still = window is not None and draft.at - one.opened_at <= window
            return one if open_still else None
    return None


def is_silent(occurrence: Occurrence) -> bool:
    """Whether nobody is told of it: its reports are suppressed without notice, as all of them are or none."""
    return bool(occurrence.reports) and occurrence.reports[0].suppressed == "no_notice"


def open_new(draft: "Draft", abuse_type: str, version: str) -> Occurrence:
    """The next occurrence of a case, without reports so far."""
    occurrence = Occurrence(draft.new_id("o"), abuse_type, draft.at, version, chain_from=draft.at)
    draft.occurrences = (*draft.occurrences, occurrence)
    return occurrence


def find(draft: "Draft", occurrence: str | None) -> Occurrence | None:
    """An occurrence by its id."""
    for one in draft.occurrences:
        if one.id == occurrence:
            return one
    return None


def find_report(draft: "Draft", report_id: str) -> tuple[Occurrence, HeardReport] | None:
    """A report that the docket heard, with its occurrence."""
    for occurrence in draft.occurrences:
        for report in occurrence.reports:
            if report.id == report_id:
                return occurrence, report
    return None


def with_report(occurrence: Occurrence, report: HeardReport) -> Occurrence:
    """The occurrence with a changed report in its place."""
    return replace(occurrence, reports=tuple(report if one.id == report.id else one for one in occurrence.reports))


def best(occurrence: Occurrence) -> int:
    """The rank of the best assurance among the reports that stand; -1 where none does, or it was undone."""
    if occurrence.undone_at is not UNSET:
        return -1
    return max([RANK[one.assurance] for one in occurrence.reports if not one.rejected], default=-1)


def process(draft: "Draft", which: str, at: datetime) -> None:
    """Counts occurrences as answered, all or those whose strike stands and cites a clause.

    Their reply deadlines are met. What opened after an answer was received is not answered by it, however late a person
    reads it.
    """
    answered = set()
    for one in draft.occurrences:
        if one.opened_at > at:
            continue
        strike = one.strike if one.strike is not None and one.strike.annulled_at is None else None
        if which == "all" or (strike is not None and which in strike.clauses):
            answered.add(one.id)
            if one.processed_at is None:
                draft.keep_occurrence(replace(one, processed_at=at))
    for deadline in draft.deadlines:
        if deadline.state == "open" and deadline.name == "reply" and deadline.occurrence in answered:
            draft.keep_deadline(replace(deadline, state="met"))


def any_unprocessed(draft: "Draft") -> bool:
    """Whether an occurrence that asked for a reply, by a deadline, has none."""
    asked = {one.occurrence for one in draft.deadlines}
    return any(one.processed_at is None and not one.closed and one.id in asked for one in draft.occurrences)


def unanswered_types(draft: "Draft") -> tuple[str, ...]:
    """The abuse types of occurrences with a strike that still wait for a reply, missed or not."""
    waiting = (one for one in draft.occurrences if one.processed_at is None and not one.closed)
    return tuple(dict.fromkeys(one.abuse_type for one in waiting if one.strike and one.strike.annulled_at is None))


def reply_missed(draft: "Draft") -> bool:
    """Whether a reply deadline of the occurrence at hand passed unanswered."""
    occurrence = draft.occurrence
    return occurrence is not None and any(
        one.occurrence == occurrence.id and one.state == "missed" for one in draft.deadlines
    )


def known_events(draft: "Draft") -> int:
    """All events of the case at hand, from reports at `authenticated` or more."""
    return case_events(draft, KNOWN)


def case_events(draft: "Draft", rank: int) -> int:
    """All events of the case at hand, from reports that stand at an assurance of at least a rank.

    What was heard in silence is no part of it: nobody was told that it counts.
    """
    abuse_type = draft.occurrence.abuse_type if draft.occurrence is not None else None
    return sum(
        report.events
        for occurrence in draft.occurrences
        if occurrence.abuse_type == abuse_type and not is_silent(occurrence) and occurrence.undone_at is UNSET
        for report in occurrence.reports
        if not report.rejected and RANK[report.assurance] >= rank
    )
