"""The reseller through whom a customer came hears what the customer's requests were answered."""

from datetime import timedelta

import pytest
from django.core import mail

from abusedesk.desk import requests
from abusedesk.desk.approvals import Answer, Voice
from abusedesk.desk.perform.effects import perform_effects
from abusedesk.desk.requests import Asked
from abusedesk.records.models import Customer, CustomerRequest, Effect, Notice
from tests.desk.estate import LONG_AGO, NOW, Provider, complaint, provider, take, with_addresses

YES = Answer("approve", Voice("iris"), "Looks well kept.")


def through_an_agent(one: Provider) -> Provider:
    """The customer came through a reseller who reads Chinese."""
    about = {"name": "Agent", "email": "agent@reseller.example", "language": "zh-Hans", "since": LONG_AGO}
    agent = Customer.objects.create(brand=one.brand, ref="r", **about)
    Customer.objects.filter(pk=one.customer.pk).update(reseller=agent)
    one.brand.languages = ["en", "zh-Hans"]
    one.brand.save()
    one.customer.refresh_from_db()
    one.service.refresh_from_db()
    return one


def to_agent() -> list[tuple[str, str]]:
    perform_effects("w", NOW + timedelta(hours=2), limit=50)
    return list(Notice.objects.filter(to="reseller").order_by("written_at", "pk").values_list("template", "language"))


@pytest.fixture
def jim(db: None) -> Provider:
    return through_an_agent(with_addresses(provider()))


def test_each_answer_goes_to_the_reseller_in_its_language_under_the_clause(jim: Provider) -> None:
    request = requests.enter(Asked(jim.service, "open_mail_port", "t1"), "ann", NOW)
    requests.decide_request(request, YES, "d", NOW + timedelta(hours=1))
    assert to_agent() == [("request_copy", "zh-Hans")] * 2
    last = Notice.objects.filter(to="reseller").latest("effect__due")
    assert "Looks well kept." in last.text
    assert "jimcloud:10" in last.text
    assert last.table == ""
    assert [one.to for one in mail.outbox].count(["agent@reseller.example"]) == 2
    assert not any("jimcloud:10" in one for one in Notice.objects.filter(to="customer").values_list("text", flat=True))


def test_with_a_case_the_copy_brings_its_table(jim: Provider) -> None:
    take(complaint())
    requests.enter(Asked(jim.service, "open_mail_port", "t1"), "ann", NOW + timedelta(minutes=5))
    assert ("request_copy", "zh-Hans") in to_agent()
    copy = Notice.objects.get(template="request_copy")
    assert copy.table.startswith("service,customer,address,")
    assert "s1,c1," in copy.table


def test_what_a_person_answers_by_hand_is_passed_on_once(jim: Provider) -> None:
    request = requests.enter(Asked(jim.service, "replace_ip", "t1", ip="192.0.2.1"), "ann", NOW)
    requests.answer_by_hand(request, "Tell us why first.", "ann", NOW)
    requests.answer_by_hand(request, "Tell us why first.", "ann", NOW)
    assert to_agent() == [("request_copy", "zh-Hans")]


def test_a_policy_that_has_no_reseller_told_sends_no_copy(db: None) -> None:
    scal = through_an_agent(with_addresses(provider("scal", "scalibit", in_force_from=LONG_AGO)))
    requests.enter(Asked(scal.service, "open_mail_port", "t1"), "ann", NOW)
    assert CustomerRequest.objects.get().state == "needs_approval"
    assert list(Effect.objects.values_list("payload__to", flat=True)) == ["customer"]
