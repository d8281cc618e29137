"""Work: the worker's loop. One lane reads what came in, one sends notices, three drive measures, one plays what-ifs,
one compares inventories, one tells people what is wrong, one looks up domains that want to send mail.

The lanes are threads, so that a mail server that does not answer delays no suspension and no reading.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from abusedesk.desk.intake import process_messages
from abusedesk.desk.inventory import rounds
from abusedesk.desk.loop import keep_doing
from abusedesk.desk.oncall import heartbeat
from abusedesk.desk.oncall.telling import tell_alerts
from abusedesk.desk.perform import look_again, measures_wait, perform_effects, perform_target
from abusedesk.desk.policies.audits.runs import take_up
from abusedesk.desk.policies.whatif.runs import ponder
from abusedesk.desk.requests import check_next
from abusedesk.records.bell import Work

log = structlog.get_logger()

POLL_S = 0.5

PATIENCE = timedelta(minutes=1)
"""So long a notice waits for measures: those stop harm, and are made on the same machine."""

Lane = Callable[[str, datetime], int]


class Broken(Exception):  # noqa: N818 - it says what happened to the worker
    """A lane ended though nobody stopped it, and the others with it. Who supervises the worker starts it again."""


def run(stop: threading.Event, name: str) -> None:
    """Work until `stop`. Raises Broken where a lane ended by itself: a worker that reads nothing is worse than none."""
    broken: list[str] = []
    lanes = [threading.Thread(target=_keep_to, args=(lane, stop, name, broken), name=lane.__name__) for lane in LANES]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    if broken:
        raise Broken(f"the worker ended because of {', '.join(broken)}")


def read(_worker: str, now: datetime) -> int:
    """Messages that came in, each one all the way to its decisions."""
    return process_messages(now)


def notify(worker: str, now: datetime) -> int:
    """Notices and alerts that decisions ordered; while measures wait, those that have waited for long."""
    return perform_effects(worker, now, since=now - PATIENCE if measures_wait(now) else now)


def drive(worker: str, now: datetime) -> int:
    """Measures that are not outside as decided; and, where there are none, whether the others still are."""
    return int(perform_target(worker, now) or look_again(worker, now))


def try_out(worker: str, now: datetime) -> int:
    """What-ifs and checks of the record, each in a process of its own."""
    return int(ponder(worker, now) or take_up(worker, now))


def take_stock(_worker: str, now: datetime) -> int:
    """Inventories whose comparison is due."""
    return rounds.take_stock(now)


def alarm(_worker: str, now: datetime) -> int:
    """Alerts, to whoever is on call; and the heartbeat to the outside."""
    heartbeat.of_worker(now)
    return tell_alerts(now)


def look_up(_worker: str, now: datetime) -> int:
    """The domains behind requests for the mail port."""
    return check_next(now)


# To drive a measure is mostly to wait for the outside: one that takes its time is not to hold up all others.
LANES: tuple[Lane, ...] = (read, notify, drive, drive, drive, try_out, take_stock, alarm, look_up)

HEARS: dict[Lane, Work] = {read: "read", notify: "send", drive: "drive"}
"""The bell that wakes a lane; the others look by themselves."""


def _keep_to(lane: Lane, stop: threading.Event, name: str, broken: list[str]) -> None:
    try:
        keep_doing(lambda: lane(name, datetime.now(UTC)), stop, POLL_S, HEARS.get(lane))
    except BaseException:
        # The panic of a library in Rust is no Exception, and would end this thread alone.
        log.exception("a lane broke", lane=lane.__name__)
        broken.append(lane.__name__)
        stop.set()
