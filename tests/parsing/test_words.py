"""Anchors only spare work: with them and without them, the same is found."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.parsing import lexicon
from abusedesk.parsing.words import Vocabulary, anchors

LINES = [
    line.strip()
    for lines in (
        *(lines for _, _, lines in lexicon.CATEGORIES),
        lexicon.COMPLAINT,
        lexicon.DENIALS,
        lexicon.RETRACTIONS,
        lexicon.ANSWERS,
        *(lines for _, lines in (*lexicon.COPYRIGHT_NOTICE, *lexicon.DSA_NOTICE)),
    )
    for line in lines.splitlines()
    if line.strip()
]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("phish", ("phish",)),
        ("d?dos", ("dos",)),
        ("a{0,2}bcd", ("bcd",)),
        ("log-?in (?:attempt|attack)", ("log",)),
        ("(?:we|wir) (?:have )?(?:detect|observ)", ("detect", "observ")),
        ("one|other", ("one", "other")),
        (r"\bscann(?:ing|ed)\b", ("scann",)),
        ("[abc]{3}", ()),
        ("x(?:yz|)?", ()),
    ],
)
def test_anchor_is_what_every_match_holds(expression: str, expected: tuple[str, ...]) -> None:
    assert anchors(expression) == expected


def test_every_expression_compiles_and_is_in_lower_case() -> None:
    lines = {*LINES, *lexicon.SWORN.split("\n"), *lexicon.DSA.split("\n")}
    assert all(re.compile(line.strip()) for line in lines)
    assert [line for line in lines if re.search(r"(?<!\\)[A-Z]", line)] == []


@given(st.data())
def test_every_match_of_the_lexicon_holds_one_of_its_anchors(data: st.DataObject) -> None:
    line = data.draw(st.sampled_from(LINES))
    found = re.search(line, data.draw(st.from_regex(line)))
    if found:
        assert not anchors(line) or any(anchor in found.group() for anchor in anchors(line))


def test_different_pieces_are_counted_up_to_four() -> None:
    vocabulary = Vocabulary(("scan", "scan(?:s|ned)?\nprobe"), ("other", "never"))
    assert vocabulary.counts("scan scan probe") == {"scan": 2}
    assert vocabulary.counts("scan scans scanned probe scans") == {"scan": 4}
    assert vocabulary.occurs("a probe") == frozenset({"scan"})
