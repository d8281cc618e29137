"""Whether a machine may answer a mail, and whom (RFC 3834): by its header alone, before anything is written.

An automatic answer to a machine may be answered by a machine; to a forged sender it is spam that we send. So doubt
always means no answer: what was received is kept and read all the same.
"""

import re
from datetime import datetime, timedelta
from email.utils import getaddresses, parsedate_to_datetime
from typing import NamedTuple

from abusedesk.parsing.answers import AUTO_FIELDS, TICKET_SYSTEM, head_of
from abusedesk.parsing.mail import decode, decoded_words, fields

FRESH = timedelta(days=3)
"""A mail written longer ago was fetched late or taken from an archive: nobody waits for a receipt of it."""

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
_NOBODY = re.compile(
    r"(?i)(?:^|[._+-])(?:(?:do|does)[._-]?)?(?:no|not)[._-]?(?:reply|respond|response)(?:$|[._+-])|"
    r"^(?:mailer-?daemon|postmaster|hostmaster|root|nobody|null|anonymous|daemon|bounces?|.+-bounces?|bounces?[+-].*|"
    r"owner-.+|.+-(?:owner|request|errors|relay)|listserv|majordomo|mailman|sympa|autoreply|auto-?responder|"
    r"automailer|unattended|donotreply|noreply|.+[+=]srs[01]?=.*|(?:prvs|btv1)=.*)$"
)
_LIST = re.compile(r"^list-")
_HAN = re.compile(r"[\u3400-\u9fff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_LONGEST_CHAIN = 20


class Asked(NamedTuple):
    """Whom an automatic answer to a mail goes to, and what it follows on. `refused` says why there is none."""

    refused: str
    to: str = ""
    message_id: str = ""
    thread: tuple[str, ...] = ()
    """What the mail itself follows on, the nearest last, as `References` has it."""
    subject: str = ""
    is_chinese: bool = False

    @property
    def domain(self) -> str:
        """The domain of the address."""
        return self.to.rpartition("@")[2]


def asked(data: bytes, *, envelope_from: str | None, at: datetime) -> Asked:
    """What a mail received at an instant asks of a machine that would answer it.

    The answer goes to `From` alone, which is whom the evidence vouches for: `Reply-To` is what its writer expects of
    people, and anybody may put a third party there (RFC 3834, section 4).
    """
    found: dict[str, list[str]] = {}
    for name, value in fields(decode(head_of(data))):
        found.setdefault(name, []).append(value)
    first = {name: decoded_words(values[0][:4_000]) for name, values in found.items()}
    # An encoded word could bring a comma and an address of its own.
    sender = _sender(found.get("from", []))
    subject = _CONTROL.sub(" ", first.get("subject", ""))
    return Asked(
        _refused(first, sender, envelope_from, at),
        sender,
        next(iter(_MESSAGE_ID.findall(found.get("message-id", [""])[0][:1000])), ""),
        _chain(found),
        " ".join(subject.split())[:150],
        bool(_HAN.search(subject)),
    )


def _sender(named: list[str]) -> str:
    """The one address of the one From field; empty where there are none or several."""
    found = getaddresses([value[:1000] for value in named[:2]])
    address = found[0][1] if len(named) == 1 and len(found) == 1 else ""
    return address.lower() if _ADDRESS.fullmatch(address) else ""


def _refused(first: dict[str, str], sender: str, envelope_from: str | None, at: datetime) -> str:
    return (
        _nobody(sender, envelope_from, first.get("return-path"))
        or _automatic(first)
        or _distributed(first)
        or ("" if _is_fresh(first.get("date", ""), at) else "it was written long before it came in")
    )


def _nobody(sender: str, envelope_from: str | None, return_path: str | None) -> str:
    if not sender:
        return "its From names no one address"
    if envelope_from == "" or (return_path is not None and return_path.strip() == "<>"):
        return "it comes from the null sender"
    behind = (envelope_from or "").rpartition("@")[0]
    if _NOBODY.search(sender.rpartition("@")[0]) or (behind and _NOBODY.fullmatch(behind)):
        return "nobody reads mail to its sender"
    return ""


def _automatic(first: dict[str, str]) -> str:
    if first.get("auto-submitted", "no").partition(";")[0].partition("(")[0].strip().lower() != "no":
        return "its Auto-Submitted says that a machine sent it"
    if first.get("precedence", "").strip().lower() in {"bulk", "junk", "list", "auto_reply"}:
        return "its Precedence says that it wants no answer"
    marks = {*AUTO_FIELDS, *TICKET_SYSTEM, "x-auto-response-suppress", "x-failed-recipients"}
    mark = next((name for name in first if name in marks), "")
    if mark:
        return f"a machine sent it ({mark.title()})"
    kind = first.get("content-type", "").lower()
    if kind.lstrip().startswith(("multipart/report", "text/calendar", "message/")):
        return "it is a machine's report"
    return ""


def _distributed(first: dict[str, str]) -> str:
    field = next((name for name in first if _LIST.match(name) or name in {"mailing-list", "x-mailing-list"}), "")
    if field:
        return f"a list sent it ({field.title()})"
    return "somebody sent it on" if any(name.startswith("resent-") for name in first) else ""


def _is_fresh(date: str, at: datetime) -> bool:
    try:
        written = parsedate_to_datetime(date[:100])
    except ValueError:
        return False
    aware = written if written.tzinfo else written.replace(tzinfo=at.tzinfo)
    return abs(at - aware) <= FRESH


def _chain(found: dict[str, list[str]]) -> tuple[str, ...]:
    before = _MESSAGE_ID.findall(found.get("references", [""])[0][:16_000])
    nearest = _MESSAGE_ID.findall(found.get("in-reply-to", [""])[0][:4_000])
    return tuple(dict.fromkeys([*before, *nearest]))[-_LONGEST_CHAIN:]
