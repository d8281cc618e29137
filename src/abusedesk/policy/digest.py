"""Digests of dockets, decisions and packs' answers: canonical JSON with sorted keys, then SHA-256."""

from hashlib import sha256

import msgspec

from abusedesk.policy.decision import Decision
from abusedesk.policy.docket import Docket
from abusedesk.policy.facts import Facts
from abusedesk.policy.stimulus import Stimulus

_ENCODER = msgspec.json.Encoder(order="deterministic")


def canonical(value: Docket | Decision | Facts | Stimulus) -> bytes:
    """The one JSON text of a value: fields and keys sorted, sets in order, defaults left out."""
    return _ENCODER.encode(msgspec.to_builtins(value, order="sorted"))


def docket_digest(docket: Docket) -> bytes:
    """SHA-256 of a docket: 32 bytes."""
    return sha256(canonical(docket)).digest()


def decision_digest(decision: Decision) -> bytes:
    """SHA-256 of a decision with its docket, effects and trace: 32 bytes."""
    return sha256(canonical(decision)).digest()


def facts_digest(facts: Facts) -> bytes:
    """SHA-256 of the facts that a decision rested on: 32 bytes."""
    return sha256(canonical(facts)).digest()
