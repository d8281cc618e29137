"""The mail inside an opaque S/MIME signature (RFC 8551 section 3.5.2): taken out, not verified.

Cryptographic Message Syntax (RFC 5652) is read as far as the signed content, in DER or in BER with open lengths. Who
signed is judged where mail is judged, not here.
"""

from typing import NamedTuple

TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})

_SIGNED = bytes.fromhex("2a864886f70d010702")
_SEQUENCE, _OBJECT, _OCTETS, _OCTET_PARTS, _CONTENT = 0x30, 0x06, 0x04, 0x24, 0xA0
_DEPTH = 12
_PARTS = 100_000


class Value(NamedTuple):
    """One tagged value: where its content begins and ends, and where the next value begins."""

    tag: int
    start: int
    end: int
    after: int


def signed_content(data: bytes) -> bytes | None:
    """What was signed, or None where the data is no signed content with the content in it."""
    try:
        return _content(data)
    except (IndexError, ValueError):
        return None


def _content(data: bytes) -> bytes | None:
    outer = _value(data, 0, len(data), 0)
    kind, wrapped = _values(data, outer)[:2]
    if outer.tag != _SEQUENCE or data[kind.start : kind.end] != _SIGNED or wrapped.tag != _CONTENT:
        return None
    fields = _values(data, _values(data, wrapped)[0])
    encapsulated = next((one for one in fields if one.tag == _SEQUENCE), None)
    if encapsulated is None:
        return None
    inner = [one for one in _values(data, encapsulated) if one.tag == _CONTENT]
    return b"".join(_octets(data, one) for one in _values(data, inner[0])) if inner else None


def _octets(data: bytes, value: Value) -> bytes:
    if value.tag == _OCTETS:
        return data[value.start : value.end]
    if value.tag == _OCTET_PARTS:
        return b"".join(data[one.start : one.end] for one in _values(data, value) if one.tag == _OCTETS)
    return b""


def _values(data: bytes, parent: Value) -> list[Value]:
    """The values inside another, in order."""
    found: list[Value] = []
    place = parent.start
    while place < parent.end and len(found) < _PARTS:
        value = _value(data, place, parent.end, 0)
        found.append(value)
        place = value.after
    return found


def _value(data: bytes, place: int, end: int, depth: int) -> Value:
    """The value at `place`. Raises ValueError or IndexError where there is none."""
    tag, length = data[place], data[place + 1]
    start = place + 2
    if length == 0x80:
        stop = _open_end(data, start, end, depth)
        return Value(tag, start, stop, stop + 2)
    if length > 0x80:
        width = length - 0x80
        if width > 4:
            raise ValueError("a length of more than four bytes")
        length = int.from_bytes(data[start : start + width], "big")
        start += width
    if start + length > end:
        raise ValueError("a value that is longer than what holds it")
    return Value(tag, start, start + length, start + length)


def _open_end(data: bytes, place: int, end: int, depth: int) -> int:
    """Where a value of open length ends: at two empty bytes after its last inner value."""
    if depth > _DEPTH:
        raise ValueError("nested too deep")
    for _ in range(_PARTS):
        if data[place : place + 2] == b"\x00\x00":
            return place
        place = _value(data, place, end, depth + 1).after
    raise ValueError("a value without its end")
