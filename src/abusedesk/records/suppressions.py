"""Changing suppressions so that every change can be undone, and what one would have caught in the past."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import OperationalError, connection, transaction

from abusedesk.records.models import Suppression, SuppressionChange
from abusedesk.vocabulary.category import ILLEGAL_CONTENT

PATIENCE = "5s"
"""So long the database may look for what a suppression would have caught."""

SHOWN = 20
_PLAIN = ("name", "kind", "sender", "category", "port", "effect", "reason", "owner", "ended_by")

_FITTING = """
SELECT event.report_id, event.service_id, event.count, event.category, event.source, event.received_at, event.case_id
FROM records_event event
WHERE event.received_at > %(since)s AND event.category <> ALL(%(illegal)s)
  AND (%(brand)s::bigint IS NULL OR event.brand_id = %(brand)s)
  AND (%(prefix)s::inet IS NULL OR event.ip <<= %(prefix)s::inet)
  AND (%(service)s::bigint IS NULL OR event.service_id = %(service)s)
  AND (%(category)s = '' OR event.category = %(category)s
       OR (%(category)s LIKE '%%/*' AND split_part(event.category, '/', 1) = split_part(%(category)s, '/', 1)))
  AND (%(port)s::int IS NULL OR %(port)s IN (event.source_port, event.target_port))
  AND (%(sender)s = '' OR event.report_id IN (
        SELECT report.id FROM records_report report
        LEFT JOIN records_reporter reporter ON reporter.id = report.reporter_id
        LEFT JOIN records_message message ON message.id = report.message_id
        CROSS JOIN LATERAL (VALUES (lower(reporter.key)), (lower(message.sender))) AS told(address)
        WHERE report.received_at > %(since)s
          AND (told.address = %(sender)s
               OR (strpos(%(sender)s, '@') = 0
                   AND (right(told.address, length(%(sender)s) + 1) IN ('@' || %(sender)s, '.' || %(sender)s))))))
"""

_SUMS = f"""
WITH fitting AS ({_FITTING})
SELECT count(DISTINCT fitting.report_id), COALESCE(sum(fitting.count), 0), count(DISTINCT fitting.service_id),
       count(DISTINCT fitting.report_id) FILTER (WHERE report.assurance <> 'unverified'),
       count(DISTINCT strike.id)
FROM fitting JOIN records_report report ON report.id = fitting.report_id
LEFT JOIN records_strike strike ON strike.case_id = fitting.case_id AND strike.at > %(since)s
    AND strike.annulled_at IS NULL
"""  # noqa: S608 - built of the constant above

_EXAMPLES = f"""
SELECT DISTINCT ON (fitting.received_at, fitting.report_id) fitting.report_id, report.message_id, fitting.received_at,
       fitting.category, fitting.source, COALESCE(reporter.key, ''), report.assurance, fitting.case_id
FROM ({_FITTING}) fitting JOIN records_report report ON report.id = fitting.report_id
LEFT JOIN records_reporter reporter ON reporter.id = report.reporter_id
ORDER BY fitting.received_at DESC, fitting.report_id LIMIT %(shown)s
"""  # noqa: S608 - built of the constant above


class Example(NamedTuple):
    """A past report that would have been caught."""

    report: UUID
    message: UUID | None
    received_at: datetime
    category: str
    source: str
    reporter: str
    assurance: str
    case: int | None


class Catch(NamedTuple):
    """What a suppression would have caught: `believed` of its reports were more than unverified.

    `strikes` is how many strikes their cases had in that time.
    """

    reports: int
    events: int
    services: int
    believed: int
    strikes: int
    examples: list[Example]


def would_have_caught(row: Suppression, since: datetime) -> Catch | None:
    """What would have been caught since an instant; None where the database could not say in time."""
    given: dict[str, Any] = {
        "since": since,
        "illegal": sorted(ILLEGAL_CONTENT),
        "brand": row.brand_id,
        "prefix": str(row.prefix) if row.prefix is not None else None,
        "service": row.service_id,
        "category": row.category,
        "port": row.port,
        "sender": row.sender.lower(),
        "shown": SHOWN,
    }
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [PATIENCE])
            cursor.execute(_SUMS, given)
            reports, events, services, believed, strikes = map(int, cursor.fetchone())
            cursor.execute(_EXAMPLES, given)
            examples = [Example(*one) for one in cursor.fetchall()]
            return Catch(reports, events, services, believed, strikes, examples)
    except OperationalError:
        return None


def change(row: Suppression, by: str, at: datetime, what: str) -> Suppression:
    """Saves a suppression, new or changed, and keeps what it was."""
    with transaction.atomic():
        known = Suppression.objects.select_for_update().filter(pk=row.pk).first() if row.pk else None
        row.revision = known.revision + 1 if known else 0
        row.save()
        before = _kept(known) if known else None
        SuppressionChange.objects.create(suppression=row, at=at, by=by, what=what, before=before)
    return row


def end(row: Suppression, by: str, at: datetime) -> None:
    """Ends a suppression; what comes in from then on acts again."""
    row.until, row.ended_by = at, by
    change(row, by, at, "ended")


def undo(row: Suppression, number: int, by: str, at: datetime) -> bool:
    """Takes the latest change back. False when it is not the latest any more: somebody changed it since.

    What was added is ended; everything else becomes as it was.
    """
    with transaction.atomic():
        Suppression.objects.select_for_update().get(pk=row.pk)
        last = row.changes.order_by("-pk").first()
        if last is None or last.pk != number:
            return False
        if last.before is None:
            row.until, row.ended_by = at, by
        else:
            _restore(row, last.before)
        change(row, by, at, "undone")
    return True


def _kept(row: Suppression) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in _PLAIN}
    return {
        **plain,
        "brand": row.brand_id,
        "service": row.service_id,
        "prefix": str(row.prefix) if row.prefix is not None else None,
        "until": row.until.isoformat() if row.until else None,
    }


def _restore(row: Suppression, kept: dict[str, Any]) -> None:
    for name in _PLAIN:
        setattr(row, name, kept[name])
    row.brand_id, row.service_id, row.prefix = kept["brand"], kept["service"], kept["prefix"]
    row.until = datetime.fromisoformat(kept["until"]) if kept["until"] else None
