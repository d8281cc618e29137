"""Who held an address at an instant: the in-memory prefix table with validity intervals."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)
from typing import Any, NamedTuple

PORTS = 65536
"""So many ports an address has, the first being 0."""

SHARED = ""
"""Who holds an address as a whole that several services share by their source ports: none of them."""


class Assignment(NamedTuple):
    """A prefix held by a service from `since` (inclusive) until `until` (exclusive; None: still).

    `ports` are the source ports by which it holds it behind a NAT, the last exclusive; None for all of them.
    `inventory` is the id of the inventory that says so, 0 where none does.
    """

    prefix: IPv4Network | IPv6Network
    service: str
    since: datetime
    until: datetime | None = None
    ports: tuple[int, int] | None = None
    inventory: int = 0

    def covers(self, at: datetime) -> bool:
        """Whether it was held at an instant."""
        return self.since <= at and (self.until is None or at < self.until)

    def has_port(self, port: int) -> bool:
        """Whether a source port is among those it holds."""
        return self.ports is None or self.ports[0] <= port < self.ports[1]


class AssignmentTable:
    """The longest prefix that was assigned at the time holds the address; of equals the latest.

    Where the prefix was shared by source ports, whoever held the port; without a port, nobody can tell.

    A dictionary per prefix length, each value the few assignments that one prefix has had.
    """

    def __init__(self, assignments: Iterable[Assignment] = ()) -> None:
        self._lengths: dict[int, dict[int, dict[int, list[Assignment]]]] = {4: {}, 6: {}}
        self._order: dict[int, list[tuple[int, dict[int, list[Assignment]]]]] = {4: [], 6: []}
        for assignment in assignments:
            self.add(assignment)

    def add(self, assignment: Assignment) -> None:
        """Adds one assignment."""
        prefix = assignment.prefix
        lengths = self._lengths[prefix.version]
        if prefix.prefixlen not in lengths:
            lengths[prefix.prefixlen] = {}
            self._order[prefix.version] = [
                (prefix.max_prefixlen - length, lengths[length]) for length in sorted(lengths, reverse=True)
            ]
        key = int(prefix.network_address) >> (prefix.max_prefixlen - prefix.prefixlen)
        held = lengths[prefix.prefixlen].setdefault(key, [])
        held.append(assignment)
        held.sort(key=lambda one: one.since, reverse=True)

    def holder(
        self, address: str | IPv4Address | IPv6Address, at: datetime, port: int | None = None
    ) -> Assignment | None:
        """The assignment that held an address and source port at an instant, or None.

        None too where it was shared by ports and no port is given. Raises ValueError for what is no address.
        """
        ip = ip_address(address) if isinstance(address, str) else address
        number = int(ip)
        for shift, prefixes in self._order[ip.version]:
            for assignment in prefixes.get(number >> shift, ()):
                if assignment.covers(at):
                    if assignment.ports is None:
                        return assignment
                    if port is None:
                        return None
                    if assignment.has_port(port):
                        return assignment
        return None

    def sharers(self, address: str | IPv4Address | IPv6Address, at: datetime) -> list[Assignment]:
        """Who shared an address by source ports at an instant, by their ports; empty where one alone held it."""
        held = [one for one in self.history(address) if one.covers(at)]
        if not held or held[0].ports is None:
            return []
        return sorted((one for one in held if one.prefix == held[0].prefix), key=lambda one: one.ports or (0, PORTS))

    def held(self, at: datetime) -> Iterator[Assignment]:
        """Every assignment that stood at an instant, in no order; a prefix within another comes beside it."""
        for lengths in self._lengths.values():
            for prefixes in lengths.values():
                yield from (one for held in prefixes.values() for one in held if one.covers(at))

    def held_since(self, address: str | IPv4Address | IPv6Address, at: datetime) -> datetime | None:
        """Since when without a break the service that held an address at an instant had held it; None: nobody did."""
        since, holder = None, None
        for moment, service in self.tenure(address):
            if moment > at:
                break
            if service != holder:
                since, holder = moment, service
        return since if holder is not None else None

    def history(self, address: str | IPv4Address | IPv6Address) -> list[Assignment]:
        """Every assignment that ever covered an address, longest prefix first, then latest first."""
        ip = ip_address(address) if isinstance(address, str) else address
        number = int(ip)
        return [one for shift, prefixes in self._order[ip.version] for one in prefixes.get(number >> shift, ())]

    def tenure(self, address: str | IPv4Address | IPv6Address) -> list[tuple[datetime, str | None]]:
        """From when on which service held an address, in order of time; None where none did, SHARED where several."""
        covering = self.history(address)
        changes = sorted({at for one in covering for at in (one.since, one.until) if at is not None})
        return [(at, next((_alone(one) for one in covering if one.covers(at)), None)) for at in changes]


def _alone(one: Assignment) -> str:
    return one.service if one.ports is None else SHARED


def parse_ports(text: str) -> tuple[int, int] | None:
    """Source ports written `1024-2047` or `53`, the last exclusive in what is returned; None for all of them.

    Raises ValueError saying what is wrong.
    """
    if not text:
        return None
    first, dash, last = text.partition("-")
    numbers = [one.strip() for one in ((first, last) if dash else (first, first))]
    if not all(one.isascii() and one.isdigit() and len(one) <= 5 for one in numbers):
        raise ValueError(f"{text!r} are no source ports; write 1024-2047, or leave it empty for all of them")
    low, high = map(int, numbers)
    if low > high or high >= PORTS:
        raise ValueError(f"{text!r} are no source ports: they go from 0 to {PORTS - 1}, the lower one first")
    return None if (low, high) == (0, PORTS - 1) else (low, high + 1)


def ports_in_words(ports: tuple[int, int] | None) -> str:
    """Source ports as `parse_ports` reads them; empty for all of them."""
    if ports is None:
        return ""
    return str(ports[0]) if ports[1] - ports[0] == 1 else f"{ports[0]}-{ports[1] - 1}"


def without(
    held: Iterable[IPv4Network | IPv6Network], others: Iterable[IPv4Network | IPv6Network]
) -> list[IPv4Network | IPv6Network]:
    """The addresses of some prefixes less those of others that lie within one of them, as prefixes that do not overlap.

    A prefix of one's own within another's within one's own stays: the longest holds.
    """
    left: dict[int, list[Any]] = {4: [], 6: []}
    strangers = list(others)
    for own in held:
        left[own.version] += _less(own, [one for one in strangers if _lies_within(one, own)])
    return [*collapse_addresses(left[4]), *collapse_addresses(left[6])]


def _less(own: IPv4Network | IPv6Network, others: Iterable[IPv4Network | IPv6Network]) -> list[Any]:
    left: list[Any] = [own]
    for other in others:
        left = [part for one in left for part in (one.address_exclude(other) if _lies_within(other, one) else (one,))]
    return [one for one in left if not any(_lies_within(one, other) for other in others)]


def _lies_within(one: Any, other: Any) -> bool:
    return bool(one.version == other.version and one.subnet_of(other))


def parse_prefix(text: str) -> IPv4Network | IPv6Network:
    """A prefix or a single address as a network. Raises ValueError where host bits are set."""
    try:
        return ip_network(text)
    except ValueError as error:
        if "host bits set" not in str(error):
            raise
        raise ValueError(f"{error}; write {ip_network(text, strict=False)}") from None
