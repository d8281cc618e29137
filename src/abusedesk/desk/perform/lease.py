"""One worker's claim on a target: a fencing number that only grows, and a time after which it is over."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

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


@transaction.atomic
def claim(waiting: QuerySet[Target], worker: str, now: datetime) -> Lease | None:
    """A lease on the first of some targets that nobody has; None where there is none."""
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    target = waiting.filter(free).select_for_update(skip_locked=True).first()
    if target is None:
        return None
    lease = Lease(target.pk, target.brand_id, target.fence + 1, target.attempts + 1, now)
    Target.objects.filter(pk=target.pk).update(
        fence=lease.fence, attempts=lease.attempt, lease_owner=worker, lease_until=now + LEASE
    )
    return lease


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
