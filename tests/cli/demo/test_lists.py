"""The demo's blocklist, asked as the desk asks any."""

from collections.abc import Iterator

import pytest
from django.utils import timezone

from abusedesk.cli.demo import lists
from abusedesk.cli.demo.lists import List
from abusedesk.desk.listings.asking import look
from abusedesk.desk.listings.places import Looked, place_of
from abusedesk.records.models import Channel, Listing

pytestmark = pytest.mark.django_db


@pytest.fixture
def listed() -> Iterator[List]:
    made = List()
    lists.set_up(made)
    yield made
    made.close()


def asked(*addresses: str) -> Looked:
    return look(place_of(Channel.objects.get(name=lists.CHANNEL)), addresses)


def test_it_answers_properly_and_lists_what_it_is_told(listed: List) -> None:
    listed.entries["192.0.2.7"] = "mail to spam traps"
    found = asked("192.0.2.7", "192.0.2.8", "203.0.113.65")
    assert found.wrong == ""
    assert [found.readings[one].codes for one in found.asked] == [("127.0.0.2",), (), ("127.0.0.10",)]
    assert found.texts == {"192.0.2.7": "mail to spam traps"}


def test_it_goes_on_with_what_it_said_last(listed: List) -> None:
    now, zone = timezone.now(), lists.ZONE
    Listing.objects.create(blocklist=zone, address="192.0.2.7", text="spam", seen_at=now, last_seen_at=now)
    Listing.objects.create(blocklist=zone, address="192.0.2.8", seen_at=now, last_seen_at=now, gone_at=now)
    assert not Channel.objects.get(name=lists.CHANNEL).enabled
    again = lists.answer()
    try:
        found = asked("192.0.2.7", "192.0.2.8")
    finally:
        again.close()
    assert [found.readings[one].state for one in found.asked] == ["listed", "clean"]
    assert Channel.objects.get(name=lists.CHANNEL).enabled
