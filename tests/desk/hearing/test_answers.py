"""Customers are heard: replies and bounces find their ticket, and no deadline overtakes an answer."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from abusedesk.desk.hearing import answers, bounces, tokens, unread
from abusedesk.desk.intake import process_messages
from abusedesk.desk.perform import perform_effects
from abusedesk.desk.receive import Incoming, receive_many
from abusedesk.desk.watch import fire_due
from abusedesk.records.models import (
    Assignment,
    Brand,
    Case,
    Contact,
    Customer,
    Deadline,
    Decision,
    Effect,
    Measure,
    Message,
    MessageSeen,
    Notice,
    Report,
    Review,
    Service,
    Ticket,
    TicketEntry,
)
from tests.contract.mailbox import Mailbox, mailbox
from tests.desk.estate import (
    LONG_AGO,
    NOW,
    Provider,
    complaint,
    known_reporter,
    provider,
    signed_complaint,
    take,
    with_addresses,
)

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
JO = "jo@example.com"


@pytest.fixture
def post(settings: Any) -> Iterator[Mailbox]:
    with mailbox() as one:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", one.port, 5
        yield one


@pytest.fixture
def jim() -> Provider:
    """A provider whose customer was complained of and written to; the reply is due six hours later."""
    return complained_of("jimcloud")


def complained_of(pack: str, **brand: Any) -> Provider:
    made = with_addresses(provider(pack=pack, **brand))
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net"))
    perform_effects("w", NOW)
    return made


def notice() -> Notice:
    return Notice.objects.filter(to="customer").order_by("written_at", "pk").first() or Notice()


def ticket_address() -> str:
    return tokens.reply_address(Brand.objects.get(), Ticket.objects.get().token)


def mail(
    text: str = "All done.", *, sender: str = JO, to: str = "", subject: str = "Re: Abuse complaint", **more: str
) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to or ticket_address(), subject
    message["Message-ID"] = f"<{abs(hash((text, sender, to, subject)))}@example.com>"
    for name, value in more.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def hear(*mails: bytes, at: datetime = NOW + HOUR, **envelope: Any) -> None:
    receive_many([Incoming(one, "test", at, **envelope) for one in mails])
    process_messages(at)


def due() -> datetime:
    return Deadline.objects.get(name="reply", state="open").due


def replies() -> list[tuple[str, datetime]]:
    return list(
        Decision.objects.filter(key__startswith="re").exclude(key__startswith="report").values_list("key", "at")
    )


def test_a_reply_to_the_token_lands_in_the_ticket_at_its_receipt_and_is_put_before_a_person(jim: Provider) -> None:
    hear(mail("I am on it.\n\nOn Mon, 2 Mar 2026 at 12:00, Jim wrote:\n> Abuse complaint\n"))

    entry = TicketEntry.objects.get(author="customer")
    assert (entry.at, entry.sender, entry.shown) == (NOW + HOUR, JO, "I am on it.")
    assert "> Abuse complaint" in entry.text
    message = Message.objects.get(pk=str(entry.message_id))
    assert (message.outcome, message.format) == ("not_a_report", "answer")
    assert replies() == [(f"reply:{entry.message_id}", NOW + HOUR)]
    assert "review:read_reply" in Case.objects.get().needs


@pytest.mark.parametrize("header", ["In-Reply-To", "References"])
def test_a_reply_is_found_by_the_notice_that_it_follows_on(jim: Provider, header: str) -> None:
    hear(mail(to="abuse@jim.example.org", **{header.replace("-", "_"): f"<x@example.com> {notice().message_id}"}))
    assert TicketEntry.objects.filter(author="customer").count() == 1


def test_the_token_of_the_envelope_is_enough(jim: Provider) -> None:
    detail = tokens.detail_of(ticket_address())
    hear(mail(to="undisclosed@example.org"), recipient="abuse@jim.example.org", details=(detail,), envelope_from=JO)
    assert TicketEntry.objects.filter(author="customer").count() == 1


def test_a_forged_token_does_nothing(jim: Provider) -> None:
    address = ticket_address()
    local, _, domain = address.partition("@")
    forged = local[:-1] + ("a" if local[-1] != "a" else "b")
    hear(mail(sender="who@example.net", to=f"{forged}@{domain}"))
    assert not TicketEntry.objects.filter(message_id__isnull=False).exists()
    assert replies() == []


def test_a_token_is_taken_in_any_case(jim: Provider) -> None:
    hear(mail(to=ticket_address().upper()))
    assert TicketEntry.objects.filter(author="customer").count() == 1


def test_the_token_of_one_brand_does_nothing_at_another(jim: Provider) -> None:
    address = ticket_address()
    other = provider("sca", "scalibit")
    detail = tokens.detail_of(address)
    hear(
        mail(to="x@example.org", sender="who@example.net"),
        recipient="abuse@sca.example.org",
        details=(detail,),
        brand=other.brand.pk,
    )
    assert not TicketEntry.objects.filter(message_id__isnull=False).exists()


def test_the_same_reply_twice_is_one(jim: Provider) -> None:
    hear(mail(), mail())
    Message.objects.update(outcome="")
    MessageSeen.objects.update(read_at=None)
    process_messages(NOW + 2 * HOUR)
    assert (TicketEntry.objects.filter(author="customer").count(), len(replies())) == (1, 1)
    assert Review.objects.filter(reason="read_reply").count() == 1


def test_a_reply_from_elsewhere_lands_in_the_ticket_and_counts_only_when_a_person_says_so(jim: Provider) -> None:
    hear(mail("It is clean.", sender="colleague@elsewhere.example.com"))
    assert TicketEntry.objects.get(message_id__isnull=False).author == "stranger"
    assert replies() == []

    review = Review.objects.get(reason="read_reply")
    assert "none of the customer's addresses" in review.detail
    assert unread.read_reply(review, "complete", "ann", NOW + 2 * HOUR)
    assert not Deadline.objects.filter(name="reply", state="open").exists()


def test_a_contact_and_a_reseller_may_answer(jim: Provider) -> None:
    agent = Customer.objects.create(brand=jim.brand, ref="r", name="Agent", email="agent@example.net", since=NOW)
    Customer.objects.filter(pk=jim.customer.pk).update(reseller=agent)
    Contact.objects.create(customer=jim.customer, email="Second@example.com", role="other")
    hear(mail("a", sender="agent@example.net"), mail("b", sender="second@example.com"))
    assert TicketEntry.objects.filter(author="customer").count() == 2


# --- deadlines ------------------------------------------------------------------------------------------------------


def test_a_complete_reply_meets_the_deadline_as_of_its_receipt_however_late_it_is_read(jim: Provider) -> None:
    was = due()
    hear(mail(), at=was)
    assert fire_due(was + 5 * HOUR) == 0

    assert unread.read_reply(Review.objects.get(reason="read_reply"), "complete", "ann", was + 5 * HOUR)
    assert Deadline.objects.get(name="reply").state == "met"
    assert Decision.objects.get(key__startswith="read:").at == was
    assert fire_due(was + 6 * HOUR) == 0
    assert TicketEntry.objects.get(author="customer").complete is True


def test_an_answer_that_says_not_done_lets_the_deadline_fire_after_the_time_that_was_left(jim: Provider) -> None:
    """Due 18:00, received 17:00, read at 21:00: the hour that was left is left still."""
    was = due()
    hear(mail("Working on it."), at=was - HOUR)
    assert fire_due(was + 3 * HOUR) == 0

    unread.read_reply(Review.objects.get(reason="read_reply"), "incomplete", "ann", was + 3 * HOUR)
    assert due() == was + 4 * HOUR
    assert fire_due(was + 4 * HOUR - timedelta(seconds=1)) == 0
    assert fire_due(was + 4 * HOUR) == 1
    assert Deadline.objects.get(name="reply", state="missed").due == was + 4 * HOUR
    assert due() == was + 10 * HOUR
    assert not Measure.objects.filter(kind="suspend", refund=False).exists()


def test_a_chain_of_deadlines_does_not_fall_at_once_when_an_answer_lay_unread_for_a_day(jim: Provider) -> None:
    was = due()
    hear(mail("Working on it."), at=was - HOUR)
    Deadline.objects.filter(name="payment").update(state="met")
    for hours in range(30):
        assert fire_due(was + hours * HOUR) == 0
    unread.read_reply(Review.objects.get(reason="read_reply"), "incomplete", "ann", was + 30 * HOUR)
    assert fire_due(was + 30 * HOUR) == 0
    assert fire_due(was + 31 * HOUR) == 1
    assert fire_due(was + 31 * HOUR) == 0


def test_the_clock_stands_once_for_answers_that_lay_unread_together(jim: Provider) -> None:
    was = due()
    hear(mail("one"), at=was - 2 * HOUR)
    hear(mail("two"), at=was - HOUR)
    first, second = Review.objects.filter(reason="read_reply").order_by("opened_at")
    unread.read_reply(first, "incomplete", "ann", was + HOUR)
    assert due() == was
    assert fire_due(was + HOUR) == 0
    unread.read_reply(second, "incomplete", "ann", was + 2 * HOUR)
    assert due() == was + 4 * HOUR


def test_an_answer_that_came_too_late_holds_nothing_up(jim: Provider) -> None:
    was = due()
    hear(mail("Sorry, late."), at=was + timedelta(seconds=1))
    assert fire_due(was + HOUR) == 1


def test_what_opened_after_an_answer_is_not_answered_by_it(jim: Provider) -> None:
    hear(mail("All done."), at=NOW + 5 * HOUR)
    take(signed_complaint("isp.example.net", note="2", at="Mon, 2 Mar 2026 18:30:00 +0000"), at=NOW + 7 * HOUR)
    assert Deadline.objects.filter(name="reply", state="open").count() == 2
    unread.read_reply(Review.objects.get(reason="read_reply"), "complete", "ann", NOW + 8 * HOUR)
    assert due() > NOW + 13 * HOUR


def test_an_answer_is_read_once(jim: Provider) -> None:
    hear(mail())
    review = Review.objects.get(reason="read_reply")
    assert unread.read_reply(review, "incomplete", "ann", NOW + 2 * HOUR)
    assert not unread.read_reply(review, "complete", "bob", NOW + 2 * HOUR)
    assert Deadline.objects.filter(name="reply", state="open").exists()


def test_where_any_reply_counts_the_deadline_is_met_at_once_and_a_person_still_reads_it() -> None:
    with_addresses(provider(pack="scalibit", in_force_from=NOW - 99 * HOUR))
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net"))
    perform_effects("w", NOW)
    hear(mail("We dispute this."))
    assert Deadline.objects.get(name="reply").state == "met"
    assert Review.objects.filter(reason="customer_wrote").exists()
    assert not Review.objects.filter(reason="read_reply").exists()


def test_a_customers_mail_without_any_token_stops_the_clock_until_it_is_read(jim: Provider) -> None:
    was = due()
    hear(
        mail("Your complaint about 192.0.2.1: we removed it.", to="abuse@jim.example.org", subject="our server"),
        at=was - HOUR,
    )
    assert (replies(), Report.objects.count()) == ([], 1)
    assert fire_due(was) == 0
    unread.read_reply(Review.objects.get(reason="read_reply"), "complete", "ann", was + HOUR)
    assert Deadline.objects.get(name="reply").state == "met"


# --- machines -------------------------------------------------------------------------------------------------------

MACHINES = {
    "english": ("Automatic reply: Abuse complaint", "I am out of office.", {"Auto_Submitted": "auto-replied"}),
    "german": ("Abwesenheitsnotiz: Re: Abuse", "Ich bin bis 9. März nicht im Büro.", {}),
    "chinese": ("自动回复：投诉", "您好，我正在休假。", {}),
    "receipt": (
        "[Ticket#4711] Abuse complaint",
        "We have received your request and will get back to you.",
        {"Auto_Submitted": "auto-generated", "Precedence": "bulk"},
    ),
}


@pytest.mark.parametrize("name", MACHINES)
def test_a_machines_answer_is_no_reply(jim: Provider, name: str) -> None:
    subject, text, headers = MACHINES[name]
    was = due()
    hear(mail(text, subject=subject, **headers))
    assert not TicketEntry.objects.filter(message_id__isnull=False).exists()
    assert replies() == []
    assert not Review.objects.filter(reason="read_reply").exists()
    message = Message.objects.latest("received_at")
    assert message.outcome == "not_a_report"
    assert message.reason.startswith("no answer to ticket")
    assert fire_due(was) == 1


def test_what_a_machine_may_have_written_is_read_by_a_person_before_anything_counts(jim: Provider) -> None:
    """Help desks mark what their people write as automatic, too."""
    was = due()
    hear(mail("We removed the mailer, Jo", Auto_Submitted="auto-generated"))
    assert replies() == []
    assert fire_due(was) == 0
    unread.read_reply(Review.objects.get(reason="read_reply"), "complete", "ann", was)
    assert Deadline.objects.get(name="reply").state == "met"


def test_nothing_answers_an_answer(jim: Provider, post: Mailbox) -> None:
    hear(mail(), mail("auto", Auto_Submitted="auto-replied"), mail("x", sender="who@example.net"))
    perform_effects("w", NOW + 2 * HOUR)
    assert post.got == []


def test_our_own_notice_that_comes_back_is_no_complaint(jim: Provider) -> None:
    reports = Report.objects.count()
    own = notice()
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = (
        "abuse@jim.example.org",
        "abuse@jim.example.org",
        own.message_id,
    )
    message["Subject"] = own.subject
    message.set_content(own.text)
    hear(message.as_bytes())
    assert Report.objects.count() == reports
    assert Message.objects.latest("received_at").reason == "our own notice, sent back to us"


# --- complaints that follow on our mail -----------------------------------------------------------------------------


def test_a_known_reporters_complaint_that_names_our_notice_is_read_as_one(jim: Provider) -> None:
    known_reporter("other.example.net")
    answering = signed_complaint("other.example.net", note="9").replace(
        b"Subject: FW", f"In-Reply-To: {notice().message_id}\r\nSubject: FW".encode()
    )
    hear(answering)
    assert Report.objects.count() == 2
    assert not TicketEntry.objects.filter(message_id__isnull=False).exists()


def test_a_machine_report_sent_to_a_ticket_is_a_report_and_stands_in_the_ticket(jim: Provider) -> None:
    hear(complaint(ip="192.0.2.2", sender="who@elsewhere.example.com", to=ticket_address(), note="9"))
    assert Report.objects.count() == 2
    assert TicketEntry.objects.get(message_id__isnull=False).author == "stranger"


def test_a_token_that_is_only_quoted_is_nothing(jim: Provider) -> None:
    text = f"Your mail said: answer to {ticket_address()}. 192.0.2.2 still sends spam."
    hear(mail(text, sender="who@example.net", to="abuse@jim.example.org", subject="Spam"))
    assert not TicketEntry.objects.filter(message_id__isnull=False).exists()


# --- bounces --------------------------------------------------------------------------------------------------------

DSN = """\
From: Mail Delivery System <MAILER-DAEMON@mx.example.com>
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I could not deliver your message.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; jo@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b
Content-Type: text/rfc822-headers

Message-ID: {original}
Subject: Abuse complaint

--b--
"""


def dsn(to: str = "", action: str = "failed", status: str = "5.1.1") -> bytes:
    one = Notice.objects.filter(to="customer").latest("written_at")
    to = to or tokens.bounce_address(one.brand, one.pk)
    return DSN.format(to=to, action=action, status=status, original=one.message_id).replace("\n", "\r\n").encode()


def test_a_bounce_marks_its_notice_and_asks_a_person_where_no_address_is_left(jim: Provider) -> None:
    hear(dsn(), envelope_from="")
    one = notice()
    assert (one.state, one.response) == ("bounced", "jo@example.com: 5.1.1 550 5.1.1 no such user")
    assert "review:unserved" in Case.objects.get().needs
    assert Message.objects.latest("received_at").outcome == "not_a_report"


def test_a_bounce_without_verp_is_found_by_what_it_brings_back(jim: Provider) -> None:
    hear(dsn(to="abuse@jim.example.org"), envelope_from="")
    assert notice().state == "bounced"


def test_an_old_style_bounce_is_one(jim: Provider) -> None:
    one = notice()
    text = "Hi. I was not able to deliver your message.\n\n<jo@example.com>:\n550 5.1.1 user unknown\n"
    hear(
        mail(
            text,
            sender="MAILER-DAEMON@mx.example.com",
            to=tokens.bounce_address(one.brand, one.pk),
            subject="failure notice",
        ),
        envelope_from="",
    )
    one.refresh_from_db()
    assert one.state == "bounced"
    assert "5.1.1" in one.response


def test_a_delay_is_no_bounce(jim: Provider) -> None:
    hear(dsn(action="delayed", status="4.4.1"), envelope_from="")
    assert notice().state != "bounced"
    assert not Review.objects.filter(reason="unserved").exists()


def test_the_next_contact_gets_the_same_words_as_a_notice_of_its_own(jim: Provider, post: Mailbox) -> None:
    Contact.objects.create(customer=jim.customer, email="second@example.com", role="other", position=1)
    Contact.objects.create(customer=jim.customer, email="third@example.com", role="other", position=2)
    hear(dsn(), envelope_from="")
    perform_effects("w", NOW + HOUR)
    hear(dsn(), envelope_from="", at=NOW + 2 * HOUR)
    perform_effects("w", NOW + 2 * HOUR)
    hear(dsn(), envelope_from="", at=NOW + 3 * HOUR)

    assert [one.rcpt_tos[0] for one in post.got] == ["second@example.com", "third@example.com"]
    sent = Notice.objects.filter(to="customer")
    assert len({one.message_id for one in sent}) == 3
    assert len({(one.subject, one.text) for one in sent}) == 1
    assert {one.state for one in sent} == {"bounced"}
    assert TicketEntry.objects.count() == 1
    assert Review.objects.filter(reason="unserved").count() == 1


def test_the_same_bounce_twice_orders_one_notice(jim: Provider) -> None:
    Contact.objects.create(customer=jim.customer, email="second@example.com", role="other", position=1)
    first = dsn()
    hear(first, first.replace(b"I could not", b"We could not"), envelope_from="")
    assert Effect.objects.filter(key__startswith="bounced:").count() == 1


def test_the_ticket_alone_serves_unless_the_brand_says_otherwise(jim: Provider) -> None:
    was = due()
    hear(dsn(), envelope_from="")
    assert due() == was
    assert fire_due(was) == 1


def test_where_the_ticket_does_not_serve_the_clock_stands_until_the_customer_was_reached(jim: Provider) -> None:
    Brand.objects.update(settings={"ticket_serves": False})
    was = due()
    hear(dsn(), envelope_from="")
    assert fire_due(was + 9 * HOUR) == 0
    assert unread.served(Review.objects.get(reason="unserved"), "ann", NOW + 20 * HOUR, "called")
    assert due() == was + 20 * HOUR


def test_where_the_ticket_does_not_serve_the_next_address_has_the_whole_time(jim: Provider) -> None:
    Brand.objects.update(settings={"ticket_serves": False})
    Contact.objects.create(customer=jim.customer, email="second@example.com", role="other", position=1)
    was = due()
    hear(dsn(), envelope_from="", at=NOW + 2 * HOUR)
    assert due() == was + 2 * HOUR


def test_a_forged_bounce_does_nothing(jim: Provider) -> None:
    one = notice()
    address = tokens.bounce_address(one.brand, one.pk).replace("@", "x@")
    hear(dsn(to=address).replace(one.message_id.encode(), b"<other@example.com>"), envelope_from="")
    assert notice().state != "bounced"


# --- crashes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [(answers, "_enter"), (bounces, "_again"), (answers, "refresh_needs")])
def test_a_reader_that_dies_leaves_nothing_half_done_and_the_next_does_all_once(
    jim: Provider, monkeypatch: pytest.MonkeyPatch, where: tuple[Any, str]
) -> None:
    Contact.objects.create(customer=jim.customer, email="second@example.com", role="other", position=1)
    receive_many([Incoming(one, "test", NOW + HOUR) for one in (mail(), dsn())])
    with monkeypatch.context() as patch:
        patch.setattr(*where, _die)
        with pytest.raises(KeyboardInterrupt):
            process_messages(NOW + HOUR)
    assert replies() == []
    assert not TicketEntry.objects.filter(author="customer").exists()
    assert notice().state != "bounced"
    assert fire_due(due()) == 0

    while process_messages(NOW + 2 * HOUR):
        pass
    assert [at for _, at in replies()] == [NOW + HOUR]
    assert TicketEntry.objects.filter(author="customer").count() == 1
    assert Effect.objects.filter(key__startswith="bounced:").count() == 1


def _die(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_an_answer_that_cannot_be_read_is_put_before_a_person_with_its_ticket(
    jim: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("oh")

    was = due()
    monkeypatch.setattr(answers, "heard", broken)
    hear(mail())
    assert "could not be read" in Review.objects.get(reason="read_reply").detail
    assert fire_due(was) == 0


def test_where_the_ticket_does_not_serve_a_refusal_at_the_door_stops_the_clock_too(post: Mailbox) -> None:
    post.rcpt = {JO: "550 5.1.1 no such user"}
    complained_of("jimcloud", settings={"ticket_serves": False})
    assert "5.1.1 no such user" in Review.objects.get(reason="unserved").detail
    assert fire_due(due() + HOUR) == 0


def test_mail_that_names_no_ticket_stops_the_clocks_of_all_that_wait_for_its_writer(jim: Provider) -> None:
    second = Service.objects.create(brand=jim.brand, ref="s2", customer=jim.customer, since=LONG_AGO)
    Assignment.objects.create(service=second, prefix="198.51.100.7/32", period=(LONG_AGO, None))
    take(signed_complaint("isp.example.net", ip="198.51.100.7", note="2"))
    perform_effects("w", NOW)
    was = Deadline.objects.filter(name="reply", state="open").latest("due").due
    hear(mail("We are on it.", to="abuse@jim.example.org", subject="both servers"))
    assert Review.objects.filter(reason="read_reply").count() == 2
    assert fire_due(was + HOUR) == 0
    unread.read_reply(Review.objects.filter(reason="read_reply").order_by("pk")[0], "complete", "ann", was + HOUR)
    assert sorted(Deadline.objects.filter(name="reply").values_list("state", flat=True)) == ["met", "open"]
    assert sorted(map(str, TicketEntry.objects.exclude(message_id=None).values_list("complete", flat=True))) == [
        "None",
        "True",
    ]
