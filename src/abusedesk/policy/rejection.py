"""Rejection: what rested on a rejected report, or on accepted evidence's clause, ends with its last ground."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from abusedesk.policy import charges, deadlines, measures, occurrences
from abusedesk.policy.decision import Annul
from abusedesk.policy.docket import Ground, HeardReport, Occurrence
from abusedesk.policy.draft import stands
from abusedesk.policy.strikes import struck
from abusedesk.vocabulary.assurance import RANK
from abusedesk.vocabulary.measure import MeasureKind

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft


def reject(draft: "Draft", occurrence: Occurrence, report: HeardReport) -> None:
    """A report stops counting, and whatever its occurrence did without another ground is undone."""
    draft.keep_occurrence(occurrences.with_report(occurrence, replace(report, rejected=True)))
    counting = draft.pack.content.counting
    _annul_strike(draft, RANK[counting.acts_on], (counting.clause,))
    _withdraw_charges(draft, (counting.clause,))
    drop(draft, lambda ground: not bears(draft, ground), (counting.clause,))
    _drop_flags(draft)
    _close_if_empty(draft)


def bears(draft: "Draft", ground: Ground) -> bool:
    """Whether a ground still stands: its charge, or a report of its occurrence at the assurance that it needs."""
    if ground.charge is not None:
        return any(one.id == ground.charge and one.state != "withdrawn" for one in draft.charges)
    if ground.occurrence is None:
        return True
    occurrence = next((one for one in draft.occurrences if one.id == ground.occurrence), None)
    return occurrence is not None and occurrences.best(occurrence) >= RANK[ground.needs]


def drop(
    draft: "Draft", fallen: Callable[[Ground], bool], clauses: tuple[str, ...], kind: MeasureKind | None = None
) -> None:
    """Takes fallen grounds from every measure, or from those of one kind.

    Terminations come first, since they hold back what would be said of others.
    """
    for measure in sorted(draft.measures, key=lambda one: one.kind != "terminate"):
        if stands(measure) and kind in {None, measure.kind}:
            left = tuple(one for one in measure.grounds if not fallen(one))
            if len(left) < len(measure.grounds):
                measures.ground_fell(draft, measure, left, clauses)


def _annul_strike(draft: "Draft", needed: int, clauses: tuple[str, ...]) -> None:
    occurrence = draft.occurrence
    if (
        occurrence is None
        or occurrence.strike is None
        or not struck(occurrence)
        or occurrences.best(occurrence) >= needed
    ):
        return
    draft.keep_occurrence(replace(occurrence, strike=replace(occurrence.strike, annulled_at=draft.at)))
    draft.effects.append(
        Annul(
            clauses,
            draft.docket.service,
            draft.facts.customer,
            case=draft.case(),
            occurrence=occurrence.id,
            abuse_type=occurrence.abuse_type,
        )
    )


def _withdraw_charges(draft: "Draft", clauses: tuple[str, ...]) -> None:
    for charge in draft.charges:
        if charge.grounds and charge.state != "withdrawn" and not any(bears(draft, one) for one in charge.grounds):
            charges.withdraw(draft, charge, clauses)


def _drop_flags(draft: "Draft") -> None:
    flags = []
    for flag in draft.flags:
        left = tuple(one for one in flag.grounds if bears(draft, one))
        if left:
            flags.append(flag if len(left) == len(flag.grounds) else replace(flag, grounds=left))
    draft.flags = tuple(flags)


def _close_if_empty(draft: "Draft") -> None:
    occurrence = draft.occurrence
    if occurrence is not None and all(one.rejected for one in occurrence.reports):
        draft.keep_occurrence(replace(occurrence, closed=True))
        deadlines.cancel_reply(draft, occurrence.id)
