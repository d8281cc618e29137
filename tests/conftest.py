"""What all tests share: one embedded PostgreSQL for the session, started when the first test asks for a database."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abusedesk.records import embedded

_SHARED = "TESTS_DATABASE_FOLDER"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*tools): skipped with a reason where a program is missing; fails in CI")
    if _is_controller_of_workers(config):
        # The workers share one server, which must outlive each of them.
        stack = contextlib.ExitStack()
        folder = stack.enter_context(_server())
        os.environ[_SHARED] = str(folder)
        config.add_cleanup(stack.close)


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
def _server() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="abusedesk-db-"))
    try:
        with embedded.running(folder, volatile=True):
            yield folder
    finally:
        shutil.rmtree(embedded.locate(folder).home, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database_server() -> Iterator[embedded.Server]:
    """The session's PostgreSQL. Tests that want Django's models use the `db` fixture of pytest-django instead."""
    with contextlib.ExitStack() as stack:
        shared = os.environ.get(_SHARED)
        folder = Path(shared) if shared else stack.enter_context(_server())
        server = embedded.attach(folder)
        yield server
        server.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, database_server: embedded.Server
) -> None:
    """Point Django at the session's server. pytest-django then makes a database in it, one for each worker."""
    from django.db import connections

    place = database_server.place
    connections["default"].settings_dict.update(HOST=str(place.sockets), PORT=str(embedded.PORT))


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
