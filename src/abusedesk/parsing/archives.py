"""Zip, gzip and mbox, opened without trusting what they claim: sizes, numbers and nesting are bounded."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator

MEMBERS = 2000
"""Documents of one archive that are read; the rest is left alone."""

MEMBER_LIMIT = 64 * 1024 * 1024
TOTAL_LIMIT = 256 * 1024 * 1024
NESTING = 3

_CHUNK = 1 << 16
_MBOX_FROM = re.compile(rb"^From [^\r\n]{1,200}(?:19|20)\d\d", re.MULTILINE)


def is_archive(data: bytes) -> bool:
    """Whether the bytes are a zip or gzip file."""
    return data.startswith((b"PK\x03\x04", b"\x1f\x8b\x08"))


def members(data: bytes, name: str = "") -> Iterator[tuple[str, bytes]]:
    """The documents of an archive, archives in it opened too. What is damaged, encrypted or too large is left out."""
    budget = [TOTAL_LIMIT, MEMBERS]
    yield from _members(data, name, 1, budget)


def _members(data: bytes, name: str, depth: int, budget: list[int]) -> Iterator[tuple[str, bytes]]:
    opened = _zipped(data, budget) if data.startswith(b"PK") else _gzipped(data, name, budget)
    for member, content in opened:
        if not is_archive(content):
            yield member, content
        elif depth < NESTING:
            yield from _members(content, member, depth + 1, budget)


def _zipped(data: bytes, budget: list[int]) -> Iterator[tuple[str, bytes]]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        entries = [entry for entry in archive.infolist()[: budget[1]] if not entry.is_dir()]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, IndexError, EOFError):
        return
    for entry in entries:
        content = _unzipped(archive, entry, min(MEMBER_LIMIT, budget[0]))
        if content is not None:
            budget[0] -= len(content)
            budget[1] -= 1
            yield entry.filename, content


def _unzipped(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes | None:
    try:
        with archive.open(entry) as member:
            content = member.read(limit + 1)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, OSError, EOFError, ValueError):
        return None
    return content if len(content) <= limit else None


def _gzipped(data: bytes, name: str, budget: list[int]) -> Iterator[tuple[str, bytes]]:
    limit = min(MEMBER_LIMIT, budget[0])
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(data, limit + 1)
    except zlib.error:
        return
    if len(content) <= limit and budget[1] > 0:
        budget[0] -= len(content)
        budget[1] -= 1
        yield name.removesuffix(".gz"), content


def is_mbox(data: bytes) -> bool:
    """Whether the bytes are a mailbox of several mails."""
    return data.startswith(b"From ") and len(_starts(data, 2)) > 1


def mails(data: bytes) -> Iterator[bytes]:
    """The mails of a mailbox file, each without its `From ` line."""
    start: int | None = None
    for match in _boundaries(data):
        if start is not None:
            yield data[start : match.start()]
        start = data.find(b"\n", match.start()) + 1 or len(data)
    if start is not None:
        yield data[start:]


def last_mail(data: bytes) -> int:
    """Where the last mail of a mailbox file begins; 0 where there is no more than one."""
    return max((match.start() for match in _boundaries(data)), default=0)


def _starts(data: bytes, enough: int) -> list[int]:
    found = []
    for match in _boundaries(data):
        found.append(match.start())
        if len(found) >= enough:
            break
    return found


def _boundaries(data: bytes) -> Iterator[re.Match[bytes]]:
    """A `From ` line opens a mail at the start of the file or after an empty line; after a colon it is quoted."""
    for match in _MBOX_FROM.finditer(data):
        before = data[max(0, match.start() - 4) : match.start()]
        is_quoted = data[max(0, match.start() - 80) : match.start()].rstrip().endswith(b":")
        if match.start() == 0 or (before.endswith((b"\n\n", b"\n\r\n")) and not is_quoted):
            yield match
