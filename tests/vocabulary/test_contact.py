"""In which order a customer's addresses are written to, and which of them may lie on a server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.vocabulary.contact import ROLES, Known, Reach, in_order, is_at

NAMES = st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){1,3}", fullmatch=True)
CONTACTS = st.builds(
    Known, st.sampled_from(ROLES), st.from_regex(r"[A-Za-z]{1,3}@example\.net", fullmatch=True), st.just(""),
    st.integers(0, 3),
)  # fmt: skip


def test_abuse_comes_first_then_technical_then_the_account_then_the_rest() -> None:
    known = [
        Known("billing", "money@example.net", "", 0),
        Known("technical", "noc@example.net", "de", 5),
        Known("abuse", "second@example.net", "", 2),
        Known("abuse", "first@example.net", "zh-Hans", 1),
    ]
    assert in_order("jo@example.net", known) == [
        Reach("first@example.net", "zh-Hans"),
        Reach("second@example.net"),
        Reach("noc@example.net", "de"),
        Reach("jo@example.net"),
        Reach("money@example.net"),
    ]


@given(st.lists(CONTACTS))
def test_everybody_is_written_to_once_however_they_are_spelt(known: list[Known]) -> None:
    found = [one.email.lower() for one in in_order("Jo@example.net", known)]
    assert len(found) == len(set(found))
    assert set(found) == {"jo@example.net", *(one.email.lower() for one in known)}


def test_no_address_at_all_is_none() -> None:
    assert in_order("", []) == []


@pytest.mark.parametrize(
    "email",
    [
        "jo@host.example.net", "jo@HOST.example.net.", "jo@mail.host.example.net", "jo@example.net", "jo@[192.0.2.1]",
        "jo@[IPv6:2001:db8::1]",
    ],
)  # fmt: skip
def test_a_mailbox_that_may_lie_on_the_server(email: str) -> None:
    assert is_at(email, ["host.example.net"], ["192.0.2.1", "2001:db8::1"])


@pytest.mark.parametrize(
    "email", ["jo@other.example.net", "jo@xhost.example.net", "jo@example.org", "jo@[192.0.2.2]", "jo@host.example.com"]
)
def test_a_mailbox_elsewhere(email: str) -> None:
    assert not is_at(email, ["host.example.net", ""], ["192.0.2.1"])


@given(NAMES, NAMES)
def test_a_name_below_or_above_counts_whatever_the_name(name: str, below: str) -> None:
    assert is_at(f"jo@{below}.{name}", [name], [])
    assert is_at(f"jo@{name}", [f"{below}.{name}"], [])
