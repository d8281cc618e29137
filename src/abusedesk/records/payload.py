"""The bytes of a message, readable only by that message's own key.

AES-256-GCM (NIST SP 800-38D) under a key that encrypts nothing else, so the nonce may be constant. Destroying the key
makes the payload unreadable wherever a copy of it lies.
"""

import os
import uuid

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from abusedesk.records.models import Message, MessageKey

_NONCE = bytes(12)


def seal(data: bytes) -> tuple[bytes, bytes]:
    """A new key and the data encrypted under it."""
    key = os.urandom(32)
    return key, AESGCM(key).encrypt(_NONCE, data, None)


def unseal(key: bytes, payload: bytes) -> bytes:
    """The data again. Raises ValueError when key and payload do not belong together."""
    try:
        return AESGCM(key).decrypt(_NONCE, payload, None)
    except InvalidTag:
        raise ValueError("the payload was not encrypted under this key, or it was altered") from None


def read_payload(message: Message) -> bytes | None:
    """The bytes of a message, or None where its key was destroyed or its bytes were cleared."""
    key = MessageKey.objects.filter(pk=message.pk).first()
    if key is None or message.payload is None:
        return None
    return unseal(bytes(key.key), bytes(message.payload))


def destroy(message_ids: list[uuid.UUID]) -> None:
    """Destroys the keys of messages and clears what they were needed for."""
    MessageKey.objects.filter(pk__in=message_ids).delete()
    Message.objects.filter(pk__in=message_ids).update(payload=None)
