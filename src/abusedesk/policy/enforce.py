"""Carries out what a rule orders: one function for each order of the vocabulary in `rule.py`."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from abusedesk.policy import charges, deadlines, grounds, occurrences, requests, strikes, upstream
from abusedesk.policy.decision import FlagSet, Notify, Review
from abusedesk.policy.docket import Flag, Ground, Occurrence
from abusedesk.policy.measures import closed
from abusedesk.policy.measures import order as order_measure
from abusedesk.policy.pending import PendingMeasure
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
    Moment,
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
from abusedesk.policy.stimulus import Cost, Report, Request
from abusedesk.policy.weigh import each_hit
from abusedesk.vocabulary.assurance import RANK, Assurance
from abusedesk.vocabulary.measure import ON_ADDRESS, Mode

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft

STATED = "stated"


def weigh_all(draft: "Draft", moment: Moment, kind: str | None = None) -> None:
    """Weighs the rules of a moment and carries out those that hit, in the pack's order."""
    each_hit(draft, moment, enforce, kind)


def enforce(draft: "Draft", rule: Rule) -> None:
    """Carries out one rule's orders. Where the customer is not told, nothing is ordered but measures, as proposals."""
    for order in rule.orders:
        if draft.silent and not isinstance(order, OrderMeasure):
            continue
        _ORDERS[type(order)](draft, rule, order)


def _strike(draft: "Draft", rule: Rule, order: MakeStrike) -> None:
    points = draft.terms.number(order.points) if order.points is not None and draft.terms is not None else 1
    if not strikes.make(draft, draft.clauses(rule), points):
        return
    each_hit(draft, "strike", _enforce_further)


def _enforce_further(draft: "Draft", rule: Rule) -> None:
    """What a rule on a strike orders; the strike stands under its clauses too."""
    strikes.cite(draft, draft.clauses(rule))
    enforce(draft, rule)


def _add_points(draft: "Draft", rule: Rule, order: AddPoints) -> None:
    occurrence = _behind(draft)
    if occurrence is not None and draft.terms is not None:
        strikes.add_points(draft, occurrence, draft.terms.number(order.points), draft.clauses(rule))


def _behind(draft: "Draft") -> Occurrence | None:
    """The occurrence at hand; of a missed payment the newest that counts among those its charges came of."""
    if not draft.unpaid:
        return draft.occurrence
    bearing = {ground.occurrence for charge in draft.unpaid for ground in charge.grounds}
    return next((one for one in reversed(strikes.counting(draft)) if one.id in bearing), None)


def _notify(draft: "Draft", rule: Rule, order: SendNotice) -> None:
    draft.effects.append(
        Notify(
            draft.clauses(rule),
            draft.docket.service,
            draft.facts.customer,
            draft.queue_ip,
            draft.case(),
            draft.occurrence.id if draft.occurrence is not None else None,
            to=order.to,
            via=order.via,
            template=order.template,
        )
    )
    if order.to == "customer":
        draft.queue.append(("notice", order.template, None))


def _deadline(draft: "Draft", rule: Rule, order: StartDeadline) -> None:
    if rule.on == "owed":
        charge = charges.find(draft, draft.owed)
        if charge is not None:
            due = deadlines.due(draft, order.within, order.calendar)
            deadlines.start_payment(draft, charge, order.name, due, draft.clauses(rule))
        return
    due = deadlines.due(draft, order.within, order.calendar, _mandate(draft) if order.mandate else None)
    deadlines.start_reply(draft, order.name, due, draft.clauses(rule))


def _shorten(draft: "Draft", rule: Rule, order: ShortenDeadline) -> None:
    due = deadlines.due(draft, order.within, order.calendar, _mandate(draft))
    deadlines.shorten_reply(draft, order.name, due, draft.clauses(rule))


def _mandate(draft: "Draft") -> timedelta | None:
    return draft.stimulus.mandate if isinstance(draft.stimulus, Report) else None


def _measure(draft: "Draft", rule: Rule, order: OrderMeasure) -> None:
    clauses = draft.clauses(rule)
    grounds = _grounds(draft, rule, clauses, order.mode, order.refund)
    if order.expires is not None and draft.terms is not None:
        length = draft.terms.duration(order.expires)
        grounds = tuple(replace(one, expires=length) for one in grounds)
    ips = _ips(draft) if order.kind in ON_ADDRESS else (None,)
    for ip in ips:
        pending = PendingMeasure(order.kind, ip, order.port, order.mode, order.refund, clauses, grounds, order.sanction)
        order_measure(draft, pending)


def _grounds(
    draft: "Draft", rule: Rule, clauses: tuple[str, ...], mode: Mode, refund: bool | None = None
) -> tuple[Ground, ...]:
    """What bears an order: the unpaid charges of a missed payment, else the occurrence at hand."""
    if draft.unpaid:
        return tuple(
            Ground(clauses[0], charge=one.id, mode=mode, refund=refund, clauses=clauses) for one in draft.unpaid
        )
    occurrence = draft.occurrence.id if draft.occurrence is not None else None
    return (Ground(clauses[0], occurrence, needs=_needs(draft, rule), mode=mode, refund=refund, clauses=clauses),)


def _needs(draft: "Draft", rule: Rule) -> Assurance:
    return draft.pack.content.counting.acts_on if rule.on == "strike" else rule.needs


def _ips(draft: "Draft") -> tuple[str, ...]:
    """The addresses of the report at hand, each once."""
    ips = draft.report.ips if draft.report is not None else ()
    return tuple(dict.fromkeys(ips)) if len(ips) > 1 else ips


def _charge(draft: "Draft", rule: Rule, order: MakeCharge) -> None:
    amount = _amount(draft, order.amount)
    if amount <= 0:
        return
    clauses = draft.clauses(rule)
    if order.each in {"ip", "occurrence"}:
        _charge_occurrence(draft, rule, order, amount, clauses)
        return
    ip = draft.stimulus.ip if isinstance(draft.stimulus, Request) else None
    charges.make(draft, order.item, amount, order.mode, clauses, ip=ip)


def _charge_occurrence(draft: "Draft", rule: Rule, order: MakeCharge, amount: int, clauses: tuple[str, ...]) -> None:
    """Charges each address, or the occurrence, once."""
    occurrence = draft.occurrence
    if occurrence is None:
        return
    for ip in _ips(draft) if order.each == "ip" else (None,):
        if not charges.standing(draft, order.item, occurrence.id, ip):
            grounds = _grounds(draft, rule, clauses, order.mode)
            charges.make(draft, order.item, amount, order.mode, clauses, grounds=grounds, ip=ip)


def _amount(draft: "Draft", name: str) -> int:
    if name == STATED:
        return draft.stimulus.amount if isinstance(draft.stimulus, Cost) else 0
    return draft.terms.number(name) if draft.terms is not None else 0


def _top_up(draft: "Draft", rule: Rule, order: TopUp) -> None:
    occurrence = draft.occurrence
    if occurrence is None or f"{order.item}/{occurrence.abuse_type}" in draft.settled_cases:
        return
    events = occurrences.case_events(draft, RANK[draft.pack.content.counting.acts_on])
    worth = max(_amount(draft, order.at_least), events * _amount(draft, order.per_event))
    difference = worth - charges.case_total(draft, order.item, occurrence.abuse_type)
    if difference > 0:
        clauses = draft.clauses(rule)
        grounds = _grounds(draft, rule, clauses, order.mode)
        charges.make(draft, order.item, difference, order.mode, clauses, grounds=grounds)


def _add_cost(draft: "Draft", _: Rule, order: AddCost) -> None:
    proposed = [one for one in draft.charges if one.item == order.item and one.state == "proposed"]
    amount = _amount(draft, STATED)
    if proposed and amount > 0:
        charges.add(draft, proposed[-1], amount)


def _flag(draft: "Draft", rule: Rule, order: SetFlag) -> None:
    occurrence = draft.occurrence
    if occurrence is None or closed(draft):
        return
    clauses = draft.clauses(rule)
    ground = Ground(clauses[0], occurrence.id, needs=_needs(draft, rule), clauses=clauses)
    for ip in _ips(draft):
        present = _flag_on(draft, order.flag, ip)
        if present is not None and ground in present.grounds:
            continue
        kept = tuple(one for one in draft.flags if one is not present)
        grounds = (*present.grounds, ground) if present is not None else (ground,)
        draft.flags = (*kept, Flag(order.flag, ip, present.at if present is not None else draft.at, grounds))
        draft.effects.append(
            FlagSet(
                clauses, draft.docket.service, draft.facts.customer, ip, draft.case(), occurrence.id, flag=order.flag
            )
        )


def _flag_on(draft: "Draft", flag: str, ip: str) -> Flag | None:
    for one in draft.flags:
        if one.flag == flag and one.ip == ip:
            return one
    return None


def _review(draft: "Draft", rule: Rule, order: AskReview) -> None:
    report = draft.report.id if draft.report is not None else None
    draft.effects.append(
        Review(
            draft.clauses(rule),
            draft.docket.service,
            draft.facts.customer,
            case=draft.case(),
            occurrence=draft.occurrence.id if draft.occurrence is not None else None,
            reason=order.reason,
            report=report,
        )
    )


def _answer(draft: "Draft", rule: Rule, order: GiveAnswer) -> None:
    """Answers are gathered by `requests.ask` before anything is carried out; nothing is left to do here."""


def _lift(draft: "Draft", rule: Rule, order: LiftMeasures) -> None:
    requests.lift_or_wait(draft, draft.clauses(rule), order)


def _process(draft: "Draft", _: Rule, order: Process) -> None:
    occurrences.process(draft, order.which, draft.at)


def _drop_ground(draft: "Draft", rule: Rule, order: DropGround) -> None:
    def fallen(ground: Ground) -> bool:
        return ground.clause == order.clause

    grounds.drop(draft, fallen, draft.clauses(rule), kind=order.kind)


def _mark(draft: "Draft", _: Rule, __: MarkService) -> None:
    draft.mail_port = True


def _withdraw(draft: "Draft", rule: Rule, order: WithdrawCharges) -> None:
    for charge in draft.charges:
        if charge.item == order.item and charge.state == "proposed":
            charges.withdraw(draft, charge, draft.clauses(rule))
    if order.closes:
        draft.settled_cases |= {f"{order.item}/{one.abuse_type}" for one in draft.occurrences}


def _record(draft: "Draft", rule: Rule, order: RecordUpstream) -> None:
    upstream.record(draft, draft.clauses(rule), order.port)


_ORDERS: dict[type, Callable[["Draft", Rule, Any], None]] = {
    MakeStrike: _strike,
    AddPoints: _add_points,
    SendNotice: _notify,
    StartDeadline: _deadline,
    ShortenDeadline: _shorten,
    OrderMeasure: _measure,
    MakeCharge: _charge,
    TopUp: _top_up,
    AddCost: _add_cost,
    SetFlag: _flag,
    AskReview: _review,
    GiveAnswer: _answer,
    LiftMeasures: _lift,
    Process: _process,
    DropGround: _drop_ground,
    MarkService: _mark,
    WithdrawCharges: _withdraw,
    RecordUpstream: _record,
}
