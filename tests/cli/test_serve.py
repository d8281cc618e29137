"""`serve` with real processes: what it starts, how it ends, and that nothing of it is ever left."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from abusedesk.cli.serve import STARTING_S
from abusedesk.records import embedded
from tests.cli.test_main import abusedesk, clean_environment
from tests.conftest import copied

PARTS = {"web", "worker", "fetch", "watch"}


class Served:
    """A running `abusedesk serve` in a process group of its own."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data, self.port = data, _free_port()
        self.environment = {"ABUSEDESK_DATA": str(data), "ABUSEDESK_PORT": str(self.port), **settings}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "abusedesk.cli", "serve"],
            env=clean_environment() | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines.extend(output)

    def says(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def wait_until_up(self) -> "Served":
        eventually(lambda: self.says("serving http://") or self.process.poll() is not None)
        assert self.says("serving http://"), self.lines
        eventually(lambda: self.children().keys() >= PARTS)
        return self

    def status(self) -> int:
        """What the sign-in page answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", "/accounts/login/")
            return connection.getresponse().status
        finally:
            connection.close()

    def answers(self) -> bool:
        """Whether anybody answers at all."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.status() > 0
        return False

    def children(self) -> dict[str, int]:
        """The parts that run, by command."""
        return {command[3]: pid for pid, command in self._commands(f"{self.process.pid}") if len(command) > 3}

    def _commands(self, parent: str) -> Iterator[tuple[int, list[str]]]:
        for pid, fields in _processes():
            if fields[1] == parent and fields[0] != "Z":
                with contextlib.suppress(OSError):
                    yield pid, Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")

    def left(self) -> list[int]:
        """Everything of it that still runs: its process group, and whatever works in its cluster."""
        group = str(self.process.pid)
        cluster = embedded.locate(self.data).cluster
        return [pid for pid, fields in _processes() if fields[0] != "Z" and (fields[2] == group or _in(pid, cluster))]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(30)
        self.reader.join(30)


def _processes() -> Iterator[tuple[int, list[str]]]:
    """Pid, and state, parent and process group of every process (proc(5), `stat`)."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(entry.name), (entry / "stat").read_text().rpartition(")")[2].split()[:3]


def _in(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def eventually(holds: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def template(migrated: Path) -> Iterator[Path]:
    """A data folder that the tests of one file begin with."""
    with copied(migrated) as folder:
        yield folder


@pytest.fixture
def data(template: Path) -> Iterator[Path]:
    with copied(template) as folder:
        yield folder


@pytest.fixture
def served(data: Path) -> Iterator[Served]:
    running = Served(data)
    yield running.wait_until_up()
    running.end()


def test_it_serves_and_sigterm_ends_all_of_it(served: Served) -> None:
    assert served.status() == 200
    served.process.terminate()
    assert served.process.wait(30) == 0
    assert served.left() == []


def test_ctrl_c_ends_all_of_it(served: Served) -> None:
    os.killpg(served.process.pid, signal.SIGINT)
    assert served.process.wait(30) == 0
    eventually(lambda: served.left() == [])
    assert not served.says("Traceback"), "".join(served.lines)


def test_a_killed_serve_takes_everything_along(served: Served) -> None:
    served.process.kill()
    eventually(lambda: served.left() == [])


def test_after_a_kill_it_starts_again_at_once(served: Served) -> None:
    served.process.kill()
    served.process.wait()
    again = Served(served.data).wait_until_up()
    assert again.answers()
    again.end()
    assert again.left() == []


def test_a_second_serve_is_refused_and_names_the_first(served: Served) -> None:
    told = abusedesk("serve", ABUSEDESK_DATA=str(served.data), ABUSEDESK_PORT=str(_free_port()))
    assert told.returncode == 2
    assert f"is served already by pid {served.process.pid} (" in told.stderr
    assert told.stderr.count("\n") == 1
    assert served.answers()


def test_a_busy_port_is_one_line_and_nothing_is_started(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        told = abusedesk("serve", ABUSEDESK_DATA=str(data), ABUSEDESK_PORT=str(port))
    assert told.returncode == 2
    assert told.stderr == (
        f"abusedesk: 127.0.0.1 port {port} is in use by another program; "
        "stop that one, or set ABUSEDESK_PORT to a free port\n"
    )
    assert told.stdout == ""


def test_a_wrong_database_address_is_one_line(data: Path) -> None:
    settings = {"ABUSEDESK_DATA": str(data), "ABUSEDESK_PORT": str(_free_port())}
    told = abusedesk("serve", ABUSEDESK_DATABASE_URL="postgresql://desk@127.0.0.1:1/desk", **settings)
    assert told.returncode == 2
    assert told.stderr.startswith("abusedesk: ABUSEDESK_DATABASE_URL: the database does not answer: ")
    assert told.stderr.count("\n") == 1


@pytest.mark.parametrize("part", ["web", "worker", "watch"])
def test_a_killed_part_is_started_again(served: Served, part: str) -> None:
    before = served.children()[part]
    os.kill(before, signal.SIGKILL)
    eventually(lambda: served.children().get(part, before) != before)
    assert served.says("ended (signal SIGKILL); starting it again")
    eventually(served.answers)


def test_a_lost_database_is_started_again_and_the_parts_go_on(served: Served) -> None:
    place = embedded.locate(served.data)
    before = served.children()
    os.kill(int((place.cluster / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    eventually(lambda: served.says(f"the database ended by itself ({place.log} says why)"))
    eventually(lambda: served.says("the database is back"), 60)
    with psycopg.connect(place.dsn) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert served.answers()
    assert {part: served.children().get(part) for part in PARTS} == {part: before[part] for part in PARTS}


def test_other_commands_attach_to_its_database(served: Served, tmp_path: Path) -> None:
    dumped = abusedesk("database", "dump", str(tmp_path / "dump"), ABUSEDESK_DATA=str(served.data))
    assert dumped.returncode == 0, dumped.stderr
    assert served.answers()


def test_it_runs_on_a_database_of_the_operators_own(data: Path, database_server: embedded.Server) -> None:
    with psycopg.connect(database_server.dsn, autocommit=True) as connection:
        connection.execute("create database serve_test")
    url = database_server.dsn.replace("/abusedesk?", "/serve_test?")
    running = Served(data, ABUSEDESK_DATABASE_URL=url).wait_until_up()
    assert running.answers()
    running.end()
    assert running.left() == []
    with psycopg.connect(database_server.dsn, autocommit=True) as connection:
        connection.execute("drop database serve_test with (force)")


def test_a_lost_database_of_the_operators_own_is_waited_for(data: Path, database_server: embedded.Server) -> None:
    with psycopg.connect(database_server.dsn, autocommit=True) as connection:
        connection.execute("create database serve_lost")
        running = Served(data, ABUSEDESK_DATABASE_URL=database_server.dsn.replace("/abusedesk?", "/serve_lost?"))
        running.wait_until_up()
        # A part that fails sooner than this after its first start is taken for misconfigured, rightly.
        time.sleep(STARTING_S)
        before = running.children()
        connection.execute("alter database serve_lost allow_connections false")
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'serve_lost'")
        time.sleep(3)
        assert running.process.poll() is None, running.lines
        connection.execute("alter database serve_lost allow_connections true")
        eventually(lambda: running.children().keys() >= before.keys(), 60)
        eventually(running.answers)
        running.end()
        connection.execute("drop database serve_lost with (force)")


@pytest.mark.parametrize("part", ["web", "worker", "watch"])
def test_a_part_alone_without_a_database_says_what_to_start(data: Path, part: str) -> None:
    told = abusedesk(part, ABUSEDESK_DATA=str(data), ABUSEDESK_PORT=str(_free_port()))
    assert told.returncode == 2
    assert "no database server runs here; start `abusedesk serve`" in told.stderr
    assert told.stderr.count("\n") == 1


@pytest.mark.needs("make")
def test_a_killed_make_takes_everything_along(data: Path) -> None:
    environment = {"ABUSEDESK_DATA": str(data), "ABUSEDESK_PORT": str(_free_port())}
    command = ["make", "serve", f"BIN={Path(sys.executable).parent}", "--assume-old=.venv/.base"]
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[2], env=clean_environment() | environment, stdout=subprocess.PIPE, text=True
    ) as make:
        assert make.stdout is not None
        assert any("serving http://" in line for line in make.stdout)
        make.kill()
        # Its output ends when the last process that could write to it has ended.
        make.stdout.read()
    eventually(lambda: not [pid for pid, _ in _processes() if _in(pid, embedded.locate(data).cluster)])
