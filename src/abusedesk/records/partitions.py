"""Months of the partitioned tables: made before anything is written into them, dropped whole."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from django.db import connection, transaction
from psycopg import sql

STANDARD = "standard"
"""The retention class of what no pack keeps for less."""

PARTITIONED = {"records_message": "received_at", "records_event": "received_at", "records_timeline": "at"}

_made: set[tuple[str, str, int, int]] = set()


def ensure_month(retention: str, instants: Iterable[datetime]) -> None:
    """Makes the partitions of one retention class that rows of these instants go into, once per process."""
    months = {(instant.year, instant.month) for instant in instants}
    for table in PARTITIONED:
        for year, month in sorted(months):
            if (table, retention, year, month) not in _made:
                _make(table, retention, year, month)
                # Not before the commit: what a transaction made and took back must be made again.
                transaction.on_commit(partial(_made.add, (table, retention, year, month)))


def _make(table: str, retention: str, year: int, month: int) -> None:
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    of_class = sql.Identifier(f"{table}_{retention}")
    with connection.cursor() as cursor:
        # Two processes may meet here; the lock lets the second find what the first made.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('abusedesk.partitions'))")
        cursor.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES IN ({}) PARTITION BY RANGE ({})").format(
                of_class, sql.Identifier(table), sql.Literal(retention), sql.Identifier(PARTITIONED[table])
            )
        )
        cursor.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
                sql.Identifier(f"{table}_{retention}_{year}_{month:02d}"),
                of_class,
                sql.Literal(f"{year}-{month:02d}-01 00:00:00+00"),
                sql.Literal(f"{following[0]}-{following[1]:02d}-01 00:00:00+00"),
            )
        )
