"""What another policy would have made of the past, in words: the sums, and each difference on its own."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple, get_args

from abusedesk.policy.author.consequences import Consequence, Kind
from abusedesk.policy.author.whatif import Difference, Sum, WhatIf
from abusedesk.vocabulary.duration import plain_length
from abusedesk.vocabulary.measure import MEASURE_NOUN
from abusedesk.web import words

KINDS: dict[str, tuple[str, frozenset[Kind]]] = {
    "": (
        "What weighs",
        frozenset({"measure", "lift", "refund", "charge", "withdraw", "strike", "points", "annul", "flag"}),
    ),
    "measures": ("Measures", frozenset({"measure", "lift", "refund"})),
    "charges": ("Charges", frozenset({"charge", "withdraw"})),
    "strikes": ("Strikes", frozenset({"strike", "points", "annul"})),
    "people": ("Asked of people", frozenset({"review", "answer"})),
    "rest": ("Notices and deadlines", frozenset({"notice", "deadline"})),
    "all": ("Everything", frozenset(get_args(Kind))),
}
"""The filter chips: their word, and the kinds of consequences that they show. The first is shown unasked."""

_CHANGE: dict[str, tuple[str, words.Tone]] = {
    "gained": ("new", "late"),
    "lost": ("gone", "good"),
    "changed": ("otherwise", "wait"),
}
_RELIEF: frozenset[Kind] = frozenset({"lift", "withdraw", "annul"})
_HEADLINES = ("terminate", "suspend", "null_route", "shutdown", "block_port", "rate_limit")


class Said(NamedTuple):
    """One difference: whether it is new, gone or otherwise, what it is, and what it was before where it was."""

    change: str
    word: str
    tone: words.Tone
    text: str
    before: str
    at: datetime
    clauses: tuple[str, ...]


class Headline(NamedTuple):
    """A figure that a policy author looks at first: how many there would be, how many of them new, how many gone."""

    name: str
    before: int
    after: int
    gained: int
    lost: int


class MoneyLine(NamedTuple):
    """What would have been charged in all, in words."""

    name: str
    before: str
    after: str
    difference: str
    more: bool


class SumRow(NamedTuple):
    """One row of the sums in words; `differs` says how many are new, gone or otherwise."""

    name: str
    one: Sum
    differs: str


class Chip(NamedTuple):
    """One filter: its value, its word, and how many differences it shows."""

    value: str
    word: str
    number: int


def headlines(result: WhatIf) -> tuple[list[Headline], list[MoneyLine]]:
    """The measures that are taken or proposed, and the money, as far as they differ or matter most."""
    figures = [_headline(result, kind) for kind in _HEADLINES]
    shown = [one for one in figures if one.gained or one.lost or one.name in {"Terminations", "Suspensions"}]
    return shown, [_money(one.currency, one.mode, one.before, one.after) for one in result.money]


def sums(result: WhatIf) -> list[SumRow]:
    """The rows of the sums in which the two policies part."""
    return [SumRow(_row_name(one), one, _differs(one)) for one in result.sums if one.differs]


def _differs(one: Sum) -> str:
    counted = ((one.gained, "new"), (one.lost, "gone"), (one.changed, "otherwise"))
    return ", ".join(f"{number:,} {word}" for number, word in counted if number)


def kinds(result: WhatIf) -> list[Chip]:
    """The filters that would show something; the first of them always."""
    chips = [Chip(name, word, _number(result, of)) for name, (word, of) in KINDS.items()]
    return [chip for chip in chips if chip.number or not chip.value]


def is_of(one: Difference, kind: str) -> bool:
    """Whether a difference belongs to a filter."""
    return one.one.kind in KINDS.get(kind, KINDS[""])[1]


def said(one: Difference) -> Said:
    """A difference in words."""
    word, tone = _CHANGE[one.change]
    if one.one.kind in _RELIEF and one.change != "changed":
        tone = "good" if tone == "late" else "late"
    if one.one.kind in {"notice", "deadline", "review", "answer"} and one.change != "changed":
        tone = ""
    if one.before is None or one.after is None:
        return Said(one.change, word, tone, text(one.one), "", one.at, one.clauses)
    before, after = text(one.before), text(one.after)
    moved = _moved(one.before.at, one.after.at)
    if before == after:
        return Said(one.change, moved or word, tone, after, "", one.at, one.clauses)
    return Said(one.change, word, tone, f"{after}{f', {moved}' if moved else ''}", before, one.at, one.clauses)


def text(one: Consequence) -> str:
    """A consequence in words: `Suspension, automatic, without refund`."""
    return words.sentence(", ".join(part for part in _parts(one) if part))


def _parts(one: Consequence) -> tuple[str, ...]:
    measure = words.measure(one.what, port=one.port, ip=one.ip)
    if one.kind == "measure":
        return (measure, _mode(one.mode), one.detail)
    if one.kind == "refund":
        return (f"{measure} stands on", one.detail or "with another refund")
    if one.kind in {"charge", "withdraw"}:
        amount = words.money(one.amount, one.currency) if one.currency else ""
        item = MEASURE_NOUN.get(one.what) or words.item(one.what)
        name = f"{item}{f' of {amount}' if amount else ''}{f' for {one.ip}' if one.ip else ''}"
        return (f"{name} withdrawn",) if one.kind == "withdraw" else (name, _mode(one.mode), one.detail)
    return _REST[one.kind](one)


def _mode(mode: str) -> str:
    return {"proposed": "if a person approves"}.get(mode, words.plain(mode))


_REST: dict[str, Callable[[Consequence], tuple[str, ...]]] = {
    "lift": lambda one: (f"{words.measure(one.what, port=one.port, ip=one.ip)} lifted", one.detail),
    "strike": lambda one: (f"strike for {words.plain(one.what)}", one.detail),
    "points": lambda one: (f"points for {words.plain(one.what)}", one.detail),
    "annul": lambda one: (f"strike for {words.plain(one.what)} annulled",),
    "flag": lambda one: (f"{one.ip or 'address'} marked {words.plain(one.what)}",),
    "answer": lambda one: (
        f"request to {words.REQUEST.get(one.what) or words.plain(one.what)}: {words.plain(one.mode)}",
    ),
    "deadline": lambda one: (f"{words.plain(one.what)} deadline", _due(one.due)),
    "notice": lambda one: (f"notice to {words.TO.get(one.mode, one.mode)}: {words.plain(one.what)}",),
    "review": lambda one: (f"a person is asked: {words.review(one.what).lower()}", words.plain(one.detail)),
}


def _due(due: datetime | None) -> str:
    return f"due {words.instant(due)}" if due is not None else ""


def _moved(before: datetime, after: datetime) -> str:
    if before == after:
        return ""
    return f"{plain_length(after - before)} {'earlier' if after < before else 'later'}"


def _headline(result: WhatIf, kind: str) -> Headline:
    rows = [one for one in result.sums if one.kind == "measure" and one.what == kind]
    before, after = sum(one.before for one in rows), sum(one.after for one in rows)
    gained, lost = sum(one.gained for one in rows), sum(one.lost for one in rows)
    return Headline(words.sentence(f"{MEASURE_NOUN[kind]}s"), before, after, gained, lost)


def _money(currency: str, mode: str, before: int, after: int) -> MoneyLine:
    name = {"automatic": "Charged", "approved": "Charged on approval", "proposed": "Proposed to charge"}
    by = _large(abs(after - before), currency) if after != before else ""
    return MoneyLine(
        name.get(mode, words.sentence(words.plain(mode))),
        _large(before, currency),
        _large(after, currency),
        f"{by} {'more' if after > before else 'less'}" if by else "",
        after > before,
    )


def _large(minor: int, currency: str) -> str:
    sign = "-" if minor < 0 else ""
    return f"{currency} {sign}{abs(minor) // 100:,}.{abs(minor) % 100:02d}"


def _row_name(one: Sum) -> str:
    bare = Consequence(datetime.min.replace(tzinfo=UTC), one.kind, one.what, one.mode)
    return text(bare)


def _number(result: WhatIf, of: Iterable[Kind]) -> int:
    wanted = set(of)
    return sum(one.one.kind in wanted for one in result.differences)
