"""`GET /api/v1/verify`: whether a notice is ours, for anybody, so that the provider's own site can ask."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Router, Schema

from abusedesk.desk import genuine
from abusedesk.desk.public_form.limits import network_of
from abusedesk.web.api.problem import ProblemDocument, Refusal
from abusedesk.web.views.public import client_of

router = Router(tags=["Notices"])


class Said(Schema):
    """What is told of a code. Of one that is not ours nothing but that."""

    genuine: bool = Field(description="whether a notice with this code is ours")
    brand: str = Field("", description="the brand that sent it, by its name in addresses")
    sent_on: date | None = Field(None, description="the day on which it was sent (UTC)")
    service_ends_in: str = Field("", description="how the service's name ends; empty where it is about several")
    services: int = Field(0, description="how many services it is about")
    subject: str = Field("", description="its subject, without names and addresses")


@router.get(
    "/verify",
    response={200: Said, 429: ProblemDocument, 503: ProblemDocument},
    operation_id="verify_notice",
    summary="Ask whether a notice is ours",
)
def verify(request: HttpRequest, response: HttpResponse, code: str = "") -> dict[str, Any]:
    """Needs no key, and may be asked from a page of any site: 30 times an hour from one network."""
    response["Access-Control-Allow-Origin"] = "*"
    if not genuine.may_ask(network_of(client_of(request)), timezone.now()):
        headers = {"Retry-After": "3600", "Access-Control-Allow-Origin": "*"}
        raise Refusal(429, "too_many", "your network asked 30 times within the hour; try again later", headers=headers)
    found = genuine.look_up(code)
    if found is None:
        return {"genuine": False}
    about = {"sent_on": found.sent_on, "service_ends_in": found.ending, "services": found.services}
    return {"genuine": True, "brand": found.slug, "subject": found.subject, **about}
