"""What people and the outside are to do about a decision: reviews, notices, alerts, and what becomes of belief."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from django.db.models import F
from django.db.models.functions import Greatest

from abusedesk.desk.enact.batch import Batch, Enacted, Move, Terms
from abusedesk.policy import strikes
from abusedesk.policy.decision import Answer, ChargeMade, Notify, Review, SetDeadline, Take
from abusedesk.policy.own_notices import REQUEST_ANSWER, REQUEST_COPY, reseller_clauses
from abusedesk.policy.proposals import BREAK_GLASS
from abusedesk.policy.stimulus import Approval, Report, Verification
from abusedesk.records import models
from abusedesk.records.bulk import copy_rows
from abusedesk.records.projection import Cases
from abusedesk.records.reviews import refresh_needs
from abusedesk.vocabulary.assurance import RANK
from abusedesk.vocabulary.evidence import Evidence, ground_of

EFFECT_COLUMNS = (
    "brand_id", "decision_id", "key", "kind", "payload", "state", "due", "attempts", "lease_owner", "receipt", "error",
)  # fmt: skip
BELIEF = ("verify_report", "low_assurance")
"""The reviews that ask whether a report can be believed; believing or rejecting it answers them."""


_CONFIRMED = "verified, by "
"""How the reason of a report begins that was confirmed here."""


class Asked(NamedTuple):
    """A review to be written, by the columns of its table."""

    brand_id: int
    docket_id: int
    case_id: int | None
    report_id: str | None
    key: str
    reason: str
    detail: str
    restricted: bool
    clauses: str
    opened_at: datetime
    closed_by: str = ""
    answer: str = ""


def questions(batch: Batch) -> dict[int, dict[str, list[str]]]:
    """What the decisions leave open to people, by docket and abuse type, as the case shows it."""
    found: dict[int, dict[str, list[str]]] = {}
    for one in batch.enacted:
        for effect in one.decision.effects:
            if isinstance(effect, Review) and effect.case:
                needs = found.setdefault(one.move.docket, {}).setdefault(type_in(effect.case), [])
                if (need := f"review:{effect.reason}") not in needs:
                    needs.append(need)
    return found


def write_reviews(batch: Batch, cases: Cases) -> None:
    """Asks people what the decisions leave open, and closes what they answered."""
    asked = [
        _asked(batch, one, index, effect, cases)
        for one in batch.enacted
        for index, effect in enumerate(one.decision.effects)
        if isinstance(effect, Review)
    ]
    known = _open_already(asked)
    new = [one for one in asked if one.report_id or (one.case_id, one.reason) not in known]
    copy_rows("records_review", Asked._fields, new)
    refresh_needs(sorted({case for one in batch.enacted for case in _close_reviews(batch, one)}))


def _open_already(asked: list[Asked]) -> set[tuple[int | None, str]]:
    """What is asked of a case already: a missed deadline asks again, and one question is enough."""
    beside: set[tuple[int | None, str]] = {
        (one.case_id, one.reason) for one in asked if one.report_id and one.case_id and one.reason in BELIEF
    }
    again = {one.case_id for one in asked if not one.report_id and one.case_id and one.reason in BELIEF}
    if not again:
        return beside
    still_open = models.Review.objects.filter(case__in=again, reason__in=BELIEF, closed_at=None)
    return beside | set(still_open.values_list("case_id", "reason"))


def _asked(batch: Batch, one: Enacted, index: int, effect: Review, cases: Cases) -> Asked:
    return Asked(
        batch.held[one.move.docket].subject.brand,
        one.move.docket,
        cases.get((one.move.docket, type_in(effect.case))) if effect.case else None,
        effect.report if is_stored(effect.report) else None,
        f"{one.move.docket}:{one.sequence}:{index}",
        effect.reason,
        _detail(one, effect),
        effect.reason == "illegal_content",
        msgspec.json.encode(effect.clauses).decode(),
        one.move.at,
    )


def _detail(one: Enacted, effect: Review) -> str:
    """What stands beside the question: the fact that is missing, or who approved alone and why."""
    stimulus = one.move.stimulus
    if effect.reason == BREAK_GLASS and isinstance(stimulus, Approval):
        what = (stimulus.measure or stimulus.item or "").replace("_", " ")
        return f"{stimulus.by} approved alone ({what}): {stimulus.break_glass}"
    return f"the policy needs to know: {effect.missing}" if effect.missing else ""


def _close_reviews(batch: Batch, one: Enacted) -> set[int]:
    """A report that staff rejected, or that is believed now, is no question any more."""
    stimulus, acts_on = one.move.stimulus, batch.terms_of(one).pack.content.counting.acts_on
    if not isinstance(stimulus, Verification):
        return set()
    if not stimulus.rejected and RANK[stimulus.assurance or "unverified"] < RANK[acts_on]:
        return set()
    open_still = models.Review.objects.filter(docket=one.move.docket, closed_at=None, reason__in=BELIEF)
    mine = list(open_still.filter(report_id=stimulus.report)) if is_stored(stimulus.report) else []
    touched = {review.case_id for review in mine if review.case_id is not None}
    answer = "rejected" if stimulus.rejected else str(stimulus.assurance)
    answered = {"closed_at": one.move.at, "closed_by": one.move.by or "desk", "answer": answer}
    open_still.filter(pk__in=[review.pk for review in mine]).update(**answered)
    # What a missed deadline asked about the case is answered with the last of its reports.
    waiting = set(open_still.filter(case__in=touched).exclude(report_id=None).values_list("case_id", flat=True))
    open_still.filter(case__in=touched - waiting, report_id=None).update(**answered)
    return touched


def write_beliefs(batch: Batch) -> None:
    """What became of belief in a report stands on the report too, and is remembered of its reporter."""
    for one in batch.enacted:
        stimulus = one.move.stimulus
        if isinstance(stimulus, Verification) and is_stored(stimulus.report):
            _believe(stimulus, one.move)


def _believe(stimulus: Verification, move: Move) -> None:
    report = models.Report.objects.filter(pk=stimulus.report, rejected_at=None).first()
    if report is None:
        return
    by = f"staff ({move.by})" if move.by else "the desk"
    before = report.grade_reason.startswith(_CONFIRMED)
    if stimulus.rejected:
        report.rejected_at, report.rejected_by = move.at, move.by
    elif stimulus.assurance and RANK[stimulus.assurance] > RANK[report.assurance]:
        report.assurance, report.grade_reason = stimulus.assurance, move.reason or f"{stimulus.assurance}, by {by}"
    else:
        return
    report.save(update_fields=["assurance", "grade_reason", "rejected_at", "rejected_by"])
    _count(report, rejected=stimulus.rejected, confirmed=stimulus.assurance == "verified", before=before)


def _count(report: models.Report, *, rejected: bool, confirmed: bool, before: bool) -> None:
    """Keeps the record of a reporter; a report that was confirmed before it was rejected is confirmed no more."""
    if report.reporter_id is None or not (rejected or confirmed) or _borrows_a_name(report):
        return
    found = models.Reporter.objects.filter(pk=report.reporter_id)
    if not rejected:
        found.update(confirmed=F("confirmed") + 1)
    elif before:
        found.update(rejected=F("rejected") + 1, confirmed=Greatest(F("confirmed") - 1, 0))
    else:
        found.update(rejected=F("rejected") + 1)


def _borrows_a_name(report: models.Report) -> bool:
    """Whether it only says that it is of a known reporter, so that it speaks neither for nor against that one."""
    evidence = msgspec.convert(report.evidence, Evidence)
    return evidence.known and not ground_of(evidence)


def write_effects(batch: Batch, cases: Cases) -> None:
    """Orders the notices and alerts of the decisions, and tells customers what became of their requests."""
    rows = (
        row
        for one in batch.enacted
        for index, effect in enumerate(one.decision.effects)
        if isinstance(effect, Notify | Answer)
        for row in _effect_rows(batch, one, f"{one.move.docket}:{one.sequence}:{index}", effect, cases)
    )
    copy_rows("records_effect", EFFECT_COLUMNS, [*rows, *_paid_for(batch, cases)])


def _paid_for(batch: Batch, cases: Cases) -> Iterator[tuple[object, ...]]:
    """The customers hear once more of a request that waited for payment, when that has come in."""
    told: set[tuple[int, str]] = set()
    for one in batch.enacted:
        before = batch.held[one.move.docket].docket.requests
        waited = {known.id for known in before if known.state == "granted_when_paid"}
        for known in one.decision.docket.requests if waited else ():
            if known.id in waited and known.state == "granted" and (one.move.docket, known.id) not in told:
                told.add((one.move.docket, known.id))
                answer = Answer(known.clauses, ip=known.ip, request=known.id, kind=known.kind, answer="granted")
                key = f"{one.move.docket}:{one.sequence}:paid:{known.id}"
                yield from _effect_rows(batch, one, key, answer, cases)


def _effect_rows(
    batch: Batch, one: Enacted, key: str, effect: Notify | Answer, cases: Cases
) -> Iterator[tuple[object, ...]]:
    if isinstance(effect, Notify):
        yield _effect_row(batch, one, key, _payload(batch, one, effect, cases))
        return
    answer = _answer(batch, one, effect, cases)
    yield _effect_row(batch, one, key, answer)
    if batch.held[one.move.docket].subject.reseller and (clauses := _passed_on_by(batch.terms_of(one), one)):
        yield _effect_row(batch, one, f"{key}:reseller", copy_of(answer, clauses))


def _passed_on_by(terms: Terms, one: Enacted) -> tuple[str, ...]:
    """The clauses by which the customer's reseller hears of it."""
    if one.decision.version is None:
        return ()
    return reseller_clauses(terms.pack.terms(terms.pack.version(one.decision.version), terms.settings))


def copy_of(answer: Mapping[str, Any], clauses: Iterable[str]) -> dict[str, Any]:
    """The reseller's copy of the order to answer a request."""
    cited = list(dict.fromkeys([*answer["clauses"], *clauses]))
    return {**answer, "to": "reseller", "via": ["email"], "template": REQUEST_COPY, "clauses": cited}


def _effect_row(batch: Batch, one: Enacted, key: str, says: dict[str, Any]) -> tuple[object, ...]:
    to_staff = says["to"] == "staff"
    rehearsed = batch.terms_of(one).brand.dry_run and not to_staff
    payload = msgspec.json.encode(says).decode()
    return (
        batch.held[one.move.docket].subject.brand, one.decision_id, key, "alert" if to_staff else "notice", payload,
        "dry_run" if rehearsed else "pending", one.move.at, 0, "", "{}", "",
    )  # fmt: skip


def _payload(batch: Batch, one: Enacted, effect: Notify, cases: Cases) -> dict[str, Any]:
    """What the notice has to say beyond what stands in the tables: what this very decision ordered."""
    of_case = [other for other in one.decision.effects if other.case == effect.case]
    stimulus, subject = one.move.stimulus, batch.held[one.move.docket].subject
    replies = [other for other in of_case if isinstance(other, SetDeadline) and other.name == "reply"]
    due = [other.due for other in replies]
    return {
        "to": effect.to,
        "via": list(effect.via),
        "template": effect.template,
        "clauses": list(effect.clauses),
        "case": cases.get((one.move.docket, type_in(effect.case))) if effect.case else None,
        "service": subject.service,
        "occurrence": effect.occurrence,
        "ip": effect.ip,
        "report": stimulus.id if isinstance(stimulus, Report) else None,
        "addresses": list(stimulus.ips) if isinstance(stimulus, Report) else [],
        "first_seen": stimulus.occurred_at.isoformat() if isinstance(stimulus, Report) else None,
        "due": due[0].isoformat() if due and due[0] else None,
        "deadline": replies[0].item_id if replies else None,
        "measures": [_as_json(other) for other in one.decision.effects if isinstance(other, Take)],
        "charges": [_as_json(other) for other in of_case if isinstance(other, ChargeMade)],
        "version": one.decision.version,
        "points": _points(batch.terms_of(one), one),
    }


def _points(terms: Terms, one: Enacted) -> int:
    """What the docket's strikes weigh together once it was decided."""
    version = terms.pack.version(one.decision.version) if one.decision.version else terms.pack.versions[0]
    quiet = terms.pack.terms(version, terms.settings).good_behaviour
    return strikes.weight(strikes.standing(one.decision.docket.occurrences, quiet, one.move.at))


def _answer(batch: Batch, one: Enacted, effect: Answer, cases: Cases) -> dict[str, Any]:
    """What the answer to a request has to say: how it stands after this decision, and what is unpaid then."""
    docket, subject = one.decision.docket, batch.held[one.move.docket].subject
    latest = docket.occurrences[-1].abuse_type if docket.occurrences else ""
    owed = [charge for charge in docket.charges if charge.state == "owed"]
    return {
        "to": "customer",
        "via": ["ticket", "email"],
        "template": REQUEST_ANSWER,
        "clauses": list(effect.clauses),
        "case": cases.get((one.move.docket, latest)),
        "service": subject.service,
        "customer": subject.customer,
        "ip": effect.ip,
        "docket": one.move.docket,
        "request": effect.request,
        "kind": effect.kind,
        "state": next(
            (known.state for known in reversed(docket.requests) if known.id == effect.request), effect.answer
        ),
        "owed": sum(charge.amount - charge.paid for charge in owed),
        "currency": owed[0].currency if owed else "",
        "version": one.decision.version,
    }


def type_in(case: str | None) -> str:
    """The abuse type in a case's name."""
    return (case or "").rpartition("/")[2]


def is_stored(report: str | None) -> bool:
    """Whether a report's id is one of the table's: in a simulated history it may be any text."""
    return report is not None and len(report) == 36 and report.count("-") == 4


def _as_json(effect: Take | ChargeMade) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(effect)
    return built
