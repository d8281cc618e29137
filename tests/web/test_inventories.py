"""The inventories' pages: set up, tried, and what they change seen before it is written."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from abusedesk.desk.inventory.compare import compare
from abusedesk.records.models import Assignment, Comparison, Inventory
from abusedesk.vocabulary.permission import INVENTORIES
from tests.inventories.netbox import TOKEN, NetBox, netbox
from tests.web import rows


@pytest.fixture
def keeper(page: Client, staff: Any) -> Client:
    staff.groups.add(Group.objects.create(name=INVENTORIES))
    return page


@pytest.fixture
def box() -> Iterator[NetBox]:
    with netbox() as made:
        machine = made.machine("vps-1", made.tenant("acme"))
        made.address("192.0.2.10/24", machine)
        yield made


@pytest.fixture
def token(tmp_path: Path) -> Path:
    made = tmp_path / "token"
    made.write_text(TOKEN)
    made.chmod(0o600)
    return made


@pytest.fixture
def inventory(box: NetBox, token: Path) -> Inventory:
    return Inventory.objects.create(
        brand=rows.brand(),
        kind="netbox",
        name="netbox",
        options={"url": box.url, "token_file": str(token)},
        hook_secret="s" * 20,
        rank_customers=1,
        rank_services=1,
        rank_assignments=1,
    )


def text(response: Any) -> str:
    body: str = response.content.decode()
    return body


def given(brand: int, url: str, token: Path, **changed: str) -> dict[str, str]:
    return {
        "name": "netbox", "brand": str(brand), "rank_customers": "2", "rank_services": "", "rank_assignments": "1",
        "every_minutes": "30", "fresh_hours": "12", "mass_percent": "5", "mass_rows": "50",
        "option_url": url, "option_token_file": str(token), "option_devices": "no", "option_customer_field": "slug",
        **changed,
    }  # fmt: skip


def test_the_empty_page_says_where_to_begin(page: Client) -> None:
    assert "Nobody tells the desk who holds what by itself" in text(page.get("/inventories"))


def test_what_each_is_believed_about_is_listed(page: Client, inventory: Inventory) -> None:
    Inventory.objects.create(brand=inventory.brand, kind="csv", name="csv-example")
    shown = text(page.get("/inventories"))
    assert "customers (1), services (1), addresses (1)" in shown
    assert "what no other inventory says" in shown


def test_a_yes_or_no_is_chosen(keeper: Client, inventory: Inventory) -> None:
    shown = text(keeper.get("/inventories/new/netbox"))
    assert '<select name="option_devices"' in shown
    assert shown.index("option_url") < shown.index("rank_customers")


@pytest.mark.parametrize("path", ["/inventories/new/netbox", "/inventories/1/probe", "/inventories/1/compare"])
def test_inventories_are_changed_by_few(path: str, page: Client, inventory: Inventory) -> None:
    assert page.post(path.replace("/1/", f"/{inventory.pk}/")).status_code == 403


def test_one_is_added_with_its_ranks_and_limits(keeper: Client, box: NetBox, token: Path) -> None:
    brand = rows.brand()
    keeper.post("/inventories/new/netbox", given(brand.pk, box.url, token))
    one = Inventory.objects.get()
    assert (one.brand, one.kind, one.rank_customers, one.rank_services) == (brand, "netbox", 2, None)
    assert (one.every, one.fresh_for) == (timedelta(minutes=30), timedelta(hours=12))
    assert len(one.hook_secret) > 30


def test_a_secret_that_others_may_read_is_refused(keeper: Client, box: NetBox, token: Path) -> None:
    token.chmod(0o644)
    response = keeper.post("/inventories/new/netbox", given(rows.brand().pk, box.url, token))
    assert response.status_code == 422
    assert "Others may read it" in text(response)


def test_the_connection_is_tried(keeper: Client, inventory: Inventory) -> None:
    shown = text(keeper.post(f"/inventories/{inventory.pk}/probe", follow=True))
    assert "NetBox 4.3: 1 tenants, 1 virtual machines, 1 addresses" in shown


def test_a_connection_that_fails_says_why(keeper: Client, inventory: Inventory, token: Path) -> None:
    token.write_text("wrong")
    shown = text(keeper.post(f"/inventories/{inventory.pk}/probe", follow=True))
    assert "the token may not do that" in shown


def test_what_waits_is_seen_and_written(keeper: Client, inventory: Inventory) -> None:
    waits = compare(inventory).comparison
    assert waits is not None
    assert "See what waits" in text(keeper.get("/inventories"))
    shown = text(keeper.get(f"/inventories/differences/{waits.pk}"))
    assert "192.0.2.10/32" in shown
    assert "it is the first reading" in shown
    keeper.post(f"/inventories/differences/{waits.pk}/approve", {"digest": waits.digest})
    assert Assignment.objects.get().service.ref == "vps-1"
    assert Comparison.objects.get().decided_by == "ann"


def test_what_was_not_seen_is_not_written(keeper: Client, inventory: Inventory) -> None:
    waits = compare(inventory).comparison
    assert waits is not None
    shown = text(keeper.post(f"/inventories/differences/{waits.pk}/approve", {"digest": "other"}, follow=True))
    assert "has changed meanwhile" in shown
    assert not Assignment.objects.exists()


def test_one_kind_of_row_is_shown_alone(page: Client, inventory: Inventory) -> None:
    waiting = compare(inventory).comparison
    assert waiting is not None
    assert "vps-1" in text(page.get(f"/inventories/differences/{waiting.pk}?kind=begun"))
    alone = text(page.get(f"/inventories/differences/{waiting.pk}?kind=new customer"))
    assert ">acme<" in alone
    assert ">vps-1<" not in alone


def test_the_difference_is_downloaded(page: Client, inventory: Inventory) -> None:
    waits = compare(inventory).comparison
    assert waits is not None
    lines = text(page.get(f"/inventories/differences/{waits.pk}.csv")).splitlines()
    assert lines[0] == "change,subject,before,after,at"
    assert lines[1].startswith("new customer,acme,,Acme,")
    assert len(lines) == 4


def test_only_few_write_a_difference(page: Client, inventory: Inventory) -> None:
    waits = compare(inventory).comparison
    assert waits is not None
    response = page.post(f"/inventories/differences/{waits.pk}/approve", {"digest": waits.digest})
    assert response.status_code == 403


def test_one_that_was_written_is_taken_back(keeper: Client, inventory: Inventory) -> None:
    waits = compare(inventory).comparison
    assert waits is not None
    keeper.post(f"/inventories/differences/{waits.pk}/approve", {"digest": waits.digest})
    done = Comparison.objects.get()
    keeper.post(f"/inventories/differences/{done.pk}/undo")
    assert not Assignment.objects.exists()


def test_a_stale_one_is_marked(page: Client, inventory: Inventory) -> None:
    Inventory.objects.update(fresh_at=timezone.now() - timedelta(days=3))
    assert "stale: last read 3 days ago" in text(page.get("/inventories"))


def test_settings_are_changed(keeper: Client, inventory: Inventory, box: NetBox, token: Path) -> None:
    keeper.post(f"/inventories/{inventory.pk}", given(inventory.brand_id, box.url, token, fresh_hours=""))
    inventory.refresh_from_db()
    assert inventory.fresh_for is None
    assert "Settings" in text(keeper.get(f"/inventories/{inventory.pk}"))
