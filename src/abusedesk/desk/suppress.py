"""Suppress: what the operator knows to be no abuse is kept and shown, and moves a docket as far as they chose.

Between attribute and correlate each observation is looked up among the suppressions. Illegal content is never
suppressed. What a suppression caught is counted by day and service.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from abusedesk.desk.attribute import Placed
from abusedesk.records import models
from abusedesk.records.bulk import give_rows
from abusedesk.vocabulary.category import ILLEGAL_CONTENT
from abusedesk.vocabulary.suppression import Seen, Suppression, Suppressions

LATE = timedelta(days=30)
"""So long a suppression that ended is still looked up, for messages that were received before its end."""

_STATE = "SELECT count(*), COALESCE(max(id), 0), COALESCE(sum(revision), 0) FROM records_suppression"

# In one order for all workers, so that none waits for another in a circle.
_NOTE = """
INSERT INTO records_suppressionhit AS known (suppression_id, service_id, day, reports, events, last_at, last_message)
SELECT suppression, service, day, reports, events, at, message
FROM json_to_recordset(%s::json) AS row(suppression bigint, service bigint, day date, reports bigint, events bigint,
    at timestamptz, message uuid)
ORDER BY suppression, service, day
ON CONFLICT (suppression_id, service_id, day) DO UPDATE SET reports = known.reports + EXCLUDED.reports,
    events = known.events + EXCLUDED.events, last_at = GREATEST(known.last_at, EXCLUDED.last_at),
    last_message = EXCLUDED.last_message
"""


class Received(Protocol):
    """The message of a complaint, as far as it is counted here."""

    @property
    def message_id(self) -> UUID: ...
    @property
    def received_at(self) -> datetime: ...


class Caught(Protocol):
    """A complaint with the suppression that covers it, if one does."""

    @property
    def covered(self) -> Suppression | None: ...
    @property
    def unread(self) -> Received: ...
    @property
    def placed(self) -> tuple[Placed, ...]: ...


class _Loaded(NamedTuple):
    """The suppressions in memory, and the state of the table that they stand for."""

    state: tuple[int, ...]
    rules: Suppressions


_loaded: list[_Loaded] = []


def suppressions() -> Suppressions:
    """The suppressions that hold or ended lately; read again only when one was changed."""
    with connection.cursor() as cursor:
        cursor.execute(_STATE)
        state = tuple(map(int, cursor.fetchone()))
    if not _loaded or _loaded[0].state != state:
        _loaded[:] = [_Loaded(state, _load())]
    return _loaded[0].rules


def rule_of(row: models.Suppression) -> Suppression:
    """A row as the value that is looked up."""
    return Suppression(
        row.pk,
        row.name,
        row.effect,  # type: ignore[arg-type]
        row.brand_id,
        row.prefix,
        row.service_id,
        row.sender.lower(),
        row.category,
        row.port,
        until=row.until,
    )


def cover(
    rules: Suppressions, placed: Placed, brand: int, senders: tuple[str, ...], received_at: datetime
) -> Suppression | None:
    """The suppression that covers an observation, told by a sender of these addresses; None where none does."""
    event = placed.event
    if not rules or event.category in ILLEGAL_CONTENT:
        return None
    ports = tuple(port for port in (event.target_port, event.source_port) if port is not None)
    return rules.covering(Seen(brand, placed.ip, placed.service, senders, event.category, ports), received_at)


def note(complaints: Iterable[Caught]) -> None:
    """Counts what suppressions caught, repetitions too: a suppression of a daily feed is hit every day."""
    reports: Counter[tuple[int, int, str]] = Counter()
    events: Counter[tuple[int, int, str]] = Counter()
    last: dict[tuple[int, int, str], Received] = {}
    for one in complaints:
        if one.covered is None:
            continue
        day = one.unread.received_at.date().isoformat()
        for service in {placed.service or 0 for placed in one.placed}:
            key = (one.covered.id, service, day)
            reports[key] += 1
            events[key] += sum(placed.event.count for placed in one.placed if (placed.service or 0) == service)
            last[key] = max(last.get(key, one.unread), one.unread, key=lambda unread: unread.received_at)
    give_rows(
        _NOTE,
        [
            {
                "suppression": key[0],
                "service": key[1],
                "day": key[2],
                "reports": reports[key],
                "events": events[key],
                "at": unread.received_at,
                "message": unread.message_id,
            }
            for key, unread in last.items()
        ],
    )


def _load() -> Suppressions:
    recent = timezone.now() - LATE
    return Suppressions(map(rule_of, models.Suppression.objects.filter(Q(until=None) | Q(until__gt=recent))))
