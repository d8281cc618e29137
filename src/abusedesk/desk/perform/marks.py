"""Marks of what was carried out: lines of the timeline, and what a case needs of a person."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F, Func, Value

from abusedesk.records.models import Case, TimelineEntry
from abusedesk.records.partitions import STANDARD, ensure_month


def tell(
    docket: int,
    case: int | None,
    kind: str,
    at: datetime,
    *,
    body: Mapping[str, Any],
    clauses: Sequence[str] = (),
    by: str = "desk",
) -> None:
    """Add a line to the docket's timeline."""
    ensure_month(STANDARD, [at])
    TimelineEntry.objects.create(
        retention=STANDARD,
        at=at,
        recorded_at=at,
        docket_id=docket,
        case_id=case,
        kind=kind,
        body=dict(body),
        clauses=list(clauses),
        by=by,
    )


def need(case: int | None, what: str) -> None:
    """Put `what` on the case's list of what a person must do, once."""
    Case.objects.filter(pk__in=[case or 0]).exclude(needs__contains=[what]).update(
        needs=Func(F("needs"), Value(what), function="array_append")
    )


def done_with(case: int | None, what: str) -> None:
    """Take `what` off that list."""
    Case.objects.filter(pk__in=[case or 0], needs__contains=[what]).update(
        needs=Func(F("needs"), Value(what), function="array_remove")
    )
