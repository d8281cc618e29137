"""How far a channel has been read, after absences of any length."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from abusedesk.channels.tide import AWAY, LONGEST_RETRY, Tide

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
BEAT = timedelta(seconds=5)


def test_a_channel_that_was_never_away_is_read_up_to_now() -> None:
    tide = Tide()
    assert tide.at(NOW, None) == NOW
    assert tide.at(NOW + BEAT, NOW) == NOW + BEAT


def test_a_short_silence_is_none() -> None:
    assert Tide().at(NOW + AWAY, NOW) == NOW + AWAY


@given(st.timedeltas(AWAY + timedelta(seconds=1), timedelta(days=30)))
def test_after_an_absence_the_watermark_waits_as_long_again_at_most_the_longest_retry(absence: timedelta) -> None:
    tide, back = Tide(), NOW + absence
    waits = min(absence, LONGEST_RETRY)

    assert tide.at(back, NOW) is None
    until = back + waits + AWAY
    moment = back
    while (moment := moment + AWAY / 2) < until:
        assert tide.at(moment, NOW) is None
    assert tide.at(until, NOW) == until


def test_the_database_may_be_away_as_well_as_we() -> None:
    tide = Tide()
    tide.at(NOW, None)
    assert tide.at(NOW + timedelta(minutes=5), NOW) is None
