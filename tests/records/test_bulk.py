"""Many rows at once, and what a table can hold."""

from hypothesis import given
from hypothesis import strategies as st

from abusedesk.records.bulk import storable_value

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_no_text_however_deep_keeps_a_zero_byte_and_nothing_else_changes(value: object) -> None:
    kept = storable_value(value)
    assert "\\x00" not in repr(kept)
    if "\\x00" not in repr(value):
        assert kept == value
