"""Pace: so many within a time, over all processes; and nobody is remembered for longer than that needs."""

from datetime import UTC, datetime, timedelta

import pytest

from abusedesk.records import pace
from abusedesk.records.models import Pace

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_so_many_may_come_within_the_time() -> None:
    assert [pace.spend("one", 2, HOUR, NOW) for _ in range(3)] == [True, True, False]
    assert pace.spend("one", 2, HOUR, NOW + HOUR)


def test_who_came_is_forgotten_after_a_day() -> None:
    pace.spend("one", 2, HOUR, NOW)
    pace.forget(NOW + HOUR)
    assert Pace.objects.count() == 1
    pace.forget(NOW + HOUR + pace.KEPT)
    assert Pace.objects.count() == 0
