"""`POST /api/v1/reports` and `GET /api/v1/reports/{id}`: reports by machines, and what became of them.

What comes here goes the ordinary way of every message. A batch is taken whole or not at all, so that a program that was
refused has nothing to sort out, and sends all of it again.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema, Status

from abusedesk.desk.outcome import OUTCOMES, STATES, what_became
from abusedesk.desk.receive import Received
from abusedesk.records import keys
from abusedesk.records.models import Message
from abusedesk.web.api.door import Key, key_of
from abusedesk.web.api.problem import ProblemDocument, Refusal
from abusedesk.web.api.taking import MOST, REFUSED, body_schema, take_in, taken_as

SCOPE = "reports"

router = Router(auth=Key(SCOPE), tags=["Reports"])


class Taken(Schema):
    """A report that is committed."""

    id: UUID = Field(description="ask by this what became of it")
    href: str = Field(description="where to ask")
    repeated: bool = Field(description="whether these very bytes had come from this reporter before")


class TakenBatch(Schema):
    """A batch that is committed, in its order."""

    reports: list[Taken]


class Outcome(Schema):
    """What came of one report."""

    category: str = Field(description="the XARF category that it was read as; empty where nothing new was in it")
    code: str = Field(description="; ".join(f"`{code}`: {words}" for code, words in OUTCOMES.items()))
    text: str = Field(description="the same in words")


class Standing(Schema):
    """How far a report has come."""

    id: UUID
    received_at: datetime
    state: str = Field(description="; ".join(f"`{state}`: {words}" for state, words in STATES.items()))
    reason: str = Field("", description="why a person has to read it, or why it is no report")
    outcomes: list[Outcome] = Field([], description="what came of it; empty where the brand does not tell")


_XARF = {"type": "object", "description": "A report as XARF 4 or XARF 3 (xarf.org)."}


@router.post(
    "/reports",
    response={202: Taken | TakenBatch, **REFUSED},
    operation_id="send_reports",
    summary="Send one report, or a batch",
    openapi_extra=body_schema(
        _XARF,
        f"One XARF report, or up to {MOST:,} of them as a list or one a line; 20 MB at most. A batch is taken whole or "
        "not at all.",
    ),
)
def send(request: HttpRequest, response: HttpResponse) -> Status[dict[str, Any]]:
    """Answered 202 when everything is committed. Each report of a batch is a message of its own with its own id."""
    key = key_of(request)
    answer = take_in(request, response, SCOPE, {"reporter": str(key.reporter_id)}, taken=_taken)
    if "href" in answer.value:
        response["Location"] = answer.value["href"]
    return answer


@router.get(
    "/reports/{id}",
    response={200: Standing, **dict.fromkeys((401, 403, 404, 429, 503), ProblemDocument)},
    operation_id="ask_report",
    summary="Ask what became of a report",
)
def ask(request: HttpRequest, id: UUID) -> dict[str, Any]:  # noqa: A002 - the name in the address
    """For the reporter who sent it, by any key of theirs. Outcomes are told where the brand allows it."""
    key = key_of(request)
    message = Message.objects.filter(pk=id, channel=keys.CHANNELS[SCOPE]).defer("payload").first()
    if message is None or message.provenance.get("reporter") != str(key.reporter_id):
        raise Refusal(404, "not_found", "this reporter sent nothing of this id")
    become = what_became(message)
    return {
        "id": message.pk,
        "received_at": message.received_at,
        "state": become.state,
        "reason": become.reason,
        "outcomes": [{"category": of, "code": code, "text": OUTCOMES[code]} for of, code in become.outcomes],
    }


def _taken(received: Received) -> dict[str, Any]:
    return {**taken_as(received), "href": f"/api/v1/reports/{received.message_id}"}
