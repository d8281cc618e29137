"""The API as it is served: real processes, a real connection, and what clients do to it that a test client cannot."""

import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_main import abusedesk
from tests.cli.test_serve import Served, data, eventually, template  # noqa: F401 - fixtures
from tests.web.api.samples import xarf4


@pytest.fixture(scope="module")
def secret(template: Path) -> str:  # noqa: F811 - the fixture
    made = abusedesk("key", "new", "watch", "--reporter", "watch@example.net", "--per-minute", "1000000",
                     ABUSEDESK_DATA=str(template))  # fmt: skip
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@pytest.fixture
def served(secret: str, data: Path) -> Iterator[Served]:  # noqa: F811 - the fixture
    running = Served(data)
    yield running.wait_until_up()
    running.end()


def call(served: Served, secret: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """One call on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    given = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json", **headers}
    try:
        connection.request("POST" if body is not None else "GET", path, body, given)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def begun(served: Served, secret: str, length: int) -> socket.socket:
    """A call whose body does not come."""
    one = socket.create_connection(("127.0.0.1", served.port), timeout=60)
    head = f"POST /api/v1/reports HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n"
    one.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{{".encode())
    return one


def test_ten_gigabytes_are_refused_before_they_come(served: Served, secret: str) -> None:
    with begun(served, secret, 10 * 1024**3) as connection:
        assert connection.recv(20).startswith(b"HTTP/1.1 413")


def test_clients_that_send_nothing_leave_the_console_alive(served: Served, secret: str) -> None:
    waiting = [begun(served, secret, 1_000) for _ in range(12)]
    try:
        time.sleep(0.5)
        assert served.status() == 200
    finally:
        for one in waiting:
            one.close()
    eventually(lambda: call(served, secret, "/api/v1/reports", json.dumps(xarf4()))[0] == 202)


def test_a_chunked_body_is_refused_in_words(served: Served, secret: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    given = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/reports", iter([b"{}"]), given, encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["code"]) == (411, "length_required")
    connection.close()


def test_what_was_acknowledged_is_there_once_however_often_the_server_is_killed(served: Served, secret: str) -> None:
    bodies = [json.dumps(xarf4("192.0.2.1", report_id=f"r-{number}")) for number in range(60)]
    ids = []
    for number, body in enumerate(bodies):
        if number in {15, 30, 45}:
            os.kill(served.children()["web"], signal.SIGKILL)
        ids.append(_until_acknowledged(served, secret, f"call-{number}", body))
    assert len(set(ids)) == 60
    again = call(served, secret, "/api/v1/reports", f"[{','.join(bodies)}]")[1]["reports"]
    assert [(one["id"], one["repeated"]) for one in again] == [(one, True) for one in ids]
    assert {call(served, secret, f"/api/v1/reports/{one}")[0] for one in ids} == {200}


def _until_acknowledged(served: Served, secret: str, name: str, body: str) -> str:
    """What a program does: the same call under the same name until it is answered."""
    found: list[str] = []

    def tried() -> bool:
        try:
            status, answer = call(served, secret, "/api/v1/reports", body, **{"Idempotency-Key": name})
        except (OSError, http.client.HTTPException):
            return False
        if status == 202:
            found.append(answer["id"])
        return status == 202

    eventually(tried)
    return found[0]
