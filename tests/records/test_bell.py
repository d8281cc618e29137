"""The bell wakes who waits, on a real connection, and only when the transaction commits."""

import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from abusedesk.records.bell import Bell, bell, ring

pytestmark = pytest.mark.django_db(transaction=True)

LONG = 20.0


@pytest.fixture
def listening() -> Iterator[Bell]:
    with bell("read") as one:
        one.wait(0.01, threading.Event())  # The first wait connects.
        yield one


def waited(one: Bell, seconds: float) -> float:
    started = time.monotonic()
    one.wait(seconds, threading.Event())
    return time.monotonic() - started


def test_a_ring_wakes(listening: Bell) -> None:
    ring()
    assert waited(listening, LONG) < LONG / 4


def test_the_ring_for_other_work_wakes_nobody(listening: Bell) -> None:
    ring("send", "drive")
    assert waited(listening, 0.2) >= 0.2
    ring("drive", "read")
    assert waited(listening, LONG) < LONG / 4


def test_without_a_ring_the_wait_ends_by_itself(listening: Bell) -> None:
    assert 0.2 <= waited(listening, 0.2) < LONG / 4


def test_what_is_rolled_back_wakes_nobody(listening: Bell) -> None:
    with transaction.atomic():
        ring()
        transaction.set_rollback(True)
    assert waited(listening, 0.2) >= 0.2


def test_a_lost_connection_is_a_plain_wait_and_then_made_anew(listening: Bell) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' AND datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert waited(listening, 0.2) >= 0.2
    listening.wait(0.01, threading.Event())
    ring()
    assert waited(listening, LONG) < LONG / 4
