"""A worker in a process of its own, which can be made to die by SIGKILL at any step.

A step is the moment before a statement to the database, before and after any commit, and before and after any word to
the mail server or the receiver of orders. A statement that only reads leaves nothing behind: to die after it is to die
before it, and is no step of its own. The product knows nothing of this: the steps are found from outside.
"""

import http.client
import os
import signal
import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402


@dataclass(frozen=True)
class Place:
    """Where the child finds the database of the test and its mail server."""

    database: dict[str, str]
    smtp_port: int


def run(place: Place, turn: Callable[[datetime], None], now: datetime, die_at: int | None) -> None:
    """One turn of a worker at `now`; with `die_at` the process is killed at that step."""
    connection.settings_dict.update(place.database)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", place.smtp_port
    if die_at is not None:
        _die_at(die_at)
    turn(now)
    connection.close()


def _die_at(number: int) -> None:
    steps = count(1)
    moved = True

    def step() -> None:
        nonlocal moved
        moved = False
        if next(steps) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def before_statement(execute: Any, query: str, *arguments: Any) -> Any:
        nonlocal moved
        if moved:
            step()
        moved = not _only_reads(query)
        return execute(query, *arguments)

    connection.execute_wrappers.append(before_statement)
    _around(connection, "_commit", step)
    _around(http.client.HTTPConnection, "request", step)
    _around(http.client.HTTPConnection, "getresponse", step)
    _around(smtplib.SMTP, "data", step)


def _only_reads(query: str) -> bool:
    words = str(query).split()
    return words[0] in {"SELECT", "SAVEPOINT", "RELEASE"} and "nextval" not in query and "pg_notify" not in query


def _around(owner: Any, name: str, step: Callable[[], None]) -> None:
    call = getattr(owner, name)

    def stepping(*arguments: Any, **named: Any) -> Any:
        step()
        answer = call(*arguments, **named)
        step()
        return answer

    setattr(owner, name, stepping)
