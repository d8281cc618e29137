"""The suppression pages: found, tried on the past, saved, ended, taken back."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from abusedesk.records.models import Report, Suppression, SuppressionHit
from abusedesk.vocabulary.permission import SUPPRESSIONS
from tests.desk.estate import Provider, complaint, provider, take, with_addresses

GIVEN = {
    "name": "Mirror",
    "kind": "honeypot",
    "reason": "the customer's own honeypot",
    "network": "192.0.2.0/28",
    "service": "",
    "sender": "",
    "category": "",
    "port": "",
    "brand": "",
    "effect": "count_only",
    "owner": "ann",
    "until": "",
    "endless": "on",
}


@pytest.fixture
def changer(page: Client, staff: Any) -> Client:
    staff.groups.add(Group.objects.create(name=SUPPRESSIONS))
    return page


@pytest.fixture
def jim(db: Any) -> Provider:
    return with_addresses(provider())


def text(response: Any) -> str:
    body: str = response.content.decode()
    return body


def complained(**parts: str) -> Report:
    now = timezone.now()
    take(complaint(at=now.strftime("%a, %d %b %Y %H:%M:%S +0000"), **parts), at=now)
    return Report.objects.latest("received_at")


def save(client: Client, path: str = "/suppressions/new", **changes: str) -> Any:
    saved = client.post(path, {**GIVEN, **changes, "save": "1"})
    client.get("/more")  # says that it was saved, so that later pages need not
    return saved


def test_the_empty_list_says_where_to_begin(page: Client) -> None:
    assert "Suppress what is like this" in text(page.get("/suppressions"))


@pytest.mark.parametrize("path", ["/suppressions/new", "/suppressions/1/edit"])
def test_only_the_group_may_change(page: Client, path: str) -> None:
    assert page.get(path).status_code == 403
    assert page.post(path, GIVEN).status_code == 403


@pytest.mark.parametrize("path", ["/suppressions/1/end", "/suppressions/1/undo/1"])
def test_only_the_group_may_end_and_undo(page: Client, path: str) -> None:
    assert page.post(path).status_code == 403


def test_one_is_saved_and_covers_what_comes_next(changer: Client, jim: Provider) -> None:
    saved = save(changer)
    one = Suppression.objects.get()
    assert saved.url == f"/suppressions/{one.pk}"
    report = complained()
    assert report.suppression == one
    assert "Mirror" in text(changer.get(f"/messages/{report.message_id}"))
    assert "Mirror" in text(changer.get(f"/services/{jim.service.pk}"))
    shown = text(changer.get(f"/suppressions/{one.pk}"))
    assert "fbl@isp.example.net" in shown
    assert SuppressionHit.objects.get().reports == 1


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"network": ""}, "Name at least one"),
        ({"network": "192.0.2.300"}, "is no address"),
        ({"network": "192.0.2.7/24"}, "is no address"),
        ({"network": "8.0.0.0/7"}, "wider than a /8"),
        ({"service": "nowhere"}, "No service has this id"),
        ({"sender": "nobody"}, "such as scan@example.net"),
        ({"category": "content/csam"}, "content/csam"),
        ({"owner": "zoe"}, "Nobody with an open account"),
        ({"endless": ""}, "Say when it ends"),
        ({"until": "2000-01-01", "endless": ""}, "has begun already"),
        ({"until": "2999-01-01"}, "either ends on a day"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    changer: Client, jim: Provider, changes: dict[str, str], fault: str
) -> None:
    refused = save(changer, **changes)
    assert refused.status_code == 422
    assert fault in text(refused)
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"network": "", "sender": "isp.example.net"},
        {"network": "", "sender": "fbl@isp.example.net"},
        {"network": "", "category": "messaging/*"},
        {"network": "", "service": "s1"},
    ],
)
def test_it_is_tried_on_the_past_before_it_is_saved(changer: Client, jim: Provider, changes: dict[str, str]) -> None:
    complained()
    shown = text(changer.post("/suppressions/new", {**GIVEN, **changes, "try": "1"}))
    assert "<strong>1 report</strong> with 1 event on 1 service" in shown
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"network": "198.51.100.0/24"},
        {"network": "", "sender": "sp.example.net"},
        {"category": "connection/*"},
        {"port": "22"},
    ],
)
def test_what_does_not_fit_would_not_have_been_caught(changer: Client, jim: Provider, changes: dict[str, str]) -> None:
    complained()
    shown = text(changer.post("/suppressions/new", {**GIVEN, **changes, "try": "1"}))
    assert "No report of the last 30 days fits" in shown


def test_a_report_begins_one(changer: Client, jim: Provider) -> None:
    report = complained()
    link = f"/suppressions/new?report={report.pk}"
    assert link in text(changer.get(f"/messages/{report.message_id}"))
    shown = text(changer.get(link))
    for value in ("192.0.2.1", "s1", "fbl@isp.example.net"):
        assert f'value="{value}"' in shown
    assert '<option value="messaging/spam" selected>' in shown
    assert changer.get("/suppressions/new?report=nonsense").status_code == 200


def test_an_ended_one_stands_apart_and_reports_act_again(changer: Client, jim: Provider) -> None:
    save(changer)
    one = Suppression.objects.get()
    changer.post(f"/suppressions/{one.pk}/end")
    assert "Mirror" not in text(changer.get("/suppressions"))
    assert "ended by ann" in text(changer.get("/suppressions?state=ended"))
    assert complained().suppression is None


def test_each_latest_change_can_be_taken_back(changer: Client, jim: Provider) -> None:
    save(changer)
    one = Suppression.objects.get()
    save(changer, f"/suppressions/{one.pk}/edit", effect="propose", network="192.0.2.0/30")
    first, last = one.changes.order_by("pk")
    changer.post(f"/suppressions/{one.pk}/undo/{first.pk}")
    one.refresh_from_db()
    assert one.effect == "propose"
    changer.post(f"/suppressions/{one.pk}/undo/{last.pk}")
    one.refresh_from_db()
    assert (one.effect, str(one.prefix), one.revision) == ("count_only", "192.0.2.0/28", 2)
    assert list(one.changes.order_by("pk").values_list("what", flat=True)) == ["added", "changed", "undone"]


def test_taking_back_an_end_lets_it_hold_again_and_taking_back_the_first_ends_it(
    changer: Client, jim: Provider
) -> None:
    save(changer)
    one = Suppression.objects.get()
    added = one.changes.get()
    changer.post(f"/suppressions/{one.pk}/end")
    changer.post(f"/suppressions/{one.pk}/undo/{one.changes.latest('pk').pk}")
    one.refresh_from_db()
    assert one.until is None
    other = Suppression.objects.get(pk=one.pk)
    save(changer, name="Second")
    second = Suppression.objects.exclude(pk=other.pk).get()
    changer.post(f"/suppressions/{second.pk}/undo/{second.changes.get().pk}")
    second.refresh_from_db()
    assert second.until is not None
    assert added.before is None


def test_the_list_is_searched(changer: Client, jim: Provider) -> None:
    save(changer)
    save(changer, name="Tor exit", until=(timezone.now() + timedelta(days=3)).date().isoformat(), endless="")
    shown = text(changer.get("/suppressions?q=tor"))
    assert "Tor exit" in shown
    assert "Mirror" not in shown
    assert "ends soon" in shown
