"""Parse: asks the operator's own rules, then the readers, what a message is.

What a known reporter sent and nobody can read is never filed as noise, unless a rule of the operator's says so.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from abusedesk.parsing.formats import telemetry, upstream
from abusedesk.parsing.own import OwnRule, read_by
from abusedesk.parsing.read import read
from abusedesk.records.models import ReadingRule
from abusedesk.vocabulary.category import ILLEGAL_CONTENT
from abusedesk.vocabulary.designation import ABUSE
from abusedesk.vocabulary.report import Reading

ATTEMPTS = 3
"""A message whose reading ended the worker this often is put up for a person instead of being read again."""


_PROVEN_BY = {telemetry.NAME: "sensor", upstream.NAME: "upstream"}
"""Of each format that not everybody may speak, what of the provenance proves that somebody may."""


class Unread(NamedTuple):
    """A message that waits to be read. `payload` is None where its bytes can no longer be read.

    `details`, `envelope_from`, `provenance`, `designation` and `subject` are the message's (`records.models.Message`).
    """

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
    recipient: str = ""
    details: str = ""
    envelope_from: str | None = None
    provenance: Mapping[str, str] = {}
    designation: str = ABUSE
    subject: str = ""


def own_rules() -> tuple[OwnRule, ...]:
    """The operator's own rules that are switched on, in their order."""
    bodies = ReadingRule.objects.filter(enabled=True).order_by("position", "pk").values_list("name", "body")
    return tuple(msgspec.convert({**body, "name": name}, OwnRule) for name, body in bodies)


def read_message(unread: Unread, rules: Sequence[OwnRule] = (), *, from_known_reporter: bool) -> Reading:
    """What the message turned out to be."""
    if unread.payload is None:
        return Reading("needs_review", "none", "the bytes of this message can no longer be read")
    if unread.attempts > ATTEMPTS:
        reason = f"reading this message broke off {ATTEMPTS} times; read it by hand"
        return Reading("needs_review", "none", reason)
    own = read_by(rules, unread.payload, unread.name) if rules else None
    if own is not None:
        return own
    reading = _admitted(read(unread.payload, unread.name), unread.provenance)
    # What an upstream tells of its own doing was acted on when it came, and is no puzzle for a person.
    if reading.outcome == "not_a_report" and from_known_reporter and reading.format not in _PROVEN_BY:
        reason = f"a known reporter sent it, and yet: {reading.reason}"
        return Reading("needs_review", reading.format, reason, reading.reporter, found=reading.found)
    return reading


def _admitted(reading: Reading, provenance: Mapping[str, str]) -> Reading:
    """What only the provider's own sensors and upstreams may say is no report from anybody else."""
    proof = _PROVEN_BY.get(reading.format)
    if proof is None or proof in provenance:
        return reading
    reason = f"it is {reading.format}, which is taken under a key for that alone"
    return Reading("rejected", reading.format, reason, reading.reporter)


def is_illegal(reading: Reading) -> bool:
    """Whether the message speaks of content that is never stored, rendered or forwarded."""
    return any(event.category in ILLEGAL_CONTENT for event in (*reading.events, *reading.found))
