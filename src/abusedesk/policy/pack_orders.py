"""Reads what a rule orders: one small reader for each kind of order, found by the order's first key."""

import re
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Any

from abusedesk.policy import meant
from abusedesk.policy.pack import Parameter, ParameterKind
from abusedesk.policy.rule import (
    AddCost,
    AddPoints,
    AskReview,
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
    SendNotice,
    SetFlag,
    ShortenDeadline,
    StartDeadline,
    TopUp,
    WithdrawCharges,
)
from abusedesk.policy.source import Node, nearest
from abusedesk.vocabulary.measure import MEASURES, ON_ADDRESS

STATED = "stated"
_WRITTEN: Mapping[ParameterKind, str] = {
    "count": "a count is written as 3",
    "duration": "a duration is written as PT6H or P2D",
    "amount": 'an amount is written as "20.00", in quotes and with two decimals',
    "durations": "durations are written by abuse type",
}
_ADDRESSEES = ("customer", "reseller", "reporter", "upstream", "staff")
_WITH_OCCURRENCE = ("occurrence", "report", "strike", "missed")
_WITH_REPORT = ("occurrence", "report", "strike")


class _Order:
    """One order as written, with what it may refer to."""

    def __init__(
        self,
        node: Node,
        moment: str,
        parameters: Mapping[str, Parameter],
        templates: set[str],
        clause: Callable[[Node], str],
    ) -> None:
        self.node = node
        self.moment = moment
        self.parameters = parameters
        self.templates = templates
        self.clause = clause
        self.keys: dict[str, Node] = {}

    def only_on(self, moments: tuple[str, ...], what: str) -> None:
        if self.moment not in moments:
            self.node.refuse(f"{what} only on {', '.join(moments)}, not on {self.moment}; move it to another rule")

    def parameter(self, key: str, kind: ParameterKind) -> str:
        fitting = [name for name, one in self.parameters.items() if one.kind == kind]
        known = self.parameters.get(str(self.keys[key].value))
        if known is not None and known.kind != kind:
            self.keys[key].refuse(
                f"{key}: {known.name!r} is a {known.kind} and no {kind}; {_WRITTEN[kind]}", known.name
            )
        if _is_value(self.keys[key].raw):
            raw = self.keys[key].raw
            text = f"{key} names a parameter and no value; write {meant.duration(raw) or raw} under parameters"
            self.keys[key].refuse(f"{text}, with its clause, and its name here{_of_those(fitting)}")
        return self.keys[key].one_of(f"{key}: the {kind} among the parameters", fitting)

    def mode(self, default: str) -> Any:
        return self.keys["mode"].one_of("a mode", ("automatic", "proposed")) if "mode" in self.keys else default

    def truth(self, key: str, default: bool) -> bool:
        return self.keys[key].truth(key) if key in self.keys else default

    def calendar(self) -> Any:
        return self.keys["calendar"].one_of("a calendar", ("all", "business")) if "calendar" in self.keys else "all"

    def port(self) -> int | None:
        return self.keys["port"].number("a port") if "port" in self.keys else None


def _is_value(raw: str) -> bool:
    """Whether an order gives a value itself, where it has to name a parameter."""
    return bool(re.match(r"P?T?\d", raw))


def _of_those(names: Collection[str]) -> str:
    return f", such as {next(iter(names))}" if names else ""


def read_order(
    node: Node,
    moment: str,
    parameters: Mapping[str, Parameter],
    templates: set[str],
    clause: Callable[[Node], str],
) -> Order:
    """One order of a rule. Raises Problem with its place for what cannot be ordered, or not at that moment."""
    order = _Order(node, moment, parameters, templates, clause)
    if not isinstance(node.value, dict):
        node.refuse("an order is a mapping that begins with what is to be done, as in {strike: true}")
    mapping = node.mapping("an order")
    verb = next((key for key in mapping if key in _READERS), None)
    if verb is None:
        word = next(iter(mapping), "")
        node.refuse(f"an order begins with what is to be done; {word!r} is nothing known{nearest(word, _READERS)}")
    required, optional, reader = _READERS[verb]
    order.keys = node.known_keys(f"the order {verb!r}", (verb, *required), optional)
    return reader(order)


def _strike(order: _Order) -> Order:
    order.only_on(("report",), "a strike is made")
    if not order.truth("strike", default=True):
        order.node.refuse("strike: false orders nothing; remove it")
    return MakeStrike(order.parameter("points", "count") if "points" in order.keys else None)


def _add_points(order: _Order) -> Order:
    order.only_on(("missed",), "points are added")
    return AddPoints(order.parameter("add_points", "count"))


def _notify(order: _Order) -> Order:
    to: Any = order.keys["notify"].one_of("an addressee", _ADDRESSEES)
    via = tuple(one.one_of("a way", ("ticket", "email")) for one in order.keys["via"].items("via"))
    return SendNotice(to, via, _template(order.keys["template"], order.templates))


def _template(node: Node, known: set[str]) -> str:
    name = node.text("a template")
    if name not in known:
        close = get_close_matches(name, known, n=1)
        meant = f", or did you mean {close[0]!r}?" if close else ""
        node.refuse(f"there is no notice {name!r}; write notices/<language>/{name}.txt in each language{meant}", name)
    return name


def _deadline(order: _Order) -> Order:
    name = order.keys["deadline"].one_of("a deadline", ("reply", "payment"))
    order.only_on(("owed",) if name == "payment" else _WITH_OCCURRENCE, f"a {name} deadline starts")
    within, mandate = order.parameter("within", "duration"), order.truth("mandate", default=False)
    return StartDeadline(name, within, mandate, order.calendar())


def _shorten(order: _Order) -> Order:
    order.only_on(("report",), "a deadline is shortened")
    name = order.keys["shorten"].one_of("a deadline", ("reply",))
    return ShortenDeadline(name, order.parameter("within", "duration"), order.calendar())


def _measure(order: _Order) -> Order:
    kind: Any = order.keys["measure"].one_of("a measure", MEASURES)
    if kind in ON_ADDRESS:
        order.only_on(_WITH_REPORT, f"a {kind} acts on a report's addresses and is ordered")
    if kind == "block_port" and "port" not in order.keys:
        order.node.refuse("block_port lacks the key 'port'; say which")
    refund = order.truth("refund", default=True)
    expires = order.parameter("expires", "duration") if "expires" in order.keys else None
    if expires is not None and kind == "terminate":
        order.keys["expires"].refuse("a termination cannot be undone and never expires; leave it out")
    sanction = order.truth("sanction", default=True)
    return OrderMeasure(kind, order.mode("automatic"), refund, order.port(), sanction, expires)


def _charge(order: _Order) -> Order:
    each: Any = order.keys["each"].one_of("each", ("ip", "occurrence", "request", "time"))
    by_each = {"ip": _WITH_REPORT, "occurrence": _WITH_OCCURRENCE, "request": ("request", "approved")}
    if each in by_each:
        order.only_on(by_each[each], f"a charge for each {each} is made")
    return MakeCharge(order.keys["charge"].text("an item"), _amount(order), each, order.mode("automatic"))


def _amount(order: _Order) -> str:
    if order.keys["amount"].value != STATED:
        return order.parameter("amount", "amount")
    order.only_on(("cost",), "an amount is stated")
    return STATED


def _top_up(order: _Order) -> Order:
    order.only_on(("report",), "a charge is topped up")
    floor, rate = order.parameter("at_least", "amount"), order.parameter("per_event", "amount")
    return TopUp(order.keys["top_up"].text("an item"), floor, rate, order.mode("proposed"))


def _add_to(order: _Order) -> Order:
    order.only_on(("cost",), "a cost is added")
    return AddCost(order.keys["add_to"].text("an item"))


def _flag(order: _Order) -> Order:
    order.only_on(_WITH_REPORT, "an address is flagged")
    return SetFlag(order.keys["flag"].text("a flag"))


def _review(order: _Order) -> Order:
    return AskReview(order.keys["review"].text("a reason"))


def _answer(order: _Order) -> Order:
    order.only_on(("request",), "an answer is given")
    answer: Any = order.keys["answer"].one_of("an answer", ("granted", "denied", "needs_approval"))
    return GiveAnswer(answer)


def _lift(order: _Order) -> Order:
    order.only_on(("request", "approved"), "a request's lifts are ordered")
    kinds: Any = tuple(one.one_of("a measure", MEASURES) for one in order.keys["lift"].items("lift"))
    fee = order.keys["fee"].text("an item") if "fee" in order.keys else None
    return LiftMeasures(kinds, fee, order.truth("proposals", default=False))


def _process(order: _Order) -> Order:
    node = order.keys["process"]
    return Process("all" if node.value == "all" else order.clause(node))


def _drop_ground(order: _Order) -> Order:
    kind: Any = order.keys["drop_ground"].one_of("a measure", MEASURES)
    return DropGround(kind, order.clause(order.keys["of"]))


def _mark(order: _Order) -> Order:
    order.keys["mark"].one_of("a mark", ("mail_port",))
    return MarkService("mail_port")


def _withdraw(order: _Order) -> Order:
    if "closes" in order.keys:
        order.keys["closes"].one_of("closes", ("cases",))
    return WithdrawCharges(order.keys["withdraw"].text("an item"), "closes" in order.keys)


def _record(order: _Order) -> Order:
    order.only_on(("upstream",), "the upstream's measure is recorded")
    order.keys["record"].one_of("what is recorded", ("upstream",))
    return RecordUpstream(order.port())


_READERS: dict[str, tuple[tuple[str, ...], tuple[str, ...], Callable[[_Order], Order]]] = {
    "strike": ((), ("points",), _strike),
    "add_points": ((), (), _add_points),
    "notify": (("via", "template"), (), _notify),
    "deadline": (("within",), ("mandate", "calendar"), _deadline),
    "shorten": (("within",), ("calendar",), _shorten),
    "measure": ((), ("mode", "refund", "port", "sanction", "expires"), _measure),
    "charge": (("amount", "each"), ("mode",), _charge),
    "top_up": (("at_least", "per_event"), ("mode",), _top_up),
    "add_to": ((), (), _add_to),
    "flag": ((), (), _flag),
    "review": ((), (), _review),
    "answer": ((), (), _answer),
    "lift": ((), ("fee", "proposals"), _lift),
    "process": ((), (), _process),
    "drop_ground": (("of",), (), _drop_ground),
    "mark": ((), (), _mark),
    "withdraw": ((), ("closes",), _withdraw),
    "record": ((), ("port",), _record),
}
"""Each order by its first key: the further keys that it requires, those it may have, and its reader."""
