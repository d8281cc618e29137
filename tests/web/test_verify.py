"""Anybody can ask whether a notice is ours, and learns no more than that."""

from datetime import timedelta

import pytest
from django.test import Client

from abusedesk.desk import genuine
from abusedesk.desk.perform import perform_effects
from abusedesk.records.models import Brand, Customer, Notice, Service
from abusedesk.vocabulary.proof_code import grouped
from tests.desk.rows import HOUR, NOW, desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def notice() -> Notice:
    acme = desk(settings={genuine.PAGE: "https://www.acme.example/verify"})
    Service.objects.update(label="jo-doe-box77")
    acme.deadline(NOW + HOUR)
    acme.notice(template="complaint", clauses=["jimcloud:8.a"])
    perform_effects("w", NOW)
    return Notice.objects.get()


def test_a_notice_ends_with_its_code_and_where_to_ask(notice: Notice) -> None:
    last = notice.text.splitlines()[-1]
    assert last == f"Is this notice from us? Type the code {grouped(notice.code)} in at https://www.acme.example/verify"
    assert grouped(notice.code) in notice.html


def test_without_a_page_to_ask_on_no_code_is_named() -> None:
    plain = desk("plain")
    plain.deadline(NOW + HOUR)
    plain.notice(template="complaint", clauses=["jimcloud:8.a"])
    perform_effects("w", NOW)
    assert grouped(Notice.objects.get().code) not in Notice.objects.get().text


def test_of_a_notice_that_is_ours_only_this_is_told(client: Client, notice: Notice) -> None:
    page = client.get("/verify/acme", {"code": grouped(notice.code).lower()}).content.decode()
    for told in ("Yes, this notice is from Acme", "2026-03-02", "…x77", "Abuse complaint about …x77"):
        assert told in page
    customer = Customer.objects.get()
    for secret in ("jo-doe", customer.name, customer.email, "192.0.2.", notice.subject.split("]")[0].strip("[")):
        assert secret not in page


def test_of_any_other_code_it_is_said_what_to_do(client: Client, notice: Notice) -> None:
    page = client.get("/verify/acme", {"code": "0000-0000-0000"}).content.decode()
    assert "No, Acme sent no notice with this code" in page
    assert "abuse@acme.example" in page
    other = desk("other")
    assert genuine.look_up(notice.code, other.brand) is None
    assert genuine.look_up("") is None


def test_the_page_speaks_chinese(client: Client, notice: Notice) -> None:
    page = client.get("/verify/acme", {"code": notice.code, "lang": "zh-Hans"}).content.decode()
    assert "是的，该通知由 Acme 发出" in page


def test_codes_cannot_be_tried_by_the_thousand(client: Client, notice: Notice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(genuine, "BY_NETWORK", (2, timedelta(hours=1)))
    answers = [client.get("/verify/acme", {"code": notice.code}).status_code for _ in range(3)]
    assert answers == [200, 200, 429]
    assert client.get("/api/v1/verify", {"code": notice.code}).status_code == 429
    assert client.get("/verify/acme", {"code": notice.code}, REMOTE_ADDR="198.51.100.9").status_code == 200


def test_the_providers_own_site_can_ask(client: Client, notice: Notice) -> None:
    answer = client.get("/api/v1/verify", {"code": notice.code})
    assert answer["Access-Control-Allow-Origin"] == "*"
    said = answer.json()
    assert (said["genuine"], said["brand"], said["sent_on"]) == (True, "acme", "2026-03-02")
    assert client.get("/api/v1/verify", {"code": "0000-0000-0000"}).json()["genuine"] is False


def test_a_brand_that_is_not_there_has_no_page(client: Client, notice: Notice) -> None:
    assert Brand.objects.filter(slug="nobody").count() == 0
    assert client.get("/verify/nobody").status_code == 404
