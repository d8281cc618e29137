"""What staff say of a measure on its case: lift it to clean, let it expire, accept that it was lifted by hand."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from abusedesk.desk import telephone
from abusedesk.desk.enact import docket_of, submit
from abusedesk.desk.perform import perform_targets
from abusedesk.policy.stimulus import Report as Reported
from abusedesk.records.models import Brand, Case, Deadline, Measure
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


def test_it_is_no_longer_and_no_oftener_than_the_brand_lets_an_agent(page: Client, case: Case) -> None:
    assert "At most 24 hours." in shown(page, case)
    refused = page.post(f"/cases/{case.pk}/to-clean", about(hours="25"), follow=True)
    assert "is lifted for 1 to 24 hours" in refused.content.decode()
    Brand.objects.update(settings={telephone.TIMES: 2})
    for token in ("t1", "t1", "t2", "t3"):
        last = page.post(f"/cases/{case.pk}/to-clean", about(token=token, hours="4"), follow=True)
    assert "a colleague has to do this one" in last.content.decode()
    assert telephone.used(case.brand, "ann", timezone.now()) == 2
    Brand.objects.update(settings={telephone.HOURS: 0})
    assert "Lift to clean up" not in shown(page, case)


def test_only_who_may_approve_ends_it_for_good(page: Client, case: Case) -> None:
    Brand.objects.update(settings={"approvals": {"approvers_only": True}})
    refused = page.post(f"/cases/{case.pk}/expire", about(hours="1"), follow=True)
    assert "Only those who may approve" in refused.content.decode()
    page.post(f"/cases/{case.pk}/to-clean", about(token="t2", hours="4"))
    page.post(f"/cases/{case.pk}/stay-lifted", about(token="t3"))
    assert Deadline.objects.get(name="resume").state == "open"


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
