"""The pages of contradictions and of unassigned space."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from abusedesk.records.models import Assignment, Contradiction, Event, Inventory, OwnPrefix
from abusedesk.vocabulary.permission import INVENTORIES
from tests.web import rows


@pytest.fixture
def keeper(page: Client, staff: Any) -> Client:
    staff.groups.add(Group.objects.create(name=INVENTORIES))
    return page


def text(response: Any) -> str:
    body: str = response.content.decode()
    return body


def dispute(desk: rows.Desk) -> Contradiction:
    one = Inventory.objects.create(brand=desk.brand, kind="netbox", name="netbox")
    two = Inventory.objects.create(brand=desk.brand, kind="proxmox", name="cluster")
    return Contradiction.objects.create(
        brand=desk.brand,
        fact="holder",
        subject="192.0.2.10/32",
        claims=[
            {"inventory": one.pk, "name": "netbox", "value": "s-1"},
            {"inventory": two.pk, "name": "cluster", "value": "s-2"},
        ],
        standing="s-1",
        reason="netbox is believed first",
        opened_at=timezone.now(),
    )


def test_both_claims_are_shown_with_what_holds(page: Client, desk: rows.Desk) -> None:
    dispute(desk)
    shown = text(page.get("/inventories/contradictions"))
    assert "says netbox" in shown
    assert "says cluster" in shown
    assert "netbox is believed first" in shown


def test_they_are_counted_beside_the_queue(page: Client, desk: rows.Desk) -> None:
    assert "Contradictions of inventories" not in text(page.get("/"))
    dispute(desk)
    assert "Contradictions of inventories" in text(page.get("/"))


def test_a_person_chooses_and_both_are_compared_again(keeper: Client, desk: rows.Desk) -> None:
    one = dispute(desk)
    keeper.post(f"/inventories/contradictions/{one.pk}", {"value": "s-2"})
    one.refresh_from_db()
    assert (one.choice, one.decided_by) == ("s-2", "ann")
    assert not Inventory.objects.filter(wanted_at=None).exists()
    assert "chosen by ann" in text(keeper.get("/inventories/contradictions?show=decided"))


def test_a_choice_is_taken_back(keeper: Client, desk: rows.Desk) -> None:
    one = dispute(desk)
    keeper.post(f"/inventories/contradictions/{one.pk}", {"value": "s-2"})
    keeper.post(f"/inventories/contradictions/{one.pk}", {"value": ""})
    one.refresh_from_db()
    assert (one.choice, one.decided_by) == ("", "")


def test_nobody_chooses_what_nobody_claims(keeper: Client, desk: rows.Desk) -> None:
    one = dispute(desk)
    shown = text(keeper.post(f"/inventories/contradictions/{one.pk}", {"value": "s-9"}, follow=True))
    assert "nobody claims" in shown


def test_only_few_choose(page: Client, desk: rows.Desk) -> None:
    assert page.post(f"/inventories/contradictions/{dispute(desk).pk}", {"value": "s-2"}).status_code == 403


def test_a_desk_that_knows_no_space_says_so(page: Client, desk: rows.Desk) -> None:
    assert "The desk does not know what is yours" in text(page.get("/inventories/unassigned"))


def test_a_prefix_is_typed_in_and_taken_away(keeper: Client, desk: rows.Desk) -> None:
    keeper.post("/inventories/own", {"brand": desk.brand.pk, "network": "192.0.2.0/24"})
    one = OwnPrefix.objects.get()
    assert (str(one.prefix), one.added_by) == ("192.0.2.0/24", "ann")
    keeper.post("/inventories/own", {"remove": one.pk})
    assert not OwnPrefix.objects.exists()


def test_what_is_no_prefix_is_refused(keeper: Client, desk: rows.Desk) -> None:
    response = keeper.post("/inventories/own", {"brand": desk.brand.pk, "network": "192.0.2.9/24"})
    assert response.status_code == 422
    assert "is no prefix" in text(response)


def own(desk: rows.Desk, prefix: str = "192.0.2.0/28") -> None:
    OwnPrefix.objects.create(brand=desk.brand, prefix=prefix, added_at=timezone.now(), added_by="ann")


def test_the_ranges_around_what_is_held_are_free(page: Client, desk: rows.Desk) -> None:
    own(desk)
    lines = text(page.get("/inventories/unassigned.csv")).splitlines()
    assert lines[1:] == ["jimcloud,192.0.2.0,192.0.2.9,10,0", "jimcloud,192.0.2.11,192.0.2.15,5,0"]


def test_what_has_ended_is_free(page: Client, desk: rows.Desk) -> None:
    own(desk)
    Assignment.objects.update(period=(timezone.now() - timedelta(days=9), timezone.now() - timedelta(days=1)))
    assert len(text(page.get("/inventories/unassigned.csv")).splitlines()) == 2


def test_what_was_complained_about_is_counted(page: Client, desk: rows.Desk) -> None:
    own(desk)
    event = rows.event(desk.case, desk.report, "192.0.2.12")
    Event.objects.filter(pk=event.pk).update(service_id=None)
    assert "jimcloud,192.0.2.11,192.0.2.15,5,4" in text(page.get("/inventories/unassigned.csv"))
    assert "192.0.2.11" in text(page.get("/inventories/unassigned?show=complained"))
    assert "192.0.2.9" not in text(page.get("/inventories/unassigned?show=complained"))
