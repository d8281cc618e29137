"""How often the form may be used."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk.public_form.limits import ANONYMOUS, DAY, HOUR, MAILED, exceeded, mailbox_of, network_of


def test_so_many_and_no_more() -> None:
    assert exceeded(MAILED, {("unanswered", DAY): 2}) is None
    assert exceeded(MAILED, {("unanswered", DAY): 3}) == "mailbox"
    assert exceeded(MAILED, {("network", HOUR): 20}) == "network"
    assert exceeded(ANONYMOUS, {("anonymous", DAY): 3}) == "network"


@pytest.mark.parametrize("address", ["ann@example.com", "A.N.N@Example.com", "ann+x@example.com", "a.nn+1@example.com"])
def test_one_mailbox_is_one_however_it_is_written(address: str) -> None:
    assert mailbox_of(address) == "ann@example.com"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("nonsense", "unknown"),
        ("", "unknown"),
    ],
)
def test_an_address_counts_for_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


@given(
    st.dictionaries(st.tuples(st.sampled_from(["unanswered", "network", "brand"]), st.just(DAY)), st.integers(0, 50))
)
def test_more_uses_are_never_more_welcome(counted: dict[tuple[str, timedelta], int]) -> None:
    more = {key: number + 10 for key, number in counted.items()}
    if exceeded(MAILED, counted) is not None:
        assert exceeded(MAILED, more) is not None
