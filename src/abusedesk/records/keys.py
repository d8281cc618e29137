"""Keys of the HTTP API: made and shown once, found again by their digest, held to their rate, revoked.

The rate is counted in the database, so that it holds over all processes together.
"""

import secrets
import string
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple
from zlib import crc32

from django.db import connection

from abusedesk.problem import Problem
from abusedesk.records.models import ApiAnswer, ApiKey, Brand, Channel, Reporter

SCOPES = {
    "reports": "send reports and ask what became of them",
    "telemetry": "what the provider's own sensors see",
    "upstream": "what an upstream tells of its own measures and mandates",
}
"""Each scope with what it allows."""

CHANNELS = {"reports": "api", "telemetry": "telemetry", "upstream": "upstream"}
"""The channel by which each scope's messages come in."""

PREFIX = "abusedesk_"
_LETTERS = string.digits + string.ascii_letters
_RANDOM, _CHECK = 40, 6

PATTERN = rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM + _CHECK}}}"
"""What a secret looks like, for the rules of secret scanners."""

BURST = timedelta(minutes=1)
"""So much of its rate a key may be ahead before it is told to wait."""

KEPT = timedelta(days=7)
"""How long an answer is kept under its idempotency key."""

_SPEND = """
UPDATE records_apikey
SET last_used_at = %(now)s, busy_until = GREATEST(busy_until, %(now)s) + %(reports)s * interval '1 minute' / per_minute
WHERE id = %(key)s AND (busy_until IS NULL OR busy_until <= %(ahead)s) RETURNING id
"""

_OWE = "UPDATE records_apikey SET busy_until = busy_until + %s * interval '1 minute' / per_minute WHERE id = %s"


class Wanted(NamedTuple):
    """What a new key is to be. `reporter` is a reporter's key (a mail address or a name), made where it is new."""

    label: str
    scopes: Sequence[str]
    reporter: str = ""
    brand: Brand | None = None
    expires_at: datetime | None = None
    per_minute: int = 600


def make(wanted: Wanted, by: str, now: datetime) -> tuple[ApiKey, str]:
    """A new key and its secret, which nobody can be shown again. Raises Problem where it could not be used."""
    refused = flaw(wanted, now)
    if refused:
        raise Problem(refused)
    secret = new_secret()
    # An upstream complains as well, and is a reporter then.
    named = wanted.reporter or (wanted.label if "upstream" in wanted.scopes else "")
    reporter = _reporter(named, now) if named else None
    key = ApiKey.objects.create(
        digest=digest_of(secret),
        hint=secret[: len(PREFIX) + 4],
        label=wanted.label,
        reporter=reporter,
        brand=wanted.brand,
        scopes=list(wanted.scopes),
        per_minute=wanted.per_minute,
        expires_at=wanted.expires_at,
        made_at=now,
        made_by=by,
    )
    for scope in wanted.scopes:
        channel(scope)
    return key, secret


def flaw(wanted: Wanted, now: datetime) -> str:
    """Why a key could not be used as wanted, in one line; empty where it can."""
    wrong = _flaw_of_scopes(wanted)
    if wrong:
        return wrong
    if wanted.expires_at is not None and wanted.expires_at <= now:
        return "it would have expired already"
    if ApiKey.objects.filter(label=wanted.label, revoked_at=None).exists():
        return f"there is a key {wanted.label!r} already; name this one otherwise, or revoke that one first"
    return "" if wanted.per_minute > 0 else "its rate must be at least 1 a minute"


def _flaw_of_scopes(wanted: Wanted) -> str:
    unknown = [one for one in wanted.scopes if one not in SCOPES]
    own = [one for one in wanted.scopes if one != "reports"]
    if unknown or not wanted.scopes:
        return f"{unknown[0]!r} is no scope" if unknown else "it may do nothing: give it a scope"
    if "reports" in wanted.scopes and not wanted.reporter:
        return "whoever sends reports is a reporter: say which, by mail address or name"
    if own and wanted.brand is None:
        return f"{own[0]} is about one brand's network: say which brand"
    if len(wanted.scopes) > 1:
        return "reporters, sensors and upstreams are believed for different reasons: make a key for each"
    return ""


def new_secret() -> str:
    """A secret of 238 bits whose last letters are a checksum: a mistyped one is known without asking the database."""
    random = "".join(secrets.choice(_LETTERS) for _ in range(_RANDOM))
    return PREFIX + random + _checksum(random)


def is_well_formed(secret: str) -> bool:
    """Whether this can be a secret of ours at all."""
    body = secret.removeprefix(PREFIX)
    whole = secret.startswith(PREFIX) and len(body) == _RANDOM + _CHECK and body.isascii()
    return whole and _checksum(body[:_RANDOM]) == body[_RANDOM:]


def find(secret: str, now: datetime) -> ApiKey | None:
    """The key of a secret, if it stands."""
    if not is_well_formed(secret):
        return None
    key = ApiKey.objects.select_related("reporter", "brand").filter(digest=digest_of(secret), revoked_at=None).first()
    return key if key is not None and (key.expires_at is None or key.expires_at > now) else None


def revoke(key: ApiKey, by: str, now: datetime) -> None:
    """From now on it opens nothing. What came under it stays."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now, revoked_by=by)


def spend(key: ApiKey, now: datetime) -> float:
    """Counts one report against the key's rate. Returns 0, or how many seconds it has to wait."""
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, {"now": now, "reports": 1, "ahead": now + BURST, "key": key.pk})
        if cursor.fetchone() is not None:
            return 0
    busy = ApiKey.objects.values_list("busy_until", flat=True).get(pk=key.pk) or now
    return max((busy - BURST - now).total_seconds(), 0.001)


def owe(key: ApiKey, reports: int) -> None:
    """Counts further reports that came with the one already spent: a batch is taken whole and waited for afterwards."""
    if reports > 0:
        with connection.cursor() as cursor:
            cursor.execute(_OWE, [reports, key.pk])


def channel(scope: str) -> Channel:
    """The channel of a scope. It carries no customer's answers, and nothing lies unread anywhere else."""
    name = CHANNELS[scope]
    defaults = {"kind": name, "always_current": True, "carries_answers": False}
    return Channel.objects.get_or_create(name=name, defaults=defaults)[0]


def forget_answers(now: datetime) -> None:
    """Drops the answers that are kept no longer."""
    ApiAnswer.objects.filter(at__lte=now - KEPT).delete()


def digest_of(secret: str) -> bytes:
    """What is kept of a secret. It is random, so that a fast hash gives nothing away."""
    return sha256(secret.encode()).digest()


def _reporter(name: str, now: datetime) -> Reporter:
    key = name.strip().lower()
    domain = key.rpartition("@")[2]
    return Reporter.objects.get_or_create(key=key, defaults={"organisation": domain, "first_seen": now})[0]


def _checksum(text: str) -> str:
    number, found = crc32(text.encode()), ""
    for _ in range(_CHECK):
        number, rest = divmod(number, len(_LETTERS))
        found += _LETTERS[rest]
    return found
