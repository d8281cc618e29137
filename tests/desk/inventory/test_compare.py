"""A NetBox asked over HTTP, held against the records, written, approved and taken back."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.range import Range as NumericRange

from abusedesk.desk.inventory import apply, disputes, rounds
from abusedesk.desk.inventory.compare import Compared, approve, compare, reject, settle
from abusedesk.problem import Problem
from abusedesk.records.models import Assignment, Comparison, Contradiction, Docket, Inventory, OwnPrefix, Service
from abusedesk.vocabulary.claims import Claims, HoldingClaim, pack, unpack
from tests.desk.estate import Provider
from tests.inventories.netbox import NetBox

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def held() -> dict[str, tuple[str, datetime, datetime | None]]:
    """What the records hold, by prefix; of several rows the last."""
    rows = Assignment.objects.select_related("service").order_by("period")
    return {str(one.prefix): (one.service.ref, one.period.lower, one.period.upper) for one in rows}


def machines(box: NetBox, number: int) -> list[dict[str, Any]]:
    """Machines of one tenant, each with an address."""
    tenant = box.tenant("acme")
    made = [box.machine(f"vps-{last}", tenant) for last in range(number)]
    for last, machine in enumerate(made):
        box.address(f"192.0.2.{last}/24", machine)
    return made


def taken_over(inventory: Inventory, at: datetime = START) -> Compared:
    """The first reading, agreed to by a person."""
    waits = compare(inventory, at)
    assert waits.comparison is not None
    return approve(waits.comparison, "ann", waits.comparison.digest)


def test_the_first_reading_waits_for_a_person(inventory: Inventory, box: NetBox) -> None:
    machines(box, 3)
    compared = compare(inventory, START)
    assert compared.why == "it is the first reading of this inventory"
    assert held() == {}
    inventory.refresh_from_db()
    assert inventory.fresh_at is None


def test_what_a_person_agrees_to_is_written(inventory: Inventory, box: NetBox) -> None:
    machines(box, 3)
    done = taken_over(inventory)
    assert done.why == ""
    assert {prefix: ref for prefix, (ref, _, until) in held().items() if until is None} == {
        f"192.0.2.{last}/32": f"vps-{last}" for last in range(3)
    }
    made = Comparison.objects.get()
    assert (made.state, made.decided_by) == ("applied", "ann")


def test_a_reading_that_changed_meanwhile_is_not_agreed_to(inventory: Inventory, box: NetBox, jim: Provider) -> None:
    machines(box, 3)
    waits = compare(inventory, START).comparison
    assert waits is not None
    Assignment.objects.create(service=jim.service, prefix="192.0.2.1", period=(START - HOUR, None))
    again = approve(waits, "ann", waits.digest)
    assert again.why
    assert "vps-1" not in {ref for ref, _, _ in held().values()}


def test_a_small_change_is_written_at_once(inventory: Inventory, box: NetBox) -> None:
    made = machines(box, 3)
    taken_over(inventory)
    box.addresses[0]["assigned_object"]["virtual_machine"] = {"id": made[2]["id"], "name": "vps-2"}
    compared = compare(inventory, START + HOUR)
    assert compared.why == ""
    assert held()["192.0.2.0/32"] == ("vps-2", START + HOUR, None)
    old = Assignment.objects.get(service__ref="vps-0", prefix="192.0.2.0")
    assert old.period.upper == START + HOUR


def test_netboxs_own_instant_of_change_counts(inventory: Inventory, box: NetBox) -> None:
    made = machines(box, 3)
    taken_over(inventory)
    box.addresses[0]["assigned_object"]["virtual_machine"] = {"id": made[2]["id"], "name": "vps-2"}
    box.addresses[0]["last_updated"] = "2026-03-01T00:20:00Z"
    compare(inventory, START + HOUR)
    assert held()["192.0.2.0/32"][1] == START + timedelta(minutes=20)


def test_an_address_taken_away_ends(inventory: Inventory, box: NetBox) -> None:
    machines(box, 3)
    taken_over(inventory)
    del box.addresses[0]
    compare(inventory, START + HOUR)
    assert held()["192.0.2.0/32"][2] == START + HOUR


def test_an_empty_answer_ends_nothing(inventory: Inventory, box: NetBox) -> None:
    machines(box, 2)
    taken_over(inventory)
    box.addresses.clear()
    box.machines.clear()
    compared = compare(inventory, START + HOUR)
    assert compared.why == "it names 0 services and prefixes, where it named 4 before"
    assert all(until is None for _, _, until in held().values())
    inventory.refresh_from_db()
    assert inventory.fresh_at == START


def test_the_same_difference_waits_once(inventory: Inventory, box: NetBox) -> None:
    machines(box, 3)
    first, second = compare(inventory, START), compare(inventory, START + HOUR)
    assert first.comparison == second.comparison
    assert Comparison.objects.count() == 1


def test_another_difference_takes_its_place(inventory: Inventory, box: NetBox) -> None:
    machines(box, 3)
    compare(inventory, START)
    del box.addresses[0]
    compare(inventory, START + HOUR)
    assert list(Comparison.objects.order_by("pk").values_list("state", flat=True)) == ["replaced", "waiting"]


def test_what_was_rejected_does_not_ask_again(inventory: Inventory, box: NetBox) -> None:
    machines(box, 3)
    waits = compare(inventory, START).comparison
    assert waits is not None
    reject(waits, "ann")
    compare(inventory, START + HOUR)
    assert Comparison.objects.get().state == "rejected"


def test_a_change_is_taken_back_as_one_step(inventory: Inventory, box: NetBox) -> None:
    made = machines(box, 3)
    taken_over(inventory)
    before = held()
    box.addresses[0]["assigned_object"]["virtual_machine"] = {"id": made[2]["id"], "name": "vps-2"}
    del box.addresses[1]
    del box.machines[1]
    done = compare(inventory, START + HOUR)
    assert held() != before
    assert done.comparison is not None
    apply.undo(done.comparison, "ann")
    assert held() == before
    assert not Service.objects.exclude(until=None).exists()


def test_after_taking_back_the_next_change_waits(inventory: Inventory, box: NetBox) -> None:
    machines(box, 3)
    taken_over(inventory)
    del box.addresses[1]
    done = compare(inventory, START + HOUR).comparison
    assert done is not None
    apply.undo(done, "ann")
    again = compare(inventory, START + 2 * HOUR)
    assert again.why == "its last change was undone, so a person looks at the next one"


def test_what_changed_since_is_not_taken_back(inventory: Inventory, box: NetBox, jim: Provider) -> None:
    machines(box, 3)
    taken_over(inventory)
    del box.addresses[1]
    done = compare(inventory, START + HOUR).comparison
    assert done is not None
    Assignment.objects.create(service=jim.service, prefix="192.0.2.1", period=(START + 2 * HOUR, None))
    with pytest.raises(Problem, match="changed again since"):
        apply.undo(done, "ann")
    assert Comparison.objects.get(pk=done.pk).state == "applied"


def test_the_first_reading_taken_back_leaves_nothing(inventory: Inventory, box: NetBox) -> None:
    machines(box, 3)
    done = taken_over(inventory).comparison
    assert done is not None
    apply.undo(done, "ann")
    assert held() == {}
    assert Service.objects.values_list("ref", flat=True).get() == "s1"


def test_what_the_csv_brought_stays_and_is_shown(inventory: Inventory, box: NetBox, jim: Provider) -> None:
    Assignment.objects.create(service=jim.service, prefix="198.51.100.7", period=(START - HOUR, None))
    machines(box, 1)
    compared = compare(inventory, START)
    assert "198.51.100.7/32 of s1" in compared.difference.only_here
    taken_over(inventory, START + HOUR)
    assert held()["198.51.100.7/32"][2] is None


def test_what_the_csv_brought_is_confirmed(inventory: Inventory, box: NetBox, jim: Provider) -> None:
    row = Assignment.objects.create(service=jim.service, prefix="192.0.2.9", period=(START - HOUR, None))
    box.address("192.0.2.9/24", box.machine("s1", box.tenant("c1", "Jo")))
    compared = compare(inventory, START)
    assert compared.why == "it is the first reading of this inventory"  # the label of the service changes
    taken_over(inventory)
    row.refresh_from_db()
    assert row.inventory == inventory


def test_a_new_service_is_told_to_the_policy(inventory: Inventory, box: NetBox) -> None:
    machines(box, 3)
    taken_over(inventory, datetime.now(UTC) - HOUR)
    young = box.machine("vps-9", box.tenants[0])
    young["created"] = datetime.now(UTC).isoformat()
    compare(inventory)
    assert Docket.objects.filter(service__ref="vps-9").exists()
    assert not Docket.objects.filter(service__ref="vps-0").exists()


def test_two_machines_with_one_address_are_a_contradiction(inventory: Inventory, box: NetBox) -> None:
    made = machines(box, 3)
    taken_over(inventory)
    box.address("192.0.2.0/32", made[1])
    compare(inventory, START + HOUR)
    found = Contradiction.objects.get()
    assert (found.fact, found.subject, found.standing) == ("holder", "192.0.2.0/32", "")
    assert held()["192.0.2.0/32"] == ("vps-0", held()["192.0.2.0/32"][1], None)


def test_a_contradiction_ends_when_they_agree(inventory: Inventory, box: NetBox) -> None:
    made = machines(box, 3)
    taken_over(inventory)
    box.address("192.0.2.0/32", made[1])
    compare(inventory, START + HOUR)
    box.addresses.pop()
    compare(inventory, START + 2 * HOUR)
    assert Contradiction.objects.get().ended_at == START + 2 * HOUR


def test_aggregates_become_the_brands_own_prefixes(inventory: Inventory, box: NetBox) -> None:
    machines(box, 1)
    box.aggregate("198.51.100.0/24")
    taken_over(inventory)
    assert [one.prefix for one in OwnPrefix.objects.all()] == [ip_network("198.51.100.0/24")]
    box.aggregates.clear()
    box.aggregate("203.0.113.0/24")
    compare(inventory, START + HOUR)
    assert [one.prefix for one in OwnPrefix.objects.all()] == [ip_network("203.0.113.0/24")]


def test_many_are_written_together(inventory: Inventory, box: NetBox, django_assert_max_num_queries: Any) -> None:
    machines(box, 200)
    waits = compare(inventory, START).comparison
    assert waits is not None
    with django_assert_max_num_queries(60):
        approve(waits, "ann", waits.digest)
    assert len(held()) == 200


def test_two_inventories_are_weighed_together(inventory: Inventory, box: NetBox, jim: Provider) -> None:
    machines(box, 3)
    taken_over(inventory)
    said = Claims(holdings=(HoldingClaim("192.0.2.0/32", "vps-1"), HoldingClaim("192.0.2.77/32", "vps-1")))
    other = Inventory.objects.create(brand=jim.brand, kind="proxmox", name="cluster", rank_assignments=2)
    waits = settle(other, said, START + HOUR)
    assert waits.comparison is not None
    approve(waits.comparison, "ann", waits.comparison.digest)
    assert held()["192.0.2.0/32"][0] == "vps-0"
    assert held()["192.0.2.77/32"][0] == "vps-1"
    assert Contradiction.objects.get().standing == "vps-0"


def test_a_persons_choice_is_carried_out_at_the_next_comparison(
    inventory: Inventory, box: NetBox, jim: Provider
) -> None:
    machines(box, 3)
    taken_over(inventory)
    said = Claims(holdings=(HoldingClaim("192.0.2.0/32", "vps-1"),))
    other = Inventory.objects.create(
        brand=jim.brand, kind="proxmox", name="cluster", rank_assignments=2, claims=pack(said), fresh_at=START
    )
    settle(other, said, START + HOUR)
    disputes.decide(Contradiction.objects.get(), "vps-1", "ann")
    compare(inventory, START + 2 * HOUR)
    assert held()["192.0.2.0/32"] == ("vps-1", START + 2 * HOUR, None)
    assert Contradiction.objects.get().choice == "vps-1"


def test_a_service_that_could_not_be_asked_about_is_remembered(
    inventory: Inventory, box: NetBox, jim: Provider
) -> None:
    machines(box, 3)
    taken_over(inventory)
    said = unpack(Inventory.objects.get().claims)
    left = Claims(said.customers, said.services, said.holdings[1:], unread=("vps-0",))
    settle(inventory, left, START + HOUR)
    settle(inventory, left, START + 2 * HOUR)
    inventory.refresh_from_db()
    pk = Service.objects.get(ref="vps-0").pk
    assert inventory.unread == {str(pk): START.isoformat()}
    assert inventory.fresh_at == START + 2 * HOUR
    assert held()["192.0.2.0/32"][2] is None
    assert inventory.error == "1 services could not be asked about: vps-0"


def test_an_address_that_is_shared_by_ports_is_not_taken(inventory: Inventory, box: NetBox, jim: Provider) -> None:
    Assignment.objects.create(
        service=jim.service, prefix="192.0.2.0", period=(START - HOUR, None), ports=NumericRange(1024, 2048)
    )
    machines(box, 1)
    done = taken_over(inventory)
    assert [one.reason for one in done.difference.untaken] == [
        "a group that shares it by source ports holds it; end that first"
    ]


def test_one_that_is_due_is_compared_and_its_failure_noted(inventory: Inventory, box: NetBox) -> None:
    machines(box, 3)
    now = datetime.now(UTC)
    assert rounds.take_stock(now) == 1
    assert rounds.take_stock(now) == 0
    assert Comparison.objects.get().state == "waiting"
    Path(inventory.options["token_file"]).write_text("wrong")
    assert rounds.take_stock(now + 2 * HOUR) == 1
    inventory.refresh_from_db()
    assert "the token may not do that" in inventory.error
    assert inventory.failing_since is not None
    assert inventory.lease_until is None


def test_one_that_was_asked_for_does_not_wait_for_its_turn(inventory: Inventory, box: NetBox) -> None:
    now = datetime.now(UTC)
    Inventory.objects.update(checked_at=now, wanted_at=now)
    assert rounds.take_stock(now) == 0
    assert rounds.take_stock(now + rounds.SETTLING) == 1


def test_one_that_is_switched_off_is_not_asked(inventory: Inventory) -> None:
    Inventory.objects.update(enabled=False)
    assert rounds.take_stock(datetime.now(UTC)) == 0
