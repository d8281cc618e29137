"""Packs: what they answer, and the words in which a policy author's mistakes are refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from abusedesk.policy.facts import Settings
from abusedesk.policy.notice import PLACEHOLDERS, placeholders
from abusedesk.policy.pack import PACKS, deciding_files, find_pack, load_pack, notices, pack_files, pack_from
from abusedesk.problem import Problem

GOOD = """\
pack: tiny
title: Tiny policy
currency: EUR
versions: [{id: first, from: 2026-01-01, clause: "1"}]
counting: {acts_on: authenticated, clause: "1"}
clauses:
  "1": {title: One, text: Behave.}
  "2": {title: Two, text: Or else.}
parameters:
  limitation: {clause: "1", value: {"*": P90D}}
  occurrence_window: {clause: "1", value: PT6H}
  fine: {clause: "2", values: {2026-01-01: "10.00", 2027-01-01: "15.00"}}
  strikes_to_suspend: {clause: "2", value: 2}
abuse_types:
  abuse: {categories: ["*"], breaches: "1"}
rules:
  - id: strike
    clause: "1"
    says: Everything counts.
    on: report
    needs: authenticated
    then: [{strike: true}]
  - id: suspend
    clause: "2"
    says: The second strike suspends.
    on: strike
    when: strikes >= strikes_to_suspend
    then: [{measure: suspend}]
"""


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[str, str], str]:
    """Loads the good pack with one passage changed, and returns the words of the refusal."""

    def load(was: str, becomes: str) -> str:
        assert was in GOOD
        folder = tmp_path / "tiny"
        folder.mkdir()
        (folder / "pack.yaml").write_text(GOOD.replace(was, becomes, 1), encoding="utf-8")
        with pytest.raises(Problem) as caught:
            load_pack(str(folder))
        return str(caught.value)

    return load


def test_a_pack_of_ones_own_loads(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text(GOOD, encoding="utf-8")
    assert load_pack(str(tmp_path)).currency == "EUR"


@pytest.mark.parametrize(
    ("was", "becomes", "words"),
    [
        ('    clause: "2"\n    says', "    says", ["23:5", "lacks the key 'clause'"]),
        ('  fine: {clause: "2", values', "  fine: {values", ["lacks the key 'clause'"]),
        ('clause: "2"\n    says', 'clause: "3"\n    says', ["24:13", "there is no clause '3'"]),
        ("strikes >= strikes_to_suspend", "strikse >= 2", ["27:11", "no fact 'strikse'", "did you mean 'strikes'?"]),
        ("strikes >= strikes_to_suspend", "strikes >= ", ["the condition cannot be read"]),
        ("strikes >= strikes_to_suspend", "strikes", ["must be true or false"]),
        ("strikes >= strikes_to_suspend", "strikes + 1 == 2", ["may not use '+'"]),
        ("strikes >= strikes_to_suspend", "abuse_type.startsWith(abuse_type)", ["may not use 'startsWith'"]),
        ("strikes >= strikes_to_suspend", 'strikes > "two"', ["does not fit its facts (strikes is int)"]),
        ("strikes >= strikes_to_suspend", "proposed_items.exists(x, x == abuse_type)", ["may not loop"]),
        ("strikes >= strikes_to_suspend", "strikes > 1 && " * 40 + "true", ["at most 400 are allowed"]),
        ("strikes >= strikes_to_suspend", "complete", ["'complete' is known on reply alone, not on strike"]),
        (
            "measure: suspend",
            "measure: suspense",
            ["28:22", "a measure 'suspense' is unknown; did you mean 'suspend'?"],
        ),
        ("measure: suspend", "mesure: suspend", ["'mesure' is nothing known; did you mean 'measure'?"]),
        ("measure: suspend}", "measure: suspend, refnd: false}", ["has no key 'refnd'; did you mean 'refund'?"]),
        ("measure: suspend", "measure: block_port", ["block_port lacks the key 'port'"]),
        ("on: strike\n", "on: strikes\n", ["the moment 'strikes' is unknown; did you mean 'strike'?"]),
        ("id: suspend\n", "id: strike\n", ["there is a rule 'strike' already, in line 17"]),
        ("title: Tiny policy", "title: Tiny policy\ntitle: Again", ["3:1", "given twice, first in line 2"]),
        ('categories: ["*"]', 'categories: ["messaging/*"]', ["no abuse type takes what fits no other"]),
        ("2027-01-01:", "2025-01-01:", ["values must follow each other in time"]),
        ("2027-01-01:", "someday:", ["'someday' is no date"]),
        ('"15.00"', "15", ["all values of a parameter are of one kind"]),
        ("PT6H", "six", ["'six' is no whole number, no duration such as PT6H"]),
        ("currency: EUR", "currency: Euro", ["three capital letters such as USD"]),
        ("pack: tiny", "pack: Tiny Pack", ["must be lower case letters"]),
        ('  occurrence_window: {clause: "1", value: PT6H}\n', "", ["the parameter 'occurrence_window' is missing"]),
        ("then: [{measure: suspend}]", "then: []", ["a rule orders at least one thing"]),
        ("then: [{measure: suspend}]", "then: [{measure: null_route}]\n    kind: x", ["has no kinds"]),
        ("on: strike\n", "on: missed\n", ["lacks the key 'kind'"]),
        ("then: [{measure: suspend}]", "then: [{answer: granted}]", ["an answer is given only on request"]),
        (
            "then: [{measure: suspend}]",
            "then: [{notify: customer, via: [email], template: x}]",
            ["notices/<language>/x.txt"],
        ),
        ("acts_on: authenticated", "acts_on: certain", ["an assurance 'certain' is unknown"]),
        ("needs: authenticated", "needs: authentic", ["did you mean 'authenticated'?"]),
        ("rules:\n", "rules: [\n", ["this is no YAML"]),
    ],
)
def test_a_mistake_is_refused_with_its_place_and_what_to_do(
    refused: Callable[[str, str], str], was: str, becomes: str, words: list[str]
) -> None:
    message = refused(was, becomes)
    assert "pack.yaml:" in message
    for word in words:
        assert word in message


def test_an_unknown_pack_is_answered_with_those_there_are() -> None:
    with pytest.raises(Problem, match="give one of jimcloud, scalibit, or the folder"):
        load_pack("nowhere")


def test_a_folder_without_a_pack_and_a_single_case_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases/one.yaml").write_text("name: One\n", encoding="utf-8")
    with pytest.raises(Problem, match=r"has no pack\.yaml; begin one with abusedesk policy copy"):
        load_pack(str(tmp_path))
    with pytest.raises(Problem, match=r"one\.yaml is one case; give the folder of its pack"):
        load_pack(str(tmp_path / "cases/one.yaml"))


def test_a_dated_parameter_is_that_of_the_version(tmp_path: Path) -> None:
    second = '{id: first, from: 2026-01-01, clause: "1"}, {id: second, from: 2027-01-01, clause: "1"}'
    text = GOOD.replace('{id: first, from: 2026-01-01, clause: "1"}', second)
    (tmp_path / "pack.yaml").write_text(text, encoding="utf-8")
    pack = load_pack(str(tmp_path))
    fines = [pack.terms(version, Settings()).number("fine") for version in pack.versions]
    assert fines == [1000, 1500]


def test_a_version_holds_from_its_first_instant() -> None:
    pack = load_pack("jimcloud")
    first = datetime(2022, 6, 7, tzinfo=UTC)
    assert pack.version_at(first - timedelta(microseconds=1), Settings()) is None
    assert pack.version_at(first, Settings()) is pack.versions[0]


def test_a_policy_without_a_date_is_in_force_only_where_the_operator_says_so() -> None:
    pack = load_pack("scalibit")
    at = datetime(2026, 2, 2, tzinfo=UTC)
    assert pack.version_at(at, Settings()) is None
    assert pack.version_at(at, Settings(in_force_from=at)) is pack.versions[0]


def test_an_override_of_what_is_no_parameter_is_refused() -> None:
    pack = load_pack("jimcloud")
    with pytest.raises(Problem, match="jimcloud has no parameter 'windw'"):
        pack.terms(pack.versions[0], Settings(overrides={"windw": "PT1H"}))


@pytest.mark.parametrize("name", ["jimcloud", "scalibit"])
def test_every_clause_acts_or_is_informative(name: str) -> None:
    pack = load_pack(name)
    cited = {clause for rule in pack.rules for clause in rule.clauses}
    cited |= {one.clause for one in pack.parameters.values()} | {one.clause for one in pack.versions}
    cited |= {clause for one in pack.content.abuse_types.values() for clause in one.breaches.values()}
    cited |= {pack.content.counting.clause}
    named_only = {"jimcloud:0.limitation", "scalibit:0.scope"}
    silent = {one.id for one in pack.clauses.values() if not one.informative} - cited - named_only
    assert silent == set()


@pytest.mark.parametrize("name", ["jimcloud", "scalibit"])
def test_every_template_is_there_in_every_language_and_uses_known_placeholders(name: str) -> None:
    pack = load_pack(name)
    names = {template for _, template in pack.content.templates}
    for language in pack.content.languages:
        for template in names:
            assert placeholders(pack.content.templates[language, template]) <= set(PLACEHOLDERS)


def test_a_clause_and_a_safeguard_are_found_by_their_ids() -> None:
    pack = load_pack("jimcloud")
    assert pack.clause("jimcloud:1.b").title == "Second attack and later"
    assert pack.clause("safeguard:four_eyes").text == "What one person proposes, another approves."


def test_the_digest_changes_with_a_template(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text(GOOD, encoding="utf-8")
    before = load_pack(str(tmp_path)).digest
    (tmp_path / "notices/en").mkdir(parents=True)
    (tmp_path / "notices/en/new.txt").write_text("Subject\n\nText\n", encoding="utf-8")
    load_pack.cache_clear()
    assert load_pack(str(tmp_path)).digest != before


@pytest.mark.parametrize("name", ["jimcloud", "scalibit"])
def test_a_pack_of_its_files_is_the_pack_of_its_folder(name: str) -> None:
    files = pack_files(find_pack(name))
    assert pack_from(files).digest == load_pack(name).digest
    assert pack_from(files).content.clauses == load_pack(name).content.clauses


def test_cases_are_among_the_files_and_not_in_the_digest() -> None:
    files = pack_files(find_pack("jimcloud"))
    without = {name: data for name, data in files.items() if not name.startswith("cases/")}
    assert len(without) < len(files)
    assert pack_from(without).digest == pack_from(files).digest


def test_the_files_that_decide_keep_the_digest_and_the_safeguards_of_then() -> None:
    files = deciding_files(pack_files(find_pack("jimcloud")))
    assert pack_from(files).digest == load_pack("jimcloud").digest
    older = {**files, "safeguards.yaml": b"four_eyes: {title: Two, text: Two of them.}"}
    pack = pack_from(older)
    assert pack.digest != load_pack("jimcloud").digest
    assert pack_from(deciding_files(older)).digest == pack.digest
    assert pack.clause("safeguard:four_eyes").text == "Two of them."
    assert pack.clause("safeguard:irreversible").title == load_pack("jimcloud").clause("safeguard:irreversible").title


def test_the_order_of_languages_in_the_digest_is_that_of_their_folders() -> None:
    files = {
        "pack.yaml": GOOD.encode(),
        "notices/en-GB/a.txt": b"Subject\n\nText\n",
        "notices/en/b.txt": b"Subject\n\nText\n",
    }
    assert notices(files) == ["notices/en/b.txt", "notices/en-GB/a.txt"]


def test_an_error_names_the_place_in_the_origin() -> None:
    bad = GOOD.replace("strikes >= strikes_to_suspend", "strikse >= 2").encode()
    for origin, begins in (("", "pack.yaml:27:11: "), ("handed in", "handed in/pack.yaml:27:11: ")):
        with pytest.raises(Problem) as caught:
            pack_from({"pack.yaml": bad}, origin)
        assert str(caught.value).startswith(begins)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "pack.yaml is missing"),
        ({"pack.yaml": b"\xff\xfe"}, "pack.yaml cannot be read"),
        ({"pack.yaml": GOOD.encode(), "notices/en/x.txt": b"\xff"}, "notices/en/x.txt cannot be read"),
    ],
)
def test_files_that_are_no_pack_are_refused(files: dict[str, bytes], words: str) -> None:
    with pytest.raises(Problem, match=words):
        pack_from(files)


def test_the_engine_names_no_pack() -> None:
    names = [one.parent.name for one in PACKS.glob("*/pack.yaml")]
    for path in (PACKS.parent / "policy").glob("*.py"):
        code = path.read_text(encoding="utf-8").lower()
        assert [name for name in names if name in code] == []


@pytest.mark.parametrize("name", ["jimcloud", "scalibit"])
def test_every_parameter_that_a_text_leaves_open_is_an_interpretation_of_its_clause(name: str) -> None:
    pack = load_pack(name)
    read = {one.parameter: one.clause for one in pack.interpretations if one.parameter is not None}
    assert {"limitation", "occurrence_window"} <= set(read)
    assert all(pack.parameters[parameter].clause == clause for parameter, clause in read.items())
