"""Many rows at once: new ones by PostgreSQL's COPY, those that may be there already as one JSON text to a query."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from django.db import connection
from psycopg import sql

Row = Mapping[str, object]
"""A row by the names of its columns."""


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes rows in the order of the columns; nothing is asked of the database where there are none.

    The rows are made before the copy begins: on a connection that copies, no row could be asked for. Raises
    django.db.Error, as any query does.
    """
    ready = list(rows)
    if not ready:
        return
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    # Django knows no COPY; its users are to see its errors all the same.
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(query) as copy:
        for row in ready:
            copy.write_row(row)


def give_rows(query: str, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    """Runs a query that reads its rows from `json_to_recordset(%s::json)`; returns what it returns.

    One statement and one text for any number of rows: a statement each costs the server several times as much. Nothing
    is asked of the database where there are no rows.
    """
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(query, [msgspec.json.encode(rows).decode()])
        return cursor.fetchall() if cursor.description else []


def storable(text: str) -> str:
    """A text as PostgreSQL can hold it: without zero bytes."""
    return text.replace("\0", "")


def storable_value(value: Any) -> Any:
    """What JSON can say, with every text in it as PostgreSQL can hold it."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(key)): storable_value(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [storable_value(one) for one in value]
    return value
