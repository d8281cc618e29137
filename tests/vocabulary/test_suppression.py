"""Which suppression covers an observation."""

import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.vocabulary.suppression import Seen, Suppression, Suppressions, within

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SEEN = Seen(1, "192.0.2.7", 5, ("scan@probe.research.example.net",), "connection/port_scan", (22, 40000))


def rule(number: int = 1, **parts: object) -> Suppression:
    return Suppression(number, f"rule {number}", "count_only", **parts)  # type: ignore[arg-type]


def covered(*rules: Suppression, seen: Seen = SEEN, at: datetime = NOW) -> int | None:
    found = Suppressions(rules).covering(seen, at)
    return found.id if found else None


@pytest.mark.parametrize(
    "parts",
    [
        {"prefix": ip_network("192.0.2.0/24")},
        {"prefix": ip_network("192.0.2.7/32")},
        {"service": 5},
        {"sender": "scan@probe.research.example.net"},
        {"sender": "research.example.net"},
        {"category": "connection/port_scan"},
        {"category": "connection/*"},
        {"port": 22},
        {"port": 40000},
        {"prefix": ip_network("192.0.2.0/24"), "service": 5, "sender": "example.net", "category": "connection/*"},
    ],
)
def test_what_it_names_must_fit(parts: dict[str, object]) -> None:
    assert covered(rule(**parts)) == 1


@pytest.mark.parametrize(
    "parts",
    [
        {"prefix": ip_network("198.51.100.0/24")},
        {"prefix": ip_network("2001:db8::/32")},
        {"service": 6},
        {"sender": "search.example.net"},
        {"sender": "other@probe.research.example.net"},
        {"category": "connection/ddos"},
        {"category": "messaging/*"},
        {"port": 23},
        {"prefix": ip_network("192.0.2.0/24"), "port": 23},
        {"brand": 2, "service": 5},
        {"service": 5, "until": NOW},
    ],
)
def test_where_one_part_does_not_fit_it_covers_nothing(parts: dict[str, object]) -> None:
    assert covered(rule(**parts)) is None


def test_it_holds_until_its_end_and_not_at_it() -> None:
    assert covered(rule(service=5, until=NOW + timedelta(seconds=1))) == 1
    assert covered(rule(service=5, until=NOW)) is None


def test_the_narrowest_counts() -> None:
    wide = rule(1, category="connection/*")
    longer = rule(2, prefix=ip_network("192.0.2.0/28"))
    both = rule(3, prefix=ip_network("192.0.2.0/24"), category="connection/*")
    assert covered(wide, longer, both) == 3
    assert covered(rule(1, prefix=ip_network("192.0.2.0/24")), longer) == 2
    assert covered(rule(1, service=5), rule(2, service=5)) == 1


def test_a_host_name_has_no_prefix() -> None:
    seen = SEEN._replace(ip=None)
    assert covered(rule(prefix=ip_network("192.0.2.0/24")), seen=seen) is None


def test_an_address_lies_within_all_domains_above_it() -> None:
    assert within("A@b.example.net") == ("a@b.example.net", "b.example.net", "example.net", "net")


@given(st.lists(st.sampled_from(["prefix", "service", "sender", "category", "port"]), unique=True, min_size=1))
def test_more_parts_never_cover_more(parts: list[str]) -> None:
    values = {
        "prefix": ip_network("192.0.2.0/24"),
        "service": 5,
        "sender": "example.net",
        "category": "connection/*",
        "port": 22,
    }
    one = rule(**{name: values[name] for name in parts})
    assert covered(one) == 1
    for name, other in (("ip", "198.51.100.1"), ("service", 9), ("senders", ()), ("category", "x/y"), ("ports", ())):
        changed = SEEN._replace(**{name: other})
        named = {"ip": "prefix", "senders": "sender", "ports": "port"}.get(name, name)
        assert (covered(one, seen=changed) is None) == (named in parts)


def test_ten_thousand_cost_no_more_than_ten() -> None:
    def seconds(count: int) -> float:
        rules = Suppressions(
            rule(number, prefix=ip_network(f"10.{number >> 8 & 255}.{number & 255}.0/24"), port=number)
            for number in range(count)
        )
        began = time.perf_counter()
        for _ in range(2000):
            rules.covering(SEEN, NOW)
        return time.perf_counter() - began

    few, many = min(seconds(10) for _ in range(3)), min(seconds(10_000) for _ in range(3))
    assert many < 5 * few
