"""The clauses that a page cites, with their titles and texts, as the brand's pack has them."""

from collections.abc import Iterable
from typing import NamedTuple

from django.urls import reverse

from abusedesk.desk.decide import pack_of
from abusedesk.policy.pack import SAFEGUARD
from abusedesk.problem import Problem
from abusedesk.records.models import Brand


class Cited(NamedTuple):
    """One clause: its id, what it is called, and what it says."""

    id: str
    title: str
    text: str
    address: str

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
    """What a clause is called in the brand's policy; empty where that does not say."""
    try:
        found = pack_of(brand).clause(clause)
    except Problem:
        return ""
    return found.title if found.text else ""


def of_brand(brand: Brand, ids: Iterable[str]) -> list[Cited]:
    """The clauses by id, in the order given; one that the pack no longer has keeps its id alone."""
    pack = pack_of(brand)
    found = ((one, pack.clause(one)) for one in ids)
    return [Cited(one, clause.title if clause.text else "", clause.text, address(one, brand)) for one, clause in found]
