"""`safeguard:carries`: what would hit everybody on a service that carries others is narrowed to the accused addresses,
or proposed.

A null-route in place of a suspension ends as the suspension would: by the same lifts, and with the same grounds.
"""

from typing import TYPE_CHECKING

from msgspec import UNSET
from msgspec.structs import replace

from abusedesk.policy.docket import Ground, Measure
from abusedesk.policy.pending import PendingMeasure, united
from abusedesk.vocabulary.measure import ON_ADDRESS

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft

CARRIES = "safeguard:carries"
NARROWED = frozenset({"suspend", "shutdown"})
"""The measures in whose place the accused addresses can be made unreachable."""


def hits_others(draft: "Draft", pending: PendingMeasure) -> bool:
    """Whether a measure would by itself hit those whom the service carries."""
    return (
        draft.facts.carries
        and draft.facts.settings.carrying != "whole"
        and pending.mode == "automatic"
        and pending.sanction
        and not pending.upstream
        and pending.kind not in ON_ADDRESS
    )


def narrowed(draft: "Draft", pending: PendingMeasure) -> list[PendingMeasure]:
    """The measure, or in its place a null-route of each address that is accused, where the brand wants that."""
    if draft.facts.settings.carrying != "narrow" or pending.kind not in NARROWED or not hits_others(draft, pending):
        return [pending]
    clauses = united(pending.clauses, (CARRIES,))
    grounds = tuple(
        replace(one, clauses=united(one.clauses, (CARRIES,)), narrowed=pending.kind) for one in pending.grounds
    )
    return [
        replace(pending, kind="null_route", ip=ip, port=None, clauses=clauses, grounds=grounds)
        for ip in _accused(draft, pending)
    ] or [pending]


def _accused(draft: "Draft", pending: PendingMeasure) -> tuple[str, ...]:
    """The addresses of the report at hand, or of all reports that bear the measure. A debt accuses none."""
    if draft.report is not None:
        return tuple(dict.fromkeys(draft.report.ips))
    bearing = {one.occurrence for one in pending.grounds}
    reports = [
        report for one in draft.occurrences if one.id in bearing for report in one.reports if not report.rejected
    ]
    return tuple(dict.fromkeys(ip for report in reports for ip in report.ips))


def answers_to(measure: Measure, kind: str) -> bool:
    """Whether what is said of a kind of measure holds for this one: it is of that kind, or stands in its place."""
    return measure.kind == kind or (bool(measure.grounds) and all(one.narrowed == kind for one in measure.grounds))


def is_of(measure: Measure, ground: Ground, kind: str | None) -> bool:
    """Whether a ground bears a measure of a kind, or one in its place."""
    stands_in = ground.narrowed is not UNSET and ground.narrowed == kind
    return kind in {None, measure.kind} or stands_in
