"""The stop button: while it is pressed nothing acts against a brand's customers; releasing moves their deadlines.

A hold is released in steps, so that the watch can go on where a crash broke off: first the pause's end is fixed, then
every docket's open deadlines are moved by the pause, and last the brand goes free.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from abusedesk.desk.enact import Move, enact
from abusedesk.policy.stimulus import Postponed
from abusedesk.records.bell import ring
from abusedesk.records.holders import holders, lock_version
from abusedesk.records.models import Brand, Deadline, Docket, Effect, Hold, Measure, Target
from abusedesk.vocabulary.instant import format_instant

UNCOUNTED = timedelta(minutes=1)
"""A release that took no longer than this is over; the time that a broken one took is a pause of its own."""

_BATCH = 200


@dataclass(frozen=True, slots=True)
class Preview:
    """What releasing a brand would set off: `overdue` at once, `next_due` after the move by `pause`.

    `notices` and `measures` count what waits and would go out at once.
    """

    pause: timedelta
    overdue: tuple[Deadline, ...]
    next_due: tuple[tuple[datetime, Deadline], ...]
    notices: int
    measures: tuple[Measure, ...]


@transaction.atomic
def press(brand: Brand, by: str, reason: str, now: datetime) -> Hold:
    """Stop the brand as of `now`. Pressing again changes nothing, but calls back a release that is under way."""
    held = Brand.objects.select_for_update().get(pk=brand.pk)
    running = _running(held)
    if running is not None:
        Hold.objects.filter(pk=running.pk).update(until=None, released_by="")
        return running
    Brand.objects.filter(pk=brand.pk).update(held_since=now, held_by=by, held_reason=reason)
    return Hold.objects.create(brand=brand, since=now, held_by=by, reason=reason)


def preview(brand: Brand, now: datetime, limit: int = 100) -> Preview:
    """What would happen if the brand were released now; at most `limit` of each kind."""
    since = Brand.objects.values_list("held_since", flat=True).get(pk=brand.pk) or now
    pause = max(now - since, timedelta())
    waiting = Deadline.objects.filter(brand=brand, state="open", paused_at=None).select_related("case", "docket")
    waiting = waiting.order_by("due", "pk")
    # An expiry is not moved by the pause.
    overdue = Q(due__lte=now - pause) | Q(name="expiry", due__lte=now)
    later = waiting.exclude(overdue)[:limit]
    desired = Measure.objects.filter(brand=brand, decided="in_force", target__dirty=True, upstream=False)
    return Preview(
        pause=pause,
        overdue=tuple(waiting.filter(overdue)[:limit]),
        next_due=tuple((one.due if one.name == "expiry" else one.due + pause, one) for one in later),
        notices=Effect.objects.filter(brand=brand, kind="notice", state__in=("pending", "held", "gathered")).count(),
        measures=tuple(desired.exclude(state__in=("in_force", "failed", "dry_run")).order_by("at")[:limit]),
    )


def release(brand: Brand, by: str, now: datetime) -> None:
    """Let the brand go on; its open deadlines move by the length of the pause. Does nothing when it is not held."""
    hold = _end(brand, by, now)
    if hold is not None:
        _finish(hold, now)


def finish_releases(now: datetime) -> int:
    """Carry on with releases that a crash broke off. Returns how many there were."""
    broken = Hold.objects.filter(until__isnull=False, brand__held_since=F("since")).select_related("brand")
    for hold in broken:
        _finish(hold, now)
    return len(broken)


@transaction.atomic
def _end(brand: Brand, by: str, now: datetime) -> Hold | None:
    hold = _running(Brand.objects.select_for_update().get(pk=brand.pk))
    if hold is not None and hold.until is None:
        hold.until, hold.released_by = max(now, hold.since), by
        hold.save(update_fields=["until", "released_by"])
    return hold


def _running(brand: Brand) -> Hold | None:
    """The hold that the brand is under. A brand held by hand in the table gets the record that it lacks."""
    if brand.held_since is None:
        return None
    hold, _ = Hold.objects.get_or_create(
        brand=brand, since=brand.held_since, defaults={"held_by": brand.held_by, "reason": brand.held_reason}
    )
    return hold


def _finish(hold: Hold, now: datetime) -> None:
    leg: Hold | None = hold
    while leg is not None:
        _postpone(leg)
        leg = _free(leg, now)


def _postpone(hold: Hold) -> None:
    """Move the open deadlines of every docket of the brand that was not moved for this hold yet."""
    if hold.until is None:
        return
    pause, key = hold.until - hold.since, f"release:{hold.pk}:{format_instant(hold.until)}"
    waiting = Docket.objects.filter(brand=hold.brand_id, deadlines__state="open").exclude(decisions__key=key)
    while pause and (dockets := list(waiting.distinct().order_by("pk").values_list("pk", flat=True)[:_BATCH])):
        stimulus = Postponed(by=pause, reason=hold.reason)
        _enact([Move(docket, stimulus, key, hold.until, hold.released_by) for docket in dockets])


@transaction.atomic
def _enact(moves: list[Move]) -> None:
    lock_version()
    enact(moves, holders())


@transaction.atomic
def _free(hold: Hold, now: datetime) -> Hold | None:
    """Set the brand free; or return the further pause that a release interrupted for longer has become."""
    brand = Brand.objects.select_for_update().get(pk=hold.brand_id)
    until = hold.until
    if until is None or hold.since != brand.held_since or not Hold.objects.filter(pk=hold.pk, until=until).exists():
        return None  # Pressed again meanwhile, or set free by another.
    if now - until > UNCOUNTED:
        Brand.objects.filter(pk=brand.pk).update(held_since=until)
        words = {"held_by": hold.held_by, "reason": hold.reason, "released_by": hold.released_by}
        return Hold.objects.create(brand=brand, since=until, until=now, **words)
    Brand.objects.filter(pk=brand.pk).update(held_since=None, held_by="", held_reason="")
    _held_effects(brand).update(state="pending", due=now)
    Target.objects.filter(brand=brand, dirty=True).update(next_attempt=now)
    ring()
    return None


def _held_effects(brand: Brand) -> QuerySet[Effect]:
    return Effect.objects.filter(brand=brand, state="held")
