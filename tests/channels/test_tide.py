"""How far a channel has been read, after absences of any length."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from abusedesk.channels.tide import AWAY, FIRST_RETRY, KNOWN, LONGEST_RETRY, Tide

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
BEAT = timedelta(seconds=5)


def test_a_channel_that_was_never_away_is_read_up_to_now() -> None:
    tide = Tide()
    assert tide.at(NOW, None) == NOW
    assert tide.at(NOW + BEAT, NOW) == NOW + BEAT


def test_a_short_silence_is_none() -> None:
    assert Tide().at(NOW + AWAY, NOW) == NOW + AWAY


@given(st.timedeltas(AWAY + timedelta(seconds=1), timedelta(days=30)))
def test_after_an_absence_the_watermark_waits_until_every_mail_server_has_come_again(absence: timedelta) -> None:
    tide, back = Tide(), NOW + absence
    until = back + min(max(absence, FIRST_RETRY), LONGEST_RETRY)

    moment = back
    while moment < until:
        assert tide.at(moment, NOW) is None
        moment += AWAY / 2
    assert tide.at(moment, NOW) == moment


def test_the_database_may_be_away_as_well_as_we() -> None:
    tide = Tide()
    tide.at(NOW, None)
    assert tide.at(NOW + timedelta(minutes=5), NOW) is None


def test_an_open_door_without_a_database_is_no_absence() -> None:
    """Whoever came meanwhile was refused, and is known."""
    tide = Tide()
    tide.at(NOW, None)
    for seconds in range(5, 60, 5):
        tide.still_here(NOW + timedelta(seconds=seconds))
    back = NOW + timedelta(minutes=1)
    assert tide.at(back, NOW) == back


def test_a_door_that_opens_without_a_database_has_been_absent() -> None:
    tide = Tide()
    tide.still_here(NOW + timedelta(minutes=5))
    assert tide.at(NOW + timedelta(minutes=5) + BEAT, NOW) is None


def test_the_watermark_waits_for_mail_that_was_refused_until_it_came() -> None:
    tide = Tide()
    tide.refused("a b", NOW)
    assert tide.at(NOW + BEAT, NOW) is None
    tide.came("another b")
    assert tide.at(NOW + 2 * BEAT, NOW) is None
    tide.came("a b")
    assert tide.at(NOW + 3 * BEAT, NOW) == NOW + 3 * BEAT


def test_two_mails_of_one_sender_are_waited_for_both() -> None:
    tide = Tide()
    tide.refused("a b", NOW)
    tide.refused("a b", NOW)
    tide.came("a b")
    assert tide.at(NOW + BEAT, NOW) is None
    tide.came("a b")
    assert tide.at(NOW + 2 * BEAT, NOW) is not None


def test_mail_that_never_comes_again_is_waited_for_as_long_as_any() -> None:
    tide = Tide()
    tide.refused("a b", NOW)
    moments = [NOW + AWAY / 2 * number for number in range(LONGEST_RETRY // (AWAY / 2) + 2)]
    marks = [tide.at(moment, NOW) for moment in moments]
    assert [mark is None for mark in marks] == [moment < NOW + LONGEST_RETRY for moment in moments]


def test_more_mails_than_can_be_told_apart_are_all_waited_for() -> None:
    tide = Tide()
    for number in range(KNOWN + 1):
        tide.refused(f"{number} b", NOW)
    for number in range(KNOWN + 1):
        tide.came(f"{number} b")
    assert tide.at(NOW + BEAT, NOW) is None


def test_somebody_who_was_turned_away_unknown_is_waited_for() -> None:
    tide = Tide()
    tide.turned_away(NOW)
    assert tide.at(NOW + BEAT, NOW) is None
