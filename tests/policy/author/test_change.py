"""A pack changed by its values: only the lines that must change do, and the text reads back as it was meant."""

import difflib
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.policy.author.always import always
from abusedesk.policy.author.change import new_version, written
from abusedesk.policy.facts import Settings
from abusedesk.policy.pack import PACKS, Pack, load_pack
from abusedesk.problem import Problem

NEW_YEAR = datetime(2099, 1, 1, tzinfo=UTC)


def _text(name: str) -> str:
    return (PACKS / name / "pack.yaml").read_text()


def _read(text: str, name: str, folder: Path) -> Pack:
    shutil.copytree(PACKS / name, folder / name)
    (folder / name / "pack.yaml").write_text(text)
    return load_pack(str(folder / name))


def _lines_that_differ(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if line[:1] in "+-" and line[:3] not in {"+++", "---"}]


@pytest.mark.parametrize("name", ["jimcloud", "scalibit"])
def test_the_new_value_holds_from_its_date_and_the_old_one_before(name: str, tmp_path: Path) -> None:
    pack = _read(new_version(_text(name), NEW_YEAR, {"reply_period": "PT4H"}), name, tmp_path)
    old, new = pack.versions
    assert pack.terms(new, Settings()).duration("reply_period") == timedelta(hours=4)
    before = load_pack(name)
    assert pack.terms(old, Settings()).used == before.terms(before.versions[0], Settings()).used
    assert (new.id, new.since, new.clause) == ("2099-01-01", NEW_YEAR, before.versions[0].clause)


def test_only_the_lines_that_must_change_do() -> None:
    text = _text("jimcloud")
    changed = new_version(text, NEW_YEAR, {"reply_period": "PT4H"})
    assert _lines_that_differ(text, changed) == [
        '+  - {id: "2099-01-01", from: 2099-01-01T00:00:00Z, clause: "11"}',
        "-  reply_period: {clause: 8.b, values: {2022-06-07: PT6H}}",
        "+  reply_period: {clause: 8.b, values: {2022-06-07: PT6H, 2099-01-01: PT4H}}",
    ]


def test_a_value_without_a_date_keeps_holding_before(tmp_path: Path) -> None:
    pack = _read(new_version(_text("scalibit"), NEW_YEAR, {"limitation": '{"*": P90D}'}), "scalibit", tmp_path)
    lapses = [pack.terms(version, Settings()).lapse("spam") for version in pack.versions]
    assert lapses == [timedelta(days=365), timedelta(days=90)]


def test_a_clause_gets_other_words(tmp_path: Path) -> None:
    said = 'Reply "at once": within 4 hours # at most\n— 请回复 \\o/'
    pack = _read(new_version(_text("jimcloud"), NEW_YEAR, {}, {"8.b": said}), "jimcloud", tmp_path)
    assert pack.clause("jimcloud:8.b").text == 'Reply "at once": within 4 hours # at most — 请回复 \\o/'
    assert pack.clause("jimcloud:8.c").text == load_pack("jimcloud").clause("jimcloud:8.c").text


def test_a_second_change_follows_the_first(tmp_path: Path) -> None:
    once = new_version(_text("jimcloud"), NEW_YEAR, {"reply_period": "PT4H"})
    twice = new_version(once, NEW_YEAR + timedelta(days=30), {"reply_period": "PT2H", "spam_fine": '"30.00"'})
    pack = _read(twice, "jimcloud", tmp_path)
    hours = [pack.terms(version, Settings()).duration("reply_period") / timedelta(hours=1) for version in pack.versions]
    assert hours == [6, 4, 2]
    assert [pack.terms(version, Settings()).number("spam_fine") for version in pack.versions] == [2000, 2000, 3000]


def test_the_same_date_again_replaces_the_value_that_waited_for_it(tmp_path: Path) -> None:
    text = _text("jimcloud").replace(
        "values: {2022-06-07: PT6H}}\n  misses", "values: {2022-06-07: PT6H, 2099-01-01: PT5H}}\n  misses"
    )
    text = text.replace(
        "reply_period: {clause: 8.b, values: {2022-06-07: PT6H}}",
        "reply_period: {clause: 8.b, values: {2022-06-07: PT6H, 2099-01-01: PT5H}}",
    )
    assert "PT5H" in text
    pack = _read(new_version(text, NEW_YEAR, {"reply_period": "PT4H"}), "jimcloud", tmp_path)
    assert pack.terms(pack.versions[1], Settings()).duration("reply_period") == timedelta(hours=4)


BLOCK = """\
# A remark at the top.
versions:   # newest last
  - id: v1
    from: 2020-01-01
    clause: "1"   # why
  - id: v2
    from: 2021-01-01
    clause: "1"

parameters:
  period:
    clause: "1"
    values:
      2020-01-01: PT6H
      2021-01-01: PT5H   # since the spring
  counted: {clause: "1", value: 3}
  lapse:
    clause: "1"
    value:
      attack: P1D
      "*": never
rules:
  - id: a
    versions: [v2]
  - id: b
    versions:
      - v1
      - v2
  - id: c
    versions: [v1]
  - id: d
"""


def test_every_way_of_writing_is_kept() -> None:
    changed = new_version(BLOCK, NEW_YEAR, {"period": "PT4H", "counted": "4", "lapse": "{attack: P2D}"})
    expected = BLOCK
    for before, after in (
        ('    clause: "1"\n\n', '    clause: "1"\n  - {id: "2099-01-01", from: 2099-01-01T00:00:00Z, clause: "1"}\n\n'),
        ("the spring\n", "the spring\n      2099-01-01: PT4H\n"),
        ("value: 3}", "values: {1970-01-01: 3, 2099-01-01: 4}}"),
        (
            '    value:\n      attack: P1D\n      "*": never\n',
            '    values: {1970-01-01: {attack: P1D, "*": never}, 2099-01-01: {attack: P2D}}\n',
        ),
        ("[v2]", '[v2, "2099-01-01"]'),
        ("      - v2\n", '      - v2\n      - "2099-01-01"\n'),
    ):
        assert expected.count(before) == 1
        expected = expected.replace(before, after)
    assert changed == expected


@pytest.mark.parametrize(
    ("since", "values", "said"),
    [
        (datetime(2022, 6, 7, tzinfo=UTC), {"reply_period": "PT4H"}, "in force from 2022-06-07; a new one must begin"),
        (NEW_YEAR, {"no_such": "1"}, "no parameter 'no_such'"),
    ],
)
def test_what_cannot_be_is_refused_in_words(since: datetime, values: dict[str, str], said: str) -> None:
    with pytest.raises(Problem, match=said):
        new_version(_text("jimcloud"), since, values)


def test_a_value_for_a_later_date_stands_in_the_way() -> None:
    later = BLOCK.replace("2021-01-01: PT5H", "2021-01-01: PT5H\n      2100-01-01: PT1H")
    with pytest.raises(Problem, match="2100-01-01 already"):
        new_version(later, NEW_YEAR, {"period": "PT4H"})


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "versions: []"])
def test_what_is_no_pack_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="the pack"):
        new_version(text, NEW_YEAR, {})


@given(
    st.one_of(
        st.tuples(st.just("count"), st.integers(0, 10**6)),
        st.tuples(st.just("amount"), st.integers(0, 10**9)),
        st.tuples(st.just("duration"), st.integers(1, 10**8).map(lambda seconds: timedelta(seconds=seconds))),
        st.tuples(
            st.just("durations"),
            st.dictionaries(
                st.sampled_from(["attack", "spam", "*"]),
                st.none() | st.integers(1, 4000).map(lambda days: timedelta(days=days)),
                min_size=1,
            ),
        ),
    )
)
def test_what_is_written_is_read_back(one: tuple[str, object]) -> None:
    import yaml

    from abusedesk.policy.pack import parse_value

    kind, value = one
    read = yaml.load(written(kind, value), yaml.BaseLoader)  # type: ignore[arg-type]
    assert parse_value(kind, int(read) if kind == "count" else read) == value  # type: ignore[arg-type]


# ---------- as if it had always been so ----------


def test_the_newest_version_is_as_if_it_had_always_been(tmp_path: Path) -> None:
    changed = _read(new_version(_text("jimcloud"), NEW_YEAR, {"reply_period": "PT4H"}), "jimcloud", tmp_path)
    pack = always(changed)
    version = pack.version_at(datetime(2023, 1, 1, tzinfo=UTC), Settings())
    assert version is not None
    assert pack.terms(version, Settings()).duration("reply_period") == timedelta(hours=4)
    assert pack.terms(version, Settings()).duration("chain_period") == timedelta(hours=24)
    assert pack.version_at(datetime(2020, 1, 1, tzinfo=UTC), Settings()) is None
    assert pack.digest not in {changed.digest, load_pack("jimcloud").digest}


def test_the_operators_date_still_holds() -> None:
    began = datetime(2025, 1, 1, tzinfo=UTC)
    pack = always(load_pack("scalibit"))
    assert pack.version_at(began, Settings(in_force_from=began)) is not None
    assert pack.version_at(began, Settings()) is None
