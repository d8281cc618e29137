"""Public holidays of a pack: business days pass over them, and the author is told what is wrong with the list."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.policy.author.diff import diff
from abusedesk.policy.author.lint import lint_files
from abusedesk.policy.author.sheet import sheet
from abusedesk.policy.decide import decide
from abusedesk.policy.decision import SetDeadline
from abusedesk.policy.docket import Docket
from abusedesk.policy.facts import Facts
from abusedesk.policy.pack import pack_files, pack_from
from abusedesk.policy.stimulus import Report

FILES = pack_files(Path(__file__).parents[2] / "docs/how-to/example-pack")


LISTED = b'holidays:\n  clause: "3"\n  days: [2026-12-25, 2027-01-01]\n'
WITHOUT = FILES | {"pack.yaml": FILES["pack.yaml"].replace(LISTED, b"")}


def files(days: str) -> dict[str, bytes]:
    """The example with another list of holidays."""
    return WITHOUT | {"pack.yaml": WITHOUT["pack.yaml"] + f'\nholidays: {{clause: "3", days: {days}}}\n'.encode()}


def due(days: str | None, at: datetime) -> datetime:
    """When the answer to a complaint that comes at an instant is due; two business days are given."""
    pack = pack_from(files(days) if days is not None else WITHOUT)
    report = Report("r", "messaging/spam", ("192.0.2.1",), at)
    decision = decide(Docket("s1"), report, Facts("b", service="s1", customer="c1"), pack, at)
    (found,) = [one.due for one in decision.effects if isinstance(one, SetDeadline)]
    return found


@pytest.mark.parametrize(
    ("days", "begins", "ends"),
    [
        (None, "2026-12-24T10:00", "2026-12-28T10:00"),  # Thursday, over a weekend
        ("[2026-12-25]", "2026-12-24T10:00", "2026-12-29T10:00"),
        ("[2026-12-25, 2026-12-28]", "2026-12-24T10:00", "2026-12-30T10:00"),
        ("[2026-12-26]", "2026-12-24T10:00", "2026-12-28T10:00"),  # a Saturday is none anyway
        ("[2026-12-24]", "2026-12-24T10:00", "2026-12-29T10:00"),  # it begins on the next business day
    ],
)
def test_business_days_pass_over_holidays(days: str | None, begins: str, ends: str) -> None:
    at = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert due(days, at) == datetime.fromisoformat(ends).replace(tzinfo=UTC)


@given(st.sets(st.integers(0, 20), min_size=1, max_size=6), st.integers(0, 20 * 24))
def test_no_deadline_ends_on_a_holiday_or_sooner_for_one(offsets: set[int], hours: int) -> None:
    first = date(2026, 3, 2)
    held = sorted(first + timedelta(days=one) for one in offsets)
    at = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hours)
    ends = due(f"[{', '.join(map(str, held))}]", at)
    assert ends.date() not in held
    assert ends.weekday() < 5
    assert ends >= due(None, at)


def test_a_pack_with_holidays_is_without_a_fault() -> None:
    assert lint_files(files("[2026-12-25, 2027-01-01]")) == []


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ("[2026-13-01]", "'2026-13-01' is no date; write 2026-12-25"),
        ("[2026-12-25, 2026-12-25]", "2026-12-25 must come after 2026-12-25; list each holiday once"),
        ("[2027-01-01, 2026-12-25]", "2026-12-25 must come after 2027-01-01"),
        ("[]", "the list of holidays is empty"),
    ],
)
def test_a_wrong_list_is_refused_with_its_place(days: str, said: str) -> None:
    (found,) = lint_files(files(days))
    assert said in found.text
    line = files(days)["pack.yaml"].decode().splitlines()[int(found.place.split(":")[1]) - 1]
    assert line.startswith("holidays: ")


def test_holidays_that_nothing_heeds_are_a_fault() -> None:
    given = files("[2026-12-25]")
    given["pack.yaml"] = given["pack.yaml"].replace(b", calendar: business", b"")
    assert ["no deadline counts business days" in one.text for one in lint_files(given)] == [True]


def test_what_changes_is_said_day_by_day() -> None:
    before, after = pack_from(files("[2026-12-25]")), pack_from(files("[2027-01-01]"))
    told = [(one.clause, one.text) for one in diff(before, after)]
    assert told == [
        ("nordlicht:3", "2026-12-25 is no holiday any more"),
        ("nordlicht:3", "2027-01-01 is a holiday"),
    ]


def test_they_stand_among_the_values_of_their_clause() -> None:
    shown = sheet(pack_from(files("[2026-12-25]")), datetime(2026, 9, 1, tzinfo=UTC))
    (section,) = [one for one in shown.sections if one.short == "3"]
    assert ("public holidays", "2026-12-25") in {(one.label, one.text) for one in section.values}
