"""Verify: who speaks in a message, what vouches for it, and what it has in common with others."""

import uuid
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk import verify
from abusedesk.desk.parse import Unread, read_message
from abusedesk.desk.receive import address_in, headers_of
from abusedesk.desk.verify import (
    Trust,
    Voice,
    copy_of,
    gather,
    known_voices,
    network_of,
    registered_domain,
    voice_for,
    voice_of_message,
)
from abusedesk.desk.vouching.certificates import Key, read_key
from abusedesk.records.models import Reporter
from abusedesk.vocabulary.evidence import Evidence, grade
from tests.desk.estate import NOW, complaint, known_reporter, signed_complaint
from tests.desk.vouching import pki
from tests.desk.vouching.nameserver import name_server, text_record
from tests.signing import PAIR, sealed, signed

DOMAIN = "isp.example.net"
ISP = Voice(
    1,
    f"fbl@{DOMAIN}",
    "isp",
    known=True,
    muted=False,
    domains=(DOMAIN,),
    keys={f"s1._domainkey.{DOMAIN}": PAIR.record},
)
NOBODY = Trust()
CERT = ISP._replace(key=pki.SENDER, domains=("cert.example.org",), certificates=(read_key(pki.public()),))


def unread(data: bytes, provenance: Mapping[str, str] | None = None, **more: Any) -> Unread:
    sender = address_in(headers_of(data).get("from", ""))
    return Unread(
        uuid.UUID(int=1), b"", NOW, "standard", 5, "mail", "", sender, data, 1, provenance=provenance or {}, **more
    )


def gathered(
    data: bytes, voice: Voice = ISP, provenance: Mapping[str, str] | None = None, trust: Trust = NOBODY, **more: Any
) -> Evidence:
    message = unread(data, provenance, **more)

    def read(mail: bytes) -> Any:
        return read_message(message._replace(payload=mail), from_known_reporter=voice.known)

    return gather(message, read(data), voice, trust, read)


# --- who speaks -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_sender_below_a_known_domain_speaks_with_that_voice() -> None:
    reporter = known_reporter(DOMAIN, "ISP Ltd")
    known = known_voices()
    assert voice_for(f"robot@loop.{DOMAIN}", known).reporter == reporter.pk
    assert voice_for(f"robot@loop.{DOMAIN}", known).organisation == "isp ltd"


@pytest.mark.django_db
def test_a_sender_above_or_beside_a_known_domain_does_not() -> None:
    known_reporter(DOMAIN)
    known = known_voices()
    for sender in ("a@example.net", "a@notisp.example.net", f"a@{DOMAIN}.forger.example", ""):
        assert not voice_for(sender, known).known


@pytest.mark.django_db
def test_of_a_shared_domain_only_the_address_is_the_reporter() -> None:
    Reporter.objects.create(key="loop", known=True, addresses=["Staff@mail.example.com"])
    known = known_voices()
    assert voice_for("staff@mail.example.com", known).domains == ("mail.example.com",)
    assert not voice_for("anybody@mail.example.com", known).known


@pytest.mark.django_db
def test_a_muted_stranger_is_recognised_by_its_address_alone() -> None:
    Reporter.objects.create(key="rude@example.com", muted=True, domains=["example.com"])
    known = known_voices()
    assert voice_for("Rude@example.com", known).muted
    assert voice_for("polite@example.com", known).reporter is None


@pytest.mark.django_db
def test_whoever_a_message_came_under_the_key_of_speaks_whatever_it_says() -> None:
    known_reporter(DOMAIN)
    holder = Reporter.objects.create(key="robot")
    message = unread(complaint(), {"reporter": str(holder.pk)})
    voice = voice_of_message(message, known_voices([str(holder.pk)]))
    assert (voice.reporter, voice.known) == (holder.pk, False)
    assert voice_of_message(unread(complaint(), {"reporter": "x"}), known_voices(["x"])).known


# --- who vouches ----------------------------------------------------------------------------------------------------


def test_a_signature_of_the_reporter_is_kept_with_what_came_of_it() -> None:
    evidence = gathered(signed_complaint(DOMAIN))
    assert evidence.signed_by == DOMAIN
    assert [(one.domain, one.result) for one in evidence.dkim] == [(DOMAIN, "holds")]
    assert grade(evidence)[0] == "authenticated"


def test_a_stranger_costs_neither_a_signature_nor_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "_vouched", None)
    stranger = voice_for(f"fbl@{DOMAIN}", {})
    with name_server({}) as server:
        evidence = gathered(signed_complaint(DOMAIN), stranger, {"peer": "192.0.2.7"}, Trust(dns=True))
        assert server.asked == []
    assert evidence == Evidence(f"fbl@{DOMAIN}", organisation=DOMAIN)


@pytest.mark.parametrize("disguise", ["<fbl@isp.example.net> (<x@isp.example.net)", "a@isp.example.net, <b@x.example>"])
def test_an_author_that_two_readers_take_for_two_vouches_for_nobody(disguise: str) -> None:
    mail = complaint().replace(b"From: Feedback <fbl@isp.example.net>", b"From: " + disguise.encode())
    assert gathered(signed(mail, DOMAIN)).signed_by == ""


def test_a_second_subject_that_accuses_another_is_not_what_was_signed() -> None:
    text = b"From: fbl@isp.example.net\r\nSubject: abuse\r\nDate: Mon, 2 Mar 2026 11:00:00 +0000\r\n\r\n"
    text += b"Port scan from the address in the subject, 2026-03-02 10:30:00 UTC\r\n"
    genuine = signed(text.replace(b"Subject: abuse", b"Subject: Port scan from 192.0.2.1"), DOMAIN)
    assert gathered(genuine).signed_by == DOMAIN
    forged = gathered(b"Subject: Port scan from 192.0.2.9\r\n" + genuine)
    assert (forged.signed_by, forged.dkim[0].result) == ("", "does not cover what the report says")


def test_a_key_on_the_record_vouches_for_what_it_signed() -> None:
    evidence = gathered(pki.pgp_mime(pki.entity()), CERT)
    assert evidence.key.startswith("OpenPGP key ")
    assert "signed with OpenPGP key" in grade(evidence)[1]


def test_a_signed_part_in_forged_surroundings_vouches_for_nothing() -> None:
    forged = pki.pgp_mime(pki.entity()).replace(b"Subject: report", b"Subject: Port scan from 203.0.113.9")
    forged = forged.replace(
        b"--sig\r\nContent-Type: text", b"Attack from 203.0.113.9\r\n--sig\r\nContent-Type: text", 1
    )
    evidence = gathered(forged, CERT)
    genuine = gathered(pki.pgp_mime(pki.entity()), CERT)
    assert genuine.key
    assert not evidence.key or _sources(forged) == _sources(pki.pgp_mime(pki.entity()))


def _sources(data: bytes) -> list[str]:
    return [event.source for event in read_message(unread(data), from_known_reporter=True).events]


def test_clear_signed_words_with_more_around_them_vouch_for_nothing() -> None:
    words = b"Login attack from 192.0.2.1 on port 22 at 2026-03-02 10:30:00 UTC.\n"
    genuine = pki.clear_signed(words)
    assert gathered(genuine, CERT).key
    more = genuine + b"\nLogin attack from 203.0.113.9 on port 22 at 2026-03-02 10:31:00 UTC.\n"
    assert _sources(more) != _sources(genuine)
    assert gathered(more, CERT).key == ""


def test_a_trusted_forwarder_vouches_where_the_reporters_own_signature_broke() -> None:
    mail = sealed(complaint(), "lists.example.org", f"dkim=pass header.d={DOMAIN}")
    with name_server({("s1._domainkey.lists.example.org", "TXT"): [text_record(PAIR.record)]}):
        evidence = gathered(mail, trust=Trust(dns=True, arc_forwarders=("lists.example.org",)))
    assert (evidence.forwarded_by, evidence.forwarded_for) == ("lists.example.org", DOMAIN)
    assert grade(evidence)[0] == "authenticated"
    assert grade(gathered(mail, trust=Trust()))[0] == "unverified"


def test_spf_is_asked_where_nothing_else_vouches_and_raises_nothing() -> None:
    door = {"peer": "192.0.2.7", "helo": "mx"}
    with name_server({(DOMAIN, "TXT"): ['"v=spf1 ip4:192.0.2.0/24 -all"']}) as server:
        evidence = gathered(complaint(), ISP, door, Trust(dns=True), envelope_from=f"fbl@{DOMAIN}")
        assert (evidence.spf, evidence.spf_domain, evidence.spf_by) == ("pass", DOMAIN, "the desk")
        assert grade(evidence)[0] == "unverified"
        assert server.asked
        server.asked.clear()
        assert gathered(signed_complaint(DOMAIN), ISP, door, Trust(dns=True), envelope_from=f"fbl@{DOMAIN}").spf == ""
        relay = Trust(dns=True, mail_relays=(ip_network("192.0.2.7/32"),))
        assert gathered(complaint(), ISP, door, relay, envelope_from=f"fbl@{DOMAIN}").spf == ""
        assert server.asked == []


def test_the_word_of_a_trusted_server_about_spf_is_kept() -> None:
    mail = f"Authentication-Results: mx.example.net; spf=pass smtp.mailfrom=fbl@{DOMAIN}\r\n".encode() + complaint()
    evidence = gathered(mail, trust=Trust(authserv_ids=("mx.example.net",)))
    assert (evidence.spf, evidence.spf_by) == ("pass", "mx.example.net")
    assert gathered(mail).spf == ""


@pytest.mark.parametrize(
    ("provenance", "assurance"),
    [
        ({"reporter": "1"}, "authenticated"),
        ({"reporter": "1", "feed": "cert-folder"}, "authenticated"),
        ({"sensor": "edge-1"}, "verified"),
        ({"reporter": "2"}, "unverified"),
        ({"feed": "cert-folder"}, "unverified"),
        ({"peer": "192.0.2.7"}, "unverified"),
        ({"listing": "bl.example"}, "unverified"),
    ],
)
def test_what_we_saw_of_who_handed_it_over(provenance: dict[str, str], assurance: str) -> None:
    assert grade(gathered(complaint(), ISP, provenance))[0] == assurance


def test_a_reporter_often_rejected_counts_for_less_until_it_is_confirmed_again() -> None:
    doubted = ISP._replace(rejected=5, confirmed=2)
    mail = signed_complaint(DOMAIN)
    assert grade(gathered(mail, doubted))[0] == "unverified"
    assert grade(gathered(mail, doubted._replace(confirmed=5)))[0] == "authenticated"
    assert grade(gathered(mail, doubted, trust=Trust(doubted_from=6)))[0] == "authenticated"
    assert grade(gathered(mail, doubted, trust=Trust(doubted_from=0)))[0] == "authenticated"


@given(st.binary(max_size=300))
def test_no_mail_of_a_known_reporter_breaks_the_gathering(noise: bytes) -> None:
    head = b"From: cert@cert.example.org\r\n"
    for mail in (head + noise, noise + b"\r\n" + head, head + b"Content-Type: multipart/signed;" + noise):
        assert grade(gathered(mail, CERT._replace(certificates=(*CERT.certificates, Key("S/MIME", "0", "x")))))


# --- what it has in common with others ------------------------------------------------------------------------------


def test_a_voice_is_marked_by_domain_network_and_text() -> None:
    evidence = gathered(signed_complaint(DOMAIN), ISP, {"peer": "203.0.113.77"})
    assert (evidence.domain, evidence.network) == ("example.net", "203.0.113.0/24")
    assert evidence.copy == copy_of(complaint())


@pytest.mark.parametrize(
    ("domain", "registered"),
    [
        ("a.b.example.co.uk", "example.co.uk"),
        ("Example.org", "example.org"),
        ("co.uk", ""),
        ("me.github.io", "me.github.io"),
        ("", ""),
    ],
)
def test_the_registered_domain_is_what_lies_below_a_public_suffix(domain: str, registered: str) -> None:
    assert registered_domain(domain) == registered


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("198.51.100.25", ""),
        ("10.1.2.3", ""),
        ("127.0.0.1", ""),
        ("fe80::1", ""),
        ("", ""),
        ("mail.example", ""),
    ],
)
def test_a_network_is_named_where_it_is_the_senders(peer: str, network: str) -> None:
    assert network_of(peer, [ip_network("198.51.100.25/32")]) == network


RELAY = "Received: from gate.example.org (gate.example.org [198.51.100.25])\r\n\tby mx.example.org; Mon, 2 Mar 2026"
OUTSIDE = "Received: from out.isp.example.net (unknown [203.0.113.9]) by gate.example.org; Mon, 2 Mar 2026"
LISTS = "Received: from mx1.lists.example.com (mx1.lists.example.com [192.0.2.200]) by mx.example.org; Mon, 2 Mar 2026"
CLAIMED = "Received: from pc.example.com ([192.0.2.77]) by out.isp.example.net; Mon, 2 Mar 2026"


@pytest.mark.parametrize(
    ("fields", "network"),
    [
        ([OUTSIDE, CLAIMED], "203.0.113.0/24"),
        ([RELAY, OUTSIDE, CLAIMED], "203.0.113.0/24"),
        (["Received: from localhost ([127.0.0.1]) by mx.example.org; Mon", OUTSIDE], "203.0.113.0/24"),
        (["Received: by mx.example.org (Postfix, from userid 0)", OUTSIDE], "203.0.113.0/24"),
        ([LISTS, OUTSIDE], "203.0.113.0/24"),
        ([RELAY], ""),
        (["Received: \xff from [[ by"], ""),
        ([], ""),
    ],
)
def test_behind_servers_of_the_house_the_network_is_what_they_wrote_down(fields: list[str], network: str) -> None:
    trust = Trust(mail_relays=(ip_network("198.51.100.25/32"),), arc_forwarders=("lists.example.com",))
    head = "".join(f"{one}\r\n" for one in fields).encode("latin-1")
    assert gathered(head + signed_complaint(DOMAIN), trust=trust).network == network


def test_what_we_saw_ourselves_of_the_network_goes_before_what_is_written() -> None:
    mail = f"{OUTSIDE}\r\n".encode() + signed_complaint(DOMAIN)
    assert gathered(mail, provenance={"peer": "192.0.2.50"}).network == "192.0.2.0/24"


def test_the_same_words_are_a_copy_in_whatever_frame_and_header() -> None:
    other = complaint(sender="someone@else.example").replace(b"--part", b"--other").replace(b'"part"', b'"other"')
    assert copy_of(other.replace(b"\r\n", b"\n")) == copy_of(complaint())
    assert copy_of(complaint(ip="192.0.2.2")) != copy_of(complaint())
    assert copy_of(b"From: a\n\n \n") == ""
