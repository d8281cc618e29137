"""Upstreams: their own measures reach every docket that recorded them, and their mandates become duties."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from django.core import mail

from abusedesk.desk import upstream
from abusedesk.desk.intake import process_messages
from abusedesk.desk.perform import perform_effects
from abusedesk.policy.stimulus import AnyStimulus
from abusedesk.records.models import (
    Assignment,
    Decision,
    Docket,
    Duty,
    Effect,
    Measure,
    Message,
    OwnPrefix,
    Reporter,
    Review,
    TimelineEntry,
    UpstreamMeasure,
)
from tests.desk.estate import LONG_AGO, Provider, provider, with_addresses
from tests.web.api.samples import Caller, key

pytestmark = pytest.mark.django_db


@pytest.fixture
def scali() -> Provider:
    return with_addresses(
        provider("scali", "scalibit", in_force_from=LONG_AGO, settings={"staff_address": "noc@example.org"})
    )


@pytest.fixture
def transit(scali: Provider) -> Caller:
    return Caller(key(reporter="", label="transit-1", scopes=["upstream"], brand=scali.brand)[1])


def word(**changed: Any) -> dict[str, Any]:
    one = {"ip": "192.0.2.1", "action": "null_route", "state": "set"} | changed
    return {name: value for name, value in one.items() if value is not None}


def mandate(**changed: Any) -> dict[str, Any]:
    asked = {"do": "stop the attack", "within": "PT4H", "otherwise": "we null-route the address"}
    return word(action=None, state=None, mandate=asked, reference="T-7") | changed


def stimuli() -> list[tuple[int | None, Any]]:
    rows = Decision.objects.order_by("pk").values_list("docket__service_id", "stimulus")
    return [(service, msgspec.json.decode(bytes(one), type=AnyStimulus)) for service, one in rows]


def moved() -> list[tuple[int | None, str]]:
    return [(service, one.state) for service, one in stimuli()]


def hand_over(scali: Provider) -> Any:
    """The address passes from the service that held it to another."""
    now = datetime.now(UTC)
    for one in Assignment.objects.filter(service=scali.service):
        Assignment.objects.filter(pk=one.pk).update(period=(LONG_AGO, now))
    return scali.another("s2", "192.0.2.0/28", since=now)


# --- measures -------------------------------------------------------------------------------------------------------


def test_what_is_set_stands_with_the_holder_and_says_who_told_it(transit: Caller, scali: Provider) -> None:
    assert transit.post("upstream", word(note="ddos")).status_code == 202
    measure = Measure.objects.get()
    assert (measure.service, measure.kind, measure.ip, measure.upstream) == (
        scali.service,
        "null_route",
        "192.0.2.1",
        True,
    )
    assert TimelineEntry.objects.get(kind="upstream").by == "transit-1"


def test_set_twice_is_set_once(transit: Caller) -> None:
    transit.post("upstream", word())
    transit.post("upstream", word(note="again"))
    assert len(moved()) == 1
    assert UpstreamMeasure.objects.count() == 1


def test_what_is_lifted_is_lifted_wherever_it_was_recorded(transit: Caller, scali: Provider) -> None:
    transit.post("upstream", word())
    other = hand_over(scali)
    transit.post("upstream", word(note="still"))
    transit.post("upstream", word(state="lifted"))
    first, second = scali.service.pk, other.pk
    assert moved() == [(first, "set"), (second, "set"), (first, "lifted"), (second, "lifted")]
    assert set(Measure.objects.values_list("decided", flat=True)) == {"lifted"}


def test_lifted_reaches_who_had_the_address_when_it_was_set(transit: Caller, scali: Provider) -> None:
    transit.post("upstream", word())
    hand_over(scali)
    transit.post("upstream", word(state="lifted"))
    assert moved() == [(scali.service.pk, "set"), (scali.service.pk, "lifted")]


def test_it_can_be_set_again_after_it_was_lifted(transit: Caller) -> None:
    for state in ("set", "lifted", "set"):
        transit.post("upstream", word(state=state))
    assert [state for _, state in moved()] == ["set", "lifted", "set"]
    assert Measure.objects.filter(decided="in_force").count() == 1


def test_what_nobody_holds_now_is_the_brands_own(transit: Caller, scali: Provider) -> None:
    Assignment.objects.filter(service=scali.service).update(period=(LONG_AGO, datetime.now(UTC)))
    transit.post("upstream", word())
    assert Docket.objects.get(pk=UpstreamMeasure.objects.get().dockets[0]).service is None


def test_somebody_elses_address_is_refused_and_nothing_of_the_call_is_taken(transit: Caller) -> None:
    response = transit.post("upstream", [word(), word(ip="198.51.100.7")])
    assert (response.status_code, response.json()["code"]) == (422, "not_ours")
    assert response.json()["errors"][0] == {"pointer": "/1/ip", "detail": "198.51.100.7 is in no prefix of Scali"}
    assert not UpstreamMeasure.objects.exists()
    assert not Decision.objects.exists()
    assert not Message.objects.exists()


def test_an_own_prefix_is_the_brands_whether_anybody_holds_it_or_not(transit: Caller, scali: Provider) -> None:
    OwnPrefix.objects.create(brand=scali.brand, prefix="198.51.100.0/24", added_at=datetime.now(UTC))
    assert transit.post("upstream", word(ip="198.51.100.7")).status_code == 202
    assert moved() == [(None, "set")]


def test_a_retried_call_counts_once(transit: Caller) -> None:
    for state in ("set", "lifted"):
        transit.post("upstream", word(state=state), once=state)
    assert transit.post("upstream", word(), once="set")["Idempotency-Replayed"] == "true"
    assert [state for _, state in moved()] == ["set", "lifted"]


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"ip": "host"}, "/ip"),
        ({"state": None}, "/action"),
        ({"state": "gone"}, "/state"),
        ({"action": "terminate"}, "/action"),
        ({"action": None, "state": None}, ""),
        ({"until": "soon"}, "/until"),
        ({"mandate": {"do": "x"}}, "/mandate"),
        ({"mandate": {"do": "x", "within": "P1M"}}, "/mandate"),
        ({"mandate": {"within": "PT1H"}}, "/mandate/do"),
        ({"category": "connection/ddos"}, "/category"),
    ],
)
def test_a_flaw_is_refused_with_its_place(changed: dict[str, Any], pointer: str, transit: Caller) -> None:
    response = transit.post("upstream", word(**changed))
    assert response.status_code == 422
    assert [one["pointer"] for one in response.json()["errors"]] == [pointer]


# --- mandates -------------------------------------------------------------------------------------------------------


def test_a_mandate_is_a_duty_with_its_time(transit: Caller, scali: Provider) -> None:
    transit.post("upstream", mandate())
    duty = Duty.objects.get()
    assert (duty.service, duty.what, duty.said_by, duty.reference) == (
        scali.service,
        "stop the attack",
        "transit-1",
        "T-7",
    )
    assert duty.due - duty.opened_at == timedelta(hours=4)
    assert "transit-1 demands until" in TimelineEntry.objects.get(kind="staff").body["text"]


def test_staff_hear_of_it_at_once_and_again_before_it_is_due(transit: Caller) -> None:
    transit.post("upstream", mandate())
    duty = Duty.objects.get()
    perform_effects("w", duty.opened_at)
    assert [one.to for one in mail.outbox] == [["noc@example.org"]]
    assert "stop the attack" in mail.outbox[0].body
    perform_effects("w", duty.due - timedelta(hours=1))
    assert [one.subject.split()[0] for one in mail.outbox] == ["transit-1", "Still"]


def test_of_a_short_one_staff_hear_again_late_enough(transit: Caller) -> None:
    transit.post("upstream", mandate(mandate={"do": "stop it", "within": "PT20M"}))
    duty = Duty.objects.get()
    assert duty.due - upstream.again_at(duty) == timedelta(minutes=5)


def test_what_is_closed_is_not_recalled_and_stands_in_the_timeline(transit: Caller) -> None:
    transit.post("upstream", mandate())
    duty, now = Duty.objects.get(), datetime.now(UTC)
    assert upstream.close(duty, "the customer was rebooted", "ann", now)
    assert not upstream.close(duty, "again", "bo", now)
    assert Effect.objects.get(key=f"duty_soon:{duty.pk}").state == "dropped"
    duty.refresh_from_db()
    assert (duty.closed_by, duty.done) == ("ann", "the customer was rebooted")
    assert TimelineEntry.objects.filter(kind="staff", by="ann").count() == 1


def test_the_same_mandate_again_is_the_same_duty_while_it_is_open(transit: Caller) -> None:
    transit.post("upstream", mandate())
    transit.post("upstream", mandate())
    assert Duty.objects.count() == 1


def test_a_mandate_with_a_complaint_is_a_report_with_less_time_to_answer(transit: Caller, scali: Provider) -> None:
    at = datetime.now(UTC) - timedelta(minutes=5)
    transit.post("upstream", mandate(category="connection/ddos", occurred_at=at.isoformat()))
    while process_messages(datetime.now(UTC)):
        pass
    [(service, report)] = stimuli()
    assert (service, report.category) == (scali.service.pk, "connection/ddos")
    assert report.mandate == timedelta(hours=4)


def test_a_measure_alone_is_no_complaint(transit: Caller) -> None:
    transit.post("upstream", word())
    while process_messages(datetime.now(UTC)):
        pass
    assert Message.objects.get().outcome == "not_a_report"
    assert len(stimuli()) == 1


def test_a_measure_of_an_upstream_that_is_a_known_reporter_asks_nobody(transit: Caller) -> None:
    Reporter.objects.update(known=True)
    transit.post("upstream", word())
    while process_messages(datetime.now(UTC)):
        pass
    assert Message.objects.get().outcome == "not_a_report"
    assert not Review.objects.exists()
