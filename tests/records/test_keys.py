"""Keys of the API: what a secret looks like, and how a rate is counted."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from abusedesk.records import keys
from abusedesk.records.models import ApiKey

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def made(per_minute: int) -> ApiKey:
    return keys.make(keys.Wanted("watch", ["reports"], "watch@example.net", None, None, per_minute), "ann", NOW)[0]


def test_a_secret_is_recognised_by_its_shape() -> None:
    secret = keys.new_secret()
    assert re.fullmatch(keys.PATTERN, secret)
    assert keys.is_well_formed(secret)


@given(at=st.integers(10, 55), letter=st.sampled_from("0aZ"))
def test_a_mistyped_secret_is_known_without_the_database(at: int, letter: str) -> None:
    secret = keys.new_secret()
    wrong = secret[:at] + letter + secret[at + 1 :]
    assert keys.is_well_formed(wrong) == (wrong == secret)


@given(st.text())
def test_any_text_may_be_asked_about(text: str) -> None:
    assert not keys.is_well_formed(text)


def test_a_key_may_be_a_minute_ahead_and_is_then_told_how_long_to_wait(db: Any) -> None:
    key = made(per_minute=2)
    assert [keys.spend(key, NOW) for _ in range(4)] == [0, 0, 0, 30.0]
    assert keys.spend(key, NOW + timedelta(seconds=29)) == 1
    assert keys.spend(key, NOW + timedelta(seconds=30)) == 0


def test_a_batch_is_waited_for_afterwards(db: Any) -> None:
    key = made(per_minute=60)
    assert keys.spend(key, NOW) == 0
    keys.owe(key, 119)
    assert keys.spend(key, NOW) == 60
    assert keys.spend(key, NOW + timedelta(seconds=60)) == 0


def test_an_idle_key_saves_nothing_up(db: Any) -> None:
    key = made(per_minute=1)
    for _ in range(2):
        keys.spend(key, NOW)
    later = NOW + timedelta(days=1)
    assert [keys.spend(key, later) for _ in range(3)] == [0, 0, 60]
