"""Many rows into a table at once, by PostgreSQL's COPY."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from psycopg import sql


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes rows in the order of the columns; nothing is asked of the database where there are none."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        copy.write_row(first)
        for row in rows:
            copy.write_row(row)
