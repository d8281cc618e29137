"""Kill a real watch, or whoever releases a brand, at every step; two workers at once; and nothing is done twice."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from abusedesk.desk.hold import press
from abusedesk.records.models import Brand, Measure
from tests.acceptance import turns
from tests.acceptance.house import LATER, ONE_OF_EACH, House, assert_whole, built, counted, ordered, service_of, stop
from tests.desk.rows import HOUR, NOW

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def house(settings: Any) -> Iterator[House]:
    with built(settings) as one:
        yield one


def test_a_watch_killed_at_any_step_decides_a_deadline_once(house: House) -> None:
    due = NOW + 6 * HOUR
    for step in count(1):
        acme = service_of(f"acme{step}", house.outside)
        turns.enact_and_perform(NOW)
        died = house.dies(turns.watch_and_perform, due, at=step)
        turns.watch_and_perform(due + LATER)
        assert counted(acme) == ONE_OF_EACH | {"decisions": 2, "notices": 2, "entries": 2}, f"killed at step {step}"
        assert_whole(acme)
        states = [("payment", "open"), ("reply", "missed"), ("reply", "open")]
        assert sorted(acme.docket.deadlines.values_list("name", "state")) == states
        stop(acme)
        if not died:
            break
    assert step > 28


def test_a_release_killed_at_any_step_moves_every_deadline_once(house: House) -> None:
    for step in count(1):
        acme = service_of(f"acme{step}", house.outside)
        turns.enact_and_perform(NOW)
        before = dict(acme.docket.deadlines.values_list("item", "due"))
        press(acme.brand, "kim", "a faulty feed", NOW + HOUR)
        died = house.dies(turns.release_held, NOW + 5 * HOUR, at=step)
        turns.release_held(NOW + 5 * HOUR)
        after = dict(acme.docket.deadlines.values_list("item", "due"))
        assert after == {item: due + 4 * HOUR for item, due in before.items()}, f"killed at step {step}"
        assert_whole(acme)
        assert Brand.objects.get(pk=acme.brand.pk).held_since is None
        stop(acme)
        if not died:
            break
    assert step > 18


def test_two_workers_at_once_double_nothing(house: House) -> None:
    cases = [ordered(f"acme{number}", house.outside) for number in range(12)]
    workers = [house.start(turns.perform, NOW) for _ in range(2)]
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(house.mail.got) == len(cases)
    for acme in cases:
        assert house.changes_of(acme) == ["apply"]
        assert Measure.objects.get(brand=acme.brand).fence == 1
