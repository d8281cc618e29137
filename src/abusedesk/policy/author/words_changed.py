"""A text compared with another word by word."""

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

_HAN = r"[\u2e80-\u9fff]"
_PIECE = re.compile(rf"\n|[^\S\n]+|{_HAN}|(?:(?!{_HAN})\w)+|[^\w\s]")
"""A word, a sign, a space, a line's end; Chinese has no spaces, so each of its characters is one."""

_CONTEXT = 40


class Piece(NamedTuple):
    """A stretch of text that stayed, went or came."""

    what: Literal["same", "gone", "new"]
    text: str


def words_changed(before: str, after: str) -> tuple[Piece, ...]:
    """The pieces from which either text can be put together: same and gone give `before`, same and new `after`."""
    old, new = _PIECE.findall(before), _PIECE.findall(after)
    return tuple(_joined(_pieces(old, new)))


def marked(pieces: Iterable[Piece]) -> str:
    """In one line: `within [-6-] {+4+} hours`; long stretches that stayed are cut short with …"""
    listed = list(pieces)
    last = len(listed) - 1
    parts = [_marked(one, first=place == 0, last=place == last) for place, one in enumerate(listed)]
    return "".join(parts)


def _pieces(old: list[str], new: list[str]) -> Iterator[Piece]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for operation, start, end, begin, stop in matcher.get_opcodes():
        if operation == "equal":
            yield Piece("same", "".join(old[start:end]))
            continue
        if end > start:
            yield Piece("gone", "".join(old[start:end]))
        if stop > begin:
            yield Piece("new", "".join(new[begin:stop]))


def _joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """A space alone between two changes belongs to both: one change of several words, not several of one."""
    gone = new = ""
    for piece in pieces:
        if piece.what == "same" and not (piece.text.isspace() and (gone or new)):
            yield from _flushed(gone, new)
            gone = new = ""
            yield piece
            continue
        gone += piece.text if piece.what in {"gone", "same"} else ""
        new += piece.text if piece.what in {"new", "same"} else ""
    yield from _flushed(gone, new)


def _flushed(gone: str, new: str) -> Iterator[Piece]:
    if gone:
        yield Piece("gone", gone)
    if new:
        yield Piece("new", new)


def _marked(piece: Piece, *, first: bool, last: bool) -> str:
    if piece.what == "gone":
        return f"[-{_flat(piece.text)}-]"
    if piece.what == "new":
        return f"{{+{_flat(piece.text)}+}}"
    return _cut(_flat(piece.text), first=first, last=last)


def _flat(text: str) -> str:
    """Line breaks as ⏎, so that one that came or went is seen."""
    return re.sub(r"[ \t]*\n", "⏎", text).replace("⏎", " ⏎ ") if "\n" in text else text


def _cut(text: str, *, first: bool, last: bool) -> str:
    if first and last:
        return text
    if first:
        return text if len(text) <= _CONTEXT else f"… {_from_word(text[-_CONTEXT:])}"
    if last:
        return text if len(text) <= _CONTEXT else f"{_to_word(text[:_CONTEXT])} …"
    return text if len(text) <= 2 * _CONTEXT else f"{_to_word(text[:_CONTEXT])} … {_from_word(text[-_CONTEXT:])}"


def _from_word(text: str) -> str:
    """From the first whole word on."""
    return text.partition(" ")[2] if " " in text.strip() else text


def _to_word(text: str) -> str:
    """Up to the last whole word."""
    return text.rpartition(" ")[0] if " " in text.strip() else text
