"""Refusals, as problem documents (RFC 9457)."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Field, Schema

from abusedesk.parsing.claims import Flaw

CODES = {
    "no_key": "the call carries no key, or one that is unknown, expired or revoked",
    "wrong_scope": "the key is not for this",
    "length_required": "the call does not say how long its body is",
    "too_large": "the body is larger than what is taken",
    "wrong_type": "the body's media type is none that is read",
    "unreadable": "the body is no JSON, or holds too much or nothing",
    "malformed": "the body is JSON, but breaks its schema; `errors` says where",
    "key_reused": "the idempotency key was used for another request",
    "bad_idempotency_key": "the idempotency key cannot be one",
    "too_many": "the key has sent more than its rate; Retry-After says when to go on",
    "not_found": "there is nothing of this id that this key may see",
    "not_ours": "the address is not in this brand's network",
    "switched_off": "the operator has switched this way in off",
    "busy": "too many calls are being read at once",
    "unavailable": "it cannot be stored at the moment",
}
"""Every code of a refusal, with what it means."""


class Place(Schema):
    """One thing that is wrong."""

    pointer: str = Field(description="where: a JSON pointer into what was sent (RFC 6901); empty for the whole")
    detail: str = Field(description="what is wrong there")


class ProblemDocument(Schema):
    """Why a call was refused (RFC 9457). Nothing of it was taken."""

    type: str = Field("about:blank", description="always about:blank; `code` tells the kinds apart")
    title: str = Field(description="the words of the status")
    status: int = Field(description="the status, once more")
    code: str = Field(description="the kind of refusal, for programs")
    detail: str = Field(description="what is wrong and what to do, for people")
    errors: list[Place] = Field([], description="each thing that is wrong, in the order of the body; 50 at most")


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """A call that is not taken."""

    def __init__(
        self, status: int, code: str, detail: str, flaws: Sequence[Flaw] = (), headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.flaws, self.headers = flaws, headers or {}


def answer(_request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The refusal as a response."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.detail,
    }
    if refusal.flaws:
        body["errors"] = [one._asdict() for one in refusal.flaws]
    return JsonResponse(
        body, status=refusal.status, content_type="application/problem+json", headers=dict(refusal.headers)
    )
