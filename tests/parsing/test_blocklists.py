"""Names asked, answers read, and when an entry is believed."""

import json
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk.listings.known import closed, known
from abusedesk.parsing.blocklists import (
    CLEAN,
    Blocklist,
    Code,
    Reading,
    Standing,
    accusing,
    document,
    meaning,
    not_answering,
    own_codes,
    question,
    read_answer,
    shown_only,
    step,
    sweep_words,
)
from abusedesk.parsing.read import read

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
WAIT = timedelta(minutes=30)
ZEN = known()["spamhaus-zen"]
LISTED = Reading("listed", ("127.0.0.2",), 60)


def test_an_ipv4_address_is_asked_backwards_by_octets() -> None:
    assert question("192.0.2.99", "bl.example.net") == "99.2.0.192.bl.example.net"


def test_an_ipv6_address_is_asked_backwards_by_nibbles() -> None:
    # The example of RFC 5782 section 2.4, in the documentation prefix.
    expected = "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example.net"
    assert question("2001:db8::567:89ab", "bl.example.net") == expected


def test_an_answer_lists_with_all_its_codes() -> None:
    reading = read_answer(["127.0.0.10", "127.0.0.4"], 300)
    assert reading == Reading("listed", ("127.0.0.4", "127.0.0.10"), 300)


@pytest.mark.parametrize(
    ("addresses", "why"),
    [
        (["127.255.255.252"], "misspelt"),
        (["127.255.255.254"], "public resolvers"),
        (["127.255.255.255"], "asked too much"),
        (["127.255.255.250"], "refuses"),
        (["127.0.0.1"], "refuses"),
        (["127.0.0.2", "127.255.255.255"], "asked too much"),
        (["198.51.100.7"], "no return code"),
        ([], "without an address"),
    ],
)
def test_error_codes_and_made_up_addresses_are_never_a_listing(addresses: list[str], why: str) -> None:
    reading = read_answer(addresses)
    assert reading.state == "none"
    assert why in reading.why


@given(st.lists(st.ip_addresses(v=4).map(str), max_size=5))
def test_only_return_codes_list(addresses: list[str]) -> None:
    reading = read_answer(addresses)
    good = [one for one in addresses if one.startswith("127.") and not one.startswith("127.255.255.")]
    assert (reading.state == "listed") == (bool(addresses) and good == addresses and "127.0.0.1" not in addresses)


def test_a_list_that_lists_its_test_entry_and_not_the_other_works() -> None:
    assert not_answering(LISTED, CLEAN) == ""


@pytest.mark.parametrize(
    ("listed", "unlisted", "why"),
    [
        (LISTED, LISTED, "probably everything"),
        (CLEAN, CLEAN, "does not list its test entry 127.0.0.2"),
        (Reading("none", why="no answer came in time"), CLEAN, "no answer came in time"),
        (LISTED, Reading("none", why="the name server failed"), "the name server failed"),
    ],
)
def test_any_other_list_is_not_answering_properly(listed: Reading, unlisted: Reading, why: str) -> None:
    assert why in not_answering(listed, unlisted)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("127.0.0.2", "address"),
        ("127.0.0.3", "address"),
        ("127.0.0.4", "address"),
        ("127.0.0.7", "address"),
        ("127.0.0.9", "range"),
        ("127.0.0.10", "policy"),
        ("127.0.0.11", "policy"),
        ("127.0.0.99", "unknown"),
    ],
)
def test_what_zens_codes_accuse(code: str, kind: str) -> None:
    assert meaning(ZEN.codes, code).accuses == kind


def test_a_policy_beside_an_accusation_is_told_apart() -> None:
    reading = Reading("listed", ("127.0.0.4", "127.0.0.10"))
    assert accusing(ZEN.codes, reading) == ("127.0.0.4",)
    assert shown_only(ZEN.codes, reading) == ("127.0.0.10",)


@pytest.mark.parametrize("name", ["uceprotect-2", "uceprotect-3"])
def test_lists_of_ranges_accuse_nobody(name: str) -> None:
    assert not accusing(known()[name].codes, LISTED)


def test_every_known_list_can_be_asked() -> None:
    for one in known().values():
        assert one.codes
        assert 1 <= one.per_second <= 20_000
        assert question("127.0.0.2", one.public_zone).endswith(one.zone.split(".")[-1])


def test_sorbs_is_known_to_be_closed() -> None:
    assert "closed" in closed("dnsbl.sorbs.net")
    assert not closed("notsorbs.net")


def test_own_codes_accuse_what_the_operator_says() -> None:
    codes = own_codes("127.0.0.2, 127.0.0.4-7")
    assert accusing(codes, Reading("listed", ("127.0.0.3", "127.0.0.6"))) == ("127.0.0.6",)


@pytest.mark.parametrize("text", ["2", "127.0.0.2-", "127.0.0.7-4", "127.255.255.254", "127.0.0.1", "192.0.2.1"])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        own_codes(text)


# --- standing -------------------------------------------------------------------------------------------------------


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def after(*readings: tuple[float, bool]) -> Standing | None:
    standing = None
    for minutes, listed in readings:
        standing = step(standing, listed=listed, at=later(minutes), wait=WAIT)
    return standing


def test_what_was_seen_once_is_not_believed() -> None:
    one = after((0, True))
    assert one == Standing(NOW, later(30))


def test_a_second_answer_too_soon_confirms_nothing() -> None:
    one = after((0, True), (5, True))
    assert one is not None
    assert (one.confirmed_at, one.again_at) == (None, later(30))


def test_a_second_answer_after_the_pause_confirms() -> None:
    one = after((0, True), (30, True))
    assert one is not None
    assert (one.seen_at, one.confirmed_at, one.again_at) == (NOW, later(30), None)


def test_what_the_second_answer_does_not_name_was_never_confirmed() -> None:
    one = after((0, True), (30, False))
    assert one is not None
    assert (one.confirmed_at, one.gone_at) == (None, later(30))


def test_what_is_missed_once_is_not_gone() -> None:
    one = after((0, True), (30, True), (60, False))
    assert one is not None
    assert (one.missing_since, one.again_at, one.gone_at) == (later(60), later(90), None)


def test_what_is_missed_twice_is_gone() -> None:
    one = after((0, True), (30, True), (60, False), (90, False))
    assert one is not None
    assert one.gone_at == later(90)


def test_what_comes_back_in_between_was_never_gone() -> None:
    one = after((0, True), (30, True), (60, False), (90, True))
    assert one is not None
    assert (one.missing_since, one.gone_at, one.again_at) == (None, None, None)


def test_what_was_gone_and_is_seen_again_begins_anew() -> None:
    assert after((0, True), (30, False), (60, True)) == Standing(later(60), later(90))


@given(st.lists(st.tuples(st.floats(0, 300), st.booleans()), max_size=12))
def test_nothing_is_ever_confirmed_by_answers_less_than_the_pause_apart(readings: list[tuple[float, bool]]) -> None:
    one = after(*sorted(readings))
    if one is not None and one.confirmed_at is not None:
        assert one.confirmed_at - one.seen_at >= WAIT
    if one is not None and one.gone_at is not None and one.confirmed_at is not None:
        assert one.missing_since is not None
        assert one.gone_at - one.missing_since >= WAIT


# --- words and documents --------------------------------------------------------------------------------------------


def test_a_sweep_says_how_long_it_takes() -> None:
    assert sweep_words(36_000, 10, timedelta(hours=24)) == "36,000 addresses at 10 a second take 60 min, every 24 h"


def test_a_sweep_of_nothing_says_what_it_waits_for() -> None:
    assert sweep_words(0, 10, timedelta(hours=24)).startswith("No service holds an address yet")


def test_a_sweep_that_cannot_be_done_in_time_says_so() -> None:
    said = sweep_words(1_000_000, 5, timedelta(hours=24))
    assert said == (
        "1,000,000 addresses at 5 a second take 56 h, longer than the 24 h between two sweeps: "
        "they follow one another without a pause"
    )


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::1"])
def test_an_entry_as_a_document_is_read_as_a_report_of_it(address: str) -> None:
    text = document(ZEN, "8f7d1c9e-0000-4000-8000-000000000001", address, NOW, "XBL: infected")
    reading = read(text)
    (event,) = reading.events
    assert (reading.outcome, reading.format, reading.reporter) == ("reported", "xarf", "spamhaus.org")
    assert (event.category, event.source, event.occurred_at) == ("reputation/blocklist", address, NOW)
    assert "XBL: infected" in event.evidence


def test_the_key_of_an_account_stands_in_no_document() -> None:
    dqs = known()["spamhaus-dqs"]
    assert dqs.needs_key
    assert json.loads(document(dqs, "1", "192.0.2.7", NOW, ""))["url"] == "dns:7.2.0.192.zen.dq.spamhaus.net?type=A"


def test_a_list_without_known_codes_accuses_nobody() -> None:
    own = Blocklist("x", "x", "x.example", "x.example", (Code("127.0.0.2", "policy", ""),))
    assert not accusing(own.codes, Reading("listed", ("127.0.0.2", str(IPv4Address("127.0.0.9")))))
    assert question(str(IPv6Address("2001:db8::1")), own.zone).startswith("1.0.0.0.")
