"""The hash chain over each docket's decisions, and the check that it holds.

A link covers the link before it and the salted digest of a decision. Erasing a decision's values with their salt leaves
the chain whole; changing, removing or inserting a decision breaks it.
"""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from abusedesk.records.models import Decision, Docket
from abusedesk.vocabulary.instant import format_instant


class Fault(NamedTuple):
    """Where the chain does not hold, and what is wrong in words."""

    docket: int
    sequence: int
    problem: str


def salted_digest(salt: bytes, *parts: bytes) -> bytes:
    """The digest of a decision's parts, each under its own length so that none can run into the next."""
    total = sha256(salt)
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.digest()


def link(previous: bytes, where: tuple[int, int], key: str, at: datetime, salted: bytes) -> bytes:
    """The hash of one link: what came before, which decision of which docket it is, and the digest of the rest."""
    docket, sequence = where
    return sha256(previous + f"{docket}:{sequence}:{key}:{format_instant(at)}:".encode() + salted).digest()


def verify() -> Iterator[Fault]:
    """Walks every chain from its first decision to its docket and yields what does not hold."""
    heads = dict(Docket.objects.values_list("pk", "head"))
    expected: dict[int, tuple[int, bytes]] = {}
    decisions = Decision.objects.order_by("docket_id", "sequence").defer("snapshot")
    for decision in decisions.iterator(2000):
        sequence, previous = expected.get(decision.docket_id, (0, b""))
        yield from _faults_of(decision, sequence + 1, previous)
        expected[decision.docket_id] = (decision.sequence, bytes(decision.hash))
    for docket, head in heads.items():
        last, hash_of_last = expected.get(docket, (0, b""))
        if bytes(head) != hash_of_last:
            yield Fault(docket, last, "the docket's head is not its last decision: decisions are missing at the end")


def _faults_of(decision: Decision, sequence: int, previous: bytes) -> Iterator[Fault]:
    where = (decision.docket_id, decision.sequence)
    if decision.sequence != sequence:
        yield Fault(*where, f"decision {sequence} is missing before it")
    if bytes(decision.previous) != previous:
        yield Fault(*where, "it does not follow from the decision before it")
    hashed = link(bytes(decision.previous), where, decision.key, decision.at, bytes(decision.salted))
    if bytes(decision.hash) != hashed:
        yield Fault(*where, "its hash does not match its content")
    if decision.salt and bytes(decision.salted) != salted_digest(bytes(decision.salt), *parts_of(decision)):
        yield Fault(*where, "what is stored is not what was decided: it was changed afterwards")


def parts_of(decision: Decision) -> tuple[bytes, ...]:
    """What the salted digest of a stored decision covers."""
    return (
        bytes(decision.stimulus),
        bytes(decision.facts),
        bytes(decision.pack_digest),
        bytes(decision.docket_digest),
        bytes(decision.effects),
        bytes(decision.trace),
    )
