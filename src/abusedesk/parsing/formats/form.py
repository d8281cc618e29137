"""What was said on a form of this desk, the public's or the staff's own: a JSON document of our making.

Anybody may send one that looks like it; it is believed no more than the mail that brings it.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from abusedesk.parsing import hosts
from abusedesk.parsing.material import Format, Material, unreported
from abusedesk.vocabulary.category import CATEGORIES
from abusedesk.vocabulary.report import Event, Notice, Reading, Report

NAME = "form"
MOST = 100
"""Places that one form names at most."""


class Attached(msgspec.Struct, frozen=True):
    """A file that was handed in: its name, the type that its browser said, and its bytes (base64 in the document)."""

    name: str
    type: str
    content: bytes


class Said(msgspec.Struct, frozen=True, kw_only=True, tag_field="abusedesk", tag="form/1"):
    """The document. `about` are addresses, host names and URLs; `email` is empty where the law lets it be."""

    category: str
    about: tuple[str, ...]
    email: str = ""
    name: str = ""
    reference: str = ""
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    description: str = ""
    evidence: str = ""
    notice: Notice | None = None
    files: tuple[Attached, ...] = ()


def written(said: Said) -> bytes:
    """The document as bytes."""
    return msgspec.json.format(msgspec.json.encode(said))


def said_in(data: bytes) -> Said | None:
    """What a document says; None where the bytes are none."""
    try:
        return msgspec.json.decode(data, type=Said) if b'"abusedesk"' in data[:200] else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def read(material: Material) -> Reading | None:
    """The reading of a form, or None where the bytes are none: a form is never part of a mail."""
    if material.message is not None or b'"abusedesk"' not in material.data[:200]:
        return None
    try:
        said = msgspec.json.decode(material.data, type=Said)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as flaw:
        return unreported("rejected", NAME, f"claims to be a form of this desk, but {flaw}"[:500])
    return _reading(said)


def _reading(said: Said) -> Reading:
    reporter = said.email.lower() or None
    if said.category not in CATEGORIES:
        return unreported("rejected", NAME, f"{said.category[:80]!r} is no category", reporter)
    events = tuple(event for one in said.about[:MOST] if (event := _event(one, said)) is not None)
    if not events:
        return unreported("needs_review", NAME, "no address or URL in it is plainly what it complains of", reporter)
    report = Report(NAME, reporter, events, said.reference or None, said.description[:500], said.notice)
    return Reading("reported", NAME, None, reporter, (report,))


def _event(about: str, said: Said) -> Event | None:
    source = hosts.source(about)
    if source is None:
        return None
    url = about.strip()[:2000] if "://" in about else None
    evidence = (said.evidence or said.description)[:500]
    return Event(said.category, source, None, url, said.occurred_at, evidence=evidence)


FORMAT = Format(NAME, 5, read)
