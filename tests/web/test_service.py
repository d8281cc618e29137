"""The page of a service: its marks, and the names declared for it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from abusedesk.policy.digest import canonical
from abusedesk.policy.docket import Docket as PolicyDocket
from abusedesk.records.models import DeclaredName, Docket
from abusedesk.vocabulary.permission import SERVICES
from tests.web import rows


@pytest.fixture
def keeper(db: Any) -> Client:
    user = rows.staff("dee")
    user.groups.add(Group.objects.get_or_create(name=SERVICES)[0])
    client = Client()
    client.force_login(user)
    return client


def _page(client: Client, desk: rows.Desk) -> str:
    return client.get(f"/services/{desk.service.pk}").content.decode()


def _declare(client: Client, desk: rows.Desk, name: str, since: str = "") -> Any:
    return client.post(f"/services/{desk.service.pk}/names", {"name": name, "since": since})


def test_marks_are_set_and_taken_back(keeper: Client, desk: rows.Desk) -> None:
    place = f"/services/{desk.service.pk}/marks"
    keeper.post(place, {"shared": "on", "infrastructure": "on"})
    desk.service.refresh_from_db()
    assert (desk.service.shared, desk.service.infrastructure) == (True, True)
    assert "our own" in _page(keeper, desk)
    keeper.post(place, {"shared": "on"})
    desk.service.refresh_from_db()
    assert (desk.service.shared, desk.service.infrastructure) == (True, False)


def test_a_mail_port_that_was_opened_on_request_is_shown(keeper: Client, desk: rows.Desk) -> None:
    assert "mail port open" not in _page(keeper, desk)
    Docket.objects.filter(service=desk.service).update(state=canonical(PolicyDocket(desk.service.ref, mail_port=True)))
    assert "mail port open" in _page(keeper, desk)


def test_a_name_is_declared_from_a_day_on(keeper: Client, desk: rows.Desk) -> None:
    since = timezone.now() - timedelta(days=30)
    _declare(keeper, desk, "Shop.Example.NET.", f"{since:%Y-%m-%d}")
    one = DeclaredName.objects.get()
    assert (one.name, one.service, one.period.lower.date()) == ("shop.example.net", desk.service, since.date())
    assert "shop.example.net" in _page(keeper, desk)


@pytest.mark.parametrize(
    ("name", "since", "said"),
    [
        ("localhost", "", "is no domain"),
        ("shop.example.net", "yesterday", "is no time"),
        ("shop.example.net", "2001-01-01", "began only at"),
    ],
)
def test_what_cannot_be_declared_is_said_at_its_field(
    keeper: Client, desk: rows.Desk, name: str, since: str, said: str
) -> None:
    response = _declare(keeper, desk, name, since)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not DeclaredName.objects.exists()


def test_a_name_has_one_service_at_a_time(keeper: Client, desk: rows.Desk) -> None:
    other = rows.case(desk.brand, needs=[]).service
    DeclaredName.objects.create(service=other, name="shop.example.net", period=(timezone.now(), None))
    assert "end it there first" in _declare(keeper, desk, "shop.example.net").content.decode()


def test_a_name_ends_and_what_it_was_stays(keeper: Client, desk: rows.Desk) -> None:
    since = timezone.now() - timedelta(days=3)
    one = DeclaredName.objects.create(service=desk.service, name="shop.example.net", period=(since, None))
    keeper.post(f"/services/{desk.service.pk}/names/{one.pk}/end")
    one.refresh_from_db()
    assert (one.period.lower, one.period.upper is None) == (since, False)
    assert "End now" not in _page(keeper, desk)


@pytest.mark.parametrize("place", ["marks", "names", "names/1/end"])
def test_others_change_nothing(page: Client, desk: rows.Desk, place: str) -> None:
    assert page.post(f"/services/{desk.service.pk}/{place}", {"name": "shop.example.net"}).status_code == 403
    text = _page(page, desk)
    assert "Declare" not in text
    assert "What kind of service it is" not in text
