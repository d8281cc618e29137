"""Deciding: a person's yes or no with its written reason, and what staff tick off outside once it is granted."""

from datetime import datetime
from typing import Literal, NamedTuple

from django.db import transaction

from abusedesk.desk.enact import submit
from abusedesk.policy.stimulus import Approval
from abusedesk.problem import Problem
from abusedesk.records.holders import holders
from abusedesk.records.models import CustomerRequest
from abusedesk.vocabulary.instant import format_instant
from abusedesk.vocabulary.request import STEPS


class Verdict(NamedTuple):
    """A person's word on a request. `fee` is in minor units; `token` makes a form that is sent twice count once."""

    decision: Literal["approve", "reject"]
    by: str
    reason: str
    token: str
    fee: int | None = None


@transaction.atomic
def decide_request(request: CustomerRequest, verdict: Verdict, at: datetime) -> bool:
    """Tells the policy, and keeps the reason. False where somebody had decided before, or may not decide this."""
    said = Approval(verdict.decision, verdict.by, request=request.item, fee=verdict.fee)
    key = f"staff:decide:{verdict.token}"
    enacted = submit(request.docket, said, key=key, at=at, by=verdict.by)
    decided = CustomerRequest.objects.filter(pk=request.pk).exclude(state="needs_approval")
    if enacted is None or not enacted.decision.effects or not decided.exists():
        return False
    note_reason(request.docket_id, request.item, verdict.reason)
    return True


def note_reason(docket: int, item: str, reason: str) -> None:
    """Keeps why a person decided a request so, for the record and for the customer, who is told."""
    CustomerRequest.objects.filter(docket=docket, item=item).update(reason=reason.replace("\0", ""))


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
    done = {"step": ticked.step, "by": ticked.by, "at": format_instant(at), "note": ticked.note.replace("\0", "")}
    locked.done, locked.to_do = [*locked.done, done], len(left) > 1
    locked.save(update_fields=["done", "to_do"])
    return True


def still_held(request: CustomerRequest, step: str, at: datetime) -> str:
    """What the records say against a step being done, or nothing."""
    if step != "old_assignment" or request.ip is None:
        return ""
    held = holders().of_address(request.ip, at) == request.service_id
    return f"The inventory still says that {request.service} holds {request.ip}." if held else ""
