"""The facts of a decision that stand in the tables."""

from datetime import timedelta

import pytest

from abusedesk.desk.decide import radius_of
from tests.desk.rows import HOUR, NOW, desk

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("span", [0, 10, 59, 60, 61, 200])
def test_the_automatic_measures_of_an_hour_are_counted_alike_however_long_a_batch_is(span: int) -> None:
    acme = desk()
    taken = [NOW + number * MINUTE for number in range(-130, 210, 10)]
    for at in taken:
        acme.measure(at=at, counts=True)
    acme.measure(at=NOW, counts=False)
    radius = radius_of(acme.brand.pk, NOW, NOW + span * MINUTE)
    without_end = radius_of(acme.brand.pk, NOW)
    for at in (NOW + minute * MINUTE for minute in range(0, span + 1, 5)):
        expected = sum(1 for one in taken if one <= at < one + HOUR)
        assert (radius.within_hour(at), without_end.within_hour(at)) == (expected, expected)


def test_in_a_flood_the_most_are_counted_by_the_database() -> None:
    acme = desk()
    for number in range(50):
        acme.measure(at=NOW - number * MINUTE, counts=True)
    radius = radius_of(acme.brand.pk, NOW, NOW + MINUTE)
    assert (radius.throughout, len(radius.taken)) == (50, 0)
