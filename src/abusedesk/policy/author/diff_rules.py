"""What the rules of two packs order differently, in words."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from abusedesk.policy.author import wording
from abusedesk.policy.author.difference import Change, matched, reworded, short
from abusedesk.policy.pack import Content
from abusedesk.policy.rule import BREACH, OF, MakeCharge, Order, OrderMeasure, Rule, TopUp

Held = tuple[Rule, frozenset[str]]
"""A rule, with the versions in which it holds; none is all."""


def rule_changes(before: Content, after: Content) -> Iterator[Change]:
    """Rules gone, new, renamed, changed, and those that are weighed in another order."""
    pairs, gone, new = matched(before.rules, after.rules, lambda one: one[0].id)
    renamed, gone, new = matched(gone, new, _without_id)
    yield from (_of(rule, f"the rule {rule.id!r} is gone: {rule.says}") for rule, _ in gone)
    yield from (_of(one[0], f"a new rule {one[0].id!r}: {_described(one)}") for one in new)
    yield from (_of(now[0], f"the rule {was[0].id!r} is now called {now[0].id!r}") for was, now in renamed)
    for was, now in pairs:
        yield from _changed(was, now)
    names = {was[0].id: now[0].id for was, now in (*pairs, *renamed)}
    yield from _order([(names[rule.id], rule) for rule, _ in before.rules if rule.id in names], after)


def _without_id(one: Held) -> object:
    return replace(one[0], id="", line=0), one[1]


def _of(rule: Rule, text: str) -> Change:
    return Change(_clause(rule), "rule", text)


def _clause(rule: Rule) -> str | None:
    """The clause that bears the rule; None where that is whichever clause ordered a measure."""
    return None if rule.ground.startswith(OF) else rule.ground


def _described(held: Held) -> str:
    rule, versions = held
    parts = [f"It is weighed {wording.moment(rule)}"]
    parts += [_needed(rule)] if _needed(rule) else []
    parts += [f"if `{rule.condition.text}`"] if rule.condition is not None else []
    parts += [f"only in {_in_versions(versions)}"] if versions else []
    parts += [f"citing {_cited(rule.clauses)}"] if len(rule.clauses) > 1 else []
    return f"{rule.says} {', '.join(parts)}, and {wording.orders(rule)}."


def _needed(rule: Rule) -> str:
    parts = [f"once {rule.needs}"] if rule.needs != "unverified" else []
    parts += [f"below {rule.below}"] if rule.below is not None else []
    return " and ".join(parts)


def _cited(clauses: Sequence[str]) -> str:
    return ", ".join(_bare(one) for one in clauses)


def _bare(clause: str) -> str:
    if clause == BREACH:
        return "what is breached"
    return f"the grounds of {clause.removeprefix(OF)}" if clause.startswith(OF) else short(clause)


def _in_versions(versions: frozenset[str]) -> str:
    if not versions:
        return "all versions"
    return f"the version{'' if len(versions) == 1 else 's'} {', '.join(sorted(versions))}"


def _changed(before: Held, after: Held) -> Iterator[Change]:
    was, now = before[0], after[0]
    name = f"the rule {now.id!r}"
    for field in _FIELDS:
        if getattr(was, field) != getattr(now, field):
            yield from (Change(_clause(now), "rule", f"{name} {text}") for text in _FIELDS[field](was, now))
    yield from reworded(_clause(now), "rule", f"the sentence of {name}", was.says, now.says)
    if before[1] != after[1]:
        yield _of(now, f"{name} holds in {_in_versions(after[1])} instead of {_in_versions(before[1])}")


def _clauses(was: Rule, now: Rule) -> Iterator[str]:
    yield f"cites {_cited(now.clauses)} instead of {_cited(was.clauses)}"


def _moment(was: Rule, now: Rule) -> Iterator[str]:
    yield f"is weighed {wording.moment(now)} instead of {wording.moment(was)}"


def _kind(was: Rule, now: Rule) -> Iterator[str]:
    if was.on == now.on:
        yield from _moment(was, now)


def _condition(was: Rule, now: Rule) -> Iterator[str]:
    if was.condition is None:
        yield f"now acts only if `{wording.condition(now.condition)}`"
    elif now.condition is None:
        yield f"now acts always, and no longer only if `{was.condition.text}`"
    else:
        yield f"now acts if `{now.condition.text}` instead of `{was.condition.text}`"


def _needs(was: Rule, now: Rule) -> Iterator[str]:
    yield f"acts once a report is {now.needs} instead of {was.needs}"


def _below(was: Rule, now: Rule) -> Iterator[str]:
    if now.below is None:
        yield f"acts on every report, and no longer only on one below {was.below}"
    else:
        yield f"acts only on a report below {now.below}{f' instead of {was.below}' if was.below else ''}"


def _orders(was: Rule, now: Rule) -> Iterator[str]:
    pairs, gone, new = matched(was.orders, now.orders, _subject)
    yield from (f"no longer {wording.order(one)}" for one in gone)
    yield from (f"now also {wording.order(one)}" for one in new)
    yield from (_ordered(old, other) for old, other in pairs if old != other)
    if not gone and not new and all(old == other for old, other in pairs):
        yield f"does the same in another order: {wording.orders(now)}"


def _subject(order: Order) -> tuple[object, ...]:
    """What an order is about: its kind, and the first of its values."""
    values = msgspec.structs.astuple(order)
    return type(order), values[0] if values else None


def _ordered(was: Order, now: Order) -> str:
    if _differ_in_mode(was, now):
        said = wording.order(now)
        proposes = said.startswith("proposes")
        return f"now only {said}" if proposes else f"now {said} by itself, and no longer only proposes it"
    old, new = wording.order(was), wording.order(now)
    return f"now {new} instead of: {old}" if old != new else f"is written otherwise: {now} instead of {was}"


def _differ_in_mode(was: Order, now: Order) -> bool:
    """Whether all that differs is that one acts by itself and the other asks a person."""
    if isinstance(was, OrderMeasure) and isinstance(now, OrderMeasure):
        return was == replace(now, mode=was.mode)
    if isinstance(was, MakeCharge) and isinstance(now, MakeCharge):
        return was == replace(now, mode=was.mode)
    return isinstance(was, TopUp) and isinstance(now, TopUp) and was == replace(now, mode=was.mode)


_FIELDS: Mapping[str, Callable[[Rule, Rule], Iterator[str]]] = {
    "clauses": _clauses,
    "on": _moment,
    "kind": _kind,
    "condition": _condition,
    "needs": _needs,
    "below": _below,
    "orders": _orders,
}
"""What is said of each field that differs; the sentence and the versions are told beside them."""


def _order(before: Sequence[tuple[str, Rule]], after: Content) -> Iterator[Change]:
    """Who is weighed earlier or later than before, among the rules of one moment; `before` has the present names."""
    shared = {name for name, _ in before}
    now = [rule for rule, _ in after.rules if rule.id in shared]
    if [name for name, _ in before] == [rule.id for rule in now]:
        return
    found = False
    for moment in dict.fromkeys((rule.on, rule.kind) for rule in now):
        present = [rule for rule in now if (rule.on, rule.kind) == moment]
        wanted = {rule.id for rule in present}
        for rule, following in _overtaking([name for name, _ in before if name in wanted], present):
            found = True
            place = f"before {following.id!r}" if following is not None else "last"
            yield _of(rule, f"the rule {rule.id!r} is weighed {place} {wording.moment(rule)}")
    if not found:
        yield Change(None, "rule", "the rules stand in another order, and none is weighed earlier or later for it")


def _overtaking(before: list[str], present: list[Rule]) -> Iterator[tuple[Rule, Rule | None]]:
    """The fewest rules whose move explains the new order, each with the one that it now precedes."""
    stayed = _longest_rising([before.index(rule.id) for rule in present])
    for place, rule in enumerate(present):
        if place not in stayed:
            yield rule, present[place + 1] if place + 1 < len(present) else None


def _longest_rising(numbers: Sequence[int]) -> set[int]:
    """The places of a longest rising row of numbers."""
    best: list[list[int]] = []
    for place, number in enumerate(numbers):
        best.append([*_longest([row for row in best if numbers[row[-1]] < number]), place])
    return set(_longest(best))


def _longest(rows: list[list[int]]) -> list[int]:
    return max(rows, key=len) if rows else []
