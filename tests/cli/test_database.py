"""`database dump` and `restore`, as an operator runs them."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from abusedesk.records import embedded
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


def test_the_commands_of_the_guide_do_what_it_says(data: Path, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/restore-a-backup.md").read_text(encoding="utf-8")
    trial, serious = _SHELL.findall(page)
    release = "abusedesk hold SLUG --release"
    assert f"`{release}`" in page
    (tmp_path / "backup").mkdir()
    held = "held until somebody releases them: b; what happened since the backup is not known here"
    with embedded.running(data) as server:
        _sql(data, f"delete from records_brand; delete from records_heartbeat; {_BRAND}")
        assert _followed(trial, tmp_path, data, server.dsn).splitlines()[1:] == [
            held,
            f"restored {tmp_path}/backup/desk.dump; run `abusedesk migrate` if it was dumped by an older release",
            "the tables are up to date",
        ]
        assert "restore" not in _sql(data, "select held_by from records_brand;")
        assert not (tmp_path / "try").exists()
        _sql(data, "update records_brand set name = 'since the backup';")
        assert held in _followed(serious, tmp_path, data, server.dsn)
        assert "restore B" in _sql(data, "select held_by || ' ' || name from records_brand;")
        assert _followed(release, tmp_path, data, server.dsn).startswith("b goes on: ")


_SHELL = re.compile(r"^ *```sh\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def _followed(block: str, folder: Path, data: Path, dsn: str) -> str:
    """What commands of a guide print, typed where the service has a database of its own."""
    text = block.replace("/backup", f"{folder}/backup").replace("/tmp/try", f"{folder}/try").replace("SLUG", "b")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    service = {
        "ABUSEDESK_DATA": str(data),
        "ABUSEDESK_DATABASE_URL": dsn,
        "DJANGO_SETTINGS_MODULE": "abusedesk.settings",
    }
    command = ["bash", "-euc", textwrap.dedent(text)]
    told = subprocess.run(
        command, env={**os.environ, **service, "PATH": programs}, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
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
