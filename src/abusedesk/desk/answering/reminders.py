"""Reminders: one more mail before a deadline ends, where the customer was last written to long before.

A reminder changes nothing: no deadline moves by it, not even when it comes back, and none waits for it. The policy may
have a word of its own: its parameter `remind_before` says how long before, and nothing (`PT0S`) forbids it; else the
brand's setting of that name counts, and a day where nothing is said.
"""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Concat

from abusedesk.desk.hearing.unread import answerable
from abusedesk.policy.own_notices import PAYMENT_SOON, REPLY_SOON
from abusedesk.policy.parameters_of_the_desk import REMIND_BEFORE
from abusedesk.problem import Problem
from abusedesk.records.bell import ring
from abusedesk.records.models import Brand, Deadline, Effect, Notice
from abusedesk.records.packs import pack_of
from abusedesk.vocabulary.duration import parse_duration
from abusedesk.vocabulary.instant import format_instant

log = structlog.get_logger()

EVERY = timedelta(minutes=1)
"""How often it is looked for deadlines that are near."""

DEFAULT = timedelta(days=1)
BATCH = 200
TEMPLATES = {"reply": REPLY_SOON, "payment": PAYMENT_SOON}
"""The deadlines that a customer keeps or misses, and what is written before each."""


def remind(now: datetime, limit: int = BATCH) -> int:
    """Orders the reminders that are due by now. Returns how many."""
    return sum(_remind(brand, now, limit) for brand in Brand.objects.filter(held_since=None, dry_run=False))


def before(brand: Brand, now: datetime) -> timedelta:
    """How long before a deadline its customers are reminded; nothing where they are not."""
    try:
        own = pack_of(brand).parameters.get(REMIND_BEFORE)
    except Problem as problem:
        log.warning("no reminders", brand=brand.slug, error=str(problem))
        return timedelta()
    said = own.at(now) if own is not None else _setting(brand)
    return said if isinstance(said, timedelta) else DEFAULT


def own_word(brand: Brand) -> str:
    """The clause by which the brand's policy itself says when customers are reminded; empty where it says nothing."""
    try:
        own = pack_of(brand).parameters.get(REMIND_BEFORE)
    except Problem:
        return ""
    return own.clause if own is not None else ""


def _setting(brand: Brand) -> timedelta:
    try:
        return parse_duration(str(brand.settings[REMIND_BEFORE]))
    except (KeyError, ValueError):
        return DEFAULT


@transaction.atomic
def _remind(brand: Brand, now: datetime, limit: int) -> int:
    length = before(brand, now)
    if not length:
        return 0
    made = [_effect(one, now) for one in _near(brand, now, length)[:limit]]
    Effect.objects.bulk_create(made, ignore_conflicts=True)
    if made:
        ring()
    return len(made)


def _near(brand: Brand, now: datetime, length: timedelta) -> list[Deadline]:
    """Deadlines that end soon, are not reminded of yet, and of which the customer last heard twice as long before."""
    key = Concat(Value("remind:"), Cast("docket_id", CharField()), Value(":"), "item", output_field=CharField())
    heard = Notice.objects.filter(case=OuterRef("case"), to="customer").exclude(state__in=("bounced", "failed"))
    near = Deadline.objects.annotate(
        reminder=key, heard_at=Subquery(heard.order_by("-written_at").values("written_at")[:1])
    ).filter(
        answerable(),
        ~Exists(Effect.objects.filter(key=OuterRef("reminder"))),
        Q(due__gt=now, due__lte=now + length, heard_at__lt=F("due") - 2 * length),
        brand=brand,
        state="open",
        paused_at=None,
        name__in=TEMPLATES,
    )
    return list(near.order_by("due").select_related("docket"))


def _effect(deadline: Deadline, now: datetime) -> Effect:
    until = format_instant(deadline.due)
    about = {"to": "customer", "template": TEMPLATES[deadline.name], "case": deadline.case_id, "due": until}
    return Effect(
        brand_id=deadline.brand_id,
        key=f"remind:{deadline.docket_id}:{deadline.item}",
        kind="notice",
        payload={**about, "until": until, "clauses": deadline.clauses},
        due=now,
    )
