"""The book of alerts: one for each thing that is wrong, told, grown, acknowledged, escalated, over."""

from datetime import UTC, date, datetime, timedelta

import pytest

from abusedesk.desk.oncall.book import LAPS, REST, acknowledge, escalate, forget, keep, look
from abusedesk.desk.oncall.wrong import Wrong
from abusedesk.records.models import Alert, Brand, Measure, Proposal, Rota, Telling, Way
from tests.desk import rows

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PAGE = Wrong("measure_failed", "measure_failed:1", None, "page", "suspend of vps-1 failed", "/cases/1", (1,))


def rota(level: int, *people: str, brand: Brand | None = None, minutes: int = 15) -> None:
    Rota.objects.create(brand=brand, level=level, turns=list(people), first=date(2026, 3, 2), minutes=minutes)


def team() -> None:
    Way.objects.create(name="team", kind="text", options={"url": "https://chat.example.net/hook"})


def told() -> list[str]:
    return list(Telling.objects.order_by("pk").values_list("person", flat=True))


def test_the_same_thing_still_wrong_is_the_same_alert_and_told_once() -> None:
    rota(1, "ann")
    team()
    assert [keep([PAGE], NOW + step * MINUTE) for step in range(3)] == [1, 0, 0]
    alert = Alert.objects.get()
    assert (alert.times, alert.last_at, alert.opened_at) == (1, NOW + 2 * MINUTE, NOW)
    assert told() == ["", "ann"]


def test_what_is_only_told_wakes_nobody() -> None:
    rota(1, "ann")
    keep([PAGE._replace(severity="tell")], NOW)
    assert told() == [""]
    assert Alert.objects.get().escalates_at is None


def test_a_new_thing_in_it_is_told_anew_though_somebody_had_the_old() -> None:
    rota(1, "ann")
    keep([PAGE], NOW)
    acknowledge(Alert.objects.get(), "ann", NOW)
    keep([PAGE._replace(things=(1,))], NOW + MINUTE)
    assert told() == ["ann"]
    keep([PAGE._replace(things=(1, 2))], NOW + 2 * MINUTE)
    alert = Alert.objects.get()
    assert (told(), alert.times, alert.acknowledged_at) == (["ann", "ann"], 2, None)


def test_what_gets_graver_while_nobody_had_it_wakes_somebody() -> None:
    rota(1, "ann")
    keep([PAGE._replace(severity="tell")], NOW)
    keep([PAGE], NOW + MINUTE)
    assert told() == ["", "ann"]


def test_it_is_over_when_nothing_is_wrong_and_nobody_is_told_any_more() -> None:
    keep([PAGE], NOW)
    keep([], NOW + MINUTE)
    assert Alert.objects.get().over_at == NOW + MINUTE
    assert Telling.objects.get().state == "dropped"


def test_wrong_again_at_once_it_is_the_same_alert_and_later_another() -> None:
    keep([PAGE], NOW)
    keep([], NOW + MINUTE)
    assert keep([PAGE], NOW + 2 * MINUTE) == 0
    assert Alert.objects.get().over_at is None
    keep([], NOW + 3 * MINUTE)
    assert keep([PAGE], NOW + 30 * MINUTE) == 1
    assert Alert.objects.count() == 2


def test_who_was_told_hears_once_that_it_is_over_when_it_surely_is() -> None:
    rota(1, "ann", minutes=1)
    rota(2, "ben")
    rota(3, "eve")
    keep([PAGE], NOW)
    escalate(NOW + MINUTE)
    Telling.objects.filter(person="ann").update(state="done", way="phone", done_at=NOW)
    keep([], NOW + 5 * MINUTE)
    (one,) = Telling.objects.filter(over=True)
    assert (one.person, one.way, one.due, one.state) == ("ann", "phone", NOW + 5 * MINUTE + REST, "pending")
    keep([PAGE], NOW + 6 * MINUTE)
    assert not Telling.objects.filter(over=True).exists()
    keep([], NOW + 7 * MINUTE)
    keep([], NOW + 8 * MINUTE)
    assert Telling.objects.get(over=True).due == NOW + 7 * MINUTE + REST


def test_nobody_hears_at_night_that_is_over_what_woke_nobody() -> None:
    brand = rows.desk().brand
    brand.settings["office_hours"] = "Mon-Fri 09:00-18:00"
    brand.save()
    team()
    keep([PAGE._replace(severity="tell", brand=brand.pk)], NOW)
    Telling.objects.update(state="done")
    keep([], NOW + MINUTE)
    assert Telling.objects.get(over=True).due == datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
    keep([PAGE._replace(brand=brand.pk)], NOW + 60 * MINUTE)
    assert not Telling.objects.filter(over=True).exists()


def test_without_an_acknowledgement_the_next_level_is_told() -> None:
    rota(1, "ann", minutes=10)
    rota(2, "ben", minutes=5)
    keep([PAGE], NOW)
    assert escalate(NOW + 9 * MINUTE) == 0
    assert escalate(NOW + 10 * MINUTE) == 1
    assert escalate(NOW + 15 * MINUTE) == 1
    assert told() == ["ann", "ben", "ann"]


def test_it_goes_round_so_often_and_then_waits_on_the_console() -> None:
    rota(1, "ann", minutes=1)
    keep([PAGE], NOW)
    assert sum(escalate(NOW + step * MINUTE) for step in range(1, 20)) == LAPS - 1


def test_who_has_it_keeps_all_others_asleep() -> None:
    rota(1, "ann", minutes=1)
    keep([PAGE], NOW)
    alert = Alert.objects.get()
    assert acknowledge(alert, "ben", NOW)
    assert not acknowledge(alert, "eve", NOW)
    assert escalate(NOW + 5 * MINUTE) == 0
    assert Alert.objects.get().acknowledged_by == "ben"
    assert Telling.objects.get().state == "dropped"


def test_a_brand_with_a_rota_of_its_own_wakes_its_own_people() -> None:
    brand = rows.desk().brand
    rota(1, "ann")
    rota(1, "ben", brand=brand)
    keep([PAGE, PAGE._replace(key="other", brand=brand.pk)], NOW)
    assert sorted(told()) == ["ann", "ben"]


def test_a_proposal_leads_to_its_screen_and_one_that_waits_too_long_is_told() -> None:
    desk = rows.desk()
    desk.measure(decided="proposed")
    Measure.objects.update(clauses=["acme:1", "safeguard:protected"])
    at, about = (
        rows.NOW - timedelta(days=2),
        {"docket": desk.docket, "service": desk.service, "customer": desk.customer},
    )
    one = Proposal.objects.create(brand=desk.brand, kind="measure", name="suspend", at=at, changed_at=at, **about)
    look(rows.NOW)
    links = dict(Alert.objects.exclude(kind="clock").values_list("kind", "link"))
    assert links == {"protected": f"/approvals/{one.pk}", "overdue": f"/approvals/{one.pk}"}


def test_what_was_over_for_a_year_is_forgotten() -> None:
    keep([PAGE], NOW)
    keep([], NOW + MINUTE)
    forget(NOW + timedelta(days=300))
    assert Telling.objects.count() == 1
    forget(NOW + timedelta(days=366))
    assert not Alert.objects.exists()


def test_the_watch_finds_what_is_wrong_by_itself() -> None:
    desk = rows.desk()
    rota(1, "ann")
    measure = desk.measure(decided="proposed")
    desk.customer.protected = True
    desk.customer.save()
    desk.measure(state="failed", outside={"final": True})
    assert look(rows.NOW) == 3
    found = dict(Alert.objects.values_list("kind", "things"))
    assert found["protected"] == [measure.pk]
    assert set(found) == {"protected", "measure_failed", "clock"}
    Measure.objects.update(decided="withdrawn", state="none")
    look(rows.NOW + MINUTE)
    assert list(Alert.objects.filter(over_at=None).values_list("kind", flat=True)) == ["clock"]
