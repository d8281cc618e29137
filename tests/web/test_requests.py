"""Requests on the screens: entered on a service or from a mail, listed, answered with a reason, followed to the end."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.test import Client
from django.utils import timezone

from abusedesk.desk import requests
from abusedesk.desk.hearing.answers import READ_REPLY
from abusedesk.desk.perform import perform_effects
from abusedesk.desk.requests import Asked
from abusedesk.policy.stimulus import Opened
from abusedesk.records.models import Case, CustomerRequest, Notice, Review, Service, Ticket, TicketEntry
from abusedesk.vocabulary.finding import Finding
from tests.desk.estate import Provider, known_reporter, provider, signed_complaint, take, with_addresses
from tests.web import rows

SENDS = "Please open port 25 for shop.example.net, DKIM selector s1."


@pytest.fixture
def jim(db: Any) -> Provider:
    return with_addresses(provider())


def text(response: Any) -> str:
    body: str = response.content.decode()
    return body


def entered(one: Provider, kind: str = "open_mail_port", **more: str) -> CustomerRequest:
    about = {"domain": "shop.example.net"} if kind == "open_mail_port" else {}
    token = f"t{CustomerRequest.objects.count()}"
    return requests.enter(Asked(one.service, kind, token, **about | more), "ann", timezone.now())


def posted(page: Client, one: Provider, kind: str, **said: str) -> Any:
    path = f"/services/{one.service.pk}/requests/new?kind={kind}"
    return page.post(path, {"kind": kind, "token": "x", **said}, follow=True)


def test_one_on_a_service_without_a_case_stands_in_the_queue(page: Client, jim: Provider) -> None:
    shown = text(posted(page, jim, "open_mail_port", domain="Shop.Example.net.", words=SENDS))
    assert "Open the mail port: shop.example.net" in shown
    assert "being checked" in shown
    assert "hx-get" in shown
    for path in ("/", "/?kind=answer", "/requests", f"/services/{jim.service.pk}", f"/customers/{jim.customer.pk}"):
        assert "Open the mail port: shop.example.net" in text(page.get(path))
    for path in ("/?kind=failed", "/?brand=other", "/requests?kind=restore", "/requests?state=answered"):
        assert "Open the mail port: shop.example.net" not in text(page.get(path))


@pytest.mark.parametrize(
    ("kind", "said", "wrong"),
    [
        ("open_mail_port", {"domain": "shop"}, "is no domain"),
        ("open_mail_port", {}, "This field is required"),
        ("unblock", {}, "This field is required"),
        ("replace_ip", {"ip": "198.51.100.9"}, "does not hold 198.51.100.9"),
    ],
)
def test_what_is_missing_or_wrong_is_said(
    page: Client, jim: Provider, kind: str, said: dict[str, str], wrong: str
) -> None:
    response = posted(page, jim, kind, **said)
    assert (response.status_code, wrong in text(response)) == (422, True)
    assert not CustomerRequest.objects.exists()


def test_a_service_of_two_brands_is_asked_for(page: Client, jim: Provider) -> None:
    provider("acme")
    path, said = "/requests/new?kind=restore", {"kind": "restore", "token": "x", "service": "s1"}
    assert "Several brands have a service s1" in text(page.post(path, said))
    assert page.post(path, said | {"brand": "jim"}).status_code == 302
    assert CustomerRequest.objects.get().service == jim.service


def test_a_yes_needs_its_reason_and_shows_what_follows(page: Client, jim: Provider) -> None:
    from abusedesk.desk.enact import docket_of, submit

    submit(docket_of(jim.service), Opened(), key="opened", at=timezone.now() - timedelta(hours=1), by="ann")
    made = entered(jim)
    path = f"/requests/{made.pk}"
    assert page.post(f"{path}/decide", {"decision": "approve", "token": "d"}).status_code == 422
    shown = text(page.post(f"{path}/decide", {"decision": "approve", "token": "d", "reason": "A shop"}, follow=True))
    assert "Granted by ann" in shown
    assert "Block of port 25: being lifted" in shown
    assert "jimcloud:5" in shown
    made.refresh_from_db()
    assert (made.state, made.reason) == ("granted", "A shop")
    assert "Open the mail port" not in text(page.get("/"))
    assert "Open the mail port" in text(page.get("/requests?state=answered"))
    again = page.post(f"{path}/decide", {"decision": "reject", "token": "e", "reason": "No"}, follow=True)
    assert "somebody had answered it already" in text(again)


def test_findings_stand_beside_it_and_never_decide(page: Client, jim: Provider) -> None:
    made = entered(jim)
    findings = [Finding("spf", "ok", "its SPF record ends in -all"), Finding("spf", "wrong", "SPF says fail", "Do it.")]
    kept = {"findings": msgspec.to_builtins(findings), "check_at": None, "checked_at": timezone.now()}
    CustomerRequest.objects.update(**kept)
    shown = text(page.get(f"/requests/{made.pk}"))
    assert "SPF says fail." in shown
    assert "Do it." in shown
    assert "every 2s" not in shown
    assert "SPF wrong" in text(page.get("/requests"))
    assert CustomerRequest.objects.get().state == "needs_approval"
    assert "within the last minute" in text(page.post(f"/requests/{made.pk}/check", {"selector": ""}, follow=True))
    page.post(f"/requests/{made.pk}/check", {"selector": "s9"})
    assert "being checked" in text(page.get(f"/requests/{made.pk}/state"))


def test_what_staff_do_outside_is_ticked_off(page: Client, jim: Provider) -> None:
    made = entered(jim, "replace_ip", ip="192.0.2.1", cause="third_party")
    path = f"/requests/{made.pk}"
    assert "granted, to be carried out" in text(page.get("/"))
    page.post(f"{path}/steps/new_address", {"note": "192.0.2.77"})
    refused = page.post(f"{path}/steps/old_assignment", {"note": ""}, follow=True)
    assert "still says" in text(refused)
    shown = text(page.post(f"{path}/steps/old_assignment", {"note": "part of a larger one"}, follow=True))
    assert "192.0.2.77" in shown
    made.refresh_from_db()
    assert not made.to_do


def test_one_that_the_policy_could_not_answer_is_entered_again(page: Client, jim: Provider) -> None:
    made = entered(jim, "replace_ip", ip="192.0.2.1")
    assert "a person must answer" in text(page.get("/"))
    shown = text(page.get(f"/requests/new?again={made.pk}"))
    assert "192.0.2.1" in shown
    said = {"kind": "replace_ip", "token": "y", "ip": "192.0.2.1", "cause": "own_use"}
    assert "denied" in text(page.post(f"/requests/new?again={made.pk}", said, follow=True))
    assert not Review.objects.filter(closed_at=None).exists()


def test_a_person_may_answer_it_in_words(page: Client, jim: Provider) -> None:
    made = entered(jim, "replace_ip", ip="192.0.2.1")
    path = f"/requests/{made.pk}"
    assert page.post(f"{path}/answer", {"reason": ""}).status_code == 422
    assert "Answered by ann" in text(page.post(f"{path}/answer", {"reason": "Tell us why first."}, follow=True))
    assert "answered it already" in text(page.post(f"{path}/answer", {"reason": "Again"}, follow=True))
    assert not Review.objects.filter(closed_at=None).exists()
    assert "Replace an address" not in text(page.get("/"))
    perform_effects("w", timezone.now())
    [notice] = Notice.objects.filter(template="request_answer")
    assert "Tell us why first." in notice.text


def test_the_customers_mail_fills_the_form_in(page: Client, jim: Provider) -> None:
    from abusedesk.records.models import Message

    take(f"From: jo@example.com\r\nTo: {jim.address}\r\nSubject: Mail\r\n\r\n{SENDS}\r\n".encode())
    message = Message.objects.get()
    assert f"/requests/new?message={message.pk}" in text(page.get(f"/messages/{message.pk}"))
    shown = text(page.get(f"/requests/new?message={message.pk}"))
    assert "shop.example.net" in shown
    assert 'value="s1"' in shown
    assert f"/services/{jim.service.pk}/requests/new?message={message.pk}" in shown
    said = {"kind": "open_mail_port", "token": "z", "domain": "shop.example.net", "message": str(message.pk)}
    page.post(f"/services/{jim.service.pk}/requests/new?message={message.pk}", said)
    assert CustomerRequest.objects.get().message_id == message.pk


def test_an_answer_in_a_case_leads_to_the_form_with_its_own_words(page: Client, desk: rows.Desk) -> None:
    now = timezone.now()
    ticket = Ticket.objects.create(
        brand=desk.brand, case=desk.case, customer=desk.customer, token="T23456789A", opened_at=now
    )
    said = "Please restore the service, all is clean.\n> port 25"
    TicketEntry.objects.create(
        ticket=ticket, at=now, author="customer", text=said, shown=said.partition("\n")[0], message_id=desk.message.pk
    )
    Review.objects.create(
        brand=desk.brand, docket=desk.service.docket, case=desk.case, message_id=desk.message.pk,
        key="r", reason=READ_REPLY, opened_at=now,
    )  # fmt: skip
    path = f"/services/{desk.service.pk}/requests/new?message={desk.message.pk}"
    assert path in text(page.get(f"/cases/{desk.case.pk}"))
    form = page.get(path).context
    assert (form["kind"], form["form"].initial["words"]) == ("restore", "Please restore the service, all is clean.")


def test_a_case_leads_to_the_request_where_the_reason_is_asked_for(page: Client, jim: Provider) -> None:
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net"))
    made = entered(jim)
    shown = text(page.get(f"/cases/{Case.objects.get().pk}"))
    assert f'href="/requests/{made.pk}">Look, answer and say why' in shown
    assert 'value="approve"' not in shown


def test_the_empty_list_says_how_any_comes(page: Client, db: Any) -> None:
    assert "on a service, or from the customer's mail" in text(page.get("/requests"))


@pytest.mark.parametrize("query", ["message=nonsense", "again=nonsense", "kind=restore&after=x"])
def test_nonsense_is_no_fault(page: Client, db: Any, query: str) -> None:
    assert page.get(f"/requests/new?{query}").status_code == 200
    assert page.get(f"/requests?{query}").status_code == 200


def test_an_unknown_kind_is_not_found(page: Client, jim: Provider) -> None:
    assert page.get("/requests/new?kind=free_beer").status_code == 404
    assert Service.objects.count() == 1
