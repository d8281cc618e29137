"""The review of what nobody held: who may be meant, and the one action that attributes it."""

from typing import Any

import pytest
from django.test import Client

from abusedesk.records.models import Case, Decision, Review
from tests.desk.estate import Provider, complaint, provider, take, with_addresses
from tests.desk.nameserver import serving
from tests.desk.test_names import HOST, phishing, to_jim


@pytest.fixture
def jim(db: Any) -> Provider:
    return with_addresses(provider())


@pytest.fixture
def review(jim: Provider) -> Review:
    with serving({(HOST, "A"): ["192.0.2.5"]}):
        take(to_jim(phishing(HOST)))
    return Review.objects.get()


def test_it_says_whom_it_may_mean_and_how_that_was_found(page: Client, review: Review) -> None:
    text = page.get(f"/reviews/{review.pk}").content.decode()
    assert "Whose was it?" in text
    assert f"{HOST} pointed to 192.0.2.5" in text
    assert "anybody can do that" in text


def test_one_action_tells_the_service(page: Client, review: Review, jim: Provider) -> None:
    answer = page.post(f"/reviews/{review.pk}/attribute", {"service": "s1", "source": HOST})
    assert answer["Location"] == f"/services/{jim.service.pk}"
    assert Case.objects.get().service == jim.service
    assert Decision.objects.get(docket__service=jim.service).by == "ann"
    assert "Whose was it?" not in page.get(f"/reviews/{review.pk}").content.decode()


def test_a_service_that_is_none_is_said_at_its_field(page: Client, review: Review) -> None:
    answer = page.post(f"/reviews/{review.pk}/attribute", {"service": "s77"})
    assert answer.status_code == 422
    assert "no service s77" in answer.content.decode()


def test_what_was_answered_meanwhile_is_said(page: Client, review: Review, jim: Provider) -> None:
    for _ in range(2):
        answer = page.post(f"/reviews/{review.pk}/attribute", {"service": "s1", "source": HOST})
    assert answer.status_code == 422
    assert Case.objects.count() == 1


def test_other_questions_are_not_answered_so(page: Client, jim: Provider) -> None:
    take(complaint())
    other = Review.objects.get()
    assert page.post(f"/reviews/{other.pk}/attribute", {"service": "s1"}).status_code == 404
