"""Many notices of one kind to one customer go out as one mail, and each stays a notice of its own."""

import csv
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage, Message
from io import StringIO
from typing import Any

import pytest

from abusedesk.desk import hold
from abusedesk.desk.hearing import tokens
from abusedesk.desk.intake import process_messages
from abusedesk.desk.perform import perform_effects
from abusedesk.desk.perform.digest import WAITS
from abusedesk.desk.perform.pace import ATTEMPTS
from abusedesk.desk.receive import Incoming, receive_many
from abusedesk.records.models import (
    Assignment,
    Brand,
    Customer,
    Deadline,
    Effect,
    Notice,
    Review,
    Service,
    TicketEntry,
    TimelineEntry,
)
from tests.contract.mailbox import Mailbox, mailbox
from tests.desk.estate import LONG_AGO, NOW, Provider, known_reporter, provider, signed_complaint, take

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
WAIT = timedelta(minutes=10)
OVER = NOW + WAIT
SERVICES = 7


@pytest.fixture
def post(settings: Any) -> Iterator[Mailbox]:
    with mailbox() as one:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", one.port, 5
        yield one


@pytest.fixture
def jim(post: Mailbox) -> Provider:
    """A customer with seven servers, each complained of: an answer is asked within 48 hours, and nothing was taken."""
    made = provider(pack="scalibit", in_force_from=NOW - 99 * HOUR)
    known_reporter("isp.example.net")
    for number in range(SERVICES):
        label = "=box0" if not number else ""
        service = Service.objects.create(
            brand=made.brand, ref=f"vps-{number}", label=label, customer=made.customer, since=LONG_AGO
        )
        Assignment.objects.create(service=service, prefix=f"192.0.2.{number}/32", period=(LONG_AGO, None))
    take(
        *(signed_complaint("isp.example.net", ip=f"192.0.2.{number}", note=f"n{number}") for number in range(SERVICES))
    )
    return made


def work(*instants: Any) -> None:
    for now in instants:
        perform_effects("w", now, limit=50)


def sent(post: Mailbox) -> list[Message]:
    return [message_from_bytes(one.content) for one in post.got]


def digest() -> Notice:
    return Notice.objects.get(template="digest")


def parts(mail: Message) -> dict[str, str]:
    leaves = (one for one in mail.walk() if not one.is_multipart())
    return {one.get_content_type(): bytes(one.get_payload(decode=True)).decode() for one in leaves}


def dues() -> set[Any]:
    return set(Deadline.objects.filter(name="reply").values_list("due", flat=True))


def test_the_first_go_alone_at_once_and_the_others_as_one(jim: Provider, post: Mailbox) -> None:
    work(NOW)
    assert len(post.got) == 4
    assert set(Effect.objects.filter(state="gathered").values_list("waits", flat=True)) == {WAITS}
    work(OVER - timedelta(seconds=1), OVER)
    assert len(post.got) == 5
    assert Notice.objects.filter(digest=digest()).count() == 3
    assert {one.state for one in Effect.objects.all()} == {"done"}
    assert TicketEntry.objects.count() == SERVICES
    assert TimelineEntry.objects.filter(kind="carried_out").count() == SERVICES


def test_it_lists_each_with_its_ticket_and_until_when(jim: Provider, post: Mailbox) -> None:
    work(NOW, OVER)
    said = parts(sent(post)[-1])
    assert set(said) == {"text/plain", "text/html", "text/csv"}
    rows = list(csv.DictReader(StringIO(said["text/csv"])))
    assert len(rows) == 3
    for row in rows:
        assert row["address"].startswith("192.0.2.")
        assert row["answer_by"] == "2026-03-04T12:10:00Z"
        for told in (row["service"].strip("'"), row["address"], f"ticket {row['ticket']}"):
            assert told in said["text/plain"]
            assert told in said["text/html"]
    assert said["text/plain"].count("answer by 2026-03-04 12:10 UTC") == 3


def test_a_deadline_begins_when_its_notice_is_handed_over(jim: Provider, post: Mailbox) -> None:
    work(NOW)
    assert dues() == {NOW + 48 * HOUR}
    post.rcpt = {"jo@example.com": "450 4.2.0 later"}
    work(OVER)
    post.rcpt = {}
    late = Effect.objects.get(kind="digest").due + HOUR
    work(late)
    assert digest().sent_at == late
    assert dues() == {NOW + 48 * HOUR, late + 48 * HOUR}
    alone = set(Notice.objects.filter(digest=None, template="complaint").values_list("sent_at", flat=True))
    assert alone == {NOW}


def test_a_stop_meanwhile_is_not_given_back_twice(jim: Provider, post: Mailbox) -> None:
    work(NOW)
    hold.press(jim.brand, "ann", "look", NOW + WAIT / 2)
    work(OVER)
    hold.release(jim.brand, "ann", NOW + HOUR)
    work(NOW + HOUR)
    stopped = HOUR - WAIT / 2
    assert dues() == {NOW + 48 * HOUR + stopped, NOW + HOUR + 48 * HOUR}


def test_each_says_the_time_that_it_has(jim: Provider, post: Mailbox) -> None:
    work(NOW, OVER)
    texts = Notice.objects.filter(digest=digest()).values_list("text", flat=True)
    assert all("Please respond by 2026-03-04 12:10 UTC" in text for text in texts)


def test_a_mail_has_one_message_id_and_a_later_one_follows_on_it(jim: Provider, post: Mailbox) -> None:
    work(NOW, OVER)
    ids = [mail["Message-ID"] for mail in sent(post)]
    assert len(set(ids)) == 5
    assert ids[-1] == digest().message_id
    member = Notice.objects.filter(digest=digest()).first()
    assert member is not None
    case = member.case_id
    payload = {"to": "customer", "template": "letter", "case": case, "subject": "s", "text": "t"}
    Effect.objects.create(brand=jim.brand, key="letter:1", kind="notice", payload=payload, due=OVER + HOUR)
    work(OVER + HOUR)
    assert sent(post)[-1]["In-Reply-To"] == digest().message_id


def test_a_crash_after_the_hand_over_sends_the_same_bytes_again(
    jim: Provider, post: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from abusedesk.desk.perform import digest as module

    work(NOW)
    with monkeypatch.context() as patch:
        patch.setattr(module, "handed_over", _die)
        with pytest.raises(KeyboardInterrupt):
            work(OVER)
    before = dues()
    work(OVER + timedelta(minutes=2))
    assert post.got[-1].content == post.got[-2].content
    assert Notice.objects.filter(template="digest").count() == 1
    assert len(dues() - before) <= 1
    assert {one.state for one in Effect.objects.all()} == {"done"}


def _die(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def answer(text: str, sender: str = "jo@example.com") -> None:
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Message-ID"] = sender, "Re: notices", "<a@example.com>"
    mail["To"] = tokens.bounce_address(Brand.objects.get(), digest().pk)
    mail.set_content(text)
    receive_many([Incoming(mail.as_bytes(), "test", OVER + HOUR)])
    process_messages(OVER + HOUR)


def test_one_answer_counts_for_each_that_it_lists(jim: Provider, post: Mailbox) -> None:
    work(NOW, OVER)
    assert tokens.notices_in([tokens.detail_of(sent(post)[-1]["Reply-To"])]) == [digest().pk]
    answer("The sending is stopped on all of them.")
    carried = Notice.objects.filter(digest=digest()).values("case")
    assert set(Deadline.objects.filter(case__in=carried).values_list("state", flat=True)) == {"met"}
    assert set(Deadline.objects.exclude(case__in=carried).values_list("state", flat=True)) == {"open"}
    assert Review.objects.filter(reason="customer_wrote").count() == 3


def test_a_reseller_gets_one_too_and_may_answer_for_its_customers(jim: Provider, post: Mailbox) -> None:
    agent = Customer.objects.create(
        brand=jim.brand, ref="r", name="Agent", email="agent@reseller.example", since=LONG_AGO
    )
    Customer.objects.filter(pk=jim.customer.pk).update(reseller=agent)
    for ordered in list(Effect.objects.filter(kind="notice")):
        Effect.objects.create(
            brand=jim.brand, decision=ordered.decision, key=f"agent:{ordered.pk}", kind="notice", due=NOW,
            payload=ordered.payload | {"to": "reseller", "template": "complaint"},
        )  # fmt: skip
    work(NOW, OVER)
    to_agent = [mail for mail in sent(post) if mail["To"] == "agent@reseller.example"]
    assert len(to_agent) == 5
    tables = [list(csv.DictReader(StringIO(parts(mail)["text/csv"]))) for mail in to_agent]
    assert sorted(map(len, tables)) == [1, 1, 1, 1, 3]
    assert {row["service"] for table in tables for row in table} >= {"'=box0", "vps-1"}
    answered = Notice.objects.get(template="digest", to="reseller")
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Message-ID"] = "agent@reseller.example", "Re: notices", "<b@reseller.example>"
    mail["To"] = tokens.bounce_address(jim.brand, answered.pk)
    mail.set_content("All of them were cleaned.")
    receive_many([Incoming(mail.as_bytes(), "test", OVER + HOUR)])
    process_messages(OVER + HOUR)
    carried = Notice.objects.filter(digest=answered).values("case")
    assert set(Deadline.objects.filter(case__in=carried).values_list("state", flat=True)) == {"met"}


def test_where_it_is_refused_each_goes_alone_to_the_next_contact(jim: Provider, post: Mailbox) -> None:
    jim.customer.contacts.create(email="second@example.com", position=1)
    work(NOW)
    post.rcpt = {"jo@example.com": "550 5.1.1 no such user", "second@example.com": "550 5.1.1 nor this"}
    work(OVER)
    post.rcpt = {"jo@example.com": "550 5.1.1 no such user"}
    work(OVER)
    assert [one.rcpt_tos[-1] for one in post.got[4:]] == ["second@example.com"] * 3
    assert Effect.objects.get(kind="digest").state == "dropped"
    assert not Effect.objects.exclude(kind="digest").exclude(state="done").exists()


def test_where_it_comes_back_each_is_unserved_by_itself(jim: Provider, post: Mailbox) -> None:
    work(NOW, OVER)
    back = (
        "From: MAILER-DAEMON@mx.example.com\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\nMIME-Version: 1.0\r\n'
        f"To: {tokens.bounce_address(jim.brand, digest().pk)}\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n"
        "Final-Recipient: rfc822; jo@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    )
    receive_many([Incoming(back.encode(), "test", OVER + HOUR, envelope_from="")])
    process_messages(OVER + HOUR)
    assert Notice.objects.filter(state="bounced").count() == 4
    assert Review.objects.filter(reason="unserved").count() == 3


@pytest.mark.parametrize(
    ("said", "mails"), [({"digest_from": 0}, 7), ({"digest_from": 2}, 1), ({"digest_wait": "PT20H"}, 7)]
)
def test_the_brand_says_from_how_many_on(jim: Provider, post: Mailbox, said: dict[str, Any], mails: int) -> None:
    Brand.objects.update(settings=said)
    work(NOW)
    assert len(post.got) == mails


@pytest.mark.parametrize("more", [{"measures": [{"measure": "suspend"}]}, {"charges": [{"name": "fine"}]}])
def test_what_takes_or_charges_something_goes_alone(jim: Provider, post: Mailbox, more: dict[str, Any]) -> None:
    for one in Effect.objects.filter(kind="notice"):
        Effect.objects.filter(pk=one.pk).update(payload=one.payload | more)
    work(NOW)
    assert len(post.got) == SERVICES


def test_after_the_time_they_go_alone_again(jim: Provider, post: Mailbox) -> None:
    work(NOW, OVER)
    later, before = NOW + 2 * HOUR, Effect.objects.filter(kind="notice").earliest("pk")
    Effect.objects.create(
        brand=jim.brand, decision=before.decision, key="again", kind="notice", payload=before.payload, due=later
    )
    work(later)
    assert len(post.got) == 6


def test_given_up_each_goes_alone(jim: Provider, post: Mailbox) -> None:
    work(NOW)
    Effect.objects.filter(kind="digest").update(attempts=ATTEMPTS)
    work(OVER, OVER)
    assert [one.rcpt_tos for one in post.got] == [["jo@example.com"]] * SERVICES
    assert len({one.content for one in post.got}) == SERVICES
