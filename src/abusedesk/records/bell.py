"""The bell: NOTIFY wakes whoever waits for work. It only wakes; every loop also looks by itself from time to time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

CHANNEL = "abusedesk"


def ring() -> None:
    """Wake all who wait. Inside a transaction they wake when it commits, and not at all when it does not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


class Bell:
    """Waits for the bell on a connection of its own: a pooler in between would lose it."""

    def __init__(self) -> None:
        self._line: BaseDatabaseWrapper | None = None

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Until the bell rings, or the time is over. Without a connection it is a plain wait."""
        try:
            self._listen(seconds)
        except (DatabaseError, psycopg.Error):
            self.close()
            stop.wait(seconds)

    def close(self) -> None:
        """Stop listening."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _listen(self, seconds: float) -> None:
        if self._line is None:
            self._line = connection.copy()
            self._line.ensure_connection()
            self._line.set_autocommit(True)
            self._raw().execute(f"LISTEN {CHANNEL}")
            return  # What was rung before now went unheard, so look once more before waiting.
        for _ in self._raw().notifies(timeout=seconds, stop_after=1):
            return

    def _raw(self) -> "psycopg.Connection[tuple[object, ...]]":
        raw: psycopg.Connection[tuple[object, ...]] | None = self._line.connection if self._line else None
        if raw is None:
            raise psycopg.OperationalError("not connected")
        return raw


@contextmanager
def bell() -> Iterator[Bell]:
    """A bell that is closed at the end."""
    one = Bell()
    try:
        yield one
    finally:
        one.close()
