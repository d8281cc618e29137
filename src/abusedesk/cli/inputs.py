"""What `ingest` is given, as single messages: folders walked, mailboxes and archives opened, one thing at a time."""

import mmap
import os
import stat
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

LARGEST = 256 * 1024 * 1024
"""Bytes of one file that is read whole. Mailboxes may be of any size, they are read mail by mail."""

MAILDIR = ("cur", "new", "tmp")


class Input(NamedTuple):
    """One message with the name that it has, in its folder, mailbox or archive."""

    name: str
    data: bytes


class Unreadable(NamedTuple):
    """Something that could not be read, and what to do about it."""

    path: Path
    reason: str


def inputs(paths: Iterable[Path]) -> Iterator[Input | Unreadable]:
    """The messages of files and folders, in the order of their names. What cannot be read does not stop the rest."""
    for path in paths:
        for file in _files(path):
            yield from [file] if isinstance(file, Unreadable) else _open(file)


def _files(path: Path) -> Iterator[Path | Unreadable]:
    try:
        kind = path.stat().st_mode
    except OSError as error:
        yield Unreadable(path, _said(error))
        return
    if stat.S_ISDIR(kind):
        yield from _walk(path)
    elif stat.S_ISREG(kind):
        yield path
    else:
        yield Unreadable(path, "is neither a file nor a folder; give one of these")


def _walk(folder: Path) -> Iterator[Path | Unreadable]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        yield Unreadable(folder, _said(error))
        return
    if {*MAILDIR} <= {entry.name for entry in names}:
        # What lies in tmp is not delivered yet, and the files beside belong to the mail server.
        names = [entry for entry in names if entry.name in {"cur", "new"} or _is_subfolder(entry)]
    for entry in names:
        if not (entry.is_symlink() and entry.is_dir()):
            yield from _files(Path(entry.path))


def _is_subfolder(entry: "os.DirEntry[str]") -> bool:
    """A folder of a Maildir++ mailbox, such as `.Sent`."""
    return entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)


def _said(error: OSError) -> str:
    reason = error.strerror or type(error).__name__
    return f"cannot be read ({reason}); make it readable for this user, or leave it out"


def _open(path: Path) -> Iterator[Input | Unreadable]:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size and file.peek(5).startswith(b"From "):
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                    yield from _mailbox(path, mapped)
            elif size > LARGEST:
                yield Unreadable(path, f"is larger than {LARGEST // 2**20} MB; split it")
            else:
                yield from _document(path, file.read())
    except OSError as error:
        yield Unreadable(path, _said(error))


def _mailbox(path: Path, mapped: mmap.mmap) -> Iterator[Input]:
    from abusedesk.parsing import archives

    number = 0
    for number, mail in enumerate(archives.mails(mapped), start=1):  # type: ignore[arg-type]
        yield Input(f"{path.name}#{number}", bytes(mail))
    if not number:
        yield Input(path.name, mapped[:LARGEST])


def _document(path: Path, data: bytes) -> Iterator[Input | Unreadable]:
    """The messages of an archive; one of which nothing can be read is a message itself, for a person to see."""
    from abusedesk.parsing.read import messages

    number = 0
    for number, (name, content) in enumerate(messages(data, path.name), start=1):
        yield Input(name or f"{path.name}#{number}", content)
    if not number:
        yield Input(path.name, data)
    elif data.startswith(b"PK") and (left_out := _members(path) - number) > 0:
        yield Unreadable(path, f"{left_out} of its members cannot be read (damaged, encrypted or too large)")


def _members(path: Path) -> int:
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(not entry.is_dir() for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return 0
