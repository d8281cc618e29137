"""Proposals of people, and the approval or refusal of any proposal: what one proposes, another approves.

Where nobody else can be reached, whoever proposed may approve alone and say why; another person looks at it afterwards.
"""

from typing import TYPE_CHECKING

from msgspec import UNSET

from abusedesk.policy import charges, measures
from abusedesk.policy.decision import Review
from abusedesk.policy.docket import Ground, Measure, stands
from abusedesk.policy.pending import PendingMeasure
from abusedesk.policy.stimulus import Approval, Proposal

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft

FOUR_EYES = "safeguard:four_eyes"
BREAK_GLASS = "break_glass"
"""The review of what somebody approved alone."""

MAIL_PORT = 25
"""The port that closing a port means where a person names none (SMTP, RFC 5321)."""


def propose(draft: "Draft", proposal: Proposal) -> None:
    """A person's own proposal; a measure that stands already is not proposed again."""
    if proposal.measure is not None:
        _propose_measure(draft, proposal)
    elif proposal.item is not None and proposal.amount is not None and proposal.amount > 0:
        charges.make(draft, proposal.item, proposal.amount, "proposed", (FOUR_EYES,), ip=proposal.ip, by=proposal.by)


def _propose_measure(draft: "Draft", proposal: Proposal) -> None:
    kind = proposal.measure
    if kind is None:
        return
    port = (proposal.port or MAIL_PORT) if kind == "block_port" else None
    if measures.find(draft, kind, proposal.ip, port) is None and not measures.elsewhere(draft, kind, proposal.ip):
        ground = Ground(FOUR_EYES, mode="proposed", refund=True, by=proposal.by, clauses=(FOUR_EYES,))
        measures.order(
            draft,
            PendingMeasure(kind, proposal.ip, port, "proposed", refund=True, clauses=(FOUR_EYES,), grounds=(ground,)),
        )


def decide(draft: "Draft", approval: Approval) -> None:
    """Approves or refuses all proposals of a name that another person, or a rule, made."""
    before = len(draft.effects)
    if approval.measure is not None:
        _decide_measures(draft, approval)
    elif approval.item is not None:
        _decide_charges(draft, approval)
    if _is_alone(approval) and len(draft.effects) > before:
        _look_afterwards(draft, draft.effects[before].case)


def _is_alone(approval: Approval) -> bool:
    return approval.break_glass is not UNSET and approval.decision == "approve"


def _may_alone(approval: Approval, measure: Measure) -> bool:
    """What cannot be undone is approved alone by nobody: a look afterwards would come too late."""
    return _is_alone(approval) and measure.kind != "terminate"


def _look_afterwards(draft: "Draft", case: str | None) -> None:
    """Another person says whether it was right to approve alone."""
    draft.effects.append(
        Review((FOUR_EYES,), draft.docket.service, draft.facts.customer, case=case, reason=BREAK_GLASS)
    )


def _decide_measures(draft: "Draft", approval: Approval) -> None:
    for measure in draft.measures:
        if measure.kind != approval.measure or not _waits(draft, measure):
            continue
        if _own(measure, approval.by) and not _may_alone(approval, measure):
            continue
        if approval.decision == "reject":
            measures.reject(draft, measure)
        elif measures.may_act(draft, measure.kind, measure.ip):
            measures.approve(draft, measure)


def _waits(draft: "Draft", measure: Measure) -> bool:
    """Whether a person has to decide on it. What another docket keeps in force on the address is decided."""
    if measure.state == "proposed":
        return measures.elsewhere(draft, measure.kind, measure.ip) != "in_force"
    return stands(measure) and measures.loses_refund(measure)


def _own(measure: Measure, person: str) -> bool:
    return any(one.by == person and one.mode == "proposed" for one in measure.grounds)


def _decide_charges(draft: "Draft", approval: Approval) -> None:
    for charge in draft.charges:
        if charge.item != approval.item or charge.state != "proposed":
            continue
        if charge.by == approval.by and not _is_alone(approval):
            continue
        if approval.decision == "reject":
            charges.reject(draft, charge)
        else:
            charges.approve(draft, charge)
