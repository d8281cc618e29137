"""What is passed on to a customer lures nobody and names nobody who reports."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.vocabulary.passing_on import defanged, without_identities

NAMES = ["CERT Example", "cert.example", "Jo Roe", "noc"]
ADDRESSES = st.from_regex(r"[a-z0-9._+-]{1,20}@[a-z]{1,10}(\.[a-z]{2,8}){1,3}", fullmatch=True)


def hidden(text: str, *own: str) -> str:
    return without_identities(text, NAMES, own, "[hidden]")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (
            "see https://shop.example.com/login.php?to=www.example.net now",
            "see hxxps://shop[.]example[.]com/login[.]php?to=www[.]example[.]net now",
        ),
        ("http://192.0.2.1:8080/x", "hxxp://192[.]0[.]2[.]1:8080/x"),
        ("HTTP://EXAMPLE.COM", "hxxp://EXAMPLE[.]COM"),
        ("ftp://files.example.org", "fxp://files[.]example[.]org"),
        ("phishing on www.example.org.", "phishing on www[.]example[.]org."),
        ("from 192.0.2.1 at 10:30, version 4.2.0", "from 192.0.2.1 at 10:30, version 4.2.0"),
        ("hxxp://shop[.]example[.]com", "hxxp://shop[.]example[.]com"),
        ("nothing here", "nothing here"),
    ],
)
def test_no_mail_program_makes_a_link(text: str, meant: str) -> None:
    assert defanged(text) == meant


@given(st.text(max_size=300))
def test_defanged_again_is_the_same_and_no_scheme_is_left(text: str) -> None:
    once = defanged(text)
    assert defanged(once) == once
    assert not re.search(r"(?i)\bhttps?://", once)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("spam to trap-77@traps.example.net!", "spam to [hidden]!"),
        ("Message-ID: <a.b$c@mx.example.net> of today", "Message-ID: [hidden] of today"),
        ("https://x.example.org/u?e=trap%40traps.example.net", "https://x.example.org/u?e=[hidden]"),
        ("[CERT Example] attack, see sensor.cert.example", "[[hidden]] attack, see [hidden]"),
        ("cert example says: concert.example is fine", "[hidden] says: concert.example is fine"),
        ("the noc of JO ROE", "the noc of [hidden]"),
    ],
)
def test_who_reports_and_where_the_traps_are_is_hidden(text: str, meant: str) -> None:
    assert hidden(text) == meant


def test_the_customers_own_addresses_stay() -> None:
    assert hidden("from info@shop.example.com to trap@example.net", "shop.example.com") == (
        "from info@shop.example.com to [hidden]"
    )


@given(st.lists(ADDRESSES, min_size=1, max_size=5), st.sampled_from([" ", ", ", "; ", "\n", "> <"]))
def test_no_address_is_left(addresses: list[str], between: str) -> None:
    assert "@" not in hidden(f"to {between.join(addresses)} .")


def test_hostile_text_takes_no_time() -> None:
    for text in ("a." * 250, "@" * 500, "<" * 500, "http://" + "a-" * 240, "a@" * 250):
        defanged(hidden(text))
