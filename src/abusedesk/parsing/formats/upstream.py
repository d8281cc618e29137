"""What an upstream tells by program: a measure of its own, or a mandate: do this until then, or we act.

JSON of our own. A mandate that names an abuse category is a complaint as well; the time it leaves is then the report's.
Only what an upstream's key brought is read as such.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from abusedesk.parsing import hosts, instants
from abusedesk.parsing.formats.xarf4 import objects
from abusedesk.parsing.material import Format, Material, reported, unreported
from abusedesk.vocabulary.category import CATEGORIES
from abusedesk.vocabulary.duration import parse_duration
from abusedesk.vocabulary.report import Event, Reading

NAME = "upstream"

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Mandate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`do` what, `by` an instant or `within` a duration of the telling, `otherwise` what they do themselves."""

    do: Line
    by: str | None = None
    within: str | None = None
    otherwise: Line | None = None


class Word(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is told of one address: `action` with `state`, or a `mandate`, or both.

    `until` is when the upstream means to end its measure; it stands until `lifted` is told. `category`, `occurred_at`
    and `count` make a complaint of a mandate.
    """

    ip: str
    action: Literal["null_route", "block_port", "rate_limit", "suspend"] | None = None
    state: Literal["set", "lifted"] | None = None
    until: str | None = None
    mandate: Mandate | None = None
    category: str | None = None
    occurred_at: str | None = None
    count: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] = 1
    reference: Annotated[str, msgspec.Meta(max_length=200)] = ""
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""

    @property
    def address(self) -> str:
        """The address in its canonical form."""
        return hosts.address(self.ip) or self.ip

    def left(self, told_at: datetime) -> timedelta | None:
        """How long the mandate leaves from when it was told; None where there is none."""
        if self.mandate is None:
            return None
        by = instants.iso(self.mandate.by) if self.mandate.by else None
        return by - told_at if by else parse_duration(self.mandate.within or "PT0S")


def read(material: Material) -> Reading | None:
    """The reading of a document that is one such word and nothing else."""
    if material.data.lstrip()[:1] != b"{" or material.message is not None:
        return None
    found = objects(material.data)
    if len(found) != 1 or not is_word(found[0]):
        return None
    try:
        word = checked(found[0])
    except ValueError as flaw:
        return unreported("rejected", NAME, f"claims to be an upstream's, but {flaw}")
    return _reading(word)


def is_word(value: dict[str, Any]) -> bool:
    """Whether an object claims to be an upstream's word."""
    return "ip" in value and ("mandate" in value or {"action", "state"} <= value.keys())


def checked(value: dict[str, Any]) -> Word:
    """The word. Raises ValueError with the member that is wrong."""
    word = msgspec.convert(value, Word)
    if hosts.address(word.ip) is None:
        raise ValueError(f"ip {word.ip[:80]!r} is no address")
    if (word.action is None) != (word.state is None):
        raise ValueError("action and state come together")
    if word.action is None and word.mandate is None:
        raise ValueError("it tells neither an action with its state nor a mandate")
    for name, text in (("until", word.until), ("occurred_at", word.occurred_at)):
        if text is not None and instants.iso(text) is None:
            raise ValueError(f"{name} {text[:40]!r} is no ISO 8601 instant")
    if word.mandate is not None:
        _check_mandate(word.mandate)
    _check_complaint(word)
    return word


def _check_mandate(mandate: Mandate) -> None:
    if (mandate.by is None) == (mandate.within is None):
        raise ValueError("mandate has either by, an instant, or within, a duration")
    if mandate.by is not None and instants.iso(mandate.by) is None:
        raise ValueError(f"mandate has a by that is no ISO 8601 instant: {mandate.by[:40]!r}")
    if mandate.within is not None:
        try:
            parse_duration(mandate.within)
        except ValueError as error:
            raise ValueError(f"mandate has a within of which {error}") from None


def _check_complaint(word: Word) -> None:
    if word.category is None:
        return
    if word.category not in CATEGORIES:
        raise ValueError(f"category {word.category[:80]!r} is none of XARF's nor of this desk's own")
    if word.mandate is None or word.occurred_at is None:
        raise ValueError("category makes a complaint of a mandate: it wants mandate and occurred_at")


def _reading(word: Word) -> Reading:
    if word.category is None or word.mandate is None:
        reason = "an upstream tells of its own doing: it stands with the service, and with the duties where it asks"
        return unreported("not_a_report", NAME, reason)
    at = instants.iso(word.occurred_at or "")
    event = Event(word.category, word.address, occurred_at=at, count=word.count, evidence=word.note)
    reading = reported(NAME, None, [event], word.reference or None, word.mandate.do)
    by = instants.iso(word.mandate.by) if word.mandate.by else None
    within = parse_duration(word.mandate.within) if word.mandate.within else None
    report = msgspec.structs.replace(reading.reports[0], due_by=by, due_within=within)
    return msgspec.structs.replace(reading, reports=(report,))


FORMAT = Format(NAME, 16, read)
