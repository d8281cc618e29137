"""Which messages a worker takes in hand at once."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk import claim
from abusedesk.desk.claim import BATCH, LATELY, LEASE, _manageable, is_for_us
from abusedesk.desk.intake import process_messages
from abusedesk.desk.receive import Incoming, receive_many
from abusedesk.records.models import Message, MessageSeen
from tests.desk.estate import NOW, complaint, provider, with_addresses


@given(st.lists(st.tuples(st.integers(0, 40 * 2**20), st.integers(1, 5)), min_size=1, max_size=30))
def test_a_batch_is_bounded_and_never_empty_and_begins_with_the_oldest(rows: list[tuple[int, int]]) -> None:
    found = {uuid.UUID(int=number): row for number, row in enumerate(rows)}
    kept = _manageable(found)
    assert list(found)[: len(kept)] == [one for one in found if one in kept]
    assert kept
    assert len(kept) == 1 or all(found[one][1] == 1 for one in kept)
    sizes = [found[one][0] for one in found if one in kept]
    assert sum(sizes[:-1]) < claim.BATCH_BYTES


@pytest.mark.django_db
def test_large_messages_are_taken_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with_addresses(provider())
    receive_many([Incoming(complaint(note=str(number)), "mail", NOW) for number in range(5)])
    monkeypatch.setattr(claim, "BATCH_BYTES", len(complaint(note="1")) + 1)
    assert [process_messages(NOW) for _ in range(4)] == [2, 2, 1, 0]
    assert set(MessageSeen.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.django_db
def test_what_broke_off_before_is_read_alone() -> None:
    with_addresses(provider())
    receive_many([Incoming(complaint(note=str(number)), "mail", NOW) for number in range(3)])
    MessageSeen.objects.update(attempts=1)
    assert [process_messages(NOW) for _ in range(4)] == [1, 1, 1, 0]
    assert set(Message.objects.filter(received_at=NOW).values_list("outcome", flat=True)) == {"reported"}


@pytest.mark.django_db
def test_a_few_are_left_to_whoever_began_to_read_just_now_and_a_whole_batch_is_not() -> None:
    with_addresses(provider())
    assert not is_for_us(NOW)
    receive_many([Incoming(complaint(note=str(number)), "mail", NOW) for number in range(3)])
    assert is_for_us(NOW)
    assert len(claim.claim(NOW, 1)) == 1
    assert [is_for_us(NOW), is_for_us(NOW + LATELY)] == [False, True]
    receive_many([Incoming(complaint(note=f"more {number}"), "mail", NOW) for number in range(BATCH)])
    assert is_for_us(NOW)
    assert is_for_us(NOW + LEASE)
