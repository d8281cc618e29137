"""Our own mistake on the live desk: rehearsed, carried out whole whatever breaks, and kept on record."""

from datetime import timedelta
from typing import Any

import pytest

from abusedesk.actuators.models import Switch
from abusedesk.desk.decide import state_of
from abusedesk.desk.enact import docket_of, submit
from abusedesk.desk.mistake import downtime, letter, perform
from abusedesk.desk.mistake.perform import Confirmed, carry_out, record
from abusedesk.desk.mistake.picks import Pick, pick_of
from abusedesk.desk.mistake.plan import Plan, Wanted, plan
from abusedesk.desk.perform import perform_targets
from abusedesk.desk.policies.audit import recompute
from abusedesk.policy.stimulus import Payment
from abusedesk.policy.stimulus import Report as ReportStimulus
from abusedesk.records.models import Case, Charge, Decision, Downtime, Effect, Measure, Mistake, Report, Strike
from tests.desk.estate import NOW, Provider, known_reporter, provider, signed_complaint, take, with_addresses

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def jim() -> Provider:
    return with_addresses(provider())


def accused(one: Provider, *hours: int) -> None:
    """Complaints of spam that are believed, at some hours; what they take is taken."""
    for number, hour in enumerate(hours):
        at = NOW + hour * HOUR
        told = ReportStimulus(f"r{number}", "messaging/spam", ("192.0.2.1",), at)
        submit(docket_of(one.service), told, key=f"report:{number}", at=at)
        perform_targets("w1", at)


def rehearsed(one: Provider, *picks: Pick, besides: tuple[Pick, ...] = (), after: timedelta = 3 * HOUR) -> Plan:
    return plan([docket_of(one.service)], Wanted(picks, besides, "ann", "false"), NOW + after)


def first_report(one: Provider) -> Pick:
    docket = docket_of(one.service)
    return Pick(docket.pk, "report", state_of(docket).occurrences[0].reports[0].id)


def confirmed(key: str = "k1", **more: Any) -> Confirmed:
    given: dict[str, Any] = {"letter": "Sorry.", "said": ["suspension lifted"]} | more
    return Confirmed(Case.objects.get(), "report", "ann", "the reporter took it back", key=key, **given)


def undone(one: Provider, *picks: Pick, after: timedelta = 3 * HOUR) -> Mistake:
    made = record(rehearsed(one, *picks, after=after), confirmed(), NOW + after)
    return carry_out(made.pk, NOW + after)


# --- rehearsed ------------------------------------------------------------------------------------------------------


def test_a_pick_is_read_as_it_is_written_and_nothing_else_is() -> None:
    assert pick_of(str(Pick(7, "measure", "m4"))) == Pick(7, "measure", "m4")
    assert [pick_of(one) for one in ("", "7", "x:measure:m4", "7:house:m4", "7:measure:")] == [None] * 5


def test_a_rehearsal_tells_all_that_ends_and_writes_nothing(jim: Provider) -> None:
    accused(jim, 0)
    decisions = Decision.objects.count()
    lines = rehearsed(jim, first_report(jim)).ended[docket_of(jim.service).pk]
    assert [one.what for one in lines] == ["rejected", "annulled", "lifted", "unpaid", "dropped", "dropped", "unmarked"]
    assert Decision.objects.count() == decisions
    assert Measure.objects.get().decided == "in_force"


def test_what_a_later_termination_counted_is_asked_about_and_undone_only_if_a_person_says_so(jim: Provider) -> None:
    accused(jim, 0, 48, 96)
    found = rehearsed(jim, first_report(jim), after=5 * DAY)
    asked = {Measure.objects.get(item=one.pick.id).kind: one.pick for one in found.asked if one.pick.what == "measure"}
    assert set(asked) == {"terminate"}
    assert Measure.objects.get(kind="terminate").decided == "proposed"
    assert "terminate" not in {one.name for one in found.ended[docket_of(jim.service).pk]}
    chosen = rehearsed(jim, first_report(jim), besides=(asked["terminate"],), after=5 * DAY)
    assert ("withdrawn", "terminate") in {(one.what, one.name) for one in chosen.ended[docket_of(jim.service).pk]}
    assert chosen.seen != found.seen


def test_what_still_stands_can_be_undone_as_well(jim: Provider) -> None:
    accused(jim, 0, 48)
    found = rehearsed(jim, first_report(jim), after=3 * DAY)
    charge = next(one for one in found.left if one.what == "charge")
    chosen = rehearsed(jim, first_report(jim), besides=(charge,), after=3 * DAY)
    pk = docket_of(jim.service).pk
    assert [one.what for one in chosen.ended[pk]].count("unpaid") == [one.what for one in found.ended[pk]].count(
        "unpaid"
    ) + 1


def test_it_cannot_be_said_what_followed_where_the_record_was_erased(jim: Provider) -> None:
    accused(jim, 0)
    Decision.objects.update(salt=b"")
    assert rehearsed(jim, first_report(jim)).untold == (docket_of(jim.service).pk,)


# --- carried out ----------------------------------------------------------------------------------------------------


def test_nothing_is_left_behind(jim: Provider) -> None:
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net"))
    perform_targets("w1", NOW)
    submit(docket_of(jim.service), Payment(2000), key="p", at=NOW + HOUR)
    mistake = undone(jim, first_report(jim))
    perform_targets("w1", NOW + 3 * HOUR)
    assert mistake.finished_at == NOW + 3 * HOUR
    assert (Measure.objects.get().state, Switch.objects.get().on) == ("lifted", False)
    assert Strike.objects.get().annulled_at == NOW + 3 * HOUR
    assert Charge.objects.get().state == "withdrawn"
    assert state_of(docket_of(jim.service)).credit == 2000
    assert (Report.objects.get().rejected_by, Case.objects.get().next_due) == ("ann", None)
    assert Effect.objects.get(key=f"letter:mistake:{mistake.pk}").payload["text"].startswith("Sorry.")
    assert [one for one in recompute() if one.is_difference] == []


def test_the_time_without_the_service_is_on_record(jim: Provider) -> None:
    accused(jim, 0)
    mistake = undone(jim, first_report(jim))
    assert (Downtime.objects.get().since, Downtime.objects.get().until) == (NOW, None)
    assert downtime.of_mistakes([mistake], NOW + 4 * HOUR) == {mistake.pk: 4 * HOUR}
    perform_targets("w1", NOW + 3 * HOUR + timedelta(minutes=1))
    assert downtime.note_ends() == 1
    assert downtime.of_mistakes([mistake], NOW + 9 * HOUR) == {mistake.pk: 3 * HOUR + timedelta(minutes=1)}


def test_sent_twice_it_is_one(jim: Provider) -> None:
    accused(jim, 0)
    first = undone(jim, first_report(jim))
    found = rehearsed(jim, first_report(jim))
    assert carry_out(record(found, confirmed(), NOW + 4 * HOUR).pk, NOW + 4 * HOUR).pk == first.pk
    assert Mistake.objects.count() == Downtime.objects.count() == 1


def test_what_broke_off_after_any_step_comes_to_the_same_end(jim: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    accused(jim, 0, 48, 49)
    docket = docket_of(jim.service)
    reports = [Pick(docket.pk, "report", one.id) for each in state_of(docket).occurrences for one in each.reports]
    monkeypatch.setattr(perform, "BATCH", 1)
    made = record(rehearsed(jim, *reports, after=3 * DAY), confirmed(), NOW + 3 * DAY)
    assert len(made.steps) == 3
    perform._go_on(made.pk, NOW + 3 * DAY)
    made.refresh_from_db()
    assert (made.done, made.finished_at) == (1, None)
    assert perform.go_on(NOW + 3 * DAY + timedelta(seconds=30)) == 0
    assert perform.go_on(NOW + 3 * DAY + HOUR) == 1
    made.refresh_from_db()
    assert made.done == 3
    assert set(Measure.objects.values_list("decided", flat=True)) <= {"lifted", "withdrawn"}
    assert Effect.objects.filter(key__startswith="letter:").count() == 1


# --- the letter -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "words"), [("en", ["lifted", "2 hours"]), ("zh-Hans", ["已解除", "2 小时"]), ("de", ["aufgehoben"])]
)
def test_the_apology_is_in_the_customers_language(jim: Provider, language: str, words: list[str]) -> None:
    accused(jim, 0)
    jim.brand.languages = ["en", "zh-Hans", "de"]
    jim.brand.save()
    jim.customer.language = language
    jim.customer.save()
    ended = rehearsed(jim, first_report(jim)).ended[docket_of(jim.service).pk]
    text = letter.apology(Case.objects.get(), ended, 2 * HOUR)
    assert all(one in text for one in words)
    assert "{" not in text
