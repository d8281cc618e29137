"""Room on the disk: the last of it takes nothing in."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError

from abusedesk.desk.receive import Incoming, receive_many
from abusedesk.records import room
from abusedesk.records.models import Message
from tests.desk.estate import NOW, complaint, provider


@pytest.mark.django_db
def test_where_less_than_the_reserve_is_free_nothing_is_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    provider()
    monkeypatch.setattr(room, "RESERVE_MB", 10**9)
    with pytest.raises(OperationalError, match=r"only \d+ MB are free, and the last 1000000000 are kept; make room"):
        receive_many([Incoming(complaint(), "test", NOW)])
    assert not Message.objects.exists()


def test_a_database_of_the_operators_own_is_not_looked_after(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CONFIGURATION = replace(settings.CONFIGURATION, database_url="postgresql://desk@db.example.net/desk")
    monkeypatch.setattr(room, "RESERVE_MB", 10**9)
    room.must_be_left()
