"""A campaign on the pages: one review, its reports folded, rejected in one go."""

from typing import Any

import pytest
from django.test import Client

from abusedesk.desk import campaigns
from abusedesk.records.models import Campaign, Case, Report, Review
from tests.desk.estate import complaint, known_reporter, provider, signed_complaint, take, with_addresses
from tests.desk.test_campaigns import flood


@pytest.fixture
def flooded(db: Any) -> Campaign:
    with_addresses(provider(settings={"campaign_reporters": 5}))
    take(*flood(0, 8))
    return Campaign.objects.get()


def text(response: Any) -> str:
    body: str = response.content.decode()
    return body


def test_the_queue_leads_to_it(page: Client, flooded: Campaign) -> None:
    review = Review.objects.get(reason="campaign")
    assert "Many unproven reporters" in text(page.get("/"))
    assert page.get(f"/reviews/{review.pk}")["Location"] == f"/campaigns/{flooded.pk}"
    assert page.post(f"/reviews/{review.pk}/close", {"answer": "no"})["Location"] == f"/reviews/{review.pk}"
    assert Review.objects.get(pk=review.pk).closed_at is None


def test_it_says_who_when_from_where_and_with_which_words(page: Client, flooded: Campaign) -> None:
    shown = text(page.get(f"/campaigns/{flooded.pk}"))
    assert "8 reports of 8 reporters" in shown
    assert "throw3.example.com" in shown
    assert "Up to 1 reply deadline of the customer ends" in shown
    assert "Reject all 8" in shown


def test_copies_of_believed_reports_are_counted(page: Client, db: Any) -> None:
    with_addresses(provider(settings={"campaign_reporters": 5}))
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net", note="real"))
    take(*flood(0, 4), *flood(4, 6, ip="192.0.2.2"))
    shown = text(page.get(f"/campaigns/{Campaign.objects.get().pk}"))
    assert "<dt>Tell what a believed report told</dt><dd>4</dd>" in shown
    assert "<dt>Believed beside them</dt><dd>1</dd>" in shown


def test_the_customer_page_leads_to_it(page: Client, flooded: Campaign) -> None:
    assert f'href="/campaigns/{flooded.pk}"' in text(page.get(f"/customers/{flooded.customer_id}"))


def test_its_reports_are_folded_on_the_case_and_asked_about_once(page: Client, flooded: Campaign) -> None:
    shown = text(page.get(f"/cases/{Case.objects.get().pk}"))
    assert "8 reports of a campaign" in shown
    assert "u3@throw3.example.com" not in shown.partition('<h2 id="reports-title">')[2].partition("</section>")[0]
    assert "Can these" not in shown


def test_all_are_rejected_by_one_button(page: Client, flooded: Campaign) -> None:
    assert "8 reports rejected" in text(page.post(f"/campaigns/{flooded.pk}/reject", follow=True))
    assert set(Report.objects.values_list("rejected_by", flat=True)) == {"ann"}
    assert "None open" in text(page.get("/campaigns"))
    assert "ann" in text(page.get("/campaigns?state=closed"))
    assert "closed it already" in text(page.post(f"/campaigns/{flooded.pk}/reject", follow=True))


def test_it_is_closed_with_a_word_and_its_reports_stay(page: Client, flooded: Campaign) -> None:
    assert "in a few words" in text(page.post(f"/campaigns/{flooded.pk}/close", {"answer": " "}, follow=True))
    page.post(f"/campaigns/{flooded.pk}/close", {"answer": "a real incident"})
    assert not Report.objects.exclude(rejected_at=None).exists()
    assert "Can these 8 reports be believed?" in text(page.get(f"/cases/{Case.objects.get().pk}"))


def test_none_is_said_so(page: Client, db: Any) -> None:
    assert "None open" in text(page.get("/campaigns"))


def test_what_else_is_said_of_the_customer_stays_unfolded(page: Client, flooded: Campaign) -> None:
    campaigns.close(flooded, "ann", flooded.opened_at, "a real incident")
    take(complaint(sender="late@example.com", note="late"))
    shown = text(page.get(f"/cases/{Case.objects.get().pk}"))
    assert "late@example.com" in shown.partition("reports-title")[2]
