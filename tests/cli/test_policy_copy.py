"""`policy copy`: a pack's folder to be changed, which is the same pack."""

from pathlib import Path

import pytest

from abusedesk.cli.policy import run
from abusedesk.policy.pack import PACKS, load_pack


def test_the_copy_is_the_same_pack_with_its_cases(tmp_path: Path) -> None:
    assert run(["copy", "jimcloud", str(tmp_path / "mine")]) == 0
    assert load_pack(str(tmp_path / "mine")).digest == load_pack("jimcloud").digest
    assert len(list((tmp_path / "mine/cases").iterdir())) == len(list((PACKS / "jimcloud/cases").glob("*.yaml")))


def test_what_is_there_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["copy", "scalibit", str(tmp_path)]) == 2
    assert "is there already; give the name of a new folder" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert run(["copy", "scalibit", str(tmp_path / "file" / "pack")]) == 2
    assert "cannot be written" in capsys.readouterr().err
