"""Which addresses are asked: every IPv4 address that is assigned, and of IPv6 what can be asked.

An assigned IPv6 network has more addresses than could ever be asked. Lists name /64 networks or single addresses, so of
each assigned /64 its first host is asked, which also finds an entry for the whole /64; single assigned addresses and
those that complaints named lately are asked themselves.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import accumulate, islice
from typing import NamedTuple

from django.db import connection

from abusedesk.records.holders import Holders

MOST_64S = 256
"""So many /64 networks of one assignment are asked, its first; a customer who uses more of a /48 is rare."""

LATELY = timedelta(days=30)

_NAMED = """
SELECT DISTINCT host(ip) FROM records_event
WHERE received_at >= %s AND service_id IS NOT NULL AND family(ip) = 6
"""


class Plan(NamedTuple):
    """What one sweep asks, in order: IPv4 as ranges of numbers, both ends included, then single IPv6 addresses."""

    ranges: tuple[tuple[int, int], ...]
    before: tuple[int, ...]
    """How many addresses lie before each range."""
    singles: tuple[int, ...]

    @property
    def total(self) -> int:
        """How many addresses that are."""
        return self.in_ranges + len(self.singles)

    @property
    def in_ranges(self) -> int:
        """How many of them are IPv4."""
        return self.before[-1] + _length(self.ranges[-1]) if self.ranges else 0

    def after(self, last: str, count: int) -> list[str]:
        """The next addresses after one (empty: from the first on)."""
        return list(islice(self._all_after(last), count))

    def left(self, last: str) -> int:
        """How many there are after an address."""
        if not last:
            return self.total
        ip, version = _number(last)
        if version == 6:
            return len(self.singles) - bisect_right(self.singles, ip)
        index = bisect_right(self.ranges, (ip, 1 << 32)) - 1
        done = 0
        if index >= 0:
            low, high = self.ranges[index]
            done = self.before[index] + min(ip, high) - low + 1
        return self.total - done

    def _all_after(self, last: str) -> Iterator[str]:
        ip, version = _number(last) if last else (-1, 4)
        if version == 4:
            start = max(bisect_right(self.ranges, (ip, 1 << 32)) - 1, 0)
            for low, high in islice(self.ranges, start, None):
                yield from (str(IPv4Address(one)) for one in range(max(low, ip + 1), high + 1))
            ip = -1
        yield from (str(IPv6Address(one)) for one in islice(self.singles, bisect_right(self.singles, ip), None))


_plans: dict[tuple[int, int | None, datetime, bool], Plan] = {}


def plan_for(table: Holders, brand: int | None, at: datetime, *, ipv6: bool) -> Plan:
    """What a sweep that began at an instant asks: the addresses that services of the brand, or of all, held then.

    Kept until somebody's holdings change, for it is asked for again every few seconds.
    """
    key = (table.version, brand, at, ipv6)
    if key not in _plans:
        for old in list(_plans)[: max(len(_plans) - 31, 0)]:
            _plans.pop(old, None)
        _plans[key] = _plan(table, brand, at, ipv6=ipv6)
    return _plans[key]


def _plan(table: Holders, brand: int | None, at: datetime, *, ipv6: bool) -> Plan:
    held = [
        one.prefix for one in table.assignments.held(at) if brand is None or table.brands.get(int(one.service)) == brand
    ]
    ranges = tuple(merged(one for one in held if isinstance(one, IPv4Network)))
    before = tuple(accumulate((_length(one) for one in ranges[:-1]), initial=0)) if ranges else ()
    sixes = [one for one in held if isinstance(one, IPv6Network)] if ipv6 else []
    singles = {number for network in sixes for number in hosts_of(network)}
    if sixes:
        singles |= {number for number in _named(at) if _is_held(table, brand, number, at)}
    return Plan(ranges, before, tuple(sorted(singles)))


def merged(networks: Iterable[IPv4Network]) -> Iterator[tuple[int, int]]:
    """The networks as ranges of numbers that neither overlap nor touch, in order."""
    low = high = -2
    for network in sorted(networks):
        first, last = int(network.network_address), int(network.broadcast_address)
        if first > high + 1:
            if high >= 0:
                yield low, high
            low, high = first, last
        high = max(high, last)
    if high >= 0:
        yield low, high


def hosts_of(network: IPv6Network) -> Iterator[int]:
    """The addresses of an IPv6 assignment that are asked."""
    base = int(network.network_address)
    if network.prefixlen == 128:
        yield base
    elif network.prefixlen >= 64:
        yield base + 1
    else:
        many = min(1 << (64 - network.prefixlen), MOST_64S)
        yield from (base + (index << 64) + 1 for index in range(many))


def _named(at: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, [at - LATELY])
        return [int(IPv6Address(text)) for (text,) in cursor.fetchall()]


def _is_held(table: Holders, brand: int | None, number: int, at: datetime) -> bool:
    held = table.assignments.holder(IPv6Address(number), at)
    return held is not None and (brand is None or table.brands.get(int(held.service)) == brand)


def _number(address: str) -> tuple[int, int]:
    ip: IPv4Address | IPv6Address = IPv6Address(address) if ":" in address else IPv4Address(address)
    return int(ip), ip.version


def _length(one: tuple[int, int]) -> int:
    return one[1] - one[0] + 1
