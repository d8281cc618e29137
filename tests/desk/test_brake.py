"""Many deadlines that would act against customers at once are held for a person; what only asks goes on."""

from datetime import timedelta

import pytest

from abusedesk.desk import brake, hold
from abusedesk.desk.enact import docket_of, submit
from abusedesk.desk.policies.audit import recompute
from abusedesk.desk.watch import fire_due
from abusedesk.policy.stimulus import Reply, Report
from abusedesk.records.models import Brand, Deadline, Measure, Review, Service, TimelineEntry
from tests.desk.estate import NOW, Provider, provider

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
UNPAID = NOW + 24 * HOUR
"""When the fines of the day before are due."""


@pytest.fixture
def jim() -> Provider:
    return provider(settings={"mass_expiry": 2})


def fined(jim: Provider, number: int, at: timedelta = timedelta(), *, answered: bool = True) -> list[Service]:
    """Services whose fine is due a day later, and which answered in time, or did not."""
    made = []
    for _ in range(number):
        count = Service.objects.count()
        ip = f"198.51.100.{count}"
        made.append(jim.another(f"v{count}", f"{ip}/32"))
        docket = docket_of(made[-1])
        submit(docket, Report(f"r{count}", "connection/port_scan", (ip,), NOW + at), key="report", at=NOW + at)
        if answered:
            submit(docket, Reply(complete=True), key="reply", at=NOW + at + HOUR)
    return made


def pass_time(at: timedelta) -> None:
    while fire_due(NOW + at, limit=10):
        pass


def shutdowns() -> int:
    return Measure.objects.filter(kind="shutdown", decided="in_force").count()


def held() -> int:
    return brake.held_of(Brand.objects.get()).count()


def test_a_few_act_as_ever(jim: Provider) -> None:
    fined(jim, 2)
    pass_time(24 * HOUR)
    assert (shutdowns(), held()) == (2, 0)
    assert Deadline.objects.filter(acted_at=UNPAID).count() == 2


def test_too_many_act_not_at_all_and_a_person_is_asked_once(jim: Provider) -> None:
    fined(jim, 25)
    pass_time(24 * HOUR)
    assert (shutdowns(), held()) == (0, 25)
    review = Review.objects.get(reason=brake.REASON)
    assert "25 deadlines of Jim" in review.detail
    shown = brake.held_of(jim.brand)[0]
    assert [(one["measure"], one["clauses"][0]) for one in shown.would or []] == [("shutdown", "jimcloud:8.d")]


def test_what_only_asks_or_reminds_goes_on(jim: Provider) -> None:
    fined(jim, 5, answered=False)
    pass_time(6 * HOUR)
    assert held() == 0
    assert Deadline.objects.filter(name="reply", state="missed").count() == 5


def test_they_add_up_within_an_hour_and_not_beyond(jim: Provider) -> None:
    fined(jim, 2)
    fined(jim, 1, timedelta(minutes=30))
    fined(jim, 2, 2 * HOUR)
    pass_time(24 * HOUR)
    pass_time(24.5 * HOUR)
    assert (shutdowns(), held()) == (2, 1)
    brake.release(jim.brand, None, "ann", "they are right", NOW + 25 * HOUR)
    pass_time(26 * HOUR)
    assert (shutdowns(), held()) == (5, 0)


def test_while_some_wait_more_join_them(jim: Provider) -> None:
    fined(jim, 3)
    fined(jim, 1, 3 * HOUR)
    pass_time(24 * HOUR)
    pass_time(27 * HOUR)
    assert (shutdowns(), held()) == (0, 4)
    assert Review.objects.filter(reason=brake.REASON).count() == 1


def test_released_they_fire_as_of_when_they_were_due(jim: Provider) -> None:
    fined(jim, 3)
    pass_time(24 * HOUR)
    first = brake.held_of(jim.brand)[0]
    assert brake.release(jim.brand, [first.pk], "ann", "looked at", NOW + 30 * HOUR) == 1
    assert Review.objects.get(reason=brake.REASON).closed_at is None
    pass_time(30 * HOUR)
    assert (shutdowns(), held()) == (1, 2)
    assert Measure.objects.get(kind="shutdown").at == UNPAID
    told = TimelineEntry.objects.get(kind="staff")
    assert (told.by, "looked at" in told.body["text"]) == ("ann", True)
    brake.release(jim.brand, None, "ann", "all of them", NOW + 31 * HOUR)
    review = Review.objects.get(reason=brake.REASON)
    assert (review.closed_by, review.answer) == ("ann", "released: all of them")


def test_dropped_they_pass_without_an_effect(jim: Provider) -> None:
    fined(jim, 3)
    pass_time(24 * HOUR)
    assert brake.drop(jim.brand, None, "ann", "the feed was wrong", NOW + 30 * HOUR) == 3
    pass_time(30 * HOUR)
    assert (shutdowns(), held()) == (0, 0)
    assert set(Deadline.objects.filter(name="payment").values_list("state", flat=True)) == {"cancelled"}
    assert Review.objects.get(reason=brake.REASON).closed_by == "ann"
    assert [one for one in recompute() if one.is_difference] == []


def test_dropping_twice_is_once(jim: Provider) -> None:
    fined(jim, 3)
    pass_time(24 * HOUR)
    brake.drop(jim.brand, None, "ann", "wrong", NOW + 30 * HOUR)
    assert brake.drop(jim.brand, None, "ann", "wrong", NOW + 30 * HOUR) == 0


def test_a_limit_of_none_holds_every_one(jim: Provider) -> None:
    Brand.objects.update(settings={"mass_expiry": 0})
    fined(jim, 1)
    pass_time(24 * HOUR)
    assert (shutdowns(), held()) == (0, 1)


def test_another_brands_deadlines_are_no_concern(jim: Provider) -> None:
    other = provider("sca")
    fined(jim, 3)
    service = other.another("o1", "203.0.113.9/32")
    submit(docket_of(service), Report("ro", "connection/port_scan", ("203.0.113.9",), NOW), key="r", at=NOW)
    pass_time(24 * HOUR)
    assert (shutdowns(), brake.held_of(jim.brand).count(), brake.held_of(other.brand).count()) == (1, 3, 0)


def test_one_that_is_met_meanwhile_is_held_no_more(jim: Provider) -> None:
    fined(jim, 3)
    pass_time(24 * HOUR)
    Deadline.objects.filter(pk=brake.held_of(jim.brand)[0].pk).update(state="met")
    assert held() == 2


def test_under_the_stop_button_nothing_is_even_tried(jim: Provider) -> None:
    fined(jim, 3)
    hold.press(jim.brand, "ann", "look", NOW + HOUR)
    pass_time(24 * HOUR)
    assert (shutdowns(), held()) == (0, 0)
