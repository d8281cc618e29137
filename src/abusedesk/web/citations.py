"""How often each clause of a brand's policy was cited of late, and the last cases in which it acted.

Counting reads every decision of the days that it counts, so it is done once in a while and not for every page: a page
asks for it after it is there, and a desk with too much to count says so instead of waiting.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.core.cache import cache
from django.db import OperationalError, connection, transaction

from abusedesk.records.models import Brand

DAYS = 30
CASES = 3
KEEP_S = 600
"""For so long a count is shown again."""

PATIENCE_MS = 5000
"""Longer than this nobody waits, and the database has better things to do."""

# Pairs of clause and case are counted first: a clause acts often on few cases, so little is left to be ordered.
_COUNT = """
WITH cited AS (
    SELECT clause, entry.case_id, count(*) AS times, max(entry.at) AS last
    FROM records_timeline entry
    JOIN records_docket docket ON docket.id = entry.docket_id AND docket.brand_id = %s,
        jsonb_array_elements_text(entry.clauses) AS clause
    WHERE entry.at > %s AND entry.at <= %s AND entry.decision_id IS NOT NULL
        AND entry.kind NOT IN ('carried_out', 'failed', 'staff')
    GROUP BY clause, entry.case_id
), ranked AS (
    SELECT clause, case_id, last, sum(times) OVER (PARTITION BY clause) AS total,
        row_number() OVER (PARTITION BY clause ORDER BY case_id IS NULL, last DESC) AS place
    FROM cited
)
SELECT clause, total, case_id FROM ranked WHERE place <= %s ORDER BY clause, place
"""


class Cited(NamedTuple):
    """How often a clause was cited in the days that are counted, and the last cases, the latest first."""

    times: int
    cases: list[int]


def known(brand: Brand) -> dict[str, Cited] | None:
    """What was counted a short while ago, or None."""
    found: dict[str, Cited] | None = cache.get(_key(brand))
    return found


def count(brand: Brand, now: datetime) -> dict[str, Cited] | None:
    """The citations of each clause by its full id. None where the database cannot tell within a few seconds."""
    found = known(brand)
    if found is not None:
        return found
    try:
        found = _count(brand, now)
    except OperationalError:
        return None
    cache.set(_key(brand), found, KEEP_S)
    return found


def _count(brand: Brand, now: datetime) -> dict[str, Cited]:
    found: dict[str, Cited] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = %s", [PATIENCE_MS])
        cursor.execute(_COUNT, [brand.pk, now - timedelta(days=DAYS), now, CASES])
        for clause, total, case in cursor.fetchall():
            one = found.setdefault(clause, Cited(int(total), []))
            if case is not None:
                one.cases.append(case)
    return found


def _key(brand: Brand) -> str:
    return f"cited-{brand.pk}"
