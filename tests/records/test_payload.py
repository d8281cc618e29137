"""A message's bytes are readable by their own key, and by nothing once that is destroyed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk.receive import Incoming, receive
from abusedesk.records.models import Message, MessageKey
from abusedesk.records.payload import destroy, read_payload, seal, unseal


@given(st.binary(max_size=2000))
def test_what_was_sealed_is_unsealed_by_its_key_alone(data: bytes) -> None:
    key, payload = seal(data)
    other, _ = seal(data)
    assert unseal(key, payload) == data
    assert other != key
    with pytest.raises(ValueError, match="not encrypted under this key"):
        unseal(other, payload)


@given(st.binary(min_size=1, max_size=200), st.data())
def test_an_altered_payload_is_noticed(data: bytes, chosen: st.DataObject) -> None:
    key, payload = seal(data)
    place = chosen.draw(st.integers(0, len(payload) - 1))
    altered = payload[:place] + bytes([payload[place] ^ 1]) + payload[place + 1 :]
    with pytest.raises(ValueError, match="altered"):
        unseal(key, altered)


@pytest.mark.django_db
def test_what_was_destroyed_cannot_be_read_any_more() -> None:
    gone, kept = (receive(Incoming(data, "mail", datetime(2026, 3, 2, tzinfo=UTC))) for data in (b"gone", b"kept"))
    destroy([gone.message_id])
    message = Message.objects.get(pk=gone.message_id)
    assert read_payload(message) is None
    assert message.payload is None
    assert not MessageKey.objects.filter(pk=gone.message_id).exists()
    assert read_payload(Message.objects.get(pk=kept.message_id)) == b"kept"
