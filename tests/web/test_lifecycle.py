"""What staff say of a measure on its case: lift it to clean, let it expire, accept that it was lifted by hand."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from abusedesk.desk.enact import docket_of, submit
from abusedesk.desk.perform import perform_targets
from abusedesk.policy.stimulus import Report as Reported
from abusedesk.records.models import Case, Deadline, Measure
from tests.desk.estate import Provider, provider, with_addresses

HOUR = timedelta(hours=1)


@pytest.fixture
def case(db: None) -> Case:
    one = with_addresses(provider())
    _complain(one)
    perform_targets("w1", timezone.now())
    return Case.objects.get()


def _complain(one: Provider) -> None:
    at = timezone.now()
    stimulus = Reported("r1", "messaging/spam", ("192.0.2.1",), at)
    submit(docket_of(one.service), stimulus, key="r1", at=at)


def about(**more: str) -> dict[str, str]:
    return {"token": "t1", "measure": "suspend", "reason": "on the telephone", **more}


def shown(page: Client, case: Case) -> str:
    return page.get(f"/cases/{case.pk}").content.decode()


def test_a_measure_in_force_is_lifted_for_hours(page: Client, case: Case) -> None:
    assert "Lift to clean up" in shown(page, case)
    page.post(f"/cases/{case.pk}/to-clean", about(hours="4"))
    perform_targets("w1", timezone.now())
    due = Deadline.objects.get(name="resume").due
    assert timedelta() <= timezone.now() + 4 * HOUR - due < timedelta(minutes=1)
    text = shown(page, case)
    assert "lifted to clean up, read back" in text
    assert "taken again" in text
    assert "ann: the suspension is lifted to clean up until" in text
    assert "on the telephone" in text
    assert "Do not take it again" in text


def test_it_can_stay_lifted(page: Client, case: Case) -> None:
    page.post(f"/cases/{case.pk}/to-clean", about(hours="4"))
    page.post(f"/cases/{case.pk}/stay-lifted", about(token="t2"))
    assert Deadline.objects.get(name="resume").state == "cancelled"
    assert "the suspension stays lifted" in shown(page, case)


def test_an_expiry_is_set_and_taken_away(page: Client, case: Case) -> None:
    page.post(f"/cases/{case.pk}/expire", about(hours="24"))
    assert Deadline.objects.get(name="expiry").state == "open"
    assert "expires" in shown(page, case)
    page.post(f"/cases/{case.pk}/expire", about(token="t2", hours=""))
    assert Deadline.objects.get(name="expiry").state == "cancelled"


def test_a_reason_is_asked_for(page: Client, case: Case) -> None:
    page.post(f"/cases/{case.pk}/to-clean", about(hours="4", reason=""))
    assert not Deadline.objects.filter(name="resume").exists()


def test_only_what_was_seen_undone_can_be_accepted(page: Client, case: Case) -> None:
    text = page.post(f"/cases/{case.pk}/by-hand", about(), follow=True).content.decode()
    assert "Nobody undid this outside" in text
    assert Measure.objects.get().decided == "in_force"
    Measure.objects.update(state="failed", outside={"action": "apply", "final": True, "drifted": True})
    assert "Accept that it was lifted by hand" in shown(page, case)
    page.post(f"/cases/{case.pk}/by-hand", about(token="t2"))
    assert (Measure.objects.get().decided, Measure.objects.get().ended) == ("lifted", "by_hand")
