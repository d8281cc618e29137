"""The embedded server, with real processes."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from abusedesk.problem import Problem
from abusedesk.records import backup, cluster, embedded, place
from abusedesk.records.embedded import DatabaseProblem
from abusedesk.records.lock import Held

OWNER = """
import sys, time
from pathlib import Path
from abusedesk.records import embedded
server = embedded.start(Path(sys.argv[1]), volatile=True)
print(server.keeper.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A data folder with a fresh cluster, made once: copying it is faster than `initdb`."""
    folder = _open_folder()
    with embedded.running(folder, volatile=True):
        pass
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def data(template: Path) -> Iterator[Path]:
    folder = _open_folder()
    subprocess.run(["cp", "-a", template / "postgres", folder], check=True)
    yield folder
    shutil.rmtree(folder)


def _open_folder() -> Path:
    # pytest's own temporary folders are closed to the unprivileged user that the server runs under as root.
    return Path(tempfile.mkdtemp(prefix="abusedesk-test-"))


@pytest.fixture
def owner(data: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that owns the server of `data`."""
    process = subprocess.Popen([sys.executable, "-c", OWNER, data], stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()
    _eventually(lambda: not _postgres_in(data))


def _postgres_in(data: Path) -> list[int]:
    """Pids of all processes that work in the cluster of `data`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                inside = (entry / "cwd").readlink() == data / "postgres" / "cluster"
            except OSError:
                continue
            found += [int(entry.name)] if inside else []
    return found


def _eventually(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def _guardian_of(owner: "subprocess.Popen[str]") -> int:
    assert owner.stdout is not None
    return int(owner.stdout.readline())


def test_a_query_is_answered_and_nothing_is_left(data: Path) -> None:
    with embedded.running(data, volatile=True) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("select current_database()").fetchone() == ("abusedesk",)
        assert connection.execute("show listen_addresses").fetchone() == ("",)
    assert not _postgres_in(data)


def test_the_application_is_no_superuser(data: Path) -> None:
    with embedded.running(data, volatile=True) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("show is_superuser").fetchone() == ("off",)


def test_without_volatile_commits_are_durable(data: Path) -> None:
    with embedded.running(data) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("show fsync").fetchone() == ("on",)
        assert connection.execute("show synchronous_commit").fetchone() == ("on",)


def test_nobody_else_may_open_the_sockets(data: Path) -> None:
    with embedded.running(data, volatile=True) as server:
        assert server.place.sockets.stat().st_mode & 0o077 == 0
        assert server.place.cluster.stat().st_mode & 0o077 == 0


def test_a_second_owner_is_told_who_the_first_is(data: Path, owner: "subprocess.Popen[str]") -> None:
    _guardian_of(owner)
    with pytest.raises(Held) as refusal:
        embedded.start(data)
    assert refusal.value.pid == owner.pid


def test_others_attach_and_leave_it_running(data: Path, owner: "subprocess.Popen[str]") -> None:
    _guardian_of(owner)
    with embedded.running(data) as server:
        assert not server.owned
    with psycopg.connect(embedded.dsn(data)) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_attaching_waits_for_a_server_that_is_starting(data: Path, owner: "subprocess.Popen[str]") -> None:
    _eventually(lambda: embedded.is_held(embedded.locate(data).lock))
    server = embedded.attach(data)
    assert server.alive()
    server.stop()


def test_a_patient_owner_waits_for_those_who_attached(data: Path) -> None:
    told: list[str] = []
    owner = threading.Thread(target=_own_for_a_moment, args=(data, told))
    owner.start()
    _eventually(lambda: embedded.is_held(embedded.locate(data).lock))
    guest = embedded.attach(data)
    _eventually(lambda: bool(told))
    assert guest.alive()
    guest.stop()
    owner.join(30)
    assert told == ["another command still uses the database; waiting for it"]
    assert not _postgres_in(data)


def _own_for_a_moment(data: Path, told: list[str]) -> None:
    with embedded.running(data, volatile=True, tell=told.append) as server:
        _eventually(lambda: embedded.is_shared(server.place.users))


def test_an_owner_that_fails_still_waits_for_those_who_attached(data: Path) -> None:
    told: list[str] = []

    def fail() -> None:
        with contextlib.suppress(ValueError), embedded.running(data, volatile=True, tell=told.append) as server:
            _eventually(lambda: embedded.is_shared(server.place.users))
            raise ValueError

    owner = threading.Thread(target=fail)
    owner.start()
    _eventually(lambda: embedded.is_held(embedded.locate(data).lock))
    guest = embedded.attach(data)
    _eventually(lambda: bool(told))
    assert guest.alive()
    guest.stop()
    owner.join(30)
    assert not _postgres_in(data)


def test_a_patient_owner_without_guests_ends_at_once(data: Path) -> None:
    told: list[str] = []
    with embedded.running(data, volatile=True, tell=told.append):
        pass
    assert told == []


def test_attaching_to_nothing_says_what_to_do(data: Path) -> None:
    with pytest.raises(DatabaseProblem, match="no database server runs here; start `abusedesk serve`"):
        embedded.attach(data)


def test_the_server_ends_when_its_owner_is_killed(data: Path, owner: "subprocess.Popen[str]") -> None:
    _guardian_of(owner)
    owner.kill()
    _eventually(lambda: not _postgres_in(data))


def test_the_server_ends_when_its_guardian_is_killed(data: Path, owner: "subprocess.Popen[str]") -> None:
    os.kill(_guardian_of(owner), signal.SIGKILL)
    _eventually(lambda: not _postgres_in(data))


def test_the_server_ends_when_owner_and_guardian_are_killed(data: Path, owner: "subprocess.Popen[str]") -> None:
    guardian = _guardian_of(owner)
    owner.kill()
    os.kill(guardian, signal.SIGKILL)
    _eventually(lambda: not _postgres_in(data))


def test_what_was_committed_survives_the_death_of_the_owner(data: Path, owner: "subprocess.Popen[str]") -> None:
    _guardian_of(owner)
    with psycopg.connect(embedded.dsn(data)) as connection:
        connection.execute("create table kept (what text)")
        connection.execute("insert into kept values ('this')")
    owner.kill()
    owner.wait()
    with embedded.running(data, volatile=True) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("select what from kept").fetchone() == ("this",)


def test_a_killed_server_is_noticed_and_recovers(data: Path) -> None:
    server = embedded.start(data)
    os.kill(int((server.place.cluster / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    _eventually(lambda: not server.alive())
    server.stop()
    with embedded.running(data) as again, psycopg.connect(again.dsn) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_an_orphaned_server_is_ended_by_the_next_owner(data: Path) -> None:
    where = embedded.locate(data)
    data.chmod(0o711)
    program = cluster.reachable_binaries(where) / "postgres"
    orphan = subprocess.Popen(
        [program, "-D", where.cluster, "-k", where.sockets, "-c", "listen_addresses="],
        stderr=subprocess.DEVNULL,
        cwd="/",
        **where.account.options(),
    )
    _eventually(lambda: embedded.is_ready(where))
    with embedded.running(data, volatile=True) as server:
        assert orphan.wait(10) == 0
        assert int((server.place.cluster / "postmaster.pid").read_text().split()[0]) != orphan.pid


def test_a_cluster_of_another_version_is_refused_with_the_way_out(data: Path) -> None:
    (data / "postgres/cluster/PG_VERSION").write_text("13\n")
    with pytest.raises(DatabaseProblem, match=r"made by PostgreSQL 13, .* brings \d+; run `abusedesk database dump"):
        embedded.start(data)
    assert not embedded.is_held(embedded.locate(data).lock)


def test_a_server_that_cannot_start_says_why(data: Path) -> None:
    with (data / "postgres/cluster/postgresql.conf").open("a") as conf:
        conf.write("shared_buffers = 'plenty'\n")
    with pytest.raises(DatabaseProblem, match=r"does not start: .*shared_buffers|does not start: .*contains errors"):
        embedded.start(data)


def test_an_interrupted_creation_is_begun_again() -> None:
    folder = _open_folder()
    (folder / "postgres/cluster.draft").mkdir(parents=True)
    (folder / "postgres/cluster.draft/PG_VERSION").write_text("half")
    with embedded.running(folder, volatile=True) as server:
        assert server.alive()
    shutil.rmtree(folder)


def test_a_deep_data_folder_gets_a_short_socket_path(template: Path) -> None:
    folder = _open_folder()
    deep = folder / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True, mode=0o711)
    (folder / ("d" * 60)).chmod(0o711)
    folder.chmod(0o711)
    subprocess.run(["cp", "-a", template / "postgres", deep], check=True)
    with embedded.running(deep, volatile=True) as server, psycopg.connect(server.dsn) as connection:
        assert len(str(server.place.sockets)) <= place.LONGEST_SOCKET_FOLDER
        assert connection.execute("select 1").fetchone() == (1,)
    shutil.rmtree(server.place.sockets)
    shutil.rmtree(folder)


def test_a_folder_that_cannot_be_made_is_one_line() -> None:
    with pytest.raises(DatabaseProblem, match=r"writable for this user, or set ABUSEDESK_DATA") as refusal:
        embedded.start(Path("/proc/nowhere"))
    assert "\n" not in str(refusal.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server under another user")
def test_below_a_folder_for_root_only_the_database_lies_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    closed, state = _open_folder(), _open_folder()
    state.chmod(0o711)
    monkeypatch.setattr(place, "STATE_FOLDER", state)
    with embedded.running(closed / "var", volatile=True) as server, psycopg.connect(server.dsn) as connection:
        assert server.place.home.parent == state
        assert connection.execute("select 1").fetchone() == (1,)
    assert closed.stat().st_mode & 0o777 == 0o700
    assert embedded.locate(closed / "var").home == server.place.home
    shutil.rmtree(closed)
    shutil.rmtree(state)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server under another user")
def test_programs_that_the_servers_user_cannot_reach_are_copied(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = _open_folder()
    package = cluster.wheel_binaries().parent.parent
    for part in (package, package.with_name(f"{package.name}.libs")):
        subprocess.run(["cp", "-a", part, closed], check=True)
    monkeypatch.setattr(cluster, "wheel_binaries", lambda: closed / package.name / "pginstall" / "bin")
    with embedded.running(data, volatile=True) as server:
        assert server.alive()
        running = Path(f"/proc/{_postgres_in(data)[0]}/exe").readlink()
    assert running.is_relative_to(data / "postgres/binaries")
    shutil.rmtree(closed)


def test_dump_and_restore_bring_everything_back(data: Path, tmp_path: Path) -> None:
    with embedded.running(data, volatile=True) as server:
        with psycopg.connect(server.dsn) as connection:
            connection.execute("create table kept as select generate_series(1, 3) as number")
        backup.dump(server.dsn, tmp_path / "dump")
        with psycopg.connect(server.dsn) as connection:
            connection.execute("drop table kept")
            connection.execute("create table later ()")
        backup.restore(server.dsn, tmp_path / "dump")
        with psycopg.connect(server.dsn) as connection:
            assert connection.execute("select sum(number) from kept").fetchone() == (6,)
            assert connection.execute("select to_regclass('later')").fetchone() == (None,)
    assert (tmp_path / "dump").stat().st_mode & 0o077 == 0


def test_a_broken_dump_changes_nothing(data: Path, tmp_path: Path) -> None:
    (tmp_path / "dump").write_bytes(b"PGDMP but not really")
    with embedded.running(data, volatile=True) as server:
        with psycopg.connect(server.dsn) as connection:
            connection.execute("create table kept ()")
        with pytest.raises(Problem, match="pg_restore failed"):
            backup.restore(server.dsn, tmp_path / "dump")
        with psycopg.connect(server.dsn) as connection:
            assert connection.execute("select to_regclass('kept')").fetchone() == ("kept",)
