"""Who held an address at an instant: the in-memory prefix table with validity intervals."""

from collections.abc import Iterable
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple


class Assignment(NamedTuple):
    """A prefix held by a service from `since` (inclusive) until `until` (exclusive; None: still)."""

    prefix: IPv4Network | IPv6Network
    service: str
    since: datetime
    until: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Whether it was held at an instant."""
        return self.since <= at and (self.until is None or at < self.until)


class AssignmentTable:
    """The longest prefix that was assigned at the time holds the address; of equals the latest.

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

    def holder(self, address: str | IPv4Address | IPv6Address, at: datetime) -> Assignment | None:
        """The assignment that held an address at an instant, or None. Raises ValueError for what is no address."""
        ip = ip_address(address) if isinstance(address, str) else address
        number = int(ip)
        for shift, prefixes in self._order[ip.version]:
            for assignment in prefixes.get(number >> shift, ()):
                if assignment.covers(at):
                    return assignment
        return None

    def history(self, address: str | IPv4Address | IPv6Address) -> list[Assignment]:
        """Every assignment that ever covered an address, longest prefix first, then latest first."""
        ip = ip_address(address) if isinstance(address, str) else address
        number = int(ip)
        return [one for shift, prefixes in self._order[ip.version] for one in prefixes.get(number >> shift, ())]

    def tenure(self, address: str | IPv4Address | IPv6Address) -> list[tuple[datetime, str | None]]:
        """From when on which service held an address, in order of time; None where none did."""
        covering = self.history(address)
        changes = sorted({at for one in covering for at in (one.since, one.until) if at is not None})
        return [(at, next((one.service for one in covering if one.covers(at)), None)) for at in changes]


def parse_prefix(text: str) -> IPv4Network | IPv6Network:
    """A prefix or a single address as a network. Raises ValueError where host bits are set."""
    return ip_network(text)
