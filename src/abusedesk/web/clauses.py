"""The clauses that a page cites, with their titles, and their words as those who decided had them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from django.urls import reverse

from abusedesk.desk.decide import pack_of, settings_of
from abusedesk.policy.pack import SAFEGUARD, Pack, Version
from abusedesk.problem import Problem
from abusedesk.records.models import Brand
from abusedesk.records.packs import kept
from abusedesk.web.pack_files import pack_at
from abusedesk.web.story import Under


class Cited(NamedTuple):
    """One clause: its id, what it is called, what it says, and the other words that it had, each with its version."""

    id: str
    title: str
    text: str
    address: str
    otherwise: tuple[tuple[str, str], ...] = ()

    @property
    def anchor(self) -> str:
        """The clause's place on the page."""
        return anchor(self.id)


def anchor(clause: str) -> str:
    """A clause's id as the name of a place on a page."""
    return "clause-" + "".join(letter if letter.isalnum() else "-" for letter in clause)


def place(clause: str) -> str:
    """A clause's full id as the name of its place on the policy page: `8.b`, `safeguard:assurance`."""
    return clause if clause.startswith(SAFEGUARD) else clause.partition(":")[2] or clause


def address(clause: str, brand: Brand) -> str:
    """Where a clause is explained: its place on the page of the brand's policy."""
    return f"{reverse('policy', args=[brand.slug])}#{place(clause)}"


def title(clause: str, brand: Brand) -> str:
    """What a clause is called today in the brand's policy; empty where that does not say."""
    try:
        pack = pack_of(brand)
        found = pack.clause_in(clause, pack.version_at(datetime.now(UTC), settings_of(brand)))
    except Problem:
        return ""
    return found.title if found.text else ""


def of_brand(brand: Brand, ids: Iterable[str], at: datetime) -> list[Cited]:
    """The clauses by id, in the order given, as the policy of an instant words them; one that it has not keeps its id.

    Raises Problem where the policy cannot be read.
    """
    pack, version = _in_force(brand, at)
    return [_cited(brand, one, pack, version) for one in ids]


def of_decisions(brand: Brand, ids: Iterable[str], cited: Mapping[str, Iterable[Under]], at: datetime) -> list[Cited]:
    """The clauses by id, in the order given, as the decisions that cite them had them, the newest first.

    One that no decision at hand cites is worded as of an instant.
    """
    then = {one: _of_then(one) for one in {under for each in cited.values() for under in each}}
    found = {one: [known for under in cited.get(one, ()) if (known := then[under]) is not None] for one in ids}
    otherwise = [] if all(found.values()) else [_in_force(brand, at)]
    return [_as_decided(brand, one, packs or otherwise) for one, packs in found.items()]


def _as_decided(brand: Brand, clause: str, packs: list[tuple[Pack, Version]]) -> Cited:
    first = _cited(brand, clause, *packs[0])
    words = {pack.clause_in(clause, version).text: version.id for pack, version in packs}
    others = tuple((version, text) for text, version in words.items() if text and text != first.text)
    return first._replace(otherwise=others)


def _of_then(one: Under) -> tuple[Pack, Version] | None:
    """The pack and version of a decision; None where the pack is not kept, or this release cannot read it."""
    try:
        pack = kept(one.pack)
    except Problem:
        return None
    return (pack, pack.version(one.version)) if pack is not None else None


def _in_force(brand: Brand, at: datetime) -> tuple[Pack, Version]:
    pack = pack_at(brand, at)
    return pack, pack.version_at(at, settings_of(brand)) or pack.versions[0]


def _cited(brand: Brand, clause: str, pack: Pack, version: Version) -> Cited:
    found = pack.clause_in(clause, version)
    return Cited(clause, found.title if found.text else "", found.text, address(clause, brand))
