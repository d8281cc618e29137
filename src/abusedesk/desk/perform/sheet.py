"""What a turn writes down of measures that are under way: many at once, in the transaction that holds their leases."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection

from abusedesk.desk.perform import marks
from abusedesk.records.bulk import copy_rows, give_rows
from abusedesk.records.partitions import STANDARD, ensure_month

# What a row does not name stays as it is; no column of these is ever emptied.
_MEASURES = """
UPDATE records_measure measure SET state = COALESCE(row.state, measure.state),
    fence = COALESCE(row.fence, measure.fence), actuator = COALESCE(row.actuator, measure.actuator),
    outside = COALESCE(row.outside, measure.outside), tried = COALESCE(row.tried, measure.tried),
    error = COALESCE(row.error, measure.error), in_force_at = COALESCE(row.in_force_at, measure.in_force_at),
    lifted_at = COALESCE(row.lifted_at, measure.lifted_at),
    read_back_at = COALESCE(row.read_back_at, measure.read_back_at)
FROM json_to_recordset(%s::json) AS row(id bigint, state text, fence bigint, actuator text, outside jsonb, tried jsonb,
    error text, in_force_at timestamptz, lifted_at timestamptz, read_back_at timestamptz)
WHERE measure.id = row.id
"""

_DONE_WITH = """
UPDATE records_case SET needs = array_remove(needs, %s) WHERE id = ANY(%s) AND needs @> ARRAY[%s]::varchar[]
"""

_LINE = ("retention", "at", "recorded_at", "docket_id", "case_id", "kind", "body", "clauses", "by")


class Sheet:
    """What is to be written down of one target before its outside is asked, or after it answered for the last time."""

    def __init__(self) -> None:
        self.values: dict[int, dict[str, Any]] = {}
        self.lines: list[tuple[Any, ...]] = []
        self.needs: list[tuple[int | None, str]] = []
        self.done: list[tuple[int | None, str]] = []

    def put(self, measures: Iterable[Any], **values: Any) -> None:
        """Columns of measures; the last word on a column holds."""
        for one in measures:
            self.values.setdefault(one.pk, {}).update(values)

    def tell(self, measure: Any, kind: str, at: datetime, body: Mapping[str, Any]) -> None:
        """A line of the timeline."""
        told = msgspec.json.encode({**body, "item": measure.item}).decode()
        clauses = msgspec.json.encode(measure.clauses).decode()
        self.lines.append((STANDARD, at, at, measure.docket_id, measure.case_id, kind, told, clauses, "desk"))


def write(sheets: Sequence[Sheet]) -> None:
    """Write them down."""
    rows = [{"id": pk, **values} for one in sheets for pk, values in one.values.items()]
    give_rows(_MEASURES, rows)
    _write_lines([line for one in sheets for line in one.lines])
    for case, what in (need for one in sheets for need in one.needs):
        marks.need(case, what)
    _write_done([done for one in sheets for done in one.done])


def _write_lines(lines: Sequence[tuple[Any, ...]]) -> None:
    ensure_month(STANDARD, {line[1] for line in lines})
    copy_rows("records_timeline", _LINE, lines)


def _write_done(done: Sequence[tuple[int | None, str]]) -> None:
    with connection.cursor() as cursor:
        for what in sorted({what for _, what in done}):
            cases = sorted({case for case, each in done if each == what and case is not None})
            cursor.execute(_DONE_WITH, [what, cases, what])
