"""A lock on a file that names its holder, so that a refusal can say who is in the way.

The kernel drops the lock when the last process that holds the open file ends, however it ends; a file left behind means
nothing.
"""

import contextlib
import fcntl
import os
import sys
import time
from pathlib import Path

from abusedesk.problem import Problem


class Held(Problem):
    """Somebody else holds the lock. `pid` and `command` say who, as far as the file tells."""

    def __init__(self, path: Path, pid: int | None, command: str) -> None:
        super().__init__(f"{path}: held by pid {pid} ({command}); wait until it has ended, or stop it")
        self.pid = pid
        self.command = command


class Lock:
    """Held from `acquire` to `release`; `descriptors` may be handed to a child, which then holds it as well."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor: int | None = None

    @property
    def descriptors(self) -> list[int]:
        """What a child must inherit to hold the lock as well."""
        return [] if self.descriptor is None else [self.descriptor]

    def acquire(self) -> None:
        """Take the lock or raise Held at once."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _try_often(descriptor):
            os.close(descriptor)
            raise Held(self.path, *holder(self.path))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n{_command()}\n".encode(), 0)
        self.descriptor = descriptor

    def share(self) -> bool:
        """Hold the lock together with others who share it; False when somebody holds it alone."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self.descriptor = descriptor
        return True

    def wait(self) -> None:
        """Take the lock alone, however long others hold it."""
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def release(self) -> None:
        """Let go; harmless when it is not held."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def is_held(path: Path) -> bool:
    """Whether any process holds the lock on `path` alone."""
    return not _would_get(path, fcntl.LOCK_SH)


def is_shared(path: Path) -> bool:
    """Whether any process holds the lock on `path`, alone or with others."""
    return not _would_get(path, fcntl.LOCK_EX)


def _try_often(descriptor: int) -> bool:
    # `is_held` of another process holds the lock for an instant while it looks.
    for pause in (0.0, 0.01, 0.02, 0.04):
        time.sleep(pause)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


def _would_get(path: Path, mode: int) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)


def holder(path: Path) -> tuple[int | None, str]:
    """Pid and command of the last process that took the lock."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None, "unknown"
    pid = int(lines[0]) if lines and lines[0].isdigit() else None
    return pid, lines[1] if len(lines) > 1 else "unknown"


def _command() -> str:
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200].replace("\n", " ")
