"""One worker's claim on a target: a fencing number that only grows, and a time after which it is over."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from abusedesk.desk.perform.pace import LEASE
from abusedesk.records.models import Docket, Measure, Target


class Late(Exception):  # noqa: N818 - it is no fault, the lease has passed to another
    """The lease is no longer ours."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One worker's claim on a target."""

    target: int
    brand: int
    fence: int
    attempt: int
    now: datetime


DRIVE, LOOK = "dirty AND next_attempt", "NOT dirty AND look_at"
"""Which targets wait: those that are not as desired, and those to be looked at again; each since an instant."""

_CLAIM = """
UPDATE records_target SET fence = fence + 1, attempts = attempts + 1, lease_owner = %s, lease_until = %s
WHERE id = (SELECT id FROM records_target
            WHERE {waiting} <= %s AND (lease_until IS NULL OR lease_until <= %s)
            ORDER BY {since} LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, brand_id, fence, attempts
"""


def claim(waiting: str, worker: str, now: datetime) -> Lease | None:
    """A lease on the target that has waited longest and that nobody has; None where there is none."""
    query = _CLAIM.format(waiting=waiting, since=waiting.rpartition(" ")[2])
    with connection.cursor() as cursor:
        cursor.execute(query, [worker, now + LEASE, now, now])
        row = cursor.fetchone()
    if row is None:
        return None
    target, brand, fence, attempt = row
    return Lease(target, brand, fence, attempt, now)


@contextmanager
def ours(lease: Lease) -> Iterator[None]:
    """A transaction in which the lease is ours. Raises Late when it is not."""
    with transaction.atomic():
        # In the order in which enact locks them, so that neither waits for the other.
        dockets = Docket.objects.filter(pk__in=Measure.objects.filter(target=lease.target).values("docket"))
        list(dockets.select_for_update().order_by("pk").values_list("pk"))
        held = Target.objects.select_for_update().filter(pk=lease.target, fence=lease.fence)
        if not held.values_list("pk").first():
            raise Late
        yield
