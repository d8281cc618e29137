"""Every sample is read as the JSON beside it says."""

import json
from pathlib import Path

import pytest

from abusedesk.cli.parse import fields
from abusedesk.parsing.read import read

SAMPLES = Path(__file__).parent / "samples"
FILES = sorted(path for path in SAMPLES.iterdir() if not path.name.endswith(".expected.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_sample_is_read_as_expected(path: Path) -> None:
    expected = json.loads(path.with_name(f"{path.name}.expected.json").read_text())
    assert fields(path.name, read(path.read_bytes(), path.name)) == expected


def test_every_expectation_has_its_sample() -> None:
    expected = {path.name.removesuffix(".expected.json") for path in SAMPLES.glob("*.expected.json")}
    assert expected == {path.name for path in FILES}
