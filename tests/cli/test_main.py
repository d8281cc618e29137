"""The command line: help that teaches, one line for a mistake, and nothing loaded that is not needed."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from abusedesk.cli import main as command_line
from abusedesk.cli.main import COMMANDS, main
from abusedesk.problem import Problem

PAGE = Path(__file__).parent.parent.parent / "docs/reference/commands.md"


def clean_environment() -> dict[str, str]:
    """The environment without what the tests themselves have set in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("ABUSEDESK_", "DJANGO_"))}


def abusedesk(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as a user would, with these settings alone."""
    command = [sys.executable, "-m", "abusedesk.cli", *arguments]
    return subprocess.run(
        command, env=clean_environment() | environment, capture_output=True, text=True, check=False, timeout=180
    )


def test_help_names_every_command_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    for command in COMMANDS:
        assert f"  {command.name:<10} {command.summary}" in lines
    assert all(len(line) <= 100 for line in lines)


def test_an_unknown_command_gets_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingst"]) == 2
    assert capsys.readouterr().err == "abusedesk: there is no command 'ingst'; did you mean ingest?\n"


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"abusedesk \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_explains_itself(command: command_line.Command) -> None:
    told = abusedesk(command.name, "--help")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("usage: abusedesk " + command.name)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_is_documented(command: command_line.Command) -> None:
    assert f"`abusedesk {command.name}" in PAGE.read_text()


def test_a_problem_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(arguments: list[str]) -> int:
        raise Problem("the disk is full; make room")

    monkeypatch.setattr(command_line, "_load", lambda command: run)
    assert main(["check"]) == 2
    assert capsys.readouterr().err == "abusedesk: the disk is full; make room\n"


def test_a_file_of_another_user_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(arguments: list[str]) -> int:
        raise PermissionError(13, "Permission denied", "/srv/desk/secret_key")

    monkeypatch.setattr(command_line, "_load", lambda command: run)
    assert main(["check"]) == 2
    assert capsys.readouterr().err == (
        "abusedesk: /srv/desk/secret_key: this user may not do that (Permission denied); run as its owner\n"
    )


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(arguments: list[str]) -> int:
        raise KeyError("a bug")

    monkeypatch.setattr(command_line, "_load", lambda command: run)
    with pytest.raises(KeyError):
        main(["check"])


@pytest.mark.parametrize(
    "environment",
    [
        {"ABUSEDESK_DATABASE_URL": "postgresql://desk@127.0.0.1:1/desk"},
        {"ABUSEDESK_DATABASE_URL": "postgresql://desk:wrong@no.such.host.invalid/desk"},
        {"ABUSEDESK_DATABASE_URL": "oracle://desk"},
        {"ABUSEDESK_DATA": "/proc/nowhere"},
        {"ABUSEDESK_DATA": "/dev/null"},
        {"ABUSEDESK_PORT": "eighty"},
    ],
    ids=lambda environment: next(iter(environment.values())),
)
def test_what_a_user_can_get_wrong_is_one_line(environment: dict[str, str], tmp_path: Path) -> None:
    told = abusedesk("migrate", **{"ABUSEDESK_DATA": str(tmp_path), **environment})
    assert told.returncode == 2
    assert told.stderr.startswith("abusedesk: ")
    assert told.stderr.count("\n") == 1, told.stderr
    assert told.stdout == ""


@pytest.mark.parametrize("module", ["parse", "simulate"])
def test_pure_commands_load_no_django(module: str) -> None:
    script = f"import sys, abusedesk.cli.main, abusedesk.cli.{module}; print([m for m in sys.modules if 'django' in m])"
    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "[]\n"


@pytest.mark.parametrize("command", ["parse", "simulate"])
def test_pure_commands_start_fast(command: str) -> None:
    def seconds() -> float:
        began = time.perf_counter()
        assert abusedesk(command, "--help").returncode == 0
        return time.perf_counter() - began

    # The best of a few: this machine may be busy with other things.
    assert min(seconds() for _ in range(5)) < 0.3
