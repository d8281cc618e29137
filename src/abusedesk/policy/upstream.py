"""The upstream's own measures: recorded, shown, and lifted when the upstream says so."""

from typing import TYPE_CHECKING

from abusedesk.policy import grounds, measures
from abusedesk.policy.docket import Ground
from abusedesk.policy.pending import PendingMeasure
from abusedesk.policy.stimulus import Upstream

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft


def record(draft: "Draft", clauses: tuple[str, ...], port: int | None) -> None:
    """What the upstream set becomes a measure, or one more ground of it; what it lifted ends unless ours stands."""
    stimulus = draft.stimulus
    if not isinstance(stimulus, Upstream):
        return
    port = port if stimulus.action == "block_port" else None
    present = measures.find(draft, stimulus.action, stimulus.ip, port)
    theirs = present is not None and any(one.upstream for one in present.grounds)
    if stimulus.state == "set" and not theirs:
        ground = Ground(clauses[0], clauses=clauses, upstream=True)
        measures.order(
            draft,
            PendingMeasure(
                stimulus.action,
                stimulus.ip,
                port,
                "automatic",
                refund=True,
                clauses=clauses,
                grounds=(ground,),
                upstream=True,
            ),
        )
    elif stimulus.state == "lifted" and present is not None and theirs:
        left = tuple(one for one in present.grounds if not one.upstream)
        grounds.ground_fell(draft, present, left, clauses)
