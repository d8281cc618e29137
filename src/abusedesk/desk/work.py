"""Work: the worker's loop. One lane reads what came in, one sends notices, one drives measures, two look whether those
in force still are, one plays what-ifs, one compares inventories, one tells people what is wrong, one looks up domains
that want to send mail or are sent some.

The lanes are threads, so that a mail server that does not answer delays no suspension and no reading.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from abusedesk.desk.claim import BATCH, is_for_us
from abusedesk.desk.intake import process_messages
from abusedesk.desk.inventory import rounds
from abusedesk.desk.loop import Every, Habits, keep_doing
from abusedesk.desk.oncall import heartbeat
from abusedesk.desk.oncall.telling import tell_alerts
from abusedesk.desk.perform import Driver, in_a_thread, look_again, mailhosts, perform_effects
from abusedesk.desk.policies.audits.runs import take_up
from abusedesk.desk.policies.whatif.runs import ponder
from abusedesk.desk.pressure import is_pressed
from abusedesk.desk.requests import check_next
from abusedesk.records.bell import Work

log = structlog.get_logger()

POLL_S = 0.5

PATIENCE = timedelta(minutes=1)
"""So long a notice waits for reports to be read and for measures: those stop harm, on the same machine."""

LULL = timedelta(seconds=1)
"""So long nothing that stops harm has waited before notices go out: in a flood there is always a moment without."""

NOTICES = 4
"""So many are sent before it is looked again whether something waits that stops harm."""

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
        # With an end to each wait a signal is heard soon, whichever thread the system gave it to.
        while lane.is_alive():
            lane.join(1)
    if broken:
        raise Broken(f"the worker ended because of {', '.join(broken)}")


def read(_worker: str, now: datetime) -> int:
    """Messages that came in, each one all the way to its decisions."""
    return process_messages(now) if is_for_us(now) else 0


def notify(worker: str, now: datetime) -> int:
    """Notices and alerts that decisions ordered; while reports or measures wait, those that have waited for long."""
    if is_pressed(now):
        _pressed[worker] = now
    if worker not in _pressed or now - _pressed[worker] >= LULL:
        return perform_effects(worker, now, NOTICES)
    # Those that waited for long are looked for now and then, and not whenever a bell rings.
    has_come = _overdue.setdefault(worker, Every(LULL)).has_come(now)
    return perform_effects(worker, now, NOTICES, since=now - PATIENCE) if has_come else 0


def drive(worker: str, now: datetime) -> int:
    """Measures that are not outside as decided, many at a time."""
    driver = _drivers.setdefault(worker, Driver(worker, in_a_thread))
    was_busy = driver.is_busy
    return driver.turn(now) + was_busy


def see_through(worker: str, now: datetime) -> int:
    """What is under way when the worker stops; nothing more is taken on."""
    driver = _drivers.get(worker)
    if driver is None or not driver.is_busy:
        return 0
    driver.turn(now, 0)
    return 1


_drivers: dict[str, Driver] = {}
_pressed: dict[str, datetime] = {}
"""When each worker last saw that something waits which stops harm."""
_overdue: dict[str, Every] = {}


def look(worker: str, now: datetime) -> int:
    """Whether what is in force still is."""
    return int(look_again(worker, now))


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
    """The domains behind requests for the mail port, and who takes the mail of those that are written to."""
    return check_next(now) or mailhosts.look_up_next(now)


# To look is mostly to wait for the outside: one that takes its time is not to hold up all others.
LANES: tuple[Lane, ...] = (read, notify, drive, look, look, try_out, take_stock, alarm, look_up)

HEARS: dict[Lane, Work] = {read: "read", notify: "send", drive: "drive"}
"""The bell that wakes a lane; the others look by themselves."""

GATHERS: dict[Lane, int] = {read: BATCH}
"""The lanes for which a turn with a little costs nearly as much as one with a lot, and what a full turn finds."""

ENDS: dict[Lane, Lane] = {drive: see_through}
"""What a lane does once the worker stops, until there is no more of it."""


def _keep_to(lane: Lane, stop: threading.Event, name: str, broken: list[str]) -> None:
    try:
        habits = Habits(HEARS.get(lane), GATHERS.get(lane, 1), lambda: ENDS.get(lane, _nothing)(name, _now()))
        keep_doing(lambda: lane(name, _now()), stop, POLL_S, habits)
    except BaseException:
        # The panic of a library in Rust is no Exception, and would end this thread alone.
        log.exception("a lane broke", lane=lane.__name__)
        broken.append(lane.__name__)
        stop.set()


def _nothing(_worker: str, _now: datetime) -> int:
    return 0


def _now() -> datetime:
    return datetime.now(UTC)
