"""The command actuator with real programs: those that behave, and those that do not."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from abusedesk.actuators.actuator import Order
from abusedesk.actuators.command import Command
from abusedesk.problem import Problem

pytestmark = pytest.mark.django_db

ORDER = Order(brand="acme", service="vps-1", kind="suspend", key="1:m1:apply", fence=3)


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., Command]:
    folder = tmp_path / "programs"
    folder.mkdir()

    def made(program: str, *words: str, **options: Any) -> Command:
        (folder / "panel.py").write_text(program)
        return Command({"command": [sys.executable, str(folder / "panel.py"), *words], **options})

    return made


Made = Callable[..., Command]


def test_the_order_stands_in_the_arguments_and_whole_on_the_input(command: Made) -> None:
    program = (
        "import json, sys; print(json.dumps({'state': 'in_force', 'words': sys.argv[1:], **json.load(sys.stdin)}))"
    )
    receipt = command(program, "{action}", "--server={service}", "{fence}").apply(ORDER).receipt
    assert receipt["words"] == ["apply", "--server=vps-1", "3"]
    assert (receipt["key"], receipt["kind"], receipt["standing"]) == ("1:m1:apply", "suspend", [])


def test_no_shell_reads_the_arguments(command: Made, tmp_path: Path) -> None:
    program = "import json, sys; print(json.dumps({'state': 'in_force', 'words': sys.argv[1:]}))"
    nasty = replace(ORDER, service=f"$(touch {tmp_path}/gone); `id` 'x")
    assert command(program, "{service}").apply(nasty).receipt["words"] == [nasty.service]
    assert [one.name for one in tmp_path.iterdir()] == ["programs"]


def test_a_name_that_would_be_taken_for_an_option_starts_nothing(command: Made, tmp_path: Path) -> None:
    program = f"open({str(tmp_path / 'started')!r}, 'w')"
    refused = command(program, "{service}").apply(replace(ORDER, service="--all"))
    assert refused.state == "refused"
    assert "'--all' would be taken for an option" in refused.error
    assert [one.name for one in tmp_path.iterdir()] == ["programs"]


@pytest.mark.parametrize(
    ("program", "state", "said"),
    [
        ("import sys; sys.exit('no such server')", "refused", "code 1: no such server"),
        ("import sys; sys.exit(75)", "unreachable", "code 75"),
        ("import os; os.kill(os.getpid(), 9)", "unreachable", "code -9"),
        ("print('done')", "unreachable", "no JSON object with a state"),
        ('print(\'{"state": "sleeping"}\')', "unreachable", "unknown state: 'sleeping'"),
        ('print(\'{"state": "acknowledged"}\')', "acknowledged", ""),
    ],
)
def test_every_end_of_a_program_is_an_answer(command: Made, program: str, state: str, said: str) -> None:
    outcome = command(program).apply(ORDER)
    assert outcome.state == state
    assert said in outcome.error


def test_a_program_that_hangs_is_ended_with_all_that_it_started(command: Made, tmp_path: Path) -> None:
    mark, child = tmp_path / "mark", tmp_path / "child.py"
    child.write_text(f"import pathlib, time; time.sleep(2.5); pathlib.Path({str(mark)!r}).touch()")
    program = f"import subprocess, sys, time; subprocess.Popen([sys.executable, {str(child)!r}]); time.sleep(60)"
    outcome = command(program, timeout=1).apply(ORDER)
    assert outcome.state == "unreachable"
    assert "did not end within 1 seconds" in outcome.error
    time.sleep(2)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "command is missing"),
        ({"command": "rm -rf"}, "must be a list of words"),
        ({"command": ["panel", "{server}"]}, "'{server}' has a place that there is not"),
        ({"command": ["panel"], "shell": True}, "no option 'shell'"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(Problem, match=said):
        Command(options)
