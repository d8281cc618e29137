"""Pace: how fast something goes, counted in the database so that it holds over all processes together.

Each turn takes its share of time; who comes while the turns before reach further ahead than the burst is too early.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection

from abusedesk.records.models import Pace

KEPT = timedelta(days=1)
"""How long it is remembered that somebody came."""

_SPEND = """
INSERT INTO records_pace (name, busy_until) VALUES (%(name)s, %(next)s)
ON CONFLICT (name) DO UPDATE
    SET busy_until = GREATEST(records_pace.busy_until, %(now)s) + %(share)s * interval '1 second'
    WHERE records_pace.busy_until <= %(latest)s
RETURNING id
"""


def spend(name: str, most: int, within: timedelta, now: datetime) -> bool:
    """Whether one more may come now, of at most so many at once and so many within the time."""
    share = within / most
    with connection.cursor() as cursor:
        times = {"now": now, "next": now + share, "latest": now + within - share}
        cursor.execute(_SPEND, {"name": name, "share": share.total_seconds(), **times})
        return cursor.fetchone() is not None


def locked(names: Iterable[str], now: datetime) -> dict[str, Pace]:
    """The pace of each, made where it was not known, and nobody else's until the transaction ends."""
    wanted = sorted(set(names))
    Pace.objects.bulk_create([Pace(name=one, busy_until=now) for one in wanted], ignore_conflicts=True)
    return {one.name: one for one in Pace.objects.select_for_update().filter(name__in=wanted).order_by("name")}


def forget(now: datetime) -> None:
    """Deletes what says nothing any more."""
    Pace.objects.filter(busy_until__lt=now - KEPT, paused_until=None).delete()
    Pace.objects.filter(busy_until__lt=now - KEPT, paused_until__lt=now - KEPT).delete()
