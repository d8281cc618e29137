"""Entering: what a customer asks for goes to the policy, and what else the customer said is kept beside it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from abusedesk.desk.enact import submit
from abusedesk.desk.enact.submit import docket_of
from abusedesk.policy.stimulus import Request
from abusedesk.problem import Problem
from abusedesk.records.bell import ring
from abusedesk.records.bulk import storable
from abusedesk.records.holders import holders
from abusedesk.records.models import CustomerRequest, Review, Service
from abusedesk.records.reviews import close_review
from abusedesk.vocabulary.request import ABOUT_ADDRESS

UNANSWERED = "asked"
"""The state of a request that the policy could not answer: it asked a person instead."""

CHECKED = "open_mail_port"
"""The request whose domain is looked up."""


class Asked(NamedTuple):
    """What a customer asks for. `ip` is the address meant, or the one that is to send mail; empty where none is named.

    `token` makes a form that is sent twice count once; `message` is the mail in which it was asked.
    """

    service: Service
    kind: str
    token: str
    ip: str = ""
    cause: str = ""
    domain: str = ""
    selector: str = ""
    words: str = ""
    message: UUID | None = None


def enter(asked: Asked, by: str, at: datetime) -> CustomerRequest:
    """Tells the policy what is asked and keeps the customer's words; the request with its answer.

    Raises Problem where the service does not hold the address that the request is about.
    """
    if asked.ip and holders().of_address(asked.ip, at) != asked.service.pk:
        raise Problem(f"{asked.service} does not hold {asked.ip} now; ask for an address that it holds.")
    docket = docket_of(asked.service)
    about = asked.ip if asked.kind in ABOUT_ADDRESS else None
    stimulus = Request(asked.token, asked.kind, about or None, asked.cause or None)
    with transaction.atomic():
        enacted = submit(docket, stimulus, key=f"staff:request:{asked.token}", at=at, by=by)
        if enacted is None:
            return CustomerRequest.objects.get(docket=docket, item=asked.token)
        beside = {
            "ip": asked.ip or None,
            "domain": asked.domain,
            "selector": asked.selector,
            "words": storable(asked.words),
            "entered_by": by,
            "message_id": asked.message,
            "check_at": at if asked.kind == CHECKED and asked.domain else None,
        }
        made = beside | {
            "brand_id": asked.service.brand_id,
            "service": asked.service,
            "customer_id": asked.service.customer_id,
            "kind": asked.kind,
            "cause": asked.cause,
            "state": UNANSWERED,
            "at": at,
            "state_at": at,
        }
        row, _ = CustomerRequest.objects.update_or_create(
            docket=docket, item=asked.token, defaults=beside, create_defaults=made
        )
        ring()
    return row


@transaction.atomic
def replace(old: CustomerRequest, asked: Asked, by: str, at: datetime) -> CustomerRequest:
    """Enters a request anew that the policy could not answer; the questions that the old one left are closed by it.

    Raises Problem as `enter` does.
    """
    new = enter(asked, by, at)
    if old.pk != new.pk and CustomerRequest.objects.filter(pk=old.pk, state=UNANSWERED).update(
        state="void", state_at=at
    ):
        for review in questions_of(old):
            close_review(review, by, at, "the request was entered again")
    return new


def questions_of(request: CustomerRequest) -> list[Review]:
    """What the policy asked a person when it could not answer a request."""
    if request.state != UNANSWERED:
        return []
    asked = Review.objects.filter(docket=request.docket_id, opened_at=request.at, report_id=None, closed_at=None)
    return list(asked.order_by("pk"))
