"""Machine reports handed over by a program, looked at before they are taken: what is wrong with each, and where.

The members are judged by the same readers as later in the intake, so that what is accepted here is understood there.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from abusedesk.parsing.formats import xarf3, xarf4
from abusedesk.parsing.read import read

SHOWN = 50
"""So many flaws of one document are named at most."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PATH = re.compile(r"(?P<what>.*) - at `\$(?P<path>[^`]*)`")
_LACKS = re.compile(r"missing required field `(?P<name>\w+)`")
_SEVERAL = re.compile(r" lacks (?P<names>\w+(?:, \w+)*)$")
_BYTE = re.compile(r"\(byte (?P<byte>\d+)\)")
_MEMBER = re.compile(r"\.(\w+)|\[(\d+)\]")


Check = Callable[[dict[str, Any]], object]
"""Raises ValueError, with the member that is wrong."""


class Flaw(NamedTuple):
    """What is wrong, and where: `pointer` is a JSON pointer into what was sent (RFC 6901), empty for the whole."""

    pointer: str
    detail: str


class Unreadable(ValueError):  # noqa: N818 - what was sent is so
    """What was sent is no JSON, or not what is taken; the text says where."""


class Sent(NamedTuple):
    """The documents that were sent, byte for byte, and whether they came as a list."""

    items: tuple[bytes, ...]
    is_list: bool


def split(body: bytes, most: int, *, lines: bool = False) -> Sent:
    """The documents of a body: one object, a list of them, or with `lines` one a line. Raises Unreadable."""
    body = body.removeprefix(_BYTE_ORDER_MARK)
    items = _lines(body) if lines else _elements(body)
    is_list = lines or body.lstrip()[:1] == b"["
    if not items:
        raise Unreadable("it holds no report")
    if len(items) > most:
        raise Unreadable(f"it holds {len(items):,} reports; at most {most:,} are taken at once")
    return Sent(items, is_list)


def flaws(sent: Sent, check: Check | None = None) -> list[Flaw]:
    """What is wrong with the documents that were sent, in their order: XARF reports, or what `check` raises about."""
    found: list[Flaw] = []
    for index, item in enumerate(sent.items):
        at = f"/{index}" if sent.is_list else ""
        found += [Flaw(at + pointer, detail) for pointer, detail in _flaws_of(item, check)]
        if len(found) >= SHOWN:
            break
    return found[:SHOWN]


def document(item: bytes) -> Any:
    """The value of a JSON document. Raises Unreadable."""
    try:
        return msgspec.json.decode(item)
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"it is no JSON: {_where(str(error), item)}") from None


def placed(error: ValueError, value: dict[str, Any]) -> list[Flaw]:
    """What a check of a document's members says, each with the member it speaks of."""
    text = str(error)
    at = _PATH.fullmatch(text)
    base = _pointer(at["path"]) if at else ""
    text = at["what"] if at else text
    lacking = _LACKS.search(text)
    if lacking:
        return [Flaw(f"{base}/{lacking['name']}", "it is missing")]
    several = _SEVERAL.search(text)
    if several:
        return [Flaw(_member(name, value), f"it is missing; {text}") for name in several["names"].split(", ")]
    return [Flaw(base or _member(text.split(" ", 1)[0], value, only_known=True), text)]


def _elements(body: bytes) -> tuple[bytes, ...]:
    if not body.strip():
        return ()
    try:
        if body.lstrip()[:1] != b"[":
            return (bytes(msgspec.json.decode(body, type=msgspec.Raw)),)
        return tuple(map(bytes, msgspec.json.decode(body, type=list[msgspec.Raw])))
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    except msgspec.DecodeError as error:
        raise Unreadable(f"it is no JSON: {_where(str(error), body)}") from None


def _lines(body: bytes) -> tuple[bytes, ...]:
    return tuple(line for line in body.splitlines() if line.strip())


def _flaws_of(item: bytes, check: Check | None) -> Sequence[Flaw]:
    try:
        value = document(item)
    except Unreadable as unreadable:
        return [Flaw("", str(unreadable))]
    if not isinstance(value, dict):
        return [Flaw("", "it is no JSON object")]
    if check is not None:
        return _flaws_by(check, value)
    return list(_flaws_of_claim(value)) or _flaws_of_reading(item)


def _flaws_by(check: Check, value: dict[str, Any]) -> list[Flaw]:
    try:
        check(value)
    except ValueError as error:
        return placed(error, value)
    return []


def _flaws_of_claim(value: dict[str, Any]) -> Iterator[Flaw]:
    try:
        if xarf4.is_claim(value):
            xarf4.checked(value)
        elif xarf3.is_claim(value):
            xarf3.checked(value)
        else:
            yield Flaw("", "it is neither XARF 4 (it has no xarf_version) nor XARF 3 (it has no ReporterInfo)")
    except ValueError as error:
        yield from placed(error, value)


def _flaws_of_reading(item: bytes) -> list[Flaw]:
    reading = read(item)
    return [] if reading.outcome == "reported" else [Flaw("", reading.reason or "it is not understood")]


def _where(text: str, body: bytes) -> str:
    """The error with the line and column of its byte."""
    found = _BYTE.search(text)
    what = text.removeprefix("JSON is malformed: ")
    if found is None:
        return what
    before = body[: int(found["byte"])]
    line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
    return f"{what[: what.rfind(' (byte')]} in line {line}, column {column}"


def _pointer(path: str) -> str:
    return "".join(f"/{name or index}" for name, index in _MEMBER.findall(path))


def _member(name: str, value: dict[str, Any], *, only_known: bool = False) -> str:
    """Where a member stands or belongs: version 3 keeps those of the complaint in `Report`."""
    inner = value.get("Report")
    if name in value:
        return f"/{name}"
    if isinstance(inner, dict) and (name in inner or not only_known):
        return f"/Report/{name}"
    return "" if only_known else f"/{name}"
