"""The reading pages: senders' yields, the operator's own rules, and reading again."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from abusedesk.desk.intake import process_messages
from abusedesk.desk.reading import drift
from abusedesk.desk.receive import Incoming, receive_many
from abusedesk.records.models import Message, ReadingRule, Report, Review
from abusedesk.vocabulary.permission import READING_RULES
from tests.desk.estate import provider, with_addresses

ODD = b"""\
From: Monitor <alerts@sensors.example.net>
To: <abuse@jim.example.org>
Subject: Ticket 12
Content-Type: text/plain

Offender :: see below
Host under watch=192.0.2.5
"""
RULE = {
    "name": "monitor",
    "sender": "sensors.example.net",
    "subject": "",
    "verdict": "reports",
    "category": "connection/port_scan",
    "categories": "",
    "enabled": "on",
    "column_source": "Host under watch",
}


@pytest.fixture
def teacher(page: Client, staff: Any) -> Client:
    staff.groups.add(Group.objects.create(name=READING_RULES))
    return page


@pytest.fixture
def unread(db: Any) -> Message:
    with_addresses(provider())
    receive_many([Incoming(ODD, "mail", timezone.now())])
    process_messages(timezone.now())
    return Message.objects.get()


def text(response: Any) -> str:
    body: str = response.content.decode()
    return body


def test_the_empty_page_says_what_will_be_there(page: Client) -> None:
    shown = text(page.get("/reading"))
    assert "No rule of your own" in shown
    assert "Nobody wrote in the last five weeks" in shown


def test_a_sender_that_yields_less_stands_first_with_what_fell(page: Client) -> None:
    today = timezone.now().date()
    drift.note([("calm.example.net", today, True, True)] * 90)
    drift.note([("loop.example.net", today - timedelta(days=20), True, True)] * 30)
    drift.note([("loop.example.net", today, False, False)] * 10)

    shown = text(page.get("/reading"))

    assert shown.index("loop.example.net") < shown.index("calm.example.net")
    assert "0 of 10 messages in the last seven days yielded a source, against 100% before" in shown


@pytest.mark.parametrize("path", ["/reading/again", "/reading/rules/new"])
def test_rules_are_for_few(path: str, page: Client) -> None:
    assert page.get(path).status_code == 403


def test_a_rule_is_tried_on_past_messages_and_changes_nothing(teacher: Client, unread: Message) -> None:
    shown = text(teacher.post("/reading/rules/new", {**RULE, "try": "1"}))

    assert "192.0.2.5" in shown
    assert "was: needs a person" in shown
    assert not ReadingRule.objects.exists()
    assert not Report.objects.exists()


def test_a_saved_rule_reads_what_waits_when_it_is_read_again(teacher: Client, unread: Message) -> None:
    teacher.post("/reading/rules/new", {**RULE, "save": "1"})
    assert "1 would be understood now" in text(teacher.get("/reading/again"))
    assert not Report.objects.exists()

    teacher.post("/reading/again")
    process_messages(timezone.now())

    assert Report.objects.get().format == "own: monitor"
    assert not Review.objects.filter(message_id=unread.pk, closed_at=None).exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sender": ""}, "Say whom it is for"),
        ({"column_source": ""}, "Name the column or label"),
        ({"categories": "scan = connection/nothing"}, "is no line such as"),
        ({"categories": "scan"}, "is no line such as"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_what_keeps_a_rule_from_being_used_is_said_at_its_field(
    changed: dict[str, str], said: str, teacher: Client
) -> None:
    response = teacher.post("/reading/rules/new", {**RULE, **changed, "save": "1"})

    assert response.status_code == 422
    assert said in text(response)
    assert not ReadingRule.objects.exists()


def test_two_rules_do_not_share_a_name(teacher: Client) -> None:
    teacher.post("/reading/rules/new", {**RULE, "save": "1"})
    assert "Another rule has this name" in text(teacher.post("/reading/rules/new", {**RULE, "save": "1"}))


def test_a_rule_is_shown_as_it_was_saved_and_can_be_switched_off(teacher: Client) -> None:
    teacher.post("/reading/rules/new", {**RULE, "categories": "scan = connection/port_scan", "save": "1"})
    row = ReadingRule.objects.get()
    shown = text(teacher.get(f"/reading/rules/{row.pk}"))
    assert "Host under watch" in shown
    assert "scan = connection/port_scan" in shown

    off = {key: value for key, value in RULE.items() if key != "enabled"}
    teacher.post(f"/reading/rules/{row.pk}", {**off, "save": "1"})
    row.refresh_from_db()
    assert not row.enabled
    assert "switched off" in text(teacher.get("/reading"))


def test_a_rule_moves_up_and_goes(teacher: Client) -> None:
    for name in ("first", "second"):
        teacher.post("/reading/rules/new", {**RULE, "name": name, "save": "1"})
    second = ReadingRule.objects.get(name="second")

    teacher.post(f"/reading/rules/{second.pk}/up")
    assert list(ReadingRule.objects.order_by("position").values_list("name", flat=True)) == ["second", "first"]

    teacher.post(f"/reading/rules/{second.pk}/delete")
    assert list(ReadingRule.objects.values_list("name", flat=True)) == ["first"]


def test_a_message_that_nobody_could_read_offers_a_rule_for_its_sender(teacher: Client, unread: Message) -> None:
    assert f"/reading/rules/new?message={unread.pk}" in text(teacher.get(f"/messages/{unread.pk}"))
    assert 'value="alerts@sensors.example.net"' in text(teacher.get(f"/reading/rules/new?message={unread.pk}"))
