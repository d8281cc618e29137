"""Which mails a machine may answer, and whom (RFC 3834)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.parsing.responding import Asked, asked

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
PLAIN = {
    "From": "Pat <pat@isp.example.net>",
    "To": "abuse@jim.example.org",
    "Subject": "Attack from 192.0.2.1",
    "Date": "Mon, 2 Mar 2026 11:00:00 +0000",
    "Message-ID": "<one@isp.example.net>",
}


def mail(**more: str) -> bytes:
    fields = {**PLAIN, **{name.replace("_", "-"): value for name, value in more.items()}}
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value).encode() + b"\r\nHello.\r\n"


def of(data: bytes, envelope_from: str | None = "pat@isp.example.net") -> Asked:
    return asked(data, envelope_from=envelope_from, at=AT)


def test_a_persons_mail_is_answered_at_its_from() -> None:
    assert of(mail(References="<a@x.example> <b@x.example>", In_Reply_To="<b@x.example>")) == Asked(
        "", "pat@isp.example.net", "<one@isp.example.net>", ("<a@x.example>", "<b@x.example>"), "Attack from 192.0.2.1"
    )


def test_reply_to_is_not_where_a_machine_writes() -> None:
    assert of(mail(Reply_To="victim@example.com")).to == "pat@isp.example.net"


@pytest.mark.parametrize(
    "header",
    [
        {"Auto-Submitted": "auto-generated"},
        {"Auto-Submitted": "auto-replied; owner-email=x@example.com"},
        {"Auto-Submitted": "AUTO-NOTIFIED"},
        {"Precedence": "bulk"},
        {"Precedence": "junk"},
        {"Precedence": "list"},
        {"List-Id": "<noc.example.net>"},
        {"List-Unsubscribe": "<mailto:x@example.net>"},
        {"X-Mailing-List": "noc"},
        {"Return-Path": "<>"},
        {"X-Auto-Response-Suppress": "All"},
        {"X-RT-Loop-Prevention": "isp.example.net"},
        {"X-OTRS-Loop": "yes"},
        {"X-Autoreply": "yes"},
        {"Resent-From": "pat@isp.example.net"},
        {"Content-Type": 'multipart/report; report-type="feedback-report"; boundary=x'},
        {"From": "noreply@isp.example.net"},
        {"From": "abuse-no-reply@isp.example.net"},
        {"From": "do.not.reply@isp.example.net"},
        {"From": "MAILER-DAEMON@isp.example.net"},
        {"From": "postmaster@isp.example.net"},
        {"From": "noc-bounces@lists.example.net"},
        {"From": "owner-noc@lists.example.net"},
        {"From": "pat@isp.example.net, jo@isp.example.net"},
        {"From": "undisclosed"},
        {"From": "=?utf-8?q?pat=40isp=2Eexample=2Enet=2C?= <jo@[192.0.2.1]>"},
        {"Date": "Mon, 2 Feb 2026 11:00:00 +0000"},
        {"Date": ""},
        {"Date": "soon"},
    ],
    ids=lambda header: "/".join(f"{name}: {value}" for name, value in header.items())[:50],
)
def test_what_no_machine_answers(header: dict[str, str]) -> None:
    assert of(mail(**header)).refused


@pytest.mark.parametrize("envelope_from", ["", "bounce-4711@isp.example.net", "noreply@isp.example.net"])
def test_an_envelope_that_nobody_reads_gets_no_answer(envelope_from: str) -> None:
    assert of(mail(), envelope_from).refused


def test_two_from_fields_name_nobody() -> None:
    assert of(b"From: other@example.com\r\n" + mail()).refused


def test_auto_submitted_no_is_a_person() -> None:
    assert not of(mail(Auto_Submitted="No (a person)")).refused


def test_a_file_without_an_envelope_may_be_answered() -> None:
    assert not of(mail(), None).refused


def test_what_the_body_says_is_no_header() -> None:
    assert not of(mail() + b"\r\nAuto-Submitted: auto-replied\r\n").refused


def test_a_subject_is_one_line_of_text() -> None:
    subject = of(mail(Subject="=?utf-8?q?Hi=0D=0ABcc=3A_x=40example=2Ecom=E2=80=AE?=")).subject
    assert subject == "Hi Bcc: x@example.com"


def test_a_chinese_subject_is_known_as_such() -> None:
    assert of(
        "From: pat@isp.example.net\r\nDate: Mon, 2 Mar 2026 11:00:00 +0000\r\nSubject: 举报\r\n\r\n".encode()
    ).is_chinese


def test_time_is_counted_to_both_sides() -> None:
    late = asked(mail(), envelope_from=None, at=AT + timedelta(days=4))
    early = asked(mail(), envelope_from=None, at=AT - timedelta(days=4))
    assert late.refused == early.refused == "it was written long before it came in"


@given(st.binary(max_size=300), st.one_of(st.none(), st.text(max_size=20)))
def test_no_mail_breaks_it(noise: bytes, envelope_from: str | None) -> None:
    for data in (noise, mail().replace(b"Hello", noise), mail(Subject="x").replace(b"x", noise, 1)):
        found = of(data, envelope_from)
        assert found.refused or "@" in found.to


@given(st.sampled_from(["auto-replied", "auto-generated", "auto-notified", "anything"]), st.text("aB -", max_size=5))
def test_whatever_a_machine_says_of_itself_ends_it(value: str, more: str) -> None:
    assert of(mail(Auto_Submitted=f"{value} ; {more}")).refused
