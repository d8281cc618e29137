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


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="abusedesk-test-"))
    made = abusedesk("migrate", ABUSEDESK_DATA=str(folder))
    assert made.returncode == 0, made.stderr
    yield folder
    shutil.rmtree(folder)


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
