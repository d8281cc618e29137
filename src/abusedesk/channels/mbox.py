"""mbox (RFC 4155): what was appended to a mailbox file since the last round is taken. The file is never written to.

It is read under a read lock (fcntl) and not while somebody holds its lock file (`.lock`), so that no half mail is seen.
A mail program that rewrites the file makes it be read again from its start; the same mail again is one message.
"""

import fcntl
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from abusedesk.channels import places
from abusedesk.desk.channel import LARGEST, TOGETHER_BYTES, Driver, Option, Round, option, take
from abusedesk.parsing import archives
from abusedesk.problem import Problem
from abusedesk.records.models import Channel

REMEMBERED = 1024
"""So many bytes before the place that was reached tell whether it is still the same file up to there."""

STALE_LOCK_S = 600.0
"""An older lock file was forgotten: no delivery takes so long."""

_OWN = re.compile(rb"^(?:status|x-status|x-keywords|x-uid|x-imap|x-imapbase|content-length|lines):", re.IGNORECASE)
"""Headers in which mail programs note what was read; they are the mailbox's and not the mail's."""


class _Busy(Exception):  # noqa: N818 - no error, somebody else's turn
    """Somebody is writing to the mailbox."""


def ask(channel: Channel) -> Round:
    """Takes what was appended, in pieces of about `TOGETHER_BYTES`."""
    path = _file(option(channel, "path"))
    began = datetime.now(UTC)
    try:
        with _locked(path) as file:
            start = _reached(file, channel.memory)
            piece, is_last = _piece(file, path, start)
            memory = _memory(file, start + len(piece))
    except _Busy:
        return Round(0, 1, None, channel.memory)
    found = [
        (f"{path.name}@{start}+{number}", _without_own(one))
        for number, one in enumerate(archives.mails(piece.lstrip(b"\r\n")))
    ]
    take(channel, found)
    return Round(len(found), 0 if is_last else 1, began if is_last else None, memory, more=not is_last)


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    lock = Path(f"{path}.lock")
    _wait_for(lock)
    with path.open("rb") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            raise _Busy from None
        before = path.stat().st_size
        yield file
        # Whoever locks by a lock file alone may have begun meanwhile.
        if lock.exists() or path.stat().st_size != before:
            raise _Busy


def _wait_for(lock: Path) -> None:
    try:
        age = time.time() - lock.stat().st_mtime
    except FileNotFoundError:
        return
    if age > STALE_LOCK_S:
        raise Problem(f"{lock} has lain there for {int(age // 60)} minutes; remove it if nobody delivers")
    raise _Busy


def _reached(file: BinaryIO, memory: dict[str, Any]) -> int:
    """Where to go on; the start, where the file is another one or was rewritten."""
    offset = int(memory.get("offset", 0))
    if not offset or _before(file, offset) != memory.get("before"):
        return 0
    file.seek(offset)
    return offset if file.read(64).lstrip(b"\r\n")[:5] in {b"From ", b""} else 0


def _piece(file: BinaryIO, path: Path, start: int) -> tuple[bytes, bool]:
    """Whole mails from a place on, and whether they are the last there are. Raises Problem for what is no mailbox."""
    file.seek(start)
    size = TOGETHER_BYTES
    data = file.read(size)
    while True:
        if data.strip() and not data.lstrip(b"\r\n").startswith(b"From "):
            raise Problem(f"{path} is no mbox: it does not begin with a line `From ...`; give the mailbox file itself")
        following = file.read(1)
        if not following:
            return data, True
        cut = archives.last_mail(data + following)
        if cut:
            return data[:cut], False
        if len(data) >= LARGEST:
            raise Problem(f"{path} holds a mail larger than {LARGEST // 2**20} MB; take it out of there")
        data += following + file.read(size)


def _memory(file: BinaryIO, offset: int) -> dict[str, Any]:
    return {"offset": offset, "before": _before(file, offset)}


def _before(file: BinaryIO, offset: int) -> str:
    """What stands before a place, as a digest; empty where the file does not reach so far."""
    file.seek(max(0, offset - REMEMBERED))
    found = file.read(min(offset, REMEMBERED))
    return sha256(found).hexdigest() if len(found) == min(offset, REMEMBERED) else ""


def _without_own(mail: bytes) -> bytes:
    end = mail.find(b"\n\n") + 1 or mail.find(b"\n\r\n") + 1 or len(mail)
    lines = mail[:end].splitlines(keepends=True)
    return b"".join(one for one in lines if not _OWN.match(one)) + mail[end:]


def _file(text: str) -> Path:
    wrong = places.wrong_with_file(text)
    if wrong:
        raise Problem(f"{text}: {wrong[0].lower()}{wrong[1:].rstrip('.')}")
    return Path(text)


DRIVER = Driver(
    "mbox",
    "mbox file",
    (Option("path", "File", "The mailbox, such as /var/mail/abuse. It is only read.", check=places.wrong_with_file),),
    ask,
)
