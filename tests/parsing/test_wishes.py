"""What a customer's mail seems to ask for: plain words are recognised, everything else is left to the person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.parsing.wishes import Wish, wish_of


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        (
            "Hello, please open port 25 on 192.0.2.5. We send from shop.example.net, DKIM selector: s2024.",
            Wish("open_mail_port", "192.0.2.5", "", "shop.example.net", "s2024"),
        ),
        ("请为服务器开放25端口，域名 shop.example.net", Wish("open_mail_port", "", "", "shop.example.net", "")),
        ("Could you unblock 2001:db8:1::25 please", Wish("unblock", "2001:db8:1::25")),
        (
            "We need a new IP for 192.0.2.7, the previous owner ruined it.",
            Wish("replace_ip", "192.0.2.7", "third_party"),
        ),
        ("Please reactivate my server, all is paid.", Wish("restore")),
        ("付款已完成，请恢复服务", Wish("restore")),
        ("Bitte den Server wiederherstellen.", Wish("restore")),
        ("We cleaned the server and changed all passwords.", Wish()),
        ("", Wish()),
    ],
)
def test_what_is_said_plainly_is_suggested(text: str, wish: Wish) -> None:
    assert wish_of(text) == wish


@given(st.text(max_size=200))
def test_whatever_is_written_yields_a_wish(text: str) -> None:
    assert wish_of(text).kind in {"", "open_mail_port", "unblock", "replace_ip", "restore"}
