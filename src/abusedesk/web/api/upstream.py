"""`POST /api/v1/upstream`: what an upstream tells of its own measures, and what it demands."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema, Status

from abusedesk.desk import upstream as desk
from abusedesk.desk.receive import Received
from abusedesk.parsing import claims
from abusedesk.parsing.claims import Flaw, Sent
from abusedesk.parsing.formats import upstream
from abusedesk.problem import Problem
from abusedesk.records.models import ApiKey
from abusedesk.web.api.door import Key, key_of
from abusedesk.web.api.problem import Refusal
from abusedesk.web.api.schemas import schema_of
from abusedesk.web.api.taking import MOST, REFUSED, body_schema, take_in

SCOPE = "upstream"

router = Router(auth=Key(SCOPE), tags=["Upstream"])


class Heard(Schema):
    """A word that is committed, with all that follows from it."""

    id: UUID = Field(description="the number of its message, as the console shows it")
    repeated: bool = Field(description="whether these very bytes had come from this upstream before")


class HeardBatch(Schema):
    """A batch that is committed, in its order."""

    upstream: list[Heard]


@router.post(
    "/upstream",
    response={202: Heard | HeardBatch, **REFUSED},
    operation_id="tell_upstream",
    summary="Tell what an upstream did or demands",
    openapi_extra=body_schema(
        schema_of(upstream.Word),
        f"One word, or up to {MOST:,} of them as a list or one a line, in their order; all are taken or none.",
    ),
)
def tell(request: HttpRequest, response: HttpResponse) -> Status[dict[str, Any]]:
    """Answered 202 when the measures are recorded and the duties stand. The key's name is the upstream's.

    A measure that stands already is not set twice, and one that does not stand is not lifted.
    """
    key = key_of(request)
    who = {"upstream": key.label, "reporter": str(key.reporter_id)}
    return take_in(request, response, SCOPE, who, check=upstream.checked, also=_tell)


def _tell(key: ApiKey, sent: Sent, received: list[Received], now: datetime) -> None:
    if key.brand is None:
        raise Refusal(403, "wrong_scope", "this key has no brand; the operator makes another")
    for index, (item, one) in enumerate(zip(sent.items, received, strict=True)):
        word = upstream.checked(claims.document(item))
        try:
            desk.tell(word, desk.Said(key.brand, key.label, one.message_id, now))
        except Problem as problem:
            flaw = Flaw(f"/{index}/ip" if sent.is_list else "/ip", str(problem))
            raise Refusal(422, "not_ours", f"{problem}; nothing was taken", [flaw]) from None
