"""Who held an address at an instant."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.vocabulary.holding import (
    PORTS,
    SHARED,
    Assignment,
    AssignmentTable,
    parse_ports,
    ports_in_words,
    without,
)

START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def held(prefix: str, service: str, since: int, until: int | None = None) -> Assignment:
    return Assignment(ip_network(prefix), service, day(since), None if until is None else day(until))


def holder(table: AssignmentTable, address: str, at: int) -> str | None:
    found = table.holder(address, day(at))
    return found.service if found else None


def test_since_is_inclusive_and_until_exclusive() -> None:
    table = AssignmentTable([held("192.0.2.1/32", "s1", 1, 5)])
    assert [holder(table, "192.0.2.1", at) for at in (0, 1, 4, 5)] == [None, "s1", "s1", None]


def test_an_address_goes_to_whoever_held_it_then() -> None:
    table = AssignmentTable([held("192.0.2.1/32", "old", 0, 5), held("192.0.2.1/32", "new", 5)])
    assert [holder(table, "192.0.2.1", at) for at in (4, 5)] == ["old", "new"]


def test_the_longest_prefix_wins_and_its_gaps_fall_to_the_shorter() -> None:
    table = AssignmentTable([held("192.0.2.0/24", "reseller", 0), held("192.0.2.8/29", "customer", 2, 4)])
    assert [holder(table, "192.0.2.9", at) for at in (1, 2, 4)] == ["reseller", "customer", "reseller"]


def test_of_equal_prefixes_the_latest_wins() -> None:
    table = AssignmentTable([held("192.0.2.1/32", "later", 3), held("192.0.2.1/32", "earlier", 0)])
    assert holder(table, "192.0.2.1", 4) == "later"


def test_versions_of_ip_do_not_meet() -> None:
    table = AssignmentTable([held("::/0", "six", 0)])
    assert holder(table, "192.0.2.1", 1) is None
    assert holder(table, "2001:db8::1", 1) == "six"


def test_history_lists_longest_first_then_latest() -> None:
    table = AssignmentTable(
        [held("192.0.2.0/24", "a", 0), held("192.0.2.1/32", "b", 0, 2), held("192.0.2.1/32", "c", 2)]
    )
    assert [one.service for one in table.history("192.0.2.1")] == ["c", "b", "a"]


assignments = st.builds(
    lambda host, length, service, since, days: Assignment(
        ip_network((int(ip_address("192.0.2.0")) + host, length), strict=False),
        f"s{service}",
        day(since),
        None if days is None else day(since + days),
    ),
    st.integers(0, 255),
    st.integers(20, 32),
    st.integers(0, 5),
    st.integers(0, 20),
    st.none() | st.integers(1, 10),
)


@given(st.lists(assignments, max_size=25), st.integers(0, 255), st.integers(0, 30))
def test_agrees_with_a_plain_search(rows: list[Assignment], host: int, at: int) -> None:
    address = ip_address(int(ip_address("192.0.2.0")) + host)
    candidates = [row for row in rows if address in row.prefix and row.covers(day(at))]
    best = max(candidates, key=lambda row: (row.prefix.prefixlen, row.since), default=None)
    found = AssignmentTable(rows).holder(address, day(at))
    assert (found is None) == (best is None)
    if found and best:
        assert (found.prefix.prefixlen, found.since) == (best.prefix.prefixlen, best.since)


def sharing(prefix: str, service: str, since: int, low: int, high: int) -> Assignment:
    return held(prefix, service, since)._replace(ports=(low, high))


NAT = AssignmentTable(
    [
        held("192.0.2.0/24", "gateway", 0),
        sharing("192.0.2.8/32", "a", 1, 1024, 2048),
        sharing("192.0.2.8/32", "b", 1, 2048, 4096),
    ]
)


def test_a_shared_address_goes_to_whoever_held_the_port() -> None:
    found = [NAT.holder("192.0.2.8", day(2), port) for port in (1024, 2047, 2048, 4095, 4096)]
    assert [one.service if one else None for one in found] == ["a", "a", "b", "b", "gateway"]


def test_without_a_port_nobody_holds_a_shared_address() -> None:
    assert NAT.holder("192.0.2.8", day(2)) is None
    assert NAT.holder("192.0.2.8", day(0)) is not None
    assert [one.service for one in NAT.sharers("192.0.2.8", day(2))] == ["a", "b"]
    assert NAT.sharers("192.0.2.9", day(2)) == []


def test_over_time_a_shared_address_is_no_single_services() -> None:
    assert NAT.tenure("192.0.2.8") == [(day(0), "gateway"), (day(1), SHARED)]


@pytest.mark.parametrize(
    ("text", "ports"),
    [("", None), ("0-65535", None), ("53", (53, 54)), ("1024-2047", (1024, 2048)), ("65535", (65535, 65536))],
)
def test_ports_are_read(text: str, ports: tuple[int, int] | None) -> None:
    assert parse_ports(text) == ports


@pytest.mark.parametrize("text", ["http", "1-", "-1", "5-4", "65536", "1-2-3", "١"])
def test_what_are_no_ports_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="are no source ports"):
        parse_ports(text)


@given(st.integers(0, 65535), st.integers(0, 65535))
def test_ports_are_written_as_they_are_read(one: int, other: int) -> None:
    ports = (min(one, other), max(one, other) + 1)
    assert parse_ports(ports_in_words(ports)) == (None if ports == (0, PORTS) else ports)


shared = st.builds(
    lambda host, length, service, times, ports: Assignment(
        ip_network((int(ip_address("192.0.2.0")) + host, length), strict=False),
        f"s{service}",
        day(min(times)),
        day(max(times) + 1),
        ports,
    ),
    st.integers(0, 7),
    st.integers(29, 32),
    st.integers(0, 5),
    st.tuples(st.integers(0, 10), st.integers(0, 10)),
    st.none() | st.tuples(st.integers(0, 4), st.integers(5, 9)),
)


@given(st.lists(shared, max_size=25), st.integers(0, 7), st.integers(0, 12), st.none() | st.integers(0, 9))
def test_it_never_names_who_did_not_hold_address_and_port_then(
    rows: list[Assignment], host: int, at: int, port: int | None
) -> None:
    address = ip_address(int(ip_address("192.0.2.0")) + host)
    found = AssignmentTable(rows).holder(address, day(at), port)
    if found is None:
        return
    assert address in found.prefix
    assert found.covers(day(at))
    assert found.ports is None or (port is not None and found.ports[0] <= port < found.ports[1])


nested = st.lists(
    st.integers(24, 32).flatmap(
        lambda length: st.integers(0, 2 ** (length - 24) - 1).map(
            lambda number: ip_network((0xC0000200 + (number << (32 - length)), length))
        )
    ),
    max_size=4,
)


@given(nested, nested)
def test_without_keeps_what_the_longest_prefix_gives_and_nothing_twice(ours: list[Any], theirs: list[Any]) -> None:
    theirs = [one for one in theirs if one not in ours]
    table = AssignmentTable(
        [Assignment(one, "own", START) for one in ours]
        + [Assignment(one, "other", START) for one in theirs if any(one.subnet_of(own) for own in ours)]
    )
    kept = without(ours, theirs)
    addresses = [address for one in kept for address in one]
    assert len(addresses) == len(set(addresses))
    kept_ones = set(addresses)
    for address in ip_network("192.0.2.0/24"):
        found = table.holder(address, START)
        assert (address in kept_ones) == (found is not None and found.service == "own")
