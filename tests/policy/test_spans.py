"""So many strikes within a time: thresholds over the newest strikes that count, whatever the limitation is."""

from pathlib import Path

import pytest

from abusedesk.policy.author.lint import lint
from tests.policy.story import report, story, told

FOLDER = Path(__file__).parents[2] / "docs/how-to/example-pack"
CLAUSE = """\
  4.b:
    title: Deposit
    text: Whoever has three breaches within thirty days pays a deposit of 50 EUR.
"""
VALUES = """\
  deposit: {clause: 4.b, value: "50.00"}
  deposit_window: {clause: 4.b, value: P30D}
"""
RULES = """\
  - id: deposit
    clause: 4.b
    says: Three breaches within thirty days cost a deposit.
    on: strike
    when: often
    then: [{charge: deposit, amount: deposit, each: occurrence}]
  - id: deposit-due
    clause: 4.a
    says: The deposit is due within ten business days.
    on: owed
    when: item == "deposit"
    then: [{deadline: payment, within: payment_time, calendar: business}]
"""


@pytest.fixture(scope="module")
def deposit(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The example, with a deposit for three breaches within thirty days."""
    folder = tmp_path_factory.mktemp("pack")
    text = (FOLDER / "pack.yaml").read_text(encoding="utf-8")
    for before, more in (
        ("  5.a:\n    title: Pause\n", CLAUSE),
        ("  points_to_pause: ", VALUES),
        ("abuse_types:\n", "thresholds:\n  often: {fact: span_of_three_strikes, below: deposit_window}\n\n"),
        ("  # Time passes\n", RULES),
    ):
        assert text.count(before) == 1
        text = text.replace(before, more + before)
    (folder / "pack.yaml").write_text(text, encoding="utf-8")
    (folder / "notices").symlink_to(FOLDER / "notices")
    return str(folder)


def reported(*days: str) -> list[str]:
    return [f"{day} {report(str(number), 'messaging/spam')}" for number, day in enumerate(days)]


def deposits(pack: str, *days: str) -> list[str]:
    played = story(pack, *reported(*days), until="07-20 00:00")
    return [one for one in told(played, "charge") if "deposit" in one]


def test_the_pack_is_without_a_fault(deposit: str) -> None:
    assert lint(deposit) == []


@pytest.mark.parametrize(
    ("third", "times"), [("03-04 09:59", 1), ("03-04 10:00", 0)], ids=["one minute before", "thirty days later"]
)
def test_three_within_the_time_cost_a_deposit(deposit: str, third: str, times: int) -> None:
    assert len(deposits(deposit, "02-02 10:00", "02-20 10:00", third)) == times


def test_two_never_do_and_of_four_only_the_newest_three_matter(deposit: str) -> None:
    assert deposits(deposit, "02-02 10:00", "02-03 11:00") == []
    late = deposits(deposit, "02-02 10:00", "03-20 10:00", "03-25 10:00", "04-02 10:00")
    assert [one[:11] for one in late] == ["04-02 10:00"]
