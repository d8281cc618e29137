"""Received chains: who handed a mail to the network that reports it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.parsing.received import entry, fields_of, hop

GATE = "from out.isp.example.net (out.isp.example.net [203.0.113.9]) by mx.example.org; Mon, 2 Mar 2026 11:00:00 +0000"


def test_the_address_is_the_one_that_the_receiver_saw() -> None:
    found = hop(GATE)
    assert (found.address, found.name, found.by) == ("203.0.113.9", "out.isp.example.net", "mx.example.org")
    assert hop("from [192.0.2.7] (helo=203.0.113.1) ([203.0.113.9]) by mx.example.org").address == "203.0.113.9"


def test_relays_of_ones_own_are_looked_through() -> None:
    inner = "from mx.example.org (mx.example.org [198.51.100.2]) by store.example.org"
    found = entry([inner, GATE])
    assert found is not None
    assert found.address == "203.0.113.9"


def test_the_fields_of_a_mail_are_unfolded_and_the_newest_comes_first() -> None:
    mail = b"Received: one\r\n\tby two\r\nSubject: Received: no\r\nRECEIVED: three\r\n\r\nReceived: four\r\n"
    assert fields_of(mail) == ["one by two", "three"]
    assert fields_of(mail, 1) == ["one by two"]


@pytest.mark.parametrize("value", ["", "by mx.example.org", "from", "from ([) by"])
def test_a_field_without_an_address_has_none(value: str) -> None:
    assert hop(value).address is None


@given(st.binary(max_size=300))
def test_no_header_breaks_the_reader(noise: bytes) -> None:
    for value in fields_of(b"Received: " + noise):
        hop(value)
    entry(fields_of(b"Received: " + noise))
