"""The stored decisions, docket by docket in the order in which they were made, as they lie in the table."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

_BATCH = 2000

_ALL = """
WITH begun AS (
    SELECT docket.id AS docket_id, 0::bigint AS sequence FROM records_docket docket
    WHERE %(brand)s::bigint IS NULL OR docket.brand_id = %(brand)s
)
"""

# Each docket from its newest snapshot before its first decision of that time, so that the fold has where to begin.
_RECENT = """
WITH cut AS MATERIALIZED (
    SELECT decision.docket_id, min(decision.sequence) AS first
    FROM records_decision decision JOIN records_docket docket ON docket.id = decision.docket_id
    WHERE decision.decided_at >= %(since)s AND (%(brand)s::bigint IS NULL OR docket.brand_id = %(brand)s)
    GROUP BY decision.docket_id
), begun AS MATERIALIZED (
    SELECT cut.docket_id, COALESCE((
        SELECT max(earlier.sequence) FROM records_decision earlier
        WHERE earlier.docket_id = cut.docket_id AND earlier.sequence < cut.first AND earlier.snapshot IS NOT NULL
    ), 0) AS sequence FROM cut
)
"""

_ROWS = """
SELECT decision.docket_id, service.ref, brand.slug, decision.sequence, decision.at, decision.decided_at,
       decision.stimulus, decision.facts, encode(decision.pack_digest, 'hex'), decision.engine_version,
       decision.docket_digest, decision.effects, decision.snapshot, decision.salt = ''::bytea,
       decision.sequence = begun.sequence
FROM begun JOIN records_decision decision ON decision.docket_id = begun.docket_id
JOIN records_docket docket ON docket.id = decision.docket_id JOIN records_brand brand ON brand.id = docket.brand_id
LEFT JOIN records_service service ON service.id = docket.service_id
WHERE decision.sequence >= begun.sequence ORDER BY decision.docket_id, decision.sequence
"""

_COUNT = """
SELECT count(*) FROM begun JOIN records_decision decision ON decision.docket_id = begun.docket_id
WHERE decision.sequence > begun.sequence
"""


class Decided(NamedTuple):
    """A stored decision with its docket's service and brand. `begins` marks one of which only the snapshot is used."""

    docket: int
    service: str | None
    brand: str
    sequence: int
    at: datetime
    decided_at: datetime
    stimulus: bytes
    facts: bytes
    pack: str
    engine: int
    docket_digest: bytes
    effects: bytes
    snapshot: bytes | None
    erased: bool
    begins: bool


def decided(since: datetime | None = None, brand: int | None = None) -> Iterator[Decided]:
    """The decisions by docket and sequence; with `since`, of dockets decided on since then, from a snapshot before.

    They are read as they stand when the first one is asked for.
    """
    with transaction.atomic():
        connection.ensure_connection()
        # Django's own cursor fetches all at once, and as text, in which bytes are twice as long.
        raw: Any = connection.connection
        with raw.cursor("decided", binary=True) as cursor:
            cursor.itersize = _BATCH
            cursor.execute(_begun(since) + _ROWS, {"since": since, "brand": brand})
            for row in cursor:
                yield Decided._make(row)


def how_many(since: datetime | None = None, brand: int | None = None) -> int:
    """How many of them are to be made again."""
    with connection.cursor() as cursor:
        cursor.execute(_begun(since) + _COUNT, {"since": since, "brand": brand})
        return int(cursor.fetchone()[0])


def _begun(since: datetime | None) -> str:
    return _ALL if since is None else _RECENT
