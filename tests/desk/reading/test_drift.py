"""A sender whose messages yield less than before is put before a person, once, and nobody else is."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk.intake import process_messages
from abusedesk.desk.reading import drift
from abusedesk.desk.receive import Incoming, receive_many
from abusedesk.records.models import Review, SenderDay
from tests.desk.estate import NOW, complaint, provider, with_addresses


def days(sender: str, first: int, last: int, messages: int, *, sourced: int, timed: int | None = None) -> None:
    """The same yield on each of the days from `first` to `last` before now."""
    for ago in range(first, last - 1, -1):
        day = (NOW - timedelta(days=ago)).date()
        drift.note([(sender, day, n < sourced, n < (sourced if timed is None else timed)) for n in range(messages)])


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_share_that_stays_has_not_fallen(of: int, of_now: int) -> None:
    assert not drift.fell(of, of, of_now, of_now)
    assert not drift.fell(0, of, 0, of_now)


@pytest.mark.parametrize(
    ("was", "of", "now", "of_now", "fallen"),
    [
        (98, 100, 0, 20, True),
        (98, 100, 12, 20, True),
        (98, 100, 95, 100, False),
        (6, 10, 3, 10, False),
        (9, 9, 0, 9, False),
        (100, 100, 0, 4, False),
        (100, 100, 0, 5, True),
    ],
)
def test_a_fall_is_more_than_chance_and_more_than_a_little(
    was: int, of: int, now: int, of_now: int, *, fallen: bool
) -> None:
    assert drift.fell(was, of, now, of_now) is fallen


@pytest.mark.django_db
def test_a_sender_whose_sources_stop_is_put_before_a_person_once() -> None:
    days("loop.example.net", 30, 8, 5, sourced=5)
    days("loop.example.net", 6, 0, 5, sourced=0)
    days("calm.example.net", 30, 0, 5, sourced=5)

    assert drift.check(NOW) == 1
    assert drift.check(NOW + timedelta(hours=1)) == 0
    review = Review.objects.get()
    assert review.reason == "format_drift"
    assert review.detail == (
        "loop.example.net: 0 of 35 messages in the last seven days yielded a source, against 100% before; "
        "0 of 35 messages in the last seven days yielded a time for every source, against 100% before. "
        "Its format may have changed."
    )


@pytest.mark.django_db
def test_times_that_stop_are_an_alarm_of_their_own() -> None:
    days("loop.example.net", 30, 8, 5, sourced=5)
    days("loop.example.net", 6, 0, 5, sourced=5, timed=0)

    (one,) = drift.senders(NOW)

    assert one.alarms == (
        "0 of 35 messages in the last seven days yielded a time for every source, against 100% before",
    )


@pytest.mark.django_db
def test_a_busy_sender_shows_the_same_day() -> None:
    days("loop.example.net", 30, 1, 100, sourced=100)
    days("loop.example.net", 0, 0, 40, sourced=1)

    assert drift.check(NOW) == 1
    assert Review.objects.get().detail.startswith("loop.example.net: 1 of 40 messages today yielded a source")


@pytest.mark.django_db
def test_an_answered_alarm_may_come_again_another_day() -> None:
    days("loop.example.net", 30, 8, 5, sourced=5)
    days("loop.example.net", 6, 0, 5, sourced=0)
    drift.check(NOW)
    Review.objects.update(closed_at=NOW)

    assert drift.check(NOW + timedelta(days=1)) == 1


@pytest.mark.django_db
def test_old_days_are_forgotten() -> None:
    days("loop.example.net", 120, 120, 5, sourced=5)

    drift.check(NOW)

    assert not SenderDay.objects.exists()


@pytest.mark.django_db
def test_intake_counts_what_messages_yield_and_no_strangers_noise() -> None:
    with_addresses(provider())
    newsletter = b"From: news@shop.example.com\nTo: x@example.net\nSubject: Sale\nList-Unsubscribe: <x>\n\nBuy now\n"
    receive_many([Incoming(complaint(), "mail", NOW), Incoming(newsletter, "mail", NOW)])
    process_messages(NOW)

    (day,) = SenderDay.objects.all()
    assert (day.day, day.messages, day.sourced, day.timed) == (NOW.date(), 1, 1, 1)
