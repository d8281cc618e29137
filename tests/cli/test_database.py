"""`database dump` and `restore`, as an operator runs them."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_main import abusedesk
from tests.conftest import copied


@pytest.fixture(scope="module")
def data(migrated: Path) -> Iterator[Path]:
    with copied(migrated) as folder:
        yield folder


def test_migrating_twice_changes_nothing(data: Path) -> None:
    told = abusedesk("migrate", ABUSEDESK_DATA=str(data))
    assert (told.returncode, told.stdout) == (0, "the tables are up to date\n")


def test_a_dump_restored_elsewhere_is_the_same_database(data: Path, tmp_path: Path) -> None:
    dumped = abusedesk("database", "dump", str(tmp_path / "one"), ABUSEDESK_DATA=str(data))
    assert dumped.returncode == 0, dumped.stderr
    other = Path(tempfile.mkdtemp(prefix="abusedesk-test-"))
    restored = abusedesk("database", "restore", str(tmp_path / "one"), ABUSEDESK_DATA=str(other))
    assert restored.returncode == 0, restored.stderr
    migrated = abusedesk("migrate", ABUSEDESK_DATA=str(other))
    shutil.rmtree(other)
    assert migrated.stdout == "the tables are up to date\n"


def test_what_was_restored_starts_held_since_the_backup(data: Path, tmp_path: Path) -> None:
    _sql(data, _BRAND)
    dumped = abusedesk("database", "dump", str(tmp_path / "held"), ABUSEDESK_DATA=str(data))
    assert dumped.returncode == 0, dumped.stderr
    other = Path(tempfile.mkdtemp(prefix="abusedesk-test-"))
    restored = abusedesk("database", "restore", str(tmp_path / "held"), ABUSEDESK_DATA=str(other))
    told = _sql(
        other, "select held_by || ' ' || (held_since = '2026-01-01T00:00Z') from records_brand where slug = 'b';"
    )
    shutil.rmtree(other)
    assert "held until somebody releases them: b; what happened since the backup is not known here" in restored.stdout
    assert "restore true" in told
    assert "restore" not in _sql(data, "select held_by from records_brand where slug = 'b';")


_BRAND = """
insert into records_brand (slug, name, pack, sender, languages, settings, actuators, dry_run, held_by, held_reason,
    staff_told) values ('b', 'B', 'jimcloud', 'abuse@b.example.net', '["en"]', '{}', '{}', false, '', '', false);
insert into records_heartbeat (name, at) values ('watch', '2026-01-01T00:00Z');
"""


def _sql(data: Path, text: str) -> str:
    environment = {**os.environ, "ABUSEDESK_DATA": str(data)}
    command = [sys.executable, "-m", "abusedesk.cli", "database", "shell"]
    told = subprocess.run(command, input=text, env=environment, capture_output=True, text=True, check=False)
    assert "ERROR" not in told.stderr, told.stderr
    return told.stdout


def test_a_database_that_holds_something_is_not_replaced_by_accident(data: Path, tmp_path: Path) -> None:
    told = abusedesk("database", "restore", str(tmp_path / "any"), ABUSEDESK_DATA=str(data))
    assert told.returncode == 2
    assert told.stderr == (
        "abusedesk: the database is not empty; stop `serve` and add --replace to give up what it holds\n"
    )


def test_a_dump_that_is_not_there(data: Path, tmp_path: Path) -> None:
    told = abusedesk("database", "restore", "--replace", str(tmp_path / "none"), ABUSEDESK_DATA=str(data))
    assert told.returncode == 2
    assert "there is no such file" in told.stderr


def test_a_folder_that_cannot_be_written(data: Path) -> None:
    told = abusedesk("database", "dump", "/proc/dump", ABUSEDESK_DATA=str(data))
    assert told.returncode == 2
    assert told.stderr.startswith("abusedesk: /proc/dump: cannot be written")
    assert told.stderr.count("\n") == 1


def test_the_shell_reaches_the_database(data: Path) -> None:
    environment = {**os.environ, "ABUSEDESK_DATA": str(data)}
    told = subprocess.run(
        [sys.executable, "-m", "abusedesk.cli", "database", "shell"],
        input="select 6 * 7 as answer;\n", env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "42" in told.stdout, told.stderr
