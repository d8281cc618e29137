"""What the worker's lanes and the watch have in common: do, wait for the bell, and outlive whatever breaks."""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, close_old_connections, connection

from abusedesk.records.bell import Bell, Work, bell

log = structlog.get_logger()

RECOVERY_S = 2.0
"""The wait after something broke."""


@dataclass(slots=True)
class Every:
    """Says once in so long that the time has come, the first time at once."""

    length: timedelta
    last: datetime | None = None

    def has_come(self, now: datetime) -> bool:
        """Whether it has; then it is counted from now. A clock that went back does not make it wait."""
        if self.last is not None and self.last <= now < self.last + self.length:
            return False
        self.last = now
        return True


def keep_doing(turn: Callable[[], int], stop: threading.Event, poll_s: float, hears: Work | None = None) -> None:
    """Call `turn` until `stop`, at once again while it finds work, else when the bell that it hears rings or `poll_s`
    later.
    """
    with bell(hears) if hears else nullcontext() as waiting:
        while not stop.is_set():
            _once(turn, stop, waiting, poll_s)
    connection.close()


def _once(turn: Callable[[], int], stop: threading.Event, waiting: Bell | None, poll_s: float) -> None:
    try:
        found = turn()
    except DatabaseError as error:
        log.warning("the database failed; trying again", error=str(error).strip())
        close_old_connections()
        stop.wait(RECOVERY_S)
        return
    except Exception:
        # One thing that breaks must not keep all others from being done; what it was working on is leased, and waits.
        log.exception("it broke; going on")
        stop.wait(RECOVERY_S)
        return
    if not found and waiting is not None:
        waiting.wait(poll_s, stop)
    elif not found:
        stop.wait(poll_s)
