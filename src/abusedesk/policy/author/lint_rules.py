"""Faults of rules: what can never act, what nothing follows, who gets no answer."""

from collections.abc import Iterator

from msgspec.structs import replace

from abusedesk.policy.author.finding import Finding, error, warning
from abusedesk.policy.author.reach import can_hold, may_hold, unknown_words
from abusedesk.policy.pack import Pack
from abusedesk.policy.rule import (
    BELIEVED,
    AddPoints,
    GiveAnswer,
    MakeCharge,
    MakeStrike,
    Order,
    OrderMeasure,
    RecordUpstream,
    Rule,
    ShortenDeadline,
    StartDeadline,
    TopUp,
)
from abusedesk.policy.source import Node, nearest
from abusedesk.vocabulary.assurance import ASSURANCES, RANK, Assurance
from abusedesk.vocabulary.request import APPROVED_ALONE, REQUESTS


def conditions(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Words that a fact never has, and conditions that never hold."""
    for rule, node in _placed(pack, keys):
        if rule.condition is None:
            continue
        place = node.value["when"]
        unknown = list(unknown_words(rule, pack))
        yield from (error(place, text) for text in unknown)
        if not unknown and not can_hold(rule, pack):
            yield error(place, f"the rule {rule.id!r} is never reached: its condition is always false; mend it")


def repeated(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Rules that order what an earlier one orders, at the same moment and on the same condition."""
    seen: dict[object, str] = {}
    for (rule, node), (_, versions) in zip(_placed(pack, keys), pack.content.rules, strict=True):
        key = (replace(rule, id="", says="", line=0, clauses=()), versions)
        if key in seen:
            text = f"the rule {rule.id!r} orders nothing that {seen[key]!r} does not order before it; remove one"
            yield error(node, text)
        seen.setdefault(key, rule.id)


def not_said_yet(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Rules that hold in a version which does not say their clause yet."""
    for (rule, node), (_, held) in zip(_placed(pack, keys), pack.content.rules, strict=True):
        for clause in rule.clauses:
            known = pack.clauses.get(clause)
            early = [one.id for one in pack.versions if known and not known.said_at(one.since)]
            if known is not None and (wrong := [one for one in early if not held or one in held]):
                later = ", ".join(f'"{one.id}"' for one in pack.versions if one.id not in early)
                text = f"the rule {rule.id!r} holds in {', '.join(wrong)}, where {clause} is not said yet"
                yield error(
                    node.value["clause"], f"{text}; give it `versions: [{later}]`, or the clause an earlier date"
                )


def deadlines(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Deadlines that may be missed without anything happening, and rules that wait for one that nobody sets."""
    missed = {rule.kind for rule in pack.rules if rule.on == "missed"}
    started = {one.name for rule in pack.rules for one in rule.orders if isinstance(one, StartDeadline)}
    told: set[str] = set()
    for rule, node in _placed(pack, keys):
        for order, place in zip(rule.orders, node.value["then"].value, strict=True):
            if isinstance(order, StartDeadline) and order.name not in missed | told:
                told.add(order.name)
                text = f"nothing happens when the {order.name} deadline is missed; add a rule on missed with kind "
                yield error(place, f"{text}{order.name}, or remove the deadline")
            if isinstance(order, ShortenDeadline) and order.name not in started:
                yield error(place, f"no rule starts a {order.name} deadline that could be shortened; add one")
        if rule.on == "missed" and rule.kind not in started:
            text = f"no rule starts a deadline {rule.kind!r}, so the rule {rule.id!r} never acts"
            yield error(node.value["kind"], f"{text}{nearest(rule.kind or '', sorted(started))}")


def holidays(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Holidays that no deadline heeds."""
    orders = [one for rule in pack.rules for one in rule.orders]
    heeded = any(isinstance(one, StartDeadline | ShortenDeadline) and one.calendar == "business" for one in orders)
    if pack.content.holidays.days and not heeded:
        text = "no deadline counts business days, so no holiday matters; give one `calendar: business`, or remove them"
        yield error(keys["holidays"], text)


def requests(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Requests that no rule answers, approvals that nothing follows, and rules for what nobody can ask."""
    answered = {rule.kind for rule in pack.rules if rule.on == "request"}
    silent = [kind for kind in REQUESTS if kind not in answered]
    if silent:
        text = (
            f"no rule answers {', '.join(silent)}: a customer who asks gets no answer; add a rule on request for each"
        )
        yield error(keys["rules"], text)
    approved = {rule.kind for rule in pack.rules if rule.on == "approved"}
    for rule, node in _placed(pack, keys):
        if rule.on in {"request", "approved"} and rule.kind not in REQUESTS:
            yield error(node.value["kind"], f"nobody can ask for {rule.kind!r}{nearest(rule.kind or '', REQUESTS)}")
        elif GiveAnswer("needs_approval") in rule.orders and rule.kind not in approved | APPROVED_ALONE:
            text = f"nothing follows when {rule.kind} is approved; add a rule on approved with kind {rule.kind}"
            yield error(node, text)


def _placed(pack: Pack, keys: dict[str, Node]) -> list[tuple[Rule, Node]]:
    """The rules, each with its node."""
    return list(zip(pack.rules, keys["rules"].value, strict=True))


def assurances(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """An assurance that a rule asks for and none could heed."""
    for rule, node in _placed(pack, keys):
        given = {key: node.value[key] for key in ("needs", "below") if key in node.value}
        if given and rule.on not in BELIEVED:
            key, place = next(iter(given.items()))
            where = " or ".join(BELIEVED)
            yield error(place, f"a rule on {rule.on} has no {key}; remove it, or move the rule to {where}")
        elif len(given) > 1:
            yield error(given["needs"], "a rule has either needs or below; keep one")
        elif rule.below == ASSURANCES[0]:
            text = f"nothing is below {ASSURANCES[0]}, so the rule {rule.id!r} never acts; write {ASSURANCES[1]}"
            yield error(given["below"], text)


def ports(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Ports that there are not."""
    for rule, node in _placed(pack, keys):
        for order, place in zip(rule.orders, node.value["then"].value, strict=True):
            port = order.port if isinstance(order, OrderMeasure | RecordUpstream) else None
            if port is not None and port not in range(1, 65536):
                yield error(place.value["port"], f"there is no port {port}; give one from 1 to 65535")


def belief(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Rules that count or take something for a report that anybody could have written."""
    if RANK[pack.content.counting.acts_on] < RANK[_LEAST]:
        place = keys["counting"].value["acts_on"]
        yield error(place, f"what anybody could have written would count; write {_LEAST}, or a higher assurance")
    for rule, node in _placed(pack, keys):
        for order, place in zip(rule.orders, node.value["then"].value, strict=True):
            needed = _belief(order, rule, pack)
            if needed and RANK[rule.needs] < RANK[needed]:
                mend = f"give the rule `needs: {needed}`" if rule.on in BELIEVED else "move it to a rule on report"
                text = f"the rule {rule.id!r} does this for a report that nobody vouches for: {mend}"
                yield error(place, f"{text}{', or the order `mode: proposed`' if hasattr(order, 'mode') else ''}")


_PAID_FIRST = frozenset({"request", "approved"})
"""What is charged for a request is paid before it is carried out."""
_LEAST: Assurance = "authenticated"
"""Below it anybody could have written the report."""


def _belief(order: Order, rule: Rule, pack: Pack) -> Assurance | None:
    """The assurance without which an order must not be carried out; None where it takes none."""
    if rule.on not in {"occurrence", "report", "missed"} or rule.kind == "payment":
        return None  # Elsewhere something was believed before, or the customer or staff did something themselves.
    if isinstance(order, MakeStrike | AddPoints):
        return max(pack.content.counting.acts_on, _LEAST, key=lambda one: RANK[one])
    by_itself = isinstance(order, MakeCharge | TopUp | OrderMeasure) and order.mode == "automatic"
    return _LEAST if by_itself and not _measured(rule) else None


def _measured(rule: Rule) -> bool:
    """Whether it asks for what only the provider's own sensors say, whose word is enough."""
    return rule.condition is not None and "stability_risk" in rule.condition.names


def unpaid(pack: Pack, keys: dict[str, Node]) -> Iterator[Finding]:
    """Charges without a time to pay, where the pack gives one to others."""
    owed = [
        rule for rule in pack.rules if rule.on == "owed" and any(isinstance(one, StartDeadline) for one in rule.orders)
    ]
    told: set[str] = set()
    for rule, node in _placed(pack, keys):
        for order, place in zip(rule.orders, node.value["then"].value, strict=True):
            item = order.item if isinstance(order, MakeCharge) and rule.on not in _PAID_FIRST else None
            if owed and item and item not in told and not any(may_hold(one, "item", item) for one in owed):
                told.add(item)
                text = f"no rule on owed gives {item!r} a payment deadline, so nothing follows when it stays unpaid"
                yield warning(place, f"{text}; name it in the condition of {owed[0].id!r}, or leave it so")
