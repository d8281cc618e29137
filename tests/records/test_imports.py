"""Customers, contacts, services, assignments and domains from CSV, against a real PostgreSQL."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from abusedesk.problem import Problem
from abusedesk.records import imports
from abusedesk.records.models import Assignment, Brand, Contact, Customer, DeclaredName, Inventory, Service

pytestmark = pytest.mark.django_db

CUSTOMERS = "ref,name,since,email,reseller\nc1,Jo Doe,2025-01-01,jo@example.net,\nc2,Ann Roe,2025-02-01,,c1\n"
SERVICES = "ref,customer,since,type\ns1,c1,2025-01-02,vps\ns2,c2,2025-02-02,vps\n"


@pytest.fixture
def brand() -> Brand:
    return Brand.objects.create(slug="jimcloud", name="JimCloud", pack="jimcloud", sender="abuse@example.net")


@pytest.fixture
def estate(brand: Brand, tmp_path: Path) -> Brand:
    bring(brand, "customers", CUSTOMERS, tmp_path)
    bring(brand, "services", SERVICES, tmp_path)
    return brand


def planned(brand: Brand, kind: imports.Kind, text: str, folder: Path) -> imports.Plan:
    path = folder / f"{kind}.csv"
    path.write_text(text, encoding="utf-8")
    return imports.plan(kind, imports.read_file(kind, path), brand)


def bring(brand: Brand, kind: imports.Kind, text: str, folder: Path) -> imports.Plan:
    with transaction.atomic():
        plan = planned(brand, kind, text, folder)
        assert plan.faults == []
        imports.write(plan, brand)
    return plan


def said(brand: Brand, kind: imports.Kind, text: str, folder: Path) -> list[tuple[int, str, str]]:
    return [tuple(fault) for fault in sorted(planned(brand, kind, text, folder).faults)]


def test_customers_are_taken_over_with_their_reseller(estate: Brand) -> None:
    end_user = Customer.objects.get(brand=estate, ref="c2")
    assert (end_user.name, end_user.since) == ("Ann Roe", datetime(2025, 2, 1, tzinfo=UTC))
    assert end_user.reseller is not None
    assert end_user.reseller.ref == "c1"


def test_the_same_file_twice_changes_nothing(estate: Brand, tmp_path: Path) -> None:
    again = bring(estate, "services", SERVICES, tmp_path)
    assert (again.new, again.changed, again.same) == ([], [], 2)
    assert Service.objects.count() == 2


def test_a_column_that_the_file_does_not_have_stays_as_it_is(estate: Brand, tmp_path: Path) -> None:
    bring(estate, "customers", "ref,name,since\nc1,Jo Doe the Second,2025-01-01\n", tmp_path)
    customer = Customer.objects.get(ref="c1")
    assert (customer.name, customer.email) == ("Jo Doe the Second", "jo@example.net")


def test_refs_of_two_brands_do_not_meet(estate: Brand, tmp_path: Path) -> None:
    other = Brand.objects.create(slug="other", name="Other", pack="jimcloud", sender="abuse@example.org")
    bring(other, "customers", "ref,name,since\nc1,Somebody Else,2025-01-01\n", tmp_path)
    assert Customer.objects.get(brand=estate, ref="c1").name == "Jo Doe"


def test_a_customer_cannot_be_its_own_reseller_in_the_end(estate: Brand, tmp_path: Path) -> None:
    [(line, column, text)] = said(estate, "customers", "ref,name,since,reseller\nc1,Jo,2025-01-01,c2\n", tmp_path)
    assert (line, column) == (2, "reseller")
    assert "circle" in text


def test_an_address_changes_hands(estate: Brand, tmp_path: Path) -> None:
    bring(estate, "assignments", "service,prefix,since,until\ns1,192.0.2.7,2025-03-01,\n", tmp_path)
    file = "service,prefix,since,until\ns1,192.0.2.7,2025-03-01,2025-06-01\ns2,192.0.2.7,2025-06-01,\n"
    plan = bring(estate, "assignments", file, tmp_path)
    assert (len(plan.new), len(plan.changed), plan.ended) == (1, 1, 1)
    held = Assignment.objects.order_by("period").values_list("service__ref", "period")
    assert [(ref, period.upper) for ref, period in held] == [("s1", datetime(2025, 6, 1, tzinfo=UTC)), ("s2", None)]


def test_an_overlap_within_the_file_names_both_rows(estate: Brand, tmp_path: Path) -> None:
    file = "service,prefix,since\ns1,192.0.2.0/28,2025-03-01\ns2,192.0.2.0/28,2025-04-01\n"
    [(line, column, text)] = said(estate, "assignments", file, tmp_path)
    assert (line, column) == (3, "prefix")
    assert "s1 holds it since 2025-03-01T00:00:00Z and still (line 2)" in text


def test_an_overlap_with_what_is_stored_names_both(estate: Brand, tmp_path: Path) -> None:
    bring(estate, "assignments", "service,prefix,since\ns1,2001:db8:5::/64,2025-03-01\n", tmp_path)
    file = "service,prefix,since\ns2,2001:db8:5::/64,2025-04-01\n"
    [(line, _, text)] = said(estate, "assignments", file, tmp_path)
    assert line == 2
    assert "s1 of jimcloud holds it since 2025-03-01T00:00:00Z and still (stored)" in text


def test_a_prefix_of_another_brand_is_an_overlap_and_not_a_move(estate: Brand, tmp_path: Path) -> None:
    bring(estate, "assignments", "service,prefix,since\ns1,192.0.2.9,2025-03-01\n", tmp_path)
    other = Brand.objects.create(slug="other", name="Other", pack="jimcloud", sender="abuse@example.org")
    bring(other, "customers", "ref,name,since\nk,K,2025-01-01\n", tmp_path)
    bring(other, "services", "ref,customer,since\nx,k,2025-01-01\n", tmp_path)
    [(_, _, text)] = said(other, "assignments", "service,prefix,since\nx,192.0.2.9,2025-03-01\n", tmp_path)
    assert "s1 of jimcloud" in text


def test_one_long_holding_overlaps_each_that_begins_in_it(estate: Brand, tmp_path: Path) -> None:
    file = (
        "service,prefix,since,until\ns1,192.0.2.8,2025-03-01,\n"
        "s2,192.0.2.8,2025-04-01,2025-05-01\ns2,192.0.2.8,2025-06-01,2025-07-01\n"
    )
    assert [line for line, _, _ in said(estate, "assignments", file, tmp_path)] == [3, 4]


def test_nested_prefixes_are_no_overlap(estate: Brand, tmp_path: Path) -> None:
    file = "service,prefix,since\ns1,192.0.2.0/24,2025-03-01\ns2,192.0.2.64/26,2025-03-01\n"
    assert len(bring(estate, "assignments", file, tmp_path).new) == 2


def test_the_end_of_a_service_ends_what_it_holds(estate: Brand, tmp_path: Path) -> None:
    bring(estate, "assignments", "service,prefix,since\ns1,192.0.2.7,2025-03-01\n", tmp_path)
    bring(estate, "domains", "service,name,since\ns1,Shop.Example.NET.,2025-03-01\n", tmp_path)
    plan = bring(estate, "services", "ref,customer,since,until\ns1,c1,2025-01-02,2025-09-01\n", tmp_path)
    end = datetime(2025, 9, 1, tzinfo=UTC)
    assert plan.ended == 1
    assert Assignment.objects.get().period.upper == end
    declared = DeclaredName.objects.get()
    assert (declared.name, declared.period.upper) == ("shop.example.net", end)


def test_a_service_cannot_end_before_it_held_something(estate: Brand, tmp_path: Path) -> None:
    bring(estate, "assignments", "service,prefix,since\ns1,192.0.2.7,2025-03-01\n", tmp_path)
    file = "ref,customer,since,until\ns1,c1,2025-01-02,2025-02-01\n"
    [(line, column, text)] = said(estate, "services", file, tmp_path)
    assert (line, column) == (2, "until")
    assert "192.0.2.7" in text


def test_nothing_is_assigned_to_a_service_that_has_ended(estate: Brand, tmp_path: Path) -> None:
    bring(estate, "services", "ref,customer,since,until\ns1,c1,2025-01-02,2025-02-01\n", tmp_path)
    [(_, column, text)] = said(estate, "assignments", "service,prefix,since\ns1,192.0.2.7,2025-03-01\n", tmp_path)
    assert column == "since"
    assert "ended before" in text


def test_every_fault_is_told_with_line_and_column(estate: Brand, tmp_path: Path) -> None:
    file = (
        "service,prefix,since,until\n"
        "s1,192.0.2.7/24,2025-03-01,\n"
        "s9,192.0.2.8,2025-03-01,\n"
        "s1,192.0.2.9,yesterday,\n"
        "s1,192.0.2.10,2025-03-01,2025-02-01\n"
        "s1,192.0.2.11\n"
        ",192.0.2.12,2025-03-01T10:00:00,\n"
    )
    faults = said(estate, "assignments", file, tmp_path)
    assert [(line, column) for line, column, _ in faults] == [
        (2, "prefix"),
        (3, "service"),
        (4, "since"),
        (5, "until"),
        (6, ""),
        (7, "service"),
        (7, "since"),
    ]
    assert "192.0.2.0/24, or 192.0.2.7 for the one address" in faults[0][2]
    assert "no time zone" in faults[-1][2]


def test_a_type_that_the_policy_does_not_know_is_refused(tmp_path: Path) -> None:
    brand = Brand.objects.create(slug="scalibit", name="SCALIBIT", pack="scalibit", sender="abuse@example.com")
    bring(brand, "customers", CUSTOMERS, tmp_path)
    [(_, column, text)] = said(brand, "services", "ref,customer,since,type\ns1,c1,2025-01-02,gpu_clod\n", tmp_path)
    assert column == "type"
    assert "did you mean 'gpu_cloud'?" in text


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("service;prefix;since", "separated by semicolons"),
        ("service,prefx,since", "did you mean 'prefix'?"),
        ("service,prefix", "the column 'since' is missing"),
        ("service,prefix,since,since", "is there twice"),
        ("", "there is no header"),
    ],
)
def test_a_wrong_header_is_explained(brand: Brand, tmp_path: Path, header: str, says: str) -> None:
    with pytest.raises(Problem, match=says):
        planned(brand, "assignments", f"{header}\ns1,192.0.2.1,2025-01-01\n", tmp_path)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(b"ref,name,since\nc1,J\xf6rg,2025-01-01\n")
    with pytest.raises(Problem, match="save it as UTF-8"):
        imports.read_file("customers", path)


def test_a_lost_quotation_mark_is_found_where_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "lost.csv"
    path.write_text('ref,name,since\nc1,Jo,2025-01-01\nc2,"Ann,2025-01-01\n')
    with pytest.raises(Problem, match=r"lost\.csv:3: is no CSV"):
        imports.read_file("customers", path)


def test_a_mass_change_is_one_that_ends_or_moves_more_than_a_tenth(estate: Brand, tmp_path: Path) -> None:
    refs = [f"m{number}" for number in range(40)]
    rows = "".join(f"{ref},c1,2025-01-02,\n" for ref in refs)
    bring(estate, "services", "ref,customer,since,until\n" + rows, tmp_path)
    few = "".join(f"{ref},c1,2025-01-02,2025-08-01\n" for ref in refs[:4])
    many = "".join(f"{ref},c1,2025-01-02,2025-08-01\n" for ref in refs[:5])
    assert not planned(estate, "services", "ref,customer,since,until\n" + few, tmp_path).is_mass_change
    assert planned(estate, "services", "ref,customer,since,until\n" + many, tmp_path).is_mass_change


def test_a_long_file_takes_as_many_queries_as_a_short_one(estate: Brand, tmp_path: Path) -> None:
    def queries(part: int, rows: int) -> int:
        lines = [f"s{1 + number % 2},2001:db8:{part:x}:{number:x}::/64,2025-03-01\n" for number in range(rows)]
        with CaptureQueriesContext(connection) as asked:
            assert len(bring(estate, "assignments", "service,prefix,since\n" + "".join(lines), tmp_path).new) == rows
        return len(asked)

    queries(0, 1)
    assert queries(1, 2) == queries(2, 2000)


NAT = (
    "service,prefix,since,ports\n"
    "s1,192.0.2.8,2025-03-01,1024-2047\n"
    "s2,192.0.2.8,2025-03-01,2048-4095\n"
    "s2,192.0.2.8,2025-03-01,80\n"
)


def test_several_services_share_an_address_by_source_ports(estate: Brand, tmp_path: Path) -> None:
    assert len(bring(estate, "assignments", NAT, tmp_path).new) == 3
    shown = {(one.service.ref, one.source_ports) for one in Assignment.objects.select_related("service")}
    assert shown == {("s1", "1024-2047"), ("s2", "2048-4095"), ("s2", "80")}
    assert bring(estate, "assignments", NAT, tmp_path).same == 3


def test_ports_that_meet_are_an_overlap_and_are_said_once(estate: Brand, tmp_path: Path) -> None:
    bring(estate, "assignments", NAT, tmp_path)
    file = "service,prefix,since,ports\ns1,192.0.2.8,2025-04-01,2000-3000\n"
    [first, second] = said(estate, "assignments", file, tmp_path)
    assert "192.0.2.8/32 (ports 2000-3000) cannot be s1's" in first[2]
    assert "s2 of jimcloud holds it" in second[2]


def test_a_whole_address_and_a_part_of_its_ports_are_an_overlap(estate: Brand, tmp_path: Path) -> None:
    bring(estate, "assignments", NAT, tmp_path)
    found = said(estate, "assignments", "service,prefix,since\ns2,192.0.2.8,2025-04-01\n", tmp_path)
    assert [line for line, _, _ in found] == [2, 2]


def test_the_database_itself_refuses_two_holders_of_a_port(estate: Brand, tmp_path: Path) -> None:
    bring(estate, "assignments", NAT, tmp_path)
    one = Service.objects.get(ref="s1")
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.create(
            service=one, prefix="192.0.2.8", ports=(4095, 5000), period=(datetime(2025, 6, 1, tzinfo=UTC), None)
        )


def test_ports_that_are_none_are_a_fault(estate: Brand, tmp_path: Path) -> None:
    file = "service,prefix,since,ports\ns1,192.0.2.8,2025-03-01,99999\n"
    [(line, column, text)] = said(estate, "assignments", file, tmp_path)
    assert (line, column) == (2, "ports")
    assert "0 to 65535" in text


def test_a_service_is_marked_as_one_that_carries_others(estate: Brand, tmp_path: Path) -> None:
    bring(estate, "services", "ref,customer,since,carries\ns1,c1,2025-01-02,yes\n", tmp_path)
    bring(estate, "services", "ref,customer,since,label\ns1,c1,2025-01-02,node\n", tmp_path)
    one = Service.objects.get(ref="s1")
    assert (one.carries, one.label) == (True, "node")


def test_a_service_is_marked_as_shared_or_as_our_own(estate: Brand, tmp_path: Path) -> None:
    bring(estate, "services", "ref,customer,since,shared\ns1,c1,2025-01-02,yes\n", tmp_path)
    bring(estate, "services", "ref,customer,since,infrastructure\ns1,c1,2025-01-02,yes\n", tmp_path)
    one = Service.objects.get(ref="s1")
    assert (one.shared, one.infrastructure) == (True, True)


def test_assignments_from_files_have_the_files_as_their_inventory(estate: Brand, tmp_path: Path) -> None:
    bring(estate, "assignments", "service,prefix,since\ns1,192.0.2.1,2025-03-01\n", tmp_path)
    inventory = Assignment.objects.get().inventory
    assert inventory is not None
    assert (inventory.kind, inventory.name, inventory.fresh_for) == ("csv", "csv-jimcloud", None)


def test_every_import_of_assignments_is_a_reading(estate: Brand, tmp_path: Path) -> None:
    text = "service,prefix,since\ns1,192.0.2.1,2025-03-01\n"
    bring(estate, "assignments", text, tmp_path)
    Inventory.objects.update(fresh_at=datetime(2025, 3, 2, tzinfo=UTC))
    bring(estate, "assignments", text, tmp_path)
    assert Inventory.objects.get().fresh_at > datetime(2026, 1, 1, tzinfo=UTC)


CONTACTS = "customer,email,role,language,position\nc1,NOC@example.net,technical,de,2\nc1,abuse@example.net,,,\n"


def contacts() -> set[tuple[str, str, str, int]]:
    return set(Contact.objects.values_list("email", "role", "language", "position"))


def test_contacts_are_taken_over(estate: Brand, tmp_path: Path) -> None:
    bring(estate, "contacts", CONTACTS, tmp_path)
    assert contacts() == {("noc@example.net", "technical", "de", 2), ("abuse@example.net", "abuse", "", 0)}


def test_a_contact_is_found_again_by_its_address_however_it_is_spelt(estate: Brand, tmp_path: Path) -> None:
    Contact.objects.create(customer=Customer.objects.get(ref="c1"), email="Noc@example.net", role="billing")
    plan = bring(estate, "contacts", CONTACTS, tmp_path)
    assert (len(plan.new), len(plan.changed)) == (1, 1)
    assert Contact.objects.count() == 2
    again = bring(estate, "contacts", CONTACTS, tmp_path)
    assert (again.new, again.changed, again.same) == ([], [], 2)


@pytest.mark.parametrize(
    ("row", "column", "text"),
    [
        ("c9,a@example.net,,,", "customer", "there is no customer 'c9'"),
        ("c1,a@example.net,boss,,", "role", "is no role"),
        ("c1,a@example.net,,,-1", "position", "is no place"),
        ("c1,ABUSE@example.net,,,", "email", "is in line 3 already"),
    ],
)
def test_a_contact_that_cannot_be_taken_over_is_said_with_its_line(
    estate: Brand, tmp_path: Path, row: str, column: str, text: str
) -> None:
    [(line, where, said_of_it)] = said(estate, "contacts", f"{CONTACTS}{row}\n", tmp_path)
    assert (line, where) == (4, column)
    assert text in said_of_it
