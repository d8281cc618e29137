"""Rounds: the worker's lane that compares inventories as they come due, one at a time, over as many workers as run.

An inventory is due when it was asked for (by a person or a webhook), or when its interval has passed. Who compares it
holds its lease; a worker that dies leaves it to the next. One that fails is asked again after its interval.
"""

from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.db.models import F, Q

from abusedesk.desk.inventory.compare import compare, failed
from abusedesk.desk.inventory.driver import drivers
from abusedesk.problem import Problem
from abusedesk.records.models import Inventory

LEASE = timedelta(minutes=30)
SETTLING = timedelta(seconds=5)
"""So long after a webhook is waited for more of them: one change in an inventory often brings several."""


def take_stock(now: datetime) -> int:
    """Compares the inventory that has been due longest. Returns how many were."""
    inventory = _claim(now)
    if inventory is None:
        return 0
    try:
        compare(inventory)
    except DatabaseError:
        raise
    except Problem as problem:
        failed(inventory, str(problem), now)
    except Exception as error:
        failed(inventory, f"{type(error).__name__}: {error}", now)
        raise
    finally:
        Inventory.objects.filter(pk=inventory.pk).update(lease_until=None)
    return 1


def next_at(inventory: Inventory) -> datetime | None:
    """When it is compared next; None: at once."""
    if inventory.wanted_at is not None or inventory.checked_at is None:
        return None
    return inventory.checked_at + inventory.every


@transaction.atomic
def _claim(now: datetime) -> Inventory | None:
    asked = Q(wanted_at__lte=now - SETTLING)
    due = Q(checked_at=None) | Q(checked_at__lte=now - F("every"))
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    found = (
        Inventory.objects.select_for_update(skip_locked=True)
        .filter(asked | due, free, enabled=True, kind__in=drivers())
        .order_by(F("wanted_at").asc(nulls_last=True), F("checked_at").asc(nulls_first=True))
        .first()
    )
    if found is not None:
        # What is asked for from here on is a further comparison.
        Inventory.objects.filter(pk=found.pk).update(lease_until=now + LEASE, wanted_at=None)
    return found
