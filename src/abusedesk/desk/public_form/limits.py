"""How often the form may be used: pure. Nobody's mailbox is filled by it, and no network keeps others from it."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Literal, NamedTuple

Refusal = Literal["mailbox", "network", "brand"]


class Limit(NamedTuple):
    """So many within a time. `counts` is what is counted (`hand_in`)."""

    counts: str
    most: int
    within: timedelta
    refusal: Refusal


HOUR, DAY = timedelta(hours=1), timedelta(days=1)

MAILED = (
    Limit("unanswered", 3, DAY, "mailbox"),
    Limit("mailbox", 30, DAY, "mailbox"),
    Limit("network", 20, HOUR, "network"),
    Limit("network", 100, DAY, "network"),
    Limit("brand", 1000, HOUR, "brand"),
)
"""For what is confirmed by mail: `unanswered` are mails to a mailbox that nobody confirmed."""

ANONYMOUS = (
    Limit("anonymous", 3, DAY, "network"),
    Limit("network", 20, HOUR, "network"),
    Limit("all_anonymous", 200, DAY, "brand"),
)
"""For what the law lets anybody say without a name: nobody is mailed, a person looks at each."""


def exceeded(limits: tuple[Limit, ...], counted: Mapping[tuple[str, timedelta], int]) -> Refusal | None:
    """Which limit has been reached, by the counts of each thing within each time; None where one more may come."""
    return next((one.refusal for one in limits if counted.get((one.counts, one.within), 0) >= one.most), None)


def mailbox_of(address: str) -> str:
    """What counts as one mailbox: case, dots and what stands after a plus sign make no other."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def network_of(address: str) -> str:
    """The network that an address counts for: its /24, or /48 of IPv6; `unknown` where it is none."""
    try:
        found = ip_address(address)
    except ValueError:
        return "unknown"
    mapped = getattr(found, "ipv4_mapped", None)
    meant = mapped or found
    return str(ip_network(f"{meant}/{24 if isinstance(meant, IPv4Address) else 48}", strict=False))
