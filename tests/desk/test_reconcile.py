"""What was in force is looked at again: what is undone outside is shown, and taken again or put before a person."""

from collections.abc import Callable
from datetime import datetime

import pytest

from abusedesk.actuators.actuator import Outcome, State
from abusedesk.actuators.models import Switch
from abusedesk.desk.perform import look_again, perform_target, retry_target
from abusedesk.desk.perform.pace import LOOK_AGAIN
from abusedesk.records.models import Brand, Case, Measure, Target, TimelineEntry
from tests.desk.rows import NOW, Desk, address_of, desk
from tests.desk.test_perform_targets import Fake, plug_in

pytestmark = pytest.mark.django_db

LATER = NOW + LOOK_AGAIN


@pytest.fixture
def acme() -> Desk:
    return desk()


def in_force(acme: Desk, kind: str) -> Measure:
    measure = acme.measure(kind, ip=address_of(acme) if kind in {"null_route", "rate_limit"} else None)
    assert perform_target("w1", NOW)
    assert state(measure) == "in_force"
    return measure


def state(measure: Measure) -> str:
    return Measure.objects.get(pk=measure.pk).state


def undo_outside() -> None:
    Switch.objects.update(on=False)


def drifted() -> list[bool]:
    return [one.body["again"] for one in TimelineEntry.objects.filter(kind="drifted")]


def test_what_still_stands_is_read_back_and_nothing_else_happens(acme: Desk) -> None:
    measure = in_force(acme, "suspend")
    assert look_again("w1", LATER)
    assert Measure.objects.get(pk=measure.pk).read_back_at == LATER
    assert not look_again("w1", LATER)
    assert not perform_target("w1", LATER)
    assert not drifted()


def test_nobody_looks_before_it_is_time(acme: Desk) -> None:
    in_force(acme, "suspend")
    assert not look_again("w1", LATER - LOOK_AGAIN / 2)


def test_after_a_restore_a_person_says_whether_it_fell_or_was_lifted_since_the_backup(acme: Desk) -> None:
    measure = in_force(acme, "null_route")
    undo_outside()
    Brand.objects.update(held_since=NOW, held_by="restore")
    assert look_again("w1", LATER)
    Brand.objects.update(held_since=None, held_by="")
    assert not perform_target("w1", LATER)
    assert (state(measure), drifted()) == ("failed", [False])
    assert Case.objects.get(pk=acme.case.pk).needs == ["failed:null_route"]


@pytest.mark.parametrize("kind", ["null_route", "rate_limit", "block_port"])
def test_what_fell_on_the_network_is_put_up_again(acme: Desk, kind: str) -> None:
    measure = in_force(acme, kind)
    undo_outside()
    look_again("w1", LATER)
    assert state(measure) == "applying"
    assert perform_target("w1", LATER)
    assert (state(measure), drifted()) == ("in_force", [True])
    assert Switch.objects.get().on


def test_whether_a_server_is_switched_off_again_a_person_says(acme: Desk) -> None:
    measure = in_force(acme, "suspend")
    undo_outside()
    look_again("w1", LATER)
    assert not perform_target("w1", LATER)
    assert (state(measure), drifted()) == ("failed", [False])
    assert Case.objects.get(pk=acme.case.pk).needs == ["failed:suspend"]
    assert not Switch.objects.get().on
    retry_target(Target.objects.get().pk, LATER)
    perform_target("w1", LATER)
    assert state(measure) == "in_force"
    assert Case.objects.get(pk=acme.case.pk).needs == []


@pytest.mark.parametrize(("says", "kind", "then"), [("again", "suspend", "applying"), ("ask", "null_route", "failed")])
def test_the_brand_may_have_it_one_way_for_all(acme: Desk, says: str, kind: str, then: str) -> None:
    Brand.objects.update(settings={"drift": says})
    measure = in_force(acme, kind)
    undo_outside()
    look_again("w1", LATER)
    assert state(measure) == then


@pytest.mark.parametrize("says", ["unreachable", "refused"])
def test_an_outside_that_does_not_tell_has_undone_nothing(
    acme: Desk, monkeypatch: pytest.MonkeyPatch, says: State
) -> None:
    measure = in_force(acme, "suspend")
    fake = plug_in(monkeypatch, Fake())
    fake.says["query"] = Outcome(says, error="no answer, or no access")
    assert look_again("w1", LATER)
    assert (state(measure), drifted()) == ("in_force", [])


def test_what_was_lifted_meanwhile_has_not_drifted(acme: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = in_force(acme, "null_route")
    fake = plug_in(monkeypatch, Fake())
    fake.on_call = _once(lambda: acme.lift(measure))
    look_again("w1", LATER)
    assert (state(measure), drifted()) == ("in_force", [])
    assert perform_target("w1", LATER)
    assert (state(measure), fake.sent) == ("lifted", ["lift null_route"])


def test_a_held_brand_sees_the_drift_and_waits(acme: Desk) -> None:
    measure = in_force(acme, "null_route")
    undo_outside()
    Brand.objects.update(held_since=NOW)
    look_again("w1", LATER)
    perform_target("w1", LATER)
    assert (state(measure), drifted()) == ("applying", [True])
    assert not Switch.objects.get().on


def test_what_was_lifted_is_looked_at_no_more(acme: Desk) -> None:
    measure = in_force(acme, "suspend")
    acme.lift(measure)
    perform_target("w1", NOW)
    assert Target.objects.get().look_at is None
    assert not look_again("w1", _much_later())


def _much_later() -> datetime:
    return NOW + 100 * LOOK_AGAIN


def _once(act: Callable[[], None]) -> Callable[[str], None]:
    left = [act]
    return lambda _action: left.pop()() if left else None
