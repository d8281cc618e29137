"""Mails to one domain go at its pace; what slows one down keeps no other waiting."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from abusedesk.desk.perform import perform_effects
from abusedesk.desk.perform.destination import PAUSE_AFTER
from abusedesk.records.models import Customer, Deadline, Effect, Pace
from tests.contract.mailbox import Mailbox, mailbox
from tests.desk.rows import HOUR, NOW, Desk, desk

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture
def post(settings: Any) -> Iterator[Mailbox]:
    with mailbox() as one:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", one.port, 5
        settings.CONFIGURATION = replace(settings.CONFIGURATION, mail_per_minute=3, mail_at_once=1)
        yield one


@pytest.fixture
def acme() -> Desk:
    made = desk(settings={"digest_from": 0})
    made.deadline(NOW + 6 * HOUR)
    return made


def ordered(of: Desk, count: int = 1) -> list[Effect]:
    return [of.notice(template="complaint", clauses=["jimcloud:8.a"]) for _ in range(count)]


def elsewhere() -> Desk:
    other = desk("other", settings={"digest_from": 0})
    Customer.objects.filter(pk=other.customer.pk).update(email="ann@elsewhere.example")
    other.deadline(NOW + 6 * HOUR)
    return other


def waits() -> list[tuple[datetime, str]]:
    return sorted(Effect.objects.filter(state="pending").values_list("due", "waits"))


def test_so_many_a_minute_go_and_the_others_have_their_turn(acme: Desk, post: Mailbox) -> None:
    ordered(acme, 6)
    ordered(elsewhere())
    perform_effects("w", NOW)
    assert [one.rcpt_tos[0].partition("@")[2] for one in post.got] == ["customer.example"] * 3 + ["elsewhere.example"]
    said = "customer.example: at most 3 a minute"
    assert waits() == [(NOW + 20 * SECOND, said), (NOW + 40 * SECOND, said), (NOW + 60 * SECOND, said)]
    for seconds in (20, 40, 60):
        perform_effects("w", NOW + seconds * SECOND)
    assert len(post.got) == 7
    assert set(Effect.objects.values_list("state", "attempts", "waits")) == {("done", 1, "")}


def test_a_domain_that_takes_nothing_is_left_alone_and_then_tried_with_one_mail(acme: Desk, post: Mailbox) -> None:
    ordered(acme, PAUSE_AFTER)
    post.rcpt = {"jo@customer.example": "451 4.7.1 slow down"}
    perform_effects("w", NOW)
    row = Pace.objects.get(name="mail:customer.example")
    assert row.failures == PAUSE_AFTER
    assert row.paused_until is not None
    ordered(acme)
    ordered(elsewhere())
    perform_effects("w", NOW)
    assert [one.rcpt_tos[0] for one in post.got] == ["ann@elsewhere.example"]
    assert any("customer.example takes nothing now" in said and "451 4.7.1 slow down" in said for _, said in waits())
    post.rcpt = {}
    # The worker that comes when the time is over tries it with one mail; that is taken, and the others follow.
    over = NOW + 10 * 60 * SECOND
    perform_effects("w", over)
    assert len(post.got) == 2
    assert Pace.objects.get(name="mail:customer.example").failures == 0
    for minutes in (1, 2, 3):
        perform_effects("w", over + minutes * 60 * SECOND)
    assert len(post.got) == 5


def test_one_address_that_says_not_now_slows_and_stops_nobody(acme: Desk, post: Mailbox) -> None:
    ordered(acme)
    post.rcpt = {"jo@customer.example": "450 4.2.0 greylisted"}
    perform_effects("w", NOW)
    assert Pace.objects.get(name="mail:customer.example").paused_until is None


def test_so_many_workers_write_to_it_at_once(acme: Desk, post: Mailbox) -> None:
    ordered(acme)
    busy = acme.notice(template="complaint", clauses=["jimcloud:8.a"])
    leased = {"lease_owner": "w2", "lease_until": NOW + HOUR, "destination": "customer.example", "attempts": 1}
    Effect.objects.filter(pk=busy.pk).update(**leased)
    perform_effects("w", NOW)
    assert post.got == []
    assert "customer.example: 1 are on their way at once" in [said for _, said in waits()]


def test_nothing_is_paced_where_a_folder_takes_the_mails(acme: Desk) -> None:
    ordered(acme, 6)
    assert perform_effects("w", NOW) == 6
    assert not Effect.objects.exclude(state="done").exists()
    assert not Pace.objects.exists()
    assert Deadline.objects.count() == 1
