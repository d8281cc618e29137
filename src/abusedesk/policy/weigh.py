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
Values = Callable[["Draft"], object]
"""The values, at a moment, of the facts that a condition still depends on: of one fact itself, of several a tuple."""


class Plan:
    """A rule made ready under some terms and for one abuse type.

    `belief` holds the trace lines of not acting at an assurance, by the ranks before and after (`_belief`), and is
    empty where belief is not weighed. `always` is the trace line where no fact matters; else `values` are looked up in
    `answers`, which remembers the trace lines that they gave.
    """

    __slots__ = ("always", "answers", "belief", "getters", "lines", "muffled", "parameters", "rule", "terms", "values")

    def __init__(self, rule: Rule, terms: Terms, abuse_type: str | None) -> None:
        names = rule.condition.names if rule.condition is not None else ()
        self.rule = rule
        self.terms = terms
        self.getters = tuple(_getter(name, terms) for name in names)
        self.parameters = {name: terms.used[name] for name in _parameters(rule, terms) if name in terms.used}
        self.lines: dict[tuple[Result, str], TraceLine] = {}
        self.answers: dict[object, TraceLine] = {}
        told = [one for name, one in zip(names, self.getters, strict=True) if name != ABUSE_TYPE or abuse_type is None]
        self.values = _values(told)
        self.belief = _belief(self)
        self.always = _always(self, abuse_type)
        self.muffled = self.line("missed", _MUFFLED) if _speaks_only(rule) else None
        """What is left where the customer is not told, for a rule that orders nothing else."""

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
_MUFFLED = f"{SUPPRESSED}: the customer is not told of this"


def each_hit(draft: "Draft", moment: Moment, act: Callable[["Draft", Rule], None], kind: str | None = None) -> None:
    """Has `act` called with the rules that hit, one by one, so that each is weighed after what the one before it did.

    A rule whose condition is unknown does not act: a review names the missing fact.
    """
    occurrence = draft.occurrence
    plans, rest = agenda(draft.terms, moment, kind, occurrence.abuse_type if occurrence is not None else None)
    trace = draft.trace
    for apart, plan in plans:
        if apart:
            trace += apart
        line = plan.muffled if draft.silent and plan.muffled is not None else weigh(draft, plan)
        trace.append(line)
        if line.result == "hit":
            act(draft, plan.rule)
        elif line.result == "unknown":
            ask(draft, plan.rule, line.because)
    trace += rest


def _speaks_only(rule: Rule) -> bool:
    """Whether it orders no measure: of what the customer is not told, only rules that do are weighed."""
    return not any(isinstance(one, OrderMeasure) for one in rule.orders)


def weigh(draft: "Draft", plan: Plan) -> TraceLine:
    """The trace line of a rule: whether it hits now, and what settled it."""
    if plan.belief and (unbelieved := plan.belief[draft.before + 1][draft.after + 1]) is not None:
        return unbelieved
    if plan.always is not None:
        return plan.always
    values = plan.values(draft)
    return plan.answers.get(values) or _answer(draft, plan, values)


def _answer(draft: "Draft", plan: Plan, values: object) -> TraceLine:
    """Asks the condition, and remembers what it said of these values."""
    condition = plan.rule.condition
    if condition is None:
        raise AssertionError("a rule without a condition always hits")
    answer, because = condition.weigh(tuple([get(draft) for get in plan.getters]))
    if answer is None:
        line = plan.line("unknown", _underlying(plan.terms, because))
    else:
        line = plan.line("hit" if answer else "missed", because)
    if len(plan.answers) >= _REMEMBERED:
        plan.answers.clear()
    plan.answers[values] = line
    return line


def _underlying(terms: Terms, name: str) -> str:
    """The missing fact itself, where a threshold over it was asked for."""
    threshold = terms.thresholds.get(name)
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
        plans = [Plan(rule, terms, abuse_type) for rule in terms.rules.get((moment, kind), ())]
        found = terms.agendas[key] = _agenda(plans)
    return found


_NOTHING = Agenda()


def _agenda(plans: list[Plan]) -> Agenda:
    asked: list[tuple[tuple[TraceLine, ...], Plan]] = []
    apart: list[TraceLine] = []
    for plan in plans:
        if plan.always is not None and plan.always.result == "missed":
            apart.append(plan.always)
        else:
            asked.append((tuple(apart), plan))
            apart.clear()
    return Agenda(tuple(asked), tuple(apart))


def _belief(plan: Plan) -> tuple[tuple[TraceLine | None, ...], ...]:
    """Why a rule does not act at an assurance, by the ranks before and after, of which the first is that of unheard."""
    if plan.rule.on not in _BELIEVED:
        return ()
    ranks = range(-1, len(ASSURANCES))
    reasons = [[_disbelief(plan.rule, before, after) for after in ranks] for before in ranks]
    return tuple(tuple(plan.line("missed", one) if one is not None else None for one in row) for row in reasons)


def _disbelief(rule: Rule, before: int, after: int) -> str | None:
    """Why a rule does not act at this assurance; None where it does, that is when it is first reached."""
    if rule.below is not None:
        if after < RANK[rule.below] and before < 0:
            return None
        return "the report is believed" if after >= RANK[rule.below] else "it was weighed on arrival"
    if before < RANK[rule.needs] <= after:
        return None
    if before >= RANK[rule.needs]:
        return f"the report was {ASSURANCES[before]} before"
    return f"{ASSURANCES[after] if after >= 0 else 'no report'} is not {rule.needs}"


def _always(plan: Plan, abuse_type: str | None) -> TraceLine | None:
    """What is left where no fact matters: there is no condition, or the abuse type alone settles it."""
    condition = plan.rule.condition
    if condition is None:
        return plan.line("hit", "")
    if abuse_type is None or ABUSE_TYPE not in condition.names:
        return None
    answer, _ = condition.weigh(tuple(abuse_type if name == ABUSE_TYPE else None for name in condition.names))
    return plan.line("hit" if answer else "missed", f"{ABUSE_TYPE} = {abuse_type}") if answer is not None else None


def _values(getters: list[Getter]) -> Values:
    if len(getters) == 1:
        return getters[0]
    if len(getters) == 2:
        one, other = getters
        return lambda draft: (one(draft), other(draft))
    return lambda draft: tuple([get(draft) for get in getters])


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
