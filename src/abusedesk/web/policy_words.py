"""A policy in plain words: its values, when a rule is weighed, and what the rule orders."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from abusedesk.policy import rule as orders
from abusedesk.policy.pack import ParameterKind, Value
from abusedesk.vocabulary.duration import parse_duration
from abusedesk.vocabulary.measure import MEASURE_NOUN
from abusedesk.web import words

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
_MOMENT = {
    "opened": "when a service opens",
    "occurrence": "at each occurrence",
    "report": "at each report",
    "strike": "at each strike",
    "missed": "when a {kind} deadline is missed",
    "reply": "when the customer replies",
    "evidence": "when evidence is judged",
    "cost": "when a cost is recorded",
    "request": "when the customer asks to {kind}",
    "approved": "when it is approved to {kind}",
    "upstream": "when the upstream acts",
    "measure": "when a measure comes into force",
    "notice": "with each notice",
    "owed": "when a charge becomes owed",
}


class Ordered(NamedTuple):
    """One order of a rule in words, with the tone of what it does to a customer."""

    text: str
    tone: words.Tone = ""
    acts: bool = False
    """Whether it acts against a customer without a person."""


def span(length: timedelta) -> str:
    """A duration as people say it, exact: `6 hours`, `1 day 12 hours`."""
    left, parts = int(length.total_seconds()), []
    for unit, seconds in _UNITS:
        number, left = divmod(left, seconds)
        # A day and a half is 36 hours to whoever writes policies; two days and less are counted in hours.
        if unit == "day" and (number < 2 or (left and number < 3)):
            left += number * seconds
            number = 0
        if number:
            parts.append(words.several(number, unit))
    return " ".join(parts) or "no time"


def read_span(text: str) -> timedelta:
    """A duration as people write it (`4 hours`, `1 day 12 hours`) or in ISO 8601 (`PT4H`). Raises ValueError."""
    if text.strip().upper().startswith("P"):
        return parse_duration(text.strip().upper())
    pieces, total = text.lower().replace(",", " ").replace(" and ", " ").split(), 0
    if not pieces or len(pieces) % 2:
        raise ValueError(f"“{text.strip()}” is no length of time; write for example 4 hours or 2 days")
    for number, unit in zip(pieces[::2], pieces[1::2], strict=True):
        seconds = next((size for name, size in _UNITS if unit in {name, f"{name}s"}), 0)
        if not number.isascii() or not number.isdigit() or not seconds:
            raise ValueError(f"“{text.strip()}” is no length of time; write for example 4 hours or 2 days")
        total += int(number[:9]) * seconds
    return timedelta(seconds=total)


def value(kind: ParameterKind, one: Value, currency: str = "") -> str:
    """A parameter's value: `6 hours`, `USD 20.00`, `3`, or one for each abuse type."""
    if isinstance(one, timedelta):
        return span(one)
    if isinstance(one, dict):
        return ", ".join(f"{_type(name)} {lapse(length)}" for name, length in one.items())
    return words.money(one, currency) if kind == "amount" else f"{one:,}"


def lapse(length: timedelta | None) -> str:
    """How long a strike counts."""
    return "for ever" if length is None else span(length)


def _type(name: str) -> str:
    return "every type" if name == "*" else words.plain(name)


def moment(one: orders.Rule) -> str:
    """When a rule is weighed, and for which reports."""
    kind = words.REQUEST.get(one.kind or "") or words.plain(one.kind or "")
    said = [_MOMENT[one.on].format(kind=kind)]
    if one.needs != "unverified":
        said.append(f"at least {one.needs}")
    if one.below:
        said.append(f"below {one.below}")
    return ", ".join(said)


def ordered(order: orders.Order, values: dict[str, str]) -> Ordered:
    """One order of a rule; `values` are the parameters in words."""
    return _ORDER[type(order)](order, values)


def _against(text: str, mode: str) -> Ordered:
    """What goes against a customer: by itself, or once a person approves."""
    return Ordered(f"{text}, if a person approves", "wait") if mode == "proposed" else Ordered(text, "late", acts=True)


def _measure(one: Any, values: dict[str, str]) -> Ordered:
    noun = words.sentence(words.measure(one.kind, port=one.port))
    length = f" for {values.get(one.expires, words.plain(one.expires))}" if one.expires else ""
    refund = "" if one.refund or one.kind not in {"suspend", "terminate", "shutdown"} else " without refund"
    return _against(f"{noun}{refund}{length}", one.mode)


_EACH = {"ip": " for each address", "occurrence": "", "request": " each time", "time": ""}


def _charge(one: Any, values: dict[str, str]) -> Ordered:
    amount = values.get(one.amount, "as stated")
    return _against(f"{words.sentence(words.item(one.item))} {amount}{_EACH.get(one.each, '')}", one.mode)


def _top_up(one: Any, values: dict[str, str]) -> Ordered:
    least, each = values.get(one.at_least, ""), values.get(one.per_event, "")
    text = f"{words.sentence(words.item(one.item))} at least {least}, or {each} for each event"
    return _against(text, one.mode)


def _within(one: Any, values: dict[str, str]) -> str:
    business = " of business days" if one.calendar == "business" else ""
    return f"within {values.get(one.within, '')}{business}"


def _deadline(one: Any, values: dict[str, str]) -> Ordered:
    return Ordered(f"{words.sentence(words.plain(one.name))} {_within(one, values)}")


def _notice(one: Any, _values: dict[str, str]) -> Ordered:
    return Ordered(f"Notice to {words.TO.get(one.to, one.to)}")


def _answer(one: Any, _values: dict[str, str]) -> Ordered:
    if one.answer == "needs_approval":
        return Ordered("A person answers", "wait")
    return Ordered(words.sentence(one.answer), "good" if one.answer == "granted" else "late")


def _lift(one: Any, _values: dict[str, str]) -> Ordered:
    return Ordered(f"Lifts {words.joined(MEASURE_NOUN[kind] for kind in one.kinds)}", "good")


_ORDER: dict[type[orders.Order], Callable[[Any, dict[str, str]], Ordered]] = {
    orders.MakeStrike: lambda _one, _v: Ordered("Strike", "late", acts=True),
    orders.AddPoints: lambda one, values: Ordered(f"Points added: {values.get(one.points, '')}", "late", acts=True),
    orders.SendNotice: _notice,
    orders.StartDeadline: _deadline,
    orders.ShortenDeadline: lambda one, _v: Ordered(f"Shortens the {words.plain(one.name)} deadline to the mandate"),
    orders.OrderMeasure: _measure,
    orders.MakeCharge: _charge,
    orders.TopUp: _top_up,
    orders.AddCost: lambda one, _v: Ordered(f"Added to the proposed {words.item(one.item)}", "wait"),
    orders.SetFlag: lambda one, _v: Ordered(f"Address marked: {words.plain(one.flag)}", "late", acts=True),
    orders.AskReview: lambda one, _v: Ordered(f"A person is asked: {words.review(one.reason).lower()}", "wait"),
    orders.GiveAnswer: _answer,
    orders.LiftMeasures: _lift,
    orders.Process: lambda _one, _v: Ordered("Counts as answered", "good"),
    orders.DropGround: lambda one, _v: Ordered(f"No longer bears the {MEASURE_NOUN[one.kind]}", "good"),
    orders.MarkService: lambda one, _v: Ordered(f"Service marked: {words.plain(one.mark)}"),
    orders.WithdrawCharges: lambda one, _v: Ordered(f"Withdraws proposed {words.item(one.item)}", "good"),
    orders.RecordUpstream: lambda _one, _v: Ordered("The upstream's measure is recorded"),
}
