"""A watched folder: files that are complete are taken and moved to its subfolder `taken`. Nothing is deleted.

A file counts as complete when nobody wrote to it for a while. Whoever writes large files there should write them under
a name that begins with a dot, and rename them.
"""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from abusedesk.channels import places
from abusedesk.desk.channel import LARGEST, TOGETHER, Driver, Option, Round, option, take
from abusedesk.parsing import archives
from abusedesk.problem import Problem
from abusedesk.records.models import Channel

QUIET_S = 5.0
TAKEN = "taken"


def ask(channel: Channel) -> Round:
    """Takes up to `TOGETHER` complete files, the oldest first; a mailbox brings each of its mails."""
    home = places.folder(option(channel, "path"))
    began = datetime.now(UTC)
    complete, being_written = _files(home)
    chosen = complete[:TOGETHER]
    for path in chosen:
        take(channel, list(_messages(path)))
        _put_away(path, home / TAKEN)
    left = len(complete) - len(chosen) + being_written
    return Round(len(chosen), left, None if left else began, {})


def _files(home: Path) -> tuple[list[Path], int]:
    """The complete files, the oldest first, and how many others are being written."""
    with os.scandir(home) as entries:
        files = [
            (one.stat().st_mtime, Path(one.path))
            for one in entries
            if one.is_file(follow_symlinks=False) and one.name[0] != "."
        ]
    before = time.time() - QUIET_S
    complete = [path for written, path in sorted(files) if written <= before]
    return complete, len(files) - len(complete)


def _messages(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.stat().st_size > LARGEST:
        raise Problem(f"{path} is larger than {LARGEST // 2**20} MB; split it, or take it in by abusedesk ingest")
    data = path.read_bytes()
    if archives.is_mbox(data):
        yield from ((f"{path.name}#{number}", one) for number, one in enumerate(archives.mails(data), start=1))
    else:
        yield path.name, data


def _put_away(path: Path, taken: Path) -> None:
    """Moves a file that was committed; one of the same name before it keeps its place."""
    taken.mkdir(exist_ok=True)
    target = taken / path.name
    number = 1
    while target.exists():
        number += 1
        target = taken / f"{path.stem}-{number}{path.suffix}"
    path.rename(target)


DRIVER = Driver(
    "folder",
    "Watched folder",
    (
        Option(
            "path", "Folder", "Feeds and reports as files: CSV, JSON, mail, mbox, zip.", check=places.wrong_with_folder
        ),
    ),
    ask,
    closed=True,
)
