"""`policy show`: what stands under a clause, at which date, and a page that may be published."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from abusedesk.cli.policy import run
from abusedesk.policy.author.show import as_html, as_text, sheet
from abusedesk.policy.pack import load_pack
from abusedesk.problem import Problem

TODAY = datetime(2026, 2, 2, tzinfo=UTC)


def test_a_clause_stands_with_its_text_values_rules_and_readings() -> None:
    section = next(one for one in sheet(load_pack("jimcloud"), TODAY).sections if one.short == "8.d")
    assert ("payment_period", "P1D") in section.parameters
    assert "A fine that is not wholly paid in time shuts the server down." in section.rules
    assert [one.choice for one in section.interpretations] == ["From the charge"]


def test_before_the_first_version_there_is_nothing_to_show() -> None:
    with pytest.raises(Problem, match="no version in force on 2022-06-06; its first is in force from 2022-06-07"):
        sheet(load_pack("jimcloud"), datetime(2022, 6, 6, tzinfo=UTC))


def test_an_undated_policy_says_that_the_operator_sets_its_date() -> None:
    assert "in_force_from" in as_text(sheet(load_pack("scalibit"), TODAY))


def test_the_page_is_escaped_and_loads_nothing() -> None:
    shown = sheet(load_pack("jimcloud"), TODAY)
    page = as_html(shown._replace(title="<script>alert(1)</script>"))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "src=" not in page
    assert "href=" not in page


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    page = tmp_path / "policy.html"
    assert run(["show", "scalibit", "--html", str(page)]) == 0
    assert "SCALIBIT" in page.read_text(encoding="utf-8")


def test_an_unknown_pack_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "nowhere"]) == 2
    assert "there is no policy 'nowhere'" in capsys.readouterr().err
