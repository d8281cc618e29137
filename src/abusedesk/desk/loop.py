"""What the worker's lanes and the watch have in common: do, wait for the bell, and outlive whatever breaks."""

import threading
from collections.abc import Callable

import structlog
from django.db import DatabaseError, close_old_connections, connection

from abusedesk.records.bell import Bell, bell

log = structlog.get_logger()

RECOVERY_S = 2.0
"""The wait after something broke."""


def keep_doing(turn: Callable[[], int], stop: threading.Event, poll_s: float) -> None:
    """Call `turn` until `stop`, at once again while it finds work, else when the bell rings or `poll_s` later."""
    with bell() as waiting:
        while not stop.is_set():
            _once(turn, stop, waiting, poll_s)
    connection.close()


def _once(turn: Callable[[], int], stop: threading.Event, waiting: Bell, poll_s: float) -> None:
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
    if not found:
        waiting.wait(poll_s, stop)
