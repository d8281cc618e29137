"""Coverage: every clause with an effect has a case, every rule acts in one, and every small change is noticed."""

import json
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from abusedesk.cli.policy import run
from abusedesk.policy.author.cases import CaseResult, case_files, read_case, run_cases
from abusedesk.policy.author.coverage import ClauseCoverage, automatic, coverage, never_hit
from abusedesk.policy.author.trials import trials, unnoticed
from abusedesk.policy.pack import PACKS, Pack, load_pack

NAMES = ("jimcloud", "scalibit")
SAME_BY_ANOTHER_RULE = {
    # The fine that another rule made a moment before is not made twice.
    "the rule later-attack-fine acts without strikes_of_type >= 2",
    "the rule later-attack-fine needs unverified",
    "the rule mail-port-fine acts without mail_port",
    # Own use is denied all the same, and a cause that nobody knows is asked for.
    'the rule provider-cause acts without cause == "provider"',
    # Without a mandate, or without a deadline, there is nothing to shorten.
    "the rule mandate acts without mandated",
    'the rule mandate acts without abuse_type != "advisory"',
    # The rule for copyright proposes the same suspension.
    'the rule missed acts without abuse_type != "copyright"',
    # Where no fee is proposed, nothing can be added to it.
    'the rule delisting-added acts without "delisting_fee" in proposed_items',
}
"""The changes that make no difference, each with the reason."""


def covered(name: str) -> dict[str, ClauseCoverage]:
    return {one.clause: one for one in coverage(load_pack(name), run_cases(name))}


@pytest.mark.parametrize("name", NAMES)
def test_every_clause_is_shown_by_a_case_that_names_it(name: str) -> None:
    clauses = covered(name).values()
    states = {one.clause: one.state for one in clauses if not one.clause.startswith("safeguard:")}
    assert {clause: state for clause, state in states.items() if state not in {"shown", "informative"}} == {}


@pytest.mark.parametrize(("name", "never_met"), [("jimcloud", set()), ("scalibit", {"safeguard:irreversible"})])
def test_every_safeguard_that_a_pack_meets_is_shown(name: str, never_met: set[str]) -> None:
    """SCALIBIT's own text proposes every termination, so that nothing is left to be held back."""
    silent = {one.clause for one in covered(name).values() if one.state == "no case"}
    assert silent == never_met


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_acts_in_a_case(name: str) -> None:
    assert [rule.id for rule in never_hit(load_pack(name), run_cases(name))] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_small_change_is_noticed_by_a_case(name: str) -> None:
    pack = load_pack(name)
    cases = [read_case(path.read_text(encoding="utf-8"), path, pack) for path in case_files(name)]
    missed = {trial.text for trial, nobody in unnoticed(pack, cases) if nobody}
    assert missed - SAME_BY_ANOTHER_RULE == set()


def test_the_changes_are_small_and_of_every_kind() -> None:
    texts = [trial.text for trial in trials(load_pack("scalibit"))]
    assert len(texts) == len(set(texts))
    for one in (
        "the rule high-risk-ddos is left out",
        'the rule high-risk acts without "botnet"',
        "the rule high-risk needs unverified",
        "the rule high-risk does not cite breach",
        "the rule high-risk orders suspend proposed",
        "large_scale_events is 99",
        "reply_period is P2DT1S",
        "damages_floor is 500.01",
        "limitation is * P364DT23H59M59S",
        "the abuse type ddos is without connection/ddos",
        "the threshold new_customer is up_to new_account",
    ):
        assert one in texts


def without(results: list[CaseResult], clause: str) -> list[CaseResult]:
    """The results without the cases that exercise a clause."""
    return [one for one in results if clause not in {*one.cited, *(hit for _, hit in one.hits)}]


def test_without_its_cases_an_automatic_clause_is_lacking() -> None:
    left = without(run_cases("jimcloud"), "jimcloud:7")
    row = next(one for one in coverage(load_pack("jimcloud"), left) if one.clause == "jimcloud:7")
    assert row.automatic
    assert row.state == "no case"
    assert row.lacking


def test_a_clause_that_only_asks_a_person_is_not_lacking() -> None:
    left = without(run_cases("jimcloud"), "jimcloud:9")
    row = next(one for one in coverage(load_pack("jimcloud"), left) if one.clause == "jimcloud:9")
    assert row.state == "no case"
    assert not row.automatic
    assert not row.lacking


def test_a_case_that_fails_covers_nothing() -> None:
    failed = [one._replace(passed=False) for one in run_cases("jimcloud")]
    pack = load_pack("jimcloud")
    assert all(not one.cases for one in coverage(pack, failed))
    assert never_hit(pack, failed) == list(pack.rules)


def test_a_clause_exercised_only_for_others_is_covered_in_passing() -> None:
    nameless = [one._replace(clauses=("jimcloud:1.a",)) for one in run_cases("jimcloud")]
    rows = {one.clause: one for one in coverage(load_pack("jimcloud"), nameless)}
    assert rows["jimcloud:8.a"].state == "in passing"
    assert rows["jimcloud:1.a"].state == "shown"


def test_rules_count_for_what_their_abuse_types_breach() -> None:
    rows = covered("scalibit")
    assert "high-risk-ddos" in rows["scalibit:3.4"].rules
    assert "high-risk-ddos" not in rows["scalibit:3.1"].rules
    assert rows["scalibit:3.4"].by_rule["high-risk-ddos"]


@pytest.mark.parametrize(
    ("rule", "acts"),
    [
        ("first-attack", True),  # a suspension in force at once
        ("fine-due", True),  # a deadline
        ("flagged-stays-blocked", True),  # an answer of no
        ("spam-no-unblock", True),  # a flag
        ("complete-reply", True),  # what the customer is spared
        ("third-strike", False),  # a proposal
        ("infringement-fine", False),
        ("mail-port-asked", False),  # needs approval
        ("mail-port-approved", False),  # a person said yes
        ("evidence-accepted", False),  # staff's finding
        ("doubtful-report", False),  # a review
    ],
)
def test_automatic_is_what_happens_without_a_person(rule: str, acts: bool) -> None:
    found = next(one for one in load_pack("jimcloud").rules if one.id == rule)
    assert automatic(found) is acts


def own_pack(folder: Path, *, without: str) -> Path:
    """JimCloud's pack in a folder of one's own, without the cases whose names begin so."""
    shutil.copytree(PACKS / "jimcloud", folder)
    for path in (folder / "cases").glob(f"{without}*.yaml"):
        path.unlink()
    return folder


def test_the_command_fails_when_the_only_case_of_a_clause_is_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = own_pack(tmp_path / "mine", without="10-")
    assert run(["coverage", str(folder)]) == 1
    shown = capsys.readouterr().out
    assert "the clause 10 acts by itself and no case shows it; write one in cases/" in shown
    assert "the rule agent-informed acts in no case" in shown
    assert shown.endswith("1 clause without a case, 1 rule that no case tries\n")


def test_the_command_shows_a_table_that_fits_a_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["coverage", "scalibit", "--rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= 100
    assert "6.indemnity" in "\n".join(line for line in lines if line.endswith("informative"))
    assert "    mandate: 5-respond-a-later-mandate-replaces-what-is-left and 1 other" in lines


def test_the_command_tries_small_changes_where_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = own_pack(tmp_path / "mine", without="7-")
    assert run(["coverage", str(folder), "--changes", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert "replacement_price is 5.01" not in said["unnoticed"]
    assert "the rule provider-cause is left out" in said["unnoticed"]
    assert said["never_hit"] == []  # it acts in a case of clause 6, where nothing hangs on it


def test_a_pack_that_lost_a_rule_fails_its_cases() -> None:
    pack = load_pack("jimcloud")
    rules = tuple(one for one in pack.content.rules if one[0].id != "agent-informed")
    poorer = Pack(replace(pack.content, rules=rules), pack.safeguards, "")
    path = next(one for one in case_files("jimcloud") if one.stem.startswith("10-"))
    from abusedesk.policy.author.cases import run_file

    assert not run_file(path, poorer).passed
