"""A notice reaches the customer by the right contact, and never by a mailbox on the accused server alone."""

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from typing import Any

import pytest

from abusedesk.desk.hearing import tokens
from abusedesk.desk.intake import process_messages
from abusedesk.desk.perform import perform_effects
from abusedesk.desk.receive import Incoming, receive_many
from abusedesk.records.models import Brand, Case, Contact, Customer, DeclaredName, Effect, Notice, Review, TicketEntry
from tests.contract.mailbox import Mailbox, mailbox
from tests.desk.estate import LONG_AGO, NOW, Provider, known_reporter, provider, signed_complaint, take, with_addresses

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def post(settings: Any) -> Iterator[Mailbox]:
    with mailbox() as one:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", one.port, 5
        yield one


@pytest.fixture
def jim() -> Provider:
    made = with_addresses(provider())
    known_reporter("isp.example.net")
    return made


def accused(made: Provider, name: str = "shop.example.com") -> None:
    """The customer's server carries a name, and the mail of everybody below it."""
    DeclaredName.objects.create(service=made.service, name=name, period=(LONG_AGO, None))


def contact(made: Provider, email: str, role: str = "abuse", **more: Any) -> Contact:
    return Contact.objects.create(customer=made.customer, email=email, role=role, **more)


def complained(post: Mailbox) -> list[str]:
    """Takes a complaint in and writes the notice. Returns whom mail went to, in order."""
    take(signed_complaint("isp.example.net"))
    for _ in range(2):
        perform_effects("w", NOW)
    return [one.rcpt_tos[0] for one in post.got]


def bounce(notice: Notice) -> None:
    report = (
        "From: MAILER-DAEMON@mx.example.com\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\nMIME-Version: 1.0\r\n\r\n'
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n"
        f"Final-Recipient: rfc822; {notice.address}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    )
    detail = tokens.bounce_address(notice.brand, notice.pk).partition("@")[0].partition("+")[2]
    to = "abuse@jim.example.org"
    receive_many([Incoming(report.encode(), "lmtp", NOW + HOUR, recipient=to, details=(detail,), envelope_from="")])
    process_messages(NOW + HOUR)
    perform_effects("w", NOW + HOUR)


def test_the_contact_for_abuse_is_written_to_before_the_account(jim: Provider, post: Mailbox) -> None:
    contact(jim, "abuse@example.net")
    assert complained(post) == ["abuse@example.net"]


def test_a_notice_is_in_the_language_of_the_contact_that_it_goes_to(jim: Provider, post: Mailbox) -> None:
    Brand.objects.update(languages=["en", "zh-Hans"])
    contact(jim, "abuse@example.net", language="zh-Hans")
    complained(post)
    assert Notice.objects.get(to="customer").language == "zh-Hans"


def test_a_mailbox_on_the_accused_server_gets_a_copy_elsewhere_word_for_word(jim: Provider, post: Mailbox) -> None:
    Customer.objects.update(email="jo@shop.example.com")
    accused(jim)
    contact(jim, "info@mail.shop.example.com", "other", position=0)
    contact(jim, "jo@elsewhere.example.net", "other", position=1)
    assert complained(post) == ["jo@shop.example.com", "jo@elsewhere.example.net"]
    first, second = (message_from_bytes(one.content) for one in post.got)
    assert first["Message-ID"] != second["Message-ID"]
    assert first.get_payload(decode=True) == second.get_payload(decode=True)
    assert TicketEntry.objects.count() == 1


def test_performing_again_copies_nothing_twice(jim: Provider, post: Mailbox) -> None:
    Customer.objects.update(email="jo@shop.example.com")
    accused(jim)
    contact(jim, "jo@elsewhere.example.net", "other")
    complained(post)
    Effect.objects.update(state="pending", due=NOW)
    perform_effects("w", NOW + HOUR)
    assert Effect.objects.filter(key__startswith="copy:").count() == 1
    assert Notice.objects.filter(to="customer").count() == 2


def test_who_is_only_reachable_on_the_accused_server_is_put_to_a_person(jim: Provider, post: Mailbox) -> None:
    Customer.objects.update(email="jo@shop.example.com")
    accused(jim)
    assert complained(post) == ["jo@shop.example.com"]
    [review] = Review.objects.filter(reason="only_on_accused")
    assert "jo@shop.example.com" in review.detail
    assert "review:only_on_accused" in Case.objects.get().needs


def test_an_address_of_the_server_itself_counts(jim: Provider, post: Mailbox) -> None:
    Customer.objects.update(email="jo@[192.0.2.0]")
    contact(jim, "jo@elsewhere.example.net", "other")
    take(signed_complaint("isp.example.net"))
    perform_effects("w", NOW)
    assert Effect.objects.filter(key__startswith="copy:").exists()


def test_where_the_mail_lies_elsewhere_one_mail_goes(jim: Provider, post: Mailbox) -> None:
    accused(jim, "shop.example.org")
    contact(jim, "second@example.net", "other")
    assert complained(post) == ["jo@example.com"]


def test_a_bounce_from_the_server_does_not_write_to_who_has_the_copy_already(jim: Provider, post: Mailbox) -> None:
    Customer.objects.update(email="jo@shop.example.com")
    accused(jim)
    contact(jim, "jo@elsewhere.example.net", "other", position=0)
    contact(jim, "third@example.net", "other", position=1)
    complained(post)
    bounce(Notice.objects.get(address="jo@shop.example.com"))
    assert [one.rcpt_tos[0] for one in post.got][2:] == ["third@example.net"]
