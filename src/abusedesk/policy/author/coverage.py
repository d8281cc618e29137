"""Which clause is tried by which case, and by which of its rules.

A case exercises a clause when it passes and an effect of it, or a rule that acted in it, cites the clause. A clause
without rules, which a parameter or an interpretation bears, is exercised by the cases that name it.

An effect is automatic when nobody is asked before it reaches the customer, the money or the record: a strike, a notice,
a deadline, a flag, an answer of yes or no, a measure or charge in force at once, a lift. What is proposed, what needs
approval and what is put up for review waits for a person, and so does all that follows an approval or staff's finding.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from abusedesk.policy.author.cases import CaseResult
from abusedesk.policy.pack import SAFEGUARD, AbuseType, Pack
from abusedesk.policy.rule import (
    BREACH,
    AddCost,
    AskReview,
    GiveAnswer,
    MakeCharge,
    Order,
    OrderMeasure,
    Rule,
    TopUp,
)

State = Literal["shown", "in passing", "no case", "informative"]
"""`shown`: a case that names the clause exercises it. `in passing`: only cases do that are there for another clause."""

_BY_A_PERSON: frozenset[str] = frozenset({"approved", "evidence"})
"""The moments that a person brings by deciding."""

_ABUSE_TYPE = "abuse_type"


class ClauseCoverage(NamedTuple):
    """One clause with its rules, and the cases that exercise it, by the stems of their files.

    `by_rule` has for each rule the cases in which it acted for this clause.
    """

    clause: str
    title: str
    rules: tuple[str, ...]
    cases: tuple[str, ...]
    automatic: bool
    state: State
    by_rule: Mapping[str, tuple[str, ...]]

    @property
    def lacking(self) -> bool:
        """True where something happens without a person and no case would notice a change."""
        return self.automatic and self.state == "no case"


def coverage(pack: Pack, results: Iterable[CaseResult]) -> list[ClauseCoverage]:
    """The clauses in the pack's order, then the safeguards; only cases that pass count."""
    passed = [one for one in results if one.passed]
    return [_covered(pack, clause, passed) for clause in (*pack.clauses, *pack.safeguards)]


def never_hit(pack: Pack, results: Iterable[CaseResult]) -> list[Rule]:
    """The rules that act in no case that passes."""
    hit = {rule for one in results if one.passed for rule, _ in one.hits}
    return [rule for rule in pack.rules if rule.id not in hit]


def _covered(pack: Pack, clause: str, passed: list[CaseResult]) -> ClauseCoverage:
    rules = tuple(rule for rule in pack.rules if _rests_on(rule, clause, pack))
    exercising = [one for one in passed if _exercises(one, clause, has_rules=bool(rules))]
    return ClauseCoverage(
        clause,
        pack.clause(clause).title,
        tuple(rule.id for rule in rules),
        tuple(stem(one) for one in exercising),
        automatic=any(automatic(rule) for rule in rules),
        state=_state(pack, clause, exercising),
        by_rule={rule.id: tuple(stem(one) for one in passed if (rule.id, clause) in one.hits) for rule in rules},
    )


def automatic(rule: Rule) -> bool:
    """Whether a rule orders anything that happens without a person."""
    return rule.on not in _BY_A_PERSON and any(_acts(order) for order in rule.orders)


def _acts(order: Order) -> bool:
    if isinstance(order, OrderMeasure | MakeCharge | TopUp):
        return order.mode == "automatic"
    if isinstance(order, GiveAnswer):
        return order.answer != "needs_approval"
    return not isinstance(order, AskReview | AddCost)


def _rests_on(rule: Rule, clause: str, pack: Pack) -> bool:
    if clause in rule.clauses:
        return True
    return BREACH in rule.clauses and any(
        clause in one.breaches.values() and _may_concern(rule, one) for one in pack.content.abuse_types.values()
    )


def _may_concern(rule: Rule, abuse_type: AbuseType) -> bool:
    """False where the rule's condition excludes the abuse type, whatever else holds."""
    if rule.condition is None or _ABUSE_TYPE not in rule.condition.names:
        return True
    values = tuple(abuse_type.name if name == _ABUSE_TYPE else None for name in rule.condition.names)
    return rule.condition.weigh(values)[0] is not False


def _exercises(case: CaseResult, clause: str, *, has_rules: bool) -> bool:
    if clause in case.cited or any(clause == one for _, one in case.hits):
        return True
    return not has_rules and clause in case.clauses


def _state(pack: Pack, clause: str, exercising: list[CaseResult]) -> State:
    if not clause.startswith(SAFEGUARD) and pack.clauses[clause].informative:
        return "informative"
    if any(clause in one.clauses for one in exercising):
        return "shown"
    return "in passing" if exercising else "no case"


def stem(case: CaseResult) -> str:
    """A case's file without folder and ending, as people name it."""
    return case.file.rpartition("/")[2].removesuffix(".yaml")
