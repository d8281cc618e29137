"""The provider's own space that nobody holds."""

from ipaddress import IPv4Network, ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk.inventory.free import Range, unassigned, with_events


def gaps(own: list[str], held: list[str]) -> list[str]:
    found = unassigned(map(ip_network, own), map(ip_network, held))
    return [f"{one.first}-{one.last}" for one in found]


def test_all_of_it_is_free_where_nobody_holds_any() -> None:
    assert gaps(["192.0.2.0/24"], []) == ["192.0.2.0-192.0.2.255"]


def test_what_lies_around_the_held_is_free() -> None:
    found = gaps(["192.0.2.0/24"], ["192.0.2.0/28", "192.0.2.64/32"])
    assert found == ["192.0.2.16-192.0.2.63", "192.0.2.65-192.0.2.255"]


def test_what_is_held_whole_has_nothing_free() -> None:
    assert gaps(["192.0.2.0/24"], ["192.0.2.0/23"]) == []


def test_both_families_are_told() -> None:
    found = gaps(["2001:db8::/126", "192.0.2.0/30"], ["2001:db8::/127"])
    assert found == ["192.0.2.0-192.0.2.3", "2001:db8::2-2001:db8::3"]


def test_events_fall_into_their_range() -> None:
    found = with_events(
        unassigned([ip_network("192.0.2.0/29")], [ip_network("192.0.2.4/32")]),
        {"192.0.2.5": 3, "192.0.2.4": 9, "2001:db8::1": 1},
    )
    assert [one.events for one in found] == [0, 3]


NETS = st.lists(
    st.builds(lambda at, length: IPv4Network((0xC0000200 + at, length), strict=False), st.integers(0, 255),
              st.integers(24, 32)),
    max_size=5,
)  # fmt: skip


@given(NETS, NETS)
def test_an_address_is_free_or_held_or_not_ours(own: list[IPv4Network], held: list[IPv4Network]) -> None:
    found = unassigned(own, held)
    for last in range(256):
        address = ip_address(f"192.0.2.{last}")
        in_range = any(one.first <= address <= one.last for one in found)  # type: ignore[operator]
        assert in_range == (any(address in one for one in own) and not any(address in one for one in held))


def test_a_range_counts_its_addresses() -> None:
    assert Range(ip_address("192.0.2.1"), ip_address("192.0.2.10")).size == 10
