"""Durations, values, orders and moments as a person says them, for whoever reads or compares packs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from abusedesk.policy.condition import Condition
from abusedesk.policy.pack import ParameterKind, Threshold, Value
from abusedesk.policy.rule import (
    AddCost,
    AddPoints,
    AskReview,
    Calendar,
    DropGround,
    GiveAnswer,
    LiftMeasures,
    MakeCharge,
    MakeStrike,
    MarkService,
    Order,
    OrderMeasure,
    Process,
    RecordUpstream,
    Rule,
    SendNotice,
    SetFlag,
    ShortenDeadline,
    StartDeadline,
    TopUp,
    WithdrawCharges,
)
from abusedesk.vocabulary.money import format_amount

_DAY = 86_400
_UNITS = (("day", _DAY), ("hour", 3600), ("minute", 60), ("second", 1))
FOR_EVER = "for ever"

MEASURE_WORDS = {
    "suspend": "suspension",
    "shutdown": "shutdown",
    "terminate": "termination",
    "block_port": "block of a port",
    "rate_limit": "rate limit",
    "null_route": "null-route",
}
"""Each measure as a noun."""

MOMENT_WORDS = {
    "opened": "when a service opens",
    "occurrence": "when a report opens an occurrence",
    "report": "for each report",
    "strike": "when an occurrence becomes a strike",
    "missed": "when a deadline is missed",
    "reply": "when the customer answers",
    "evidence": "when evidence was judged",
    "cost": "when a cost is recorded",
    "request": "when the customer asks",
    "approved": "when a request is approved",
    "upstream": "when the upstream acts",
    "measure": "when a measure comes into force",
    "notice": "when the customer is sent a notice",
    "owed": "when a charge becomes owed",
}
"""Each moment of a rule as a time."""


def named(name: str) -> str:
    """A name of a pack as words: `reply_period` is the reply period."""
    return name.replace("_", " ").replace("-", " ")


def duration(length: timedelta | None) -> str:
    """`4 hours`, `24 hours`, `2 days`, `1 day 6 hours`; None is for ever."""
    if length is None:
        return FOR_EVER
    seconds = int(length.total_seconds())
    if seconds == _DAY:
        return "24 hours"
    parts = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return " ".join(parts) or "0 seconds"


def value(kind: ParameterKind, given: Value, currency: str) -> str:
    """A parameter's value with its unit."""
    if isinstance(given, timedelta):
        return duration(given)
    if isinstance(given, dict):
        if given.keys() == {"*"}:
            return duration(given["*"])
        return ", ".join(f"{_lapse_of(name)} {duration(one)}" for name, one in given.items()) or "none"
    return f"{format_amount(given)} {currency}" if kind == "amount" else str(given)


def _lapse_of(name: str) -> str:
    return "every other" if name == "*" else named(name)


def threshold(one: Threshold) -> str:
    """What a threshold compares."""
    bound = "less than" if one.bound == "below" else "at most"
    return f"{named(one.fact)} is {bound} the {named(one.parameter)}"


def condition(one: Condition | None) -> str:
    """A rule's condition as it is written."""
    return one.text if one is not None else "always"


def moment(rule: Rule) -> str:
    """When a rule is weighed."""
    words = MOMENT_WORDS[rule.on]
    if rule.kind is None:
        return words
    if rule.on == "missed":
        return words.replace("a deadline", f"the {named(rule.kind)} deadline")
    return f"{words} ({named(rule.kind)})"


def orders(rule: Rule) -> str:
    """All that a rule orders."""
    return "; ".join(order(one) for one in rule.orders)


def order(one: Order) -> str:
    """What an order does. Two orders that differ are said in different words."""
    return _ORDERS[type(one)](one)


def _strike(one: MakeStrike) -> str:
    return f"counts a strike of {_the(one.points)} points" if one.points else "counts a strike"


def _add_points(one: AddPoints) -> str:
    return f"adds {_the(one.points)} to the points of the strike"


def _notify(one: SendNotice) -> str:
    return f"sends the notice {one.template!r} to the {one.to} by {' and '.join(one.via) or 'no way'}"


def _deadline(one: StartDeadline) -> str:
    mandate = ", or the shorter time that is asked for," if one.mandate else ""
    return f"starts the {named(one.name)} deadline of {_the(one.within)}{mandate}{_days(one.calendar)}"


def _shorten(one: ShortenDeadline) -> str:
    limit = f"at most {_the(one.within)}{_days(one.calendar)}"
    return f"shortens the {named(one.name)} deadline to the time that is asked for, {limit}"


def _days(calendar: Calendar) -> str:
    return " counted in business days" if calendar == "business" else ""


def _measure(one: OrderMeasure) -> str:
    verb = {"automatic": "orders", "proposed": "proposes", "approved": "orders as approved"}[one.mode]
    port = f" {one.port}" if one.port is not None else ""
    refund = "" if one.refund else " without refund"
    length = f" for {_the(one.expires)}" if one.expires is not None else ""
    sanction = "" if one.sanction else ", which is no sanction"
    return f"{verb} the {MEASURE_WORDS[one.kind]}{port}{refund}{length}{sanction}"


def _charge(one: MakeCharge) -> str:
    verb = {"automatic": "charges", "proposed": "proposes to charge", "approved": "charges as approved"}[one.mode]
    what = _the(one.amount) + ("" if one.item == one.amount else f" as {named(one.item)}")
    return f"{verb} {what} {_EACH[one.each]}"


_EACH = {
    "ip": "for each address",
    "occurrence": "once for each occurrence",
    "request": "for each request",
    "time": "each time",
}


def _top_up(one: TopUp) -> str:
    verb = {"automatic": "charges", "proposed": "proposes to charge", "approved": "charges as approved"}[one.mode]
    worth = f"{_the(one.per_event)} for each event, at least {_the(one.at_least)}"
    return f"{verb} what {named(one.item)} of {worth} exceed the earlier ones by"


def _add(one: AddCost) -> str:
    return f"adds the cost to the proposed {named(one.item)}"


def _flag(one: SetFlag) -> str:
    return f"flags each address {named(one.flag)}"


def _review(one: AskReview) -> str:
    return f"asks a person to look ({named(one.reason)})"


def _answer(one: GiveAnswer) -> str:
    return f"answers {named(one.answer)}"


def _lift(one: LiftMeasures) -> str:
    kinds = " and ".join(MEASURE_WORDS[kind] for kind in one.kinds) or "nothing"
    fee = f", once the {named(one.fee)} and all else is paid" if one.fee is not None else ""
    return f"lifts {kinds}{', proposed ones too' if one.proposals else ''}{fee}"


def _process(one: Process) -> str:
    which = "all occurrences" if one.which == "all" else f"the occurrences under {one.which}"
    return f"counts {which} as answered"


def _drop(one: DropGround) -> str:
    return f"takes {one.clause} away as a ground of the {MEASURE_WORDS[one.kind]}"


def _mark(one: MarkService) -> str:
    return f"marks the service {named(one.mark)}"


def _withdraw(one: WithdrawCharges) -> str:
    closes = ", and the present cases carry no more of them" if one.closes else ""
    return f"withdraws the proposed {named(one.item)}{closes}"


def _record(one: RecordUpstream) -> str:
    return f"records the upstream's measure{f' (port {one.port})' if one.port is not None else ''}"


def _the(parameter: str | None) -> str:
    return "the stated amount" if parameter == "stated" else f"the {named(parameter or '')}"


_ORDERS: dict[type[Any], Callable[[Any], str]] = {
    MakeStrike: _strike,
    AddPoints: _add_points,
    SendNotice: _notify,
    StartDeadline: _deadline,
    ShortenDeadline: _shorten,
    OrderMeasure: _measure,
    MakeCharge: _charge,
    TopUp: _top_up,
    AddCost: _add,
    SetFlag: _flag,
    AskReview: _review,
    GiveAnswer: _answer,
    LiftMeasures: _lift,
    Process: _process,
    DropGround: _drop,
    MarkService: _mark,
    WithdrawCharges: _withdraw,
    RecordUpstream: _record,
}
