"""A worker's claims on targets: a fencing number that only grows, and a time after which the claim is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from abusedesk.desk.perform.pace import LEASE


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

# The claim is not waited for until it is on the disk. Nothing is asked of an outside before a later commit is, and with
# it this one.
_CLAIM = """
UPDATE records_target SET fence = fence + 1, attempts = attempts + 1, lease_owner = %s, lease_until = %s
WHERE (SELECT set_config('synchronous_commit', 'off', true)) = 'off'
  AND id = ANY(ARRAY(SELECT id FROM records_target
                     WHERE {waiting} <= %s AND (lease_until IS NULL OR lease_until <= %s)
                     ORDER BY {since} LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING id, brand_id, fence, attempts
"""


_LOCK_DOCKETS = """
SELECT FROM records_docket WHERE id IN (SELECT docket_id FROM records_measure WHERE target_id = ANY(%s))
ORDER BY id FOR UPDATE
"""

_LOCK_TARGETS = """
SELECT id, fence FROM records_target WHERE id = ANY(%s) ORDER BY key FOR UPDATE
"""


def claim(waiting: str, worker: str, now: datetime, limit: int) -> list[Lease]:
    """Leases on up to `limit` targets that nobody has, those that have waited longest."""
    query = _CLAIM.format(waiting=waiting, since=waiting.rpartition(" ")[2])
    with connection.cursor() as cursor:
        cursor.execute(query, [worker, now + LEASE, now, now, limit])
        return [Lease(target, brand, fence, attempt, now) for target, brand, fence, attempt in cursor.fetchall()]


def held(leases: Sequence[Lease]) -> frozenset[int]:
    """The targets of the leases that are still ours, held until the transaction ends. Must be called in one."""
    targets = [one.target for one in leases]
    with connection.cursor() as cursor:
        # In the order in which enact locks them, so that neither waits for the other.
        cursor.execute(_LOCK_DOCKETS, [targets])
        cursor.execute(_LOCK_TARGETS, [targets])
        fences = dict(cursor.fetchall())
    return frozenset(one.target for one in leases if fences.get(one.target) == one.fence)
