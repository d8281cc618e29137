"""Every page is for staff who are signed in, and nothing on a page may come from elsewhere."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from abusedesk.web.urls import urlpatterns
from tests.web import rows

OPEN = {
    "account_login", "account_logout", "account_signup", "account_inactive",
    "public-form", "public-dsa", "public-sent", "public-confirm", "public-state", "inventory-hook",
    "alert-link", "healthz", "verify",
}  # fmt: skip
SAMPLE = {"pk": 1, "measure": 1, "effect": 1, "review": 1, "contact": 1, "slug": "jimcloud", "name": "reply"}


_KINDS = {"uuid": "00000000-0000-4000-8000-000000000001", "int": 1}


def _address(name: str, route: str) -> str:
    values = {}
    for kind, key in re.findall(r"<(\w+):(\w+)>", route):
        values[key] = _KINDS.get(kind) or SAMPLE[key]
    return reverse(name, kwargs=values)


@pytest.mark.parametrize(
    ("name", "route"),
    [(one.name, str(one.pattern)) for one in urlpatterns if isinstance(one, URLPattern) and one.name not in OPEN],
)
def test_a_stranger_is_sent_to_the_login(name: str, route: str, client: Client, db: Any) -> None:
    response = client.get(_address(name, route))
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_nobody_signs_up(client: Client, db: Any) -> None:
    assert client.get("/accounts/signup/")["Location"] == "/accounts/login/"


def test_signing_in_leads_to_the_queue(client: Client, db: Any) -> None:
    rows.staff("bo", "correct horse battery")
    response = client.post("/accounts/login/", {"login": "bo", "password": "correct horse battery"})
    assert (response.status_code, response["Location"]) == (302, "/")
    assert "Successfully" not in client.get("/").content.decode()


def test_a_wrong_password_is_said_on_the_page(client: Client, db: Any) -> None:
    rows.staff("bo", "correct horse battery")
    response = client.post("/accounts/login/", {"login": "bo", "password": "wrong"})
    assert response.status_code == 200
    assert "not correct" in response.content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/", "/cases", "/reviews", "/customers", "/who-had", "/messages", "/outbox", "/brands", "/more",
        "/policies", "/policies/jimcloud",
    ],
)  # fmt: skip
def test_pages_carry_no_inline_script_or_style(path: str, page: Client, desk: rows.Desk) -> None:
    text = page.get(path).content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son\w+=", text)
    assert not re.search(r"(src|href)=\"(?:https?:)?//", text)


def test_an_unknown_address_answers_in_the_style_of_the_house(page: Client) -> None:
    response = page.get("/no-such-page")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_errors_have_pages_of_their_own() -> None:
    handlers = {code: get_resolver().resolve_error_handler(code).__module__ for code in (403, 404, 500)}
    assert set(handlers.values()) == {"abusedesk.web.views.errors"}
