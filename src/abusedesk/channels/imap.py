"""IMAP: new messages of a mailbox are taken by their numbers, then marked as seen or moved. Nothing is deleted.

A message's number (UID) holds as long as the mailbox's UIDVALIDITY; where that changed, the mailbox is read from its
beginning, and what is known by its bytes stays one message (RFC 3501 section 2.3.1.1).
"""

import contextlib
import imaplib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError

from abusedesk.desk.channel import LARGEST, TOGETHER, Driver, Option, Round, option, take
from abusedesk.problem import Problem
from abusedesk.records.models import Channel

TIMEOUT_S = 30.0
IDLE_S = 10.0
"""So long a round waits for the server to speak up, where it can (RFC 2177)."""

TOGETHER_BYTES = 32 * 1024 * 1024

_SECURITY = {"tls": (MailBox, 993), "starttls": (MailBoxStartTls, 143), "none": (MailBoxUnencrypted, 143)}
_SIZE = re.compile(rb"UID (\d+)[^)]*RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+)[^)]*UID (\d+)")


def ask(channel: Channel) -> Round:
    """Takes up to `TOGETHER` new messages; where there is none, waits a little for one."""
    try:
        with _mailbox(channel) as mailbox:
            done = _take_new(channel, mailbox)
            if not done.taken and _speaks_up(mailbox) and mailbox.idle.wait(timeout=IDLE_S):
                done = _take_new(channel, mailbox)
            return done
    except (imaplib.IMAP4.error, ImapToolsError) as error:
        raise Problem(f"the mail server refuses: {_words(error)}") from None


def _take_new(channel: Channel, mailbox: BaseMailBox) -> Round:
    began = datetime.now(UTC)
    folder = option(channel, "folder")
    validity = int(mailbox.folder.status(folder, ["UIDVALIDITY"])["UIDVALIDITY"])
    known = channel.memory if channel.memory.get("uidvalidity") == validity else {}
    last = int(known.get("uid", 0))
    waiting = sorted(uid for uid in map(int, mailbox.uids(f"UID {last + 1}:*")) if uid > last)
    chosen = _affordable(mailbox, waiting[:TOGETHER])
    take(channel, [(f"{channel.name}-{uid}", _bytes_of(mailbox, uid)) for uid in chosen])
    _put_away(channel, mailbox, chosen)
    memory = {"uidvalidity": validity, "uid": chosen[-1] if chosen else last}
    # Each number is remembered as soon as its message was committed: the next round begins after it.
    Channel.objects.filter(pk=channel.pk).update(memory=memory)
    channel.memory = memory
    left = len(waiting) - len(chosen)
    return Round(len(chosen), left, None if left else began, memory)


def _affordable(mailbox: BaseMailBox, uids: list[int]) -> list[int]:
    """As many of the first as can be held at once, one at least."""
    kept: list[int] = []
    total = 0
    sizes = _sizes(mailbox, uids)
    for uid in uids:
        size = sizes.get(uid, 0)
        if size > LARGEST:
            raise Problem(f"message {uid} is larger than {LARGEST // 2**20} MB; move it out of the folder")
        if kept and total + size > TOGETHER_BYTES:
            break
        kept.append(uid)
        total += size
    return kept


def _sizes(mailbox: BaseMailBox, uids: list[int]) -> dict[int, int]:
    if not uids:
        return {}
    _, lines = mailbox.client.uid("FETCH", ",".join(map(str, uids)), "(RFC822.SIZE)")
    found = {}
    for line in lines:
        match = _SIZE.search(line) if isinstance(line, bytes) else None
        if match:
            uid, size = (match[1], match[2]) if match[1] else (match[4], match[3])
            found[int(uid)] = int(size)
    return found


def _bytes_of(mailbox: BaseMailBox, uid: int) -> bytes:
    """The message as it is there, not marked as read by looking."""
    _, parts = mailbox.client.uid("FETCH", str(uid), "(BODY.PEEK[])")
    body = next((part[1] for part in parts if isinstance(part, tuple)), None)
    if body is None:
        raise Problem(f"the mail server does not hand out message {uid}")
    return bytes(body)


def _put_away(channel: Channel, mailbox: BaseMailBox, uids: list[int]) -> None:
    if not uids:
        return
    names = list(map(str, uids))
    target = option(channel, "move_to")
    if not target:
        mailbox.flag(names, "\\Seen", value=True)
        return
    if not mailbox.folder.exists(target):
        mailbox.folder.create(target)
    mailbox.move(names, target)


def _speaks_up(mailbox: BaseMailBox) -> bool:
    return "IDLE" in {str(one).upper() for one in mailbox.client.capabilities}


@contextmanager
def _mailbox(channel: Channel) -> Iterator[BaseMailBox]:
    kind, usual_port = _SECURITY[option(channel, "security")]
    port = int(option(channel, "port") or usual_port)
    given: dict[str, Any] = {"host": option(channel, "host"), "port": port, "timeout": TIMEOUT_S}
    password = Path(option(channel, "password_file")).read_text(encoding="utf-8").rstrip("\r\n")
    mailbox = kind(**given)
    try:
        mailbox.login(option(channel, "user"), password, option(channel, "folder"))
        yield mailbox
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error, ImapToolsError):
            mailbox.client.logout()
        with contextlib.suppress(OSError):
            mailbox.client.shutdown()


def _words(error: Exception) -> str:
    text = str(error)
    inner = re.search(r"b'([^']+)'", text)
    return (inner[1] if inner else text)[:300]


def _wrong_port(text: str) -> str:
    return "" if not text or (text.isascii() and text.isdigit() and 0 < int(text) < 65536) else "A port is 1 to 65535."


def _wrong_security(text: str) -> str:
    return "" if text in _SECURITY else f"Write one of {', '.join(_SECURITY)}."


def _wrong_file(text: str) -> str:
    return "" if Path(text).is_file() else "There is no such file on the machine that runs the desk."


DRIVER = Driver(
    "imap",
    "IMAP mailbox",
    (
        Option("host", "Server"),
        Option("port", "Port", "Empty: 993 with tls, else 143.", required=False, check=_wrong_port),
        Option("security", "Security", "tls, starttls or none.", default="tls", check=_wrong_security),
        Option("user", "User"),
        Option("password_file", "File of the password", "Readable by the desk's user alone.", check=_wrong_file),
        Option("folder", "Folder", default="INBOX"),
        Option("move_to", "Move what was taken to", "A folder there; empty: it is marked as seen.", required=False),
    ),
    ask,
)
