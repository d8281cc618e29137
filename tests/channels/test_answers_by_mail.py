"""End to end over real mail: a notice goes out by SMTP, and its answer and its bounce come back by the LMTP door."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.utils import format_datetime
from typing import Any

import pytest

from abusedesk.desk.hearing import unread
from abusedesk.desk.intake import process_messages
from abusedesk.desk.perform import perform_effects
from abusedesk.desk.watch import fire_due
from abusedesk.records.models import Brand, Channel, Contact, Deadline, Notice, Review, TicketEntry
from tests.channels.test_lmtp import Doors, doors  # noqa: F401 - fixtures
from tests.contract.mailbox import Mailbox, mailbox
from tests.desk.estate import Provider, known_reporter, signed_complaint, with_addresses

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)


@pytest.fixture
def post(settings: Any) -> Iterator[Mailbox]:
    with mailbox() as one:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", one.port, 5
        yield one


@pytest.fixture
def written_to(doors: Doors, post: Mailbox) -> Message:  # noqa: F811 - the fixture above
    """The notice as the customer's mail server got it, after a complaint came in by LMTP."""
    brand = Brand.objects.get()
    made = with_addresses(Provider(brand, brand.customers.get(), brand.services.get()))
    Contact.objects.create(customer=made.customer, email="second@example.com", role="other")
    known_reporter("isp.example.net")
    doors.deliver(signed_complaint("isp.example.net", at=format_datetime(datetime.now(UTC))))
    work()
    return message_from_bytes(post.got[0].content)


def work() -> None:
    now = datetime.now(UTC)
    process_messages(now)
    perform_effects("w", now)


def answer(notice: Message, text: str, sender: str = "jo@example.com") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        sender,
        notice["Reply-To"],
        "Re: " + " ".join(notice["Subject"].split()),
    )
    message["In-Reply-To"], message["Message-ID"] = notice["Message-ID"], "<answer@example.com>"
    message.set_content(f"{text}\n\nOn Monday, Jim wrote:\n> Please process it.\n")
    return message.as_bytes()


def test_an_answer_by_mail_meets_the_deadline(written_to: Message, doors: Doors, post: Mailbox) -> None:  # noqa: F811
    with doors.lmtp() as client:
        client.sendmail("jo@example.com", [written_to["Reply-To"]], answer(written_to, "The script is gone."))
    work()

    assert TicketEntry.objects.get(author="customer").shown == "The script is gone."
    deadline = Deadline.objects.get(name="reply")
    Channel.objects.update(watermark=datetime.now(UTC) + DAY)
    Deadline.objects.filter(name="payment").update(state="met")
    assert fire_due(deadline.due + timedelta(hours=1)) == 0

    unread.read_reply(Review.objects.get(reason="read_reply"), "complete", "ann", deadline.due + timedelta(hours=1))
    deadline.refresh_from_db()
    assert deadline.state == "met"
    assert len(post.got) == 1


def test_a_bounce_by_mail_finds_the_next_contact(written_to: Message, doors: Doors, post: Mailbox) -> None:  # noqa: F811
    text = f"Hi.\n\n<jo@example.com>:\n550 5.1.1 user unknown\n\nMessage-ID: {written_to['Message-ID']}\n"
    bounce = f"From: MAILER-DAEMON@mx.example.com\r\nSubject: failure notice\r\n\r\n{text}"
    with doors.lmtp() as client:
        client.sendmail("", [post.got[0].mail_from], bounce)
    work()

    assert [one.rcpt_tos[0] for one in post.got] == ["jo@example.com", "second@example.com"]
    assert sorted(Notice.objects.values_list("state", flat=True)) == ["bounced", "sent"]


def test_a_made_up_token_is_nobodys(written_to: Message, doors: Doors) -> None:  # noqa: F811
    with doors.lmtp() as client:
        client.sendmail(
            "x@example.net", ["abuse+t-aaaaaaaaaa-aaaaaaaaaaaaaaaa@jim.example.org"], b"Subject: x\r\n\r\nx\r\n"
        )
    work()
    assert not TicketEntry.objects.filter(message_id__isnull=False).exists()
