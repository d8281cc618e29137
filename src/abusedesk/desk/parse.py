"""Parse: asks the readers what a message is. What a known reporter sent and nobody can read is never filed as noise."""

import uuid
from datetime import datetime
from typing import NamedTuple

from abusedesk.parsing.read import read
from abusedesk.vocabulary.category import ILLEGAL_CONTENT
from abusedesk.vocabulary.report import Reading

ATTEMPTS = 3
"""A message whose reading ended the worker this often is put up for a person instead of being read again."""


class Unread(NamedTuple):
    """A message that waits to be read. `payload` is None where its bytes can no longer be read."""

    message_id: uuid.UUID
    digest: bytes
    received_at: datetime
    retention: str
    brand: int | None
    channel: str
    name: str
    sender: str
    payload: bytes | None
    attempts: int


def read_message(unread: Unread, *, from_known_reporter: bool) -> Reading:
    """What the message turned out to be."""
    if unread.payload is None:
        return Reading("needs_review", "none", "the bytes of this message can no longer be read")
    if unread.attempts > ATTEMPTS:
        reason = f"reading this message broke off {ATTEMPTS} times; read it by hand"
        return Reading("needs_review", "none", reason)
    reading = read(unread.payload, unread.name)
    if reading.outcome == "not_a_report" and from_known_reporter:
        reason = f"a known reporter sent it, and yet: {reading.reason}"
        return Reading("needs_review", reading.format, reason, reading.reporter, found=reading.found)
    return reading


def is_illegal(reading: Reading) -> bool:
    """Whether the message speaks of content that is never stored, rendered or forwarded."""
    return any(event.category in ILLEGAL_CONTENT for event in (*reading.events, *reading.found))
