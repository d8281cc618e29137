"""Alerts in the console: seen, had, set up; and the link that does one thing without a sign-in."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from abusedesk.desk.oncall.book import keep
from abusedesk.desk.oncall.heartbeat import beat
from abusedesk.desk.oncall.telling import token_of
from abusedesk.desk.oncall.wrong import Wrong
from abusedesk.records.models import Alert, Rota, Telling, Way
from abusedesk.vocabulary.permission import ON_CALL
from tests.web import rows

ROTA = {
    "level": "1", "turns": "ann\nben", "first": "2026-03-02", "weekday": "0", "hour": "9", "zone": "Europe/Berlin",
    "stand_ins": "", "minutes": "15",
}  # fmt: skip
HOOK = {"name": "phone", "person": "ann", "position": "1", "enabled": "on", "option_url": "http://127.0.0.1:9/x"}


@pytest.fixture
def keeper(staff: Any, page: Client) -> Client:
    staff.groups.add(Group.objects.create(name=ON_CALL))
    rows.staff("ben")
    return page


@pytest.fixture
def paged(desk: rows.Desk) -> Telling:
    Rota.objects.create(level=1, turns=["ann"], first=date(2026, 3, 2))
    link = f"/cases/{desk.case.pk}"
    keep([Wrong("protected", "p", desk.brand.pk, "page", "suspension of s-1 proposed", link)], timezone.now())
    return Telling.objects.get()


def text(response: Any) -> str:
    body: str = response.content.decode()
    return body


def test_an_alert_is_on_every_page_until_somebody_has_it(page: Client, paged: Telling) -> None:
    assert "1<span" in text(page.get("/"))
    shown = text(page.get("/alerts"))
    assert "Suspension of s-1 proposed" in shown
    assert "has no way: nothing reaches them" in shown
    page.post(f"/alerts/{paged.alert_id}/have")
    alert = Alert.objects.get()
    assert (alert.acknowledged_by, alert.escalates_at) == ("ann", None)
    assert "alarm" not in text(page.get("/"))
    assert "ann has it" in text(page.get(f"/alerts/{alert.pk}"))


def test_the_empty_page_says_what_is_looked_at(page: Client, db: Any) -> None:
    assert "Nothing is wrong" in text(page.get("/alerts"))
    assert "Nobody is on call" in text(page.get("/alerts/on-call"))


def test_the_link_counts_only_when_its_button_is_pressed(client: Client, paged: Telling) -> None:
    link = f"/alerts/have/{token_of(paged)}"
    first = client.get(link)
    assert "Suspension of s-1 proposed" in text(first)
    assert first["Cache-Control"].startswith("max-age=0")
    assert Alert.objects.get().acknowledged_at is None
    assert "ann has it" in text(client.post(link))
    assert Alert.objects.get().acknowledged_by == "ann"
    Alert.objects.update(over_at=timezone.now())
    assert "It is over" in text(client.get(link))


def test_the_link_opens_nothing_else(client: Client, paged: Telling) -> None:
    client.post(f"/alerts/have/{token_of(paged)}")
    assert client.get(f"/alerts/{paged.alert_id}").status_code == 302
    assert client.get("/alerts/have/1.forged").status_code == 404
    assert client.get(f"/alerts/have/{token_of(paged)}x").status_code == 404


def test_health_names_what_does_not_run(client: Client, db: Any) -> None:
    beat("watch", timezone.now())
    beat("worker", timezone.now())
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"status": "late", "late": ["deadlines"]})
    beat("deadlines", timezone.now())
    assert client.get("/healthz").json() == {"status": "ok", "late": []}


def test_a_way_is_made_kept_secret_and_tried(keeper: Client) -> None:
    assert keeper.post("/alerts/ways/new/text", HOOK).status_code == 302
    way = Way.objects.get()
    assert "127.0.0.1:9" not in text(keeper.get(f"/alerts/ways/{way.pk}"))
    keeper.post(f"/alerts/ways/{way.pk}", HOOK | {"option_url": "", "position": "2"})
    way.refresh_from_db()
    assert (way.options, way.position) == ({"url": "http://127.0.0.1:9/x"}, 2)
    assert "did not take it" in text(keeper.post(f"/alerts/ways/{way.pk}/test", follow=True))
    keeper.post(f"/alerts/ways/{way.pk}/remove")
    assert not Way.objects.exists()


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("text", {"option_url": "http://chat.example.net/x"}, "without encryption"),
        ("text", {"option_url": ""}, "required"),
        ("webhook", {"option_secret": "short"}, "fewer than 32"),
        ("text", {"name": "taken"}, "Another way"),
    ],
)
def test_a_way_that_cannot_be_is_refused(keeper: Client, kind: str, change: dict[str, str], says: str) -> None:
    Way.objects.create(name="taken", kind="text")
    response = keeper.post(f"/alerts/ways/new/{kind}", HOOK | change)
    assert (response.status_code, says in text(response)) == (422, True)


def test_a_rota_is_made_shown_ahead_and_changed(keeper: Client) -> None:
    assert keeper.post("/alerts/rotas/new", ROTA).status_code == 302
    rota = Rota.objects.get()
    assert (rota.turns, rota.zone, rota.brand) == (["ann", "ben"], "Europe/Berlin", None)
    assert "From now on" in text(keeper.get(f"/alerts/rotas/{rota.pk}"))
    stand_in = "2026-12-24 09:00 to 2026-12-27 09:00 ben"
    keeper.post(f"/alerts/rotas/{rota.pk}", ROTA | {"stand_ins": stand_in})
    rota.refresh_from_db()
    assert rota.stand_ins == stand_in
    assert keeper.get("/alerts/on-call").status_code == 200


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"turns": "ann\nzoe"}, "Nobody signs in as zoe"),
        ({"zone": "Mars/Base"}, "no time zone"),
        ({"stand_ins": "soon ben"}, "is none; write"),
        ({"level": "2"}, "rota of this level already"),
    ],
)
def test_a_rota_that_cannot_be_is_refused(keeper: Client, change: dict[str, str], says: str) -> None:
    Rota.objects.create(level=2, turns=["ann"], first=datetime(2026, 3, 2, tzinfo=UTC).date())
    response = keeper.post("/alerts/rotas/new", ROTA | change)
    assert (response.status_code, says in text(response)) == (422, True)


def test_a_brand_says_what_wakes_somebody(keeper: Client) -> None:
    brand = rows.brand()
    given = {"office_hours": "Mon-Fri  09:00-18:00 Europe/Berlin", "drift": "page"}
    assert keeper.post("/brands/jimcloud/alerts", given).status_code == 302
    brand.refresh_from_db()
    assert brand.settings == {"alerts": {"drift": "page"}, "office_hours": "Mon-Fri 09:00-18:00 Europe/Berlin"}
    assert keeper.post("/brands/jimcloud/alerts", {"office_hours": "nine to five"}).status_code == 422


@pytest.mark.parametrize(
    "path", ["/alerts/ways/new/text", "/alerts/ways/1/test", "/alerts/rotas/new", "/brands/jimcloud/alerts"]
)
def test_who_may_not_changes_nothing(path: str, page: Client, desk: rows.Desk) -> None:
    assert page.post(path, HOOK | ROTA).status_code == 403
