"""The brake: where many deadlines at once would act against customers, they are held for a person.

A policy that was changed, a mail fetch that lagged, a clock: when many shutdowns fall due together, something else than
twenty customers is likely at fault. What only asks, reminds or frees goes on. Beside the blast radius this counts what
deadlines bring, `shutdown` too, and while anything held waits for a person, more of its kind joins it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet

from abusedesk.desk.enact import Enacted, Move, enact
from abusedesk.desk.perform import marks
from abusedesk.policy.decision import Take
from abusedesk.policy.stimulus import DeadlineDropped, DeadlinePassed
from abusedesk.records.bell import ring
from abusedesk.records.holders import holders, lock_version
from abusedesk.records.models import Brand, Deadline, Review

log = structlog.get_logger()

SETTING = "mass_expiry"
"""The brand's setting: so many deadlines may act against customers within an hour."""

LIMIT = 20
HOUR = timedelta(hours=1)
REASON = "mass_expiry"
"""The review that asks what becomes of the deadlines held."""

_BATCH = 200

Would = list[dict[str, Any]]
"""What a deadline would do: the measures that its decision takes."""


class TooMany(Exception):  # noqa: N818 - nothing is wrong, a person is to look
    """These deadlines, by their keys, would be too many at once. Nothing of the batch was written."""

    def __init__(self, would: Mapping[int, Would]) -> None:
        super().__init__(f"{len(would)} deadlines would act at once")
        self.would = would


def check(deadlines: Sequence[Deadline], enacted: Iterable[Enacted], now: datetime) -> None:
    """Lets a fired batch pass, or raises TooMany. Must run in the transaction that fires it."""
    would = _harm(deadlines, enacted)
    if not would:
        return
    mine = [one for one in deadlines if one.pk in would]
    brands = Brand.objects.filter(pk__in={one.brand_id for one in mine}).order_by("pk").select_for_update()
    held: dict[int, Would] = {}
    for brand in brands:
        acting = [one.pk for one in mine if one.brand_id == brand.pk and one.released_at is None]
        if acting and _is_too_many(brand, len(acting), now):
            held |= {pk: would[pk] for pk in acting}
    if held:
        raise TooMany(held)
    Deadline.objects.filter(pk__in=would).update(acted_at=now)


def _harm(deadlines: Sequence[Deadline], enacted: Iterable[Enacted]) -> dict[int, Would]:
    """What the decisions on deadlines take from customers by themselves, by the deadlines' keys."""
    by_place = {(one.docket_id, one.item): one.pk for one in deadlines}
    found: dict[int, Would] = {}
    for one in enacted:
        stimulus = one.move.stimulus
        takes = [_words(effect) for effect in one.decision.effects if isinstance(effect, Take) and _harms(effect)]
        if takes and isinstance(stimulus, DeadlinePassed):
            found[by_place[one.move.docket, stimulus.deadline]] = takes
    return found


def _harms(effect: Take) -> bool:
    """A proposal waits for a person anyway, and what staff timed themselves is their own word."""
    return effect.mode == "automatic" and not effect.upstream


def _words(effect: Take) -> dict[str, Any]:
    return {"measure": effect.measure, "ip": effect.ip, "port": effect.port, "clauses": list(effect.clauses)}


def _is_too_many(brand: Brand, more: int, now: datetime) -> bool:
    if held_of(brand).exists():
        return True
    lately = Deadline.objects.filter(brand=brand, acted_at__gt=now - HOUR, released_at=None).count()
    return lately + more > limit_of(brand)


def limit_of(brand: Brand) -> int:
    """How many deadlines of a brand may act against customers within an hour."""
    given = brand.settings.get(SETTING, LIMIT)
    return given if isinstance(given, int) else LIMIT


@transaction.atomic
def hold(would: Mapping[int, Would], now: datetime) -> None:
    """Hold deadlines for a person, and ask once for each brand."""
    held = list(Deadline.objects.select_for_update().filter(pk__in=would, state="open").select_related("brand"))
    for one in held:
        one.braked_at, one.would, one.lease_until = now, would[one.pk], None
    Deadline.objects.bulk_update(held, ["braked_at", "would", "lease_until"])
    for brand in {one.brand for one in held}:
        log.warning("deadlines held", brand=brand.slug, number=len(held))
        _ask(brand, now)


def _ask(brand: Brand, now: datetime) -> None:
    number = held_of(brand).count()
    detail = f"{number} deadlines of {brand.name} would act against customers at once; see them on its page"
    open_already = Review.objects.filter(brand=brand, reason=REASON, closed_at=None)
    if not open_already.update(detail=detail):
        Review.objects.create(
            brand=brand, key=f"{REASON}:{brand.pk}:{now.isoformat()}", reason=REASON, detail=detail, opened_at=now
        )


def held_of(brand: Brand) -> QuerySet[Deadline]:
    """The deadlines of a brand that wait for a person, the one longest due first."""
    return Deadline.objects.filter(brand=brand, braked_at__isnull=False, state="open").order_by("due", "pk")


@transaction.atomic
def release(brand: Brand, chosen: Sequence[int] | None, by: str, reason: str, now: datetime) -> int:
    """Let deadlines fire after all, those chosen or all, as of when they were due. Returns how many."""
    released = list(_chosen(brand, chosen).select_for_update().select_related("docket"))
    Deadline.objects.filter(pk__in=[one.pk for one in released]).update(braked_at=None, released_at=now)
    for one in released:
        text = f"the {one.name} deadline, held as one of many at once, was released: {reason}"
        marks.tell(one.docket_id, one.case_id, "staff", now, body={"text": text}, clauses=one.clauses, by=by)
    _answer(brand, by, now, f"released: {reason}")
    ring()
    return len(released)


def drop(brand: Brand, chosen: Sequence[int] | None, by: str, reason: str, now: datetime) -> int:
    """Let deadlines pass without an effect, those chosen or all. Returns how many."""
    dropped = 0
    while True:
        done = _drop_some(brand, chosen, by, reason, now)
        dropped += done
        if done < _BATCH:
            return dropped


@transaction.atomic
def _drop_some(brand: Brand, chosen: Sequence[int] | None, by: str, reason: str, now: datetime) -> int:
    lock_version()
    some = list(_chosen(brand, chosen)[:_BATCH])
    moves = [
        Move(one.docket_id, DeadlineDropped(one.item, by, reason), f"drop:{one.docket_id}:{one.item}", now, by)
        for one in some
    ]
    enact(moves, holders())
    Deadline.objects.filter(pk__in=[one.pk for one in some]).update(braked_at=None)
    _answer(brand, by, now, f"dropped: {reason}")
    return len(some)


def _chosen(brand: Brand, chosen: Sequence[int] | None) -> QuerySet[Deadline]:
    return held_of(brand).filter(Q() if chosen is None else Q(pk__in=chosen))


def _answer(brand: Brand, by: str, now: datetime, answer: str) -> None:
    """The question is answered when nothing is held any more."""
    if not held_of(brand).exists():
        asked = Review.objects.filter(brand=brand, reason=REASON, closed_at=None)
        asked.update(closed_at=now, closed_by=by, answer=answer)
