"""What every actuator must do, whatever stands behind it. A new one joins by a fixture of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from abusedesk.actuators.actuator import Actuator, Order
from abusedesk.actuators.models import Switch
from abusedesk.actuators.registry import actuator
from tests.contract.receiver import SECRET, receiving

ORDER = Order(brand="acme", service="vps-1", kind="suspend", key="1:m1:apply", fence=3, standing=("suspend",))
CLOSED_PORT = replace(ORDER, kind="block_port", port=25, key="1:m2:apply")
NULL_ROUTE = replace(ORDER, kind="null_route", ip="192.0.2.7", key="1:m3:apply")


@dataclass
class Outside:
    """An actuator and how often something really changed behind it."""

    actuator: Actuator
    changes: Callable[[], int]


@pytest.fixture(params=["console", "webhook"])
def outside(request: pytest.FixtureRequest, db: None) -> Iterator[Outside]:
    if request.param == "console":
        yield Outside(actuator("console", {}), lambda: sum(Switch.objects.values_list("changes", flat=True)))
        return
    with receiving() as receiver:
        yield Outside(
            actuator("webhook", {"url": receiver.url, "secret": SECRET, "timeout": 2}), lambda: len(receiver.changes)
        )


@pytest.mark.parametrize("order", [ORDER, CLOSED_PORT, NULL_ROUTE], ids=lambda one: one.kind)
def test_what_was_applied_is_read_back_as_in_force(outside: Outside, order: Order) -> None:
    assert outside.actuator.query(order).state == "not_in_force"
    assert outside.actuator.apply(order).state == "in_force"
    assert outside.actuator.query(order).state == "in_force"


def test_applying_twice_changes_the_outside_once(outside: Outside) -> None:
    assert [outside.actuator.apply(ORDER).state for _ in range(2)] == ["in_force", "in_force"]
    assert outside.changes() == 1


def test_an_order_repeated_after_a_crash_changes_nothing_more(outside: Outside) -> None:
    outside.actuator.apply(ORDER)  # The receipt was lost; whoever comes next holds a higher fence.
    assert outside.actuator.apply(replace(ORDER, fence=4)).state == "in_force"
    assert outside.changes() == 1


def test_lifting_twice_changes_the_outside_once(outside: Outside) -> None:
    outside.actuator.apply(ORDER)
    assert [outside.actuator.lift(replace(ORDER, key="1:m1:lift")).state for _ in range(2)] == ["not_in_force"] * 2
    assert outside.actuator.query(ORDER).state == "not_in_force"
    assert outside.changes() == 2


def test_lifting_what_was_never_applied_is_done_at_once(outside: Outside) -> None:
    assert outside.actuator.lift(ORDER).state == "not_in_force"
    assert outside.changes() == 0


def test_the_same_order_applies_again_after_it_was_lifted(outside: Outside) -> None:
    for call in (outside.actuator.apply, outside.actuator.lift, outside.actuator.apply):
        call(ORDER)
    assert outside.actuator.query(ORDER).state == "in_force"


def test_measures_on_one_service_do_not_touch_each_other(outside: Outside) -> None:
    outside.actuator.apply(ORDER)
    outside.actuator.apply(CLOSED_PORT)
    outside.actuator.lift(ORDER)
    assert outside.actuator.query(CLOSED_PORT).state == "in_force"


def test_a_late_order_is_refused(outside: Outside) -> None:
    outside.actuator.apply(replace(ORDER, fence=9))
    late = outside.actuator.lift(replace(ORDER, fence=8))
    assert late.state == "refused"
    assert late.error
    assert outside.actuator.query(ORDER).state == "in_force"
