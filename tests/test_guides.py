"""The guides of policy authors are followed to the letter: files edited as they say, commands run, output compared.

In a `diff` block the first line names the file; `+` lines are added, `-` lines go, the others show the place. A block
after “Write `FILE`:” is a new file. In a `console` block a line with `$` is a command and what follows is all that it
prints, but for what a line of `…` leaves out. In `sh` blocks stand the commands that need a database.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from abusedesk.cli.main import main
from abusedesk.desk.intake import process_messages
from abusedesk.policy.author.back import reaches_back
from abusedesk.policy.facts import Settings
from abusedesk.policy.pack import load_pack
from abusedesk.records.models import Duty, Event, MessageSeen, Report, UpstreamMeasure
from tests.desk.estate import provider, with_addresses
from tests.web.api.samples import key

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "docs/how-to/change-a-policy.md"
FROM_NOTHING = ROOT / "docs/how-to/write-a-policy.md"
EXAMPLE = ROOT / "docs/how-to/example-pack"
_BLOCK = re.compile(r"(?P<before>[^\n]*)\n\n```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^Write `([^`]+)`:$")


class Step(NamedTuple):
    """A block of the guide: `console` commands, a `diff` to apply, or the text of the file that is `before`."""

    kind: str
    text: str
    before: str


def steps(page: str) -> Iterator[Step]:
    """The blocks of a guide, in order."""
    for match in _BLOCK.finditer(page):
        named = _FILE.match(match["before"])
        yield Step(match["kind"], match["text"], named[1] if named else "")


def apply(diff: str, folder: Path) -> None:
    """Does what a diff block says, at the one place that it shows."""
    head, *lines = diff.splitlines()
    path = folder / head.removeprefix("--- ")
    old = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
    new = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} has these lines {text.count(old)} times:\n{old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def commands(block: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with what it must print."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


def assert_printed(real: str, told: str) -> None:
    """That a command prints what the guide tells, `…` standing for any lines."""
    pattern = "(?:.*\n)*".join(re.escape(part) for part in re.split(r"^…\n", told, flags=re.MULTILINE))
    assert re.fullmatch(pattern, real), f"the guide tells\n{told}\nand the command prints\n{real}"


def test_the_guide_that_changes_a_policy_is_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "docs/how-to/example-pack")
    monkeypatch.chdir(tmp_path)
    page = GUIDE.read_text(encoding="utf-8")
    found = list(steps(page))
    assert 2 * len(found) == len(re.findall("^```", page, flags=re.MULTILINE)), "a block is not understood"
    for step in found:
        if step.before:
            path = tmp_path / step.before
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
        elif step.kind == "diff":
            apply(step.text, tmp_path)
        elif step.kind == "console":
            for command, printed in commands(step.text):
                assert_printed(_run(command, capsys), printed)
    packs = load_pack("docs/how-to/example-pack"), load_pack("my-policy")
    assert reaches_back(*packs, Settings(), datetime(2026, 12, 31, tzinfo=UTC)) == [], "it says: until New Year nothing"


def _run(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    program, *words = shlex.split(command)
    assert program == "abusedesk"
    load_pack.cache_clear()  # each command is a process of its own
    assert main(words) in {0, 1}
    return capsys.readouterr().out


def test_what_the_guide_that_writes_a_policy_quotes_is_in_the_example() -> None:
    pack = (EXAMPLE / "pack.yaml").read_text(encoding="utf-8").splitlines()
    quoted = [one.text for one in steps(FROM_NOTHING.read_text(encoding="utf-8")) if one.kind == "yaml"]
    assert [line for text in quoted for line in text.splitlines() if line not in pack] == []
    assert len(quoted) == 7


def test_the_commands_of_the_guide_that_writes_a_policy_can_be_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "docs/how-to/example-pack")
    monkeypatch.chdir(tmp_path)
    blocks = [one.text for one in steps(FROM_NOTHING.read_text(encoding="utf-8")) if one.kind == "sh"]
    lines = [line for text in blocks for line in text.splitlines() if "policy simulate" not in line]
    assert [line for line in lines if not _run(line, capsys)] == []
    assert len(lines) == 7
    assert "nordlicht:4" in _run(lines[4], capsys)


def _asked(guide: str, url: str, secret: str, folder: Path) -> str:
    """What the calls of a guide bring, made by a shell against a server that runs."""
    page = (ROOT / "docs/how-to" / guide).read_text(encoding="utf-8")
    first, *blocks = [one.text for one in steps(page) if one.kind == "sh"]
    assert first.count("export") == 2
    assert blocks
    done = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input="\n".join(blocks),
        env={"PATH": os.environ["PATH"], "DESK": url, "KEY": secret},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.needs("curl", "bash")
@pytest.mark.django_db(transaction=True)
def test_the_guide_of_programs_that_report_is_true(live_server: Any, tmp_path: Path) -> None:
    told = _asked("send-reports-by-program.md", live_server.url, key()[1], tmp_path)
    assert '"state": "waiting"' in told
    assert MessageSeen.objects.count() == 3


@pytest.mark.needs("curl", "bash")
@pytest.mark.django_db(transaction=True)
def test_the_guide_of_sensors_is_true(live_server: Any, tmp_path: Path) -> None:
    jim = with_addresses(provider())
    secret = key(reporter="", label="flow", scopes=["telemetry"], brand=jim.brand)[1]
    _asked("send-telemetry.md", live_server.url, secret, tmp_path)
    while process_messages(datetime.now(UTC)):
        pass
    assert sorted(Report.objects.values_list("assurance", flat=True)) == ["verified"] * 3
    assert Event.objects.filter(service_id=jim.service.pk, report_id__in=Report.objects.values("pk")).count() == 2


@pytest.mark.needs("curl", "bash")
@pytest.mark.django_db(transaction=True)
def test_the_guide_of_upstreams_is_true(live_server: Any, tmp_path: Path) -> None:
    scali = with_addresses(provider())
    secret = key(reporter="", label="transit-1", scopes=["upstream"], brand=scali.brand)[1]
    _asked("let-your-upstream-tell-you.md", live_server.url, secret, tmp_path)
    while process_messages(datetime.now(UTC)):
        pass
    assert Duty.objects.get().reference == "T-8"
    assert UpstreamMeasure.objects.get().lifted_at is not None
    assert Report.objects.get().assurance == "authenticated"
