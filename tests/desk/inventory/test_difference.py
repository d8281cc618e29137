"""The steps from the records to what the inventories want."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk.inventory import difference as d
from abusedesk.desk.inventory.precedence import Source, weigh
from abusedesk.vocabulary.claims import Claims, CustomerClaim, HoldingClaim, ServiceClaim

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LAST = NOW - timedelta(hours=1)
LONG_AGO = NOW - timedelta(days=200)
NETBOX, CSV = 1, 9


def records(
    services: dict[str, d.StandingService] | None = None, holdings: dict[str, d.Standing] | None = None, **more: Any
) -> d.Records:
    customers = {"c1": d.StandingCustomer(1, "Jo", "", "", ""), "c2": d.StandingCustomer(2, "Di", "", "", "")}
    return d.Records(customers, services or {}, holdings or {}, more.get("elsewhere", {}), more.get("ended_at", {}))


def service(pk: int = 1, customer: str = "c1", inventory: int | None = NETBOX, **more: Any) -> d.StandingService:
    return d.StandingService(pk, customer, "", "vps", LONG_AGO, more.get("until"), inventory)


def held(by: str = "s1", pk: int = 7, inventory: int | None = NETBOX, since: datetime = LONG_AGO) -> d.Standing:
    return d.Standing(pk, by, since, inventory)


def says(*holdings: tuple[str, str] | HoldingClaim, services: tuple[str, ...] = ("s1", "s2"), **more: Any) -> Claims:
    made = tuple(one if isinstance(one, HoldingClaim) else HoldingClaim(*one) for one in holdings)
    return Claims(services=tuple(ServiceClaim(ref, "c1") for ref in services), holdings=made, **more)


def find(claims: Claims, stored: d.Records, last: datetime | None = LAST) -> d.Difference:
    wanted = weigh([Source(NETBOX, "NetBox", claims, 1, 1, 1)], {})
    return d.find(wanted, stored, d.Reading(NETBOX, NOW, last, frozenset(claims.unread)))


TWO = {"s1": service(1), "s2": service(2)}


def test_what_stands_as_said_is_no_difference() -> None:
    found = find(says(("192.0.2.1/32", "s1")), records(TWO, {"192.0.2.1/32": held()}))
    assert found.steps == ()


def test_a_new_holder_ends_the_old_one_when_it_is_seen() -> None:
    found = find(says(("192.0.2.1/32", "s2")), records(TWO, {"192.0.2.1/32": held("s1")}))
    assert found.steps == (d.Moved("192.0.2.1/32", 7, "s1", "s2", NOW, NETBOX),)


def test_the_inventorys_own_instant_counts_since_the_last_reading() -> None:
    at = NOW - timedelta(minutes=20)
    found = find(says(HoldingClaim("192.0.2.1/32", "s2", at)), records(TWO, {"192.0.2.1/32": held("s1")}))
    assert found.steps == (d.Moved("192.0.2.1/32", 7, "s1", "s2", at, NETBOX),)


def test_an_instant_before_the_last_reading_rewrites_no_past() -> None:
    early = HoldingClaim("192.0.2.1/32", "s2", LAST - timedelta(days=3))
    found = find(says(early), records(TWO, {"192.0.2.1/32": held("s1")}))
    assert [one.at for one in found.steps if isinstance(one, d.Moved)] == [NOW]


def test_an_instant_ahead_is_not_believed() -> None:
    found = find(says(HoldingClaim("192.0.2.1/32", "s1", NOW + timedelta(days=1))), records(TWO))
    assert found.steps == (d.Begun("192.0.2.1/32", "s1", NOW, NETBOX),)


def test_the_first_reading_takes_the_inventorys_word_for_since_when() -> None:
    since = NOW - timedelta(days=40)
    found = find(says(HoldingClaim("192.0.2.1/32", "s1", since)), records(TWO), last=None)
    assert found.steps == (d.Begun("192.0.2.1/32", "s1", since, NETBOX),)


def test_nothing_is_held_before_the_last_holder_ended() -> None:
    ended = NOW - timedelta(minutes=5)
    claim = HoldingClaim("192.0.2.1/32", "s1", NOW - timedelta(minutes=50))
    found = find(says(claim), records(TWO, ended_at={"192.0.2.1/32": ended}))
    assert found.steps == (d.Begun("192.0.2.1/32", "s1", ended, NETBOX),)


def test_what_the_inventory_said_and_says_no_more_ends() -> None:
    found = find(says(), records(TWO, {"192.0.2.1/32": held()}))
    assert found.steps == (d.Ended("192.0.2.1/32", 7, "s1", NOW),)


def test_what_came_from_elsewhere_is_only_shown() -> None:
    found = find(says(), records(TWO, {"192.0.2.1/32": held(inventory=CSV)}))
    assert (found.steps, found.only_here) == ((), ("192.0.2.1/32 of s1",))


def test_what_it_could_not_be_asked_about_stays() -> None:
    found = find(says(unread=("s1",)), records(TWO, {"192.0.2.1/32": held()}))
    assert found.steps == ()


def test_a_holding_that_came_by_csv_is_confirmed() -> None:
    found = find(says(("192.0.2.1/32", "s1")), records(TWO, {"192.0.2.1/32": held(inventory=None)}))
    assert found.steps == (d.Confirmed("192.0.2.1/32", "assignment", 7, NETBOX, None),)
    assert found.changes == 0


def test_a_service_that_vanished_ends_and_its_prefixes_with_it() -> None:
    found = find(says(services=("s2",)), records(TWO, {"192.0.2.1/32": held()}))
    assert found.steps == (d.EndedService("s1", 1, NOW, "c1"),)


def test_a_service_that_runs_again_is_resumed() -> None:
    ended = NOW - timedelta(days=2)
    found = find(says(services=("s1",)), records({"s1": service(until=ended)}))
    assert found.steps == (d.ResumedService("s1", 1, ended, "c1"),)


def test_a_service_goes_to_another_customer() -> None:
    claims = Claims(services=(ServiceClaim("s1", "c2"),))
    assert find(claims, records({"s1": service()})).steps == (d.MovedService("s1", 1, "c1", "c2"),)


def test_a_new_service_of_a_new_customer() -> None:
    claims = Claims(
        (CustomerClaim("c3", "Ann"),),
        (ServiceClaim("s3", "c3", since=LONG_AGO),),
        (HoldingClaim("192.0.2.3/32", "s3"),),
    )
    assert [d.kind_of(one) for one in find(claims, records()).steps] == ["new_customer", "new_service", "begun"]


def test_a_service_without_a_customer_cannot_be_taken() -> None:
    found = find(Claims(services=(ServiceClaim("s3"),), holdings=(HoldingClaim("192.0.2.3/32", "s3"),)), records())
    assert found.steps == ()
    assert [one.subject for one in found.untaken] == ["s3", "192.0.2.3/32"]


def test_an_address_of_a_service_that_is_unknown_is_nobodys_any_more() -> None:
    found = find(says(("192.0.2.1/32", "s9")), records(TWO, {"192.0.2.1/32": held("s1")}))
    assert found.steps == (d.Ended("192.0.2.1/32", 7, "s1", NOW),)
    assert found.untaken == (d.Untaken("192.0.2.1/32", "its service s9 is not known here"),)


def test_what_another_brand_holds_is_not_taken() -> None:
    found = find(says(("192.0.2.1/32", "s1")), records(TWO, elsewhere={"192.0.2.1/32": "x9 of other"}))
    assert found.untaken == (d.Untaken("192.0.2.1/32", "x9 of other holds it; end that first"),)


def test_a_customers_field_that_the_inventory_leaves_empty_stays() -> None:
    stored = d.Records({"c1": d.StandingCustomer(1, "Jo", "jo@example.com", "en", "")}, {}, {}, {}, {})
    found = find(Claims(customers=(CustomerClaim("c1", "Joan"),)), stored)
    assert found.steps == (d.ChangedCustomer("c1", 1, {"name": "Jo"}, {"name": "Joan"}),)


def test_the_digest_does_not_depend_on_when_it_was_read() -> None:
    claims, stored = says(("192.0.2.1/32", "s2")), records(TWO, {"192.0.2.1/32": held("s1")})
    later = d.find(
        weigh([Source(NETBOX, "NetBox", claims, 1, 1, 1)], {}), stored, d.Reading(NETBOX, NOW + timedelta(1), LAST)
    )
    assert later.digest == find(claims, stored).digest
    assert find(says(), stored).digest != later.digest


LIMITS = d.Limits(10, 100)


def many(number: int) -> d.Records:
    return records(TWO, {f"192.0.2.{last}/32": held(pk=last) for last in range(number)})


def why(claims: Claims, stored: d.Records, before: Claims | None) -> str:
    return d.why_mass(find(claims, stored), stored, claims, before, LIMITS)


def saying(number: int) -> Claims:
    return says(*((f"192.0.2.{last}/32", "s1") for last in range(number)))


def test_the_first_reading_is_a_mass_change() -> None:
    assert "first reading" in why(saying(1), many(0), None)


def test_an_empty_reading_is_a_mass_change_however_little_it_ends() -> None:
    assert why(Claims(), many(2), saying(2)) == "it names 0 services and prefixes, where it named 4 before"


def test_a_list_that_lost_most_of_its_rows_is_one_though_the_other_is_whole() -> None:
    services = tuple(ServiceClaim(f"v{number}") for number in range(9))
    whole, half = saying(4), saying(1)
    before, read = Claims(services=services, holdings=whole.holdings), Claims(services=services, holdings=half.holdings)
    assert d.why_mass(d.Difference(), many(4), read, before, LIMITS) == "it names 1 prefixes, where it named 4 before"


def test_two_endings_are_none() -> None:
    assert why(saying(8), many(10), saying(10)) == ""


def test_more_than_a_tenth_is_one() -> None:
    assert why(saying(17), many(20), saying(20)) == "3 of 20 prefixes would end or move, more than 10 %"


def test_what_begins_is_none() -> None:
    assert why(saying(200), many(20), saying(20)) == ""


PREFIXES = st.sampled_from([f"192.0.2.{last}/32" for last in range(6)])
HELD = st.dictionaries(PREFIXES, st.sampled_from(["s1", "s2"]), max_size=6)


@given(HELD, HELD)
def test_after_the_steps_the_records_hold_what_is_said(before: dict[str, str], said: dict[str, str]) -> None:
    stored = records(TWO, {prefix: held(by, pk) for pk, (prefix, by) in enumerate(before.items())})
    now = dict(before)
    for step in find(says(*said.items()), stored).steps:
        if isinstance(step, d.Ended):
            del now[step.subject]
        elif isinstance(step, d.Begun):
            now[step.subject] = step.service
        elif isinstance(step, d.Moved):
            assert now[step.subject] == step.before
            now[step.subject] = step.after
    assert now == said
