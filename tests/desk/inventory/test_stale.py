"""A source that was not read for long: its addresses are attributed, and nothing is done by the machine."""

from datetime import timedelta

import pytest

from abusedesk.records.holders import holders
from abusedesk.records.models import Assignment, Case, Inventory, Measure, Report
from tests.desk.estate import LONG_AGO, NOW, Provider, complaint, known_reporter, provider, signed_complaint, take

DAY = timedelta(days=1)


@pytest.fixture
def jim(db: None) -> Provider:
    made = provider()
    known_reporter("isp.example.net")
    return made


def source(jim: Provider, read_at: object, **more: object) -> Inventory:
    """An inventory by whose word the service holds 192.0.2.1."""
    made = Inventory.objects.create(brand=jim.brand, kind="netbox", name="NetBox", fresh_at=read_at, **more)
    Assignment.objects.create(service=jim.service, prefix="192.0.2.1", period=(LONG_AGO, None), inventory=made)
    return made


def test_from_a_fresh_source_it_acts(jim: Provider) -> None:
    source(jim, NOW - timedelta(hours=3))
    take(signed_complaint("isp.example.net"))
    assert Report.objects.get().assurance == "authenticated"
    assert Measure.objects.exists()


def test_from_a_stale_source_a_person_decides(jim: Provider) -> None:
    source(jim, NOW - 3 * DAY)
    take(signed_complaint("isp.example.net"))
    report = Report.objects.get()
    assert report.assurance == "unverified"
    assert report.grade_reason == "unverified, for the inventory NetBox was last read 2 days before"
    assert not Measure.objects.exists()
    case = Case.objects.get()
    assert case.service == jim.service
    assert "review:low_assurance" in case.needs


def test_what_happened_before_the_last_reading_is_known(jim: Provider) -> None:
    source(jim, NOW - timedelta(hours=1))
    take(signed_complaint("isp.example.net"), at=NOW + 3 * DAY)
    assert Report.objects.get().assurance == "authenticated"


def test_one_without_a_limit_is_never_stale(jim: Provider) -> None:
    source(jim, NOW - 300 * DAY, fresh_for=None)
    take(signed_complaint("isp.example.net"))
    assert Report.objects.get().assurance == "authenticated"


def test_a_reading_makes_it_fresh_without_loading_the_tables_again(jim: Provider) -> None:
    made = source(jim, NOW - 3 * DAY)
    before = holders()
    Inventory.objects.filter(pk=made.pk).update(fresh_at=NOW)
    take(signed_complaint("isp.example.net"))
    assert holders() is before
    assert Report.objects.get().assurance == "authenticated"


def test_an_unsigned_report_says_why_it_is_doubtful_too(jim: Provider) -> None:
    source(jim, NOW - 3 * DAY)
    take(complaint())
    assert "was last read" in Report.objects.get().grade_reason


def test_a_service_that_could_not_be_asked_about_is_doubtful_alone(jim: Provider) -> None:
    other = jim.another("s2", "192.0.2.2")
    made = source(jim, NOW - timedelta(hours=1), unread={str(other.pk): (NOW - 5 * DAY).isoformat()})
    Assignment.objects.update(inventory=made)
    take(
        signed_complaint("isp.example.net", ip="192.0.2.1"),
        signed_complaint("isp.example.net", ip="192.0.2.2", note="2"),
    )
    found = dict(Report.objects.values_list("assurance", "grade_reason"))
    assert set(found) == {"authenticated", "unverified"}
    assert "the inventory NetBox last told of this service 4 days before" in found["unverified"]
