"""Reports over HTTP: taken after the commit, refused with the place, asked for by whoever sent them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from abusedesk.desk.intake import process_messages
from abusedesk.records import keys
from abusedesk.records.models import ApiKey, Brand, Channel, Event, Message, Report, Reporter
from abusedesk.records.payload import read_payload
from tests.desk.estate import Provider, known_reporter, provider, with_addresses
from tests.web.api.samples import Caller, key, xarf3, xarf4

pytestmark = pytest.mark.django_db


@pytest.fixture
def jim() -> Provider:
    return with_addresses(provider())


@pytest.fixture
def watch(jim: Provider) -> Caller:
    return Caller(key()[1])


def read() -> None:
    while process_messages(datetime.now(UTC)):
        pass


def pointers(response: Any) -> list[str]:
    return [one["pointer"] for one in response.json()["errors"]]


@pytest.mark.parametrize("sample", [xarf4, xarf3])
def test_a_report_is_taken_and_goes_the_ordinary_way(sample: Any, watch: Caller, jim: Provider) -> None:
    response = watch.post("reports", sample())
    assert response.status_code == 202
    read()

    assert Event.objects.get().service_id == jim.service.pk
    assert str(Report.objects.get().message_id) == response.json()["id"]
    assert response["Location"] == f"/api/v1/reports/{response.json()['id']}"


def test_what_is_kept_are_the_bytes_that_were_sent(watch: Caller) -> None:
    body = json.dumps(xarf4(), indent=3)
    number = watch.post("reports", f"[{body} ]").json()["reports"][0]["id"]
    assert read_payload(Message.objects.get(pk=number)) == body.encode()


def test_the_message_says_who_brought_it(watch: Caller) -> None:
    watch.post("reports", xarf4())
    message = Message.objects.get()
    assert message.provenance == {"reporter": str(ApiKey.objects.get().reporter_id)}
    assert message.channel == "api"
    assert Channel.objects.get(name="api").last_message_at is not None


def test_each_report_of_a_batch_is_a_message_of_its_own(watch: Caller) -> None:
    response = watch.post("reports", [xarf4("192.0.2.1"), xarf3("192.0.2.2")])
    ids = [one["id"] for one in response.json()["reports"]]
    assert sorted(ids) == sorted(str(pk) for pk in Message.objects.values_list("pk", flat=True))
    assert len(set(ids)) == 2


def test_a_batch_may_be_one_report_a_line(watch: Caller) -> None:
    lines = "\n".join(json.dumps(xarf4(f"192.0.2.{number}")) for number in (1, 2, 3))
    response = watch.post("reports", lines, media="application/x-ndjson")
    assert response.status_code == 202
    assert len(response.json()["reports"]) == 3


def test_the_same_bytes_again_are_the_same_message(watch: Caller) -> None:
    body = json.dumps(xarf4())
    first, second = watch.post("reports", body).json(), watch.post("reports", body).json()
    assert (first["id"], first["repeated"], second["repeated"]) == (second["id"], False, True)


# --- refused --------------------------------------------------------------------------------------------------------


def test_of_a_batch_with_a_flaw_nothing_is_taken_and_each_flaw_has_its_place(watch: Caller) -> None:
    lacking = xarf4()
    del lacking["timestamp"]
    response = watch.post("reports", [xarf4(), lacking, {"a": 1}, xarf4(type="nothing")])

    assert (response.status_code, response["Content-Type"]) == (422, "application/problem+json")
    assert pointers(response) == ["/1/timestamp", "/2", "/3"]
    assert response.json()["code"] == "malformed"
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"xarf_version": ', 400, "unreadable"),
        (b"[]", 400, "unreadable"),
        (b" ", 400, "unreadable"),
        (b"[" * 50_000, 400, "unreadable"),
        (b"\xff\xfe", 400, "unreadable"),
        (b'"text"', 422, "malformed"),
        (b"[1]", 422, "malformed"),
    ],
)
def test_what_is_no_report_is_refused(body: bytes, status: int, code: str, watch: Caller) -> None:
    response = watch.post("reports", body)
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_broken_json_is_refused_with_line_and_column(watch: Caller) -> None:
    detail = watch.post("reports", '{"a": 1,\n "b": }').json()["detail"]
    assert "line 2, column 7" in detail


def test_more_than_a_thousand_are_refused_whole(watch: Caller) -> None:
    response = watch.post("reports", [xarf4()] * 1_001)
    assert response.status_code == 400
    assert "at most 1,000" in response.json()["detail"]


def test_a_body_of_another_type_is_refused(watch: Caller) -> None:
    assert watch.post("reports", "a=b", media="application/x-www-form-urlencoded").status_code == 415


# --- keys -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    ["", "Bearer", "Bearer wrong", "Basic YTpi", f"Bearer {keys.new_secret()}"],
    ids=["none", "no key", "no key's form", "another scheme", "nobody's key"],
)
def test_without_a_key_that_stands_nothing_is_done(given: str, jim: Provider) -> None:
    response = Client(headers={"Authorization": given} if given else {}).post(
        "/api/v1/reports", json.dumps(xarf4()), content_type="application/json"
    )
    assert (response.status_code, response.json()["code"]) == (401, "no_key")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_key_opens_nothing(jim: Provider) -> None:
    row, secret = key()
    keys.revoke(row, "ann", datetime.now(UTC))
    assert Caller(secret).post("reports", xarf4()).status_code == 401


def test_an_expired_key_opens_nothing(jim: Provider) -> None:
    row, secret = key(expires_at=datetime.now(UTC) + timedelta(hours=1))
    assert Caller(secret).post("reports", xarf4()).status_code == 202
    ApiKey.objects.filter(pk=row.pk).update(expires_at=datetime.now(UTC))
    assert Caller(secret).post("reports", xarf4()).status_code == 401


def test_a_key_for_something_else_is_told_so(jim: Provider) -> None:
    _, secret = key(reporter="", scopes=["telemetry"], brand=jim.brand)
    response = Caller(secret).post("reports", xarf4())
    assert (response.status_code, response.json()["code"]) == (403, "wrong_scope")


def test_a_session_opens_nothing_and_no_token_of_a_form_is_asked(jim: Provider, page: Client) -> None:
    assert page.post("/api/v1/reports", b"{}", content_type="application/json").status_code == 401


def test_a_key_that_sends_too_much_is_told_when_to_go_on(jim: Provider) -> None:
    _, secret = key(per_minute=60)
    caller = Caller(secret)
    assert caller.post("reports", [xarf4(f"192.0.2.{number}") for number in range(1, 90)]).status_code == 202
    response = caller.post("reports", xarf4())
    assert (response.status_code, response.json()["code"]) == (429, "too_many")
    assert 0 < int(response["Retry-After"]) <= 30


def test_a_way_in_that_is_switched_off_takes_nothing(watch: Caller) -> None:
    Channel.objects.filter(name="api").update(enabled=False)
    response = watch.post("reports", xarf4())
    assert (response.status_code, response.json()["code"]) == (503, "switched_off")


def test_what_came_under_a_key_is_said_by_its_reporter(watch: Caller) -> None:
    watch.post("reports", xarf4())
    read()
    report = Report.objects.get()
    assert (report.assurance, report.reporter and report.reporter.key) == ("authenticated", "watch@isp.example.net")
    assert "API key" in report.grade_reason


def test_a_muted_reporters_key_proves_nothing(watch: Caller) -> None:
    Reporter.objects.update(muted=True)
    watch.post("reports", xarf4())
    read()
    assert Report.objects.get().assurance == "unverified"


def test_whom_the_report_names_does_not_matter_under_a_key(watch: Caller) -> None:
    known_reporter("other.example.net")
    watch.post(
        "reports", xarf4(reporter={"org": "x", "contact": "fbl@other.example.net", "domain": "other.example.net"})
    )
    read()
    reporter = Report.objects.get().reporter
    assert reporter is not None
    assert reporter.key == "watch@isp.example.net"


# --- asked for ------------------------------------------------------------------------------------------------------


def asked(caller: Caller, number: str) -> Any:
    return caller.get(f"reports/{number}").json()


def test_a_report_waits_until_it_is_read(watch: Caller) -> None:
    number = watch.post("reports", xarf4()).json()["id"]
    assert asked(watch, number)["state"] == "waiting"
    read()
    assert asked(watch, number)["state"] == "read"


def test_the_outcome_is_told_only_where_the_brand_says_so(watch: Caller, jim: Provider) -> None:
    number = watch.post("reports", xarf4()).json()["id"]
    read()
    assert asked(watch, number)["outcomes"] == []
    Brand.objects.update(settings={"tell_outcome": True})
    told = asked(watch, number)["outcomes"]
    assert [one["category"] for one in told] == ["connection/port_scan"]
    assert told[0]["code"] in {"in_progress", "measure_taken", "uncorroborated"}


def test_an_address_of_nobody_is_told_as_such(jim: Provider) -> None:
    Brand.objects.update(settings={"tell_outcome": True})
    caller = Caller(key(brand=jim.brand)[1])
    number = caller.post("reports", xarf4("203.0.113.9")).json()["id"]
    read()
    assert [one["code"] for one in asked(caller, number)["outcomes"]] == ["not_ours"]


def test_what_was_told_before_is_told_as_such(watch: Caller) -> None:
    Brand.objects.update(settings={"tell_outcome": True})
    one = xarf4()
    watch.post("reports", one)
    number = watch.post("reports", one | {"report_id": "5a2c1f2e-4c1d-4a52-9c0a-8d0f8d2a0002"}).json()["id"]
    read()
    assert [one["code"] for one in asked(watch, number)["outcomes"]] == ["known_before"]


def test_another_reporter_sees_nothing_of_it(watch: Caller) -> None:
    number = watch.post("reports", xarf4()).json()["id"]
    other = Caller(key("other@example.com")[1])
    assert other.get(f"reports/{number}").status_code == 404


def test_a_new_key_of_the_same_reporter_sees_it(watch: Caller) -> None:
    number = watch.post("reports", xarf4()).json()["id"]
    assert Caller(key()[1]).get(f"reports/{number}").status_code == 200


def test_the_commit_comes_before_the_answer(watch: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def full(*_: Any) -> None:
        raise OperationalError("could not extend file: No space left on device")

    monkeypatch.setattr("abusedesk.web.api.taking.receive_many", full)
    response = watch.post("reports", xarf4())
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert response["Retry-After"]
    assert connection.is_usable()
