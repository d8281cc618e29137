"""Ways to reach a person: a mailbox, a signed webhook, a chat. One call each; what is not taken is `Unsent`.

Each chat is one JSON body and one way to say who we are. Slack, Mattermost and Rocket.Chat take `{"text": …}` at an
incoming webhook; Telegram its Bot API's `sendMessage`; ntfy its "publish as JSON"; Matrix the client-server API's
`PUT …/send/m.room.message/{txnId}`, whose transaction id makes a repeated message the same one.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from django.conf import settings

from abusedesk.actuators.calls import Unanswered, address_of, called
from abusedesk.actuators.mail import Delayed, Letter, Refused, post
from abusedesk.actuators.webhook import SHORTEST_SECRET, signature
from abusedesk.problem import Problem
from abusedesk.vocabulary.duration import plain_length

TIMEOUT_S = 10.0
LONGEST_ANSWER = 4096
_PRIORITY = {"page": 5, "tell": 3}
"""ntfy's priorities: 5 is urgent, 3 the default."""
_QUIET = 2
"""ntfy's priority that makes no sound: that a thing is over wakes nobody."""


class Unsent(Exception):  # noqa: N818 - it says what became of the alert
    """The way did not take the alert, or nobody knows whether it did. The text says who and why."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """What is told. `link` and `acknowledge` are whole addresses; `key` is the same whenever it is sent again.

    With `over_at` it tells that the alert is over.
    """

    key: str
    kind: str
    severity: str
    brand: str
    summary: str
    link: str
    acknowledge: str
    opened_at: datetime
    sender: str
    times: int = 1
    over_at: datetime | None = None

    @property
    def title(self) -> str:
        """One line, as the subject of a mail."""
        loud = self.severity if self.over_at is None else "over"
        return f"[{loud}] {self.brand}: {self.summary}" if self.brand else f"[{loud}] {self.summary}"

    @property
    def text(self) -> str:
        """The whole, as a chat shows it."""
        if self.over_at is not None:
            lasted = plain_length(self.over_at - self.opened_at)
            return f"{self.title}\nover since {self.over_at:%Y-%m-%d %H:%M} UTC, lasted {lasted}\n{self.link}"
        often = f"\n(the {self.times}th time)" if self.times > 1 else ""
        taken = f"\nI have it: {self.acknowledge}" if self.acknowledge else ""
        return f"{self.title}{often}\n{self.link}{taken}"


class Field(NamedTuple):
    """One thing that a way has to be told."""

    name: str
    label: str
    hint: str = ""
    secret: bool = False
    required: bool = True


class WayKind(NamedTuple):
    """A kind of way and what it has to be told."""

    title: str
    fields: tuple[Field, ...]


_ADDRESS = Field("address", "Mail address", "ann@example.net")
_HOOK = Field("url", "Address of the webhook", "https://hooks.example.net/abuse; keep it to yourself", secret=True)
_TOKEN = Field("token", "Access token", "sent as Authorization: Bearer", secret=True)
WAYS: dict[str, WayKind] = {
    "email": WayKind("E-mail", (_ADDRESS,)),
    "webhook": WayKind(
        "Signed webhook",
        (_HOOK, Field("secret", "Secret", f"{SHORTEST_SECRET} characters or more; it signs each call", secret=True)),
    ),
    "text": WayKind("Slack, Mattermost or Rocket.Chat", (_HOOK,)),
    "telegram": WayKind(
        "Telegram",
        (
            Field("url", "Address", "https://api.telegram.org/botTOKEN/sendMessage", secret=True),
            Field("room", "Chat", "the number of the chat"),
        ),
    ),
    "ntfy": WayKind(
        "ntfy",
        (Field("url", "Server", "https://ntfy.sh"), Field("room", "Topic"), _TOKEN._replace(required=False)),
    ),
    "matrix": WayKind(
        "Matrix",
        (Field("url", "Homeserver", "https://matrix.example.net"), Field("room", "Room", "!id:example.net"), _TOKEN),
    ),
}
"""Every kind of way."""


def check(kind: str, options: Mapping[str, Any]) -> None:
    """Raises Problem with what is wrong with a way's options."""
    known = WAYS.get(kind)
    if known is None:
        raise Problem(f"there is no way {kind!r}; there are {', '.join(WAYS)}")
    missing = next((one for one in known.fields if one.required and not options.get(one.name)), None)
    if missing is not None:
        raise Problem(f"{known.title}: {missing.label.lower()} is missing")
    if kind == "email":
        _check_mailbox(str(options["address"]))
        return
    address_of(str(options["url"]), known.title, "https://hooks.example.net/abuse")
    if kind == "webhook" and len(str(options["secret"])) < SHORTEST_SECRET:
        raise Problem(f"{known.title}: the secret has fewer than {SHORTEST_SECRET} characters")


def _check_mailbox(address: str) -> None:
    name, _, domain = address.rpartition("@")
    if not name or not domain or any(letter.isspace() for letter in address):
        raise Problem(f"E-mail: {address!r} is no mail address")


def send(kind: str, options: Mapping[str, Any], alarm: Alarm) -> str:
    """Hand the alert over; returns the words of acceptance. Raises Unsent."""
    try:
        check(kind, options)
    except Problem as problem:
        raise Unsent(str(problem)) from None
    return _mailed(str(options["address"]), alarm) if kind == "email" else _called(kind, options, alarm)


def _mailed(address: str, alarm: Alarm) -> str:
    letter = Letter(
        sender=alarm.sender,
        sender_name="abusedesk",
        envelope=alarm.sender,
        to=address,
        subject=alarm.title,
        text=f"{alarm.text}\n",
        message_id=f"<alert-{alarm.key.replace(':', '-')}@{alarm.sender.rpartition('@')[2]}>",
        written_at=alarm.over_at or alarm.opened_at,
    )
    try:
        with post() as out:
            accepted = out.send(letter)
    except (Delayed, Refused) as why:
        raise Unsent(f"{address}: {why}") from None
    if accepted.state != "sent":
        raise Unsent("no mail server is set (ABUSEDESK_SMTP_URL), so the mail lies in the outbox and reaches nobody")
    return accepted.response


def _called(kind: str, options: Mapping[str, Any], alarm: Alarm) -> str:
    method, address, body, headers = _CALLS[kind](options, alarm)
    written = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    if kind == "webhook":
        headers = headers | _signed(str(options["secret"]), written)
    headers = {"Content-Type": "application/json", "User-Agent": "abusedesk", "Idempotency-Key": alarm.key, **headers}
    url = urlsplit(address)
    try:
        status, answer = called(method, url, written, headers, timeout=TIMEOUT_S, longest=LONGEST_ANSWER)
    except Unanswered as silence:
        raise Unsent(str(silence)) from None
    said = f"{url.hostname} answered {status} {_words(answer)}".strip()
    if not 200 <= status < 300:
        raise Unsent(said)
    return said


_Call = tuple[str, str, dict[str, Any], dict[str, str]]


def _webhook(options: Mapping[str, Any], alarm: Alarm) -> _Call:
    body = {
        "version": 1,
        "id": alarm.key,
        "kind": alarm.kind,
        "severity": alarm.severity,
        "brand": alarm.brand,
        "summary": alarm.summary,
        "link": alarm.link,
        "acknowledge": alarm.acknowledge,
        "opened_at": alarm.opened_at.isoformat(),
        "times": alarm.times,
        "over_at": alarm.over_at and alarm.over_at.isoformat(),
    }
    return "POST", str(options["url"]), body, {}


def _text(options: Mapping[str, Any], alarm: Alarm) -> _Call:
    return "POST", str(options["url"]), {"text": alarm.text}, {}


def _telegram(options: Mapping[str, Any], alarm: Alarm) -> _Call:
    body = {"chat_id": options["room"], "text": alarm.text, "link_preview_options": {"is_disabled": True}}
    return "POST", str(options["url"]), body, {}


def _ntfy(options: Mapping[str, Any], alarm: Alarm) -> _Call:
    body = {
        "topic": options["room"],
        "title": alarm.title,
        "message": alarm.text,
        "priority": _PRIORITY.get(alarm.severity, 3) if alarm.over_at is None else _QUIET,
        "click": alarm.acknowledge or alarm.link,
    }
    return "POST", str(options["url"]), body, _bearer(options)


def _matrix(options: Mapping[str, Any], alarm: Alarm) -> _Call:
    room, transaction = quote(str(options["room"]), safe=""), quote(alarm.key, safe="")
    place = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/{transaction}"
    return "PUT", str(options["url"]).rstrip("/") + place, {"msgtype": "m.text", "body": alarm.text}, _bearer(options)


_CALLS = {"webhook": _webhook, "text": _text, "telegram": _telegram, "ntfy": _ntfy, "matrix": _matrix}


def _bearer(options: Mapping[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {options['token']}"} if options.get("token") else {}


def _signed(secret: str, body: bytes) -> dict[str, str]:
    at = str(int(time.time()))
    return {"Abusedesk-Timestamp": at, "Abusedesk-Signature": signature(secret.encode(), at, body)}


def _words(answer: bytes) -> str:
    return " ".join(answer[:200].decode(errors="replace").split())


def sender_of(brand_sender: str) -> str:
    """What an alert comes from: the brand's own sender, or the installation's."""
    return brand_sender or str(settings.CONFIGURATION.mail_from)
