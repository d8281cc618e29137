"""The webhook against a receiver that misbehaves."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from abusedesk.actuators.actuator import Order
from abusedesk.actuators.webhook import Webhook, read, signature
from abusedesk.problem import Problem
from tests.contract.receiver import SECRET, Receiver, receiving

ORDER = Order(brand="acme", service="vps-1", kind="suspend", key="1:m1:apply", fence=3)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


def webhook(receiver: Receiver, **options: Any) -> Webhook:
    return Webhook({"url": receiver.url, "secret": SECRET, "timeout": 1, **options})


def test_the_order_goes_out_whole_and_signed(receiver: Receiver) -> None:
    webhook(receiver).apply(replace(ORDER, standing=("suspend", "block_port/25"), addresses=("192.0.2.0/30",)))
    assert receiver.calls == [
        {
            "version": 1,
            "action": "apply",
            "brand": "acme",
            "service": "vps-1",
            "kind": "suspend",
            "key": "1:m1:apply",
            "fence": 3,
            "ip": None,
            "port": None,
            "standing": ["suspend", "block_port/25"],
            "addresses": ["192.0.2.0/30"],
        }
    ]
    assert receiver.headers["Idempotency-Key"] == "1:m1:apply"
    assert receiver.headers["Abusedesk-Fence"] == "3"


def test_the_documented_signature() -> None:
    assert signature(b"secret", "1767225600", b"{}") == (
        "v1=fa7eaa06bf97d7815f3f456e97cde70c9e50cb005f01660c8d10b10c21964887"
    )


def test_a_wrong_secret_is_refused_and_says_so(receiver: Receiver) -> None:
    outcome = webhook(receiver, secret="another secret of more than thirty-two characters").apply(ORDER)
    assert (outcome.state, outcome.error) == ("refused", "the receiver answered 401: wrong signature")
    assert not receiver.changes


def test_a_timeout_is_no_answer(receiver: Receiver) -> None:
    receiver.delay = 3
    assert webhook(receiver).apply(ORDER).state == "unreachable"


def test_an_answer_that_drips_is_cut(receiver: Receiver) -> None:
    receiver.drip = 0.2
    started = time.monotonic()
    assert webhook(receiver).apply(ORDER).state == "unreachable"
    assert time.monotonic() - started < 2


def test_nobody_listening_is_no_answer() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outcome = Webhook({"url": f"http://127.0.0.1:{port}/", "secret": SECRET}).apply(ORDER)
    assert outcome.state == "unreachable"
    assert "refused" in outcome.error


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [(307, b"")]
    assert webhook(receiver).apply(ORDER).state == "refused"
    assert len(receiver.calls) == 1


def test_proxies_of_the_environment_are_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert webhook(receiver).apply(ORDER).state == "in_force"


def test_a_target_that_is_gone_cannot_be_measured_and_needs_no_lifting(receiver: Receiver) -> None:
    receiver.gone = {"vps-1"}
    outside = webhook(receiver)
    assert [outside.apply(ORDER).state, outside.lift(ORDER).state] == ["refused", "not_in_force"]


@pytest.mark.parametrize(
    ("status", "answer", "state"),
    [
        (200, b'{"state": "in_force", "error": ""}', "in_force"),
        (202, b'{"state": "acknowledged"}', "acknowledged"),
        (200, b'{"state": "refused", "error": "not ours"}', "refused"),
        (200, b'{"state": "unreachable"}', "unreachable"),
        (200, b'{"state": "done"}', "unreachable"),
        (200, b'["in_force"]', "unreachable"),
        (200, b"\xff\xfe", "unreachable"),
        (200, b"", "unreachable"),
        (400, b"what?", "refused"),
        (409, b"", "refused"),
        (429, b"", "unreachable"),
        (500, b"", "unreachable"),
        (503, b"", "unreachable"),
    ],
)
def test_what_an_answer_means(status: int, answer: bytes, state: str) -> None:
    assert read("apply", status, answer).state == state


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "is no address"),
        ({"url": "ftp://panel.example.net"}, "is no address"),
        ({"url": "http://panel.example.net/"}, "use https"),
        ({"url": "https://u:p@panel.example.net/"}, "leave it out"),
        ({"url": "https://panel.example.net/", "secret": "short"}, "fewer than 32"),
        ({"url": "https://panel.example.net/", "secret_file": "/nowhere/at/all"}, "cannot be read"),
        ({"url": "https://panel.example.net/", "secret": SECRET, "timeout": 0}, "timeout"),
        ({"url": "https://panel.example.net/", "secret": SECRET, "colour": "red"}, "no option 'colour'"),
    ],
)
def test_a_wrong_option_is_one_clear_line(options: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem, match=says):
        Webhook(options)


def test_the_secret_can_lie_in_a_file(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    outside = Webhook({"url": receiver.url, "secret_file": str(tmp_path / "secret")})
    assert outside.apply(ORDER).state == "in_force"
