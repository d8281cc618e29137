"""How grave a kind of alert is: the product's word, the brand's, and that of its office hours."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abusedesk.desk.oncall.kinds import KINDS, SEVERITIES, is_open, next_open, quiet_until, read_hours, severity_of

MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
NIGHT = MONDAY + timedelta(hours=12)
calmly = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
OFFICE = {"office_hours": "Mon-Fri 09:00-18:00 Europe/Berlin"}


@pytest.mark.parametrize(
    ("said", "at", "severity"),
    [
        (OFFICE, MONDAY, "tell"),
        (OFFICE, NIGHT, "page"),
        ({}, MONDAY, "page"),
        ({"office_hours": "always"}, MONDAY, "page"),
        (OFFICE | {"alerts": {"protected": "nothing"}}, NIGHT, "nothing"),
        (OFFICE | {"alerts": {"protected": "loud"}}, NIGHT, "page"),
    ],
)
def test_a_protected_proposal_pages_while_nobody_is_at_the_desk(
    said: dict[str, Any], at: datetime, severity: str
) -> None:
    assert severity_of("protected", said, at) == severity


@calmly
@given(st.sampled_from(sorted(KINDS)), st.datetimes(timezones=st.just(UTC)))
def test_every_kind_has_a_severity_at_any_time(kind: str, at: datetime) -> None:
    assert severity_of(kind, OFFICE, at.replace(year=2026, day=1)) in SEVERITIES


@pytest.mark.parametrize(
    ("text", "at", "open_"),
    [
        ("Mon-Fri 09:00-18:00", MONDAY, True),
        ("Tue,Thu 09:00-18:00", MONDAY, False),
        ("Sat-Mon 09:00-18:00", MONDAY, True),
        ("Sun 22:00-11:00", MONDAY, True),
        ("Mon 00:00-24:00", MONDAY.replace(hour=23, minute=59), True),
        ("Mon-Fri 09:00-18:00 Asia/Tokyo", MONDAY, False),
    ],
)
def test_office_hours_are_in_their_own_zone(text: str, at: datetime, open_: bool) -> None:
    assert is_open(read_hours(text), at) is open_


@calmly
@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(["Mon-Fri 09:00-18:00 Europe/Berlin", "Fri 22:00-06:00"]))
def test_the_office_opens_again_and_not_before(at: datetime, text: str) -> None:
    hours, at = read_hours(text), at.replace(year=2026, day=1)
    opens = next_open(hours, at)
    assert is_open(hours, opens)
    assert opens == at or not any(is_open(hours, at + step * (opens - at) / 7) for step in range(7))


@pytest.mark.parametrize(
    ("severity", "person", "said", "from_when"),
    [
        ("page", "ann", OFFICE, NIGHT),
        ("page", "ann", {}, NIGHT),
        ("tell", "ann", OFFICE, datetime(2026, 3, 3, 8, 0, tzinfo=UTC)),
        ("tell", "", OFFICE, datetime(2026, 3, 3, 8, 0, tzinfo=UTC)),
        ("tell", "", {}, NIGHT),
        ("tell", "ann", {}, None),
    ],
)
def test_that_it_is_over_wakes_only_whom_the_alert_might_wake(
    severity: str, person: str, said: dict[str, Any], from_when: datetime | None
) -> None:
    assert quiet_until(severity, person, said, NIGHT) == from_when


@pytest.mark.parametrize("text", ["", "9-18", "Mox 09:00-18:00", "Mon 09:00-25:00", "Mon 09:00-18:00 Mars/Base"])
def test_hours_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"office hours|days|time"):
        read_hours(text)
