"""Persons, machines and mail servers are told apart by what their mail says of itself."""

import time
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abusedesk.parsing.answers import BY_WORDS, Heard, envelope_of, heard, may_answer
from abusedesk.parsing.quoting import own_words


def mail(text: str = "It is done.", subject: str = "Re: Abuse complaint", **headers: str) -> bytes:
    message = EmailMessage()
    message["From"] = headers.pop("From", "Jo <jo@example.com>")
    message["To"] = headers.pop("To", "abuse+t-x@example.net")
    message["Subject"] = subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def kind(data: bytes, *, null_path: bool = False) -> str:
    return heard(data, null_path=null_path).kind


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("It is done.", "Re: Abuse complaint"),
        ("We have received your request and removed the script at once.", "Re: Abuse complaint"),
        ("Wir haben den Server neu aufgesetzt.", "AW: Beschwerde"),
        ("已处理完毕,恶意程序已删除。", "回复:投诉"),
        ("I was out of office, so I saw it only now. The machine is clean.", "Re: Abuse complaint"),
        ("", "Re: done"),
    ],
)
def test_a_person_is_heard(text: str, subject: str) -> None:
    assert kind(mail(text, subject)) == "reply"


@pytest.mark.parametrize("value", ["no", "No"])
def test_what_says_that_no_machine_sent_it_is_believed(value: str) -> None:
    assert kind(mail(Auto_Submitted=value)) == "reply"


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-replied (vacation)"},
        {"X_Autoreply": "yes"},
        {"X_Autorespond": "Re: your mail"},
        {"Precedence": "auto_reply"},
    ],
)
def test_machines_that_say_so(headers: dict[str, str]) -> None:
    assert kind(mail("Thank you.", **headers)) == "auto_reply"


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Abuse complaint",
        "Out of office: Abuse complaint",
        "Out of Office Re: complaint",
        "Autoreply",
        "Automatische Antwort: Beschwerde",
        "Abwesenheitsnotiz",
        "Abwesenheit: bis 9. März",
        "Ich bin im Urlaub",
        "Nicht im Büro",
        "自动回复:投诉",
        "自动答复: 投诉",
        "自動回覆:投訴",
        "不在办公室",
        "Réponse automatique : plainte",
    ],
)
def test_out_of_office_by_its_subject(subject: str) -> None:
    assert kind(mail("I am away.", subject)) == "auto_reply"


@pytest.mark.parametrize(
    "text",
    [
        "I am currently out of office until Monday.",
        "Ich bin bis zum 9. März nicht im Büro und habe keinen Zugriff.",
        "您好,我正在休假,将于周一回复。",
        "This is an automatic reply.",
    ],
)
def test_out_of_office_by_its_words_where_a_header_agrees(text: str) -> None:
    assert kind(mail(text, X_Auto_Response_Suppress="All")) == "auto_reply"
    assert kind(mail(text), null_path=True) == "auto_reply"


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("We have received your request. A ticket was opened.", {"Auto_Submitted": "auto-generated"}),
        ("Ihre Anfrage ist bei uns eingegangen.", {"Precedence": "bulk"}),
        ("我们已收到您的邮件,工单已创建。", {"X_Auto_Response_Suppress": "All"}),
        ("Your ticket has been created.", {"X_OTRS_Loop": "1"}),
    ],
)
def test_a_ticket_systems_receipt_is_no_reply(text: str, headers: dict[str, str]) -> None:
    one = heard(mail(text, "[Ticket#4711] Abuse complaint", **headers))
    assert (one.kind, "receipt" in one.why) == ("auto_reply", True)


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-generated"},
        {"Precedence": "list"},
        {"X_Auto_Response_Suppress": "All"},
        {"X_Loop": "x"},
    ],
)
def test_where_a_machine_may_have_sent_a_persons_words_a_person_is_asked(headers: dict[str, str]) -> None:
    one = heard(mail("We removed the mailer and changed all passwords.", **headers))
    assert (one.kind, one.why.startswith("a machine may have written it: ")) == ("doubtful", True)


def test_a_subject_like_a_receipts_without_any_header_is_doubtful() -> None:
    assert kind(mail("Hello", "[#12] Your request has been received")) == "doubtful"


@pytest.mark.parametrize(
    "text",
    [
        "We have received your request and will get back to you within one business day.",
        "Thank you for contacting us. Your ticket number is 4711.\nYour message has been received.",
        "Ihre Nachricht ist eingegangen, wir melden uns.",
        "您好，我们已收到您的邮件，将尽快回复。",
        "I am currently out of office.",
    ],
)
def test_a_machines_words_without_any_header_are_read_by_a_person(text: str) -> None:
    one = heard(mail(text, "[#12] Complaint"))
    assert (one.kind, one.why) == ("doubtful", BY_WORDS)


def test_a_quoted_receipt_makes_no_reply_a_receipt() -> None:
    text = "All clean.\n\nOn Mon, Jim wrote:\n> We have received your request.\n> I am out of office.\n"
    assert kind(mail(text, Precedence="bulk")) == "doubtful"


# --- bounces --------------------------------------------------------------------------------------------------------

DSN = """\
From: MAILER-DAEMON@mx.example.com
To: abuse+n-x@example.net
Subject: {subject}
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

It did not work.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

{groups}
--b
Content-Type: message/rfc822

Message-ID: <n1@example.net>
Subject: Abuse complaint

Dear customer
--b--
"""


def dsn(*groups: str, subject: str = "Undelivered") -> Heard:
    return heard(DSN.format(groups="\n\n".join(groups), subject=subject).encode())


FAILED = """\
Final-Recipient: rfc822; jo@example.com
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no
 such user"""


def test_a_delivery_report_says_who_was_not_reached_and_why() -> None:
    one = dsn(FAILED)
    assert one.kind == "bounce"
    assert one.bounce is not None
    assert one.bounce == ("failed", "5.1.1", "jo@example.com", "550 5.1.1 no such user")
    assert one.returned == ("<n1@example.net>",)


@pytest.mark.parametrize(
    ("action", "status", "found"),
    [("failed", "5.7.1", "failed"), ("Failed", "4.4.7", "failed"), ("delayed", "4.4.1", "delayed")],
)
def test_failed_is_failed_whatever_its_status(action: str, status: str, found: str) -> None:
    bounce = dsn(f"Final-Recipient: rfc822; a@example.com\nAction: {action}\nStatus: {status}").bounce
    assert bounce is not None
    assert (bounce.action, bounce.status) == (found, status)


def test_a_failure_wins_over_a_delivery_in_the_same_report() -> None:
    bounce = dsn("Final-Recipient: rfc822; a@example.com\nAction: delivered\nStatus: 2.0.0", FAILED).bounce
    assert bounce is not None
    assert bounce.action == "failed"


def test_a_receipt_of_delivery_is_no_bounce() -> None:
    one = dsn("Final-Recipient: rfc822; a@example.com\nAction: delivered\nStatus: 2.0.0")
    assert (one.kind, one.bounce) == ("auto_reply", None)


@pytest.mark.parametrize(
    ("subject", "text", "action", "status"),
    [
        ("failure notice", "<jo@example.com>:\n550 5.1.1 user unknown", "failed", "5.1.1"),
        ("Undelivered Mail", "jo@example.com: host mx said: 552 mailbox full (in reply to RCPT)", "failed", ""),
        ("Unzustellbar: Beschwerde", "Der Empfänger wurde nicht gefunden.", "failed", ""),
        ("退信:投诉", "550 5.1.1 用户不存在", "failed", "5.1.1"),
        ("Warning: message 1x delayed 4 hours", "It will be retried until it is 5 days old.", "delayed", ""),
    ],
)
def test_bounces_of_old_are_told_by_their_words(subject: str, text: str, action: str, status: str) -> None:
    one = heard(mail(text, subject, From="MAILER-DAEMON@mx.example.com"), null_path=True)
    assert one.bounce is not None
    assert (one.bounce.action, one.bounce.status) == (action, status)


def test_a_person_who_writes_of_a_bounce_is_a_person() -> None:
    assert kind(mail("Your first mail bounced: 550 5.1.1. It is done now.", "Re: undelivered mail")) == "reply"


# --- headers --------------------------------------------------------------------------------------------------------


def test_the_thread_is_told_from_the_nearest_on() -> None:
    one = envelope_of(mail(In_Reply_To="<c@x.example>", References="<a@x.example> <b@x.example> <c@x.example>"))
    assert one.thread == ("<c@x.example>", "<b@x.example>", "<a@x.example>")


def test_every_header_that_names_a_recipient_counts() -> None:
    one = envelope_of(
        mail(
            To="A <a+1@example.net>",
            Cc="b@example.net",
            Delivered_To="c+2@example.net",
            X_Original_To="D+3@example.net",
        )
    )
    assert one.addressed == ("a+1@example.net", "b@example.net", "c+2@example.net", "d+3@example.net")


def test_no_mail_has_no_envelope() -> None:
    assert envelope_of(b"\x00\x01 nothing").thread == ()
    assert kind(b"nothing at all") == "doubtful"


@given(st.binary(max_size=2000))
def test_any_bytes_are_heard(data: bytes) -> None:
    envelope_of(data)
    heard(data)
    heard(b"Subject: x\r\n\r\n" + data)


@settings(max_examples=30)
@given(st.text(max_size=2000))
def test_no_word_is_taken_away_for_good(text: str) -> None:
    assert own_words(text) or not text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "On Monday\n" * 10_000 + ">",
        "> x\nOn x wrote:\n" * 8_000,
        "ich bin " * 12_000,
        "we received " * 8_000,
        "在" * 100_000,
        "From: x\n" * 12_000,
        "a" * 1_000_000,
    ],
)
def test_hostile_words_cost_no_time(text: str) -> None:
    begun = time.process_time()
    heard(b"Subject: ich bin\nPrecedence: bulk\n\n" + text.encode())
    assert time.process_time() - begun < 1


# --- quotes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Done.\n\nOn Mon, 2 Mar 2026 at 12:00, Jim Abuse <abuse@example.net> wrote:\n> Please\n> do\n",
        "Done.\n\nOn Mon, 2 Mar 2026 at 12:00, Jim Abuse\n<abuse@example.net> wrote:\n\n> Please\n",
        "Done.\n\nAm Mo., 2. März 2026 um 12:00 Uhr schrieb Jim <abuse@example.net>:\n\n> Bitte\n",
        "Done.\n\n在 2026年3月2日,Jim <abuse@example.net> 写道:\n\n> 请\n",
        "Done.\n\n-----Original Message-----\nFrom: Jim\nSent: Monday\n\nPlease\n",
        "Done.\n\n-----Ursprüngliche Nachricht-----\nVon: Jim\n\nBitte\n",
        "Done.\n\nVon: Jim\nGesendet: Montag\nAn: Jo\nBetreff: Beschwerde\n\nBitte\n",
        "Done.\n\n发件人: Jim\n发送时间: 2026-03-02\n收件人: Jo\n主题: 投诉\n\n请\n",
        "> Please\n> do\n\nDone.\n",
        "On Mon, Jim wrote:\n> Please\n\nDone.\n\n-- \nJo\nExample Ltd\n",
        "Done.\n\n-- \nJo\n",
        "Done.\n\nSent from my phone\n",
    ],
)
def test_only_the_writers_own_words_are_shown(text: str) -> None:
    assert own_words(text) == "Done."


def test_words_between_quoted_lines_stay() -> None:
    assert own_words("> Did you clean it?\nYes.\n> And the passwords?\nChanged.\n") == "Yes.\nChanged."


def test_where_all_is_quoted_all_is_shown() -> None:
    assert own_words("> all\n> of it\n") == "> all\n> of it"


@pytest.mark.parametrize(
    ("data", "may"),
    [
        (mail(To="abuse@example.net"), False),
        (mail(To="abuse+t-x@example.net"), True),
        (mail(To="abuse@example.net", In_Reply_To="<a@b.example>"), True),
        (mail(To="abuse@example.net", References="<a@b.example>"), True),
        (mail(To="abuse@example.net", From="MAILER-DAEMON@mx.example.com"), True),
        (mail("In-Reply-To: <a@b.example>", To="abuse@example.net"), False),
        (b"Return-Path: <>\r\nTo: a@example.net\r\n\r\nx", True),
    ],
)
def test_what_can_be_no_answer_is_told_at_a_glance(data: bytes, may: object) -> None:
    assert may_answer(data) is may
