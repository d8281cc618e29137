"""`policy lint`: one small pack for each fault, with the words that its finding must contain."""

import re
from pathlib import Path

import pytest

from abusedesk.cli.policy import run
from abusedesk.policy.author.lint import lint

BAD = sorted((Path(__file__).parent.parent / "bad_packs").iterdir())


@pytest.mark.parametrize("folder", BAD, ids=lambda one: one.name)
def test_a_fault_is_found_at_its_place_and_alone(folder: Path) -> None:
    found = [str(one) for one in lint(str(folder))]
    assert len(found) == 1
    assert (folder / "says.txt").read_text(encoding="utf-8").strip() in found[0]
    assert re.match(rf"{re.escape(str(folder))}/pack\.yaml:\d+:\d+: ", found[0])


@pytest.mark.parametrize("name", ["jimcloud", "scalibit"])
def test_the_packs_of_the_product_have_no_errors(name: str) -> None:
    assert [str(one) for one in lint(name) if one.level == "error"] == []


def test_errors_end_with_one_and_warnings_do_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "scalibit"]) == 0
    assert "0 errors, 1 warnings" in capsys.readouterr().out
    assert run(["lint", str(next(one for one in BAD if one.name == "always_false"))]) == 1
