"""`abusedesk parse`: one line a file, and a clear word about those that cannot be read."""

import json
from pathlib import Path

import pytest

from abusedesk.cli.parse import run

SAMPLES = Path(__file__).parent / "samples"


def test_json_is_one_object_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", str(SAMPLES / "arf-plain.eml"), str(SAMPLES / "bounce.eml")]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["outcome"] for line in lines] == ["reported", "not_a_report"]
    assert list(lines[0]) == ["file", "outcome", "format", "reason", "reporter", "events"]
    assert lines[0]["events"][0]["count"] == 3


def test_a_folder_is_walked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.eml").write_bytes((SAMPLES / "arf-plain.eml").read_bytes())
    assert run(["--json", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["file"].endswith("deep/a.eml")


def test_a_missing_file_is_named_and_the_rest_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "no-such-file.eml", str(SAMPLES / "arf-plain.eml")]) == 1
    printed = capsys.readouterr()
    assert printed.err == "abusedesk parse: no-such-file.eml: No such file or directory\n"
    assert json.loads(printed.out)["outcome"] == "reported"


def test_words_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    run([str(SAMPLES / "arf-plain.eml")])
    assert "messaging/spam  198.51.100.7 (3 times)" in capsys.readouterr().out


def test_what_a_person_should_see_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    run([str(SAMPLES / "prose-unsure.eml")])
    assert "perhaps" in capsys.readouterr().out
