"""`abusedesk simulate`: lines as the conformance format has them, and one line for what a user got wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from abusedesk.cli.simulate import run

SCENARIO = """\
name: A scan
policy: jimcloud
world:
  customers: [{id: c1, since: 2022-06-10T00:00:00Z}]
  services: [{id: s1, customer: c1, type: vps, since: 2022-06-10T00:00:00Z, mail_port: true}]
  assignments: [{prefix: 192.0.2.10/32, service: s1, since: 2022-06-10T00:00:00Z}]
timeline:
  - {at: 2022-07-01T10:00:00Z, report: {id: a, category: connection/port_scan, ips: [192.0.2.10]}}
until: 2022-07-01T10:00:00Z
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "scan.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def test_each_line_is_an_effect_with_its_time_and_clauses(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([str(file), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"strike", "measure", "charge", "notify", "deadline"} == {line["effect"] for line in lines}
    assert all(line["at"] == "2022-07-01T10:00:00Z" and line["clauses"] for line in lines)


def test_a_value_that_is_the_default_is_printed_all_the_same(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run([str(file), "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    measure = next(line for line in lines if line["effect"] == "measure")
    assert (measure["measure"], measure["mode"], measure["refund"]) == ("suspend", "automatic", True)


def test_people_get_a_timeline(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run([str(file)])
    assert "10:00:00  s1                       strike    attack, number 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("was", "becomes", "words"),
    [
        ("policy: jimcloud", "policy: jimclod", "2:9: there is no policy 'jimclod'"),
        ("report: {", "raport: {", "did you mean 'report'?"),
        ("port_scan,", "portscan,", "did you mean 'connection/port_scan'?"),
        ("at: 2022-07-01T10:00:00Z", "at: yesterday", "an instant cannot be 'yesterday'"),
        ("192.0.2.10/32", "192.0.2.10/24", "a prefix cannot be '192.0.2.10/24'"),
        ("customer: c1", "customer: c2", "the customer 'c2' is unknown"),
        ("ips: [192.0.2.10]", "ips: [192.0.2.300]", "an address cannot be '192.0.2.300'"),
        ("world:", "world", "this is no YAML"),
        ("until: 2022-07-01T10:00:00Z", "parameters: {window: 3}", "the parameter 'window' is unknown"),
        (
            "until: 2022-07-01T10:00:00Z",
            "parameters: {occurrence_window: soon}",
            "'occurrence_window' cannot be 'soon'",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_place(
    file: Path, capsys: pytest.CaptureFixture[str], was: str, becomes: str, words: str
) -> None:
    file.write_text(SCENARIO.replace(was, becomes, 1), encoding="utf-8")
    assert run([str(file)]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_missing_file_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["nowhere.yaml"]) == 2
    assert "nowhere.yaml cannot be read: No such file or directory" in capsys.readouterr().err


def test_it_loads_no_framework(file: Path) -> None:
    code = (
        "import sys; from abusedesk.cli.simulate import run; run([sys.argv[1]]);"
        "print([one for one in ('django', 'psycopg', 'structlog', 'typer') if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
