"""Reporters: the record of each that is heard of, and when and in which form it was heard last."""

from collections.abc import Iterable
from datetime import datetime

from abusedesk.desk.correlate import Complaint
from abusedesk.records.bulk import give_rows
from abusedesk.records.models import Reporter

# A row that another worker holds is left to it: to the hour is exact enough, and nobody waits for it.
_HEARD = """
WITH heard AS (SELECT * FROM json_to_recordset(%s::json) AS row(id bigint, at timestamptz, format text)),
held AS (SELECT reporter.id FROM records_reporter reporter JOIN heard ON heard.id = reporter.id
         WHERE reporter.last_seen IS NULL OR reporter.last_seen < heard.at - interval '1 hour'
            OR NOT reporter.formats ? heard.format
         FOR UPDATE OF reporter SKIP LOCKED)
UPDATE records_reporter reporter
SET last_seen = GREATEST(reporter.last_seen, heard.at), first_seen = COALESCE(reporter.first_seen, heard.at),
    formats = CASE WHEN reporter.formats ? heard.format THEN reporter.formats
                   ELSE reporter.formats || to_jsonb(heard.format) END
FROM heard, held WHERE reporter.id = heard.id AND heard.id = held.id
"""


def ids_of(complaints: Iterable[Complaint]) -> dict[str, int]:
    """The ids of the reporters by their keys, each made when it is first heard of."""
    voices = {one.voice.key: one for one in complaints}
    unknown = sorted(key for key, one in voices.items() if one.voice.reporter is None)
    Reporter.objects.bulk_create([_new(voices[key]) for key in unknown], ignore_conflicts=True)
    made = dict(Reporter.objects.filter(key__in=unknown).values_list("key", "pk")) if unknown else {}
    return made | {key: one.voice.reporter for key, one in voices.items() if one.voice.reporter is not None}


def _new(complaint: Complaint) -> Reporter:
    voice, at = complaint.voice, complaint.unread.received_at
    formats = [complaint.report.format]
    return Reporter(key=voice.key, organisation=voice.organisation, first_seen=at, last_seen=at, formats=formats)


def note_heard(heard: Iterable[tuple[int | None, datetime, str]]) -> None:
    """Notes of each reporter, by its id, when it was heard and in which format. One query, none where nobody spoke."""
    latest: dict[int, tuple[datetime, str]] = {}
    for reporter, at, form in heard:
        if reporter is not None and (reporter not in latest or latest[reporter][0] < at):
            latest[reporter] = (at, form)
    give_rows(_HEARD, [{"id": pk, "at": at, "format": form} for pk, (at, form) in sorted(latest.items())])
