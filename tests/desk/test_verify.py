"""Verify: who vouches for a report, and what that is worth."""

from typing import Any

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk import verify
from abusedesk.desk.verify import Evidence, Voice, domain_of, grade, known_voices, signed_by, voice_for, within
from tests.desk.estate import complaint, known_reporter, signed_complaint
from tests.signing import PAIR, signed

WORDS = st.text(max_size=20)
EVIDENCE = st.builds(
    Evidence,
    reporter=WORDS,
    known=st.booleans(),
    muted=st.booleans(),
    signed_by=WORDS,
    is_listing=st.booleans(),
    time_doubt=WORDS,
    confirmed_by=st.just(""),
)
ISP = Voice(
    1,
    "fbl@isp.example.net",
    "isp",
    known=True,
    muted=False,
    domains=("isp.example.net",),
    keys={
        "s1._domainkey.isp.example.net": PAIR.record,
        "s1._domainkey.mail.isp.example.net": PAIR.record,
        "s1._domainkey.example.net": PAIR.record,
        "s1._domainkey.forger.example": PAIR.record,
    },
)


# --- grade ----------------------------------------------------------------------------------------------------------


@given(EVIDENCE)
def test_a_report_is_authenticated_only_with_every_ground_and_never_more(evidence: Evidence) -> None:
    assurance, reason = grade(evidence)
    sound = evidence.known and evidence.signed_by and not (evidence.muted or evidence.is_listing or evidence.time_doubt)
    assert assurance == ("authenticated" if sound else "unverified")
    assert reason.startswith(assurance)


def test_a_listing_is_corroborated_when_a_query_of_ours_confirmed_it_and_its_time_is_sound() -> None:
    listing = Evidence("spamhaus.org", is_listing=True, confirmed_by="Spamhaus ZEN")
    expected = "corroborated: a query of ours confirmed the entry on Spamhaus ZEN"
    assert grade(listing) == ("corroborated", expected)
    assert grade(listing._replace(time_doubt="it names no time"))[0] == "unverified"


@given(EVIDENCE)
def test_a_doubt_about_the_time_never_raises(evidence: Evidence) -> None:
    assert grade(evidence._replace(time_doubt="it names no time"))[0] == "unverified"


@pytest.mark.parametrize(
    ("evidence", "says"),
    [
        (Evidence("x", known=True, signed_by="d.example", time_doubt="it names no time"), "it names no time"),
        (Evidence("x", known=True, signed_by="d.example", is_listing=True), "a query of ours"),
        (Evidence("x", known=True, signed_by="d.example", muted=True), "x is muted"),
        (Evidence("x", known=True), "no valid signature"),
        (Evidence("x", signed_by="d.example"), "anybody could have written it"),
        (Evidence("x", known=True, signed_by="d.example"), "signed by d.example"),
    ],
)
def test_the_reason_says_what_was_decisive(evidence: Evidence, says: str) -> None:
    assert says in grade(evidence)[1]


# --- names ----------------------------------------------------------------------------------------------------------


def test_a_domain_lies_within_itself_and_within_those_above_it() -> None:
    assert within("a.example.net", ["example.net"])
    assert within("example.net", ["example.net"])
    assert not within("badexample.net", ["example.net"])
    assert not within("example.net", ["a.example.net", ""])


def test_the_domain_of_an_address_is_what_follows_its_last_at() -> None:
    assert domain_of('"fbl@isp.example.net"@Forger.Example') == "forger.example"


@pytest.mark.django_db
def test_a_sender_below_a_known_domain_speaks_with_that_voice() -> None:
    reporter = known_reporter("isp.example.net", "ISP Ltd")
    known = known_voices()
    assert voice_for("robot@loop.isp.example.net", known).reporter == reporter.pk
    assert voice_for("robot@loop.isp.example.net", known).organisation == "isp ltd"


@pytest.mark.django_db
def test_a_sender_above_or_beside_a_known_domain_does_not() -> None:
    known_reporter("isp.example.net")
    known = known_voices()
    for sender in ("a@example.net", "a@notisp.example.net", "a@isp.example.net.forger.example", ""):
        assert not voice_for(sender, known).known


# --- signatures -----------------------------------------------------------------------------------------------------


def test_a_signature_of_the_senders_domain_vouches() -> None:
    assert signed_by(signed_complaint("isp.example.net"), ISP, ask_dns=False) == "isp.example.net"


def test_a_mail_without_a_signature_has_nobody_who_vouches() -> None:
    assert signed_by(complaint(), ISP, ask_dns=False) == ""


def test_a_body_that_was_changed_breaks_the_signature() -> None:
    mail = signed_complaint("isp.example.net").replace(b"192.0.2.1", b"192.0.2.9")
    assert signed_by(mail, ISP, ask_dns=False) == ""


def test_a_signature_of_somebody_else_is_worth_nothing() -> None:
    mail = signed(complaint(sender="fbl@isp.example.net"), "forger.example")
    assert signed_by(mail, ISP, ask_dns=False) == ""


def test_a_valid_signature_beside_a_broken_one_is_found() -> None:
    mail = signed_complaint("isp.example.net")
    broken = signed(complaint(note="2"), "isp.example.net").partition(b"From:")[0]
    assert signed_by(broken + mail, ISP, ask_dns=False) == "isp.example.net"


def test_no_more_signatures_are_tried_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    real = verify._verified

    def count(data: bytes, index: int, voice: Voice, *, ask_dns: bool) -> str | None:
        tried.append(index)
        return real(data, index, voice, ask_dns=ask_dns)

    monkeypatch.setattr(verify, "_verified", count)
    broken = signed(complaint(note="2"), "isp.example.net").partition(b"From:")[0]
    assert signed_by(broken * 40 + complaint(), ISP, ask_dns=False) == ""
    assert len(tried) <= verify.SIGNATURES


def _sign(mail: bytes, **how: Any) -> bytes:
    header = [b"from", b"to", b"subject"]
    signature: bytes = dkim.sign(mail, b"s1", b"isp.example.net", PAIR.private, include_headers=header, **how)
    return signature + mail


def test_a_signature_that_lets_anybody_append_does_not_count() -> None:
    mail = _sign(complaint(), length=True)
    assert dkim.verify(mail + b"appended\r\n", dnsfunc=lambda *_, **__: PAIR.record.encode())
    assert signed_by(mail, ISP, ask_dns=False) == ""


def test_a_sha_1_signature_does_not_count() -> None:
    assert signed_by(_sign(complaint(), signature_algorithm=b"rsa-sha1"), ISP, ask_dns=False) == ""


def test_without_a_pinned_key_the_dns_is_asked_only_where_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(name: str, timeout: float) -> bytes:
        asked.append(name)
        return PAIR.record.encode()

    monkeypatch.setattr(verify, "_from_dns", answer)
    unpinned = ISP._replace(keys={})
    mail = signed_complaint("isp.example.net")
    assert signed_by(mail, unpinned, ask_dns=False) == ""
    assert asked == []
    assert signed_by(mail, unpinned, ask_dns=True) == "isp.example.net"
    assert asked == ["s1._domainkey.isp.example.net"]


@given(st.binary(max_size=400))
def test_no_signature_header_breaks_the_reader(noise: bytes) -> None:
    assert signed_by(b"DKIM-Signature: " + noise + b"\r\n" + complaint(), ISP, ask_dns=False) == ""
