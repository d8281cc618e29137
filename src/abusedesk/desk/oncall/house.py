"""The state of the house as rows: what `wrong` needs, gathered in a few queries, each over an index of its own."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Case, F, When

from abusedesk.desk import brake
from abusedesk.desk.approvals.voices import terms_of
from abusedesk.desk.channel import drivers
from abusedesk.desk.inventory.state import is_stale
from abusedesk.desk.oncall.wrong import Asked, BrandRow, Broken, House, Proposed, Source
from abusedesk.policy.proposals import BREAK_GLASS
from abusedesk.problem import Problem
from abusedesk.records.models import (
    Brand,
    Channel,
    Duty,
    Effect,
    Heartbeat,
    Inventory,
    LegalFile,
    Measure,
    Proposal,
    Review,
)
from abusedesk.vocabulary.designation import AUTHORITY

MOST = 500
"""So many of each are looked at. Beyond that the number tells nobody more."""

NOTICES_OF = timedelta(days=7)
"""A notice that failed longer ago than this wakes nobody any more; its case still shows it."""

_STALE = timedelta(minutes=15)

_NAMED = Case(When(service__label="", then=F("service__ref")), default=F("service__label"))
"""A service as the console calls it."""


def house(now: datetime) -> House:
    """Everything that may be wrong, at an instant."""
    asked = (*_reviews(), *_notices(now), *_files(), *_duties(), *_overdue(now))
    return House(
        now, _database_at(), _brands(), _proposed(), _broken(), asked, (*_channels(now), *_inventories(now)), _beats()
    )


def _database_at() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        at: datetime = cursor.fetchone()[0]
    return at


def _brands() -> tuple[BrandRow, ...]:
    found = Brand.objects.order_by("pk").values_list(
        "pk", "slug", "name", "settings", "dry_run", "held_by", "held_reason"
    )
    return tuple(BrandRow(*row) for row in found)


def _proposed() -> tuple[Proposed, ...]:
    found = Measure.objects.filter(decided="proposed", upstream=False).order_by("-pk").values_list(
        "pk", "brand_id", "kind", _NAMED, "case_id", "clauses", "service__protected",
        "service__customer__protected", "docket_id",
    )[:MOST]  # fmt: skip
    rows = list(found)
    screens = _screens({row[8] for row in rows})
    return tuple(
        Proposed(pk, brand, kind, name, case, tuple(clauses), mine or theirs, screens.get((docket, kind)))
        for pk, brand, kind, name, case, clauses, mine, theirs, docket in rows
    )


def _screens(dockets: set[int]) -> dict[tuple[int, str], int]:
    """Where the proposed measures of dockets are answered."""
    found = Proposal.objects.filter(docket__in=dockets, kind="measure", closed_at=None) if dockets else []
    return {(one.docket_id, one.name): one.pk for one in found}


def _broken() -> tuple[Broken, ...]:
    found = Measure.objects.filter(state="failed").order_by("-pk").values_list(
        "pk", "brand_id", "kind", _NAMED, "case_id", "outside"
    )[:MOST]  # fmt: skip
    return tuple(
        Broken(pk, brand, kind, name, case, bool(outside.get("drifted")))
        for pk, brand, kind, name, case, outside in found
    )


def _reviews() -> list[Asked]:
    found = Review.objects.filter(closed_at=None, reason__in=(brake.REASON, BREAK_GLASS), brand__isnull=False)
    rows = found.values_list("pk", "brand_id", "brand__slug", "reason", "detail")
    return [Asked(pk, brand, reason, detail, _place(pk, slug, reason)) for pk, brand, slug, reason, detail in rows]


def _place(pk: int, slug: str, reason: str) -> str:
    return f"/brands/{slug}/held" if reason == brake.REASON else f"/reviews/{pk}"


def _notices(now: datetime) -> list[Asked]:
    found = Effect.objects.filter(state="failed", done_at__gt=now - NOTICES_OF).order_by("-done_at")
    rows = found.values_list("pk", "brand_id", "payload__case", "payload__template")[:MOST]
    return [
        Asked(pk, brand, "notice_failed", f"a notice failed for good ({name})", f"/cases/{case}" if case else "/outbox")
        for pk, brand, case, name in rows
    ]


def _files() -> list[Asked]:
    found = LegalFile.objects.filter(kind=AUTHORITY, state="open", taken_by="")
    rows = found.values_list("pk", "brand_id", "reference")[:MOST]
    return [
        Asked(pk, brand, AUTHORITY, f"{name} came in and nobody has it yet", f"/files/{pk}") for pk, brand, name in rows
    ]


def _duties() -> list[Asked]:
    rows = Duty.objects.filter(closed_at=None).values_list("pk", "brand_id", "said_by", "due", "what")[:MOST]
    return [
        Asked(pk, brand, "duty", f"{by} demands until {due:%Y-%m-%d %H:%M} UTC: {what}", f"/duties/{pk}")
        for pk, brand, by, due, what in rows
    ]


def _overdue(now: datetime) -> list[Asked]:
    """What waits for a yes or no longer than its brand says."""
    return [one for brand in Brand.objects.filter(dry_run=False) for one in _overdue_of(brand, now)]


def _overdue_of(brand: Brand, now: datetime) -> list[Asked]:
    try:
        after = terms_of(brand).remind_after
    except Problem:
        return []
    waiting = Proposal.objects.filter(brand=brand, closed_at=None, at__lte=now - after).order_by("at")
    rows = waiting.values_list("pk", "name", _NAMED)[:MOST] if after else []
    return [
        Asked(pk, brand.pk, "overdue", f"{name.replace('_', ' ')} of {ref} waits too long", f"/approvals/{pk}")
        for pk, name, ref in rows
    ]


def _channels(now: datetime) -> list[Source]:
    return [
        Source(one.pk, "channel", one.brand_id, one.name, one.failing_since, one.error, _behind(one, now))
        for one in Channel.objects.filter(enabled=True)
    ]


def _behind(channel: Channel, now: datetime) -> str:
    """How far a channel is behind, where that is too far."""
    if channel.always_current or channel.watermark is None:
        return ""
    driver, behind = drivers().get(channel.kind), now - channel.watermark
    allowed = driver.stale_after(channel) if driver else _STALE
    return f"was last read {int(behind.total_seconds() // 60)} min ago" if behind > allowed else ""


def _inventories(now: datetime) -> list[Source]:
    found = Inventory.objects.filter(enabled=True).defer("claims", "options")
    return [
        Source(one.pk, "inventory", one.brand_id, one.name, one.failing_since, one.error, _stale(one, now))
        for one in found
    ]


def _stale(inventory: Inventory, now: datetime) -> str:
    return "is stale: measures wait for a person" if is_stale(inventory, now) else ""


def _beats() -> dict[str, datetime]:
    return dict(Heartbeat.objects.values_list("name", "at"))
