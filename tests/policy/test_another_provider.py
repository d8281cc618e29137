"""A provider that counts points, warns first, charges euros, sets business days and forgives: by its pack alone.

It is the example of the guides, so what they say of it is tried here.
"""

from pathlib import Path

import pytest

from abusedesk.cli import simulate
from abusedesk.policy.author.cases import run_cases
from abusedesk.policy.author.coverage import coverage, never_hit
from abusedesk.policy.author.lint import lint
from abusedesk.policy.notice import PLACEHOLDERS, placeholders, render
from abusedesk.policy.pack import load_pack
from tests.policy.story import report, story, told

FOLDER = Path(__file__).parents[2] / "docs/how-to/example-pack"
PACK = str(FOLDER)


def test_it_is_without_a_fault() -> None:
    assert lint(PACK) == []


def test_its_own_cases_pass_and_try_every_rule() -> None:
    pack, results = load_pack(PACK), run_cases(PACK)
    assert [one.file for one in results if not one.passed] == []
    assert [one.id for one in never_hit(pack, results)] == []
    assert [one.clause for one in coverage(pack, results) if one.lacking] == []


@pytest.mark.parametrize("path", sorted((FOLDER / "cases").glob("*.yaml")), ids=lambda path: path.stem)
def test_it_runs_in_the_simulator(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate.run([str(path)]) == 0
    assert "nordlicht:" in capsys.readouterr().out


def test_each_notice_is_there_in_both_languages_with_the_same_values() -> None:
    templates = load_pack(PACK).content.templates
    for name in {name for _, name in templates}:
        used = placeholders(templates["en", name])
        assert used == placeholders(templates["de", name])
        assert used <= set(PLACEHOLDERS)


@pytest.mark.parametrize(("language", "template"), sorted(load_pack(PACK).content.templates))
def test_each_notice_can_be_written(language: str, template: str) -> None:
    pack = load_pack(PACK)
    values = {name: f"<{name}>" for name in PLACEHOLDERS if name not in {"policy", "remediation"}}
    subject, text = render(pack, pack.versions[0], template, language, values | {"abuse_type": "harm"})
    assert subject
    assert "{" not in subject + text


def test_the_first_breach_is_warned_of_and_the_second_costs_euros() -> None:
    played = story(
        PACK,
        f"02-02 10:00 {report('a', 'messaging/spam')}",
        f"02-03 12:00 {report('b', 'messaging/spam')}",
        until="02-03 12:00",
    )
    assert told(played, "notify", "charge") == [
        "02-02 10:00 notify customer complaint s1",
        "02-02 10:00 notify customer warning s1",
        "02-03 12:00 fee 25.00 automatic s1",
        "02-03 12:00 notify customer complaint s1",
    ]


def test_points_add_up_to_a_measure() -> None:
    played = story(
        PACK,
        f"02-02 10:00 {report('a', 'messaging/spam')}",
        f"02-02 12:00 {report('b', 'connection/ddos')}",
        until="02-02 13:00",
    )
    assert told(played, "measure") == ["02-02 12:00 suspend automatic refund s1"]


def test_good_behaviour_wipes_out_the_points() -> None:
    answered = ("02-02 11:00 reply: {service: s1, complete: true}",)
    played = story(
        PACK,
        f"02-02 10:00 {report('a', 'connection/ddos')}",
        *answered,
        f"05-03 10:00 {report('b', 'connection/ddos')}",
        until="05-03 11:00",
    )
    assert told(played, "measure", "strike", "charge") == [
        "02-02 10:00 strike harm 1 s1",
        "05-03 10:00 strike harm 1 s1",
    ]


@pytest.mark.parametrize(
    ("received", "due"),
    [("02-02 10:00", "02-04 10:00"), ("02-05 10:00", "02-09 10:00"), ("02-07 10:00", "02-11 10:00")],
)
def test_a_deadline_skips_the_weekend(received: str, due: str) -> None:
    played = story(PACK, f"{received} {report('a', 'messaging/spam')}", until=received)
    assert told(played, "deadline") == [f"{received} reply by {due} s1"]
