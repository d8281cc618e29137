"""Suppressed reports, from the mail to the docket."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from abusedesk.desk.suppress import suppressions
from abusedesk.records.models import (
    Case,
    Charge,
    Deadline,
    Decision,
    Effect,
    Event,
    Measure,
    Report,
    Review,
    Strike,
    Suppression,
    SuppressionHit,
)
from tests.desk.estate import (
    LONG_AGO,
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
    return with_addresses(provider())


def suppress(effect: str = "count_only", **parts: Any) -> Suppression:
    given = {"name": "honeypot", "reason": "the customer's honeypot", "owner": "iris", "made_at": NOW, **parts}
    return Suppression.objects.create(effect=effect, **given)


def nothing_moved() -> bool:
    return not any(one.objects.exists() for one in (Strike, Measure, Charge, Deadline, Effect))


def test_what_is_only_counted_is_kept_and_shown_and_no_docket_hears_of_it(jim: Provider) -> None:
    one = suppress(prefix=ip_network("192.0.2.0/28"))
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net"))
    report = Report.objects.get()
    assert (report.suppression, report.suppressed, report.assurance) == (one, "count_only", "authenticated")
    assert Event.objects.get().service_id == jim.service.pk
    assert not Decision.objects.exists()
    assert not Case.objects.exists()
    assert nothing_moved()


def test_hits_are_counted_by_day_and_service_repetitions_too(jim: Provider) -> None:
    one = suppress(service=jim.service)
    take(complaint(note="a"), complaint(note="b"))
    take(complaint(note="c"), at=NOW + timedelta(days=1))
    hits = SuppressionHit.objects.order_by("day").values_list("suppression", "service_id", "reports", "events")
    assert list(hits) == [(one.pk, jim.service.pk, 2, 2), (one.pk, jim.service.pk, 1, 1)]
    assert Report.objects.count() == 1


@pytest.mark.parametrize(
    "parts",
    [
        {"sender": "isp.example.net"},
        {"sender": "fbl@isp.example.net"},
        {"category": "messaging/*"},
        {"category": "messaging/spam", "sender": "example.net"},
    ],
)
def test_it_may_name_the_sender_or_the_category(jim: Provider, parts: dict[str, str]) -> None:
    suppress(**parts)
    take(complaint())
    assert Report.objects.get().suppressed == "count_only"


def test_another_brands_does_not_cover(jim: Provider) -> None:
    suppress(brand=provider("sca", "scalibit").brand, category="messaging/*")
    take(complaint())
    assert Report.objects.get().suppressed == ""
    assert Case.objects.exists()


def test_only_the_part_that_it_covers_is_suppressed(jim: Provider) -> None:
    suppress(prefix=ip_network("192.0.2.1/32"))
    take(complaint(), complaint(ip="192.0.2.2", note="2"))
    assert sorted(Report.objects.values_list("suppressed", flat=True)) == ["", "count_only"]
    assert Case.objects.get().reports == 1


def test_heard_without_notice_nothing_runs_and_nobody_is_told(jim: Provider) -> None:
    suppress("no_notice", service=jim.service)
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net"), complaint(sender="who@example.com", note="2"))
    case = Case.objects.get()
    assert (case.reports, case.open, case.needs, case.next_due) == (2, False, [], None)
    assert not Review.objects.exists()
    assert nothing_moved()


def test_when_it_ended_the_next_report_acts_as_the_first(jim: Provider) -> None:
    one = suppress("no_notice", service=jim.service)
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net", note="a"))
    Suppression.objects.filter(pk=one.pk).update(until=NOW, revision=1)
    take(signed_complaint("isp.example.net", note="b"), at=NOW + timedelta(hours=1))
    assert Report.objects.filter(suppressed="").count() == 1
    assert (Strike.objects.count(), Measure.objects.get().mode) == (1, "automatic")
    assert Effect.objects.filter(kind="notice").exists()
    assert Deadline.objects.filter(name="reply", state="open").exists()


def test_measures_are_proposed_and_the_rest_is_as_ever(jim: Provider) -> None:
    suppress("propose", category="messaging/*")
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net"))
    measure = Measure.objects.get()
    assert (measure.mode, measure.decided) == ("proposed", "proposed")
    assert "safeguard:suppressed" in measure.clauses
    assert Strike.objects.exists()
    assert Effect.objects.filter(kind="notice").exists()
    assert "proposal:suspend" in Case.objects.get().needs


def test_a_suppressed_report_makes_nobody_elses_word_weigh_more() -> None:
    with_addresses(provider(pack="scalibit", in_force_from=LONG_AGO))
    suppress("propose", sender="mail.example.com")
    known_reporter("isp.example.net")
    known_reporter("mail.example.com")
    take(signed_complaint("isp.example.net", note="a"), signed_complaint("mail.example.com", note="b", ip="192.0.2.2"))
    assert Report.objects.get(suppressed="").assurance == "authenticated"
    assert not Strike.objects.exists()


def test_rejecting_what_acted_leaves_no_measure_on_suppressed_reports_alone(jim: Provider) -> None:
    from abusedesk.desk.enact import submit
    from abusedesk.policy.stimulus import Verification

    suppress("propose", sender="mail.example.com")
    known_reporter("isp.example.net")
    known_reporter("mail.example.com")
    take(signed_complaint("isp.example.net", note="a"))
    take(signed_complaint("mail.example.com", note="b", ip="192.0.2.2"))
    assert Measure.objects.get().decided == "in_force"
    loud = Report.objects.get(suppressed="")
    submit(jim.service.docket, Verification(str(loud.pk), rejected=True), key="no", at=NOW, by="iris")
    assert Measure.objects.get().decided == "lifted"


def test_what_nobody_held_is_still_put_before_a_person_unless_it_is_only_counted(jim: Provider) -> None:
    suppress("no_notice", prefix=ip_network("203.0.113.0/24"))
    take(complaint(ip="203.0.113.7"))
    assert Review.objects.get().reason == "no_attribution"
    Review.objects.all().delete()
    suppress("count_only", prefix=ip_network("203.0.113.0/28"))
    take(complaint(ip="203.0.113.8", note="2"))
    assert not Review.objects.exists()
    assert SuppressionHit.objects.filter(service_id=0).count() == 2


def test_a_decision_on_a_suppressed_report_can_be_made_again(jim: Provider) -> None:
    from abusedesk.desk.policies.audit import recompute

    suppress("no_notice", service=jim.service)
    take(complaint())
    assert [one.outcome for one in recompute()] == ["same"]


def test_what_is_remembered_is_read_again_when_a_suppression_changed(jim: Provider) -> None:
    assert not suppressions()
    one = suppress(service=jim.service)
    assert suppressions()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        suppressions()
    assert len(asked) == 1
    Suppression.objects.filter(pk=one.pk).update(until=LONG_AGO, revision=1)
    assert not suppressions()
