"""Digests of dockets, decisions and facts: canonical JSON with sorted keys, then SHA-256."""

from hashlib import sha256

import msgspec

from abusedesk.policy.decision import Decision
from abusedesk.policy.docket import Docket
from abusedesk.policy.facts import Facts
from abusedesk.policy.stimulus import Stimulus

_ENCODER = msgspec.json.Encoder(order="sorted")


def canonical(value: Docket | Decision | Facts | Stimulus) -> bytes:
    """The one JSON text of a value: every field written, fields and keys sorted, sets in order.

    Defaults are not left out: msgspec knows a default by its identity, so that a value read back from JSON, equal as it
    is, would be written otherwise.
    """
    return _ENCODER.encode(value)


def docket_digest(docket: Docket) -> bytes:
    """SHA-256 of a docket: 32 bytes."""
    return sha256(canonical(docket)).digest()


def decision_digest(decision: Decision) -> bytes:
    """SHA-256 of a decision with its docket, effects and trace: 32 bytes."""
    return sha256(canonical(decision)).digest()


def facts_digest(facts: Facts) -> bytes:
    """SHA-256 of the facts that a decision rested on: 32 bytes."""
    return sha256(canonical(facts)).digest()
