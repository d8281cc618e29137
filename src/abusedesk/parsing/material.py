"""What a report format gets to look at: the bytes of one message, its mail if it is one, and its parts."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from abusedesk.parsing import archives, instants, mail, pages
from abusedesk.vocabulary.report import Event, Notice, Outcome, Reading, Report

TEXT_LIMIT = 256 * 1024
"""Characters of prose that are looked at: a complaint says what it is about long before."""

_DOCUMENT_LIMIT = 8_000_000
_ADDRESS = re.compile(r"[\w.+=/#$%&'*!?^`{|}~-]{1,128}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")


class Leaf(NamedTuple):
    """One document in a message: an attachment, a text, a member of an attached archive, or the bare file."""

    content_type: str
    name: str
    content: bytes
    text_type: str = ""

    @property
    def text(self) -> str:
        """The document as text, by its declared charset or the likeliest one; the first eight million bytes of it."""
        return mail.decode(_cut(self.content, _DOCUMENT_LIMIT), self.text_type)

    @property
    def words(self) -> str:
        """So much of the text as a person would read."""
        return mail.decode(_cut(self.content, TEXT_LIMIT), self.text_type)


class Material:
    """One message to be read. `name` is the file's name, where there is one; everything else comes from `data`."""

    def __init__(self, data: bytes, name: str = "") -> None:
        self.data = data
        self.name = name

    @cached_property
    def message(self) -> mail.Part | None:
        """The mail, or None where the bytes are no mail."""
        return mail.parse(self.data) if mail.is_mail(self.data) else None

    @cached_property
    def nodes(self) -> tuple[mail.Part, ...]:
        """Every part of the mail, containers too, in reading order."""
        return tuple(self.message.walk()) if self.message else ()

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """The documents of this message itself, in reading order; those of embedded mails are not among them."""
        if self.message is None:
            return tuple(_opened(Leaf(_guessed(self.data), self.name, self.data)))
        return tuple(leaf for part in _own_parts(self.message) for leaf in _opened(_leaf(part)))

    @cached_property
    def embedded(self) -> tuple[mail.Part, ...]:
        """The mails or header blocks that this mail carries, in reading order."""
        return tuple(part for part in map(_as_message, self.nodes[1:]) if part is not None)

    @cached_property
    def text(self) -> str:
        """The words of the message to a person: plain text, or HTML where there is nothing else."""
        plain = [leaf.words for leaf in self.leaves if leaf.content_type in {"text/plain", "text/markdown"}]
        words = "\n".join(plain)
        if words.strip():
            return words[:TEXT_LIMIT]
        seen = [pages.words(leaf.text) for leaf in self.leaves if leaf.content_type == "text/html"]
        return "\n".join(seen)[:TEXT_LIMIT]

    def field(self, name: str) -> str:
        """A header field of the mail, by its name in lower case; empty where there is none."""
        return self.message.first(name) if self.message else ""

    @property
    def subject(self) -> str:
        """The mail's subject, or an empty text."""
        return self.field("subject")

    @cached_property
    def sender(self) -> str | None:
        """The address that the mail says it is from, in lower case."""
        found = _ADDRESS.findall((self.field("from") or self.field("return-path"))[:1000])
        return found[-1].lower() if found else None

    @cached_property
    def date(self) -> datetime | None:
        """When the mail says it was sent."""
        return instants.rfc5322(self.field("date")) if self.field("date") else None


class Format(NamedTuple):
    """One report format. The one with the lowest priority that returns a reading has the last word.

    `read` returns None where the material is not of its format, and `rejected` where it claims to be and is not.
    """

    name: str
    priority: int
    read: Callable[[Material], Reading | None]


def reported(
    name: str,
    reporter: str | None,
    events: list[Event],
    reference: str | None = None,
    summary: str = "",
    *,
    notice: Notice | None = None,
) -> Reading:
    """A reading of one report with at least one event."""
    report = Report(name, reporter, tuple(events), reference, summary[:500], notice)
    return Reading("reported", name, None, reporter, (report,))


def unreported(
    outcome: Outcome, name: str, reason: str, reporter: str | None = None, found: list[Event] | None = None
) -> Reading:
    """A reading without a report, and why."""
    return Reading(outcome, name, reason, reporter, (), tuple(found or ()))


def _cut(content: bytes, limit: int) -> bytes:
    """The content up to the last line that ends within the limit, so that no character is cut in two."""
    if len(content) <= limit:
        return content
    return content[: content.rfind(b"\n", 0, limit) + 1 or limit]


def _own_parts(root: mail.Part) -> list[mail.Part]:
    """The leaves outside embedded mails."""
    found, stack = [], [root]
    while stack:
        part = stack.pop()
        if part.is_message:
            continue
        if part.children:
            stack.extend(reversed(part.children))
        else:
            found.append(part)
    return found


def _leaf(part: mail.Part) -> Leaf:
    return Leaf(part.content_type, part.filename, part.content, part.first("content-type"))


def _opened(leaf: Leaf) -> list[Leaf]:
    """The leaf itself, or the documents in it where it is an archive."""
    if not archives.is_archive(leaf.content):
        return [leaf]
    members = archives.members(leaf.content, leaf.name)
    return [Leaf(_guessed(content), name, content) for name, content in members] or [leaf]


def _guessed(content: bytes) -> str:
    head = content[:512].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \r\n\t").lower()
    if head.startswith((b"{", b"[")):
        return "application/json"
    if head.startswith((b"<!doctype html", b"<html")):
        return "text/html"
    if head.startswith(b"<?xml"):
        return "application/xml"
    return "application/octet-stream" if b"\x00" in content[:512] else "text/plain"


def _as_message(part: mail.Part) -> mail.Part | None:
    if part.content_type in {"message/rfc822", "message/global"}:
        if part.children:
            return part.children[0]
        return mail.parse(part.content) if part.content else None
    if part.content_type in {"text/rfc822-headers", "message/rfc822-headers", "text/rfc822"}:
        return mail.parse(part.content.lstrip() + b"\n\n")
    return None
