"""The clauses that a page cites, with their titles and texts, as the brand's pack has them."""

from collections.abc import Iterable
from typing import NamedTuple

from abusedesk.policy.pack import load_pack
from abusedesk.records.models import Brand


class Cited(NamedTuple):
    """One clause: its id, what it is called, and what it says."""

    id: str
    title: str
    text: str

    @property
    def anchor(self) -> str:
        """The clause's place on the page."""
        return anchor(self.id)


def anchor(clause: str) -> str:
    """A clause's id as the name of a place on a page."""
    return "clause-" + "".join(letter if letter.isalnum() else "-" for letter in clause)


def of_brand(brand: Brand, ids: Iterable[str]) -> list[Cited]:
    """The clauses by id, in the order given; one that the pack no longer has keeps its id alone."""
    pack = load_pack(brand.pack)
    found = ((one, pack.clause(one)) for one in ids)
    return [Cited(one, clause.title if clause.text else "", clause.text) for one, clause in found]
