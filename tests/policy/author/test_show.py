"""`policy show`: what stands under a clause, at which date, and a page that may be published."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from abusedesk.cli.policy import run
from abusedesk.policy.author.sheet import ShownValue
from abusedesk.policy.author.show import as_html, as_text, sheet
from abusedesk.policy.facts import Settings
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
    assert "url(" not in page
    assert "@import" not in page
    assert {one[0] for one in re.findall(r'href="([^"]*)"', page)} == {"#"}


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    page = tmp_path / "policy.html"
    assert run(["show", "scalibit", "--html", str(page)]) == 0
    assert "SCALIBIT" in page.read_text(encoding="utf-8")


def test_an_unknown_pack_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "nowhere"]) == 2
    assert "there is no policy 'nowhere'" in capsys.readouterr().err


EXAMPLE = str(Path(__file__).parents[3] / "docs/how-to/example-pack")
PACKS = ["jimcloud", "scalibit", EXAMPLE]


@pytest.mark.parametrize("name", PACKS)
def test_the_table_fits_a_terminal_and_names_every_clause(name: str) -> None:
    shown = sheet(load_pack(name), TODAY)
    lines = as_text(shown).splitlines()
    assert max(len(line) for line in lines) <= 100
    heads = [line[:38].split("  ")[0] for line in lines]
    assert [one.short for one in shown.sections if one.short not in heads] == []


def test_a_value_is_shown_with_what_it_was_and_will_be() -> None:
    march, august = (_value(datetime(2026, month, 1, tzinfo=UTC)) for month in (3, 8))
    assert (march.text, august.text) == ("25.00 EUR", "30.00 EUR")
    assert [(one.text, one.held) for one in march.history] == [("25.00 EUR", True), ("30.00 EUR", False)]
    assert [(one.text, one.held) for one in august.history] == [("25.00 EUR", False), ("30.00 EUR", True)]
    assert "30.00 EUR from" in as_html(sheet(load_pack(EXAMPLE), datetime(2026, 3, 1, tzinfo=UTC)))
    assert "25.00 EUR until" in as_html(sheet(load_pack(EXAMPLE), datetime(2026, 8, 1, tzinfo=UTC)))


def _value(at: datetime) -> ShownValue:
    section = next(one for one in sheet(load_pack(EXAMPLE), at).sections if one.short == "4")
    return section.values[0]


def test_the_versions_say_what_each_changed() -> None:
    shown = sheet(load_pack(EXAMPLE), TODAY)
    assert [(one.id, one.held) for one in shown.versions] == [("2026-01", True), ("2026-07", False)]
    assert [str(one) for one in shown.versions[1].changes] == [
        "4: the text reads otherwise: … there are points, we charge a fee of [-25-]{+30+}.00 EUR for each breach.",
        "4: the fee is 30.00 EUR instead of 25.00 EUR",
    ]
    assert "    - 4: the fee is 30.00 EUR instead of 25.00 EUR" in as_text(shown)


def test_the_operators_date_and_values_are_shown() -> None:
    began = datetime(2025, 1, 1, tzinfo=UTC)
    shown = sheet(load_pack("scalibit"), TODAY, Settings(in_force_from=began, overrides={"large_scale_events": 50}))
    assert shown.in_force == "Version undated, in force from 2025-01-01"
    values = {one.name: one.text for section in shown.sections for one in section.values}
    assert (values["large_scale_events"], values["reply_period"]) == ("50", "2 days")


@pytest.mark.parametrize("name", PACKS)
def test_every_link_of_the_page_leads_to_a_place_on_it(name: str) -> None:
    page = as_html(sheet(load_pack(name), TODAY))
    places = re.findall(r'id="([^"]+)"', page)
    assert len(places) == len(set(places))
    assert {one[1:] for one in re.findall(r'href="([^"]+)"', page)} == set(places)


class _Tags(HTMLParser):
    """Whether every tag that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", PACKS)
def test_the_page_is_well_formed(name: str) -> None:
    tags = _Tags()
    tags.feed(as_html(sheet(load_pack(name), TODAY)))
    assert tags.open == []


def test_the_table_is_that_of_a_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", EXAMPLE, "--at", "2026-08-01"]) == 0
    assert "Version 2026-07, in force from 2026-07-01" in capsys.readouterr().out
