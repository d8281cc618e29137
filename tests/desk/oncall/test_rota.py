"""Who is on call: somebody always, one after the other, also when the clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abusedesk.desk.oncall.rota import StandIn, Turns, ahead, next_handover, number_of, on_call, read_stand_ins, written

calmly = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ZONES = ("UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo")
BERLIN = Turns(("ann", "ben", "eve"), date(2026, 3, 2), 0, 9, "Europe/Berlin")

instants = st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
rotas = st.builds(
    Turns,
    people=st.lists(st.sampled_from(("ann", "ben", "eve", "joe")), min_size=1, max_size=5).map(tuple),
    first=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    weekday=st.integers(0, 6),
    hour=st.integers(0, 23),
    zone=st.sampled_from(ZONES),
    stand_ins=st.lists(st.builds(StandIn, instants, instants, st.just("zoe")), max_size=3).map(tuple),
)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


@calmly
@given(rotas, instants)
def test_somebody_is_always_on_call(turns: Turns, at: datetime) -> None:
    assert on_call(turns, at) in {*turns.people, "zoe"}


@calmly
@given(rotas, instants, st.timedeltas(timedelta(), timedelta(days=20)))
def test_turns_never_go_back(turns: Turns, at: datetime, later: timedelta) -> None:
    assert number_of(turns, at) <= number_of(turns, at + later)


@calmly
@given(rotas, instants)
def test_a_turn_ends_at_its_handover_and_the_next_begins(turns: Turns, at: datetime) -> None:
    handover = next_handover(turns, at)
    assert at < handover <= at + timedelta(days=7, hours=2)
    assert number_of(turns, handover) == number_of(turns, at) + 1
    assert number_of(turns, handover - timedelta(seconds=1)) == number_of(turns, at)


@calmly
@given(rotas, st.lists(st.tuples(instants, st.timedeltas(timedelta(hours=1), timedelta(days=9))), max_size=4))
def test_stand_ins_are_read_as_they_were_written(turns: Turns, spans: list[tuple[datetime, timedelta]]) -> None:
    lines = "\n".join(f"{at:%Y-%m-%d %H:%M} to {at + long:%Y-%m-%d %H:%M} joe" for at, long in spans)
    assert written(read_stand_ins(lines, "UTC"), "UTC") == lines


@pytest.mark.parametrize(
    ("at", "who"),
    [
        ("2026-03-02T08:59", "eve"),
        ("2026-03-02T09:00", "ann"),
        ("2026-03-09T09:00", "ben"),
        # The clocks go forward on the 29th; the handover stays at nine.
        ("2026-03-30T08:59", "ann"),
        ("2026-03-30T09:00", "ben"),
    ],
)
def test_the_next_takes_over_at_the_hour_of_the_wall(at: str, who: str) -> None:
    assert on_call(BERLIN, berlin(at)) == who


def test_a_stand_in_holds_for_its_time_and_the_last_written_counts() -> None:
    lines = "2026-03-03 18:00 to 2026-03-05 09:00 joe\n2026-03-04 00:00 to 2026-03-04 12:00 eve"
    turns = BERLIN._replace(stand_ins=read_stand_ins(lines, "Europe/Berlin"))
    seen = [
        on_call(turns, berlin(f"2026-03-0{day}")) for day in ("3T17:59", "3T18:00", "4T06:00", "4T12:00", "5T09:00")
    ]
    assert seen == ["ann", "joe", "eve", "joe", "ann"]
    assert [who for _, who in ahead(turns, berlin("2026-03-03T12:00"), 1)] == ["ann", "joe", "eve", "joe", "ann", "ben"]


@pytest.mark.parametrize(
    "line", ["tomorrow ben", "2026-12-24 09:00 to 2026-12-27 09:00", "2026-12-27 09:00 to 2026-12-24 09:00 ben"]
)
def test_a_line_that_cannot_be_is_named(line: str) -> None:
    with pytest.raises(ValueError, match=line):
        read_stand_ins(line, "UTC")
