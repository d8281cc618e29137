"""The code of a notice is read however people type it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.vocabulary.proof_code import LENGTH, LETTERS, grouped, read

codes = st.text(LETTERS, min_size=LENGTH, max_size=LENGTH)


@given(codes)
def test_what_is_written_is_read(code: str) -> None:
    assert read(grouped(code)) == read(f" {grouped(code).lower()} ") == code


def test_letters_that_look_alike_are_one() -> None:
    assert read("o0Il 1lLi oOo0") == "001111110000"


@pytest.mark.parametrize("typed", ["", "7K3M-9QXA-02Z", "7K3M-9QXA-02ZTT", "7K3M-9QXA-02Z!", "7U3M-9QXA-02ZT"])
def test_what_can_be_none_is_none(typed: str) -> None:
    assert read(typed) == ""
