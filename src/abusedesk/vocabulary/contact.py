"""A customer's contacts: in which order they are written to, and which of them a complaint may have cut off."""

from collections.abc import Iterable
from typing import NamedTuple

ROLES = ("abuse", "technical", "administrative", "billing", "legal", "other")
"""What a contact is for. A notice goes to `abuse` first, then `technical`, then the account's address, then others."""

_BEFORE = {"abuse": 0, "technical": 1}
_ACCOUNT = 2
_AFTER = 3


class Reach(NamedTuple):
    """One address of a party and the language that it is written to in; empty for the party's own."""

    email: str
    language: str = ""


class Known(NamedTuple):
    """A contact as it is stored."""

    role: str
    email: str
    language: str
    position: int


def in_order(account: str, contacts: Iterable[Known]) -> list[Reach]:
    """Where a party is written to, each address once: by role, then by position, then as they came."""
    ranked = [(_BEFORE.get(one.role, _AFTER), one.position, one.email, one.language) for one in contacts]
    ranked.append((_ACCOUNT, 0, account, ""))
    found: dict[str, Reach] = {}
    for _, _, email, language in sorted(ranked, key=lambda one: one[:2]):
        if email:
            found.setdefault(email.lower(), Reach(email, language))
    return list(found.values())


def is_at(email: str, names: Iterable[str], addresses: Iterable[str]) -> bool:
    """Whether a mailbox may lie on a server that is known by some names and addresses.

    Its domain is one of the names, lies below one, or one lies below it: the mail of `example.com` may be kept by
    `mail.example.com`. Too much caution costs a copy; too little, that nobody reads the notice.
    """
    domain = email.rpartition("@")[2].lower().rstrip(".")
    if domain.startswith("["):
        return domain.strip("[]").removeprefix("ipv6:") in {one.lower() for one in addresses}
    known = {one.lower().rstrip(".") for one in names if one}
    return any(domain == one or domain.endswith(f".{one}") or one.endswith(f".{domain}") for one in known)
