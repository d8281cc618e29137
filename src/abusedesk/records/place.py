"""Where an embedded database lies, and under which user its server runs.

PostgreSQL refuses to run as root. Started by root, the server therefore runs under an unprivileged user that exists
already, and everything it needs lies in one folder, its *home*: `postgres` in the data folder, or, where that user
cannot get there because a folder above is closed to him, a folder under `/var/lib/abusedesk`. Rights outside these are
never changed.
"""

import contextlib
import hashlib
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from abusedesk.configuration import make_folder
from abusedesk.problem import Problem

DATABASE = "abusedesk"
PORT = 5432
STATE_FOLDER = Path("/var/lib/abusedesk")
ACCOUNTS = ("abusedesk", "postgres", "_postgres", "nobody")
# sockaddr_un holds 104 bytes on BSD and 108 on Linux; `/.s.PGSQL.5432` takes 14 of them.
LONGEST_SOCKET_FOLDER = 88


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
    def users(self) -> Path:
        return self.home / "users"

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


def locate(data: Path) -> Place:
    """Where the database of a data folder lies, or would lie. Creates nothing and starts nothing."""
    data = data.absolute()
    pointer = data / "postgres.location"
    if pointer.is_file():
        home = Path(pointer.read_text(encoding="utf-8").strip())
        return Place(home, _account(home))
    account = _account(data / "postgres")
    if account.is_other and not can_enter(account, data.parent):
        return Place(STATE_FOLDER / f"{data.name}-{_digest(data)}", account)
    return Place(data / "postgres", account)


def prepare(data: Path, place: Place) -> None:
    """Make the folders, each open to no more than it must be. Raises DatabaseProblem when that is not possible."""
    try:
        make_folder(data)
        if place.home.is_relative_to(data):
            _open_for(place, data)
        else:
            _make_home_elsewhere(data, place)
        make_folder(place.home)
        refuse_foreign(place)
        _open_for(place, place.home)
        _refuse_closed(place)
        make_private(place.sockets, place.account)
    except OSError as error:
        raise DatabaseProblem(
            f"{error.filename or data}: {error.strerror}; make {data} writable for this user, or set ABUSEDESK_DATA"
        ) from None


def refuse_foreign(place: Place) -> None:
    """Raise DatabaseProblem when the cluster belongs to a user that this process cannot act as."""
    if not place.cluster.exists():
        return
    made_by = place.cluster.stat().st_uid
    if made_by != place.account.uid:
        raise DatabaseProblem(f"{place.cluster}: belongs to user {made_by}; run abusedesk as that user, or as root")


def _refuse_closed(place: Place) -> None:
    if place.account.is_other and not can_enter(place.account, place.home):
        raise DatabaseProblem(
            f"{place.home}: the database in it belongs to the user {place.account.name}, who cannot get there; "
            "let him pass the folders above (chmod o+x), or move the data folder back"
        )


def _make_home_elsewhere(data: Path, place: Place) -> None:
    STATE_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    make_folder(place.home)
    (place.home / "belongs-to").write_text(f"{data}\n", encoding="utf-8")
    (data / "postgres.location").write_text(f"{place.home}\n", encoding="utf-8")


def _open_for(place: Place, folder: Path) -> None:
    """Let the server's user pass through a folder of ours without seeing what is in it."""
    if not place.account.is_other:
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not mode & stat.S_IXOTH:
        folder.chmod(mode | stat.S_IXOTH)


def make_private(folder: Path, account: Account) -> None:
    """Make a folder that the account alone may open, and see that it is one."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        if account.is_other:
            os.chown(folder, account.uid, account.gid)
    entry = folder.lstat()
    if not stat.S_ISDIR(entry.st_mode) or entry.st_uid != account.uid or entry.st_mode & 0o077:
        raise DatabaseProblem(f"{folder}: must be a folder that only the user {account.name} may open; remove it")


def _account(home: Path) -> Account:
    if os.geteuid() != 0:
        return Account(user_name(os.geteuid()), os.geteuid(), os.getegid(), is_other=False)
    with contextlib.suppress(OSError, KeyError):
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


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise DatabaseProblem(
            f"user id {uid} has no name in /etc/passwd, which PostgreSQL needs; add one, or set ABUSEDESK_DATABASE_URL"
        ) from None


def can_enter(account: Account, folder: Path) -> bool:
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
