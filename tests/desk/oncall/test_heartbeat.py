"""The outside hears from the desk while all of it runs, and not otherwise."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from abusedesk.desk.loop import Every
from abusedesk.desk.oncall.heartbeat import ask, beat, late
from tests.contract.phone import Phone, phone

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
FIVE = timedelta(minutes=5)


@pytest.fixture
def outside() -> Iterator[Phone]:
    with phone() as one:
        yield one


def all_runs(at: datetime) -> None:
    beat("watch", at)
    beat("deadlines", at)


def test_it_is_asked_every_so_often_by_one_worker_while_all_runs(outside: Phone) -> None:
    asked = []
    for minutes in (0, 0, 2, 5, 7, 10):
        at = NOW + timedelta(minutes=minutes)
        all_runs(at)
        asked.append(ask(f"{outside.url}/ping/x", FIVE, at))
    assert asked == [True, False, False, True, False, True]
    assert {(call.method, call.path) for call in outside.calls} == {("GET", "/ping/x")}


@pytest.mark.parametrize("silent", ["watch", "deadlines"])
def test_it_is_not_asked_while_something_stands_still(outside: Phone, silent: str) -> None:
    all_runs(NOW)
    beat(silent, NOW - timedelta(minutes=3))
    assert late(NOW) == [silent, "worker"]
    assert not ask(outside.url, FIVE, NOW)
    assert outside.calls == []


def test_what_was_not_heard_is_said_again_soon(outside: Phone) -> None:
    outside.statuses[:] = [500]
    all_runs(NOW)
    assert not ask(outside.url, FIVE, NOW)
    assert ask(outside.url, FIVE, NOW + timedelta(seconds=30))


def test_a_clock_that_goes_back_does_not_silence_it() -> None:
    every = Every(FIVE)
    assert [every.has_come(NOW + timedelta(minutes=minutes)) for minutes in (0, 4, 5, -60)] == [True, False, True, True]
