"""`abusedesk serve`: database, console, workers and watch in one process group, looked after and stopped together."""

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from abusedesk import configuration, lifeline
from abusedesk.cli.web import refuse_busy_port
from abusedesk.configuration import Configuration
from abusedesk.problem import Problem
from abusedesk.records import embedded
from abusedesk.records.lock import Held, Lock

LOCK_FILE = "serve.lock"
TICK_S = 0.1
STOP_S = 30
LONGEST_PAUSE_S = 30.0
# A part that ran this long was well; the next failure is a new one.
HEALTHY_S = 60
STARTING_S = 10
REFUSED = 2


@dataclass(slots=True)
class Part:
    """One child: how to start it, and how often it has failed of late."""

    name: str
    arguments: list[str]
    process: "subprocess.Popen[bytes] | None" = None
    failures: int = 0
    starts: int = 0
    started: float = 0.0
    due: float = field(default=0.0)

    def start(self) -> None:
        """Start the child, tied to this process."""
        self.starts += 1
        self.started = time.monotonic()
        self.process = spawn(self.arguments)

    def ended(self) -> int | None:
        """The exit code if the child has just ended, once."""
        code = self.process.poll() if self.process else None
        if code is not None:
            self.process = None
        return code

    def never_ran(self) -> bool:
        """Whether it failed at once and has not run before: then a setting is wrong, and trying again helps nobody."""
        return self.starts == 1 and time.monotonic() - self.started < STARTING_S

    def postpone(self) -> float:
        """Count a failure and say how many seconds to wait before the next start."""
        self.failures = 1 if time.monotonic() - self.started > HEALTHY_S else self.failures + 1
        pause: float = min(0.5 * 2.0 ** (self.failures - 1), LONGEST_PAUSE_S)
        self.due = time.monotonic() + pause
        return pause

    def stop(self) -> None:
        """Ask the child to end, wait, and insist."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(slots=True)
class Database(Part):
    """The embedded server. Its parts wait while it is away, and go on by themselves."""

    server: embedded.Server | None = None
    is_away: bool = False

    def look_after(self) -> None:
        """Starts it again when it ended by itself: where the disk was full, as soon as there is room."""
        if self.server is None or self.server.alive():
            self.is_away = False
        elif not self.is_away:
            self.is_away = True
            pause = self.postpone()
            say(f"the database ended by itself ({self.server.place.log} says why); starting it again in {pause:g} s")
        elif time.monotonic() >= self.due:
            self.start()

    def start(self) -> None:
        """Start the server."""
        self.started = time.monotonic()
        try:
            embedded.restart(cast("embedded.Server", self.server))
        except embedded.DatabaseProblem as problem:
            say(f"{problem}; trying again in {self.postpone():g} s")
        else:
            say("the database is back")


def run(arguments: list[str]) -> int:
    """Serve until SIGINT or SIGTERM."""
    parse(arguments)
    lifeline.end_with_supervisor(leave_interrupt=False)
    settings = configuration.load()
    stop = _stop_on_signal()
    with only_one(settings):
        refuse_busy_port(settings)
        with _database(settings) as running:
            return _migrate() or _supervise(settings, running, stop)


def parse(arguments: list[str]) -> None:
    """Serve takes no arguments; its settings are those of the installation."""
    argparse.ArgumentParser(
        prog="abusedesk serve",
        description="Run the database (unless ABUSEDESK_DATABASE_URL names one), the console, workers and the watch "
        "loop. Ctrl-C stops all of them. Address and port are the settings ABUSEDESK_HOST and ABUSEDESK_PORT.",
    ).parse_args(arguments)


def spawn(arguments: list[str]) -> "subprocess.Popen[bytes]":
    """Start an `abusedesk` command as a child that ends when this process ends."""
    return subprocess.Popen(
        [sys.executable, "-m", "abusedesk.cli", *arguments],
        stdin=subprocess.DEVNULL,
        env={**os.environ, lifeline.SUPERVISOR: str(os.getpid())},
    )


@contextlib.contextmanager
def only_one(settings: Configuration) -> Iterator[None]:
    """Hold the data folder against a second `serve`."""
    lock = Lock(settings.data / LOCK_FILE)
    try:
        configuration.make_folder(settings.data)
        lock.acquire()
    except Held as held:
        raise Problem(
            f"{settings.data}: is served already by pid {held.pid} ({held.command}); stop that one first"
        ) from None
    except OSError as error:
        raise Problem(
            f"{settings.data}: cannot be written ({error.strerror}); make it writable for this user, "
            "or set ABUSEDESK_DATA to another folder"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _database(settings: Configuration) -> Iterator[embedded.Server | None]:
    if settings.database_url is not None:
        yield None
        return
    # Whoever stops `serve` wants it stopped: commands that use its database are not waited for.
    with embedded.running(settings.data) as running:
        if not running.owned:
            owner, command = embedded.owner(settings.data)
            raise Problem(
                f"{settings.data}: the database belongs to pid {owner} ({command}) and ends with it; "
                "wait until that is done"
            )
        yield running


def _migrate() -> int:
    """Bring the tables up to this release. Returns the exit code; what went wrong has been said by then."""
    return spawn(["migrate", "--quiet"]).wait()


def _parts(settings: Configuration) -> list[Part]:
    workers = [Part(f"worker-{number}", ["worker"]) for number in range(1, settings.workers + 1)]
    mail = [Part("mail", ["lmtp"])] if settings.lmtp or settings.smtp else []
    return [Part("web", ["web"]), *workers, *mail, Part("fetch", ["fetch"]), Part("watch", ["watch"])]


def _supervise(settings: Configuration, running: embedded.Server | None, stop: threading.Event) -> int:
    database, parts = Database("database", [], server=running), _parts(settings)
    threading.Thread(target=_announce, args=(settings, stop), daemon=True).start()
    try:
        while not stop.wait(TICK_S):
            database.look_after()
            for part in parts:
                _look_after(part)
    finally:
        say("stopping")
        for part in reversed(parts):
            part.stop()
    return 0


def _look_after(part: Part) -> None:
    code = part.ended()
    if code is not None:
        if code == REFUSED and part.never_ran():
            raise Problem(f"{part.name} cannot run, so nothing does; the line above says why")
        say(f"{part.name} ended ({_told(code)}); starting it again in {part.postpone():g} s")
    if part.process is None and time.monotonic() >= part.due:
        part.start()


def _told(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _announce(settings: Configuration, stop: threading.Event) -> None:
    """Say where the console is, once it is there."""
    while not stop.wait(TICK_S):
        with contextlib.suppress(OSError), socket.create_connection((_local(settings.host), settings.port), 1):
            say(f"serving {settings.url} (Ctrl-C stops everything)")
            return


def _local(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def _stop_on_signal() -> threading.Event:
    stop = threading.Event()
    numbers = [signal.SIGINT, signal.SIGTERM]
    # Under nohup the end of the terminal is to be survived.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    for number in numbers:
        signal.signal(number, lambda *_: stop.set())
    return stop


def say(text: str) -> None:
    """One line about the whole, at once."""
    print(f"abusedesk: {text}", flush=True)
