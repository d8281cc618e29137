"""Hard times: database away, disk full, slow and endless clients, a crowd of idle ones. All is real but the size.

The doors and the web interface run as in production, on a PostgreSQL of their own that the tests stop and start. They
are never restarted: they recover by themselves.
"""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from typing import Any

import psycopg
import pytest

from abusedesk.channels.delivery import BEAT_S
from abusedesk.records import embedded
from tests.acceptance.mail_door import MailDoor, begin, most_memory_mb
from tests.channels.test_lmtp import connects, eventually, free_port
from tests.cli.test_main import abusedesk, clean_environment
from tests.conftest import copied
from tests.desk.estate import complaint
from tests.web.api.samples import xarf4

ABUSE = "abuse@jim.example.org"
CUSTOMER = "customer@example.com"
ENDLESS_MB = int(os.environ.get("TEST_ENDLESS_MB", "200"))
AWAY_S = float(os.environ.get("TEST_AWAY_S", "3"))
SIZE_MB = 10


class House:
    """A database that can be away or full, with one brand and the key of one reporter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = embedded.start(folder, volatile=True)
        self.settings = {"ABUSEDESK_DATA": str(folder), "ABUSEDESK_DATABASE_URL": self.database.dsn}
        self._command("brand", "add", "jim", "--name", "Jim", "--pack", "jimcloud", "--sender", ABUSE)
        self.key = self._command("key", "new", "Watch", "--reporter", "watch@isp.example.net")

    def _command(self, *arguments: str) -> str:
        done = abusedesk(*arguments, **self.settings)
        assert done.returncode == 0, done.stderr
        return next((word for word in done.stdout.split() if word.startswith("abusedesk_")), "")

    def ask(self, question: str) -> Any:
        """The one value that answers a query."""
        with psycopg.connect(self.database.dsn) as connection:
            row = connection.execute(question).fetchone()
        assert row
        return row[0]

    def messages(self) -> int:
        return int(self.ask("SELECT count(*) FROM records_message"))

    def watermark(self) -> datetime:
        found = self.ask("SELECT watermark FROM records_channel WHERE name = 'lmtp'")
        assert isinstance(found, datetime)
        return found

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Without its server."""
        self.database.stop()
        try:
            yield
        finally:
            self.database = embedded.start(self.folder, volatile=True)

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """With no room for the next page of what messages hold: the kernel says so (full(4))."""
        toast = Path(self.database.place.cluster) / self.ask(
            "SELECT pg_relation_filepath(reltoastrelid) FROM pg_class"
            f" WHERE relname = 'records_message_standard_{datetime.now(UTC):%Y_%m}'"
        )
        with self.away():
            moved = [(one, one.with_name(f"moved-{one.name}")) for one in toast.parent.glob(f"{toast.name}*")]
            for one, other in moved:
                one.rename(other)
            toast.symlink_to("/dev/full")
        try:
            yield
        finally:
            with self.away():
                for one in toast.parent.glob(f"{toast.name}*"):
                    one.unlink()
                for one, other in moved:
                    other.rename(one)


@pytest.fixture(scope="module")
def house(migrated: Path) -> Iterator[House]:
    with copied(migrated) as folder:
        one = House(folder)
        yield one
        one.database.stop()


@pytest.fixture(scope="module")
def door(house: House) -> Iterator[MailDoor]:
    one = MailDoor(house.folder, house.database.dsn, ABUSEDESK_MAIL_SIZE_MB=str(SIZE_MB))
    yield one
    assert one.process.poll() is None, "it did not stay up"
    one.end()


class Web:
    """The console, the public pages and the API, as they run in production."""

    def __init__(self, house: House) -> None:
        self.port, self.key = free_port(), house.key
        settings = house.settings | {"ABUSEDESK_PORT": str(self.port)}
        command = [sys.executable, "-m", "abusedesk.cli", "web"]
        self.process = subprocess.Popen(command, env=clean_environment() | settings)
        eventually(lambda: connects(self.port))

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    def report(self, key: str, **more: Any) -> tuple[int, Message, dict[str, Any]]:
        """Sends a report: status, headers and body of what comes back."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        return self._call("POST", "/api/v1/reports", json.dumps(xarf4(**more)), headers)

    def page(self, path: str) -> tuple[int, str]:
        """Status of a page, and when to come back."""
        status, headers, _ = self._call("GET", path)
        return status, str(headers.get("Retry-After", ""))

    def _call(self, method: str, path: str, body: str = "", headers: Any = None) -> tuple[int, Message, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            data = answer.read()
        is_json = "json" in (answer.headers.get_content_type())
        return answer.status, answer.headers, json.loads(data) if is_json else data

    def connection(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 30)

    def memory_mb(self) -> float:
        """The most memory that any of its processes ever had."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return max(most_memory_mb(int(pid)) for pid in [str(self.process.pid), *children])


@pytest.fixture(scope="module")
def web(house: House) -> Iterator[Web]:
    one = Web(house)
    yield one
    assert one.process.poll() is None, "it did not stay up"
    one.end()


# --- database away --------------------------------------------------------------------------------------------------


def test_while_the_database_is_away_mail_is_left_to_the_mail_server(house: House, door: MailDoor) -> None:
    assert door.deliver(complaint(note="before"), ABUSE) == 250
    before = house.messages()
    with house.away():
        assert door.deliver(complaint(note="meanwhile"), ABUSE) == 451
        time.sleep(AWAY_S)
        assert door.deliver(complaint(note="meanwhile"), ABUSE) == 451
    assert door.deliver(complaint(note="meanwhile"), ABUSE) == 250
    assert door.deliver(complaint(note="meanwhile"), ABUSE) == 250
    assert house.messages() == before + 1


def test_a_message_that_was_begun_is_refused_at_its_end_and_the_connection_goes_on(
    house: House, door: MailDoor
) -> None:
    with door.client() as client:
        begin(client, ABUSE)
        with house.away():
            client.send(complaint(note="begun") + b".\r\n")
            assert client.getreply()[0] == 451
        begin(client, ABUSE)
        client.send(complaint(note="begun") + b".\r\n")
        assert client.getreply()[0] == 250


def test_deadlines_wait_until_the_mail_that_was_refused_has_come(house: House, door: MailDoor) -> None:
    with house.away():
        refused_at = datetime.now(UTC)
        assert door.deliver(complaint(note="answer"), ABUSE, CUSTOMER) == 451
    assert door.deliver(complaint(note="another"), ABUSE) == 250
    time.sleep(BEAT_S + 2)
    assert house.watermark() < refused_at

    assert door.deliver(complaint(note="answer"), ABUSE, CUSTOMER) == 250
    eventually(lambda: house.watermark() > refused_at)


def test_the_api_refuses_while_the_database_is_away_and_takes_it_afterwards(house: House, web: Web) -> None:
    assert web.report(house.key)[0] == 202
    before = house.messages()
    with house.away():
        status, headers, body = web.report(house.key, description="away")
        assert (status, headers["Retry-After"], body["code"]) == (503, "30", "unavailable")
        assert web.page("/report/jim") == (503, "30")
    status, _, body = web.report(house.key, description="away")
    assert (status, body["repeated"]) == (202, False)
    assert house.messages() == before + 1
    assert web.page("/report/jim")[0] in {200, 404}


# --- disk full ------------------------------------------------------------------------------------------------------


def test_while_the_disk_is_full_mail_and_reports_are_left_to_their_senders(
    house: House, door: MailDoor, web: Web
) -> None:
    large = complaint(note="large") + os.urandom(60_000).hex().encode() + b"\r\n"
    before = house.messages()
    with house.full():
        assert door.deliver(large, ABUSE) == 452
        assert web.report(house.key, description="x" * 100_000)[0] == 503
    assert house.messages() == before
    assert door.deliver(large, ABUSE) == 250
    assert web.report(house.key, description="x" * 100_000)[0] == 202
    assert house.messages() == before + 2


# --- clients --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [b"x" * 998 + b"\r\n", b"x" * 1000], ids=["lines", "one line without an end"])
def test_a_client_that_sends_without_end_costs_no_memory_and_keeps_nobody_out(door: MailDoor, line: bytes) -> None:
    assert door.deliver(complaint(note=f"warm {line[-2:]!r}"), ABUSE) == 250
    before = door.memory_mb()
    with door.client() as client:
        begin(client, ABUSE)
        for sent_mb in range(ENDLESS_MB):
            client.send(line * 1000)
            if sent_mb == ENDLESS_MB // 2:
                assert door.deliver(complaint(note=f"meanwhile {line[-2:]!r}"), ABUSE) == 250
        client.send(b"\r\n.\r\n")
        assert client.getreply() == (552, b"5.3.4 the message is larger than the size that was announced")
        assert client.noop()[0] == 250
    assert door.memory_mb() - before < 3 * SIZE_MB


def test_a_thousand_idle_connections_keep_nobody_out_and_cost_little(door: MailDoor) -> None:
    before = door.memory_mb()
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(door.connection()) for _ in range(1000)]
        for one in idle[::2]:
            one.sendall(b"x" * 100_000)  # A command that never ends.
        began = time.monotonic()
        assert door.deliver(complaint(note="beside the idle"), ABUSE) == 250
        assert time.monotonic() - began < 5
    assert door.memory_mb() - before < 150


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(web: Web) -> None:
    with web.connection() as client:
        client.sendall(
            b"POST /api/v1/reports HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer " + web.key.encode() + b"\r\nContent-Length: 10000000000\r\n\r\n["
        )
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_body_without_an_end_costs_no_memory(house: House, web: Web) -> None:
    before = web.memory_mb()
    with web.connection() as client, contextlib.suppress(ConnectionError, TimeoutError):
        client.sendall(
            b"POST /api/v1/reports HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer " + house.key.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(ENDLESS_MB):
            client.sendall(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
    assert web.memory_mb() - before < 60
    assert web.report(house.key)[0] == 202
