"""Fetch: asks every channel that is to be asked, in its own thread, as the console says at the moment.

A channel that fails is asked again, less and less often; what is wrong stands in the console. Its watermark stays where
it was, so no deadline overtakes what may lie there.
"""

import threading
import time
from datetime import UTC, datetime

import structlog
from django.db import DatabaseError, connection, transaction

from abusedesk.desk.channel import Round, drivers
from abusedesk.problem import Problem
from abusedesk.records.models import Channel

log = structlog.get_logger()

LOOK_S = 2.0
"""How often the channels are looked up, so that what the console changes holds at once."""

EVERY_S = 2.0
SHORTEST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 300.0


def run(stop: threading.Event) -> None:
    """Ask until `stop`."""
    threads: dict[int, Asking] = {}
    while not stop.is_set():
        _keep_up(threads)
        stop.wait(LOOK_S)
    for one in threads.values():
        one.end()
    for one in threads.values():
        one.join()
    connection.close()


def _keep_up(threads: "dict[int, Asking]") -> None:
    """Starts, ends and restarts threads as the channels are now."""
    try:
        wanted = {one.pk: one for one in Channel.objects.filter(enabled=True, kind__in=drivers())}
    except DatabaseError as error:
        log.warning("the channels cannot be looked up", error=str(error).strip())
        connection.close()
        return
    for pk, thread in list(threads.items()):
        if pk not in wanted or thread.signature != signature(wanted[pk]) or not thread.is_alive():
            thread.end()
            thread.join()
            del threads[pk]
    for pk, channel in wanted.items():
        if pk not in threads:
            threads[pk] = Asking(channel)
            threads[pk].start()


def signature(channel: Channel) -> tuple[object, ...]:
    """What makes a channel another one to ask."""
    return (channel.kind, channel.name, channel.brand_id, tuple(sorted(channel.options.items())))


class Asking(threading.Thread):
    """One channel, asked for ever."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(name=f"channel-{channel.name}", daemon=True)
        self.signature = signature(channel)
        self._pk = channel.pk
        self._stop_asking = threading.Event()

    def end(self) -> None:
        """Ask no more after the present round."""
        self._stop_asking.set()

    def run(self) -> None:
        pause = EVERY_S
        while not self._stop_asking.is_set():
            try:
                went_well, more = ask_once(self._pk)
                pause = EVERY_S if went_well else min(max(pause, SHORTEST_PAUSE_S) * 2, LONGEST_PAUSE_S)
            except DatabaseError as error:
                log.warning("the database failed; trying again", error=str(error).strip())
                connection.close()
                more = False
            if not more:
                self._stop_asking.wait(pause)
        connection.close()


def ask_once(pk: int) -> tuple[bool, bool]:
    """One round on one channel: whether it went well, and whether there is more at once."""
    channel = Channel.objects.get(pk=pk)
    began = time.monotonic()
    try:
        done = drivers()[channel.kind].ask(channel)
    except DatabaseError:
        raise
    except (Problem, OSError) as error:
        _failed(channel, _words(error))
        return False, False
    except Exception as error:
        log.exception("channel broke", channel=channel.name)
        _failed(channel, f"{type(error).__name__}: {error}")
        return False, False
    _went_well(channel, done, time.monotonic() - began)
    return True, done.more or bool(done.taken and done.left)


def _went_well(channel: Channel, done: Round, seconds: float) -> None:
    now = datetime.now(UTC)
    changed = {"checked_at": now, "backlog": done.left, "error": "", "failing_since": None, "memory": done.memory}
    with transaction.atomic():
        found = Channel.objects.filter(pk=channel.pk)
        found.update(**changed)
        if done.read_up_to is not None:
            found.update(watermark=done.read_up_to)
    if done.taken:
        log.info("taken in", channel=channel.name, messages=done.taken, left=done.left, seconds=round(seconds, 2))


def _failed(channel: Channel, words: str) -> None:
    now = datetime.now(UTC)
    log.warning("channel cannot be asked", channel=channel.name, error=words)
    found = Channel.objects.filter(pk=channel.pk)
    found.update(checked_at=now, error=words[:1000])
    found.filter(failing_since=None).update(failing_since=now)


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
