"""Opening: tells the policy of services that opened just now, in the transaction that makes them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from abusedesk.desk.enact import docket_of, submit
from abusedesk.policy.stimulus import Opened
from abusedesk.records.models import Brand, Service

TAKEN_OVER = timedelta(days=1)
"""A service that is older than this when it is first seen ran before the desk did: its opening is not played again."""


def open_new(brand: Brand, refs: Sequence[str], now: datetime, by: str) -> int:
    """The opening of those of these services that are young. Returns how many were told of."""
    fresh = Service.objects.filter(brand=brand, ref__in=refs, since__gt=now - TAKEN_OVER, until=None).order_by("pk")
    for service in fresh:
        submit(docket_of(service), Opened(mail_port=service.mail_port), key="opened", at=now, by=by)
    return len(fresh)
