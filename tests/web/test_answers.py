"""What a customer wrote, on the page of the case, and what a person says that it says."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from abusedesk.records.models import Case, Docket, Review, Ticket, TicketEntry
from tests.web import rows


@pytest.fixture
def asked(desk: rows.Desk) -> Review:
    """An answer that nobody has read."""
    case, message, now = Case.objects.get(pk=desk.case.pk), uuid.uuid4(), timezone.now()
    ticket, _ = Ticket.objects.get_or_create(
        case=case, defaults={"brand": case.brand, "customer": case.customer, "token": "TOKEN22222", "opened_at": now}
    )
    said = {"text": "It is <b>done</b>.\n> Please", "shown": "It is <b>done</b>.", "sender": "jo@example.com"}
    TicketEntry.objects.create(ticket=ticket, at=now, author="customer", message_id=message, **said)
    return Review.objects.create(
        brand=case.brand,
        docket=Docket.objects.get(service=case.service),
        case=case,
        message_id=message,
        key=f"reply:{message}",
        reason="read_reply",
        opened_at=now - timedelta(hours=1),
    )


def test_the_answer_stands_on_the_case_with_two_buttons(page: Client, desk: rows.Desk, asked: Review) -> None:
    text = page.get(f"/cases/{desk.case.pk}").content.decode()
    assert "It is &lt;b&gt;done&lt;/b&gt;." in text
    assert "It says that all is done" in text
    assert "The clock stands" in text
    assert "It is not the customer" not in text


def test_a_strangers_answer_can_be_said_not_to_be_the_customers(page: Client, desk: rows.Desk, asked: Review) -> None:
    TicketEntry.objects.update(author="stranger")
    text = page.get(f"/cases/{desk.case.pk}").content.decode()
    assert "It is not the customer's" in text
    assert "not known as the customer" in text


@pytest.mark.parametrize(("verdict", "complete"), [("complete", True), ("incomplete", False)])
def test_a_press_of_a_button_closes_the_question(
    page: Client, desk: rows.Desk, asked: Review, verdict: str, complete: Any
) -> None:
    answer = page.post(f"/cases/{desk.case.pk}/replies/{asked.pk}", {"verdict": verdict})
    assert answer.status_code == 302
    asked.refresh_from_db()
    assert asked.closed_at is not None
    assert TicketEntry.objects.get(message_id=asked.message_id).complete is complete
    assert "It says that all is done" not in page.get(f"/cases/{desk.case.pk}").content.decode()


def test_an_unknown_verdict_changes_nothing(page: Client, desk: rows.Desk, asked: Review) -> None:
    assert page.post(f"/cases/{desk.case.pk}/replies/{asked.pk}", {"verdict": "x"}).status_code == 404
    asked.refresh_from_db()
    assert asked.closed_at is None


def test_an_answer_is_not_closed_beside_the_clock_that_waits_for_it(page: Client, asked: Review) -> None:
    page.post(f"/reviews/{asked.pk}/close", {"answer": "seen"})
    asked.refresh_from_db()
    assert asked.closed_at is None


def _conversation(page: Client, case: Case) -> str:
    text = page.get(f"/cases/{case.pk}").content.decode()
    return text.partition('id="conversation-title"')[2].partition("</section>")[0]


def _beside(case: Case, opened: timedelta) -> Case:
    """Another case on the same service."""
    about = {"service": case.service, "customer": case.customer, "brand": case.brand, "abuse_type": "spam"}
    at = timezone.now() - opened
    return Case.objects.create(**about, opened_at=at, last_at=at)


def test_an_answer_in_the_ticket_of_another_case_of_the_service_stands_in_the_conversation(
    page: Client, asked: Review, desk: rows.Desk
) -> None:
    said = _conversation(page, _beside(desk.case, timedelta(hours=2)))
    assert "It is &lt;b&gt;done&lt;/b&gt;." in said
    assert f"/cases/{desk.case.pk}" in said


def test_an_answer_from_before_a_case_is_none_of_its_conversation(page: Client, asked: Review, desk: rows.Desk) -> None:
    assert "Nothing was written yet" in _conversation(page, _beside(desk.case, timedelta(hours=-2)))


@pytest.mark.parametrize(("text", "shown"), [("He rang up.", "He rang up."), ("", "(logged by ann)")])
def test_an_answer_that_staff_log_stands_in_the_conversation(
    page: Client, desk: rows.Desk, text: str, shown: str
) -> None:
    given = {"complete": "no", "text": text, "token": "form-1"}
    page.post(f"/cases/{desk.case.pk}/reply", given)
    assert shown in _conversation(page, desk.case)
