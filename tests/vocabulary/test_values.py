"""Amounts, durations, instants and the order of assurance."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.vocabulary.assurance import ASSURANCES, higher, reaches
from abusedesk.vocabulary.category import CATEGORIES, EXTENSION_PAIRS, XARF_PAIRS, matches
from abusedesk.vocabulary.duration import format_duration, parse_duration
from abusedesk.vocabulary.instant import format_instant, parse_instant
from abusedesk.vocabulary.money import format_amount, parse_amount


@given(st.integers(-(10**12), 10**12))
def test_an_amount_written_is_the_amount_read(minor: int) -> None:
    assert parse_amount(format_amount(minor)) == minor


@pytest.mark.parametrize(("text", "minor"), [("20", 2000), ("20.5", 2050), ("0.01", 1), ("-3.00", -300)])
def test_amounts(text: str, minor: int) -> None:
    assert parse_amount(text) == minor


@pytest.mark.parametrize("text", ["", "1e3", "20,00", "1.234", "USD 5", "."])
def test_what_is_no_amount_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is no amount"):
        parse_amount(text)


@given(st.integers(0, 10**8))
def test_a_duration_written_is_the_duration_read(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert parse_duration(format_duration(length)) == length


@pytest.mark.parametrize("text", ["", "P", "PT", "6H", "P1M", "P1Y", "PT1.5H", "-PT1H"])
def test_what_is_no_fixed_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["P99999999999D", "PT99999999999999999999H"])
def test_a_duration_that_ends_after_all_calendars_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write P36500D for a hundred years"):
        parse_duration(text)


def test_an_instant_is_utc_whatever_zone_it_was_written_in() -> None:
    assert format_instant(parse_instant("2026-02-02T12:00:00+02:00")) == "2026-02-02T10:00:00Z"
    moment = datetime(2026, 2, 2, 12, tzinfo=timezone(timedelta(hours=2)))
    assert parse_instant(format_instant(moment)) == moment.astimezone(UTC)


def test_an_instant_without_zone_is_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match="write for example 2026-02-02T12:00:00Z"):
        parse_instant("2026-02-02T12:00:00")


def test_assurance_is_ordered() -> None:
    assert all(reaches(one, ASSURANCES[0]) for one in ASSURANCES)
    assert not reaches("authenticated", "corroborated")
    assert higher("unverified", "verified") == "verified"


def test_there_are_the_32_pairs_of_xarf_and_seven_more() -> None:
    assert (len(XARF_PAIRS), len(EXTENSION_PAIRS), len(CATEGORIES)) == (32, 7, 39)
    assert matches("connection/ddos", "connection/*")
    assert not matches("content/fraud", "connection/*")
