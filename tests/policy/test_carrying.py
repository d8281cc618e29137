"""A service that carries others: nothing hits the whole of it by itself."""

import pytest

from tests.policy.story import _WORLD, report, story, told

WORLD = _WORLD.replace("{id: s1, customer: c1,", "{id: s1, carries: true, customer: c1,")
ATTACK = f"02-02 10:00 {report('a', 'connection/port_scan')}"


def measures(*entries: str, settings: str = "", until: str = "02-02 15:00", policy: str = "jimcloud") -> list[str]:
    found = story(policy, *entries, until=until, settings=settings, world=WORLD)
    return [one for one in told(found, "measure", "lift", "withdraw") if "block_port" not in one]


def test_what_hits_all_of_them_is_proposed() -> None:
    assert measures(ATTACK) == ["02-02 10:00 suspend proposed refund s1"]


def test_a_person_may_take_the_whole() -> None:
    approve = "approval: {service: s1, by: bob, measure: suspend, decision: approve}"
    assert measures(ATTACK, f"02-02 11:00 {approve}")[-1] == "02-02 11:00 suspend approved refund s1"


def test_it_is_narrowed_to_the_accused_address_where_the_brand_wants_that() -> None:
    assert measures(ATTACK, settings="{carrying: narrow}") == ["02-02 10:00 null_route automatic refund 192.0.2.10"]


def test_it_acts_on_the_whole_where_the_brand_wants_that() -> None:
    assert measures(ATTACK, settings="{carrying: whole}") == ["02-02 10:00 suspend automatic refund s1"]


def test_each_accused_address_is_cut_off_and_no_other() -> None:
    both = "report: {id: a, category: connection/port_scan, ips: [192.0.2.10, 192.0.2.11]}"
    assert measures(f"02-02 10:00 {both}", settings="{carrying: narrow}") == [
        "02-02 10:00 null_route automatic refund 192.0.2.10",
        "02-02 10:00 null_route automatic refund 192.0.2.11",
    ]


def test_what_a_missed_answer_brings_is_narrowed_to_what_was_accused() -> None:
    found = measures(ATTACK, settings="{carrying: narrow, irreversible: automatic}", until="02-28 00:00")
    assert {one.split()[-1] for one in found if "automatic" in one} == {"192.0.2.10"}


def test_a_debt_accuses_no_address_and_is_put_before_a_person() -> None:
    found = measures(ATTACK, settings="{carrying: narrow}", until="02-28 00:00")
    assert [one for one in found if "shutdown" in one and "automatic" in one] == []
    assert any("shutdown proposed" in one for one in found)


def test_evidence_that_lifts_the_suspension_lifts_what_stands_in_its_place() -> None:
    evidence = "evidence: {service: s1, accepted: true}"
    found = measures(ATTACK, f"02-02 11:00 {evidence}", settings="{carrying: narrow}")
    assert found[-1] == "02-02 11:00 lift null_route 192.0.2.10"


def test_a_restoration_lifts_what_stands_in_its_place() -> None:
    reply = "reply: {service: s1, complete: true}"
    pay = "payment: {service: s1, amount: 500.00}"
    restore = "request: {id: q, kind: restore, service: s1}"
    entries = (ATTACK, f"02-02 11:00 {reply}", f"02-02 11:01 {pay}", f"02-02 11:02 {restore}")
    granted = "approval: {request: q, by: bob, decision: approve}"
    found = measures(*entries, f"02-02 11:03 {granted}", settings="{carrying: narrow}")
    assert (
        found[-1] == "02-02 11:03 lift null_route 192.0.2.10" or found[-1] == "02-02 11:02 lift null_route 192.0.2.10"
    )


def test_a_rejected_report_takes_it_back() -> None:
    rejected = "verification: {report: a, rejected: true}"
    found = measures(ATTACK, f"02-02 11:00 {rejected}", settings="{carrying: narrow}")
    assert found[-1] == "02-02 11:00 lift null_route 192.0.2.10"


def test_a_protected_customers_address_is_proposed_too() -> None:
    world = _WORLD.replace("{id: kept, customer", "{id: kept, carries: true, customer")
    accused = report("a", "connection/port_scan", "203.0.113.1")
    found = story("jimcloud", f"02-02 10:00 {accused}", until="02-02 11:00", settings="{carrying: narrow}", world=world)
    assert told(found, "measure") == ["02-02 10:00 null_route proposed refund 203.0.113.1"]


@pytest.mark.parametrize("settings", ["", "{carrying: narrow}"])
def test_a_service_that_carries_nobody_is_as_before(settings: str) -> None:
    found = story("jimcloud", ATTACK, until="02-02 15:00", settings=settings)
    assert told(found, "measure") == ["02-02 10:00 suspend automatic refund s1"]
