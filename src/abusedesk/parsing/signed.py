"""What of a mail was signed: a signature vouches for nothing that it does not cover.

A DKIM signature names the header fields it covers, and whoever passes the mail on may add or change others; an OpenPGP
or S/MIME signature covers a part of a mail. Each function here returns the mail without what nobody signed, so that it
can be read again and the two readings compared.
"""

import re
from collections import Counter
from collections.abc import Sequence
from email.parser import HeaderParser
from typing import NamedTuple

HEADER_LIMIT = 64 * 1024
PART_LIMIT = 8 * 1024 * 1024
"""Bytes of a signed part, above which no signature is tried."""

_END_OF_HEAD = re.compile(rb"(\r?\n)\r?\n")
_FIELD = re.compile(rb"[!-9;-~]{1,200}[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n?")
_SHAPES = frozenset({b"content-type", b"content-transfer-encoding", b"mime-version"})
_MARKERS = frozenset({b"x-arf", b"x-xarf", b"auto-submitted"})
_TELLING = frozenset({b"from", b"subject", b"date", b"to", b"return-path"}) | _SHAPES | _MARKERS
"""The fields that a reader of complaints looks at; others change nothing, signed or not."""

_BOUNDARY = re.compile(rb'boundary\s{0,4}=\s{0,4}(?:"([^"\r\n]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_DELIMITER = re.compile(rb"(?m)^--([^\r\n]{1,200}?)(?:--)?[ \t]*\r?$")
_CLEAR = re.compile(
    rb"-----BEGIN PGP SIGNED MESSAGE-----\r?\n.{1,8388608}?-----BEGIN PGP SIGNATURE-----\r?\n.{1,20000}?"
    rb"-----END PGP SIGNATURE-----",
    re.DOTALL,
)


class SignedPart(NamedTuple):
    """A part with its detached signature: exactly the bytes signed (lines end in CR LF), and the signature's own."""

    kind: str
    content: bytes
    signature: bytes


def as_signed(data: bytes, covered: Sequence[str]) -> bytes | None:
    """The mail with those header fields only that are `covered` (the last first, RFC 6376 section 5.4.2).

    The mail itself where nothing that tells of a complaint is uncovered; None where who wrote it or how its body is
    built could have been changed. The fields that give the body its form may stand uncovered as long as the body shows
    no other form: some large senders do not sign them.
    """
    head, body = _halves(data)
    fields = [(field.partition(b":")[0].strip().lower(), field) for field in _FIELD.findall(head)]
    kept = _kept(fields, covered)
    dropped = {name for index, (name, _) in enumerate(fields) if index not in kept}
    count = Counter(name for name, _ in fields)
    if count[b"from"] != 1 or any(count[name] > 1 for name in _SHAPES):
        return None
    if b"content-type" in dropped and not _has_one_form(dict(fields)[b"content-type"], body):
        return None
    if not (dropped & _TELLING) - _SHAPES - _MARKERS:
        return data
    free = _SHAPES | _MARKERS
    return b"".join(one for index, (name, one) in enumerate(fields) if index in kept or name in free) + b"\r\n" + body


def _kept(fields: Sequence[tuple[bytes, bytes]], covered: Sequence[str]) -> set[int]:
    left = Counter(name.strip().lower().encode("ascii", "replace") for name in covered)
    kept: set[int] = set()
    for index in range(len(fields) - 1, -1, -1):
        name = fields[index][0]
        if left[name]:
            left[name] -= 1
            kept.add(index)
    return kept


def _has_one_form(content_type: bytes, body: bytes) -> bool:
    """Whether a body can be cut in no other way: by the first delimiter in it, or not at all."""
    boundary = _boundary(content_type)
    first = _DELIMITER.search(body)
    if boundary is None:
        return first is None or b"\n--" + first[1] + b"--" not in body
    return first is not None and first[1] == boundary


def _boundary(content_type: bytes) -> bytes | None:
    found = _BOUNDARY.search(content_type)
    return None if found is None else (found[1] or found[2])


def _halves(data: bytes) -> tuple[bytes, bytes]:
    """The header block with its last line's end, and the body."""
    found = _END_OF_HEAD.search(data, 0, HEADER_LIMIT)
    return (data[: found.end(1)], data[found.end() :]) if found else (b"", data)


def signed_part(data: bytes) -> SignedPart | None:
    """The part of a `multipart/signed` mail (RFC 1847) with its signature; None where it is no such mail."""
    head, body = _halves(data)
    if b"multipart/signed" not in head.lower() or len(body) > PART_LIMIT:
        return None
    declared = HeaderParser().parsestr(head.decode("ascii", "replace"))
    boundary = declared.get_boundary("")
    if declared.get_content_type() != "multipart/signed" or not boundary:
        return None
    pieces = re.split(rb"(?:^|\r?\n)--" + re.escape(boundary.encode()) + rb"(?:--)?[ \t]*(?:\r?\n|$)", body, maxsplit=4)
    if len(pieces) != 4:
        return None
    kind = str(declared.get_param("protocol") or "").lower()
    return SignedPart(kind, _canonical(pieces[1]), pieces[2])


def clear_signed(data: bytes) -> bytes | None:
    """The first clear-signed block of a mail (RFC 9580 section 7), its frame included; None where there is none."""
    if b"-----BEGIN PGP SIGNED MESSAGE-----" not in data or len(data) > PART_LIMIT:
        return None
    found = _CLEAR.search(data)
    return None if found is None else found[0]


def _canonical(part: bytes) -> bytes:
    return re.sub(rb"\r?\n", b"\r\n", part)
