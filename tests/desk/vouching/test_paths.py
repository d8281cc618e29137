"""SPF: what our own door saw or a trusted server wrote, for the sender's own domain alone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk.vouching import ask
from abusedesk.desk.vouching.paths import Path, seen_at_our_door, told_by_a_trusted_server
from tests.desk.vouching.nameserver import name_server, text_record

MANY = "v=spf1 " + " ".join(f"include:s{one}.many.example" for one in range(15)) + " -all"
ZONE = {
    ("isp.example", "TXT"): ['"v=spf1 include:_spf.isp.example mx -all"'],
    ("_spf.isp.example", "TXT"): ['"v=spf1 ip4:192.0.2.0/28 ip6:2001:db8:7::/48 ~all"'],
    ("isp.example", "MX"): ["10 mx.isp.example."],
    ("mx.isp.example", "A"): ["198.51.100.9"],
    ("many.example", "TXT"): [text_record(MANY)],
    **{(f"s{one}.many.example", "TXT"): ['"v=spf1 -all"'] for one in range(15)},
    ("broken.example", "TXT"): ['"v=spf1 ip4:nonsense -all"'],
}


def door(peer: str, envelope_from: str | None = "fbl@isp.example", sender: str = "isp.example") -> Path:
    with name_server(ZONE):
        return seen_at_our_door({"peer": peer, "helo": "mx.isp.example"}, envelope_from, sender)


@pytest.mark.parametrize(
    ("peer", "result"),
    [
        ("192.0.2.5", "pass"),
        ("2001:db8:7::1", "pass"),
        ("198.51.100.9", "pass"),
        ("203.0.113.5", "fail"),
    ],
)
def test_a_record_is_evaluated_with_all_that_it_includes(peer: str, result: str) -> None:
    assert door(peer) == Path(result, "isp.example", "the desk")


def test_only_the_senders_own_domain_is_looked_at() -> None:
    assert door("192.0.2.5", "bounce@mail.isp.example").domain == "mail.isp.example"
    for envelope in ("fbl@forger.example", "", None):
        assert door("192.0.2.5", envelope) == Path()
    assert door("") == Path()


def test_a_record_that_asks_too_much_is_an_error_and_asks_no_more() -> None:
    with name_server(ZONE) as server:
        found = seen_at_our_door({"peer": "192.0.2.5"}, "a@many.example", "many.example")
        assert found.result == "permerror"
        assert len(server.asked) <= 12


def test_a_broken_record_is_an_error() -> None:
    with name_server(ZONE):
        assert seen_at_our_door({"peer": "192.0.2.5"}, "a@broken.example", "broken.example").result == "permerror"


def test_a_silent_server_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "LIFETIME_S", 0.3)
    with name_server(ZONE) as server:
        server.silent = True
        began = time.monotonic()
        assert seen_at_our_door({"peer": "192.0.2.5"}, "a@isp.example", "isp.example").result == "temperror"
        assert time.monotonic() - began < 3


@given(st.text(max_size=60))
def test_no_envelope_breaks_the_evaluation(local: str) -> None:
    seen_at_our_door({"peer": "192.0.2.5", "helo": local}, f"{local}@", "isp.example")


# --- a trusted server's word ----------------------------------------------------------------------------------------

TOLD = (
    b"Authentication-Results: mx.forger.example; spf=pass smtp.mailfrom=fbl@isp.example\r\n"
    b"Authentication-Results: mx.example.net;\r\n dkim=none;\r\n spf=softfail smtp.mailfrom=fbl@isp.example\r\n"
    b"From: fbl@isp.example\r\n\r\nAuthentication-Results: mx.example.net; spf=pass smtp.mailfrom=fbl@isp.example\r\n"
)


def test_the_word_of_a_trusted_server_is_taken_and_nobody_elses() -> None:
    assert told_by_a_trusted_server(TOLD, "isp.example", ["mx.example.net"]) == Path(
        "softfail", "isp.example", "mx.example.net"
    )
    assert told_by_a_trusted_server(TOLD, "isp.example", ["mx.example.org"]) == Path()
    assert told_by_a_trusted_server(TOLD, "isp.example", []) == Path()


def test_a_result_for_another_domain_is_none_for_this() -> None:
    assert told_by_a_trusted_server(TOLD, "other.example", ["mx.example.net"]) == Path()
