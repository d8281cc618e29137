"""By hand: a person says whose a source was, and the report goes to that service under their name."""

from datetime import timedelta

import pytest

from abusedesk.desk.by_hand import attribute_to
from abusedesk.problem import Problem
from abusedesk.records.models import Case, Decision, Event, Review, Service, Strike
from tests.desk.estate import NOW, Provider, complaint, known_reporter, provider, signed_complaint, take, with_addresses
from tests.desk.nameserver import serving
from tests.desk.test_names import HOST, phishing, shared_address, to_jim

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def jim(db: None) -> Provider:
    return with_addresses(provider())


def asked(*hosts: str) -> Review:
    with serving({(HOST, "A"): ["192.0.2.5"]}):
        take(*(to_jim(phishing(one)) for one in hosts))
    return Review.objects.get(reason="no_attribution")


def test_the_report_goes_to_the_service_under_the_persons_name(jim: Provider) -> None:
    review = asked(HOST)
    attribute_to(review, jim.service, HOST, "ann", LATER)
    case = Case.objects.get()
    assert (case.service, case.opened_at) == (jim.service, LATER)
    event = Event.objects.get()
    assert (event.service_id, event.case_id) == (jim.service.pk, case.pk)
    assert Decision.objects.get(docket__service=jim.service).by == "ann"
    review.refresh_from_db()
    assert (review.closed_by, review.answer) == ("ann", "attributed to s1 of Jo")


def test_belief_is_what_it_was(jim: Provider) -> None:
    attribute_to(asked(HOST), jim.service, "", "ann", LATER)
    assert Case.objects.get().needs == ["review:low_assurance"]
    assert not Strike.objects.exists()


def test_what_was_authenticated_acts_then(jim: Provider) -> None:
    one, _ = shared_address(jim)
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net", ip="203.0.113.5"))
    attribute_to(Review.objects.get(), one, "203.0.113.5", "ann", LATER)
    assert Strike.objects.get().case.service == one


def test_it_is_done_once(jim: Provider) -> None:
    review = asked(HOST)
    attribute_to(review, jim.service, HOST, "ann", LATER)
    with pytest.raises(Problem, match="answered this already"):
        attribute_to(review, jim.another("s2", "198.51.100.1"), HOST, "bob", LATER)
    assert Case.objects.get().service == jim.service


def test_a_service_of_another_brand_is_refused(jim: Provider) -> None:
    other = provider("sca", "scalibit")
    with pytest.raises(Problem, match="another brand"):
        attribute_to(asked(HOST), other.service, HOST, "ann", LATER)


def test_our_own_is_refused(jim: Provider) -> None:
    Service.objects.filter(pk=jim.service.pk).update(infrastructure=True)
    take(complaint())
    jim.service.refresh_from_db()
    with pytest.raises(Problem, match="our own"):
        attribute_to(Review.objects.get(), jim.service, "", "ann", LATER)


def test_a_service_that_did_not_run_then_is_refused(jim: Provider) -> None:
    review = asked(HOST)
    late = jim.another("s2", "198.51.100.1")
    Service.objects.filter(pk=late.pk).update(since=NOW)
    late.refresh_from_db()
    with pytest.raises(Problem, match="did not run when it happened"):
        attribute_to(review, late, HOST, "ann", LATER)
    assert not Case.objects.exists()
