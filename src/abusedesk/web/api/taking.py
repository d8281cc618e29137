"""Taking documents in: read from the body, looked at, committed under the key's provenance, answered once."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Status

from abusedesk.desk.receive import Incoming, Received, receive_many
from abusedesk.parsing import claims
from abusedesk.parsing.claims import Check, Sent
from abusedesk.records import keys
from abusedesk.records.models import ApiKey
from abusedesk.web.api.door import body_of, is_lines, key_of
from abusedesk.web.api.once import name_of, once
from abusedesk.web.api.problem import ProblemDocument, Refusal

MOST = 1_000
"""So many documents are taken at once."""

REFUSED = dict.fromkeys((400, 401, 403, 411, 413, 415, 422, 429, 503), ProblemDocument)
"""What a call that sends something may be refused with."""

Also = Callable[[ApiKey, Sent, list[Received], datetime], None]
"""What else is done with what was taken, in the same transaction. Raises Refusal, and then nothing is taken."""


def taken_as(received: Received) -> dict[str, Any]:
    """What is said of a document that is committed."""
    return {"id": str(received.message_id), "repeated": not received.new}


def take_in(
    request: HttpRequest,
    response: HttpResponse,
    scope: str,
    provenance: Mapping[str, str],
    *,
    taken: Callable[[Received], dict[str, Any]] = taken_as,
    check: Check | None = None,
    also: Also | None = None,
) -> Status[dict[str, Any]]:
    """Commits every document of the body and answers 202, or raises Refusal and commits none."""
    key, lines, name = key_of(request), is_lines(request), name_of(request)
    body, now = body_of(request), timezone.now()
    sent = _read(body, check, lines=lines)

    @transaction.atomic
    def work() -> dict[str, Any]:
        received = receive_many([_incoming(one, key, scope, provenance, now) for one in sent.items])
        keys.owe(key, len(received) - 1)
        if also is not None:
            also(key, sent, received, now)
        answers = [taken(one) for one in received]
        return {scope: answers} if sent.is_list else answers[0]

    done = once(key, name, (f"{scope} {lines}", body), now, work)
    if done.again:
        response["Idempotency-Replayed"] = "true"
    return Status(202, done.answer)


def body_schema(item: dict[str, Any], description: str) -> dict[str, Any]:
    """The description of a body that is read as bytes."""
    batch = {"type": "array", "items": item, "minItems": 1, "maxItems": MOST}
    return {
        "requestBody": {
            "required": True,
            "description": description,
            "content": {
                "application/json": {"schema": {"oneOf": [item, batch]}},
                "application/x-ndjson": {"schema": {"type": "string", "description": "one such object a line"}},
            },
        },
        "parameters": [
            {
                "in": "header",
                "name": "Idempotency-Key",
                "schema": {"type": "string", "maxLength": 255},
                "description": "A name of your own for this request. The same request sent again under it counts once "
                f"and gets the same answer, for {keys.KEPT.days} days; another request under it is refused.",
            }
        ],
    }


def _read(body: bytes, check: Check | None, *, lines: bool) -> Sent:
    try:
        sent = claims.split(body, MOST, lines=lines)
    except claims.Unreadable as unreadable:
        raise Refusal(400, "unreadable", str(unreadable)) from None
    flaws = claims.flaws(sent, check)
    if flaws:
        what = "nothing of the batch was taken" if sent.is_list else "it was not taken"
        raise Refusal(422, "malformed", f"{flaws[0].pointer or 'the body'}: {flaws[0].detail}; {what}", flaws)
    return sent


def _incoming(item: bytes, key: ApiKey, scope: str, provenance: Mapping[str, str], now: datetime) -> Incoming:
    return Incoming(item, keys.CHANNELS[scope], now, key.label, key.brand_id, provenance=provenance)
