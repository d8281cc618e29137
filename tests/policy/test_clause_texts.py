"""Clauses whose words change by date: each version has its own, and says nothing that it does not say yet."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from abusedesk.policy.author.back import reaches_back
from abusedesk.policy.author.diff import as_of, diff
from abusedesk.policy.author.lint import lint_files
from abusedesk.policy.author.sheet import sheet
from abusedesk.policy.facts import Settings
from abusedesk.policy.pack import Pack, pack_files, pack_from

FILES = pack_files(Path(__file__).parents[2] / "docs/how-to/example-pack")
PACK = FILES["pack.yaml"].decode()
JUNE, JULY = datetime(2026, 6, 30, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
OLD, NEW = (
    f"From the second breach on, while there are points, we charge a fee of {n}.00 EUR for each breach."
    for n in (25, 30)
)
WARNING = "    text: Whoever has no points is warned first. A warning costs nothing.\n"


def changed(was: str, now: str) -> dict[str, bytes]:
    """The example's files with one place of its pack changed."""
    assert PACK.count(was) == 1
    return {**FILES, "pack.yaml": PACK.replace(was, now).encode()}


def from_july(text: str) -> str:
    return f"    texts:\n      2026-07-01: {text}\n"


def said(pack: Pack, at: datetime) -> dict[str, str]:
    return {one.short: one.clause.text for one in sheet(pack, at).sections}


@pytest.mark.parametrize(("at", "words"), [(JUNE, OLD), (JULY, NEW)])
def test_a_policy_is_shown_in_the_words_of_its_day(at: datetime, words: str) -> None:
    assert said(pack_from(FILES), at)["4"] == words


def test_a_version_words_the_clauses_that_it_decides_by() -> None:
    pack = pack_from(FILES)
    assert [pack.clause_in("nordlicht:4", one).text for one in (*pack.versions, None)] == [OLD, NEW, NEW]


def test_a_clause_of_later_is_not_in_the_policy_of_before() -> None:
    pack = pack_from(changed(WARNING, from_july("Whoever has no points is warned.")))
    assert "2" not in said(pack, JUNE)
    assert said(pack, JULY)["2"] == "Whoever has no points is warned."
    (new,) = [one for one in diff(as_of(pack, JUNE), as_of(pack, JULY)) if one.clause == "nordlicht:2"]
    assert new.text == "a new clause: The first breach is a warning: “Whoever has no points is warned.”"


def test_what_is_worded_otherwise_is_told_from_its_date_on_and_reaches_nothing_back() -> None:
    before, after = (
        pack_from(FILES),
        pack_from(changed(f"2026-07-01: {NEW}", f"2026-07-01: {NEW.replace('each', 'every')}")),
    )
    (one,) = diff(before, after)
    assert str(one).startswith("4: the text from 2026-07-01 reads otherwise: ")
    assert reaches_back(before, after, Settings(), JULY) == []
    assert [str(one) for one in diff(before, before)] == []


def test_dates_given_to_words_that_stay_are_a_difference() -> None:
    after = pack_from(changed(WARNING, from_july("Whoever has no points is warned first. A warning costs nothing.")))
    (one,) = diff(pack_from(FILES), after)
    assert str(one) == "2: the clause is said from 2026-07-01 on instead of since ever"


TITLE = "    title: Fee\n"
RENAMED = "    titles:\n      2026-01-01: Fee\n      2026-07-01: Charge\n"


@pytest.mark.parametrize(("at", "title"), [(JUNE, "Fee"), (JULY, "Charge")])
def test_a_clause_is_called_as_the_version_calls_it(at: datetime, title: str) -> None:
    pack = pack_from(changed(TITLE, RENAMED))
    assert {one.short: one.clause.title for one in sheet(pack, at).sections}["4"] == title
    assert pack.clause_in("nordlicht:4", pack.version_at(at, Settings())).title == title
    assert lint_files(changed(TITLE, RENAMED)) == []


def test_another_title_is_told_from_its_date_on_and_reaches_nothing_back() -> None:
    before, after = pack_from(FILES), pack_from(changed(TITLE, RENAMED))
    assert [str(one) for one in diff(before, after)] == [
        "4: the title from 2026-07-01 reads otherwise: [-Fee-]{+Charge+}"
    ]
    assert next(str(one) for one in diff(as_of(after, JUNE), as_of(after, JULY)) if one.clause == "nordlicht:4") == (
        "4: the title reads otherwise: [-Fee-]{+Charge+}"
    )
    assert reaches_back(before, after, Settings(), JULY) == []


@pytest.mark.parametrize(
    ("was", "now", "finding"),
    [
        (WARNING, from_july("Be warned."), "the rule 'warning' holds in 2026-01, where nordlicht:2 is not said yet;"
         ' give it `versions: ["2026-07"]`, or the clause an earlier date'),
        (f"2026-07-01: {NEW}", f"2026-08-01: {NEW}", "no version begins on 2026-08-01, so these words of"),
        (f"2026-07-01: {NEW}", f"2026-07-01: {OLD}", "no text of its clause states 30.00, the value of 'fee'"),
        (f"2026-01-01: {OLD}", f"2026-01-01: {NEW}", "no text of its clause states 25.00, the value of 'fee'"),
        (f"2026-01-01: {OLD}", f"2026-09-01: {OLD}", "texts must follow each other in time; put the earlier one first"),
        (WARNING, f"{WARNING}{from_july('Be warned.')}", "the clause '2' has both a text and texts by date; keep one"),
        (WARNING, "    text:\n      2026-07-01: Be warned.\n", "text is one wording; several by"),
        (TITLE, TITLE + RENAMED, "the clause '4' has both a title and titles by date; keep one"),
        (TITLE, RENAMED.replace("-07-", "-08-"), "no version begins on 2026-08-01, so this title of '4' holds never"),
        (TITLE, "", "the clause '4' lacks the key 'title'; add it"),
    ],
)  # fmt: skip
def test_words_that_cannot_hold_are_found(was: str, now: str, finding: str) -> None:
    assert any(one.text.startswith(finding) for one in lint_files(changed(was, now))), lint_files(changed(was, now))
