"""What a brand's address is for, and with that which kind of file mail to it opens (`scalibit:9`)."""

from collections.abc import Iterable
from typing import NamedTuple

from abusedesk.vocabulary.category import ILLEGAL_CONTENT

ABUSE = "abuse"
AUTHORITY = "authority"


class Designation(NamedTuple):
    """One kind of address. `prefix` begins the number of its files; mail to abuse has none and opens no file."""

    name: str
    prefix: str
    title: str
    one: str


DESIGNATIONS = {
    one.name: one
    for one in (
        Designation(ABUSE, "", "Abuse reports", "abuse report"),
        Designation("dmca", "DMCA", "DMCA enquiries", "DMCA enquiry"),
        Designation("copyright", "COPYRIGHT", "Copyright notices", "copyright notice"),
        Designation("dsa", "DSA", "DSA notices", "DSA notice"),
        Designation("legal", "LEGAL", "Legal letters", "legal letter"),
        Designation(AUTHORITY, "AUTHORITY", "Authority requests", "authority request"),
    )
}
"""The kinds, the most restrictive last: of several addresses in one mail it wins."""

RANK = {name: rank for rank, name in enumerate(DESIGNATIONS)}
FILED = tuple(name for name in DESIGNATIONS if name != ABUSE)
INFRINGEMENTS = ("copyright/", "content/brand_infringement")


def strictest(kinds: Iterable[str]) -> str:
    """The most restrictive of several kinds; abuse where there is none."""
    return max(kinds, key=RANK.__getitem__, default=ABUSE)


def becomes_report(kind: str, category: str) -> bool:
    """Whether what a message of this kind says of a category goes on to the policy as a report.

    A legal letter and an authority's request never do by themselves; copyright and DMCA notices do as far as they are
    about infringements, DSA notices whatever they are about. What speaks of illegal content is put before restricted
    readers as everywhere (`safeguard:illegal_content`), but an authority's own letter stays with them as it is.
    """
    if kind == AUTHORITY:
        return False
    if kind in {ABUSE, "dsa"} or category in ILLEGAL_CONTENT:
        return True
    return kind in {"copyright", "dmca"} and category.startswith(INFRINGEMENTS)


def reference(kind: str, year: int, number: int) -> str:
    """The number of a file, such as DSA-2026-0001."""
    return f"{DESIGNATIONS[kind].prefix}-{year}-{number:04}"
