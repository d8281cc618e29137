"""DKIM and ARC: whose signature holds, what it covers, and that nobody is asked for the sake of a forged one."""

from typing import Any

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk.vouching import mailkeys
from abusedesk.desk.vouching.mailkeys import Author, Forwarded, Keys, domain_of, forwarded_by, signed_by, within
from tests import signing
from tests.desk.estate import complaint, signed_complaint
from tests.desk.vouching.nameserver import name_server, text_record
from tests.signing import PAIR, signed

AUTHOR = Author("isp.example.net", ("isp.example.net",))
PINNED = {
    f"s1._domainkey.{domain}": PAIR.record
    for domain in ("isp.example.net", "mail.isp.example.net", "example.net", "forger.example")
}
KEYS = Keys(PINNED, dns=False)


def same(_mail: bytes) -> bool:
    return True


def other(_mail: bytes) -> bool:
    return False


# --- names ----------------------------------------------------------------------------------------------------------


def test_a_domain_lies_within_itself_and_within_those_above_it() -> None:
    assert within("a.example.net", ["example.net"])
    assert within("example.net", ["example.net"])
    assert not within("badexample.net", ["example.net"])
    assert not within("example.net", ["a.example.net", ""])


def test_the_domain_of_an_address_is_what_follows_its_last_at() -> None:
    assert domain_of('"fbl@isp.example.net"@Forger.Example') == "forger.example"


# --- DKIM -----------------------------------------------------------------------------------------------------------


def test_a_signature_of_the_senders_domain_vouches() -> None:
    found = signed_by(signed_complaint("isp.example.net"), AUTHOR, KEYS, other)
    assert found.domain == "isp.example.net"
    assert [(one.selector, one.result) for one in found.tried] == [("s1", "holds")]


def test_a_mail_without_a_signature_has_nobody_who_vouches() -> None:
    assert signed_by(complaint(), AUTHOR, KEYS, same) == ("", ())


def test_a_body_that_was_changed_breaks_the_signature() -> None:
    mail = signed_complaint("isp.example.net").replace(b"192.0.2.1", b"192.0.2.9")
    found = signed_by(mail, AUTHOR, KEYS, same)
    assert found.domain == ""
    assert found.tried[0].result == "does not hold"


def test_a_signature_of_somebody_else_is_not_even_tried() -> None:
    mail = signed(complaint(sender="fbl@isp.example.net"), "forger.example")
    assert signed_by(mail, AUTHOR, KEYS, same) == ("", ())


def test_a_valid_signature_beside_broken_ones_of_others_is_found() -> None:
    mail = signed_complaint("isp.example.net")
    foreign = signed(complaint(note="2"), "forger.example").partition(b"From:")[0]
    assert signed_by(foreign * 40 + mail, AUTHOR, KEYS, same).domain == "isp.example.net"


def test_no_more_signatures_are_tried_than_a_few() -> None:
    broken = signed(complaint(note="2"), "isp.example.net").partition(b"From:")[0]
    found = signed_by(broken * 40 + complaint(), AUTHOR, KEYS, same)
    assert (found.domain, len(found.tried)) == ("", mailkeys.SIGNATURES)


def _sign(
    mail: bytes, covering: tuple[bytes, ...] = (b"from", b"subject", b"date", b"content-type"), **how: Any
) -> bytes:
    signature: bytes = dkim.sign(mail, b"s1", b"isp.example.net", PAIR.private, include_headers=list(covering), **how)
    return signature + mail


def test_a_signature_that_lets_anybody_append_does_not_count() -> None:
    mail = _sign(complaint(), length=True)
    assert dkim.verify(mail + b"appended\r\n", dnsfunc=lambda *_, **__: PAIR.record.encode())
    assert signed_by(mail, AUTHOR, KEYS, same).tried[0].result == "lets anybody append to the body"


def test_a_sha_1_signature_does_not_count() -> None:
    mail = _sign(complaint(), signature_algorithm=b"rsa-sha1")
    assert signed_by(mail, AUTHOR, KEYS, same).tried[0].result == "is made with SHA-1"


def test_a_signature_counts_where_the_mail_says_the_same_without_what_it_does_not_cover() -> None:
    mail = _sign(complaint(), (b"from", b"date"))
    assert signed_by(mail, AUTHOR, KEYS, same).domain == "isp.example.net"
    assert signed_by(mail, AUTHOR, KEYS, other).tried[0].result == "does not cover what the report says"


def test_a_subject_put_in_front_of_the_signed_one_is_not_covered() -> None:
    mail = b"Subject: forged\r\n" + signed_complaint("isp.example.net")
    read: list[bytes] = []

    def look(reduced: bytes) -> bool:
        read.append(reduced)
        return False

    assert signed_by(mail, AUTHOR, KEYS, look).domain == ""
    assert b"forged" not in read[0]


def test_another_form_given_to_a_signed_body_is_not_covered() -> None:
    mail = _sign(complaint(), (b"from", b"subject", b"date", b"to", b"mime-version"))
    assert signed_by(mail, AUTHOR, KEYS, same).domain == "isp.example.net"
    forged = mail.replace(b'boundary="part"', b'boundary="inner"')
    assert signed_by(forged, AUTHOR, KEYS, same).tried[0].result == "does not cover what the report says"


def test_a_key_comes_from_the_dns_only_where_it_may_be_asked() -> None:
    zone = {("s1._domainkey.isp.example.net", "TXT"): [text_record(PAIR.record)]}
    mail = signed_complaint("isp.example.net")
    with name_server(zone) as server:
        found = signed_by(mail, AUTHOR, Keys({}, dns=False), same)
        assert (found.tried[0].result, server.asked) == ("has no key that could be found", [])
        assert signed_by(mail, AUTHOR, Keys({}, dns=True), same).domain == "isp.example.net"
        assert server.asked == [("s1._domainkey.isp.example.net", "TXT")]


def test_nobodys_servers_are_asked_for_a_signature_that_could_not_count() -> None:
    mail = signed(complaint(sender="fbl@isp.example.net"), "forger.example")
    with name_server({}) as server:
        assert signed_by(mail, AUTHOR, Keys({}, dns=True), same).domain == ""
        assert server.asked == []


@given(st.binary(max_size=400))
def test_no_signature_header_breaks_the_reader(noise: bytes) -> None:
    mail = b"DKIM-Signature: d=isp.example.net; " + noise + b"\r\n" + complaint()
    assert signed_by(mail, AUTHOR, KEYS, same).domain == ""


# --- ARC ------------------------------------------------------------------------------------------------------------

FORWARDER = ["lists.example.org"]
ZONE = {("s1._domainkey.lists.example.org", "TXT"): [text_record(PAIR.record)]}
SAW = "dkim=pass header.d=isp.example.net header.s=s1"


def sealed(mail: bytes, saw: str = SAW, number: int = 1, by: str = "lists.example.org") -> bytes:
    return signing.sealed(mail, by, saw, number)


def forwarder_of(mail: bytes, trusted: list[str] = FORWARDER, author: Author = AUTHOR) -> Forwarded | None:
    with name_server(ZONE):
        return forwarded_by(mail, author, trusted, same, dns=True)


def test_a_trusted_forwarder_that_saw_the_reporters_signature_vouches() -> None:
    assert forwarder_of(sealed(complaint())) == Forwarded("lists.example.org", "isp.example.net")


def test_a_forwarder_that_nobody_trusts_does_not_and_is_not_asked_for() -> None:
    with name_server(ZONE) as server:
        assert forwarded_by(sealed(complaint()), AUTHOR, [], same, dns=True) is None
        assert forwarded_by(sealed(complaint()), AUTHOR, ["mx.example.com"], same, dns=True) is None
        assert server.asked == []


@pytest.mark.parametrize(
    "saw",
    [
        "dkim=fail header.d=isp.example.net",
        "dkim=pass header.d=forger.example",
        "spf=pass smtp.mailfrom=fbl@isp.example.net",
        "spf=none (dkim=pass header.d=isp.example.net)",
    ],
)
def test_a_seal_vouches_for_nothing_but_the_reporters_signature(saw: str) -> None:
    assert forwarder_of(sealed(complaint(), saw)) is None


def test_a_sealed_mail_that_was_changed_vouches_for_nothing() -> None:
    assert forwarder_of(sealed(complaint()).replace(b"192.0.2.1", b"192.0.2.9")) is None


def test_results_that_were_changed_after_sealing_vouch_for_nothing() -> None:
    mail = sealed(complaint(), "dkim=fail header.d=isp.example.net").replace(b"dkim=fail", b"dkim=pass")
    assert forwarder_of(mail) is None


def test_what_the_seal_does_not_cover_must_change_nothing() -> None:
    mail = b"Subject: forged\r\n" + sealed(complaint())
    with name_server(ZONE):
        assert forwarded_by(mail, AUTHOR, FORWARDER, other, dns=True) is None


def test_a_seal_behind_another_that_nobody_trusts_is_not_looked_at() -> None:
    twice = sealed(sealed(complaint()), number=2, by="relay.example.com")
    assert forwarder_of(twice) is None


def test_the_outermost_seal_is_the_one_that_counts() -> None:
    assert forwarder_of(sealed(sealed(complaint(), by="relay.example.com"), number=2)) is not None


@given(st.binary(max_size=300))
def test_no_seal_breaks_the_reader(noise: bytes) -> None:
    mail = b"ARC-Seal: i=1; d=lists.example.org; " + noise + b"\r\n" + complaint()
    assert forwarded_by(mail, AUTHOR, FORWARDER, same, dns=False) is None
