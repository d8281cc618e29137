"""Strikes: occurrences that count, until they lapse or are annulled."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from abusedesk.policy.decision import PointsAdded, StrikeMade
from abusedesk.policy.docket import Occurrence, Strike
from abusedesk.policy.pending import united
from abusedesk.policy.restoration import void_waiting
from abusedesk.vocabulary.assurance import RANK

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft


def counting(draft: "Draft") -> list[Occurrence]:
    """The occurrences whose strikes stand and have not lapsed; one has at exactly its limitation period."""
    return standing(draft.occurrences, draft.terms.good_behaviour if draft.terms is not None else None, draft.at)


def standing(occurrences: tuple[Occurrence, ...], quiet: timedelta | None, at: datetime) -> list[Occurrence]:
    """The same of some occurrences at an instant; after `quiet` without a new one, those before count no more."""
    found = [one for one in occurrences if struck(one) and not _lapsed(one, at)]
    return found if quiet is None else _since_quiet(found, quiet, at)


def _since_quiet(found: list[Occurrence], quiet: timedelta, at: datetime) -> list[Occurrence]:
    """The strikes since the last time that a service behaved well for a whole period; it wipes out those before."""
    counted: list[Occurrence] = []
    last: datetime | None = None
    for one in sorted(found, key=lambda one: one.opened_at):
        if last is not None and one.opened_at - last >= quiet:
            counted.clear()
        counted.append(one)
        last = one.opened_at
    return [] if last is not None and at - last >= quiet else counted


def points(draft: "Draft") -> int:
    """What the strikes that count weigh together."""
    return weight(counting(draft))


def weight(counted: list[Occurrence]) -> int:
    """What strikes weigh together."""
    return sum(one.strike.points for one in counted if one.strike is not None)


def struck(occurrence: Occurrence) -> bool:
    """Whether the occurrence counts: a strike was made and not annulled."""
    return occurrence.strike is not None and occurrence.strike.annulled_at is None


def _forgiven(occurrence: Occurrence) -> bool:
    return occurrence.strike is not None and occurrence.strike.forgiven is True


def _lapsed(occurrence: Occurrence, at: datetime) -> bool:
    lapses_at = occurrence.strike.lapses_at if occurrence.strike is not None else None
    return lapses_at is not None and lapses_at <= at


def make(draft: "Draft", clauses: tuple[str, ...], weight: int = 1) -> bool:
    """The occurrence at hand becomes a strike; False where it is one already.

    The count of missed replies starts again.
    """
    occurrence = draft.occurrence
    if occurrence is None or draft.terms is None or struck(occurrence) or _forgiven(occurrence):
        return False
    others = counting(draft)
    of_type = 1 + sum(one.abuse_type == occurrence.abuse_type for one in others)
    lapses_at = lapse_of(occurrence.opened_at, draft.terms.lapse(occurrence.abuse_type))
    strike = Strike(len(others) + 1, draft.at, lapses_at, clauses, of_type=of_type, points=weight)
    draft.keep_occurrence(replace(occurrence, strike=strike, misses=(), chain_from=draft.at))
    say(draft, occurrence, strike)
    void_waiting(draft)
    return True


def say(draft: "Draft", occurrence: Occurrence, strike: Strike) -> None:
    """The effect that states the strike of the occurrence at hand."""
    draft.effects.append(
        StrikeMade(
            strike.clauses,
            draft.docket.service,
            draft.facts.customer,
            case=draft.case(),
            occurrence=occurrence.id,
            abuse_type=occurrence.abuse_type,
            number=strike.number,
        )
    )


def add_points(draft: "Draft", occurrence: Occurrence, more: int, clauses: tuple[str, ...]) -> None:
    """The occurrence's strike weighs more, while it counts; the points end with it."""
    strike = occurrence.strike
    if strike is None or more <= 0 or occurrence not in counting(draft):
        return
    heavier = replace(strike, points=strike.points + more, clauses=united(strike.clauses, clauses))
    draft.keep_occurrence(replace(occurrence, strike=heavier))
    service, kind = draft.docket.service, occurrence.abuse_type
    draft.effects.append(
        PointsAdded(
            clauses,
            service,
            draft.facts.customer,
            case=f"{service}/{kind}",
            occurrence=occurrence.id,
            abuse_type=kind,
            points=more,
        )
    )


def lapse_of(since: datetime, length: timedelta | None) -> datetime | None:
    """When what began lapses; None for never, also where that lies beyond all time."""
    try:
        return since + length if length is not None else None
    except OverflowError:
        return None


def cite(draft: "Draft", clauses: tuple[str, ...]) -> None:
    """Adds the clauses of a rule on the strike at hand to those that it stands under."""
    occurrence = draft.occurrence
    if occurrence is not None and occurrence.strike is not None:
        cited = tuple(dict.fromkeys((*occurrence.strike.clauses, *clauses)))
        draft.keep_occurrence(replace(occurrence, strike=replace(occurrence.strike, clauses=cited)))


def addresses(draft: "Draft") -> frozenset[str]:
    """The addresses that carry a strike, lapsed or not: named by a believed report of an occurrence that counts."""
    return struck_addresses(draft.occurrences, draft.pack.content.counting.acts_on)


def struck_addresses(occurrences: tuple[Occurrence, ...], acts_on: str) -> frozenset[str]:
    """The addresses named by reports that stand at an assurance, in occurrences that count."""
    return frozenset(
        ip
        for occurrence in occurrences
        if struck(occurrence)
        for report in occurrence.reports
        if not report.rejected and RANK[report.assurance] >= RANK[acts_on]
        for ip in report.ips
    )
