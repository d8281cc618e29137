"""Measures on their way out: driven, read back, fenced, retried, shown."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from abusedesk.actuators.actuator import Order, Outcome
from abusedesk.actuators.models import Switch
from abusedesk.desk.perform import drive, perform_target, perform_targets, retry_target, targets
from abusedesk.desk.perform.pace import ATTEMPTS, LEASE
from abusedesk.records.models import Assignment, Brand, Case, Measure, Service, Target, TimelineEntry
from tests.desk.rows import HOUR, NOW, Desk, address_of, desk

pytestmark = pytest.mark.django_db


class Fake:
    """An outside whose answers a test chooses: by default it does what it is told."""

    def __init__(self, *, can_be_asked: bool = True) -> None:
        self.can_be_asked = can_be_asked
        self.on: set[str] = set()
        self.orders: list[tuple[str, Order]] = []
        self.says: dict[str, Outcome] = {}
        self.on_call: Callable[[str], None] = lambda _action: None

    def apply(self, order: Order) -> Outcome:
        self.on.add(order.kind)
        return self._answer("apply", order)

    def lift(self, order: Order) -> Outcome:
        self.on.discard(order.kind)
        return self._answer("lift", order)

    def query(self, order: Order) -> Outcome:
        return self._answer("query", order)

    def _answer(self, action: str, order: Order) -> Outcome:
        self.orders.append((action, order))
        self.on_call(action)
        return self.says.get(action, Outcome("in_force" if order.kind in self.on else "not_in_force"))

    @property
    def sent(self) -> list[str]:
        return [f"{action} {order.kind}" for action, order in self.orders if action != "query"]


@pytest.fixture
def acme() -> Desk:
    return desk()


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Fake:
    return plug_in(monkeypatch, Fake())


def plug_in(monkeypatch: pytest.MonkeyPatch, fake: Fake) -> Fake:
    def actuator(_name: str, _options: Mapping[str, Any]) -> Fake:
        return fake

    monkeypatch.setattr(drive, "actuator", actuator)
    return fake


def state(measure: Measure) -> str:
    return Measure.objects.get(pk=measure.pk).state


def told(kind: str) -> list[str]:
    return [entry.body["measure"] for entry in TimelineEntry.objects.filter(kind=kind)]


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_measure_is_in_force_after_it_was_read_back(acme: Desk) -> None:
    measure = acme.measure()
    assert perform_targets("w1", NOW) == 1
    measure.refresh_from_db()
    assert (measure.state, measure.in_force_at, measure.read_back_at, measure.actuator) == (
        "in_force",
        NOW,
        NOW,
        "console",
    )
    assert Switch.objects.get().on
    target = Target.objects.get()
    assert (target.dirty, target.lease_owner, target.lease_until) == (False, "", None)
    assert told("carried_out") == ["suspend"]


def test_what_the_outside_says_of_itself_is_not_enough(acme: Desk, outside: Fake) -> None:
    outside.says = {"apply": Outcome("in_force"), "query": Outcome("not_in_force")}
    measure = acme.measure()
    perform_targets("w1", NOW)
    measure.refresh_from_db()
    assert (measure.state, measure.error) == ("applying", "read back: not in force")
    assert Target.objects.get().dirty


def test_an_outside_that_cannot_be_asked_is_never_shown_as_in_force(
    acme: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = plug_in(monkeypatch, Fake(can_be_asked=False))
    measure = acme.measure()
    perform_targets("w1", NOW)
    assert state(measure) == "acknowledged"
    acme.measure("shutdown")
    perform_targets("w1", NOW)
    assert outside.sent == ["apply suspend", "apply shutdown"]


def test_what_is_only_acknowledged_is_looked_at_again_until_it_is_in_force(acme: Desk, outside: Fake) -> None:
    outside.says = {"apply": Outcome("acknowledged"), "query": Outcome("acknowledged")}
    measure = acme.measure()
    perform_targets("w1", NOW)
    assert state(measure) == "acknowledged"
    outside.says = {}
    perform_targets("w1", later(60))
    assert state(measure) == "in_force"


def test_lifting_is_read_back_too(acme: Desk) -> None:
    measure = acme.measure()
    perform_targets("w1", NOW)
    acme.lift(measure)
    perform_targets("w1", later(1))
    measure.refresh_from_db()
    assert (measure.state, measure.lifted_at) == ("lifted", later(1))
    assert not Switch.objects.get().on


def test_a_measure_that_ended_before_it_went_out_is_never_sent(acme: Desk, outside: Fake) -> None:
    acme.lift(acme.measure())
    perform_targets("w1", NOW)
    assert outside.sent == []
    assert not Target.objects.get().dirty


def test_measures_compose_in_an_order_that_leaves_no_gap(acme: Desk, outside: Fake) -> None:
    suspended = acme.measure("suspend")
    perform_targets("w1", NOW)
    acme.lift(suspended)
    acme.measure("terminate", mode="approved")
    acme.measure("shutdown")
    perform_targets("w1", later(1))
    assert outside.sent == ["apply suspend", "apply shutdown", "apply terminate", "lift suspend"]
    assert outside.orders[-1][1].standing == ("shutdown", "terminate")


def test_a_switch_stays_on_while_another_measure_bears_it(acme: Desk, outside: Fake) -> None:
    first = acme.measure()
    perform_targets("w1", NOW)
    second = acme.measure()
    acme.lift(first)
    perform_targets("w1", later(1))
    assert (state(first), state(second)) == ("lifted", "in_force")
    assert "lift suspend" not in outside.sent


def test_no_answer_is_tried_again_later_and_later(acme: Desk, outside: Fake) -> None:
    outside.says = {"apply": Outcome("unreachable", error="no route")}
    measure = acme.measure()
    waits = []
    now = NOW
    for _ in range(3):
        assert perform_target("w1", now)
        again = Target.objects.get().next_attempt
        assert again is not None
        waits.append((again - now).total_seconds())
        now = again
    assert 7 < waits[0] < 13 < waits[1] < 27 < waits[2] < 51
    assert not perform_target("w1", now - timedelta(seconds=1))
    measure.refresh_from_db()
    assert (measure.state, measure.error) == ("applying", "no route")


def test_after_many_attempts_a_person_is_asked(acme: Desk, outside: Fake) -> None:
    outside.says = {"apply": Outcome("unreachable", error="no route")}
    measure = acme.measure()
    for attempt in range(ATTEMPTS):
        assert perform_target("w1", NOW + attempt * 2 * HOUR)
    measure.refresh_from_db()
    assert measure.state == "failed"
    assert "no route" in measure.error
    assert Case.objects.get().needs == ["failed:suspend"]
    assert told("failed") == ["suspend"]
    assert not perform_target("w1", NOW + 999 * HOUR)


def test_a_person_can_have_it_tried_again(acme: Desk, outside: Fake) -> None:
    outside.says = {"apply": Outcome("refused", error="unknown service")}
    measure = acme.measure()
    perform_targets("w1", NOW)
    assert (state(measure), Case.objects.get().needs) == ("failed", ["failed:suspend"])
    outside.says = {}
    retry_target(measure.target_id or 0, later(5))
    perform_targets("w1", later(5))
    assert (state(measure), Case.objects.get().needs) == ("in_force", [])


def test_a_refusal_is_not_repeated_by_itself(acme: Desk, outside: Fake) -> None:
    outside.says = {"apply": Outcome("refused", error="unknown service")}
    acme.measure()
    perform_targets("w1", NOW)
    assert not perform_target("w1", NOW + 9 * HOUR)
    assert outside.sent == ["apply suspend"]


def test_a_refusal_of_one_measure_does_not_keep_the_others(acme: Desk, outside: Fake) -> None:
    refused = acme.measure("block_port", port=25)
    outside.on_call = lambda action: outside.says.update(
        {"apply": Outcome("refused")} if outside.orders[-1][1].kind == "block_port" else {}
    )
    outside.says = {"apply": Outcome("refused")}
    perform_targets("w1", NOW)
    outside.says, outside.on_call = {}, lambda _action: None
    suspended = acme.measure("suspend")
    perform_targets("w1", later(1))
    assert (state(refused), state(suspended)) == ("failed", "in_force")


def test_an_actuator_that_breaks_is_no_end_of_the_worker(acme: Desk, outside: Fake) -> None:
    def broken(_action: str) -> None:
        raise RuntimeError("oh")

    outside.on_call = broken
    measure = acme.measure()
    assert perform_target("w1", NOW)
    measure.refresh_from_db()
    assert (measure.state, "oh" in measure.error) == ("applying", True)


def test_an_unknown_actuator_is_shown(acme: Desk) -> None:
    Brand.objects.update(actuators={"suspend": {"actuator": "webhok"}})
    measure = acme.measure()
    perform_targets("w1", NOW)
    measure.refresh_from_db()
    assert measure.state == "failed"
    assert "webhok" in measure.error


def test_whoever_took_a_measure_ends_it(acme: Desk) -> None:
    measure = acme.measure()
    perform_targets("w1", NOW)
    Brand.objects.update(actuators={"suspend": {"actuator": "webhook", "url": "nonsense"}})
    acme.lift(measure)
    perform_targets("w1", later(1))
    assert state(measure) == "lifted"


def test_a_held_brand_takes_nothing_and_lifts(acme: Desk, outside: Fake) -> None:
    old = acme.measure("suspend")
    perform_targets("w1", NOW)
    Brand.objects.update(held_since=NOW)
    acme.lift(old)
    new = acme.measure("shutdown")
    perform_targets("w1", later(1))
    assert (state(old), state(new)) == ("lifted", "none")
    assert outside.sent == ["apply suspend", "lift suspend"]
    assert outside.orders[-1][1].standing == ()
    Brand.objects.update(held_since=None)
    perform_targets("w1", later(1) + targets.PARKED)
    assert state(new) == "in_force"


def test_an_order_names_the_addresses_that_the_service_holds_alone(acme: Desk, outside: Fake) -> None:
    Assignment.objects.all().delete()
    neighbour = Service.objects.create(brand=acme.brand, ref="vps-2", customer=acme.service.customer, since=NOW - HOUR)
    for service, prefix, hours, ports in (
        (acme.service, "198.51.100.0/29", 1, (0, 65536)),
        (neighbour, "198.51.100.4/31", 1, (0, 65536)),
        (acme.service, "198.51.100.77/32", 1, (1024, 2048)),
        (acme.service, "2001:db8:7::/64", 1, (0, 65536)),
        (acme.service, "203.0.113.0/24", -1, (0, 65536)),
    ):
        Assignment.objects.create(service=service, prefix=prefix, period=(NOW - hours * HOUR, None), ports=ports)
    acme.measure("suspend")
    perform_targets("w1", NOW)
    assert outside.orders[0][1].addresses == ("198.51.100.0/30", "198.51.100.6/31", "2001:db8:7::/64")


def test_an_upstreams_own_measure_and_a_rehearsed_one_are_not_driven(acme: Desk, outside: Fake) -> None:
    acme.measure("suspend", upstream=True)
    acme.measure("shutdown", state="dry_run")
    perform_targets("w1", NOW)
    assert outside.sent == []


def test_termination_alone_is_not_sent_unless_the_operator_said_so(acme: Desk, outside: Fake) -> None:
    measure = acme.measure("terminate", mode="automatic")
    perform_targets("w1", NOW)
    assert (state(measure), outside.sent) == ("failed", [])
    Brand.objects.update(settings={"irreversible": "automatic"})
    retry_target(measure.target_id or 0, later(1))
    perform_targets("w1", later(1))
    assert (state(measure), outside.sent) == ("in_force", ["apply terminate"])


def test_an_address_that_passed_on_meanwhile_is_left_alone(acme: Desk, outside: Fake) -> None:
    ip = address_of(acme)
    measure = acme.measure("null_route", ip=ip)
    Assignment.objects.update(period=(NOW - 9 * HOUR, NOW - HOUR))
    perform_targets("w1", NOW)
    measure.refresh_from_db()
    assert (measure.state, outside.sent) == ("failed", [])
    assert "no longer held" in measure.error


def test_an_address_that_is_still_held_is_null_routed(acme: Desk, outside: Fake) -> None:
    measure = acme.measure("null_route", ip=address_of(acme))
    perform_targets("w1", NOW)
    assert state(measure) == "in_force"


def test_a_lease_that_ran_out_is_taken_over_with_a_higher_fence_and_the_late_one_writes_nothing(
    acme: Desk, outside: Fake
) -> None:
    measure = acme.measure()
    seen: list[int] = []

    def meanwhile(action: str) -> None:
        if action == "apply" and not seen:
            seen.append(Target.objects.get().fence)
            assert not perform_target("w2", NOW + LEASE - timedelta(seconds=1))
            assert perform_target("w2", NOW + LEASE)
            outside.says = {"query": Outcome("refused", error="from the late one")}

    outside.on_call = meanwhile
    assert perform_target("w1", NOW)
    measure.refresh_from_db()
    target = Target.objects.get()
    assert (seen, target.fence, target.dirty) == ([1], 2, False)
    assert (measure.state, measure.fence, measure.error) == ("in_force", 2, "")
    assert [order.fence for action, order in outside.orders if action == "apply"] == [1, 2]
    assert told("failed") == []


def test_a_measure_that_is_lifted_while_it_is_taken_is_lifted_right_after(acme: Desk, outside: Fake) -> None:
    measure = acme.measure()

    def meanwhile(action: str) -> None:
        if action == "apply":
            acme.lift(measure)

    outside.on_call = meanwhile
    perform_targets("w1", NOW)
    assert outside.sent == ["apply suspend", "lift suspend"]
    assert outside.orders[-1][1].standing == ()
    assert state(measure) == "lifted"


def test_the_key_of_an_order_does_not_change_with_the_attempt(acme: Desk, outside: Fake) -> None:
    outside.says = {"apply": Outcome("unreachable")}
    measure = acme.measure()
    perform_target("w1", NOW)
    perform_target("w2", later(60))
    assert {order.key for _, order in outside.orders} == {f"{measure.docket_id}:{measure.item}:apply"}


def test_many_targets_go_together_and_each_gets_its_own(acme: Desk, outside: Fake) -> None:
    others = [desk(f"acme{number}") for number in range(20)]
    measures = [one.measure() for one in (acme, *others)]
    lifted = measures[7]
    perform_targets("w1", NOW)
    others[6].lift(lifted)
    assert perform_targets("w1", later(1)) == 1
    assert {state(one) for one in measures if one is not lifted} == {"in_force"}
    assert state(lifted) == "lifted"
    assert len({order.service for action, order in outside.orders if action == "apply"}) == 21
    assert not Target.objects.exclude(dirty=False, lease_until=None).exists()


def test_a_target_that_breaks_keeps_no_other(acme: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, fake = desk("broken", actuators={"suspend": {"actuator": "breaks"}}), Fake()

    def actuator(name: str, _options: Mapping[str, Any]) -> Fake:
        if name == "breaks":
            raise RuntimeError("oh")
        return fake

    monkeypatch.setattr(drive, "actuator", actuator)
    first, second = broken.measure(), acme.measure()
    perform_targets("w1", NOW)
    assert (state(first), state(second)) == ("none", "in_force")
    assert not perform_target("w1", NOW + LEASE - timedelta(seconds=1))
    monkeypatch.setattr(drive, "actuator", lambda _name, _options: fake)
    assert perform_target("w1", NOW + LEASE)
    assert state(first) == "in_force"


def test_an_answer_that_cannot_be_written_down_keeps_no_other(acme: Desk, outside: Fake) -> None:
    other = desk("other")
    outside.on_call = lambda _action: outside.says.update(
        {"query": Outcome("in_force", {"words": "\ud800"} if outside.orders[-1][1].brand == "other" else {})}
    )
    first, second = other.measure(), acme.measure()
    perform_targets("w1", NOW)
    assert (state(first), state(second)) == ("applying", "in_force")


def test_what_the_outside_says_is_kept_without_what_no_table_can_hold(acme: Desk, outside: Fake) -> None:
    outside.says = {"apply": Outcome("refused", {"words": ["a\0b"]}, "no\0way")}
    measure = acme.measure()
    perform_targets("w1", NOW)
    measure.refresh_from_db()
    assert (measure.state, measure.error, measure.outside["words"]) == ("failed", "noway", ["ab"])


def test_an_outside_that_never_answers_holds_no_place_for_longer_than_its_lease(acme: Desk, outside: Fake) -> None:
    never: list[Callable[[], None]] = []
    driver = targets.Driver("w1", never.append)
    acme.measure()
    assert driver.turn(NOW) == 1
    assert driver.turn(NOW + LEASE + timedelta(seconds=1)) == 1
    assert len(never) == 2
    never[0]()
    assert driver.turn(NOW + LEASE + timedelta(seconds=2)) == 0
    assert (driver.is_busy, Measure.objects.get().state) == (True, "applying")
    never[1]()
    driver.turn(NOW + LEASE + timedelta(seconds=3))
    assert (driver.is_busy, Measure.objects.get().state) == (False, "in_force")
