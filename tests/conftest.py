"""What all tests share: one embedded PostgreSQL for the session, and a data folder with all tables to be copied."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from abusedesk.records import embedded

_MIGRATED, _SHARED = "TESTS_MIGRATED_FOLDER", "TESTS_DATABASE_FOLDER"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*tools): skipped with a reason where a program is missing; fails in CI")
    if _is_controller_of_workers(config):
        # The workers share one server, which must outlive each of them.
        stack = contextlib.ExitStack()
        config.add_cleanup(stack.close)
        made = stack.enter_context(_migrated())
        os.environ[_MIGRATED] = str(made)
        os.environ[_SHARED] = str(stack.enter_context(_server(made)))


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: most of a run is waiting for processes, ports and browsers."""
    return (os.cpu_count() or 1) + 1


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for tool in mark.args:
            needs(tool)


def needs(tool: str) -> str:
    """Path of a program, or the test is skipped because it is missing. In CI a missing program is a failure."""
    found = shutil.which(tool)
    if found:
        return found
    reason = f"the program {tool} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI must run every test", pytrace=False)
    pytest.skip(reason)


def _is_controller_of_workers(config: pytest.Config) -> bool:
    return not hasattr(config, "workerinput") and bool(getattr(config.option, "numprocesses", None))


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="abusedesk-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(embedded.locate(folder).home, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def copied(data: Path) -> Iterator[Path]:
    """A copy of a data folder whose server does not run, for as long as the block lasts."""
    with _folder() as folder:
        subprocess.run(["cp", "-a", f"{data}/.", folder], check=True)
        yield folder


@contextlib.contextmanager
def _migrated() -> Iterator[Path]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ABUSEDESK_", "DJANGO_"))}
    with _folder() as folder:
        with embedded.running(folder, volatile=True):
            command = [sys.executable, "-m", "abusedesk.cli", "migrate"]
            subprocess.run(command, env=kept | {"ABUSEDESK_DATA": str(folder)}, check=True, capture_output=True)
        yield folder


@contextlib.contextmanager
def _server(data: Path) -> Iterator[Path]:
    with copied(data) as folder, embedded.running(folder, volatile=True):
        yield folder


@pytest.fixture(scope="session")
def migrated() -> Iterator[Path]:
    """A data folder whose tables are made. Making them takes longer than most test files, copying it a second."""
    with contextlib.ExitStack() as stack:
        shared = os.environ.get(_MIGRATED)
        yield Path(shared) if shared else stack.enter_context(_migrated())


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest) -> Iterator[embedded.Server]:
    """The session's PostgreSQL. Tests that want Django's models use the `db` fixture of pytest-django instead."""
    with contextlib.ExitStack() as stack:
        shared = os.environ.get(_SHARED)
        folder = Path(shared) if shared else stack.enter_context(_server(request.getfixturevalue("migrated")))
        server = embedded.attach(folder)
        yield server
        server.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, database_server: embedded.Server
) -> None:
    """Point Django at the session's server, where each worker has a copy of the database whose tables are made."""
    from django.db import connections

    place = database_server.place
    connections["default"].settings_dict.update(HOST=str(place.sockets), PORT=str(embedded.PORT))
    name = connections["default"].creation._get_test_db_name()
    server = f"postgresql://{embedded.DATABASE}@/{{}}?host={place.sockets}&port={embedded.PORT}"
    with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {embedded.DATABASE}")
    with psycopg.connect(server.format(name)) as connection:
        # The reporters that come with the product, and what release made the tables; a test that wants them says so.
        connection.execute("TRUNCATE records_reporter, records_installed CASCADE")


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The test database is there before Django looks for it."""
    return True


@pytest.fixture
def database_url(db: Any, database_server: embedded.Server) -> str:
    """The test database as ABUSEDESK_DATABASE_URL, for tests that start processes (with `transactional_db`)."""
    from django.db import connection

    place = database_server.place
    return f"postgresql://{embedded.DATABASE}@/{connection.settings_dict['NAME']}?host={place.sockets}&port={embedded.PORT}"


@pytest.fixture(autouse=True, scope="session")
def _nothing_stays() -> Iterator[None]:
    """What a test committed goes with it, in the partitioned tables too, which Django's own flush leaves.

    That flush empties every table and makes all permissions anew, which takes longer than most tests.
    """
    from django.test import TransactionTestCase

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: _empty_tables())
        yield


def _empty_tables() -> None:
    from django.apps import apps
    from django.contrib.auth.models import Permission
    from django.contrib.contenttypes.models import ContentType
    from django.db import connection

    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    tables -= {ContentType._meta.db_table, Permission._meta.db_table}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{one}' WHERE EXISTS (SELECT FROM {one})" for one in sorted(tables)))
        if full := [row[0] for row in cursor.fetchall()]:
            cursor.execute(f"TRUNCATE {', '.join(full)} CASCADE")
