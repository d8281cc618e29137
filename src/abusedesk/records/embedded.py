"""The embedded PostgreSQL: the binaries of a wheel, run in the data folder, for installations that name no database.

One process owns the server, under a file lock; others attach. It listens on a Unix socket in a folder of its own and on
nothing else, and lets in only the user that owns it and root. It ends with its owner (see `guardian`).
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from abusedesk.records import cluster, guardian
from abusedesk.records.lock import Held, Lock, holder, is_held, is_shared
from abusedesk.records.place import DATABASE, PORT, DatabaseProblem, Place, locate, prepare, refuse_foreign

__all__ = ["DATABASE", "PORT", "DatabaseProblem", "Server", "attach", "dsn", "locate", "owner", "running", "start"]

START_S = 60
# A lost test database is no loss, and tests wait for every fsync.
VOLATILE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(slots=True)
class Server:
    """A running embedded server, owned by this process or by another."""

    place: Place
    lock: Lock | None = None
    use: Lock | None = None
    keeper: "subprocess.Popen[bytes] | None" = None

    @property
    def dsn(self) -> str:
        """How to connect, as a URL that libpq and psycopg understand."""
        return self.place.dsn

    @property
    def owned(self) -> bool:
        return self.lock is not None

    def alive(self) -> bool:
        """Whether the server still runs."""
        return self.keeper.poll() is None if self.keeper else is_ready(self.place)

    def stop(self) -> None:
        """End the server if this process owns it, and wait until it has ended; otherwise only let go."""
        if self.keeper is not None:
            self.keeper.communicate(timeout=4 * guardian.PATIENCE_S)
        for lock in (self.lock, self.use):
            if lock is not None:
                lock.release()
        self.keeper = self.lock = self.use = None

    def outlast_users(self, tell: Callable[[str], None]) -> None:
        """Wait until no other process uses the server any more, and keep new ones away."""
        if self.lock is None:
            return
        if is_shared(self.place.users):
            tell("another command still uses the database; waiting for it")
        self.use = Lock(self.place.users)
        self.use.wait()


def dsn(data: Path) -> str:
    """How to reach the database of a data folder, whether or not it runs."""
    return locate(data).dsn


def owner(data: Path) -> tuple[int | None, str]:
    """Pid and command of the process that owns, or last owned, the server of this data folder."""
    return holder(locate(data).lock)


def attach(data: Path) -> Server:
    """The server that another process runs for this data folder; waits while it is starting.

    Raises DatabaseProblem when none runs.
    """
    place = locate(data)
    refuse_foreign(place)
    use = Lock(place.users)
    deadline = time.monotonic() + START_S
    while is_held(place.lock) and time.monotonic() < deadline:
        # While the owner waits to end, or ends, the lock on `users` is his alone.
        if is_ready(place) and use.share():
            return Server(place, use=use)
        time.sleep(0.05)
    raise DatabaseProblem(
        f"{data}: no database server runs here; start `abusedesk serve`, "
        "or set ABUSEDESK_DATABASE_URL to a server of your own"
    )


def start(data: Path, *, volatile: bool = False) -> Server:
    """Start the server of this data folder and own it; creates the database on first use.

    `volatile` gives up safety against a crash for speed: for tests only. Raises Held when another process owns the
    server, DatabaseProblem when it cannot start.
    """
    place = locate(data)
    prepare(data.absolute(), place)
    lock = _own(place)
    server = Server(place, lock)
    try:
        binaries = cluster.reachable_binaries(place)
        _end_orphan(place)
        cluster.create_once(place, binaries, volatile=volatile)
        cluster.check_version(place, binaries)
        _launch(server, lock, binaries, volatile=volatile)
    except BaseException:
        server.stop()
        raise
    return server


def restart(server: Server) -> None:
    """Start a server again that this process owns and that ended by itself. Raises DatabaseProblem when it cannot."""
    if server.lock is None or server.keeper is None:
        raise DatabaseProblem(f"{server.place.cluster}: the server belongs to another process")
    server.keeper.communicate()
    _end_orphan(server.place)
    _launch(server, server.lock, cluster.reachable_binaries(server.place), volatile=False)


@contextlib.contextmanager
def running(data: Path, *, volatile: bool = False, tell: Callable[[str], None] | None = None) -> Iterator[Server]:
    """A server to work with: the one that runs, or one of our own that ends with the block.

    With `tell`, a server of our own ends only when those who attached to it meanwhile have done their work, and `tell`
    is given a line for the person who has to wait.
    """
    server = _start_or_attach(data, volatile)
    try:
        yield server
    except KeyboardInterrupt:
        tell = None  # Who is impatient with us is not asked to wait for others.
        raise
    finally:
        _end(server, tell)


def _end(server: Server, tell: Callable[[str], None] | None) -> None:
    try:
        if tell is not None:
            server.outlast_users(tell)
    finally:
        server.stop()


def _start_or_attach(data: Path, volatile: bool) -> Server:
    try:
        return start(data, volatile=volatile)
    except Held:
        with contextlib.suppress(DatabaseProblem):
            return attach(data)
    # The owner has ended in between: now it is our turn.
    try:
        return start(data, volatile=volatile)
    except Held:
        return attach(data)


def is_ready(place: Place) -> bool:
    """Whether the server of this place accepts connections, as its own status file says."""
    lines = _status(place)
    return len(lines) >= 8 and lines[7].strip() == "ready" and _is_postmaster(int(lines[0]), place)


def _status(place: Place) -> list[str]:
    # The eighth line of postmaster.pid is the status (src/include/utils/pidfile.h).
    try:
        return (place.cluster / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _is_postmaster(pid: int, place: Place) -> bool:
    """Whether `pid` is the server of this cluster and no later process that got its number."""
    if not _runs(pid):
        return False
    try:
        return Path(f"/proc/{pid}/cwd").samefile(place.cluster)
    except FileNotFoundError:
        # A process that has ended but is not yet buried; or a system without /proc, where the number is all there is.
        return not Path("/proc/self").exists()
    except PermissionError:
        return False


def _own(place: Place) -> Lock:
    """Take the lock; a guardian that is still ending the server of a dead owner is given time to finish."""
    lock = Lock(place.lock)
    deadline = time.monotonic() + 2 * guardian.PATIENCE_S
    while True:
        try:
            lock.acquire()
        except Held as held:
            # An owner that has only just taken the lock has not signed it yet.
            if (held.pid is not None and _runs(held.pid)) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return lock


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _end_orphan(place: Place) -> None:
    """End a server that survived its owner and its guardian: who owns the lock owns the cluster."""
    lines = _status(place)
    if not lines or not lines[0].isdigit() or not _is_postmaster(int(lines[0]), place):
        return
    pid = int(lines[0])
    for number in (signal.SIGINT, signal.SIGQUIT):
        os.kill(pid, number)
        if _ends(pid, place):
            return
    raise DatabaseProblem(f"{place.cluster}: the former server, pid {pid}, does not end; end it with `kill -9 {pid}`")


def _ends(pid: int, place: Place) -> bool:
    deadline = time.monotonic() + guardian.PATIENCE_S
    while _is_postmaster(pid, place) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _is_postmaster(pid, place)


def _launch(server: Server, lock: Lock, binaries: Path, *, volatile: bool) -> None:
    """Start guardian and server, and wait until connections are accepted."""
    place = server.place
    settings = {"listen_addresses": "", "unix_socket_directories": str(place.sockets), "port": str(PORT)}
    settings |= VOLATILE if volatile else {}
    command = [str(binaries / "postgres"), "-D", str(place.cluster)]
    command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    account = place.account.options()
    order: guardian.Order = {
        "command": command,
        "environment": cluster.environment(),
        "user": account.get("user"),
        "group": account.get("group"),
        "groups": account.get("extra_groups"),
    }
    _turn_over(place.log)
    # What the server complains about may quote what is in the tables.
    place.log.touch(0o600)
    with place.log.open("ab") as log:
        began = log.tell()
        server.keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", guardian.__file__, json.dumps(order)],
            stdin=subprocess.PIPE, stdout=log, stderr=log,
            # The guardian keeps the lock until the server has ended, so no second server can start too early.
            pass_fds=lock.descriptors, start_new_session=True, cwd="/",
        )  # fmt: skip
    _await(server, began)


def _turn_over(log: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > 10_000_000:
            log.replace(log.with_suffix(".old"))


def _await(server: Server, began: int) -> None:
    deadline = time.monotonic() + START_S
    while not is_ready(server.place):
        if not server.alive() or time.monotonic() > deadline:
            said = server.place.log.read_bytes()[began:].decode(errors="replace")
            raise DatabaseProblem(f"the database server does not start: {_reason(said)}; {server.place.log} has more")
        time.sleep(0.02)


def _reason(said: str) -> str:
    faults = [line.split(":  ", 1)[-1] for line in said.splitlines() if "FATAL:" in line or "PANIC:" in line]
    return faults[-1] if faults else cluster.last_line(said)
