"""What the worker's lanes and the watch have in common: do, wait for the bell, and outlive whatever breaks."""

import threading
import time
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

LONGEST_REST_S = 0.03
"""However long a turn took."""


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


def _nothing() -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Habits:
    """How something is done again and again: the bell that it hears; how much a full turn finds, after which it does
    not rest; and what is done at the end, until there is no more of it.
    """

    hears: Work | None = None
    full: int = 1
    last: Callable[[], int] = _nothing


PLAIN = Habits()


def keep_doing(turn: Callable[[], int], stop: threading.Event, poll_s: float, habits: Habits = PLAIN) -> None:
    """Call `turn` until `stop`, again while it finds work, else when the bell that it hears rings or `poll_s` later.

    After a turn that was not full it rests for as long as that took: what comes meanwhile is then done together.
    """
    with bell(habits.hears) if habits.hears else nullcontext() as waiting:
        while not stop.is_set():
            began = time.monotonic()
            found = _found(turn, stop)
            if found == 0:
                _wait(waiting, stop, poll_s)
            elif found is not None and found < habits.full:
                stop.wait(min(time.monotonic() - began, LONGEST_REST_S))
    while _found(habits.last, stop):
        pass
    connection.close()


def _found(turn: Callable[[], int], stop: threading.Event) -> int | None:
    """What a turn found; None where it broke."""
    try:
        return turn()
    except DatabaseError as error:
        log.warning("the database failed; trying again", error=str(error).strip())
        close_old_connections()
    except Exception:
        # One thing that breaks must not keep all others from being done; what it was working on is leased, and waits.
        log.exception("it broke; going on")
    stop.wait(RECOVERY_S)
    return None


def _wait(waiting: Bell | None, stop: threading.Event, poll_s: float) -> None:
    if waiting is not None:
        waiting.wait(poll_s, stop)
    else:
        stop.wait(poll_s)
