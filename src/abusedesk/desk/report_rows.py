"""The rows that a batch of complaints leaves behind: reports, events, and which events were heard before."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from abusedesk.desk import correlate, reporters
from abusedesk.desk.attribute import Placed
from abusedesk.desk.correlate import Telling
from abusedesk.desk.decide import pack_of
from abusedesk.records import models
from abusedesk.records.bulk import copy_rows, give_rows, storable
from abusedesk.records.partitions import STANDARD
from abusedesk.vocabulary.category import ILLEGAL_CONTENT

REPORT_COLUMNS = (
    "id", "brand_id", "message_id", "reporter_id", "reference", "format", "received_at", "summary", "assurance",
    "grade_reason", "evidence", "notice", "rejected_by", "suppression_id", "suppressed",
)  # fmt: skip
EVENT_COLUMNS = (
    "retention", "received_at", "brand_id", "report_id", "service_id", "case_id", "category", "source", "ip",
    "source_port", "target_port", "url", "occurred_at", "count", "evidence",
)  # fmt: skip

_SEEN = """
INSERT INTO records_eventseen (identity, report_id, seen_at)
SELECT decode(identity, 'base64'), report, at
FROM json_to_recordset(%s::json) AS row(identity text, report uuid, at timestamptz)
ON CONFLICT DO NOTHING
"""

_SEEN_LATER = _SEEN.replace("DO NOTHING", "(identity) DO UPDATE SET report_id = EXCLUDED.report_id")


def write_reports(told: Iterable[Telling]) -> dict[str, int]:
    """Writes the reports of complaints. Returns the ids of their reporters by their keys."""
    complaints = {one.complaint.id: one.complaint for one in told}
    ids = reporters.ids_of(complaints.values())
    rows = (
        (
            one.id, one.brand, one.unread.message_id, ids[one.voice.key],
            storable(one.report.reference or "")[:300], one.report.format, one.unread.received_at,
            storable(one.report.summary), one.assurance, one.grade_reason, _json(one.evidence),
            _json(one.report.notice) if one.report.notice else None, "",
            one.covered.id if one.covered else None, one.covered.effect if one.covered else "",
        )
        for one in complaints.values()
    )  # fmt: skip
    copy_rows("records_report", REPORT_COLUMNS, rows)
    return ids


def write_events(told: list[Telling]) -> None:
    """Writes the events, in the cases that they belong to. Cases are there once their stimuli are decided."""
    cases = _cases(told)
    rows = (
        _event_row(telling, placed, cases.get(_file_of(telling)) if correlate.is_heard(telling) else None)
        for telling in told
        for placed in telling.placed
    )
    copy_rows("records_event", EVENT_COLUMNS, rows)


def _file_of(telling: Telling) -> tuple[int | None, int, str]:
    return telling.service, telling.complaint.brand, telling.complaint.category


def _event_row(telling: Telling, placed: Placed, case: int | None) -> tuple[object, ...]:
    complaint, event = telling.complaint, placed.event
    illegal = complaint.category in ILLEGAL_CONTENT
    return (
        STANDARD, complaint.unread.received_at, complaint.brand, complaint.id, telling.service, case, event.category,
        event.source[:255], placed.ip, event.source_port, event.target_port,
        "" if illegal else storable(event.url or ""), event.occurred_at, event.count,
        "" if illegal else storable(event.evidence),
    )  # fmt: skip


def _cases(told: list[Telling]) -> dict[tuple[int | None, int, str], int]:
    """The case that a category of a brand goes to at a service."""
    brands = models.Brand.objects.in_bulk({one.complaint.brand for one in told})
    rows = models.Case.objects.filter(service__in={one.service for one in told if one.service is not None})
    cases = {
        (service, abuse_type): pk for pk, service, abuse_type in rows.values_list("pk", "service_id", "abuse_type")
    }
    found: dict[tuple[int | None, int, str], int] = {}
    for one in told:
        complaint = one.complaint
        abuse_type = pack_of(brands[complaint.brand]).abuse_type(complaint.category).name
        if one.service is not None and (one.service, abuse_type) in cases:
            found[one.service, complaint.brand, complaint.category] = cases[one.service, abuse_type]
    return found


def write_seen(told: list[Telling], now: datetime) -> None:
    """Notes the identities of the events, by which the same is known when it is told again."""
    for query, rows in ((_SEEN, correlate.seen_rows(told)), (_SEEN_LATER, correlate.later_rows(told))):
        give_rows(query, [{"identity": identity, "report": report, "at": now} for identity, report in rows])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
