"""Duties on the screens: at the top of the queue, on the case, and closed by a person who says what was done."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from abusedesk.records.models import Duty, UpstreamMeasure
from tests.web import rows


@pytest.fixture
def duty(desk: rows.Desk) -> Duty:
    now = timezone.now()
    return Duty.objects.create(
        brand=desk.brand,
        service=desk.service,
        message_id=uuid4(),
        said_by="transit-1",
        ip="192.0.2.10",
        what="stop the attack",
        otherwise="we null-route it",
        opened_at=now,
        due=now + timedelta(hours=4),
    )


def text(response: Any) -> str:
    body: str = response.content.decode()
    return body


@pytest.mark.parametrize("path", ["/", "/duties", "/cases/{case}"])
def test_an_open_one_shows_with_its_countdown(path: str, page: Client, duty: Duty, desk: rows.Desk) -> None:
    shown = text(page.get(path.format(case=desk.case.pk)))
    assert "Stop the attack" in shown
    assert "otherwise: we null-route it" in shown
    assert "data-countdown" in shown


def test_it_is_closed_by_a_person_who_says_what_was_done(page: Client, duty: Duty) -> None:
    assert page.post(f"/duties/{duty.pk}", {"done": ""}).status_code == 422
    page.post(f"/duties/{duty.pk}", {"done": "rebooted"})
    duty.refresh_from_db()
    assert (duty.closed_by, duty.done) == ("ann", "rebooted")
    assert "Stop the attack" not in text(page.get("/"))
    assert "closed in time" in text(page.get(f"/duties/{duty.pk}"))


def test_the_second_to_close_it_is_told(page: Client, duty: Duty) -> None:
    page.post(f"/duties/{duty.pk}", {"done": "rebooted"})
    assert "closed it already" in text(page.post(f"/duties/{duty.pk}", {"done": "again"}, follow=True))


def test_the_queue_of_another_brand_does_not_show_it(page: Client, duty: Duty) -> None:
    rows.brand("other", "Other")
    assert "Stop the attack" not in text(page.get("/?brand=other"))


def test_the_measures_of_upstreams_that_stand_are_listed(page: Client, desk: rows.Desk) -> None:
    UpstreamMeasure.objects.create(
        brand=desk.brand, action="null_route", ip="192.0.2.10", said_by="transit-1", set_at=timezone.now()
    )
    assert "192.0.2.10" in text(page.get("/duties"))


def test_the_empty_page_says_how_any_comes(page: Client, db: Any) -> None:
    assert "/api/v1/upstream" in text(page.get("/duties"))
