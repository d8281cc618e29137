"""At the door of the API: whose key it is, whether it may do this now, and the bytes of the body."""

import math
import threading
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from abusedesk.records import keys
from abusedesk.records.models import ApiKey
from abusedesk.web.api.problem import Refusal

LARGEST = 20 * 1024 * 1024
"""Bytes of a body at most."""

WAIT_S = 1.0
_reading = threading.BoundedSemaphore(max(1, settings.CONFIGURATION.web_threads // 2))

JSON = ("application/json", "application/xarf+json")
LINES = ("application/x-ndjson", "application/jsonl")


class Key(HttpBearer):
    """A key in `Authorization: Bearer` (RFC 6750) that has the scope, and has not sent too much."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self._scope = scope

    def __call__(self, request: HttpRequest) -> ApiKey:
        """The key, also where a base class would answer for itself. Raises Refusal."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        now = timezone.now()
        key = keys.find(secret.strip(), now) if scheme.lower() == "bearer" else None
        if key is None:
            raise Refusal(
                401,
                "no_key",
                "send a key that stands: Authorization: Bearer abusedesk_…; the operator of this desk makes them",
                headers={"WWW-Authenticate": 'Bearer realm="abusedesk"'},
            )
        if self._scope not in key.scopes:
            raise Refusal(403, "wrong_scope", f"this key is for {', '.join(key.scopes)}, not for {self._scope}")
        _pace(key, now)
        _must_be_open(self._scope)
        return key

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey:  # noqa: ARG002 - the base class asks for it
        """The same: the token is read from the request once more."""
        return self(request)


def key_of(request: HttpRequest) -> ApiKey:
    """The key that the call came under."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    return key


def body_of(request: HttpRequest) -> bytes:
    """The bytes sent. Raises Refusal before a body that is too large is read."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isdigit():
        raise Refusal(411, "length_required", "send Content-Length; a body in chunks of unknown length is not taken")
    if int(length) > LARGEST:
        most = f"{LARGEST // 1024 // 1024} MB"
        raise Refusal(
            413, "too_large", f"the body has {int(length):,} bytes; at most {most} are taken: send it in parts"
        )
    data = _read(request, int(length))
    if len(data) < int(length):
        raise Refusal(400, "unreadable", "the connection brought less than Content-Length says; send it again")
    return data


def _read(request: HttpRequest, length: int) -> bytes:
    """The body. At most half of the server's threads wait for bodies, so that slow clients leave the console alive."""
    if not _reading.acquire(timeout=WAIT_S):
        detail = "too many calls are being read at once; send it again"
        raise Refusal(503, "busy", detail, headers={"Retry-After": "2"})
    try:
        return request.read(length)
    finally:
        _reading.release()


def is_lines(request: HttpRequest) -> bool:
    """Whether the body is one document a line. Raises Refusal for a media type that is not read."""
    found = (request.content_type or "").lower()
    if found not in (*JSON, *LINES):
        raise Refusal(415, "wrong_type", f"send application/json or application/x-ndjson, not {found or 'nothing'}")
    return found in LINES


def _pace(key: ApiKey, now: datetime) -> None:
    wait = keys.spend(key, now)
    if wait:
        seconds = math.ceil(wait)
        raise Refusal(
            429,
            "too_many",
            f"this key may send {key.per_minute:,} reports a minute; go on in {seconds} s",
            headers={"Retry-After": str(seconds)},
        )


def _must_be_open(scope: str) -> None:
    if not keys.channel(scope).enabled:
        raise Refusal(503, "switched_off", "the operator has switched this way in off", headers={"Retry-After": "3600"})
