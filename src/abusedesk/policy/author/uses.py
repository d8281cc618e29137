"""Which of a pack's values and thresholds its rules apply: what none applies bears on no decision."""

from abusedesk.policy.pack import Pack
from abusedesk.policy.parameters_of_the_desk import REMIND_BEFORE
from abusedesk.policy.rule import (
    AddPoints,
    MakeCharge,
    MakeStrike,
    Order,
    OrderMeasure,
    ShortenDeadline,
    StartDeadline,
    TopUp,
)

_USED_BY_THE_ENGINE = frozenset({"limitation", "occurrence_window", "good_behaviour", REMIND_BEFORE})


def used_thresholds(pack: Pack) -> frozenset[str]:
    """The thresholds that a rule's condition names."""
    return frozenset(pack.content.thresholds) & _named(pack)


def used_parameters(pack: Pack) -> frozenset[str]:
    """The parameters that a rule's condition or order names, or a threshold of the pack, or the engine itself."""
    compared = {one.parameter for one in pack.content.thresholds.values()}
    ordered = {name for rule in pack.rules for order in rule.orders for name in _values_of(order)}
    return frozenset(pack.parameters) & (_named(pack) | compared | ordered | _USED_BY_THE_ENGINE)


def _named(pack: Pack) -> frozenset[str]:
    return frozenset(name for rule in pack.rules if rule.condition is not None for name in rule.condition.names)


def _values_of(order: Order) -> tuple[str | None, ...]:
    """The parameters that an order names."""
    if isinstance(order, StartDeadline | ShortenDeadline):
        return (order.within,)
    if isinstance(order, MakeStrike | AddPoints):
        return (order.points,)
    if isinstance(order, TopUp):
        return (order.at_least, order.per_event)
    if isinstance(order, OrderMeasure):
        return (order.expires,)
    return (order.amount,) if isinstance(order, MakeCharge) else ()
