"""The heartbeat: an outside that hears nothing any more knows that the desk cannot call for help itself.

A worker asks the address of the setting `heartbeat_url` every `heartbeat_minutes`, but only while the watch runs and
polls deadlines without an error. So the outside falls silent when workers, watch, database or machine are gone.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import transaction

from abusedesk.actuators.calls import Unanswered, called
from abusedesk.desk.loop import Every
from abusedesk.desk.oncall.wrong import POLLED, WORKED
from abusedesk.records.models import Heartbeat

log = structlog.get_logger()

WATCHED = "watch"
"""The heartbeat of the watch's rounds (`desk.watch.NAME`)."""

ASKED = "outside"
FRESH = timedelta(minutes=2)
"""A loop that did not run for longer than this does not run."""

WORK_EVERY = timedelta(seconds=30)
_TIMEOUT_S = 10.0
_LONGEST = 1024


def beat(name: str, now: datetime) -> None:
    """A loop ran at `now`."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": now})


_working = Every(WORK_EVERY)


def of_worker(now: datetime) -> None:
    """A worker lives; and where all runs, the outside is told."""
    if not _working.has_come(now):
        return
    beat(WORKED, now)
    if settings.CONFIGURATION.heartbeat_url:
        ask(settings.CONFIGURATION.heartbeat_url, timedelta(minutes=settings.CONFIGURATION.heartbeat_minutes), now)


def ask(url: str, every: timedelta, now: datetime) -> bool:
    """Ask the outside's address when it is time and all runs. Whether it was asked, and answered well."""
    if late(now, (WATCHED, POLLED)) or not _is_due(every, now):
        return False
    try:
        status, _ = called(
            "GET", urlsplit(url), None, {"User-Agent": "abusedesk"}, timeout=_TIMEOUT_S, longest=_LONGEST
        )
    except Unanswered as silence:
        return _again_soon(every, now, str(silence))
    return 200 <= status < 300 or _again_soon(every, now, f"it answered {status}")


def late(now: datetime, names: Iterable[str] = (WATCHED, POLLED, WORKED)) -> list[str]:
    """What ought to run and does not: the watch, its polling of deadlines, a worker."""
    beats = dict(Heartbeat.objects.values_list("name", "at"))
    return [name for name in names if name not in beats or now - beats[name] > FRESH]


@transaction.atomic
def _is_due(every: timedelta, now: datetime) -> bool:
    """Whether it is this worker that asks now: of several one does."""
    last, is_new = Heartbeat.objects.select_for_update().get_or_create(name=ASKED, defaults={"at": now})
    if not is_new and last.at <= now < last.at + every:
        return False
    Heartbeat.objects.filter(name=ASKED).update(at=now)
    return True


def _again_soon(every: timedelta, now: datetime, why: str) -> bool:
    log.warning("the heartbeat was not heard", error=why)
    Heartbeat.objects.filter(name=ASKED).update(at=now - every + WORK_EVERY)
    return False
