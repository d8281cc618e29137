"""What waits too long: shown, reminded of once a day, and ended by the clock where the brand says so."""

from datetime import timedelta
from typing import Any

import pytest

from abusedesk.desk import hold
from abusedesk.desk.approvals.overdue import look
from abusedesk.desk.enact import docket_of, submit
from abusedesk.desk.perform import perform_effects
from abusedesk.policy.stimulus import Proposal as Proposed
from abusedesk.policy.stimulus import Report, Request
from abusedesk.records.models import Brand, Effect, Measure, Notice, Proposal
from abusedesk.vocabulary.approval import SETTING
from tests.desk.estate import NOW, Provider, provider, with_addresses

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def waiting(db: None) -> Provider:
    estate = with_addresses(provider())
    submit(docket_of(estate.service), Proposed("ann", "suspend"), key="p1", at=NOW)
    return estate


@pytest.fixture
def people(django_user_model: Any) -> None:
    for name in ("ann", "bo"):
        django_user_model.objects.create_user(name, f"{name}@example.net")


def settle(**given: object) -> None:
    Brand.objects.update(settings={SETTING: given})


def mails() -> list[Effect]:
    return list(Effect.objects.filter(payload__template="approvals").order_by("due", "pk"))


def test_a_day_is_too_long_unless_the_brand_says_otherwise(waiting: Provider) -> None:
    assert look(NOW + 23 * HOUR) == 0
    settle(remind_after="PT0S")
    assert look(NOW + 90 * DAY) == 0
    settle(remind_after="PT2H")
    assert look(NOW + 2 * HOUR) == 1


def test_who_can_answer_is_reminded_once_a_day(waiting: Provider, people: None) -> None:
    assert [look(NOW + hours * HOUR) for hours in (23, 24, 25, 47, 48)] == [0, 1, 0, 0, 1]
    assert [one.payload["address"] for one in mails()] == ["bo@example.net", "bo@example.net"]
    perform_effects("w1", NOW + 48 * HOUR)
    (sent,) = Notice.objects.filter(state="sent") | Notice.objects.filter(state="outbox")
    assert "* suspend: s1, Jo" in sent.text
    assert f"/approvals/{Proposal.objects.get().pk}" in sent.text


def test_without_an_address_it_is_shown_to_staff(waiting: Provider) -> None:
    look(NOW + DAY)
    perform_effects("w1", NOW + DAY)
    assert Notice.objects.get(template="approvals").state == "shown"


def test_it_expires_where_the_brand_says_so(waiting: Provider, people: None) -> None:
    settle(remind_after="PT0S", expire_after="P3D")
    assert [look(NOW + 3 * DAY - HOUR), look(NOW + 3 * DAY), look(NOW + 4 * DAY)] == [0, 1, 0]
    assert Measure.objects.get().decided == "withdrawn"
    one = Proposal.objects.get()
    assert (one.answer, one.closed_by, one.reason) == ("expired", "the clock", "nobody answered within 3 days")
    assert [each.payload["address"] for each in mails()] == ["bo@example.net"]
    assert "expired" in mails()[0].payload["words"]["subject"]


def test_what_a_customer_asks_for_does_not_expire(waiting: Provider) -> None:
    settle(remind_after="PT0S", expire_after="P3D")
    submit(docket_of(waiting.service), Request("q1", "unblock", "192.0.2.1"), key="q1", at=NOW)
    look(NOW + 9 * DAY)
    assert [one.kind for one in Proposal.objects.filter(closed_at=None)] == ["request"]


def test_what_grew_begins_anew(waiting: Provider) -> None:
    settle(remind_after="PT0S", expire_after="P3D")
    for number in range(2):
        report = Report(f"r{number}", "copyright/copyright", (f"192.0.2.{number + 1}",), NOW)
        submit(docket_of(waiting.service), report, key=report.id, at=NOW + number * 2 * DAY)
    look(NOW + 4 * DAY)
    assert [one.name for one in Proposal.objects.filter(closed_at=None)] == ["fine"]


def test_the_clock_stands_while_the_brand_does(waiting: Provider) -> None:
    settle(remind_after="PT0S", expire_after="P3D")
    hold.press(waiting.brand, "ann", "a wrong feed", NOW + DAY)
    assert look(NOW + 5 * DAY) == 0
    hold.release(waiting.brand, "ann", NOW + 5 * DAY)
    assert [look(NOW + 7 * DAY), look(NOW + 8 * DAY + HOUR)] == [0, 1]


def test_a_setting_that_cannot_be_read_lets_nothing_expire(waiting: Provider) -> None:
    settle(expire_after="soon")
    assert look(NOW + 9 * DAY) == 1
    assert Proposal.objects.get().closed_at is None
