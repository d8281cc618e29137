"""Alerts reach people over real HTTP and SMTP: signed, once, by the next way where one fails."""

import hashlib
import hmac
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest

from abusedesk.actuators.alarm import WAYS
from abusedesk.desk.oncall.book import acknowledge, escalate, keep, send_test
from abusedesk.desk.oncall.telling import ROUNDS, alarm_of, tell_alerts, telling_behind, token_of, try_way
from abusedesk.desk.oncall.wrong import Wrong
from abusedesk.records.models import Alert, Rota, Telling, Way
from tests.contract.mailbox import Mailbox, mailbox
from tests.contract.phone import Phone, phone
from tests.desk import rows

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
SECRET = "a secret of more than thirty-two characters"
PAGE = Wrong("channel", "channel:1", None, "page", "channel imap cannot be read", "/channels/1")


@pytest.fixture(scope="module")
def line() -> Iterator[Phone]:
    with phone() as one:
        yield one


@pytest.fixture
def ring(line: Phone) -> Phone:
    line.calls.clear()
    line.statuses.clear()
    return line


@pytest.fixture
def post(settings: Any) -> Iterator[Mailbox]:
    with mailbox() as one:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", one.port, 10
        yield one


def way(name: str, kind: str = "text", person: str = "ann", position: int = 1, **options: str) -> Way:
    return Way.objects.create(name=name, kind=kind, person=person, position=position, options=options)


def opened() -> Telling:
    Rota.objects.create(level=1, turns=["ann"], first=date(2026, 3, 2))
    keep([PAGE], NOW)
    return Telling.objects.get()


OPTIONS = {"webhook": {"secret": SECRET}, "telegram": {"room": "42"}, "ntfy": {"room": "abuse", "token": "tk"}}
OPTIONS |= {"matrix": {"room": "!r:example.net", "token": "tk"}, "text": {}}


def test_every_way_but_mail_is_tried_here() -> None:
    assert OPTIONS.keys() | {"email"} == WAYS.keys()


@pytest.mark.parametrize(
    ("kind", "method", "shows"),
    [
        ("webhook", "POST", {"version": 1, "kind": "channel", "severity": "page", "brand": "", "times": 1}),
        ("text", "POST", {}),
        ("telegram", "POST", {"chat_id": "42"}),
        ("ntfy", "POST", {"topic": "abuse", "priority": 5}),
        ("matrix", "PUT", {"msgtype": "m.text"}),
    ],
)
def test_each_way_gets_its_shape_with_a_link_and_a_key(
    ring: Phone, kind: str, method: str, shows: dict[str, Any]
) -> None:
    way("phone", kind, url=ring.url, **OPTIONS[kind])
    telling = opened()
    assert tell_alerts(NOW) == 1
    (call,) = ring.calls
    assert call.method == method
    assert call.json | shows == call.json
    assert f"/alerts/have/{token_of(telling)}" in call.body.decode()
    assert call.headers["Idempotency-Key"].startswith(f"alert:{telling.pk}:")
    assert (call.headers.get("Authorization") == "Bearer tk") is (kind in {"ntfy", "matrix"})
    telling.refresh_from_db()
    assert (telling.state, telling.way, telling.receipts[0]["said"]) == ("done", "phone", "127.0.0.1 answered 200 ok")


def test_the_webhook_is_signed_over_time_and_body(ring: Phone) -> None:
    way("pager", "webhook", url=f"{ring.url}/hook?team=1", secret=SECRET)
    opened()
    tell_alerts(NOW)
    (call,) = ring.calls
    stamp = call.headers["Abusedesk-Timestamp"]
    wanted = hmac.new(SECRET.encode(), f"{stamp}.".encode() + call.body, hashlib.sha256).hexdigest()
    assert (call.path, call.headers["Abusedesk-Signature"]) == ("/hook?team=1", f"v1={wanted}")
    assert abs(time.time() - int(stamp)) < 60


def test_a_mail_goes_out_by_the_mail_server_under_one_message_id(post: Mailbox) -> None:
    desk = rows.desk()
    way("mail", "email", address="ann@example.net")
    Rota.objects.create(level=1, turns=["ann"], first=date(2026, 3, 2))
    keep([PAGE._replace(brand=desk.brand.pk)], NOW)
    tell_alerts(NOW)
    (got,) = post.got
    mail = message_from_bytes(got.content, policy=policy.default)
    assert (mail["Subject"], mail["From"]) == (
        "[page] Acme: channel imap cannot be read",
        "abusedesk <abuse@acme.example>",
    )
    assert mail["Message-ID"].startswith("<alert-alert-")
    assert "250" in Telling.objects.get().receipts[0]["said"]


def test_mail_that_only_lies_in_the_outbox_reached_nobody(ring: Phone) -> None:
    way("mail", "email", address="ann@example.net")
    way("phone", url=ring.url, position=2)
    opened()
    tell_alerts(NOW)
    tell_alerts(NOW)
    assert Telling.objects.get().way == "phone"
    assert "ABUSEDESK_SMTP_URL" in Way.objects.get(name="mail").error


def test_a_way_that_fails_is_followed_by_the_next_at_once_under_the_same_key(ring: Phone) -> None:
    ring.statuses[:] = [503]
    way("first", url=ring.url)
    way("second", url=ring.url, position=2)
    opened()
    assert [tell_alerts(NOW), tell_alerts(NOW), tell_alerts(NOW)] == [1, 1, 0]
    telling = Telling.objects.get()
    assert (telling.way, [one["way"] for one in telling.receipts]) == ("second", ["first", "second"])
    assert len({call.headers["Idempotency-Key"] for call in ring.calls}) == 1
    assert Way.objects.get(name="first").error.endswith("answered 503 ok")


def test_when_none_took_it_the_next_level_need_not_wait_and_all_are_tried_again() -> None:
    way("dead", url="http://127.0.0.1:9/")
    Rota.objects.create(level=2, turns=["ben"], first=date(2026, 3, 2))
    opened()
    tell_alerts(NOW)
    assert escalate(NOW) == 1
    assert Telling.objects.filter(person="ben").exists()
    later = NOW
    for _ in range(ROUNDS):
        later += timedelta(hours=1)
        tell_alerts(later)
    first = Telling.objects.get(person="ann")
    assert (first.state, len(first.receipts)) == ("failed", ROUNDS)


def test_who_has_no_way_is_passed_over() -> None:
    Rota.objects.create(level=2, turns=["ben"], first=date(2026, 3, 2))
    telling = opened()
    tell_alerts(NOW)
    telling.refresh_from_db()
    assert (telling.state, telling.receipts[0]["said"]) == ("failed", "nobody set up a way to them")
    assert escalate(NOW) == 1


def test_a_worker_that_died_with_it_leaves_it_to_the_next(ring: Phone) -> None:
    way("phone", url=ring.url)
    opened()
    Telling.objects.update(lease_until=NOW + timedelta(minutes=2), attempts=1)
    assert tell_alerts(NOW) == 0
    assert tell_alerts(NOW + timedelta(minutes=2)) == 1


def test_the_link_names_its_telling_and_nothing_that_was_forged_does() -> None:
    telling = opened()
    token = token_of(telling)
    assert telling_behind(token, NOW) == telling
    assert telling_behind(f"{telling.pk + 1}{token[token.index('.') :]}", NOW) is None
    assert telling_behind("x", NOW) is None
    assert telling_behind(token, NOW + timedelta(days=8)) is None


def test_a_test_says_what_came_back_and_leaves_nothing_open(ring: Phone) -> None:
    one = way("phone", url=ring.url)
    assert try_way(one, send_test(one, "ann", NOW), NOW) == "127.0.0.1 answered 200 ok"
    assert not Alert.objects.filter(over_at=None).exists()
    assert tell_alerts(NOW) == 0
    one.refresh_from_db()
    assert one.worked_at == NOW


def test_that_it_is_over_comes_once_by_the_way_that_told_of_it(ring: Phone) -> None:
    ring.statuses[:] = [503]
    way("first", url=ring.url)
    way("pager", "webhook", url=ring.url, position=2, secret=SECRET)
    telling = opened()
    tell_alerts(NOW)
    tell_alerts(NOW)
    ring.calls.clear()
    keep([], NOW + timedelta(minutes=75))
    assert tell_alerts(NOW + timedelta(minutes=89)) == 0
    assert [tell_alerts(NOW + timedelta(minutes=90)) for _ in range(2)] == [1, 0]
    (call,) = ring.calls
    assert (call.json["over_at"], call.json["acknowledge"]) == ("2026-03-02T23:15:00+00:00", "")
    assert Telling.objects.get(over=True).way == "pager"
    alarm = alarm_of(Telling.objects.get(over=True))
    assert alarm.text.splitlines()[:2] == [
        "[over] channel imap cannot be read",
        "over since 2026-03-02 23:15 UTC, lasted 1 h 15 min",
    ]
    assert alarm.key != alarm_of(telling).key


def test_who_was_being_told_when_it_was_over_hears_so_only_if_it_arrived(ring: Phone) -> None:
    way("phone", url=ring.url)
    telling = opened()
    Telling.objects.update(attempts=1, lease_until=NOW + timedelta(minutes=2))
    keep([], NOW + timedelta(minutes=1))
    later = NOW + timedelta(hours=1)
    tell_alerts(later)
    assert (ring.calls, Telling.objects.get(over=True).state) == ([], "dropped")
    telling.refresh_from_db()
    assert telling.state == "dropped"


def test_what_was_acknowledged_before_it_was_sent_is_not_sent(ring: Phone) -> None:
    way("phone", url=ring.url)
    acknowledge(opened().alert, "ben", NOW)
    assert tell_alerts(NOW) == 0
    assert ring.calls == []
