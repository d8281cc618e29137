"""Approving alone: on the case, with a reason; told, and looked at afterwards by another person."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from abusedesk.desk.enact import docket_of, submit
from abusedesk.desk.oncall.book import look
from abusedesk.policy.stimulus import Proposal, Report
from abusedesk.records.models import Alert, Brand, Case, Measure, Review
from tests.desk.estate import provider, with_addresses
from tests.web import rows


@pytest.fixture
def case(staff: Any) -> Case:
    jim = with_addresses(provider())
    now, docket = timezone.now(), docket_of(jim.service)
    submit(docket, Report("r", "copyright/copyright", ("192.0.2.1",), now), key="r", at=now)
    submit(docket, Proposal("ann", measure="shutdown"), key="p", at=now, by="ann")
    return Case.objects.get()


def broken(page: Client, case: Case) -> None:
    page.post(f"/cases/{case.pk}/break-glass", {"token": "t", "measure": "shutdown", "reason": "nobody answers"})


def another() -> Client:
    client = Client()
    client.force_login(rows.staff("ben"))
    return client


def text(response: Any) -> str:
    body: str = response.content.decode()
    return body


def test_only_who_proposed_is_offered_to_approve_alone(page: Client, case: Case) -> None:
    assert "You proposed a shutdown" in text(page.get(f"/cases/{case.pk}"))
    assert "You proposed" not in text(another().get(f"/cases/{case.pk}"))


def test_it_is_carried_out_told_and_asked_afterwards(page: Client, case: Case) -> None:
    broken(page, case)
    assert Measure.objects.get(kind="shutdown").decided == "in_force"
    review = Review.objects.get(reason="break_glass")
    assert review.detail == "ann approved alone (shutdown): nobody answers"
    assert "approved by ann alone" in text(page.get(f"/cases/{case.pk}"))
    look(timezone.now())
    assert Alert.objects.get(kind="break_glass").summary == review.detail


def test_without_a_reason_or_against_the_brand_nothing_happens(page: Client, case: Case) -> None:
    page.post(f"/cases/{case.pk}/break-glass", {"token": "t", "measure": "shutdown", "reason": ""})
    Brand.objects.update(settings={"break_glass": False})
    broken(page, case)
    assert Measure.objects.get(kind="shutdown").decided == "proposed"
    assert "You proposed" not in text(page.get(f"/cases/{case.pk}"))


@pytest.mark.parametrize(("verdict", "kept"), [("agreed", "agreed: looked"), ("mistake", "our mistake: looked")])
def test_another_person_says_whether_it_was_right(page: Client, case: Case, verdict: str, kept: str) -> None:
    broken(page, case)
    review = Review.objects.get(reason="break_glass")
    said = {"answer": "looked", "verdict": verdict}
    mine = page.post(f"/reviews/{review.pk}/close", said)
    assert (mine.status_code, "another person looks at it" in text(mine)) == (422, True)
    answer = another().post(f"/reviews/{review.pk}/close", said)
    assert answer["Location"] == (f"/services/{case.service_id}" if verdict == "mistake" else "/")
    review.refresh_from_db()
    assert (review.closed_by, review.answer) == ("ben", kept)
