"""S/MIME signatures taken apart, not verified: the mail inside an opaque one (RFC 8551 section 3.5.2), and who signed.

Cryptographic Message Syntax (RFC 5652) is read in DER or in BER with open lengths, as far as it is needed. Whether a
signature holds is judged where mail is judged, not here.
"""

from typing import NamedTuple

TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})

_SIGNED = bytes.fromhex("2a864886f70d010702")
_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
_SEQUENCE, _SET, _OBJECT, _OCTETS, _OCTET_PARTS, _CONTENT = 0x30, 0x31, 0x06, 0x04, 0x24, 0xA0
_DEPTH = 12
_SIGNERS = 3
_PARTS = 100_000


class Value(NamedTuple):
    """One tagged value: where its content begins and ends, and where the next value begins."""

    tag: int
    start: int
    end: int
    after: int


class Signer(NamedTuple):
    """One signature: its algorithms by object identifier (DER), what it covers, and its own bytes.

    `attributes` are the signed attributes as they were signed and `digest` the content's digest among them; both are
    None for a signature over the content itself (RFC 5652 section 5.4).
    """

    hashed_by: bytes
    signed_by: bytes
    attributes: bytes | None
    digest: bytes | None
    signature: bytes


def signers(data: bytes) -> list[Signer]:
    """The first few signatures in signed data; none where the data is no such thing."""
    try:
        fields = _signed_data(data)
        found = _values(data, fields[-1])[:_SIGNERS] if fields and fields[-1].tag == _SET else []
        return [_signer(data, one) for one in found]
    except (IndexError, ValueError):
        return []


def _signer(data: bytes, value: Value) -> Signer:
    _, _, hashed, *rest = _values(data, value)
    attributes = digest = None
    if rest[0].tag == _CONTENT:
        covered = rest.pop(0)
        attributes = _der(_SET, data[covered.start : covered.end])
        digest = _digest_in(data, covered)
    return Signer(_object_in(data, hashed), _object_in(data, rest[0]), attributes, digest, _octets(data, rest[1]))


def _digest_in(data: bytes, attributes: Value) -> bytes | None:
    for attribute in _values(data, attributes):
        kind, values = _values(data, attribute)[:2]
        if data[kind.start : kind.end] == _MESSAGE_DIGEST:
            return _octets(data, _values(data, values)[0])
    return None


def _object_in(data: bytes, algorithm: Value) -> bytes:
    first = _values(data, algorithm)[0]
    return data[first.start : first.end]


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    width = (size.bit_length() + 7) // 8
    return bytes([tag, 0x80 | width]) + size.to_bytes(width, "big") + content


def signed_content(data: bytes) -> bytes | None:
    """What was signed, or None where the data is no signed content with the content in it."""
    try:
        return _content(data)
    except (IndexError, ValueError):
        return None


def _signed_data(data: bytes) -> list[Value]:
    outer = _value(data, 0, len(data), 0)
    kind, wrapped = _values(data, outer)[:2]
    if outer.tag != _SEQUENCE or data[kind.start : kind.end] != _SIGNED or wrapped.tag != _CONTENT:
        return []
    return _values(data, _values(data, wrapped)[0])


def _content(data: bytes) -> bytes | None:
    fields = _signed_data(data)
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
