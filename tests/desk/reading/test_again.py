"""Messages that nobody could read are read again: nothing begins in the past, and nothing is asked twice."""

from datetime import timedelta

import pytest

from abusedesk.desk.intake import process_messages
from abusedesk.desk.reading import again
from abusedesk.desk.receive import Incoming, receive_many
from abusedesk.records.models import Deadline, Message, MessageKey, ReadingRule, Report, Review
from tests.desk.estate import NOW, provider, with_addresses

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=5)
ODD = b"""\
From: Monitor <alerts@sensors.example.net>
To: <abuse@jim.example.org>
Subject: Ticket 12
Date: Mon, 2 Mar 2026 11:00:00 +0000
Content-Type: text/plain

Offender :: see below
Host under watch=192.0.2.5
Moment=2026-03-02T10:00:00Z
"""


@pytest.fixture
def unread() -> Message:
    """A message that no format knows, put before a person."""
    with_addresses(provider())
    receive_many([Incoming(ODD, "mail", NOW)])
    process_messages(NOW)
    message = Message.objects.get()
    assert message.outcome == "needs_review"
    return message


def teach() -> None:
    body = {
        "verdict": "reports",
        "sender": "sensors.example.net",
        "category": "connection/port_scan",
        "columns": {"source": "Host under watch", "occurred_at": "Moment"},
    }
    ReadingRule.objects.create(name="monitor", body=body, changed_at=NOW)


def test_what_is_not_understood_still_stays_where_it_is(unread: Message) -> None:
    (one,) = again.look(again.waiting())

    assert not one.is_understood
    assert Review.objects.get(message_id=unread.pk).closed_at is None


def test_what_is_understood_now_becomes_a_report_as_of_now(unread: Message) -> None:
    teach()
    (one,) = again.look(again.waiting())
    assert one.is_understood
    assert again.give_back(one.message, "ann", LATER)
    process_messages(LATER)

    report = Report.objects.get()
    assert (report.format, report.received_at) == ("own: monitor", LATER)
    assert Message.objects.get().outcome == "reported"
    assert {due > LATER for due in Deadline.objects.values_list("due", flat=True)} == {True}


def test_the_question_is_answered_by_whoever_read_again(unread: Message) -> None:
    teach()
    again.give_back(unread, "ann", LATER)

    review = Review.objects.get(message_id=unread.pk)
    assert (review.closed_by, review.answer) == ("ann", again.ANSWER)
    assert not again.waiting().exists()


def test_a_message_is_given_back_once(unread: Message) -> None:
    teach()
    assert again.give_back(unread, "ann", LATER)
    assert not again.give_back(unread, "bob", LATER)


def test_what_turns_out_unreadable_once_more_is_asked_once_more(unread: Message) -> None:
    again.give_back(unread, "ann", LATER)
    process_messages(LATER)

    assert Review.objects.filter(message_id=unread.pk, closed_at=None).count() == 1


def test_bytes_that_are_gone_are_not_read(unread: Message) -> None:
    teach()
    MessageKey.objects.all().delete()

    (one,) = again.look(again.waiting())

    assert one.reading is None
    assert not one.is_understood


def test_only_what_came_since_is_looked_at(unread: Message) -> None:
    assert unread.received_at == NOW
    assert not again.waiting(NOW + timedelta(seconds=1)).exists()
    assert again.waiting(NOW).exists()
