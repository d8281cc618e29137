"""The hash chains over each docket's decisions and each brand's publications, and the check that they hold.

A link covers the link before it and the salted digest of a decision. Erasing a decision's values with their salt leaves
the chain whole; changing, removing or inserting a decision breaks it. What was published holds nobody's personal data
but the names of staff who answer for it, so it is covered without salt.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

import msgspec

from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Decision, Docket, PackText, Publication, PublicationEntry
from abusedesk.records.packs import read_kept
from abusedesk.vocabulary.instant import format_instant


class Fault(NamedTuple):
    """Where the chain does not hold, and what is wrong in words."""

    docket: int
    sequence: int
    problem: str

    def __str__(self) -> str:
        return f"docket {self.docket}, decision {self.sequence}: {self.problem}"


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


def verify(told: Callable[[], object] = bool) -> Iterator[Fault]:
    """Walks every chain from its first decision to its docket and yields what does not hold.

    `told` is called for each decision, for whoever wants to see how far it is.
    """
    heads = dict(Docket.objects.values_list("pk", "head"))
    expected: dict[int, tuple[int, bytes]] = {}
    decisions = Decision.objects.order_by("docket_id", "sequence").defer("snapshot")
    for decision in decisions.iterator(2000):
        sequence, previous = expected.get(decision.docket_id, (0, b""))
        yield from _faults_of(decision, sequence + 1, previous)
        told()
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


# --- publications ---------------------------------------------------------------------------------------------------


def append_entry(publication: Publication, at: datetime, by: str, words: str) -> PublicationEntry:
    """Writes the publication's state down as the next line of its brand's story. The brand's row must be locked."""
    last = PublicationEntry.objects.filter(brand=publication.brand_id).order_by("-sequence").first()
    entry = PublicationEntry(
        brand_id=publication.brand_id,
        sequence=last.sequence + 1 if last else 1,
        publication=publication,
        kind=publication.state,
        at=at,
        by=by,
        body=_body(publication, words),
        previous=bytes(last.hash) if last else b"",
    )
    entry.hash = _entry_link(entry)
    entry.save(force_insert=True)
    return entry


def _body(publication: Publication, words: str) -> str:
    said = {
        "pack": publication.pack_id,
        "previous": publication.previous,
        "author": publication.author,
        "words": words,
        "reaches_back": publication.reaches_back,
        "cases": sha256(msgspec.json.encode(publication.cases, order="sorted")).hexdigest(),
    }
    return msgspec.json.encode(said, order="sorted").decode()


def _entry_link(entry: PublicationEntry) -> bytes:
    parts = (
        f"{entry.brand_id}:{entry.sequence}:{entry.publication_id}:{entry.kind}:{format_instant(entry.at)}",
        entry.by,
        entry.body,
    )
    return sha256(bytes(entry.previous) + salted_digest(b"", *(part.encode() for part in parts))).digest()


def verify_publications() -> Iterator[str]:
    """Walks what was published for every brand, and the text of every pack, and says in words what does not hold."""
    for brand in Brand.objects.order_by("slug"):
        yield from (f"policy of {brand.slug}{fault}" for fault in _faults_of_story(brand))
    for digest in PackText.objects.order_by("first_seen").values_list("pk", flat=True):
        try:
            read_kept(digest)
        except Problem as problem:
            yield str(problem)


def _faults_of_story(brand: Brand) -> Iterator[str]:
    sequence, previous, in_force = 0, b"", None
    told: dict[int, list[PublicationEntry]] = {}
    for entry in PublicationEntry.objects.filter(brand=brand).order_by("sequence"):
        yield from (f", entry {entry.sequence}: {fault}" for fault in _faults_of_entry(entry, sequence + 1, previous))
        sequence, previous = entry.sequence, bytes(entry.hash)
        told.setdefault(entry.publication_id, []).append(entry)
        if entry.kind == "published":
            in_force = msgspec.json.decode(entry.body)["pack"]
    if brand.published_id != in_force:
        yield ": what is in force is not what was published last: entries are missing, or it was changed by hand"
    for publication in Publication.objects.filter(brand=brand).order_by("pk"):
        if _lines(publication) != [(one.kind, one.at, one.by, one.body) for one in told.get(publication.pk, [])]:
            yield f": publication {publication.pk} is not what its entries say"


def _faults_of_entry(entry: PublicationEntry, sequence: int, previous: bytes) -> Iterator[str]:
    if entry.sequence != sequence:
        yield f"entry {sequence} is missing before it"
    if bytes(entry.previous) != previous:
        yield "it does not follow from the entry before it"
    if bytes(entry.hash) != _entry_link(entry):
        yield "it was changed afterwards"


def _lines(one: Publication) -> list[tuple[str, datetime | None, str, str]]:
    """What the entries of a publication must say."""
    lines: list[tuple[str, datetime | None, str, str]] = [
        ("proposed", one.proposed_at, one.author, _body(one, one.note))
    ]
    decided = (one.state, one.decided_at, one.decided_by, _body(one, one.reason))
    return lines if one.state == "proposed" else [*lines, decided]
