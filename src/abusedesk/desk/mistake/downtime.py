"""Downtime: how long a customer was without a service by our mistake, from and until what was read back outside."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import F, Q, Subquery
from django.db.models.expressions import OuterRef

from abusedesk.desk.mistake.plan import Plan
from abusedesk.policy.docket import Docket, Measure
from abusedesk.policy.occurrences import best
from abusedesk.records import models

AWAY = frozenset({"suspend", "shutdown", "terminate", "null_route"})
"""The measures by which a service cannot be reached at all; the others take a part of it."""


class Outage(NamedTuple):
    """A measure that took a service, or a part of it: from when until when; None while it still does."""

    service: int
    measure: int
    kind: str
    ip: str | None
    since: datetime
    until: datetime | None


def outages(plan: Plan) -> list[Outage]:
    """What of the measures that a plan ends, or whose grounds it ends, was in force outside."""
    ended = Q(pk__in=[])
    for pk, after in plan.after.items():
        ended |= Q(docket=pk, item__in=_taken_back(plan.before[pk], after))
    rows = models.Measure.objects.filter(ended, in_force_at__isnull=False).order_by("in_force_at", "pk")
    return [
        Outage(one.service_id, one.pk, one.kind, one.ip, one.in_force_at, one.lifted_at)
        for one in rows
        if one.in_force_at is not None
    ]


def _taken_back(before: Docket, after: Docket) -> list[str]:
    """The measures that end now, and those ended already that rested on nothing but what falls now."""
    was = {one.id: one.state for one in before.measures}
    fallen = _fallen(after) - _fallen(before)
    return [one.id for one in after.measures if _is_ours(one, was.get(one.id), fallen)]


def _is_ours(measure: Measure, was: str | None, fallen: frozenset[str]) -> bool:
    if measure.upstream:
        return False
    if was == "in_force":
        return measure.state == "lifted"
    resting = [one.occurrence for one in measure.grounds]
    return measure.state == "lifted" and bool(resting) and all(one in fallen for one in resting)


def _fallen(docket: Docket) -> frozenset[str]:
    return frozenset(one.id for one in docket.occurrences if best(one) < 0)


def away(found: Iterable[tuple[int, str, datetime, datetime | None]], now: datetime) -> timedelta:
    """How long services could not be reached: of one service the time counts once, whatever measures lay over it.

    Each is the service, the kind of measure, since when and until when.
    """
    by_service: dict[int, list[tuple[datetime, datetime]]] = {}
    for service, kind, since, until in found:
        if kind in AWAY:
            by_service.setdefault(service, []).append((since, max(since, until or now)))
    return sum((_covered(spans) for spans in by_service.values()), timedelta())


def _covered(spans: Sequence[tuple[datetime, datetime]]) -> timedelta:
    total, reached = timedelta(), None
    for since, until in sorted(spans):
        begin = since if reached is None else max(since, reached)
        total += max(until - begin, timedelta())
        reached = until if reached is None else max(reached, until)
    return total


def of_outages(found: Iterable[Outage], now: datetime) -> timedelta:
    """How long the services of some outages could not be reached."""
    return away(((one.service, one.kind, one.since, one.until) for one in found), now)


def of_mistakes(mistakes: Iterable[models.Mistake], now: datetime) -> dict[int, timedelta]:
    """How long each mistake kept a customer from its services, by the mistakes' keys."""
    keys = [one.pk for one in mistakes]
    found: dict[int, list[tuple[int, str, datetime, datetime | None]]] = {pk: [] for pk in keys}
    for one in models.Downtime.objects.filter(mistake__in=keys):
        found[one.mistake_id].append((one.service_id, one.kind, one.since, one.until))
    return {pk: away(ones, now) for pk, ones in found.items()}


def keep(mistake: models.Mistake, found: Iterable[Outage]) -> None:
    """Puts outages on record."""
    models.Downtime.objects.bulk_create(
        models.Downtime(
            mistake=mistake,
            service_id=one.service,
            measure_id=one.measure,
            kind=one.kind,
            ip=one.ip,
            since=one.since,
            until=one.until,
        )
        for one in found
    )


def note_ends() -> int:
    """Notes the ends of outages whose measures were read back as lifted by now. Returns how many."""
    running = models.Downtime.objects.filter(until=None, measure__decided="lifted", measure__lifted_at__isnull=False)
    ended = models.Measure.objects.filter(pk=OuterRef("measure")).values("lifted_at")[:1]
    keys = list(running.filter(measure__lifted_at__gte=F("since")).values_list("pk", flat=True))
    return models.Downtime.objects.filter(pk__in=keys).update(until=Subquery(ended)) if keys else 0
