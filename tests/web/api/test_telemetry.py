"""Telemetry: what the provider's own sensors saw goes the ordinary way, to the service that they name."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from abusedesk.desk.intake import process_messages
from abusedesk.desk.receive import Incoming, receive
from abusedesk.policy.stimulus import AnyStimulus
from abusedesk.records.models import Case, Channel, Decision, Event, Measure, Message, Report, Review, Service
from tests.desk.estate import LONG_AGO, Provider, provider, with_addresses
from tests.web.api.samples import Caller, key

pytestmark = pytest.mark.django_db


@pytest.fixture
def jim() -> Provider:
    return with_addresses(provider())


@pytest.fixture
def sensor(jim: Provider) -> Caller:
    return Caller(key(reporter="", label="honeypot-1", scopes=["telemetry"], brand=jim.brand)[1])


def seen(**changed: Any) -> dict[str, Any]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    one = {"telemetry": 1, "category": "connection/ddos", "occurred_at": now, "source": "192.0.2.1"} | changed
    return {name: value for name, value in one.items() if value is not None}


def read() -> None:
    while process_messages(datetime.now(UTC)):
        pass


def stimulus() -> Any:
    return msgspec.json.decode(bytes(Decision.objects.get().stimulus), type=AnyStimulus)


def test_it_goes_to_whoever_holds_the_address(sensor: Caller, jim: Provider) -> None:
    assert sensor.post("telemetry", seen(count=7)).status_code == 202
    read()
    event = Event.objects.get()
    assert (event.service_id, event.count, event.source) == (jim.service.pk, 7, "192.0.2.1")
    assert Message.objects.get().provenance == {"sensor": "honeypot-1"}
    assert Channel.objects.get(name="telemetry").last_message_at is not None


def test_a_danger_to_the_network_reaches_the_policy(sensor: Caller) -> None:
    sensor.post("telemetry", seen(stability_risk=True))
    read()
    assert stimulus().stability_risk is True


def test_it_counts_as_verified_and_suspends_where_the_pack_says_so() -> None:
    scali = with_addresses(provider("scali", "scalibit", in_force_from=LONG_AGO))
    caller = Caller(key(reporter="", label="flow", scopes=["telemetry"], brand=scali.brand)[1])
    caller.post("telemetry", seen(stability_risk=True))
    read()
    report = Report.objects.get()
    assert (report.assurance, report.reporter and report.reporter.key) == ("verified", "sensor flow")
    assert Measure.objects.filter(kind="suspend", decided="in_force").exists()


def test_a_service_is_named_by_the_providers_own_id(sensor: Caller, jim: Provider) -> None:
    sensor.post("telemetry", seen(source=None, service="s1"))
    read()
    event = Event.objects.get()
    assert (event.service_id, event.ip, event.source) == (jim.service.pk, None, "service s1")
    assert Case.objects.get().service == jim.service


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ({"service": "nobodys"}, "service nobodys"),
        ({"mac": "52-54-00-AB-cd-01"}, "mac 52:54:00:ab:cd:01"),
        ({"port": "sw1/0/12"}, "port sw1/0/12"),
    ],
)
def test_what_nobody_is_known_to_hold_is_for_a_person(place: dict[str, str], shown: str, sensor: Caller) -> None:
    sensor.post("telemetry", seen(source=None, **place))
    read()
    assert Event.objects.get().source == shown
    assert Review.objects.get().reason == "no_attribution"
    assert not Case.objects.exists()


def test_the_service_of_another_brand_is_not_meant(sensor: Caller, jim: Provider) -> None:
    other = provider("other")
    Service.objects.filter(pk=other.service.pk).update(ref="theirs")
    sensor.post("telemetry", seen(source=None, service="theirs"))
    read()
    assert Review.objects.get().reason == "no_attribution"


def test_from_anybody_else_it_is_rejected(jim: Provider) -> None:
    receive(Incoming(msgspec.json.encode(seen(stability_risk=True)), "lmtp", datetime.now(UTC), "", jim.brand.pk))
    read()
    assert Review.objects.get().reason == "rejected"
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"category": "none/such"}, "/category"),
        ({"occurred_at": "yesterday"}, "/occurred_at"),
        ({"occurred_at": None}, "/occurred_at"),
        ({"source": "host.example.net"}, "/source"),
        ({"source": None}, ""),
        ({"mac": "no"}, "/mac"),
        ({"count": 0}, "/count"),
        ({"stability_risk": "yes"}, "/stability_risk"),
        ({"telemetry": 2}, "/telemetry"),
        ({"severity": 3}, ""),
    ],
)
def test_a_flaw_is_refused_with_its_place(changed: dict[str, Any], pointer: str, sensor: Caller) -> None:
    response = sensor.post("telemetry", [seen(), seen(**changed)])
    assert response.status_code == 422
    assert [one["pointer"] for one in response.json()["errors"]] == [f"/1{pointer}"]
    assert not Message.objects.exists()


def test_a_reporters_key_is_not_a_sensors(jim: Provider) -> None:
    assert Caller(key()[1]).post("telemetry", seen()).json()["code"] == "wrong_scope"
