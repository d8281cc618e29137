"""Maildir: messages in `new` are taken and moved to `cur`, marked as seen. Nothing is deleted."""

import os
from datetime import UTC, datetime
from pathlib import Path

from abusedesk.channels import places
from abusedesk.desk.channel import LARGEST, TOGETHER, Driver, Option, Round, option, take
from abusedesk.problem import Problem
from abusedesk.records.models import Channel

SEEN = ":2,S"


def ask(channel: Channel) -> Round:
    """Takes up to `TOGETHER` messages, the oldest first."""
    home = places.folder(option(channel, "path"))
    began = datetime.now(UTC)
    waiting = sorted(_new(home), key=lambda path: (path.stat().st_mtime, path.name))
    chosen = waiting[:TOGETHER]
    found = [(path.name, path.read_bytes()) for path in chosen]
    take(channel, found)
    for path in chosen:
        _move_to_cur(path)
    left = len(waiting) - len(chosen)
    return Round(len(chosen), left, None if left else began, {})


def _new(home: Path) -> list[Path]:
    with os.scandir(home / "new") as entries:
        files = [Path(one.path) for one in entries if one.is_file(follow_symlinks=False) and one.name[0] != "."]
    large = next((one for one in files if one.stat().st_size > LARGEST), None)
    if large is not None:
        raise Problem(f"{large} is larger than {LARGEST // 2**20} MB; take it out of there, and ingest it in parts")
    return files


def _move_to_cur(path: Path) -> None:
    """Committed before, so that a crash in between brings the same bytes again, which are one message."""
    path.rename(path.parent.parent / "cur" / f"{path.name.partition(':')[0]}{SEEN}")


def _wrong(text: str) -> str:
    home = Path(text)
    parts = [home / "new", home / "cur"]
    return places.wrong_with_folder(text) or (
        "" if all(part.is_dir() for part in parts) else "It has no new and cur, so it is no Maildir."
    )


DRIVER = Driver(
    "maildir",
    "Maildir",
    (Option("path", "Folder", "The one that holds new and cur, such as /var/mail/abuse/Maildir.", check=_wrong),),
    ask,
)
