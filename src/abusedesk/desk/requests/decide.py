"""Deciding: a person's yes or no with its written reason, and what staff tick off outside once it is granted."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from abusedesk.desk.approvals import Answer, Result, say
from abusedesk.desk.decide import pack_of, settings_of
from abusedesk.desk.enact.orders import copy_of
from abusedesk.desk.requests.enter import UNANSWERED, questions_of
from abusedesk.policy.own_notices import REQUEST_ANSWER, reseller_clauses
from abusedesk.problem import Problem
from abusedesk.records.bell import ring
from abusedesk.records.bulk import storable
from abusedesk.records.holders import holders
from abusedesk.records.models import Brand, Case, CustomerRequest, Effect, Proposal
from abusedesk.records.reviews import close_review
from abusedesk.vocabulary.instant import format_instant
from abusedesk.vocabulary.request import STEPS


def decide_request(request: CustomerRequest, answer: Answer, token: str, at: datetime) -> Result:
    """A person's yes or no, as to all that waits. `token` makes a form that is sent twice count once."""
    waiting = Proposal.objects.filter(docket=request.docket_id, request=request.item, closed_at=None).first()
    if waiting is None:
        return Result("closed", "somebody had answered it already")
    return say(waiting.pk, answer, key=f"staff:decide:{token}", now=at)


@transaction.atomic
def answer_by_hand(request: CustomerRequest, reason: str, by: str, at: datetime) -> bool:
    """A person answers what the policy could not, and the customer is told. False where that was done before."""
    questions = questions_of(request)
    said = {"state": "answered", "state_at": at, "decided_at": at, "decided_by": by, "reason": storable(reason)}
    if not CustomerRequest.objects.filter(pk=request.pk, state=UNANSWERED).update(**said):
        return False
    for review in questions:
        close_review(review, by, at, reason)
    _tell(request, list(dict.fromkeys(clause for review in questions for clause in review.clauses)), at)
    return True


def _tell(request: CustomerRequest, clauses: list[str], at: datetime) -> None:
    case = Case.objects.filter(service=request.service_id).order_by("-last_at").first()
    payload = {
        "to": "customer",
        "template": REQUEST_ANSWER,
        "clauses": clauses,
        "case": case.pk if case else None,
        "service": request.service_id,
        "customer": request.customer_id,
        "ip": request.ip,
        "docket": request.docket_id,
        "request": request.item,
        "kind": request.kind,
        "state": "answered",
        "owed": 0,
        "currency": "",
    }
    _order(request, "answered", payload, at)
    if request.customer.reseller_id and (passed_on := _passed_on_by(request.brand, at)):
        _order(request, "answered:reseller", copy_of(payload, passed_on), at)
    ring()


def _order(request: CustomerRequest, name: str, payload: dict[str, Any], at: datetime) -> None:
    state = "dry_run" if request.brand.dry_run else "pending"
    made = {"brand": request.brand, "kind": "notice", "payload": payload, "state": state, "due": at}
    Effect.objects.get_or_create(key=f"request:{request.pk}:{name}", defaults=made)


def _passed_on_by(brand: Brand, at: datetime) -> tuple[str, ...]:
    """The clauses by which resellers hear of it, as the policy in force has them."""
    pack, settings = pack_of(brand), settings_of(brand)
    version = pack.version_at(at, settings)
    return reseller_clauses(pack.terms(version, settings)) if version else ()


class Ticked(NamedTuple):
    """A step that was done outside, by whom, with what is to be remembered of it."""

    step: str
    by: str
    note: str


def left_to_do(request: CustomerRequest) -> list[str]:
    """The steps that staff still have to do outside."""
    if not request.to_do:
        return []
    ticked = {one["step"] for one in request.done}
    return [step for step in STEPS.get(request.kind, ()) if step not in ticked]


@transaction.atomic
def tick(request: CustomerRequest, ticked: Ticked, at: datetime) -> bool:
    """Notes that a step was done. False where it was ticked before.

    Raises Problem where the records still say otherwise and nothing is said about it.
    """
    locked = CustomerRequest.objects.select_for_update().get(pk=request.pk)
    left = left_to_do(locked)
    if ticked.step not in left:
        return False
    if not ticked.note and (doubt := still_held(locked, ticked.step, at)):
        raise Problem(f"{doubt} End it there first, or say why it stands.")
    done = {"step": ticked.step, "by": ticked.by, "at": format_instant(at), "note": storable(ticked.note)}
    locked.done, locked.to_do = [*locked.done, done], len(left) > 1
    locked.save(update_fields=["done", "to_do"])
    return True


def still_held(request: CustomerRequest, step: str, at: datetime) -> str:
    """What the records say against a step being done, or nothing."""
    if step != "old_assignment" or request.ip is None:
        return ""
    held = holders().of_address(request.ip, at) == request.service_id
    return f"The inventory still says that {request.service} holds {request.ip}." if held else ""
