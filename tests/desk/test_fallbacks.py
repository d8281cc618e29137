"""A chain of fallbacks: when one does not bring a measure about in its time the next acts, and all are lifted."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from abusedesk.actuators.actuator import Outcome
from abusedesk.desk.perform import drive, look_again, perform_target, perform_targets, retry_target
from abusedesk.desk.perform.pace import ATTEMPTS, LOOK_AGAIN
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Measure, Target, TimelineEntry
from tests.desk.rows import HOUR, NOW, Desk, desk
from tests.desk.test_perform_targets import Fake, later

pytestmark = pytest.mark.django_db

NO_ANSWER = {action: Outcome("unreachable", error="no route") for action in ("apply", "query", "lift")}
CHAIN = [
    {"actuator": "node", "within": "PT30S"},
    {"actuator": "switch", "within": "PT0S"},
    {"actuator": "router", "as": "null_route"},
]


@pytest.fixture
def acme() -> Desk:
    return desk(actuators={"suspend": CHAIN})


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> dict[str, Fake]:
    fakes = {name: Fake() for name in ("node", "switch", "router", "other")}

    def actuator(name: str, _options: Mapping[str, Any]) -> Fake:
        if name not in fakes:
            raise Problem(f"no actuator is called {name!r}")
        return fakes[name]

    monkeypatch.setattr(drive, "actuator", actuator)
    return fakes


def flood(*fakes: Fake) -> None:
    for one in fakes:
        one.says = dict(NO_ANSWER)


def calm(*fakes: Fake) -> None:
    for one in fakes:
        one.says = {}


def became_of(measure: Measure) -> list[tuple[str, str]]:
    measure.refresh_from_db()
    return [(one["actuator"], one["state"]) for one in measure.tried]


def fell_back() -> list[tuple[str, str, int]]:
    rows = TimelineEntry.objects.filter(kind="fell_back").order_by("at", "pk")
    return [(one.body["actuator"], one.body["then"], one.body["seconds"]) for one in rows]


def test_the_first_that_answers_is_the_only_one_asked(acme: Desk, outside: dict[str, Fake]) -> None:
    measure = acme.measure()
    perform_targets("w1", NOW)
    assert became_of(measure) == [("node", "acts")]
    assert (outside["switch"].sent, fell_back()) == ([], [])


def test_who_does_not_answer_has_its_time(acme: Desk, outside: dict[str, Fake]) -> None:
    flood(outside["node"])
    measure = acme.measure()
    perform_targets("w1", NOW)
    assert became_of(measure) == [("node", "asked")]
    again = Target.objects.get().next_attempt
    assert again is not None
    assert again <= later(30)
    calm(outside["node"])
    perform_targets("w1", later(20))
    assert became_of(measure) == [("node", "acts")]
    assert measure.state == "in_force"


def test_it_is_not_waited_longer_than_its_time(acme: Desk, outside: dict[str, Fake]) -> None:
    flood(outside["node"])
    acme.measure()
    Brand.objects.update(actuators={"suspend": [{"actuator": "node", "within": "PT1S"}, *CHAIN[1:]]})
    perform_targets("w1", NOW)
    assert Target.objects.get().next_attempt == later(1)


def test_the_next_acts_when_the_time_is_over_and_the_timeline_says_why(acme: Desk, outside: dict[str, Fake]) -> None:
    flood(outside["node"])
    measure = acme.measure()
    perform_target("w1", NOW)
    perform_target("w1", later(30))
    assert became_of(measure) == [("node", "left"), ("switch", "acts")]
    assert (measure.state, measure.actuator, measure.error) == ("in_force", "switch", "")
    assert measure.tried[0]["error"] == "no route"
    assert fell_back() == [("node", "switch", 30)]
    assert TimelineEntry.objects.get(kind="carried_out").body["actuator"] == "switch"


def test_a_stand_in_is_ordered_as_what_it_is(acme: Desk, outside: dict[str, Fake]) -> None:
    flood(outside["node"], outside["switch"])
    measure = acme.measure()
    perform_target("w1", NOW)
    perform_target("w1", later(31))
    assert became_of(measure) == [("node", "left"), ("switch", "left"), ("router", "acts")]
    assert outside["router"].sent == ["apply null_route"]
    order = outside["router"].orders[0][1]
    assert (order.standing, order.ip, bool(order.addresses)) == (("null_route",), None, True)
    assert order.key.endswith(":apply:2")


def test_lifting_lifts_all_that_acted_or_may_have_acted(acme: Desk, outside: dict[str, Fake]) -> None:
    flood(outside["node"], outside["switch"])
    measure = acme.measure()
    perform_target("w1", NOW)
    perform_target("w1", later(31))
    calm(outside["node"], outside["switch"])
    acme.lift(measure)
    perform_target("w1", later(60))
    assert became_of(measure) == [("node", "lifted"), ("switch", "lifted"), ("router", "lifted")]
    assert measure.state == "lifted"
    assert not any(fake.on for fake in outside.values())
    assert outside["router"].sent[-1] == "lift null_route"


def test_it_is_not_lifted_before_the_last_of_them_is(acme: Desk, outside: dict[str, Fake]) -> None:
    flood(outside["node"])
    measure = acme.measure()
    perform_target("w1", NOW)
    perform_target("w1", later(30))
    acme.lift(measure)
    perform_target("w1", later(60))
    assert became_of(measure) == [("node", "left"), ("switch", "lifted")]
    assert (measure.state, measure.error, outside["switch"].on) == ("lifting", "no route", set())
    calm(outside["node"])
    perform_targets("w1", later(90))
    assert became_of(measure) == [("node", "lifted"), ("switch", "lifted")]
    assert measure.state == "lifted"
    assert outside["switch"].sent == ["apply suspend", "lift suspend"]


def test_a_refusal_by_one_does_not_end_the_wait_for_another(acme: Desk, outside: dict[str, Fake]) -> None:
    flood(outside["node"])
    measure = acme.measure()
    perform_target("w1", NOW)
    perform_target("w1", later(30))
    outside["switch"].says = {"lift": Outcome("refused", error="who?")}
    acme.lift(measure)
    perform_target("w1", later(60))
    assert (became_of(measure)[0], measure.state) == (("node", "left"), "lifting")
    calm(outside["node"])
    perform_targets("w1", later(90))
    measure.refresh_from_db()
    assert (measure.state, measure.error) == ("failed", "who?")


def test_a_plain_no_is_put_before_a_person_and_no_fallback_acts(acme: Desk, outside: dict[str, Fake]) -> None:
    outside["node"].says = {"apply": Outcome("refused", error="unknown service")}
    measure = acme.measure()
    perform_targets("w1", NOW + HOUR)
    measure.refresh_from_db()
    assert (measure.state, outside["switch"].sent) == ("failed", [])


def test_the_last_is_tried_until_a_person_is_asked_who_can_begin_anew(acme: Desk, outside: dict[str, Fake]) -> None:
    flood(outside["node"], outside["switch"], outside["router"])
    measure = acme.measure()
    for attempt in range(ATTEMPTS):
        perform_target("w1", NOW + attempt * 2 * HOUR)
    assert became_of(measure) == [("node", "left"), ("switch", "left"), ("router", "asked")]
    # What the others used up is not taken from the last: it has as many attempts as if it stood alone.
    assert (measure.state, measure.tried[-1]["attempts"]) == ("applying", ATTEMPTS - 1)
    for attempt in range(ATTEMPTS, ATTEMPTS + 1):
        perform_target("w1", NOW + attempt * 2 * HOUR)
    measure.refresh_from_db()
    assert measure.state == "failed"
    calm(outside["node"])
    retry_target(measure.target_id or 0, NOW + 99 * HOUR)
    perform_target("w1", NOW + 99 * HOUR)
    assert became_of(measure) == [("node", "acts"), ("switch", "again"), ("router", "again")]
    calm(outside["switch"], outside["router"])
    acme.lift(measure)
    perform_target("w1", NOW + 100 * HOUR)
    assert {state for _, state in became_of(measure)} == {"lifted"}


def test_a_crash_between_order_and_answer_is_remembered(acme: Desk, outside: dict[str, Fake]) -> None:
    measure = acme.measure()

    def die(action: str) -> None:
        if action == "apply":
            raise KeyboardInterrupt

    outside["node"].on_call = die
    with pytest.raises(KeyboardInterrupt):
        perform_target("w1", NOW)
    assert became_of(measure) == [("node", "asked")]
    outside["node"].on_call = lambda _action: None
    acme.lift(measure)
    perform_target("w2", NOW + HOUR)
    assert (became_of(measure), outside["node"].on) == ([("node", "lifted")], set())


def test_a_crash_after_the_last_was_lifted_leaves_nothing_to_do(acme: Desk, outside: dict[str, Fake]) -> None:
    measure = acme.measure()
    perform_target("w1", NOW)
    acme.lift(measure)
    measure.refresh_from_db()
    Measure.objects.update(state="lifting", tried=[{**one, "state": "lifted"} for one in measure.tried])
    perform_target("w1", NOW + HOUR)
    measure.refresh_from_db()
    assert (measure.state, outside["node"].sent) == ("lifted", ["apply suspend"])


def test_whoever_acts_is_asked_whether_it_still_does(acme: Desk, outside: dict[str, Fake]) -> None:
    flood(outside["node"])
    measure = acme.measure()
    perform_target("w1", NOW)
    perform_target("w1", later(30))
    asked = len(outside["node"].orders)
    look_again("w1", later(31) + LOOK_AGAIN)
    assert len(outside["node"].orders) == asked
    assert outside["switch"].orders[-1][0] == "query"
    outside["switch"].on.clear()
    look_again("w1", later(31) + 3 * LOOK_AGAIN)
    measure.refresh_from_db()
    assert measure.state == "failed"


def test_a_brand_that_names_others_by_now_still_lifts_through_those_that_acted(
    acme: Desk, outside: dict[str, Fake]
) -> None:
    measure = acme.measure()
    perform_target("w1", NOW)
    Brand.objects.update(actuators={"suspend": {"actuator": "other"}})
    acme.lift(measure)
    perform_target("w1", later(60))
    assert (outside["node"].on, outside["other"].sent) == (set(), [])
    measure.refresh_from_db()
    assert measure.state == "lifted"


def test_a_measure_of_before_chains_were_kept_is_lifted_through_its_actuator(
    acme: Desk, outside: dict[str, Fake]
) -> None:
    measure = acme.measure(state="in_force", actuator="other", outside={"action": "apply"})
    acme.lift(measure)
    perform_target("w1", NOW)
    assert outside["other"].sent == ["lift suspend"]
    assert became_of(measure) == [("other", "lifted")]


def test_a_second_measure_on_the_switch_knows_what_was_asked_for_the_first(
    acme: Desk, outside: dict[str, Fake]
) -> None:
    flood(outside["node"])
    first = acme.measure()
    perform_target("w1", NOW)
    perform_target("w1", later(30))
    second = acme.measure()
    acme.lift(first)
    perform_target("w1", later(60) + timedelta(seconds=1))
    assert became_of(second) == [("node", "left"), ("switch", "acts")]
    calm(outside["node"])
    acme.lift(second)
    perform_target("w1", later(90))
    assert became_of(second) == [("node", "lifted"), ("switch", "lifted")]
