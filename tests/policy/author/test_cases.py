"""Cases of packs: those that come with the product pass, and a wrong expectation is found and said in words."""

import json
from itertools import permutations
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.cli.policy import run
from abusedesk.policy.author.cases import CaseResult, run_cases, run_file, run_text, unmatched
from abusedesk.policy.pack import PACKS, load_pack

DOCS = Path(__file__).parents[3] / "docs"
SHIPPED = sorted((*PACKS.glob("*/cases/*.yaml"), *DOCS.glob("how-to/*/cases/*.yaml")))

STORY = """\
name: A port scan
clauses: [jimcloud:1.a]
policy: ../
world:
  customers:
    - {id: lina, since: 2023-02-01T00:00:00Z}
  services:
    - {id: web, customer: lina, type: vps, since: 2023-02-01T00:00:00Z}
  assignments:
    - {prefix: 203.0.113.8/29, service: web, since: 2023-02-01T00:00:00Z}
timeline:
  - {at: 2024-05-06T08:00:00Z, report: {id: a, category: connection/port_scan, ips: [203.0.113.8, 203.0.113.9]}}
until: 2024-05-06T09:00:00Z
"""
SUSPENDED = "{effect: measure, measure: suspend, service: web, refund: true}"
FINED = '{effect: charge, item: fine, amount: "20.00"}'


@pytest.mark.parametrize("path", SHIPPED, ids=lambda one: f"{one.parent.parent.name}/{one.stem}")
def test_a_case_of_the_product_passes(path: Path) -> None:
    result = run_file(path, load_pack(str(path.parent.parent)))
    assert (result.fault, result.missing, result.unexpected) == (None, (), ())


def test_every_pack_of_the_product_has_cases_for_both_outcomes() -> None:
    for name in ("jimcloud", "scalibit"):
        text = "".join(path.read_text(encoding="utf-8") for path in SHIPPED if path.parent.parent.name == name)
        assert "expect_not:" in text
        assert "exactly:" in text
        assert len(run_cases(name)) >= 60


def tried(*parts: str) -> CaseResult:
    """The story with what is expected of it, played against JimCloud's pack."""
    return run_text(STORY + "\n".join(dedent(part) for part in parts) + "\n", Path("story.yaml"), load_pack("jimcloud"))


def expecting(*lines: str) -> str:
    return "\n".join(["expect:", *(f"  - {line}" for line in lines)])


def test_what_comes_as_expected_passes() -> None:
    result = tried("exactly: [measure, charge]", expecting(SUSPENDED, FINED, FINED))
    assert result.passed
    assert result.name == "A port scan"
    assert result.clauses == ("jimcloud:1.a",)


def test_what_is_missing_is_said_with_its_place_and_what_comes_nearest() -> None:
    result = tried(expecting("{effect: measure, measure: suspend, service: web, refund: false}"))
    assert not result.passed
    assert result.missing == (
        "story.yaml:15: missing: measure, suspend, service web, no refund; nearest: measure, suspend, service web, "
        "automatic, refund, by jimcloud:1.a, at 2024-05-06T08:00:00Z, which differs in refund",
    )


def test_a_kind_that_never_came_is_said() -> None:
    result = tried(expecting("{effect: flag, flag: no_unblock}"))
    assert result.missing == ("story.yaml:15: missing: flag, no_unblock; there is no flag at all",)


def test_each_expected_line_needs_an_effect_of_its_own() -> None:
    result = tried(expecting(FINED, FINED, FINED))
    assert len(result.missing) == 1
    assert "which meets another line" in result.missing[0]


def test_lines_are_matched_so_that_as_many_as_possible_find_an_effect() -> None:
    """The wide line comes first and could take what only the narrow one can use."""
    narrow = "{effect: charge, item: fine, ip: 203.0.113.8}"
    result = tried("exactly: [charge]", expecting(FINED, narrow))
    assert result.passed


def test_an_effect_beyond_the_exact_ones_is_unexpected() -> None:
    result = tried("exactly: [charge]", expecting("{effect: charge, ip: 203.0.113.8}"))
    assert result.missing == ()
    assert result.unexpected == (
        "story.yaml:14: not expected: charge, fine, service web, ip 203.0.113.9, 20.00, USD, automatic, "
        "by jimcloud:1.a and jimcloud:1, at 2024-05-06T08:00:00Z",
    )


def test_effects_before_the_first_entry_are_never_surplus() -> None:
    """Port 25 is closed when the service opens, a year before."""
    result = tried("exactly: [measure]", expecting(SUSPENDED))
    assert result.passed


def test_what_must_not_happen_is_found() -> None:
    result = tried("expect_not:\n  - {effect: measure, measure: suspend}")
    assert len(result.unexpected) == 1
    assert "story.yaml:15: must not happen: measure, suspend; happened: measure, suspend" in result.unexpected[0]


def test_instants_are_compared_as_instants() -> None:
    result = tried(
        expecting("{at: 2024-05-06T10:00:00+02:00, effect: deadline, name: reply, due: 2024-05-06T14:00:00Z}")
    )
    assert result.passed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (expecting("{effect: mesure}"), "15:14: the effect 'mesure' is unknown; did you mean 'measure'?"),
        (expecting("{effect: strike, refund: true}"), "15:22: the effect strike has no key 'refund'"),
        (expecting("{effect: measure, measure: suspended}"), "did you mean 'suspend'?"),
        (expecting("{effect: measure, service: wed}"), "the service 'wed' is unknown; did you mean 'web'?"),
        (expecting('{effect: measure, clause: "jimcloud:1.z"}'), "the clause 'jimcloud:1.z' is unknown"),
        (expecting("{effect: notify, to: costumer}"), "did you mean 'customer'?"),
        (expecting("{at: noon, effect: notify}"), "'noon' is no instant; write for example 2026-02-02T12:00:00Z"),
        (
            expecting("{at: 2024-05-06 08:00, effect: notify}"),
            "has no time zone; write for example 2024-05-06T08:00:00Z",
        ),
        (expecting("{effect: measure, clause: 8.b}"), "stands in a case under its full id; write jimcloud:8.b"),
        (expecting("{effect: charge, amount: twenty}"), "an amount cannot be 'twenty'"),
        (expecting("{effect: strike, number: one}"), "number must be a whole number"),
        ("exactly: [mesure]", "the kind of effect 'mesure' is unknown"),
        ("exactly: []", "the case expects nothing, so it cannot fail"),
    ],
)
def test_a_typo_in_a_case_is_refused_with_its_place(text: str, words: str) -> None:
    result = tried(text)
    assert not result.passed
    assert result.fault is not None
    assert result.fault.startswith("story.yaml:")
    assert words in result.fault


@pytest.mark.parametrize(
    ("was", "becomes", "words"),
    [
        ("policy: ../", "policy: scalibit", "a case tries the pack that it stands in"),
        ("clauses: [jimcloud:1.a]\n", "", "the case names no clause"),
        ("clauses: [jimcloud:1.a]", "clauses: [jimcloud:1.z]", "the clause 'jimcloud:1.z' is unknown"),
        ("clauses: [jimcloud:1.a]", "clauses: [1.a]", "write jimcloud:1.a"),
    ],
)
def test_a_case_says_what_it_is_about(was: str, becomes: str, words: str) -> None:
    text = STORY.replace(was, becomes) + expecting(SUSPENDED)
    result = run_text(text, Path("story.yaml"), load_pack("jimcloud"))
    assert result.fault is not None
    assert words in result.fault


def test_a_matching_gives_up_only_when_no_other_would_do() -> None:
    fits = {"a": "12", "b": "1", "c": "3"}
    assert unmatched("abc", "123", lambda one, other: other in fits[one]) == []
    assert unmatched("ab", "1", lambda one, other: other in fits[one]) == ["b"]


@given(st.lists(st.sets(st.integers(0, 4)), max_size=5))
def test_no_matching_leaves_fewer_over(choices: list[set[int]]) -> None:
    """Each of the left may take what its set names; all orders of handing out are tried beside it."""
    left = range(len(choices))
    over = unmatched(left, range(5), lambda one, other: other in choices[one])
    most = max(
        sum(other in choices[one] for one, other in zip(left, order, strict=False)) for order in permutations(range(5))
    )
    assert len(choices) - len(over) == most


def own_pack(folder: Path, case: str) -> Path:
    """JimCloud's pack in a folder of one's own, with one case."""
    (folder / "cases").mkdir(parents=True)
    (folder / "notices").symlink_to(PACKS / "jimcloud" / "notices")
    (folder / "pack.yaml").write_bytes((PACKS / "jimcloud" / "pack.yaml").read_bytes())
    (folder / "cases" / "scan.yaml").write_text(STORY + case + "\n", encoding="utf-8")
    return folder


def test_the_command_names_the_case_and_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = own_pack(tmp_path / "mine", expecting(SUSPENDED, "{effect: flag, flag: no_unblock}"))
    assert run(["test", str(folder)]) == 1
    shown = capsys.readouterr().out
    assert "  FAIL  scan: A port scan\n" in shown
    assert "cases/scan.yaml:16: missing: flag, no_unblock; there is no flag at all" in shown
    assert shown.endswith("0 passed, 1 failed; `abusedesk simulate FILE` shows all that happens in one\n")


def test_the_command_says_it_all_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = own_pack(tmp_path / "mine", expecting(SUSPENDED))
    assert run(["test", str(folder), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["passed"], said["failed"]) == (1, 0)
    assert said["cases"][0]["name"] == "A port scan"


def test_a_pack_without_cases_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = own_pack(tmp_path / "mine", expecting(SUSPENDED))
    (folder / "cases" / "scan.yaml").unlink()
    assert run(["test", str(folder)]) == 1
    assert "has no cases; write its first in cases/*.yaml" in capsys.readouterr().err


def test_a_file_that_is_not_played_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = own_pack(tmp_path / "mine", expecting(SUSPENDED))
    (folder / "cases" / "more.yml").write_text("name: never read", encoding="utf-8")
    assert run(["test", str(folder)]) == 1
    assert "cases/more.yml is not played; a case is a file cases/NAME.yaml" in capsys.readouterr().err


def test_a_case_is_played_by_simulate_from_its_own_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from abusedesk.cli.simulate import run as simulate

    folder = own_pack(tmp_path / "mine", expecting(SUSPENDED))
    assert simulate([str(folder / "cases" / "scan.yaml")]) == 0
    assert "suspend, automatic, refund" in capsys.readouterr().out
