"""Weighs the rules of one moment: which of them hit, which missed, which are unknown, and the trace of it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from abusedesk.policy.decision import Review, TraceLine
from abusedesk.policy.known_facts import DURATIONS, FACTS, Getter
from abusedesk.policy.measures import MISSING_FACT
from abusedesk.policy.pack import Terms, Threshold
from abusedesk.policy.pending import united
from abusedesk.policy.rule import MakeCharge, Moment, OrderMeasure, Rule, ShortenDeadline, StartDeadline, TopUp
from abusedesk.policy.suppressed import SUPPRESSED
from abusedesk.vocabulary.assurance import ASSURANCES, RANK

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft

Result = Literal["hit", "missed", "unknown"]


class Plan(NamedTuple):
    """A rule made ready under some terms: where its facts come from and the trace lines that it can leave.

    `settled` is the answer that the abuse type alone gives to its condition, None where other facts matter.
    """

    rule: Rule
    getters: tuple[Getter, ...]
    settled: bool | None
    parameters: dict[str, str]
    needs: int
    below: int
    lines: dict[tuple[Result, str], TraceLine]

    def line(self, result: Result, because: str) -> TraceLine:
        """The trace line for a result, made once."""
        key = (result, because)
        line = self.lines.get(key)
        if line is None:
            if len(self.lines) >= _REMEMBERED:
                self.lines.clear()
            rule = self.rule
            line = self.lines[key] = TraceLine(rule.id, result, rule.clauses, rule.says, because, self.parameters)
        return line


class Agenda(NamedTuple):
    """The rules of a moment that are to be asked about an abuse type, in order.

    Most rules are about another type, and miss by that alone: each plan comes with the trace lines of those before it,
    and `rest` are the lines of those after the last.
    """

    plans: tuple[tuple[tuple[TraceLine, ...], Plan], ...] = ()
    rest: tuple[TraceLine, ...] = ()


_REMEMBERED = 4096
ABUSE_TYPE = "abuse_type"
_BELIEVED: frozenset[str] = frozenset({"report", "missed"})
"""The moments at which the assurance of the report, or of the occurrence's best, is weighed."""


def hits(draft: "Draft", moment: Moment, kind: str | None = None) -> Iterator[Rule]:
    """The rules that hit, one by one, so that each sees what the one before it did.

    A rule whose condition is unknown does not act: a review names the missing fact.
    """
    abuse_type = draft.occurrence.abuse_type if draft.occurrence is not None else None
    trace = draft.trace
    plans, rest = agenda(draft.terms, moment, kind, abuse_type)
    for apart, plan in plans:
        trace += apart
        result, because = _QUIET if draft.silent and _speaks_only(plan.rule) else weigh(draft, plan)
        trace.append(plan.line(result, because))
        if result == "hit":
            yield plan.rule
        elif result == "unknown":
            ask(draft, plan.rule, because)
    trace += rest


_QUIET: tuple[Result, str] = ("missed", f"{SUPPRESSED}: the customer is not told of this")


def _speaks_only(rule: Rule) -> bool:
    """Whether it orders no measure: of what the customer is not told, only rules that do are weighed."""
    return not any(isinstance(one, OrderMeasure) for one in rule.orders)


def weigh(draft: "Draft", plan: Plan) -> tuple[Result, str]:
    """Whether a rule hits now, and what settled it."""
    rule = plan.rule
    if rule.on in _BELIEVED:
        reason = _disbelief(draft, plan)
        if reason is not None:
            return "missed", reason
    if rule.condition is None:
        return "hit", ""
    if plan.settled and draft.occurrence is not None:
        return "hit", f"{ABUSE_TYPE} = {draft.occurrence.abuse_type}"
    answer, because = rule.condition.weigh(tuple([get(draft) for get in plan.getters]))
    if answer is None:
        return "unknown", _underlying(draft, because)
    return ("hit" if answer else "missed"), because


def _underlying(draft: "Draft", name: str) -> str:
    """The missing fact itself, where a threshold over it was asked for."""
    threshold = draft.terms.thresholds.get(name) if draft.terms is not None else None
    return threshold.fact if threshold is not None else name


def ask(draft: "Draft", rule: Rule, missing: str) -> None:
    """A review that names the fact without which a rule cannot be decided; once for each fact."""
    if any(isinstance(one, Review) and one.missing == missing for one in draft.effects):
        return
    clauses = united(draft.clauses(rule), (MISSING_FACT,))
    report = draft.report.id if draft.report is not None else None
    draft.effects.append(
        Review(
            clauses,
            draft.docket.service,
            draft.facts.customer,
            case=draft.case(),
            reason="missing_fact",
            report=report,
            missing=missing,
        )
    )


def agenda(terms: Terms | None, moment: Moment, kind: str | None, abuse_type: str | None = None) -> Agenda:
    """The rules of a moment, made ready once for each version, set of overrides and abuse type."""
    if terms is None:
        return _NOTHING
    key = (moment, kind, abuse_type)
    found: Agenda | None = terms.agendas.get(key)
    if found is None:
        plans = [_plan(rule, terms, abuse_type) for rule in terms.rules.get((moment, kind), ())]
        found = terms.agendas[key] = _agenda(plans, abuse_type)
    return found


_NOTHING = Agenda()


def _agenda(plans: list[Plan], abuse_type: str | None) -> Agenda:
    asked: list[tuple[tuple[TraceLine, ...], Plan]] = []
    apart: list[TraceLine] = []
    for plan in plans:
        if plan.settled is False:
            apart.append(plan.line("missed", f"{ABUSE_TYPE} = {abuse_type}"))
        else:
            asked.append((tuple(apart), plan))
            apart.clear()
    return Agenda(tuple(asked), tuple(apart))


def _disbelief(draft: "Draft", plan: Plan) -> str | None:
    """Why a rule does not act at this assurance; None where it does, that is when it is first reached."""
    if plan.below >= 0:
        if draft.after < plan.below and draft.before < 0:
            return None
        return "the report is believed" if draft.after >= plan.below else "it was weighed on arrival"
    if draft.before < plan.needs <= draft.after:
        return None
    if draft.before >= plan.needs:
        return f"the report was {ASSURANCES[draft.before]} before"
    return f"{ASSURANCES[draft.after] if draft.after >= 0 else 'no report'} is not {plan.rule.needs}"


def _plan(rule: Rule, terms: Terms, abuse_type: str | None) -> Plan:
    names = rule.condition.names if rule.condition is not None else ()
    getters = tuple(_getter(name, terms) for name in names)
    used = {name: terms.used[name] for name in _parameters(rule, terms) if name in terms.used}
    settled = _settled(rule, names, abuse_type)
    below = RANK[rule.below] if rule.below is not None else -1
    return Plan(rule, getters, settled, used, RANK[rule.needs], below, {})


def _settled(rule: Rule, names: tuple[str, ...], abuse_type: str | None) -> bool | None:
    """What the abuse type alone says to the condition: a rule on one type need not be asked of others."""
    if rule.condition is None or abuse_type is None or ABUSE_TYPE not in names:
        return None
    answer, _ = rule.condition.weigh(tuple(abuse_type if name == ABUSE_TYPE else None for name in names))
    return answer


def _parameters(rule: Rule, terms: Terms) -> Iterator[str]:
    """The parameters that a rule reads, in its condition and in its orders."""
    for name in rule.condition.names if rule.condition is not None else ():
        yield terms.thresholds[name].parameter if name in terms.thresholds else name
    for order in rule.orders:
        if isinstance(order, StartDeadline | ShortenDeadline):
            yield order.within
        elif isinstance(order, MakeCharge):
            yield order.amount
        elif isinstance(order, TopUp):
            yield from (order.at_least, order.per_event)


def _getter(name: str, terms: Terms) -> Getter:
    if name in terms.thresholds:
        return _threshold(terms.thresholds[name], terms)
    if name in FACTS:
        return FACTS[name].get
    number = terms.number(name)
    return lambda _: number


def _threshold(threshold: Threshold, terms: Terms) -> Getter:
    bound = terms.duration(threshold.parameter)
    measured = DURATIONS[threshold.fact]
    compare: Callable[[timedelta], bool] = bound.__gt__ if threshold.bound == "below" else bound.__ge__

    def get(draft: "Draft") -> bool | None:
        length = measured(draft)
        return compare(length) if length is not None else None

    return get
