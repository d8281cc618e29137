"""Work: the worker's loop. One lane reads what came in, one sends notices, one drives measures.

The lanes are threads, so that a mail server that does not answer delays no suspension and no reading.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from abusedesk.desk.intake import process_messages
from abusedesk.desk.loop import keep_doing
from abusedesk.desk.perform import perform_effects, perform_target
from abusedesk.problem import Problem

POLL_S = 0.5

Lane = Callable[[str, datetime], int]

log = structlog.get_logger()


def run(stop: threading.Event, name: str) -> None:
    """Work until `stop`. Raises Problem when a lane broke, so that whoever started the worker starts it again."""
    broken: list[str] = []
    lanes = [threading.Thread(target=_keep_to, args=(lane, stop, name, broken), name=lane) for lane in LANES]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    if broken:
        raise Problem(f"the worker stopped, because this broke: {', '.join(broken)}; the log above says why")


def read(_worker: str, now: datetime) -> int:
    """Messages that came in, each one all the way to its decisions."""
    return process_messages(now)


def notify(worker: str, now: datetime) -> int:
    """Notices and alerts that decisions ordered."""
    return perform_effects(worker, now)


def drive(worker: str, now: datetime) -> int:
    """Measures that are not outside as decided."""
    return int(perform_target(worker, now))


LANES: dict[str, Lane] = {"read": read, "notify": notify, "drive": drive}


def _keep_to(lane: str, stop: threading.Event, name: str, broken: list[str]) -> None:
    try:
        keep_doing(lambda: LANES[lane](name, datetime.now(UTC)), stop, POLL_S)
    except Exception:
        log.exception("lane broke", lane=lane)
        broken.append(lane)
        stop.set()
