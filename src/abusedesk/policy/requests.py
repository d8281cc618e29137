"""Requests: the customer asks, the rules answer, a person approves, and a restoration waits where it must be paid."""

from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from abusedesk.policy import charges, measures
from abusedesk.policy.carrying import answers_to
from abusedesk.policy.decision import Answer, Review
from abusedesk.policy.docket import OpenRequest, stands
from abusedesk.policy.pending import united
from abusedesk.policy.resting import forget, rests
from abusedesk.policy.rule import GiveAnswer, LiftMeasures, Rule
from abusedesk.policy.stimulus import Approval, Request

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft

Given = Literal["granted", "denied", "needs_approval"]
STRICTNESS: dict[Given, int] = {"granted": 0, "needs_approval": 1, "denied": 2}
"""Of several answers the strictest holds."""


def verdict(rules: list[Rule]) -> tuple[Given, list[Rule]] | None:
    """The strictest answer of the rules that hit, and the rules that gave it; None where no rule answers."""
    given = [(one.answer, rule) for rule in rules for one in rule.orders if isinstance(one, GiveAnswer)]
    if not given:
        return None
    answer = max((answer for answer, _ in given), key=STRICTNESS.__getitem__)
    return answer, [rule for one, rule in given if one == answer]


def could_change(rule: Rule, answer: Given | None) -> bool:
    """Whether a rule, if it hit, would give a stricter answer, or any at all where there is none."""
    return any(
        isinstance(one, GiveAnswer) and (answer is None or STRICTNESS[one.answer] > STRICTNESS[answer])
        for one in rule.orders
    )


def answer(draft: "Draft", request: Request, given: Given, rules: list[Rule]) -> None:
    """Answers a request, citing every rule that gave the answer, and remembers it."""
    clauses = united(*(draft.clauses(rule) for rule in rules))
    draft.requests = (
        *draft.requests,
        OpenRequest(request.id, request.kind, draft.at, given, request.ip, request.cause, clauses),
    )
    say(draft, request, given, clauses)


def say(draft: "Draft", request: Request | OpenRequest, given: Given, clauses: tuple[str, ...]) -> None:
    """The effect that answers a request."""
    draft.effects.append(
        Answer(
            clauses,
            draft.docket.service,
            draft.facts.customer,
            request.ip,
            request=request.id,
            kind=request.kind,
            answer=given,
        )
    )


def unanswerable(draft: "Draft", request: Request) -> None:
    """No rule knows what to say: a person is asked."""
    draft.effects.append(
        Review(
            (draft.pack.content.counting.clause,),
            draft.docket.service,
            draft.facts.customer,
            request.ip,
            reason="no_rule",
        )
    )


def waiting_for_approval(draft: "Draft", request_id: str | None) -> OpenRequest | None:
    """The latest request of an id that a person has to decide."""
    fitting = (one for one in reversed(draft.requests) if one.id == request_id and one.state == "needs_approval")
    return next(fitting, None)


def lift_or_wait(draft: "Draft", clauses: tuple[str, ...], order: LiftMeasures) -> None:
    """Lifts what a granted request lifts; after an approval with a fee, only when nothing is unpaid."""
    stimulus = draft.stimulus
    if isinstance(stimulus, Approval) and order.fee is not None and stimulus.fee is not None and stimulus.fee > 0:
        charges.make(draft, order.fee, stimulus.fee, "approved", clauses)
        _wait(draft, stimulus.request, clauses, order)
        return
    lift(draft, clauses, order.kinds, proposals=order.proposals)


def _wait(draft: "Draft", request_id: str | None, clauses: tuple[str, ...], order: LiftMeasures) -> None:
    for one in draft.requests:
        if one.id == request_id and one.state == "granted":
            draft.keep_request(replace(one, state="granted_when_paid", lifts=order.kinds, clauses=clauses), one)


def restore_paid(draft: "Draft") -> None:
    """Carries out the restorations that waited until nothing is unpaid."""
    waiting = [one for one in draft.requests if one.state == "granted_when_paid"]
    if waiting and not charges.any_owed(draft):
        for one in waiting:
            draft.keep_request(replace(one, state="granted"), one)
            lift(draft, one.clauses, one.lifts, proposals=False)


def lift(draft: "Draft", clauses: tuple[str, ...], kinds: tuple[str, ...], *, proposals: bool) -> None:
    """Lifts our measures of some kinds that are in force, and withdraws those only proposed where that is asked."""
    for measure in draft.measures:
        if not any(answers_to(measure, kind) for kind in kinds):
            continue
        if measure.state == "in_force" or (proposals and stands(measure)):
            measures.lift_own(draft, measure, clauses)
        elif rests(draft, measure):
            forget(draft, measure)
