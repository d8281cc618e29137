"""Small changes of a pack that its cases ought to notice.

A rule is left out, acts without a part of its condition, at a lower assurance, without one of its orders or without a
citation; a value is a second, an event or a cent more or less; a category falls to another abuse type. A change that no
case notices is a place where the policy could come to say something else without anybody hearing of it.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple

from msgspec.structs import replace

from abusedesk.policy.author.cases import Case, judge
from abusedesk.policy.condition import Condition, FactType, compile_condition
from abusedesk.policy.known_facts import THRESHOLD, declared_at
from abusedesk.policy.pack import AbuseType, Content, Pack, Value, parameter_facts, shown_value
from abusedesk.policy.rule import LiftMeasures, MakeCharge, Order, OrderMeasure, Rule, SendNotice, TopUp
from abusedesk.vocabulary.assurance import ASSURANCES
from abusedesk.vocabulary.measure import Mode

_SECOND = timedelta(seconds=1)
_LISTED = re.compile(r"\[([^\]]*,[^\]]*)\]")


class Trial(NamedTuple):
    """A changed pack and, in words, what was changed. `rule` is the rule that it is about, where it is about one."""

    text: str
    pack: Pack
    rule: str | None = None


def unnoticed(pack: Pack, cases: Sequence[Case]) -> Iterator[tuple[Trial, bool]]:
    """Every trial, with whether no case that passes notices it."""
    sound = [(case, judge(case, "")) for case in cases]
    passing = [(case, {rule for rule, _ in result.hits}) for case, result in sound if result.passed]
    for trial in trials(pack):
        # A case in which the rule acted is the likeliest to notice.
        likely = [case for case, rules in passing if trial.rule in rules]
        others = [case for case, rules in passing if trial.rule not in rules]
        yield trial, all(_passes(case, trial.pack) for case in (*likely, *others))


def _passes(case: Case, pack: Pack) -> bool:
    return judge(case._replace(scenario=case.scenario._replace(pack=pack)), "").passed


def trials(pack: Pack) -> Iterator[Trial]:
    """The changes of a pack, rule by rule and value by value."""
    for number, (rule, _) in enumerate(pack.content.rules):
        for text, changed in _rule_changes(rule, pack.content):
            yield Trial(f"the rule {rule.id} {text}", _with_rule(pack, number, changed), rule.id)
    for text, content in (*_value_changes(pack.content), *_type_changes(pack.content), *_frame_changes(pack.content)):
        yield Trial(text, _varied(pack, content))


def _with_rule(pack: Pack, number: int, changed: Rule | None) -> Pack:
    """The pack with the rule of that number changed, or left out."""
    rules = list(pack.content.rules)
    rules[number : number + 1] = [(changed, rules[number][1])] if changed is not None else []
    return _varied(pack, replace(pack.content, rules=tuple(rules)))


def _varied(pack: Pack, content: Content) -> Pack:
    return Pack(content, pack.safeguards, "")


# --- rules ----------------------------------------------------------------------------------------------------------


def _rule_changes(rule: Rule, content: Content) -> Iterator[tuple[str, Rule | None]]:
    yield "is left out", None
    for part, condition in _weaker(rule, content):
        yield f"acts without {part}", replace(rule, condition=condition)
    if rule.needs != "unverified":
        lower = ASSURANCES[ASSURANCES.index(rule.needs) - 1]
        yield f"needs {lower}", replace(rule, needs=lower)
    if rule.below is not None:
        higher = ASSURANCES[ASSURANCES.index(rule.below) + 1]
        yield f"acts below {higher}", replace(rule, below=higher)
    for clause in rule.clauses[1:]:
        yield f"does not cite {clause}", replace(rule, clauses=tuple(one for one in rule.clauses if one != clause))
    for index, order in enumerate(rule.orders):
        for text, changed in _order_changes(order, alone=len(rule.orders) == 1):
            orders = (*rule.orders[:index], *changed, *rule.orders[index + 1 :])
            yield f"orders {text}", replace(rule, orders=orders)


def _order_changes(order: Order, *, alone: bool) -> Iterator[tuple[str, tuple[Order, ...]]]:
    """What an order is replaced by: by nothing where it is not the only one, or by one that differs in one thing."""
    if not alone:
        yield f"no {type(order).__name__}", ()
    if isinstance(order, OrderMeasure | MakeCharge | TopUp):
        name = order.kind if isinstance(order, OrderMeasure) else order.item
        mode: Mode = "automatic" if order.mode == "proposed" else "proposed"
        yield f"{name} {mode}", (replace(order, mode=mode),)
    if isinstance(order, OrderMeasure):
        yield f"{order.kind} {'without' if order.refund else 'with'} refund", (replace(order, refund=not order.refund),)
    elif isinstance(order, SendNotice):
        for channel in order.via:
            yield (
                f"a notice not via {channel}",
                (replace(order, via=tuple(one for one in order.via if one != channel)),),
            )
    elif isinstance(order, LiftMeasures):
        for kind in order.kinds:
            yield f"no lift of {kind}", (replace(order, kinds=tuple(one for one in order.kinds if one != kind)),)


def _weaker(rule: Rule, content: Content) -> Iterator[tuple[str, Condition | None]]:
    """The rule's condition without one of its parts, and without one of the words of a list."""
    if rule.condition is None:
        return
    text = rule.condition.text
    parts, joint = _parts(text)
    facts: dict[str, FactType] = {
        **declared_at(rule.on),
        **parameter_facts(content.parameters),
        **dict.fromkeys(content.thresholds, THRESHOLD),
    }
    for index, part in enumerate(parts):
        rest = joint.join([*parts[:index], *parts[index + 1 :]])
        yield part, compile_condition(rest, facts) if rest else None
    for found in _LISTED.finditer(text):
        words = [one.strip() for one in found[1].split(",")]
        for word in words:
            fewer = ", ".join(one for one in words if one != word)
            yield word, compile_condition(f"{text[: found.start(1)]}{fewer}{text[found.end(1) :]}", facts)


def _parts(text: str) -> tuple[list[str], str]:
    """The alternatives of a condition, or where it has none its conjuncts, and what joins them."""
    for joint in (" || ", " && "):
        parts = _split(text, joint)
        if len(parts) > 1:
            return parts, joint
    return [text], ""


def _split(text: str, joint: str) -> list[str]:
    """The text cut at each joint that stands outside brackets."""
    parts = [""]
    for piece in text.split(joint):
        open_brackets = parts[-1].count("(") - parts[-1].count(")")
        if parts[-1] and not open_brackets:
            parts.append(piece)
        else:
            parts[-1] += joint + piece if parts[-1] else piece
    return parts


# --- values ---------------------------------------------------------------------------------------------------------


def _value_changes(content: Content) -> Iterator[tuple[str, Content]]:
    """Each dated value of each parameter a little less, and a little more."""
    for parameter in content.parameters.values():
        for number, (since, value) in enumerate(parameter.values):
            for other in _neighbours(value):
                values = (*parameter.values[:number], (since, other), *parameter.values[number + 1 :])
                changed = {**content.parameters, parameter.name: replace(parameter, values=values)}
                text = f"{parameter.name} is {shown_value(parameter.kind, _differing(value, other))}"
                yield text, replace(content, parameters=changed)


def _neighbours(value: Value) -> Iterator[Value]:
    if isinstance(value, int):
        yield from (value - 1, value + 1)
    elif isinstance(value, timedelta):
        yield from (value - _SECOND, value + _SECOND)
    else:
        for name, length in value.items():
            if length is not None:
                yield from ({**value, name: length - _SECOND}, {**value, name: length + _SECOND})


def _differing(value: Value, other: Value) -> Value:
    """Of durations by name, only the one that differs."""
    if isinstance(value, dict) and isinstance(other, dict):
        return {name: length for name, length in other.items() if value[name] != length}
    return other


# --- types and frame ------------------------------------------------------------------------------------------------


def _type_changes(content: Content) -> Iterator[tuple[str, Content]]:
    """Each abuse type without one of its categories, unless it takes what fits no other."""
    for name, one in content.abuse_types.items():
        for pattern in one.categories:
            if pattern != "*":
                fewer = replace(one, categories=tuple(each for each in one.categories if each != pattern))
                yield f"the abuse type {name} is without {pattern}", _with_type(content, fewer)
        for pattern in one.breaches:
            silent = replace(one, breaches={key: clause for key, clause in one.breaches.items() if key != pattern})
            yield f"the abuse type {name} breaches nothing by {pattern}", _with_type(content, silent)


def _with_type(content: Content, changed: AbuseType) -> Content:
    return replace(content, abuse_types={**content.abuse_types, changed.name: changed})


def _frame_changes(content: Content) -> Iterator[tuple[str, Content]]:
    """The dates of the versions a second off, and whether the bounds of the thresholds are within them."""
    for number, version in enumerate(content.versions):
        if version.since is not None:
            for since in (version.since - _SECOND, version.since + _SECOND):
                moved = (*content.versions[:number], replace(version, since=since), *content.versions[number + 1 :])
                yield (
                    f"the version {version.id} is in force from {since:%Y-%m-%d %H:%M:%S}",
                    replace(content, versions=moved),
                )
    for name, threshold in content.thresholds.items():
        bound: Literal["below", "up_to"] = "up_to" if threshold.bound == "below" else "below"
        changed = {**content.thresholds, name: replace(threshold, bound=bound)}
        yield f"the threshold {name} is {bound} {threshold.parameter}", replace(content, thresholds=changed)
