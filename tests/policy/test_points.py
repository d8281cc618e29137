"""Points that a missed deadline gives: to the strike that it is about, once, and only while that strike counts."""

import shutil
from pathlib import Path

import pytest

from tests.policy.story import report, story, told

FOLDER = Path(__file__).parents[2] / "docs/how-to/example-pack"
HARM = report("a", "connection/ddos")
UNPAID = """
  - id: unpaid-weighs
    clause: 4.a
    says: An unpaid fee adds a point.
    on: missed
    kind: payment
    then: [{add_points: silence_points}]
"""


@pytest.fixture
def unpaid_weighs(tmp_path: Path) -> str:
    """The example, in which a missed payment weighs as well."""
    folder = tmp_path / "pack"
    shutil.copytree(FOLDER, folder)
    text = (folder / "pack.yaml").read_text(encoding="utf-8")
    (folder / "pack.yaml").write_text(
        text.replace("\ninterpretations:", f"{UNPAID}\ninterpretations:"), encoding="utf-8"
    )
    return str(folder)


def test_an_unanswered_reminder_weighs_once() -> None:
    played = story(str(FOLDER), f"02-02 10:00 {HARM}", until="02-20 10:00")
    assert told(played, "points", "measure") == [
        "02-05 10:00 points 1 harm s1",
        "02-05 10:00 suspend automatic refund s1",
    ]


def test_what_is_no_strike_gets_no_points() -> None:
    doubted = report("a", "connection/ddos", assurance="unverified")
    assert told(story(str(FOLDER), f"02-02 10:00 {doubted}", until="02-20 10:00"), "points") == []


def test_points_end_with_their_strike() -> None:
    played = story(
        str(FOLDER),
        f"02-02 10:00 {HARM}",
        "02-06 10:00 verification: {report: a, rejected: true}",
        f"02-09 10:00 {report('b', 'messaging/spam')}",
        until="02-09 11:00",
    )
    assert told(played, "points", "measure", "lift") == [
        "02-05 10:00 points 1 harm s1",
        "02-05 10:00 suspend automatic refund s1",
        "02-06 10:00 lift suspend s1",
    ]


def test_an_unpaid_fee_weighs_on_the_strike_that_it_was_for(unpaid_weighs: str) -> None:
    answered = "reply: {service: s1, complete: true}"
    played = story(
        unpaid_weighs,
        f"02-02 10:00 {report('a', 'messaging/spam')}",
        f"02-02 11:00 {answered}",
        f"02-04 10:00 {report('b', 'messaging/spam')}",
        f"02-04 11:00 {answered}",
        until="03-01 10:00",
    )
    assert told(played, "points") == ["02-18 10:00 points 1 nuisance s1"]
