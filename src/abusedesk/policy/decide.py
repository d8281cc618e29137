"""`decide`: the policy's answer to one stimulus about one service.

Pure, total and deterministic: the same docket, stimulus, facts, pack and instant give the same decision. Read from top
to bottom: a stimulus is heard, the rules of its moment are weighed and carried out, and at the end the measures that
were ordered are taken, what followed from them is weighed in its turn, and money is settled.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from abusedesk.policy import (
    carried,
    charges,
    correction,
    deadlines,
    lifecycle,
    measures,
    occurrences,
    proposals,
    rejection,
    requests,
)
from abusedesk.policy.decision import Decision, Review
from abusedesk.policy.docket import Deadline, Docket, HeardReport, Occurrence
from abusedesk.policy.draft import UNHEARD, Draft
from abusedesk.policy.enforce import enforce, weigh_all
from abusedesk.policy.facts import Facts
from abusedesk.policy.pack import Pack
from abusedesk.policy.rule import Rule
from abusedesk.policy.stimulus import (
    AnyStimulus,
    Approval,
    CarriedBalance,
    CarriedTicket,
    Corrected,
    Cost,
    DeadlineDropped,
    DeadlinePassed,
    Evidence,
    ExpirySet,
    LiftedByHand,
    LiftedToClean,
    Opened,
    Paused,
    Payment,
    Postponed,
    Proposal,
    Reply,
    Report,
    Request,
    Resumed,
    Unattributed,
    Upstream,
    Verification,
)
from abusedesk.policy.weigh import agenda, ask, weigh
from abusedesk.vocabulary.assurance import RANK
from abusedesk.vocabulary.category import ILLEGAL_CONTENT

ILLEGAL = "safeguard:illegal_content"
NO_ATTRIBUTION = "safeguard:no_attribution"


def decide(docket: Docket, stimulus: AnyStimulus, facts: Facts, pack: Pack, at: datetime) -> Decision:
    """What the policy makes of a stimulus: effects with their clauses, the next docket, and the trace.

    `facts` is what lies outside the docket at `at`, the instant of receipt. Raises Problem only for settings that the
    pack does not know (`Pack.terms`).
    """
    draft = Draft(docket, stimulus, facts, pack, at)
    _HEAR[type(stimulus)](draft, stimulus)
    _conclude(draft)
    return draft.decision()


def _conclude(draft: Draft) -> None:
    """Takes the measures ordered, weighs what followed, settles money and restores what was waiting for it."""
    measures.carry_out(draft)
    if draft.queue:
        _follow_up(draft)
    if draft.charges:
        charges.settle(draft)
        if draft.requests:
            requests.restore_paid(draft)


def _follow_up(draft: Draft) -> None:
    """The moments that what was decided brings: a measure in force, a notice sent, a charge owed."""
    while draft.queue:
        queue, draft.queue = draft.queue, []
        for moment, subject, ip in queue:
            draft.measure = subject if moment == "measure" else None
            draft.owed = subject if moment == "owed" else None
            charge = charges.find(draft, draft.owed)
            draft.item = charge.item if charge is not None else None
            draft.queue_ip = ip
            weigh_all(draft, moment)
    draft.queue_ip = None


# --- reports --------------------------------------------------------------------------------------------------------


def _report(draft: Draft, report: Report) -> None:
    """A complaint: to its occurrence, or the next one, and then to the rules."""
    if occurrences.find_report(draft, report.id) is not None:
        return
    if report.category in ILLEGAL_CONTENT:
        _review_whole(draft, report, "illegal_content", ILLEGAL)
    elif not _under_version_at(draft, report.occurred_at):
        _review_whole(draft, report, "no_policy_in_force", _no_policy_clause(draft))
    else:
        _hear(draft, report)


def _hear(draft: Draft, report: Report) -> None:
    abuse_type = draft.pack.abuse_type(report.category, draft.version).name
    draft.silent = report.suppressed == "no_notice"
    running = occurrences.running(draft, abuse_type, silent=draft.silent)
    version = draft.version.id if draft.version is not None else ""
    occurrence = running or occurrences.open_new(draft, abuse_type, version)
    heard = HeardReport(
        report.id,
        draft.at,
        report.category,
        report.ips,
        report.events,
        report.assurance,
        report.occurred_at,
        stability_risk=report.stability_risk,
        suppressed=report.suppressed or UNSET,
    )
    draft.occurrence = occurrence
    draft.keep_occurrence(replace(occurrence, reports=(*occurrence.reports, heard)))
    draft.report = heard
    if running is None:
        weigh_all(draft, "occurrence")
    _believe(draft, UNHEARD, RANK[report.assurance])


def _believe(draft: Draft, before: int, after: int) -> None:
    """A report first reached some assurances: the rules that need one of them act now."""
    draft.before, draft.after = before, after
    weigh_all(draft, "report")


def _unattributed(draft: Draft, report: Unattributed) -> None:
    """No customer's service held the addresses: a person looks."""
    if report.category in ILLEGAL_CONTENT:
        _review_whole(draft, report, "illegal_content", ILLEGAL)
    elif not _under_version_at(draft, report.occurred_at):
        _review_whole(draft, report, "no_policy_in_force", _no_policy_clause(draft))
    else:
        _review(draft, report.reason, NO_ATTRIBUTION, report.id)


def _review_whole(draft: Draft, report: Report | Unattributed, reason: str, clause: str) -> None:
    """A review of the whole report, which only one of its parts brings."""
    if report.with_reviews:
        _review(draft, reason, clause, report.id)


def _review(draft: Draft, reason: str, clause: str, report: str | None = None) -> None:
    draft.effects.append(Review((clause,), draft.docket.service, draft.facts.customer, reason=reason, report=report))


def _verification(draft: Draft, verification: Verification) -> None:
    """Belief in a report changed: it is rejected, or raised and acts as of now."""
    found = occurrences.find_report(draft, verification.report)
    if found is None or found[1].rejected:
        return
    occurrence, report = found
    draft.occurrence = occurrence
    draft.silent = occurrences.is_silent(occurrence)
    _under_version_at(draft, report.occurred_at)
    if verification.rejected:
        rejection.reject(draft, occurrence, report)
    elif occurrence.undone_at is not UNSET:
        return
    elif verification.assurance is not None and RANK[verification.assurance] > RANK[report.assurance]:
        raised = replace(report, assurance=verification.assurance)
        draft.keep_occurrence(occurrences.with_report(occurrence, raised))
        draft.report = raised
        _believe(draft, RANK[report.assurance], RANK[raised.assurance])


# --- time -----------------------------------------------------------------------------------------------------------


def _deadline_passed(draft: Draft, passed: DeadlinePassed) -> None:
    """A deadline came due unanswered. One that ended meanwhile, stands still, or is not due yet, changes nothing."""
    deadline = deadlines.find(draft, passed.deadline)
    if deadline is None or deadline.state != "open" or deadline.paused_at is not UNSET or draft.at < deadline.due:
        return
    if deadline.measure is not UNSET:
        _under_present_version(draft)
        (lifecycle.expired if deadline.name == "expiry" else lifecycle.resumed)(draft, deadline)
        return
    if deadline.name == "payment":
        _payment_missed(draft, deadline)
        return
    deadlines.end(draft, deadline, "missed")
    occurrence = occurrences.find(draft, deadline.occurrence)
    if occurrence is not None:
        _reply_missed(draft, replace(occurrence, misses=(*occurrence.misses, deadline.due)), deadline.name)


def _reply_missed(draft: Draft, occurrence: Occurrence, name: str) -> None:
    draft.occurrence = occurrence
    draft.keep_occurrence(occurrence)
    draft.under(draft.pack.version(occurrence.version))
    draft.before, draft.after = UNHEARD, occurrences.best(occurrence)
    weigh_all(draft, "missed", name)


def _payment_missed(draft: Draft, deadline: Deadline) -> None:
    draft.unpaid = tuple([one for one in draft.charges if one.deadline == deadline.id and one.state == "owed"])
    deadlines.end(draft, deadline, "missed" if draft.unpaid else "met")
    if draft.unpaid:
        _under_present_version(draft)
        draft.after = RANK["verified"]
        weigh_all(draft, "missed", deadline.name)


def _deadline_dropped(draft: Draft, dropped: DeadlineDropped) -> None:
    """A person lets a deadline pass without an effect; the occurrence waits for no answer by it any more."""
    deadline = deadlines.find(draft, dropped.deadline)
    if deadline is not None and deadline.state == "open":
        deadlines.end(draft, deadline, "cancelled")


def _corrected(draft: Draft, told: Corrected) -> None:
    """A person undoes what was the provider's own mistake."""
    _under_present_version(draft)
    correction.correct(draft, told)


def _paused(draft: Draft, told: Paused) -> None:
    correction.pause(draft, told)


def _resumed(draft: Draft, told: Resumed) -> None:
    correction.resume(draft, told)


def _postponed(draft: Draft, postponed: Postponed) -> None:
    deadlines.postpone(draft, postponed.by)


# --- the service and its customer -----------------------------------------------------------------------------------


def _opened(draft: Draft, opened: Opened) -> None:
    """A service was opened; before the policy is in force that has no effect."""
    draft.opened_at = draft.at
    draft.mail_port = draft.mail_port or opened.mail_port
    if _under_version_at(draft, draft.at):
        weigh_all(draft, "opened")


def _reply(draft: Draft, _: Reply) -> None:
    _under_present_version(draft)
    weigh_all(draft, "reply")


def _evidence(draft: Draft, _: Evidence) -> None:
    _under_present_version(draft)
    weigh_all(draft, "evidence")


def _payment(draft: Draft, payment: Payment) -> None:
    """Money is credit until it settles what is owed, the oldest first."""
    draft.credit += max(payment.amount, 0)


def _request(draft: Draft, request: Request) -> None:
    """All rules on the request are asked; the strictest answer holds and cites every rule that gave it."""
    if not _under_version_at(draft, draft.at):
        _review(draft, "no_policy_in_force", _no_policy_clause(draft))
        return
    hit: list[Rule] = []
    unknown: list[tuple[Rule, str]] = []
    for _, plan in agenda(draft.terms, "request", request.kind).plans:
        line = weigh(draft, plan)
        draft.trace.append(line)
        if line.result == "hit":
            hit.append(plan.rule)
        elif line.result == "unknown":
            unknown.append((plan.rule, line.because))
    _answer(draft, request, hit, unknown)


def _answer(draft: Draft, request: Request, hit: list[Rule], unknown: list[tuple[Rule, str]]) -> None:
    found = requests.verdict(hit)
    missing = next((one for one in unknown if requests.could_change(one[0], found[0] if found else None)), None)
    if missing is not None:
        ask(draft, *missing)
    elif found is None:
        requests.unanswerable(draft, request)
    else:
        requests.answer(draft, request, *found)
        for rule in found[1]:
            enforce(draft, rule)


# --- the provider's people ------------------------------------------------------------------------------------------


def _approval(draft: Draft, approval: Approval) -> None:
    """A person decides a request, or all proposals of a name."""
    _under_present_version(draft)
    if approval.request is None:
        proposals.decide(draft, approval)
        return
    request = requests.waiting_for_approval(draft, approval.request)
    if request is None:
        return
    given: requests.Given = "granted" if approval.decision == "approve" else "denied"
    draft.keep_request(replace(request, state=given), request)
    requests.say(draft, request, given, request.clauses)
    if given == "granted":
        weigh_all(draft, "approved", request.kind)


def _proposal(draft: Draft, proposal: Proposal) -> None:
    _under_present_version(draft)
    proposals.propose(draft, proposal)


def _cost(draft: Draft, _: Cost) -> None:
    if _under_version_at(draft, draft.at):
        weigh_all(draft, "cost")
    else:
        _review(draft, "no_policy_in_force", _no_policy_clause(draft))


def _upstream(draft: Draft, _: Upstream) -> None:
    """What the upstream did; before the first version nothing is decided, and nobody reported anything to review."""
    if _under_version_at(draft, draft.at):
        weigh_all(draft, "upstream")


def _lifted_by_hand(draft: Draft, told: LiftedByHand) -> None:
    _under_present_version(draft)
    lifecycle.lifted_by_hand(draft, told)


def _expiry_set(draft: Draft, told: ExpirySet) -> None:
    _under_present_version(draft)
    lifecycle.expiry_set(draft, told)


def _lifted_to_clean(draft: Draft, told: LiftedToClean) -> None:
    _under_present_version(draft)
    lifecycle.lifted_to_clean(draft, told)


# --- from another system --------------------------------------------------------------------------------------------


def _carried_ticket(draft: Draft, ticket: CarriedTicket) -> None:
    _under_present_version(draft)
    carried.ticket(draft, ticket)


def _carried_balance(draft: Draft, balance: CarriedBalance) -> None:
    _under_present_version(draft)
    carried.balance(draft, balance)


# --- versions -------------------------------------------------------------------------------------------------------


def _under_version_at(draft: Draft, instant: datetime) -> bool:
    """Decides by the version in force at an instant; False where none was."""
    version = draft.pack.version_at(instant, draft.facts.settings)
    if version is None:
        return False
    draft.under(version)
    return True


def _under_present_version(draft: Draft) -> None:
    """Decides by the version in force now, or by the first where what is decided is older than any."""
    if not _under_version_at(draft, draft.at):
        draft.under(draft.pack.versions[0])


def _no_policy_clause(draft: Draft) -> str:
    return draft.pack.versions[0].clause


_HEAR: dict[type, Callable[[Draft, Any], None]] = {
    Opened: _opened,
    Report: _report,
    Unattributed: _unattributed,
    Verification: _verification,
    Reply: _reply,
    Evidence: _evidence,
    Payment: _payment,
    Cost: _cost,
    Request: _request,
    Approval: _approval,
    Proposal: _proposal,
    Upstream: _upstream,
    DeadlinePassed: _deadline_passed,
    DeadlineDropped: _deadline_dropped,
    Corrected: _corrected,
    Paused: _paused,
    Resumed: _resumed,
    Postponed: _postponed,
    LiftedByHand: _lifted_by_hand,
    ExpirySet: _expiry_set,
    LiftedToClean: _lifted_to_clean,
    CarriedTicket: _carried_ticket,
    CarriedBalance: _carried_balance,
}
