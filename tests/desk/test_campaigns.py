"""Many unproven reporters on one customer: one review, its reports together, rejected in one go."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from abusedesk.desk import campaigns
from abusedesk.records.models import (
    Brand,
    Campaign,
    Case,
    Deadline,
    DoubtedVoice,
    Report,
    Review,
)
from tests.desk.estate import (
    NOW,
    Provider,
    complaint,
    known_reporter,
    provider,
    signed_complaint,
    take,
    with_addresses,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def jim() -> Provider:
    return with_addresses(provider(settings={"campaign_reporters": 5, "campaign_hours": 2}))


def flood(start: int, stop: int, ip: str = "192.0.2.1") -> list[bytes]:
    return [complaint(sender=f"u{one}@throw{one}.example.com", note=f"n{one}", ip=ip) for one in range(start, stop)]


def test_too_many_unproven_reporters_are_one_review(jim: Provider) -> None:
    take(*flood(0, 8))
    campaign = Campaign.objects.get()
    assert (campaign.customer, campaign.closed_at) == (jim.customer, None)
    assert campaign.reports.count() == 8
    review = Review.objects.get(reason="campaign")
    assert (review.brand, review.case, campaigns.of_review(review)) == (jim.brand, None, campaign)


def test_as_many_reports_of_few_are_none(jim: Provider) -> None:
    take(*(complaint(sender=f"u{one % 4}@throw.example.com", note=str(one), ip=f"192.0.2.{one}") for one in range(12)))
    assert not Campaign.objects.exists()


def test_reporters_who_are_believed_are_none(jim: Provider) -> None:
    mails = []
    for one in range(6):
        known_reporter(f"isp{one}.example.net")
        mails.append(signed_complaint(f"isp{one}.example.net", note=str(one)))
    take(*mails)
    assert not Campaign.objects.exists()


def test_those_of_another_customer_are_not_counted(jim: Provider) -> None:
    jim.another("s2", "192.0.2.4/30")
    take(*flood(0, 3), *flood(3, 6, ip="192.0.2.5"))
    assert not Campaign.objects.exists()


def test_what_is_spread_over_time_is_none(jim: Provider) -> None:
    for one in range(8):
        take(*flood(one, one + 1), at=NOW + timedelta(hours=one))
    assert not Campaign.objects.exists()
    assert DoubtedVoice.objects.count() <= 3


def test_what_comes_later_joins_the_open_one(jim: Provider) -> None:
    for one in range(10):
        take(*flood(one, one + 1), at=NOW + timedelta(minutes=one))
    assert Campaign.objects.get().reports.count() == 10
    assert Review.objects.filter(reason="campaign").count() == 1


def test_a_brand_that_says_nothing_needs_twenty(jim: Provider) -> None:
    Brand.objects.update(settings={})
    take(*flood(0, 19))
    assert not Campaign.objects.exists()
    take(*flood(19, 20))
    assert Campaign.objects.get().reports.count() == 20


def test_all_are_rejected_in_one_go(jim: Provider) -> None:
    take(*flood(0, 8))
    campaign = Campaign.objects.get()
    assert Deadline.objects.filter(state="open").exists()
    assert campaigns.reject(campaign, "iris", NOW) == 8
    campaign.refresh_from_db()
    assert (campaign.closed_by, campaign.rejected) == ("iris", 8)
    assert set(Report.objects.values_list("rejected_by", flat=True)) == {"iris"}
    assert not Review.objects.filter(closed_at=None).exists()
    assert not Deadline.objects.filter(state="open").exists()
    assert Case.objects.get().needs == []


def test_more_than_a_batch_are_rejected_in_several(jim: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaigns, "BATCH", 3)
    take(*flood(0, 8))
    assert campaigns.reject(Campaign.objects.get(), "iris", NOW) == 8
    assert not Report.objects.filter(rejected_at=None).exists()


def test_what_was_believed_meanwhile_is_left_alone(jim: Provider) -> None:
    from abusedesk.desk.enact import submit
    from abusedesk.policy.stimulus import Verification

    take(*flood(0, 8))
    one = Report.objects.earliest("pk")
    submit(jim.service.docket, Verification(str(one.pk), "verified"), key="yes", at=NOW, by="iris")
    assert campaigns.reject(Campaign.objects.get(), "iris", NOW) == 7
    one.refresh_from_db()
    assert one.rejected_at is None


def test_after_it_was_closed_the_next_needs_as_many_again(jim: Provider) -> None:
    take(*flood(0, 8))
    campaigns.close(Campaign.objects.get(), "iris", NOW, "a real incident")
    take(*flood(8, 12))
    assert not Campaign.objects.filter(closed_at=None).exists()
    take(*flood(12, 13))
    assert Campaign.objects.get(closed_at=None).customer == jim.customer


def test_a_batch_asks_once_and_not_at_all_without_doubt(jim: Provider) -> None:
    known_reporter("isp.example.net")
    with CaptureQueriesContext(connection) as asked:
        take(*flood(0, 3))
    assert sum("records_doubtedvoice" in one["sql"] for one in asked) == 1
    with CaptureQueriesContext(connection) as asked:
        take(signed_complaint("isp.example.net"))
    assert not any("records_doubtedvoice" in one["sql"] for one in asked)
