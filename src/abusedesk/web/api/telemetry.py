"""`POST /api/v1/telemetry`: what the provider's own sensors saw. It counts as verified."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema, Status

from abusedesk.parsing.formats import telemetry
from abusedesk.web.api.door import Key, key_of
from abusedesk.web.api.schemas import schema_of
from abusedesk.web.api.taking import MOST, REFUSED, body_schema, take_in

SCOPE = "telemetry"

router = Router(auth=Key(SCOPE), tags=["Telemetry"])


class Noted(Schema):
    """An observation that is committed."""

    id: UUID = Field(description="the number of its message, as the console shows it")
    repeated: bool = Field(description="whether these very bytes had come from this sensor before")


class NotedBatch(Schema):
    """A batch that is committed, in its order."""

    telemetry: list[Noted]


@router.post(
    "/telemetry",
    response={202: Noted | NotedBatch, **REFUSED},
    operation_id="send_telemetry",
    summary="Send what a sensor saw",
    openapi_extra=body_schema(
        schema_of(telemetry.Observation),
        f"One observation, or up to {MOST:,} of them as a list or one a line; all are taken or none.",
    ),
)
def send(request: HttpRequest, response: HttpResponse) -> Status[dict[str, Any]]:
    """Answered 202 when everything is committed. The key's name is the sensor's."""
    sensor = {"sensor": key_of(request).label}
    return take_in(request, response, SCOPE, sensor, check=telemetry.checked)
