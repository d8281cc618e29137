"""The DNS: answers are kept, absence is kept shorter, and a silent domain is not asked again and again."""

import pytest

from abusedesk.desk.vouching import ask
from abusedesk.desk.vouching.ask import DNS, Silence, text
from tests.desk.vouching.nameserver import name_server

ZONE = {("isp.example", "TXT"): ['"v=spf1 " "-all"']}


def test_the_strings_of_a_record_are_one_text() -> None:
    with name_server(ZONE):
        assert text("ISP.example.") == b"v=spf1 -all"


def test_an_answer_and_an_absence_are_asked_for_once() -> None:
    with name_server(ZONE) as server:
        for _ in range(3):
            text("isp.example")
            assert text("nobody.example") is None
        assert sorted(server.asked) == [("isp.example", "TXT"), ("nobody.example", "TXT")]


def test_a_silent_domain_is_left_in_peace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "LIFETIME_S", 0.3)
    with name_server(ZONE) as server:
        server.silent = True
        for selector in ("s1", "s2", "s3"):
            with pytest.raises(Silence):
                DNS.ask(f"{selector}._domainkey.slow.example", "TXT")
        assert {name for name, _ in server.asked} == {"s1._domainkey.slow.example"}


def test_what_is_no_name_is_nothing_known() -> None:
    with name_server(ZONE) as server:
        assert text("a" * 70 + ".example") is None
        assert text("..") is None
        assert server.asked == []
