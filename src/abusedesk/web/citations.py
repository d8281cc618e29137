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

# A policy cites the same few sets of clauses over and over: they are counted as they are, and only then taken apart.
_COUNT = """
WITH cited AS (
    SELECT entry.clauses, count(*) AS times,
        max(ARRAY[extract(epoch FROM entry.at)::bigint, entry.case_id]) FILTER (WHERE entry.case_id > 0) AS last
    FROM records_timeline entry
    JOIN records_docket docket ON docket.id = entry.docket_id AND docket.brand_id = %s
    WHERE entry.at > %s AND entry.at <= %s AND entry.decision_id IS NOT NULL
        AND entry.kind NOT IN ('carried_out', 'failed', 'drifted', 'staff')
    GROUP BY entry.clauses
)
SELECT clause, sum(times), array_agg(last[2] ORDER BY last[1] DESC) FILTER (WHERE last IS NOT NULL)
FROM cited, jsonb_array_elements_text(clauses) AS clause
GROUP BY clause
"""


class Cited(NamedTuple):
    """How often a clause was cited in the days that are counted, and some late cases, the very last one first."""

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
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = %s", [PATIENCE_MS])
        cursor.execute(_COUNT, [brand.pk, now - timedelta(days=DAYS), now])
        return {
            clause: Cited(int(total), list(dict.fromkeys(cases or ()))[:CASES])
            for clause, total, cases in cursor.fetchall()
        }


def _key(brand: Brand) -> str:
    return f"cited-{brand.pk}"
