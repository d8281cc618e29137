"""`policy lint`: one small pack for each fault, with the words that its finding must contain."""

import pickle
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abusedesk.cli.policy import run
from abusedesk.policy.author.lint import lint, lint_files
from abusedesk.policy.pack import load_pack, pack_files, pack_from
from abusedesk.policy.source import Fault, Unfit
from abusedesk.problem import Problem

BAD = sorted((Path(__file__).parent.parent / "bad_packs").iterdir())


@pytest.mark.parametrize("folder", BAD, ids=lambda one: one.name)
def test_a_fault_is_found_at_its_place_and_alone(folder: Path) -> None:
    found = [str(one) for one in lint(str(folder))]
    assert len(found) == 1
    assert (folder / "says.txt").read_text(encoding="utf-8").strip() in found[0]
    assert re.match(rf"{re.escape(str(folder))}/(pack\.yaml|notices/en/\w+\.txt):\d+:\d+: ", found[0])


@pytest.mark.parametrize("name", ["jimcloud", "scalibit"])
def test_the_packs_of_the_product_have_no_errors(name: str) -> None:
    assert [str(one) for one in lint(name) if one.level == "error"] == []


@pytest.mark.parametrize(
    "name",
    [
        "strike_without_belief",
        "counting_anything",
        "limitation_for_all",
        "count_negative",
        "needs_and_below",
        "port_beyond",
    ],
)
def test_a_pack_that_decided_once_is_read_whatever_lint_has_learnt_since(name: str) -> None:
    folder = next(one for one in BAD if one.name == name)
    assert pack_from(pack_files(folder)).name == "tiny"


def test_errors_end_with_one_and_warnings_do_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "scalibit"]) == 0
    assert "0 errors, 1 warning\n" in capsys.readouterr().out
    assert run(["lint", str(next(one for one in BAD if one.name == "always_false"))]) == 1


ALL_AT_ONCE = """\
pack: tiny
title: Tiny policy
colour: blue
currency: eur
versions: [{id: first, from: soon, clause: "1"}, {id: second, from: 2027-01-01, clause: "8"}]
clauses:
  "1": {title: One, text: Behave.}
  "2": {title: Two}
parameters:
  limitation: {clause: "1", value: {"*": P90D}}
  occurrence_window: {clause: "1", value: PT6H}
  occurrence_window: {clause: "1", value: PT7H}
  least: {clause: "2", value: PT}
abuse_types:
  abuse: {categories: ["*"], breaches: "1"}
rules:
  - id: strike
    clause: "2"
    says: Everything counts.
    on: report
    needs: authentic
    then: [{strike: true}]
  - id: suspend
    clause: "2"
    says: The second strike suspends.
    on: strike
    when: strikes >= least
    versions: [first]
    then: [{measure: suspendd}, {notify: customer, via: [fax], template: x}]
"""


def test_all_faults_that_the_loader_sees_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text(ALL_AT_ONCE, encoding="utf-8")
    found = [str(one).removeprefix(f"{tmp_path}/pack.yaml:").split("; ")[0] for one in lint(str(tmp_path))]
    assert found == [
        "1:1: error: the pack lacks the key 'counting'",
        "3:1: error: the pack has no key 'colour'",
        "4:11: error: the currency 'eur' must be three capital letters such as USD",
        "5:30: error: 'soon' is no date",
        "5:89: error: there is no clause '8'",
        "8:8: error: the clause '2' lacks the key 'text'",
        "12:3: error: the key 'occurrence_window' is given twice, first in line 11",
        "13:31: error: 'PT' is no duration such as PT6H or P365D",
        "21:12: error: an assurance 'authentic' is unknown",
        "29:22: error: a measure 'suspendd' is unknown",
        "29:58: error: a way 'fax' is unknown",
    ]


def test_what_follows_from_another_fault_is_not_told(tmp_path: Path) -> None:
    good = (BAD[0] / "pack.yaml").read_text(encoding="utf-8")
    (tmp_path / "notices/en").mkdir(parents=True)
    (tmp_path / "notices/en/complaint.txt").write_text("A\n\nB\n", encoding="utf-8")
    broken = good.replace("strikes_to_suspend: {clause:", "strikes_to_suspend: {claus:")
    (tmp_path / "pack.yaml").write_text(broken, encoding="utf-8")
    assert [one.text for one in lint(str(tmp_path))] == [
        "the parameter 'strikes_to_suspend' has no key 'claus'; did you mean 'clause'?"
    ]


def test_the_loader_raises_the_first_of_them(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text(ALL_AT_ONCE, encoding="utf-8")
    with pytest.raises(Problem, match=r"pack\.yaml:1:1: the pack lacks the key 'counting'; add it"):
        load_pack(str(tmp_path))


@pytest.mark.parametrize("text", ["a: [", "", "[1, 2]", "clauses: {}", "clauses: 3\nparameters: 4"])
def test_what_is_hardly_a_pack_is_refused_in_words(text: str, tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text(text, encoding="utf-8")
    assert all(one.level == "error" and one.place.startswith(f"{tmp_path}/pack.yaml:") for one in lint(str(tmp_path)))
    assert lint(str(tmp_path)) != []


def test_what_to_do_about_the_missing_date_is_said() -> None:
    [warning] = lint("scalibit")
    assert warning.level == "warning"
    assert "give the brand in_force_from, or write the date here" in warning.text


def test_a_fault_keeps_its_place_between_processes() -> None:
    fault = Fault("pack.yaml", 3, 1, "the key is unknown", "key")
    again = pickle.loads(pickle.dumps(Unfit(fault)))
    assert str(again) == "pack.yaml:3:1: the key is unknown"
    assert again.faults[0].word == "key"


def test_a_pack_that_was_mended_meanwhile_is_read_again(tmp_path: Path) -> None:
    shutil.copytree(next(one for one in BAD if one.name == "key_twice"), tmp_path / "pack")
    assert len(lint(str(tmp_path / "pack"))) == 1
    path = tmp_path / "pack/pack.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("currency: USD\n", ""), encoding="utf-8")
    assert lint(str(tmp_path / "pack")) == []
    path.write_text(path.read_text(encoding="utf-8").replace("then: [{review: unanswered}]", "then: []"))
    assert [one.text for one in lint_files(pack_files(tmp_path / "pack"))] == ["a rule orders at least one thing"]


EXAMPLE = pack_files(Path(__file__).parents[3] / "docs/how-to/example-pack")
TOKENS = re.findall(r"\w+|[^\w\s]|\s+", EXAMPLE["pack.yaml"].decode())
PLACES = st.integers(0, len(TOKENS) - 3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["drop", "double", "swap"]), PLACES, PLACES), min_size=1, max_size=3))
def test_whatever_is_done_to_its_text_it_answers_and_agrees_with_the_loader(edits: list[tuple[str, int, int]]) -> None:
    tokens = list(TOKENS)
    for what, first, second in edits:
        if what == "drop":
            del tokens[first]
        else:
            tokens[first], tokens[second] = tokens[second], tokens[first] if what == "swap" else tokens[second]
    files = {**EXAMPLE, "pack.yaml": "".join(tokens).encode()}
    found = [f"{one.place}: {one.text}" for one in lint_files(files)]
    refused = _refusal(files)
    assert refused is None or refused == found[0]


def _refusal(files: dict[str, bytes]) -> str | None:
    try:
        pack_from(files)
    except Problem as problem:
        return str(problem)
    return None
