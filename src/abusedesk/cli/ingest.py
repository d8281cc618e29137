"""`abusedesk ingest`: files, mailboxes and folders taken in and decided, each input accounted for at the end."""

import argparse
import contextlib
import multiprocessing
import os
import signal
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from abusedesk.cli.inputs import Input, Unreadable, inputs
from abusedesk.cli.progress import Progress
from abusedesk.cli.session import ready_django, session
from abusedesk.problem import Problem

if TYPE_CHECKING:
    from abusedesk.configuration import Configuration
    from abusedesk.desk.receive import Incoming

NOT_ALL_WELL = 1
BATCH = 500
BATCH_BYTES = 32 * 1024 * 1024
WORTH_HELP = 1000
"""A helping process takes about a second to start; fewer messages are through before it is there."""

PAUSE_S = 0.05
TELL_S = 5.0
OUTCOMES = ("reported", "not_a_report", "needs_review", "rejected")


class Door(NamedTuple):
    """By which channel the inputs come, and for which brand, where that is said."""

    channel: str
    brand: int | None


def run(arguments: list[str]) -> int:
    """Take in and decide. 1 when something could not be read at all."""
    given = _parser().parse_args(arguments)
    with session(decides=True) as settings, Progress() as progress:
        door = Door(_channel(given.channel), _brand(given.brand))
        with Crew(settings, given.processes) as crew:
            tally = Tally()
            for batch in _batches(inputs(given.paths), door, tally, progress):
                _receive(batch, tally)
                progress.advance(len(batch))
                crew.help_with(len(tally.taken))
            progress.end()
            _decide_all({*tally.taken, *tally.known}, progress)
        outcomes = _outcomes(tally.taken)
    _print_table(tally, outcomes)
    return NOT_ALL_WELL if tally.unreadable else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="abusedesk ingest",
        description="Take in complaints from files and decide them: mails, mbox and Maildir, zip, CSV and JSON, and "
        "folders of these. Safe to repeat: what was taken in before is known by its bytes and counted as such.",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file or folder")
    parser.add_argument(
        "--brand", default="", metavar="SLUG", help="whose complaints they are; else the recipient tells"
    )
    parser.add_argument("--channel", default="", metavar="NAME", help="a channel of yours by which they came")
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="at most so many (default: one a core)"
    )
    return parser


def _brand(slug: str) -> int | None:
    from abusedesk.records.models import Brand

    brands = dict(Brand.objects.order_by("slug").values_list("slug", "pk"))
    if not brands:
        raise Problem("there is no brand yet, so nobody's policy could decide; `abusedesk demo` makes two to look at")
    if slug and slug not in brands:
        raise Problem(f"there is no brand {slug!r}; give --brand with one of {', '.join(brands)}")
    return brands[slug] if slug else next(iter(brands.values())) if len(brands) == 1 else None


def _channel(name: str) -> str:
    from abusedesk.records.models import Channel

    if name and not Channel.objects.filter(name=name).exists():
        known = ", ".join(Channel.objects.order_by("name").values_list("name", flat=True)) or "none so far"
        raise Problem(f"there is no channel {name!r}; there are: {known}")
    return name or "ingest"


# --- taking in ------------------------------------------------------------------------------------------------------


class Tally:
    """What became of the inputs so far: messages by id, new and known before, and what could not be read."""

    def __init__(self) -> None:
        self.taken: list[uuid.UUID] = []
        self.known: list[uuid.UUID] = []
        self.unreadable: list[Unreadable] = []


def _batches(
    found: Iterator[Input | Unreadable], door: Door, tally: Tally, progress: Progress
) -> Iterator[list["Incoming"]]:
    """Inputs in batches that are neither too many nor too large to hold; what cannot be read is told at once."""
    from abusedesk.desk.receive import Incoming

    progress.begin("taken in")
    batch: list[Incoming] = []
    size = 0
    for one in found:
        if isinstance(one, Unreadable):
            tally.unreadable.append(one)
            progress.note(f"abusedesk: {one.path}: {one.reason}")
            continue
        batch.append(Incoming(one.data, door.channel, datetime.now(UTC), one.name, door.brand))
        size += len(one.data)
        if len(batch) >= BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _receive(batch: list["Incoming"], tally: Tally) -> None:
    from abusedesk.desk.receive import receive_many

    for one in receive_many(batch):
        (tally.taken if one.new else tally.known).append(one.message_id)


# --- deciding -------------------------------------------------------------------------------------------------------


class Crew:
    """Helping processes, started once there is enough to do for them to be worth it."""

    def __init__(self, settings: "Configuration", processes: int) -> None:
        self._settings = settings
        self._wanted = max(processes, 1) - 1
        self._context = multiprocessing.get_context("spawn")
        self._no_more: Event = self._context.Event()
        self._helpers: list[BaseProcess] = []

    def help_with(self, messages: int) -> None:
        """Start the helpers if there are so many messages that they help."""
        if messages >= WORTH_HELP and not self._helpers:
            work = (self._settings, self._no_more)
            self._helpers = [self._context.Process(target=_help, args=work, daemon=True) for _ in range(self._wanted)]
            for helper in self._helpers:
                helper.start()

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self._no_more.set()
        for helper in self._helpers:
            helper.join()


def _help(settings: "Configuration", no_more: Event) -> None:
    """A helper's whole life: decide what waits until told that no more will come."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The one who asked for help ends us, after our present batch.
    ready_django(settings)
    from abusedesk.desk.intake import process_messages

    parent = os.getppid()
    while not no_more.is_set() and os.getppid() == parent:
        if not process_messages(datetime.now(UTC), BATCH):
            time.sleep(PAUSE_S)


def _decide_all(ours: set[uuid.UUID], progress: Progress) -> None:
    """Decide until everything is decided, by us, the helpers, or workers that run beside us.

    What a run that was killed took in and did not decide is among it.
    """
    from abusedesk.desk.intake import process_messages

    left = _undecided(ours)
    progress.begin("decided", left)
    idle_since: float | None = None
    while left:
        busy = process_messages(datetime.now(UTC), BATCH)
        now_left = _undecided(ours)
        progress.advance(left - now_left)
        left = now_left
        idle_since = None if busy else idle_since or time.monotonic()
        if idle_since is not None:
            idle_since = _wait(idle_since, left, progress)
    progress.end()


def _wait(since: float, left: int, progress: Progress) -> float:
    """Sleep a little; say once in a while for whom. Returns since when we wait."""
    if time.monotonic() - since > TELL_S:
        progress.note(f"waiting for {left:,} in the hands of another process; of one that was killed, for 5 minutes")
        since = time.monotonic()
    time.sleep(PAUSE_S)
    return since


def _undecided(ours: set[uuid.UUID]) -> int:
    """How many of the messages wait still. Few are unread at any time, however many were taken in."""
    from abusedesk.records.models import MessageSeen

    waiting = MessageSeen.objects.filter(read_at=None).values_list("message_id", flat=True)
    return sum(1 for message in waiting.iterator() if message in ours)


def _outcomes(taken: list[uuid.UUID]) -> Counter[str]:
    from abusedesk.records.models import Message

    found: Counter[str] = Counter()
    for start in range(0, len(taken), 10_000):
        chunk = taken[start : start + 10_000]
        found.update(Message.objects.filter(pk__in=chunk).values_list("outcome", flat=True))
    return found


def _print_table(tally: Tally, outcomes: Counter[str]) -> None:
    rows = [("taken", len(tally.taken)), *((f"  {name.replace('_', ' ')}", outcomes[name]) for name in OUTCOMES)]
    rows += [("already known", len(tally.known)), ("unreadable", len(tally.unreadable))]
    for name, count in rows:
        print(f"{name:<16}{count:>12,}")
    with contextlib.suppress(OSError):
        sys.stdout.flush()
