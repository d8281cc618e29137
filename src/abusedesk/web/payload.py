"""A message's own bytes, decrypted to be read by a person, and its subject as its writer meant it."""

from email.errors import HeaderParseError
from email.header import decode_header, make_header

from abusedesk.records.models import Message
from abusedesk.records.payload import read_payload

_LONGEST = 1000
"""The decoder of the standard library is quadratic in the number of encoded words."""


def text_of(message: Message) -> str | None:
    """The message as text, or None where its key is destroyed or its bytes were cleared."""
    data = read_payload(message)
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def subject_of(raw: str) -> str:
    """A subject with its encoded words (RFC 2047) read; one that is broken stays as it came."""
    if "=?" not in raw or len(raw) > _LONGEST:
        return raw
    try:
        return str(make_header(decode_header(raw)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        return raw
