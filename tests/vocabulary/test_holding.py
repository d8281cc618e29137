"""Who held an address at an instant."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from abusedesk.vocabulary.holding import Assignment, AssignmentTable

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
