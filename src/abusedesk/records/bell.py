"""The bells: NOTIFY wakes whoever waits for work. It only wakes; every loop also looks by itself from time to time.

Each kind of work has a bell of its own, so that nobody looks for work because of another's.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

import psycopg
from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

CHANNEL = "abusedesk_{}"

Work = Literal["read", "send", "drive"]
WORK: tuple[Work, ...] = get_args(Work)
"""Messages to be read, mails to be sent, measures to be taken or lifted."""


def ring(*work: Work) -> None:
    """Wake who waits for this work, or for any where none is named.

    Inside a transaction they wake when it commits, and not at all when it does not.
    """
    bells = [CHANNEL.format(one) for one in work or WORK]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(one, '') FROM unnest(%s::text[]) one", [bells])


class Bell:
    """Waits for the bell on a connection of its own: a pooler in between would lose it."""

    def __init__(self, work: Work) -> None:
        self._channel = CHANNEL.format(work)
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
            self._raw().execute(f"LISTEN {self._channel}")
            return  # What was rung before now went unheard, so look once more before waiting.
        for _ in self._raw().notifies(timeout=seconds, stop_after=1):
            return

    def _raw(self) -> "psycopg.Connection[tuple[object, ...]]":
        raw: psycopg.Connection[tuple[object, ...]] | None = self._line.connection if self._line else None
        if raw is None:
            raise psycopg.OperationalError("not connected")
        return raw


@contextmanager
def bell(work: Work) -> Iterator[Bell]:
    """The bell for some work; it is closed at the end."""
    one = Bell(work)
    try:
        yield one
    finally:
        one.close()
