"""Attribute: who held the source at the time of the event."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from abusedesk.desk.attribute import address_of, attribute, doubt_about_time
from abusedesk.records.holders import Holders, NameHeld
from abusedesk.vocabulary.holding import Assignment, AssignmentTable
from abusedesk.vocabulary.report import Event

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LONG_AGO = NOW - 200 * DAY
CHANGED = NOW - 3 * DAY

OLD, NEW, RESELLER, SIX = 1, 2, 3, 4
HELD = Holders(
    1,
    AssignmentTable(
        [
            Assignment(ip_network("192.0.2.7/32"), str(OLD), LONG_AGO, CHANGED),
            Assignment(ip_network("192.0.2.7/32"), str(NEW), CHANGED),
            Assignment(ip_network("192.0.2.0/24"), str(RESELLER), LONG_AGO),
            Assignment(ip_network("2001:db8:1::/64"), str(SIX), LONG_AGO),
        ]
    ),
    {"shop.example.net": [NameHeld(OLD, LONG_AGO, CHANGED), NameHeld(NEW, CHANGED, None)]},
    {OLD: 10, NEW: 10, RESELLER: 10, SIX: 20},
)


def holder(source: str, at: datetime | None, brand: int | None = None) -> int | None:
    [placed] = attribute([Event("messaging/spam", source, occurred_at=at)], NOW, brand, HELD)
    return placed.service


@pytest.mark.parametrize(
    ("source", "at", "service"),
    [
        ("192.0.2.7", NOW, NEW),
        ("192.0.2.7", CHANGED, NEW),
        ("192.0.2.7", CHANGED - timedelta(microseconds=1), OLD),
        ("192.0.2.7", LONG_AGO - DAY, None),
        ("192.0.2.8", NOW, RESELLER),
        ("198.51.100.1", NOW, None),
        ("2001:db8:1::42", NOW, SIX),
        ("2001:DB8:1:0:0:0:0:42", NOW, SIX),
        ("[2001:db8:1::42]", NOW, SIX),
        ("2001:db8:2::42", NOW, None),
        ("shop.example.net", NOW, NEW),
        ("WWW.Shop.Example.NET", CHANGED - DAY, OLD),
        ("example.net", NOW, None),
        ("bookshop.example.net", NOW, None),
    ],
)
def test_it_goes_to_who_held_the_source_then(source: str, at: datetime, service: int | None) -> None:
    assert holder(source, at) == service


def test_an_event_without_a_time_goes_to_who_held_it_at_receipt() -> None:
    assert holder("192.0.2.7", None) == NEW


def test_a_time_in_the_future_counts_as_the_time_of_receipt() -> None:
    [placed] = attribute([Event("messaging/spam", "192.0.2.7", occurred_at=NOW + DAY)], NOW, None, HELD)
    assert (placed.service, placed.at) == (NEW, NOW)


def test_a_service_of_another_brand_is_nobody() -> None:
    assert holder("2001:db8:1::42", NOW, brand=20) == SIX
    assert holder("2001:db8:1::42", NOW, brand=10) is None


def test_an_address_is_written_one_way() -> None:
    assert address_of("2001:0DB8::0001") == "2001:db8::1"
    assert address_of("shop.example.net") is None


@pytest.mark.parametrize(
    ("at", "doubt"),
    [
        (None, "names no time"),
        (NOW + timedelta(hours=1), ""),
        (NOW + timedelta(hours=1, seconds=1), "an hour ahead"),
        (NOW - 30 * DAY, ""),
        (NOW - 30 * DAY - timedelta(seconds=1), "30 days back"),
    ],
)
def test_a_time_is_doubted_beyond_its_limits(at: datetime | None, doubt: str) -> None:
    said = doubt_about_time(Event("messaging/spam", "192.0.2.7", occurred_at=at), NOW)
    assert doubt in said
    assert bool(said) == bool(doubt)
