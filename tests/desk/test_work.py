"""The worker's lanes: each does its own, none keeps another waiting, and none fails unseen."""

import threading
import time
from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import OperationalError

from abusedesk.desk import loop, work
from abusedesk.records.bell import ring
from abusedesk.records.models import Measure
from tests.desk.rows import NOW, desk
from tests.desk.test_perform_targets import Fake, plug_in

pytestmark = pytest.mark.django_db(transaction=True)


def nothing(_worker: str, _now: datetime) -> int:
    return 0


def working(monkeypatch: pytest.MonkeyPatch, **lanes: Callable[[str, datetime], int]) -> threading.Event:
    monkeypatch.setattr(work, "LANES", (*lanes.values(), nothing))
    return threading.Event()


def test_every_lane_is_called_with_the_workers_name(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()

    def lane(name: str) -> Callable[[str, datetime], int]:
        def call(worker: str, now: datetime) -> int:
            assert now.tzinfo is not None
            seen.add(f"{name} by {worker}")
            if len(seen) == 3:
                stop.set()
            return 0

        return call

    stop = working(monkeypatch, read=lane("read"), notify=lane("notify"), drive=lane("drive"))
    work.run(stop, "w1")
    assert seen == {"read by w1", "notify by w1", "drive by w1"}


def test_measures_are_driven_at_once_and_what_is_under_way_at_the_stop_is_seen_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop, meeting = threading.Event(), threading.Barrier(3)
    outside = plug_in(monkeypatch, Fake())

    def meet(action: str) -> None:
        if action == "apply":
            meeting.wait(20)
            stop.set()

    outside.on_call = meet
    measures = [desk(brand).measure() for brand in ("one", "two", "three")]
    monkeypatch.setattr(work, "LANES", (work.drive,))
    work.run(stop, "w1")
    assert not meeting.broken
    assert {Measure.objects.get(pk=one.pk).state for one in measures} == {"in_force"}


def test_an_outside_that_takes_its_time_keeps_no_other_measure_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, answered = threading.Event(), threading.Event()
    outside = plug_in(monkeypatch, Fake())

    def slowly(action: str) -> None:
        if action == "apply" and outside.orders[-1][1].brand == "slow":
            assert answered.wait(20)
            stop.set()
        elif action == "query":
            answered.set()

    outside.on_call = slowly
    measures = [desk(brand).measure() for brand in ("slow", "quick")]
    monkeypatch.setattr(work, "LANES", (work.drive,))
    work.run(stop, "w1")
    assert {Measure.objects.get(pk=one.pk).state for one in measures} == {"in_force"}


def test_a_turn_that_was_not_full_is_followed_by_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            rests.append(timeout or 0)
            return super().wait(0)

    stop, found = Stop(), iter([10, 9, 10])

    def turn() -> int:
        number = next(found, 0)
        if not number:
            stop.set()
        return number

    loop.keep_doing(turn, stop, 15, loop.Habits(full=10))
    assert [one <= loop.LONGEST_REST_S for one in rests] == [True, False]


def test_while_measures_or_reports_wait_notices_do_but_not_for_long() -> None:
    acme = desk()
    acme.measure("suspend")
    acme.notice(template="complaint", clauses=["jimcloud:8.a"])
    assert work.notify("w1", NOW) == 0
    assert work.drive("w1", NOW) == 1
    while work.see_through("w1", NOW):
        pass
    assert work.notify("w1", NOW) == 0
    assert work.notify("w1", NOW + work.LULL) == 1
    acme.notice(template="complaint", clauses=["jimcloud:8.a"])
    acme.measure("shutdown")
    assert work.notify("w1", NOW + work.PATIENCE) == 1


def test_a_lane_that_hangs_keeps_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    driven = threading.Event()

    def hanging(_worker: str, _now: datetime) -> int:
        assert driven.wait(10)
        stop.set()
        return 0

    def drive(_worker: str, _now: datetime) -> int:
        driven.set()
        return 0

    stop = working(monkeypatch, notify=hanging, drive=drive)
    work.run(stop, "w1")
    assert driven.is_set()


@pytest.mark.parametrize("failure", [OperationalError("the server is gone"), RuntimeError("oh")])
def test_a_lane_that_fails_is_tried_again_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    monkeypatch.setattr(loop, "RECOVERY_S", 0.01)
    tries: list[int] = []
    notified = threading.Event()

    def drive(_worker: str, _now: datetime) -> int:
        tries.append(1)
        if len(tries) < 3:
            raise failure
        assert notified.wait(10)
        stop.set()
        return 0

    def notify(_worker: str, _now: datetime) -> int:
        notified.set()
        return 0

    stop = working(monkeypatch, drive=drive, notify=notify)
    work.run(stop, "w1")
    assert len(tries) == 3


def test_the_bell_wakes_a_lane_long_before_it_would_look_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "POLL_S", 15.0)
    looked: list[float] = []

    def drive(_worker: str, _now: datetime) -> int:
        looked.append(time.monotonic())
        if len(looked) == 3:
            stop.set()
        return 0

    stop = threading.Event()
    monkeypatch.setattr(work, "LANES", (drive,))
    monkeypatch.setattr(work, "HEARS", {drive: "drive"})
    worker = threading.Thread(target=work.run, args=(stop, "w1"))
    started = time.monotonic()
    worker.start()
    while worker.is_alive() and time.monotonic() - started < 10:
        ring()
        worker.join(0.05)
    assert not worker.is_alive()


def test_a_lane_that_panics_ends_the_worker_so_that_it_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Panic(BaseException):
        pass

    def panicking(_worker: str, _now: datetime) -> int:
        raise Panic

    stop = working(monkeypatch, read=panicking, notify=nothing)
    with pytest.raises(work.Broken, match="panicking"):
        work.run(stop, "w1")
