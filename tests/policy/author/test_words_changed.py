"""Two texts word by word: both can be put together again, and a line shows what matters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.policy.author.words_changed import Piece, marked, words_changed

TEXT = st.text(alphabet="ab 12,.\n请回复", max_size=60)


@given(TEXT, TEXT)
def test_both_texts_can_be_put_together_again(before: str, after: str) -> None:
    pieces = words_changed(before, after)
    assert "".join(one.text for one in pieces if one.what != "new") == before
    assert "".join(one.text for one in pieces if one.what != "gone") == after
    assert all(one.text for one in pieces)


@given(TEXT)
def test_a_text_that_stayed_is_one_piece(text: str) -> None:
    assert words_changed(text, text) == ((Piece("same", text),) if text else ())


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("within 6 hours", "within 4 hours", "within [-6-]{+4+} hours"),
        ("be paid", "be paid soon", "be paid{+ soon+}"),
        ("pay it at once", "pay within a day", "pay [-it at once-]{+within a day+}"),
        ("请在六小时内回复", "请在四小时内回复", "请在[-六-]{+四+}小时内回复"),
        ("one\ntwo\n", "one\n\ntwo\n", "one{+ ⏎ +} ⏎ two ⏎ "),
    ],
)
def test_the_line_marks_what_went_and_what_came(before: str, after: str, line: str) -> None:
    assert marked(words_changed(before, after)) == line


def test_long_stretches_that_stayed_are_cut_at_words() -> None:
    long = "word " * 40
    assert marked(words_changed(f"{long}old {long}", f"{long}new {long}")) == (
        f"… {'word ' * 7}[-old-]{{+new+}} {'word ' * 7}…"
    )
