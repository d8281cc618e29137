"""Deadlines fire when they are due and no answer that came in time can lie unread; doubt holds the brand."""

import threading
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from abusedesk.desk import watch
from abusedesk.desk.enact import Enacted, Move
from abusedesk.desk.watch import LEASE, Clock, fire_due, hold_if_doubtful, read_until
from abusedesk.policy.decision import Decision
from abusedesk.policy.docket import Docket as PolicyDocket
from abusedesk.policy.facts import Facts
from abusedesk.policy.stimulus import DeadlinePassed
from abusedesk.records.holders import Holders
from abusedesk.records.models import Brand, Case, Channel, Deadline, Docket, Heartbeat, Hold, MessageSeen
from tests.desk.rows import HOUR, NOW, Desk, desk

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
NONE = timedelta()


class Submitted(list[tuple[str, datetime]]):
    """What was submitted: keys and instants. A deadline that was is missed."""

    def __call__(self, moves: list[Move], _holders: Holders) -> list[Enacted]:
        for move in moves:
            assert isinstance(move.stimulus, DeadlinePassed)
            self.append((move.key, move.at))
            Deadline.objects.filter(docket=move.docket, item=move.stimulus.deadline).update(state="missed")
        return decided(moves)


def decided(moves: list[Move]) -> list[Enacted]:
    """The moves as decided, with nothing that follows."""
    return [Enacted(move, 0, 1, Facts(brand=""), Decision(PolicyDocket(None))) for move in moves]


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> Submitted:
    calls = Submitted()
    monkeypatch.setattr(watch, "enact", calls)
    return calls


@pytest.fixture
def acme() -> Desk:
    return desk()


def channel(brand: Brand | None, watermark: datetime | None, **values: Any) -> Channel:
    return Channel.objects.create(kind="imap", name=uuid.uuid4().hex, brand=brand, watermark=watermark, **values)


def unread(received_at: datetime, **values: Any) -> None:
    identity = uuid.uuid4()
    MessageSeen.objects.create(digest=identity.bytes, message_id=identity, received_at=received_at, **values)


def test_a_due_deadline_is_decided_as_of_its_instant(acme: Desk, submitted: Submitted) -> None:
    deadline = acme.deadline(NOW, item="d1")
    assert fire_due(NOW + HOUR) == 1
    assert submitted == [(f"deadline:{deadline.docket_id}:d1", NOW)]
    assert fire_due(NOW + HOUR) == 0


def test_what_is_not_due_waits(acme: Desk, submitted: Submitted) -> None:
    acme.deadline(NOW + timedelta(microseconds=1))
    assert fire_due(NOW) == 0


def test_what_is_met_is_over(acme: Desk, submitted: Submitted) -> None:
    acme.deadline(NOW, state="met")
    assert fire_due(NOW) == 0


def test_the_oldest_comes_first(acme: Desk, submitted: Submitted) -> None:
    for hours in (3, 1, 2):
        acme.deadline(NOW + hours * HOUR)
    assert fire_due(NOW + 9 * HOUR, limit=2) == 2
    assert [at for _, at in submitted] == [NOW + HOUR, NOW + 2 * HOUR]


@pytest.mark.parametrize(
    ("watermark", "values", "fires"),
    [
        (NOW, {}, True),
        (NOW - timedelta(microseconds=1), {}, False),
        (None, {}, False),
        (None, {"enabled": False}, True),
        (None, {"carries_answers": False}, True),
        (None, {"always_current": True}, True),
    ],
)
def test_a_deadline_waits_until_the_ways_in_were_read(
    acme: Desk, submitted: Submitted, watermark: datetime | None, values: dict[str, bool], fires: bool
) -> None:
    acme.deadline(NOW)
    channel(acme.brand, watermark, **values)
    assert fire_due(NOW + HOUR) == int(fires)


def test_a_way_in_that_all_brands_share_counts_and_another_brands_does_not(acme: Desk, submitted: Submitted) -> None:
    acme.deadline(NOW)
    other = channel(desk("other").brand, None)
    assert fire_due(NOW + HOUR) == 1
    acme.deadline(NOW)
    Channel.objects.filter(pk=other.pk).update(brand=None)
    assert fire_due(NOW + HOUR) == 0


@pytest.mark.parametrize(("received_at", "fires"), [(NOW - HOUR, False), (NOW, False), (NOW + MINUTE, True)])
def test_a_deadline_waits_while_what_came_in_time_is_unread(
    acme: Desk, submitted: Submitted, received_at: datetime, fires: bool
) -> None:
    acme.deadline(NOW)
    unread(received_at)
    assert fire_due(NOW + HOUR) == int(fires)
    MessageSeen.objects.update(read_at=NOW + HOUR)
    assert fire_due(NOW + HOUR) == int(not fires)


@pytest.mark.parametrize("stopped", [{"held_since": NOW}, {"dry_run": True}])
def test_a_stopped_brand_waits_and_others_go_on(acme: Desk, submitted: Submitted, stopped: dict[str, Any]) -> None:
    acme.deadline(NOW)
    desk("other").deadline(NOW)
    Brand.objects.filter(pk=acme.brand.pk).update(**stopped)
    assert fire_due(NOW) == 1
    assert Deadline.objects.get(brand=acme.brand).state == "open"


def test_a_brand_that_is_stopped_between_claim_and_decision_waits(
    acme: Desk, submitted: Submitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.deadline(NOW)
    claim = watch._claim

    def stopped_right_after(now: datetime, limit: int) -> list[Deadline]:
        claimed = claim(now, limit)
        Brand.objects.update(held_since=now)
        return claimed

    monkeypatch.setattr(watch, "_claim", stopped_right_after)
    assert fire_due(NOW) == 0
    assert submitted == []


def test_what_another_has_claimed_waits_for_the_end_of_its_lease(acme: Desk, submitted: Submitted) -> None:
    acme.deadline(NOW, lease_until=NOW + LEASE)
    assert fire_due(NOW + LEASE - MINUTE) == 0
    assert fire_due(NOW + LEASE) == 1


def test_one_that_breaks_is_shown_and_keeps_no_other(acme: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(moves: list[Move], _holders: Holders) -> list[Enacted]:
        if any(move.docket == acme.docket.pk for move in moves):
            raise RuntimeError("oh")
        return decided(moves)

    monkeypatch.setattr(watch, "enact", broken)
    acme.deadline(NOW)
    desk("other").deadline(NOW + MINUTE)
    assert fire_due(NOW + HOUR) == 1
    assert Case.objects.get(pk=acme.case.pk).needs == ["failed:deadline"]
    assert fire_due(NOW + HOUR) == 0


@pytest.mark.django_db(transaction=True)
def test_two_watches_at_once_double_nothing(submitted: Submitted) -> None:
    acme = desk()
    for minutes in range(60):
        acme.deadline(NOW + minutes * MINUTE)

    def fire() -> None:
        while fire_due(NOW + 9 * HOUR, limit=5):
            pass
        connection.close()

    watches = [threading.Thread(target=fire) for _ in range(2)]
    for one in watches:
        one.start()
    for one in watches:
        one.join()
    assert len(submitted) == len(set(submitted)) == 60


@pytest.mark.django_db(transaction=True)
def test_a_docket_that_somebody_decides_on_is_left_to_the_next_round(submitted: Submitted) -> None:
    acme, other = desk(), desk("other")
    acme.deadline(NOW)
    other.deadline(NOW, item="d1")
    deciding, done = threading.Event(), threading.Event()

    def decide() -> None:
        with transaction.atomic():
            Docket.objects.select_for_update().get(pk=acme.docket.pk)
            deciding.set()
            done.wait(20)
            Deadline.objects.filter(docket=acme.docket).update(due=NOW + HOUR)
        connection.close()

    somebody = threading.Thread(target=decide)
    somebody.start()
    deciding.wait(20)
    assert fire_due(NOW) == 1
    done.set()
    somebody.join()
    assert submitted == [(f"deadline:{other.docket.pk}:d1", NOW)]
    assert [fire_due(NOW), fire_due(NOW + HOUR)] == [0, 1]


def test_the_poll_reads_an_index_and_no_table(acme: Desk) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT due FROM records_deadline WHERE state = 'open' AND due <= %s", [NOW])
        assert "deadline_due" in "\n".join(row[0] for row in cursor.fetchall())


def test_read_until_is_now_where_nothing_waits(acme: Desk) -> None:
    assert read_until(NOW) == {acme.brand.pk: NOW}


def held() -> list[tuple[datetime, str]]:
    return list(Hold.objects.values_list("since", "reason"))


def test_a_watch_that_runs_regularly_holds_nothing(acme: Desk) -> None:
    for minutes in range(5):
        hold_if_doubtful(NOW + minutes * MINUTE, NONE)
    assert held() == []
    assert Heartbeat.objects.get().at == NOW + 4 * MINUTE


def test_after_a_long_silence_the_brand_is_held_since_it_began(acme: Desk) -> None:
    hold_if_doubtful(NOW, NONE)
    hold_if_doubtful(NOW + 9 * HOUR, NONE)
    assert held() == [(NOW, "the desk did not watch for 9 h 0 min; see what would fire, then release")]
    brand = Brand.objects.get()
    assert (brand.held_since, brand.held_by) == (NOW, "watch")


def test_how_long_a_silence_may_be_is_the_brands_own(acme: Desk) -> None:
    Brand.objects.update(settings={"long_outage": "PT12H"})
    hold_if_doubtful(NOW, NONE)
    hold_if_doubtful(NOW + 9 * HOUR, NONE)
    assert held() == []


def test_a_setting_that_cannot_be_read_leaves_the_default(acme: Desk) -> None:
    Brand.objects.update(settings={"long_outage": "some days"})
    hold_if_doubtful(NOW, NONE)
    hold_if_doubtful(NOW + 9 * HOUR, NONE)
    assert len(held()) == 1


def test_a_clock_that_went_back_holds_the_brand(acme: Desk) -> None:
    hold_if_doubtful(NOW, NONE)
    hold_if_doubtful(NOW - HOUR, NONE)
    ((since, reason),) = held()
    assert since == NOW - HOUR
    assert reason.startswith("the clock went back by 1 h 0 min")


def test_a_clock_that_jumped_forward_holds_the_brand_as_of_before_the_jump(acme: Desk) -> None:
    hold_if_doubtful(NOW, NONE)
    hold_if_doubtful(NOW + 20 * MINUTE, 20 * MINUTE)
    ((since, reason),) = held()
    assert since == NOW
    assert reason.startswith("the clock went forward by 20 min")


def test_a_small_correction_of_the_clock_is_no_jump(acme: Desk) -> None:
    hold_if_doubtful(NOW, NONE)
    hold_if_doubtful(NOW + MINUTE, timedelta(seconds=30))
    assert held() == []


def test_a_brand_that_is_held_already_stays_as_it_is(acme: Desk) -> None:
    hold_if_doubtful(NOW, NONE)
    Brand.objects.update(held_since=NOW + MINUTE, held_by="kim")
    hold_if_doubtful(NOW + 9 * HOUR, NONE)
    assert Brand.objects.get().held_by == "kim"


def test_drift_is_what_the_wall_clock_moved_more_than_the_steady_one() -> None:
    wall = iter([NOW, NOW + MINUTE, NOW + HOUR])
    steady = iter([5.0, 65.0, 70.0])
    clock = Clock(lambda: next(wall), lambda: next(steady))
    assert [clock.drift() for _ in range(3)] == [NONE, NONE, 59 * MINUTE - timedelta(seconds=5)]


def test_the_loop_fires_and_stops(acme: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    fired: list[datetime] = []

    def fire(now: datetime) -> int:
        fired.append(now)
        stop.set()
        return 0

    monkeypatch.setattr(watch, "fire_due", fire)
    monkeypatch.setattr(watch, "keep_doing", _without_threads)
    watch.run(stop)
    assert len(fired) == 1


def _without_threads(turn: Any, stop: threading.Event, _poll: float) -> None:
    while not stop.is_set():
        turn()
