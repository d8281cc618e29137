"""What an inventory says, gathered, stored and read again."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.vocabulary.claims import (
    Claims,
    CustomerClaim,
    Fact,
    HoldingClaim,
    OwnClaim,
    ServiceClaim,
    UnreadClaim,
    gather,
    network_of,
    pack,
    prefix_of,
    unpack,
)

EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)

FACTS = st.lists(
    st.one_of(
        st.builds(CustomerClaim, st.sampled_from(["c1", "c2"]), st.text(max_size=5)),
        st.builds(ServiceClaim, st.sampled_from(["s1", "s2"])),
        st.builds(HoldingClaim, st.sampled_from(["192.0.2.1/32", "192.0.2.2/32"]), st.sampled_from(["s1", "s2"])),
        st.builds(OwnClaim, st.just("192.0.2.0/24")),
        st.builds(UnreadClaim, st.just("s1")),
    )
)


@given(FACTS)
def test_what_is_stored_is_what_was_said(facts: list[Fact]) -> None:
    claims = gather(facts)
    assert unpack(pack(claims)) == claims


def test_nothing_stored_is_nothing_said() -> None:
    assert unpack(None) == Claims()


def test_the_order_of_the_facts_does_not_matter() -> None:
    facts: list[Fact] = [
        ServiceClaim("s2"),
        ServiceClaim("s1"),
        HoldingClaim("192.0.2.1/32", "s1"),
        CustomerClaim("c1"),
    ]
    assert pack(gather(facts)) == pack(gather(facts[::-1]))


def test_of_two_beginnings_the_earlier_counts() -> None:
    facts: list[Fact] = [HoldingClaim("192.0.2.1/32", "s1", at) for at in (LATE, EARLY, None)]
    assert gather(facts).holdings == (HoldingClaim("192.0.2.1/32", "s1", EARLY),)


def test_what_is_too_long_is_cut() -> None:
    found = gather([CustomerClaim("c1", "x" * 300), ServiceClaim("s1", label="y\0" * 300)])
    assert len(found.customers[0].name) == 200
    assert found.services[0].label == "y" * 200


@pytest.mark.parametrize("text", ["jo@example.com, ann@example.com", "see notes", "jo@", "Jo <jo@example.com>"])
def test_what_is_no_mail_address_is_left_out(text: str) -> None:
    assert gather([CustomerClaim("c1", email=text)]).customers[0].email == ""


def test_a_ref_that_is_empty_names_nobody() -> None:
    assert gather([CustomerClaim(" "), ServiceClaim("")]) == Claims()


@pytest.mark.parametrize(
    ("text", "prefix"),
    [("192.0.2.10/24", "192.0.2.10/32"), ("2001:DB8::1/64", "2001:db8::1/128"), ("192.0.2.1", "192.0.2.1/32")],
)
def test_an_address_is_its_own_prefix(text: str, prefix: str) -> None:
    assert prefix_of(text) == prefix


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "::ffff:192.0.2.1", "192.0.2.9/24", "host"])
def test_what_nobody_can_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        network_of(text)
