"""Free: the provider's own space that no service holds. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_address
from typing import NamedTuple

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class Range(NamedTuple):
    """Addresses one after another that nobody holds, with how many events were told of them."""

    first: Address
    last: Address
    events: int = 0

    @property
    def size(self) -> int:
        """How many addresses."""
        return int(self.last) - int(self.first) + 1


def unassigned(own: Iterable[Network], held: Iterable[Network]) -> list[Range]:
    """The ranges of the own prefixes that no held prefix covers, in order, IPv4 first."""
    every, taken = list(own), list(held)
    return [gap for version in (4, 6) for gap in _of_version(every, taken, version)]


def with_events(ranges: Iterable[Range], told: Mapping[str, int]) -> list[Range]:
    """The ranges with the events told of addresses in them."""
    found = list(ranges)
    starts = [(one.first.version, int(one.first)) for one in found]
    for text, number in told.items():
        address = ip_address(text)
        at = bisect_right(starts, (address.version, int(address))) - 1
        if at >= 0 and found[at].first.version == address.version and int(address) <= int(found[at].last):
            found[at] = found[at]._replace(events=found[at].events + number)
    return found


def _of_version(own: list[Network], held: list[Network], version: int) -> Iterable[Range]:
    kind = IPv4Address if version == 4 else IPv6Address
    taken = _spans(held, version)
    for first, last in _spans(own, version):
        at = first
        for begins, ends in taken:
            if ends < at:
                continue
            if begins > last:
                break
            if begins > at:
                yield Range(kind(at), kind(begins - 1))
            at = max(at, ends + 1)
        if at <= last:
            yield Range(kind(at), kind(last))


def _spans(networks: list[Network], version: int) -> list[tuple[int, int]]:
    """First and last number of each network, in order, none inside another."""
    chosen = [one for one in networks if one.version == version]
    whole = collapse_addresses(chosen)  # type: ignore[type-var]
    return [(int(one.network_address), int(one.broadcast_address)) for one in whole]
