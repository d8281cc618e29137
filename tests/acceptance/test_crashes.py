"""Kill a real worker at every step from a mail to its measure, start another: nothing is doubled, nothing missing."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any

import pytest

from abusedesk.records.models import BrandAddress, Measure, Message, Report
from tests.acceptance import turns
from tests.acceptance.house import (
    LATER,
    ONE_OF_EACH,
    House,
    assert_told_once,
    assert_whole,
    built,
    counted,
    service_of,
    stop,
)
from tests.desk.estate import known_reporter, signed_complaint
from tests.desk.rows import address_of

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def house(settings: Any) -> Iterator[House]:
    with built(settings) as one:
        yield one


def test_a_worker_killed_at_any_step_from_mail_to_measure_leaves_one_of_each(house: House) -> None:
    known_reporter("isp.example.net")
    for step in count(1):
        acme = service_of(f"acme{step}", house.outside)
        BrandAddress.objects.create(brand=acme.brand, address=f"abuse@{acme.brand.slug}.example")
        mail = signed_complaint("isp.example.net", ip=address_of(acme), to=f"abuse@{acme.brand.slug}.example")
        turn = partial(turns.take_and_perform, mail)
        died = house.dies(turn, NOON, at=step)
        turn(NOON + LATER)
        assert counted(acme) == ONE_OF_EACH, f"killed at step {step}"
        assert Report.objects.filter(brand=acme.brand).count() == 1
        assert Message.objects.filter(brand_id=acme.brand.pk).count() == 1
        assert_whole(acme)
        assert_told_once(house, acme)
        assert house.changes_of(acme) == ["apply"]
        assert Measure.objects.get(docket=acme.docket).state == "in_force"
        assert sorted(acme.docket.deadlines.values_list("name", "state")) == [("payment", "open"), ("reply", "open")]
        stop(acme)
        if not died:
            break
    assert step > 50
