"""Machines that answer machines, over real SMTP and LMTP: whatever the other side does, the exchange ends."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.utils import format_datetime, parseaddr
from typing import Any

import pytest

from abusedesk.desk.hearing import tokens
from abusedesk.desk.intake import process_messages
from abusedesk.desk.perform import perform_effects
from abusedesk.records.models import Brand, Contact, Deadline, Decision, Notice, Review, TicketEntry
from tests.channels.test_lmtp import JIM, Doors, doors  # noqa: F401 - fixtures
from tests.contract.mailbox import Mailbox, mailbox
from tests.desk.estate import Provider, known_reporter, signed_complaint, with_addresses
from tests.signing import signed

pytestmark = pytest.mark.django_db(transaction=True)

OTHER, JO = "abuse@isp.example.net", "jo@example.com"
ROUNDS = 12
WORDS = "Your address 192.0.2.1 attacks our servers by SSH, last at {at}. Please stop the brute force."

Answers = Callable[[Message, int], tuple[str, EmailMessage]]
"""What the other side makes of a mail of ours: the envelope's sender (empty for the null sender) and the answer."""


@pytest.fixture
def post(settings: Any) -> Iterator[Mailbox]:
    with mailbox() as one:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", one.port, 5
        yield one


@pytest.fixture
def jim(doors: Doors) -> Provider:  # noqa: F811 - the fixture
    brand = Brand.objects.get()
    known_reporter("isp.example.net")
    return with_addresses(Provider(brand, brand.customers.get(), brand.services.get()))


def written(sender: str, to: str, subject: str, text: str, **more: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{next(_number)}@isp.example.net>"
    for name, value in more.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


_number = itertools.count(1)


def deliver(doors: Doors, envelope: str, message: EmailMessage) -> None:  # noqa: F811
    data = message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    sender = parseaddr(message["From"])[1]
    data = signed(data, "isp.example.net") if sender.endswith("isp.example.net") else data
    with doors.lmtp() as client:
        client.sendmail(envelope, [parseaddr(message["To"])[1]], data)


def work(now: datetime) -> None:
    process_messages(now)
    perform_effects("w", now)


def exchange(doors: Doors, post: Mailbox, to: str, answer: Answers, apart: timedelta) -> int:  # noqa: F811
    """Lets the other side answer every mail of ours, for many rounds. Returns how many mails we sent to it."""
    now, answered = datetime.now(UTC), 0
    for number in range(ROUNDS):
        work(now + number * apart)
        ours = [message_from_bytes(one.content) for one in post.got if one.rcpt_tos == [to]]
        for mail in ours[answered:]:
            deliver(doors, *answer(mail, number))
        if len(ours) == answered:
            break
        answered = len(ours)
    return answered


def another_desk(mail: Message, number: int) -> tuple[str, EmailMessage]:
    """It acknowledges our receipt as RFC 3834 has it, but never should have."""
    text = f"We have received your report and opened case {number}.\n"
    more = {"Auto_Submitted": "auto-replied", "In_Reply_To": mail["Message-ID"]}
    return "", written(OTHER, JIM, f"Auto: {mail['Subject']}", text, **more)


def a_bare_desk(mail: Message, number: int) -> tuple[str, EmailMessage]:
    """It says nowhere that it is a machine, and writes to the From of our mail under a number of its own."""
    text = f"Thank you for contacting our abuse team. Your report has the number {number}. We will look at it.\n"
    return OTHER, written(OTHER, JIM, f"[Case {number}] we got your report", text)


def a_parrot(mail: Message, number: int) -> tuple[str, EmailMessage]:
    """A help desk that sends our whole mail back under a new subject, with words that read as a report."""
    ours = mail.get_payload(decode=True)
    assert isinstance(ours, bytes)
    quoted = f"{WORDS.format(at=format_datetime(datetime.now(UTC)))}\n\n{ours.decode()}"
    return OTHER, written(OTHER, JIM, f"[Ticket#{number}] new ticket", quoted)


def a_vacation(mail: Message, number: int) -> tuple[str, EmailMessage]:
    more = {"Auto_Submitted": "auto-replied (vacation)", "In_Reply_To": mail["Message-ID"]}
    return "", written(OTHER, mail["Reply-To"], f"Auto: out of office {number}", "I am on leave until Monday.", **more)


def a_bare_vacation(mail: Message, number: int) -> tuple[str, EmailMessage]:
    return OTHER, written(OTHER, mail["Reply-To"], f"Re: {number}", "I am out of office until Monday.\n")


def a_bounce(mail: Message, number: int) -> tuple[str, EmailMessage]:
    """It takes the mail and sends it back to the From, as old mail servers do."""
    text = f"Hi. This is the mail server.\n<{OTHER}>: 550 5.1.1 unknown user\n\nMessage-ID: {mail['Message-ID']}\n"
    return "", written("MAILER-DAEMON@isp.example.net", JIM, "failure notice", text)


@pytest.mark.parametrize(
    "answer", [another_desk, a_bare_desk, a_parrot, a_vacation, a_bare_vacation, a_bounce], ids=lambda one: one.__name__
)
@pytest.mark.parametrize("hours", [0, 2, 30])
def test_a_reporter_that_answers_every_receipt_gets_one(
    doors: Doors,  # noqa: F811
    jim: Provider,
    post: Mailbox,
    answer: Answers,
    hours: int,
) -> None:
    text = WORDS.format(at=format_datetime(datetime.now(UTC) - timedelta(minutes=5)))
    deliver(doors, OTHER, written(OTHER, JIM, "SSH attack", text))
    assert exchange(doors, post, OTHER, answer, timedelta(hours=hours)) == 1


# --- the customer's machines ----------------------------------------------------------------------------------------


def absent(mail: Message, number: int) -> tuple[str, EmailMessage]:
    more = {"Auto_Submitted": "auto-replied", "In_Reply_To": mail["Message-ID"]}
    return "", written(JO, mail["Reply-To"], f"Automatic reply {number}", "I am out of office.", **more)


def help_desk(mail: Message, number: int) -> tuple[str, EmailMessage]:
    text = "We have received your request and will get back to you.\n"
    return JO, written(JO, mail["Reply-To"], f"[#{number}] new", text, X_OTRS_Loop="example.com", Precedence="bulk")


@pytest.mark.parametrize("answer", [absent, help_desk], ids=lambda one: one.__name__)
def test_a_customers_machine_is_no_reply_and_is_not_answered(
    doors: Doors,  # noqa: F811
    jim: Provider,
    post: Mailbox,
    answer: Answers,
) -> None:
    doors.deliver(signed_complaint("isp.example.net", at=format_datetime(datetime.now(UTC))))
    assert exchange(doors, post, JO, answer, timedelta()) == 1
    assert not TicketEntry.objects.filter(message_id__isnull=False).exists()
    assert not Decision.objects.filter(key__startswith="reply:").exists()
    assert Deadline.objects.filter(name="reply", state="open").exists()


def test_a_help_desk_without_any_header_is_put_to_a_person_and_not_answered(
    doors: Doors,  # noqa: F811
    jim: Provider,
    post: Mailbox,
) -> None:
    def bare(mail: Message, number: int) -> tuple[str, EmailMessage]:
        text = "Thank you for contacting us. We will get back to you within a day.\n"
        return JO, written(JO, mail["Reply-To"], f"[#{number}] {' '.join(mail['Subject'].split())}", text)

    doors.deliver(signed_complaint("isp.example.net", at=format_datetime(datetime.now(UTC))))
    assert exchange(doors, post, JO, bare, timedelta()) == 1
    assert not Decision.objects.filter(key__startswith="reply:").exists()
    assert "by its words alone" in Review.objects.get(reason="read_reply").detail


# --- bounces by RFC 3464 to the signed envelope sender --------------------------------------------------------------


def delivery_report(mail: Message, envelope: str, to: str, action: str, status: str) -> bytes:
    return (
        f"From: Mail Delivery System <MAILER-DAEMON@mx.example.com>\r\nTo: {envelope}\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nI am sorry.\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n"
        f"Final-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {status} user unknown\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {mail['Message-ID']}\r\n\r\n--b--\r\n"
    ).encode()


def send_back(doors: Doors, post: Mailbox, number: int, action: str = "failed", status: str = "5.1.1") -> None:  # noqa: F811
    """The mail server of the addressee sends our mail of that number back."""
    got = post.got[number]
    report = delivery_report(message_from_bytes(got.content), got.mail_from, got.rcpt_tos[0], action, status)
    with doors.lmtp() as client:
        client.sendmail("", [got.mail_from], report)
    work(datetime.now(UTC))


@pytest.fixture
def noticed(doors: Doors, jim: Provider, post: Mailbox) -> Mailbox:  # noqa: F811
    """A notice went to the first of three addresses."""
    for position, role in enumerate(("billing", "legal")):
        Contact.objects.create(customer=jim.customer, email=f"{role}@example.com", role=role, position=position)
    doors.deliver(signed_complaint("isp.example.net", at=format_datetime(datetime.now(UTC))))
    work(datetime.now(UTC))
    return post


def test_each_bounce_leads_to_the_next_contact_and_the_last_to_a_person(doors: Doors, noticed: Mailbox) -> None:  # noqa: F811
    for number in range(3):
        send_back(doors, noticed, number)
    assert [one.rcpt_tos[0] for one in noticed.got] == [JO, "billing@example.com", "legal@example.com"]
    assert set(Notice.objects.values_list("state", flat=True)) == {"bounced"}
    assert "no address of the customer is left" in Review.objects.get(reason="unserved").detail
    assert TicketEntry.objects.count() == 1


def test_a_delay_leads_nowhere(doors: Doors, noticed: Mailbox) -> None:  # noqa: F811
    send_back(doors, noticed, 0, "delayed", "4.4.1")
    assert len(noticed.got) == 1
    assert Notice.objects.get().state == "sent"


def test_the_same_bounce_again_writes_to_nobody_else(doors: Doors, noticed: Mailbox) -> None:  # noqa: F811
    send_back(doors, noticed, 0)
    send_back(doors, noticed, 0, status="5.2.2")
    assert len(noticed.got) == 2


def test_a_bounce_of_a_made_up_notice_is_nobodys(doors: Doors, noticed: Mailbox) -> None:  # noqa: F811
    notice = Notice.objects.get()
    envelope = tokens.bounce_address(notice.brand, notice.pk)
    forged = envelope.replace(envelope.partition("@")[0][-3:], "aaa")
    report = delivery_report(Message(), forged, JO, "failed", "5.1.1")
    with doors.lmtp() as client:
        client.sendmail("", [forged], report)
    work(datetime.now(UTC))
    assert Notice.objects.get().state == "sent"
