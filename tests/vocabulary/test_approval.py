"""What a brand says of its approvals, read and written."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abusedesk.vocabulary.approval import ANYBODY, SETTING, Terms, chains_in, lines_of, read_terms
from abusedesk.vocabulary.measure import MEASURES
from abusedesk.vocabulary.permission import GROUPS
from abusedesk.vocabulary.request import REQUESTS

_NEEDS = st.integers(1, 5).map(str) | st.lists(st.sampled_from(list(GROUPS)), min_size=1, max_size=5).map(", ".join)
_SUM = st.integers(0, 10**9).map(lambda minor: f"above {minor // 100}.{minor % 100:02d}")
_CHARGE = st.builds("charge {}{}".format, st.sampled_from(["", "fine ", "delisting_fee "]), _SUM)
_ABOUT = st.sampled_from([*MEASURES, *REQUESTS]) | _CHARGE
_LINES = st.lists(st.builds("{}: {}".format, _ABOUT, _NEEDS), max_size=6).map("\n".join)


def terms(**given: object) -> Terms:
    return read_terms({SETTING: given})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_LINES)
def test_chains_are_written_as_they_were_read(text: str) -> None:
    assert lines_of(read_terms({SETTING: {"chains": chains_in(text)}}).rules) == text


def test_where_nothing_is_said_one_person_answers_and_is_reminded_after_a_day() -> None:
    assert read_terms({}) == Terms(timedelta(hours=24), None, approvers_only=False, rules=())
    assert read_terms({}).steps("terminate", 0) == (ANYBODY,)


def test_the_longest_chain_counts() -> None:
    both = terms(chains=chains_in("charge above 100.00: 2\ncharge above 500.00: 3"))
    assert [len(both.steps("fine", minor)) for minor in (10_000, 10_001, 50_001)] == [1, 2, 3]


def test_a_name_and_a_sum_bind_together() -> None:
    both = terms(chains=chains_in("charge fine above 100.00: 3\ncharge above 500.00: 2"))
    asked = {name: [len(both.steps(name, minor)) for minor in (10_000, 10_001, 50_001)] for name in ("fine", "damages")}
    assert asked == {"fine": [1, 3, 3], "damages": [1, 1, 2]}
    assert len(both.steps("suspend", 0)) == 1


def test_durations_are_read() -> None:
    read = terms(remind_after="PT4H", expire_after="P14D", approvers_only=True)
    assert (read.remind_after, read.expire_after, read.approvers_only) == (timedelta(hours=4), timedelta(days=14), True)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("terminate", "is no chain; write"),
        ("explode: 2", "a chain cannot be for 'explode'"),
        ("terminate: nobody", "there is no group 'nobody'"),
        ("terminate: approvers,", "there is no group ''"),
        ("terminate: 0", "needs 1 to 5 people, not 0"),
        ("terminate: 99999999999", "needs 1 to 5 people"),
        ("charge above 1.234: 2", "is no amount"),
        ("charge fine: 2", "is no chain; write"),
        ("terminate above 5.00: 2", "is no chain; write"),
    ],
)
def test_what_cannot_be_meant_is_refused(line: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        chains_in(line)
