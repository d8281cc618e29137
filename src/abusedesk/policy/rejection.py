"""Rejection: a report that staff reject stops counting, and what rested on it alone is undone."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from abusedesk.policy import charges, deadlines, grounds, occurrences
from abusedesk.policy.decision import Annul
from abusedesk.policy.docket import Ground, HeardReport, Occurrence
from abusedesk.policy.strikes import struck
from abusedesk.policy.suppressed import rest_on_suppressed
from abusedesk.vocabulary.assurance import RANK

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft


def reject(draft: "Draft", occurrence: Occurrence, report: HeardReport) -> None:
    """A report stops counting, and whatever its occurrence did without another ground is undone."""
    draft.keep_occurrence(occurrences.with_report(occurrence, replace(report, rejected=True)))
    counting = draft.pack.content.counting
    _annul_strike(draft, RANK[counting.acts_on], (counting.clause,))
    drop_fallen(draft, (counting.clause,))
    _close_if_empty(draft)


def drop_fallen(draft: "Draft", clauses: tuple[str, ...]) -> None:
    """Takes back every charge, measure and flag that nothing bears any more."""
    _withdraw_charges(draft, clauses)
    grounds.drop(draft, lambda ground: _fell(draft, ground), clauses)
    _drop_flags(draft)


def annul(draft: "Draft", occurrence: Occurrence, clauses: tuple[str, ...]) -> None:
    """The strike of the occurrence at hand counts no more."""
    if occurrence.strike is None or not struck(occurrence):
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


def _fell(draft: "Draft", ground: Ground) -> bool:
    """Whether nothing is left that bears it; what acted by itself cannot go on for suppressed reports alone."""
    return not grounds.bears(draft, ground) or (ground.mode == "automatic" and rest_on_suppressed(draft, (ground,)))


def _annul_strike(draft: "Draft", needed: int, clauses: tuple[str, ...]) -> None:
    occurrence = draft.occurrence
    if occurrence is not None and occurrences.best(occurrence) < needed:
        annul(draft, occurrence, clauses)


def _withdraw_charges(draft: "Draft", clauses: tuple[str, ...]) -> None:
    for charge in draft.charges:
        if (
            charge.grounds
            and charge.state != "withdrawn"
            and not any(grounds.bears(draft, one) for one in charge.grounds)
        ):
            charges.withdraw(draft, charge, clauses)


def _drop_flags(draft: "Draft") -> None:
    flags = []
    for flag in draft.flags:
        left = tuple(one for one in flag.grounds if grounds.bears(draft, one))
        if left:
            flags.append(flag if len(left) == len(flag.grounds) else replace(flag, grounds=left))
    draft.flags = tuple(flags)


def _close_if_empty(draft: "Draft") -> None:
    occurrence = draft.occurrence
    if occurrence is not None and all(one.rejected for one in occurrence.reports):
        draft.keep_occurrence(replace(occurrence, closed=True))
        deadlines.cancel_reply(draft, occurrence.id)
