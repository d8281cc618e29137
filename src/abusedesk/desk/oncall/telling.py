"""Tells alerts: each to one person, by the first of their ways that takes it.

A telling is leased, sent under a key that stays the same, and ends with the receipt of the way that took it. A way that
fails is followed by the next at once; when none took it, all are tried again after a pause, and a page goes on to the
next level meanwhile. The number of attempts is the lease's fence.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import DatabaseError, transaction
from django.db.models import F, Q

from abusedesk.actuators.alarm import Alarm, Unsent, send, sender_of
from abusedesk.desk.perform.pace import luck, pause
from abusedesk.records.models import Alert, Brand, Telling, Way

log = structlog.get_logger()

LEASE = timedelta(minutes=2)
ROUNDS = 8
"""So often all ways are tried; with the pauses between them that is for some forty minutes."""

LINK_FOR = timedelta(days=7)
"""How long the link in an alert acknowledges it."""

_signer = Signer(salt="abusedesk.alert", sep=".")


class Try(NamedTuple):
    """A way that may be tried: a row, or the brand's address of the staff where nobody set up any."""

    name: str
    kind: str
    options: dict[str, Any]


def tell_alerts(now: datetime, limit: int = 10) -> int:
    """Try the tellings that are due. Returns how many were tried."""
    claimed = _claim(now, limit)
    for telling in claimed:
        try:
            _try(telling, now)
        except DatabaseError:
            raise
        except Exception as error:
            log.exception("telling broke", telling=telling.key)
            _failed(telling, "", f"it broke: {error!r}", len(_ways(telling)), now)
    return len(claimed)


@transaction.atomic
def _claim(now: datetime, limit: int) -> list[Telling]:
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    due = Telling.objects.filter(free, state="pending", due__lte=now).order_by("due").select_related("alert__brand")
    claimed = list(due.select_for_update(skip_locked=True, of=("self",))[:limit])
    for one in claimed:
        one.attempts += 1
    Telling.objects.filter(pk__in=[one.pk for one in claimed]).update(
        attempts=F("attempts") + 1, lease_until=now + LEASE
    )
    return claimed


def _try(telling: Telling, now: datetime) -> None:
    if telling.over and not _was_told(telling):
        _settle(telling, state="dropped", done_at=now)
        return
    ways = _ways(telling)
    if not ways:
        _settle(telling, state="failed", done_at=now, receipts=_with(telling, "", "nobody set up a way to them", now))
        _hurry(telling.alert, now)
        return
    way = ways[telling.place % len(ways)]
    try:
        said = send(way.kind, way.options, alarm_of(telling))
    except Unsent as error:
        _failed(telling, way.name, str(error), len(ways), now)
    else:
        _taken(telling, way.name, said, now)
        _remember(way.name, worked_at=now, error="")


def _was_told(telling: Telling) -> bool:
    return Telling.objects.filter(alert=telling.alert, person=telling.person, over=False, state="done").exists()


def _ways(telling: Telling) -> list[Try]:
    found = Way.objects.filter(person=telling.person, enabled=True).order_by("position", "pk")
    ways = [Try(one.name, one.kind, one.options) for one in found]
    # That it is over comes by the way that told of it.
    return sorted(ways, key=lambda one: one.name != telling.way) or _staff(telling.alert.brand)


def _staff(brand: Brand | None) -> list[Try]:
    address = str(brand.settings.get("staff_address", "")) if brand else ""
    return [Try("the brand's address of the staff", "email", {"address": address})] if address else []


def _failed(telling: Telling, way: str, error: str, ways: int, now: datetime) -> None:
    """To the next way at once; after the last of them a pause, and the next level need not wait for it."""
    place, receipts = telling.place + 1, _with(telling, way, error, now)
    rounds, rest = divmod(place, max(ways, 1))
    over = rest == 0 and rounds >= ROUNDS
    due = now if rest else now + pause(rounds, luck())
    ended = {"state": "failed", "done_at": now} if over else {"due": due}
    _settle(telling, place=place, receipts=receipts, **ended)
    _remember(way, error=error)
    if rest == 0 and rounds == 1:
        _hurry(telling.alert, now)


def _settle(telling: Telling, **values: Any) -> None:
    """Writes what became of it, unless somebody else has it since, or a person acknowledged meanwhile."""
    mine = Telling.objects.filter(pk=telling.pk, attempts=telling.attempts, state="pending")
    mine.update(lease_until=None, **values)


def _taken(telling: Telling, way: str, said: str, now: datetime) -> None:
    """A way took it: they were told, also where it was acknowledged or over at that moment."""
    mine = Telling.objects.filter(pk=telling.pk, attempts=telling.attempts, state__in=("pending", "dropped"))
    receipts = _with(telling, way, said, now)
    mine.update(lease_until=None, state="done", done_at=now, way=way, receipts=receipts)


def _hurry(alert: Alert, now: datetime) -> None:
    """Whoever was to be woken was not: the next level is told at once, where there is one to come."""
    Alert.objects.filter(pk=alert.pk, acknowledged_at=None, escalates_at__gt=now).update(escalates_at=now)


def _with(telling: Telling, way: str, said: str, now: datetime) -> list[dict[str, str]]:
    return [*telling.receipts, {"at": now.isoformat(), "way": way, "said": said[:500]}]


def _remember(way: str, **values: Any) -> None:
    Way.objects.filter(name=way).update(**values)


def try_way(way: Way, telling: Telling, now: datetime) -> str:
    """Send a test by one way now; returns the words of acceptance. Raises Unsent. Both are kept with the way."""
    try:
        said = send(way.kind, way.options, alarm_of(telling))
    except Unsent as error:
        Telling.objects.filter(pk=telling.pk).update(
            state="failed", done_at=now, receipts=_with(telling, way.name, str(error), now)
        )
        _remember(way.name, error=str(error))
        raise
    receipts = _with(telling, way.name, said, now)
    Telling.objects.filter(pk=telling.pk).update(state="done", done_at=now, way=way.name, receipts=receipts)
    _remember(way.name, worked_at=now, error="")
    return said


def alarm_of(telling: Telling) -> Alarm:
    """What is told."""
    alert = telling.alert
    brand, base = alert.brand, settings.CONFIGURATION.url
    return Alarm(
        # A restored database counts its rows from before; what was told after the backup must not be taken for it.
        key=f"alert:{telling.pk}:{int(alert.opened_at.timestamp())}",
        kind=alert.kind,
        severity=alert.severity,
        brand=brand.name if brand else "",
        summary=alert.summary,
        link=f"{base}{alert.link}",
        acknowledge="" if telling.over else f"{base}/alerts/have/{token_of(telling)}",
        opened_at=alert.opened_at,
        sender=sender_of(brand.sender if brand else ""),
        times=alert.times,
        over_at=alert.over_at if telling.over else None,
    )


def token_of(telling: Telling) -> str:
    """What stands in the link of a telling. It opens that alert's acknowledgement and nothing else."""
    return _signer.sign(str(telling.pk))


def telling_behind(token: str, now: datetime) -> Telling | None:
    """The telling whose link this is, or None where it is none or too old."""
    try:
        pk = int(_signer.unsign(token))
    except (BadSignature, ValueError):
        return None
    found = Telling.objects.select_related("alert__brand").filter(pk=pk, alert__last_at__gt=now - LINK_FOR)
    return found.first()
