"""The stop button: pressed once, shown before release, and the deadlines move by the length of the pause."""

from datetime import datetime, timedelta

import pytest

from abusedesk.desk import hold
from abusedesk.desk.enact import Move
from abusedesk.desk.hold import UNCOUNTED, finish_releases, press, preview, release
from abusedesk.policy.stimulus import Postponed
from abusedesk.records.holders import Holders
from abusedesk.records.models import Brand, Deadline, Decision, Docket, Effect, Hold, Target
from tests.desk.rows import HOUR, NOW, Desk, desk

pytestmark = pytest.mark.django_db
END = NOW + 4 * HOUR


class Enact:
    """Enact's part for `Postponed`: one decision per key, the deadlines of that docket moved."""

    def __init__(self) -> None:
        self.breaks_at: int | None = None
        self.calls: list[tuple[str, datetime, str]] = []

    def __call__(self, moves: list[Move], _holders: Holders) -> None:
        for move in moves:
            if self.breaks_at == len(self.calls):
                raise KeyboardInterrupt
            self._postpone(move)

    def _postpone(self, move: Move) -> None:
        assert isinstance(move.stimulus, Postponed)
        self.calls.append((move.key, move.at, move.by))
        last = Decision.objects.filter(docket=move.docket).order_by("sequence").last()
        assert last is not None
        last.pk, last.key, last.sequence = None, move.key, last.sequence + 1
        last.save()
        for deadline in Deadline.objects.filter(docket=move.docket, state="open"):
            Deadline.objects.filter(pk=deadline.pk).update(due=deadline.due + move.stimulus.by)


@pytest.fixture
def enact(monkeypatch: pytest.MonkeyPatch) -> Enact:
    one = Enact()
    monkeypatch.setattr(hold, "enact", one)
    monkeypatch.setattr(hold, "_BATCH", 1)
    return one


@pytest.fixture
def acme() -> Desk:
    return desk()


def due(deadline: Deadline) -> datetime:
    return Deadline.objects.get(pk=deadline.pk).due


def brand() -> Brand:
    return Brand.objects.get(slug="acme")


def test_pressing_says_who_and_why(acme: Desk) -> None:
    press(acme.brand, "kim", "a faulty feed", NOW)
    assert (brand().held_since, brand().held_by, brand().held_reason) == (NOW, "kim", "a faulty feed")
    assert Hold.objects.get().until is None


def test_pressing_twice_changes_nothing(acme: Desk) -> None:
    first = press(acme.brand, "kim", "a faulty feed", NOW)
    assert press(acme.brand, "lee", "me too", NOW + HOUR) == first
    assert brand().held_by == "kim"


def test_releasing_moves_deadlines_by_the_pause(acme: Desk, enact: Enact) -> None:
    deadline, other = acme.deadline(NOW + HOUR), desk("other").deadline(NOW + HOUR)
    press(acme.brand, "kim", "a faulty feed", NOW)
    release(acme.brand, "lee", END)
    assert (due(deadline), due(other)) == (NOW + 5 * HOUR, NOW + HOUR)
    assert (brand().held_since, brand().held_by) == (None, "")
    assert Hold.objects.get().until == END
    assert [(at, by) for _, at, by in enact.calls] == [(END, "lee")]


def test_releasing_what_is_not_held_does_nothing(acme: Desk, enact: Enact) -> None:
    acme.deadline(NOW)
    release(acme.brand, "lee", END)
    assert enact.calls == []


def test_each_docket_is_moved_once_and_one_without_open_deadlines_not_at_all(acme: Desk, enact: Enact) -> None:
    for _ in range(3):
        acme.deadline(NOW + HOUR)
    acme.deadline(NOW, state="met")
    press(acme.brand, "kim", "x", NOW)
    release(acme.brand, "lee", END)
    assert len(enact.calls) == 1


def test_what_waited_goes_out_at_release(acme: Desk, enact: Enact) -> None:
    acme.measure()
    Target.objects.update(next_attempt=NOW + 99 * HOUR)
    effect = acme.notice()
    Effect.objects.update(state="held")
    press(acme.brand, "kim", "x", NOW)
    release(acme.brand, "lee", END)
    effect.refresh_from_db()
    assert (effect.state, effect.due, Target.objects.get().next_attempt) == ("pending", END, END)


def test_the_preview_shows_what_a_release_would_set_off(acme: Desk, enact: Enact) -> None:
    overdue, later = acme.deadline(NOW - HOUR), acme.deadline(NOW + HOUR)
    acme.notice()
    measure = acme.measure()
    press(acme.brand, "kim", "x", NOW)
    shown = preview(acme.brand, END)
    assert shown.pause == 4 * HOUR
    assert shown.overdue == (overdue,)
    assert shown.next_due == ((NOW + 5 * HOUR, later),)
    assert (shown.notices, shown.measures) == (1, (measure,))
    release(acme.brand, "lee", END)
    assert (due(overdue), due(later)) == (NOW + 3 * HOUR, NOW + 5 * HOUR)


def test_a_release_that_broke_off_is_finished_and_moves_no_docket_twice(acme: Desk, enact: Enact) -> None:
    deadlines = [acme.deadline(NOW + HOUR)]
    for number in range(3):
        another = desk(f"b{number}")
        Docket.objects.filter(pk=another.docket.pk).update(brand=acme.brand)
        Deadline.objects.filter(pk=(one := another.deadline(NOW + HOUR)).pk).update(brand=acme.brand)
        deadlines.append(one)
    press(acme.brand, "kim", "x", NOW)
    enact.breaks_at = 2
    with pytest.raises(KeyboardInterrupt):
        release(acme.brand, "lee", END)
    assert brand().held_since == NOW
    enact.breaks_at = None
    assert finish_releases(END + timedelta(seconds=30)) == 1
    assert [due(one) for one in deadlines] == [NOW + 5 * HOUR] * 4
    assert brand().held_since is None
    assert finish_releases(END + HOUR) == 0


def test_a_release_that_lay_broken_for_long_counts_as_a_further_pause(acme: Desk, enact: Enact) -> None:
    deadline = acme.deadline(NOW + HOUR)
    press(acme.brand, "kim", "x", NOW)
    enact.breaks_at = 0
    with pytest.raises(KeyboardInterrupt):
        release(acme.brand, "lee", END)
    enact.breaks_at = None
    finish_releases(END + UNCOUNTED + HOUR)
    assert due(deadline) == NOW + 6 * HOUR + UNCOUNTED
    assert brand().held_since is None
    assert [(one.since, one.until) for one in Hold.objects.order_by("since")] == [
        (NOW, END),
        (END, END + UNCOUNTED + HOUR),
    ]


def test_pressing_while_a_release_is_under_way_calls_it_back(acme: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    acme.deadline(NOW + HOUR)
    enact = Enact()

    def pressed_meanwhile(moves: list[Move], known: Holders) -> None:
        press(acme.brand, "kim", "wait", END)
        enact(moves, known)

    monkeypatch.setattr(hold, "enact", pressed_meanwhile)
    press(acme.brand, "kim", "x", NOW)
    release(acme.brand, "lee", END)
    assert brand().held_since == NOW
    assert Hold.objects.get().until is None


def test_a_brand_held_in_the_table_by_hand_can_be_released(acme: Desk, enact: Enact) -> None:
    deadline = acme.deadline(NOW + HOUR)
    Brand.objects.update(held_since=NOW)
    release(acme.brand, "lee", END)
    assert due(deadline) == NOW + 5 * HOUR
