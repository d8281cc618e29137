"""Notices that nobody got: whether the ticket alone serves, and the question to a person where no address is left."""

import uuid
from datetime import datetime

from abusedesk.policy.own_notices import REMINDERS
from abusedesk.records.bulk import storable
from abusedesk.records.models import Brand, Notice, Review
from abusedesk.records.reviews import refresh_needs

UNSERVED = "unserved"
"""The review that asks how a customer is to be reached whom no address reaches."""


def ticket_serves(brand: Brand) -> bool:
    """Whether a notice counts as served by the ticket alone."""
    return bool(brand.settings.get("ticket_serves", True))


def ask(notice: Notice, said: str, at: datetime, message: uuid.UUID | None = None) -> None:
    """Asks a person, once for a notice. Where the ticket does not serve, deadlines wait from when it was written."""
    case = notice.case
    if case is None or notice.to not in {"customer", "reseller"} or notice.template in REMINDERS:
        return
    served = ticket_serves(notice.brand) or notice.to != "customer"
    waits = "the ticket alone serves, deadlines run" if served else "its reply deadlines wait until this is answered"
    Review.objects.get_or_create(
        key=f"{UNSERVED}:{notice.pk}",
        defaults={
            "brand_id": notice.brand_id,
            "docket": case.service.docket,
            "case": case,
            "message_id": message,
            "reason": UNSERVED,
            "detail": storable(f"no address of the {notice.to} is left ({said}); {waits}"),
            "opened_at": at if served else notice.written_at,
        },
    )
    refresh_needs([case.pk])
