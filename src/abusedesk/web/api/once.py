"""Idempotency: a request sent again under the same idempotency key counts once and gets the same answer.

Answer and messages are committed together, so that neither stands without the other. What was refused is not kept: the
same body is refused again by itself, and a corrected one may use the key.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.http import HttpRequest

from abusedesk.records.keys import KEPT
from abusedesk.records.models import ApiAnswer, ApiKey
from abusedesk.web.api.problem import Refusal

LONGEST = 255

_DROP = "DELETE FROM records_apianswer WHERE key_id = %s AND name = %s AND at <= %s"
_CLAIM = """
INSERT INTO records_apianswer (key_id, name, digest, at, answer) VALUES (%s, %s, %s, %s, '{}')
ON CONFLICT (key_id, name) DO NOTHING RETURNING id
"""


class Answered(NamedTuple):
    """An answer, and whether it was given before."""

    answer: dict[str, Any]
    again: bool


def name_of(request: HttpRequest) -> str:
    """The idempotency key of a request; empty where it has none. Raises Refusal."""
    name = request.headers.get("Idempotency-Key", "").strip().strip('"')
    if name and (len(name) > LONGEST or not (name.isascii() and name.isprintable())):
        raise Refusal(400, "bad_idempotency_key", f"Idempotency-Key: {LONGEST} printable ASCII characters at most")
    return name


def once(
    key: ApiKey, name: str, request: tuple[str, bytes], now: datetime, work: Callable[[], dict[str, Any]]
) -> Answered:
    """The answer of `work`, done once for each `name` of a key. `request` is the path and the body that it stands for.

    Of two at the same time the second waits for the first. Raises Refusal where the name stands for another request.
    """
    if not name:
        return Answered(work(), again=False)
    digest = sha256(request[0].encode() + b"\n" + request[1]).digest()
    with transaction.atomic():
        claimed = _claim(key, name, digest, now)
        if claimed is None:
            return Answered(_kept(key, name, digest), again=True)
        answer = work()
        ApiAnswer.objects.filter(pk=claimed).update(answer=answer)
    return Answered(answer, again=False)


def _claim(key: ApiKey, name: str, digest: bytes, now: datetime) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(_DROP, [key.pk, name, now - KEPT])
        cursor.execute(_CLAIM, [key.pk, name, digest, now])
        found = cursor.fetchone()
    return found[0] if found else None


def _kept(key: ApiKey, name: str, digest: bytes) -> dict[str, Any]:
    kept = ApiAnswer.objects.get(key=key, name=name)
    if bytes(kept.digest) != digest:
        raise Refusal(
            422,
            "key_reused",
            f"Idempotency-Key {name!r} was used at {kept.at:%Y-%m-%dT%H:%M:%SZ} for another request; "
            "take a new key for a new request",
        )
    return dict(kept.answer)
