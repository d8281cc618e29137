"""Receive: fixes the brand and kind, commits the bytes under a key of their own, and only then acknowledges.

The same bytes for the same brand are one message, however often they come.
"""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from django.db import connection, transaction

from abusedesk.records import room
from abusedesk.records.bell import ring
from abusedesk.records.bulk import copy_rows, give_rows, storable
from abusedesk.records.partitions import STANDARD, ensure_month
from abusedesk.records.payload import seal
from abusedesk.vocabulary.designation import ABUSE, strictest

HEADER_CAP = 65536
COLUMNS = (
    "id", "retention", "received_at", "brand_id", "channel", "name", "digest", "size", "sender", "recipient", "details",
    "envelope_from", "subject", "provenance", "designation", "payload",
)  # fmt: skip

PROVEN = ("reporter", "sensor", "upstream", "listing")
"""What of a provenance nobody can forge. The same bytes from somebody proven are another message than from anybody."""

A_MOMENT = timedelta(seconds=1)
"""When a channel last had a message is noted no finer: in a flood every commit would write the same row."""

_noted: dict[str, datetime] = {}

_OURS = """
SELECT address, brand_id, kind FROM records_brandaddress
UNION ALL SELECT name, brand_id, NULL FROM records_channel WHERE brand_id IS NOT NULL
"""

_NOTE_CHANNELS = """
UPDATE records_channel channel SET last_message_at = row.at
FROM json_to_recordset(%s::json) AS row(name text, at timestamptz)
WHERE channel.name = row.name AND (channel.last_message_at IS NULL OR channel.last_message_at < row.at)
"""

_TAKE = """
INSERT INTO records_messageseen (digest, message_id, received_at, attempts)
SELECT decode(digest, 'base64'), id, at, 0 FROM json_to_recordset(%s::json) AS row(digest text, id uuid, at timestamptz)
ON CONFLICT (digest) DO NOTHING RETURNING digest
"""

_HEADER = re.compile(
    rb"^(from|to|cc|delivered-to|x-original-to|subject)[ \t]*:[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)",
    re.IGNORECASE | re.MULTILINE,
)
_RECIPIENTS = ("delivered-to", "x-original-to", "to", "cc")
_FOLD = re.compile(r"\r?\n[ \t]+")
_ADDRESS = re.compile(r"[\w.+%'&*=/~-]{1,64}@[\w.-]{1,253}", re.ASCII)


class Incoming(NamedTuple):
    """A raw thing at the door. `brand` is fixed by the channel, if at all; the rest by the envelope.

    `details` are what the recipients' addresses said after the plus sign; `envelope_from` is empty for the null sender
    and None where there is no envelope. `provenance` says who handed it over (`records.models.Message`). `beside` are
    further recipients of the envelope; `designation` is set by a channel that knows what it brings.
    """

    data: bytes
    channel: str
    received_at: datetime
    name: str = ""
    brand: int | None = None
    recipient: str = ""
    details: tuple[str, ...] = ()
    envelope_from: str | None = None
    provenance: Mapping[str, str] = {}
    beside: tuple[str, ...] = ()
    designation: str = ABUSE


class Received(NamedTuple):
    """What became of it: its message, and whether these bytes came for the first time."""

    message_id: uuid.UUID
    new: bool


class Owned(NamedTuple):
    """Whose an address is, and what for (`vocabulary.designation`)."""

    brand: int
    kind: str


class _Sealed(NamedTuple):
    """An incoming thing made ready to be written."""

    incoming: Incoming
    message_id: uuid.UUID
    digest: bytes
    brand: int | None
    designation: str
    headers: dict[str, str]


def receive(incoming: Incoming) -> Received:
    """Commits one message."""
    return receive_many([incoming])[0]


@transaction.atomic
def receive_many(batch: Sequence[Incoming]) -> list[Received]:
    """Commits a batch of messages in one transaction, in their order. Raises NoRoom before the disk is full."""
    if not batch:
        return []
    room.must_be_left()
    addresses, channels = _ours()
    sealed = [_identify(one, addresses, channels) for one in batch]
    first = {one.digest: one for one in reversed(sealed)}
    taken = _take(list(first.values()))
    _write([first[digest] for digest in first if digest in taken])
    known = _known([digest for digest in first if digest not in taken])
    ids = known | {digest: first[digest].message_id for digest in taken}
    _note_channels(batch)
    ring("read")
    return [Received(ids[one.digest], one.digest in taken and first[one.digest] is one) for one in sealed]


def headers_of(data: bytes) -> dict[str, str]:
    """The few headers that a list shows, as far as they stand in the first 64 kB; empty for what is no mail."""
    end = data.find(b"\n\n", 0, HEADER_CAP)
    crlf = data.find(b"\r\n\r\n", 0, HEADER_CAP)
    stops = [one for one in (end, crlf) if one >= 0]
    block = data[: min(stops)] if stops else b""
    found = {name.lower().decode("ascii"): value for name, value in reversed(_HEADER.findall(block))}
    return {name: _unfolded(value)[:998] for name, value in found.items()}


def _unfolded(value: bytes) -> str:
    return _FOLD.sub(" ", storable(value.decode("utf-8", "replace")))


def address_in(header: str) -> str:
    """The first mail address in a header, in lower case; empty where there is none."""
    bracketed = header.rpartition("<")[2] if "<" in header else header
    found = _ADDRESS.search(bracketed)
    return found[0].lower() if found else ""


def _identify(incoming: Incoming, addresses: Mapping[str, Owned], channels: Mapping[str, int]) -> _Sealed:
    headers = headers_of(incoming.data)
    owned = _owned(incoming, headers, addresses)
    brand = incoming.brand or (owned[0].brand if owned else None) or channels.get(incoming.channel)
    kind = strictest([incoming.designation, *(one.kind for one in owned if one.brand == brand)])
    return _Sealed(incoming, uuid.uuid4(), _digest(incoming, brand, kind), brand, kind, headers)


def _digest(incoming: Incoming, brand: int | None, kind: str) -> bytes:
    proven = "".join(f"{name}={incoming.provenance[name]}\n" for name in PROVEN if name in incoming.provenance)
    # What was blind-copied to a designated address is its own message there, whatever came to the others before.
    to = "" if kind == ABUSE else f"to={kind}\n"
    return sha256(f"{brand or ''}\n{proven}{to}".encode() + incoming.data).digest()


def _owned(incoming: Incoming, headers: Mapping[str, str], addresses: Mapping[str, Owned]) -> list[Owned]:
    """The addresses of ours that it was sent to, those of the envelope first."""
    named = (incoming.recipient, *incoming.beside, *(headers.get(name, "") for name in _RECIPIENTS))
    found = (one.lower() for text in named for one in _ADDRESS.findall(text))
    owned = (addresses.get(one) or addresses.get(without_detail(one)) for one in found)
    return [one for one in owned if one is not None]


def without_detail(address: str) -> str:
    """The address without its detail (RFC 5233): `abuse+4711@example.net` is `abuse@example.net`."""
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"


def _take(sealed: list[_Sealed]) -> set[bytes]:
    """Claims the digests; returns those that nobody had before."""
    sealed.sort(key=lambda one: one.digest)
    rows = [{"digest": one.digest, "id": one.message_id, "at": one.incoming.received_at} for one in sealed]
    return {bytes(digest) for (digest,) in give_rows(_TAKE, rows)}


def _ours() -> tuple[dict[str, Owned], dict[str, int]]:
    """The brands' addresses, and the channels that are one brand's own."""
    with connection.cursor() as cursor:
        cursor.execute(_OURS)
        rows = cursor.fetchall()
    addresses = {name: Owned(brand, kind) for name, brand, kind in rows if kind is not None}
    return addresses, {name: brand for name, brand, kind in rows if kind is None}


def _known(digests: list[bytes]) -> dict[bytes, uuid.UUID]:
    if not digests:
        return {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT digest, message_id FROM records_messageseen WHERE digest = ANY(%s)", [digests])
        return {bytes(digest): message_id for digest, message_id in cursor.fetchall()}


def _write(sealed: list[_Sealed]) -> None:
    if not sealed:
        return
    ensure_month(STANDARD, [one.incoming.received_at for one in sealed])
    secrets = [(one, *seal(one.incoming.data)) for one in sealed]
    copy_rows("records_message", COLUMNS, (_row(one, payload) for one, _, payload in secrets))
    copy_rows("records_messagekey", ("message_id", "key"), ((one.message_id, key) for one, key, _ in secrets))


def _row(one: _Sealed, payload: bytes) -> tuple[object, ...]:
    incoming, headers = one.incoming, one.headers
    return (
        one.message_id,
        STANDARD,
        incoming.received_at,
        one.brand,
        incoming.channel,
        storable(incoming.name)[:500],
        one.digest,
        len(incoming.data),
        address_in(headers.get("from", ""))[:320],
        (incoming.recipient or address_in(headers.get("to", "")))[:320],
        storable(" ".join(incoming.details))[:2000],
        None if incoming.envelope_from is None else storable(incoming.envelope_from)[:320],
        headers.get("subject", ""),
        json.dumps({name: storable(value) for name, value in incoming.provenance.items()}),
        one.designation,
        payload,
    )


def _note_channels(batch: Sequence[Incoming]) -> None:
    latest: dict[str, datetime] = {}
    for one in batch:
        latest[one.channel] = max(one.received_at, latest.get(one.channel, one.received_at))
    news = {name: at for name, at in latest.items() if name not in _noted or abs(at - _noted[name]) >= A_MOMENT}
    give_rows(_NOTE_CHANNELS, [{"name": name, "at": at} for name, at in sorted(news.items())])
    transaction.on_commit(lambda: _noted.update(news))
