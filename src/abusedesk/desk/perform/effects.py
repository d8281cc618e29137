"""Effects: notices and alerts, each claimed under a lease, carried out, and ended with a receipt.

The number of attempts is the lease's fence: whoever claimed an effect earlier than the last claim writes nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import structlog
from django.db import DatabaseError, transaction
from django.db.models import F, Q

from abusedesk.actuators.mail import Accepted, Delayed, Down, Post, Refused, Slowed, post
from abusedesk.desk.perform import destination, digest, late, marks, unserved
from abusedesk.desk.perform.notice import LETTER, addresses, letter, notice_of
from abusedesk.desk.perform.pace import ATTEMPTS, LEASE, luck, pause
from abusedesk.policy.own_notices import DIGEST
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Docket, Effect, Notice
from abusedesk.vocabulary.instant import parse_instant

log = structlog.get_logger()

FOR_STAFF = Q(kind="alert") | Q(payload__to="staff")
ASKED_FOR = Q(kind="form")
"""Mails that whoever filled in the public form waits for: no stop and no dry run is about them."""
WRITTEN = Q(payload__template=LETTER)
"""What a person wrote: the stop button stops the policy, not the people."""


class Late(Exception):  # noqa: N818 - it is no fault, the lease has passed to another
    """The lease is no longer ours."""


def perform_effects(worker: str, now: datetime, limit: int = 20, since: datetime | None = None) -> int:
    """Carry out up to `limit` effects that are due, or that were at `since`. Returns how many were tried."""
    _hold_back(now)
    claimed, kept_back = _claim(worker, now, limit, since or now)
    with post() as out:
        _perform(claimed, out, now)
    return len(claimed) + kept_back


def retry_effect(effect_id: int, now: datetime) -> None:
    """A person says: try again. Does nothing to an effect that did not fail."""
    Effect.objects.filter(pk=effect_id, state="failed").update(state="pending", due=now, attempts=0, error="")


@transaction.atomic
def _hold_back(now: datetime) -> None:
    """What is due while its brand is held waits for the release, which must not come in between."""
    held = list(Brand.objects.select_for_update().filter(held_since__isnull=False).values_list("pk", flat=True))
    if held:
        free = FOR_STAFF | ASKED_FOR | WRITTEN
        Effect.objects.filter(state="pending", due__lte=now, brand__in=held).exclude(free).update(state="held")


@transaction.atomic
def _claim(worker: str, now: datetime, limit: int, since: datetime) -> tuple[list[Effect], int]:
    """What is to be carried out now, and how many others were kept back: for a digest, or by their destination."""
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    goes_out = Q(brand__dry_run=False) | ASKED_FOR
    due = Effect.objects.filter(free, goes_out, state="pending", due__lte=since).order_by("due")
    due = due.select_related("brand", "decision")
    found = list(due.select_for_update(skip_locked=True, of=("self",))[:limit])
    gathered = digest.gather(found, now)
    claimed = [one for one in found if one.pk not in gathered]
    aside = destination.set_aside(claimed, worker, now)
    claimed = [one for one in claimed if one.pk not in aside]
    for effect in claimed:
        effect.attempts += 1
    Effect.objects.filter(pk__in=[effect.pk for effect in claimed]).update(
        attempts=F("attempts") + 1, lease_owner=worker, lease_until=now + LEASE
    )
    return claimed, len(found) - len(claimed)


def _perform(claimed: Sequence[Effect], out: Post, now: datetime) -> None:
    down = ""
    slow: dict[str, datetime] = dict.fromkeys(destination.troubled(claimed), now)
    for effect in claimed:
        try:
            if slow.get(effect.destination, now) > now:
                _end_lease(effect, due=slow[effect.destination], waits=f"{effect.destination} takes nothing now")
                continue
            down = down or _try(effect, out, now, slow)
            if down:
                _put_off(effect, down, now)
        except Late:
            log.info("lease lost", effect=effect.key)


def _try(effect: Effect, out: Post, now: datetime, slow: dict[str, datetime]) -> str:
    """Carry the effect out, or see to it that it is tried again or shown. Returns why the next would fare no better.

    `slow` are the destinations that refused something lately, each with the time until which it is left alone.
    """
    try:
        _carry(effect, out, now)
        if effect.destination in slow:
            del slow[effect.destination]
            destination.took(effect.destination)
    except Down as down:
        return str(down)
    except Slowed as slowed:
        until = destination.refused_for_now(effect.destination, str(slowed), now) if effect.destination else None
        slow[effect.destination] = until or now
        _put_off(effect, str(slowed), now)
    except Delayed as delayed:
        _put_off(effect, str(delayed), now)
    except (Problem, Refused) as problem:
        _give_up(effect, str(problem), now)
    except (Late, DatabaseError):
        raise
    except Exception as error:
        log.exception("effect broke", effect=effect.key)
        _put_off(effect, f"it broke: {error!r}", now)
    return ""


def _carry(effect: Effect, out: Post, now: datetime) -> None:
    if effect.attempts > ATTEMPTS:
        raise Problem(f"given up: {ATTEMPTS} attempts ended without a result, each with the worker")
    if _is_past(effect, now):
        _end_lease(effect, state="dropped", done_at=now, error="what it reminds of has passed")
        return
    late.give_back([effect, *digest.members(effect)] if effect.kind == DIGEST else [effect], now)
    notice = _written(effect, now)
    if notice is None:
        _end_lease(effect, state="dropped", done_at=now, error="nothing is left to list")
        return
    accepted = Accepted(notice.state) if notice.state in {"ticket", "shown"} else _send(effect, notice, out)
    with _ours(effect):
        Notice.objects.filter(pk=notice.pk).update(state=accepted.state, sent_at=now, response=accepted.response)
        receipt = {"notice": str(notice.pk), "message_id": notice.message_id, "response": accepted.response}
        _end_lease(effect, state="done", error="", waits="", done_at=now, receipt=receipt | {"state": accepted.state})
        said = {"state": accepted.state, "response": accepted.response}
        carried = digest.handed_over(effect, notice, said, now) if effect.kind == DIGEST else [effect]
        for one in carried:
            _tell(one, one.payload.get("case"), "carried_out", now, state=accepted.state)
            marks.done_with(one.payload.get("case"), "failed:notice")


def _is_past(effect: Effect, now: datetime) -> bool:
    """Whether it waited so long that it would say what no longer holds."""
    until = effect.payload.get("until")
    return bool(until) and parse_instant(str(until)) <= now


def _written(effect: Effect, now: datetime) -> Notice | None:
    """None where it was to list others, of which none is left."""
    with _ours(effect):
        return digest.write(effect, now) if effect.kind == DIGEST else notice_of(effect, now)


def _send(effect: Effect, notice: Notice, out: Post) -> Accepted:
    """To its address; where that is refused for good, to the customer's next ones. It stays one notice."""
    refusal: Refused | None = None
    for address in addresses(effect, notice):
        try:
            accepted = out.send(letter(notice, address))
        except Refused as refused:
            refusal = refusal or Refused(f"{address}: {refused}")
            continue
        if address != notice.address:
            notice.address = address
            notice.save(update_fields=["address"])
        return accepted
    raise refusal or Problem(f"the {notice.to} has no mail address; add one and try again")


@contextmanager
def _ours(effect: Effect) -> Iterator[None]:
    """A transaction in which the claim is ours. Raises Late when another has claimed the effect since."""
    with transaction.atomic():
        # The docket first, as enact does, so that neither waits for the other.
        behind = Q(decisions__carried__digest=effect) if effect.kind == DIGEST else Q(decisions=effect.decision_id)
        if effect.decision_id is not None or effect.kind == DIGEST:
            concerned = Docket.objects.filter(behind).values("pk")
            list(Docket.objects.select_for_update().filter(pk__in=concerned).order_by("pk").values_list("pk"))
        mine = Effect.objects.select_for_update().filter(pk=effect.pk, state="pending", attempts=effect.attempts)
        if not mine.values_list("pk").first():
            raise Late
        yield


def _put_off(effect: Effect, error: str, now: datetime) -> None:
    if effect.attempts >= ATTEMPTS:
        _give_up(effect, f"given up after {effect.attempts} attempts: {error}", now)
        return
    due = now + pause(effect.attempts, luck())
    _end_lease(effect, due=due, error=error, waits="")


def _give_up(effect: Effect, error: str, now: datetime) -> None:
    with _ours(effect):
        if effect.kind == DIGEST:
            digest.dissolve(effect, now)
            _end_lease(effect, state="dropped", error=f"each goes alone: {error}", done_at=now)
            Notice.objects.filter(effect=effect).update(state="failed", response=error)
            return
        _end_lease(effect, state="failed", error=error, done_at=now)
        Notice.objects.filter(effect=effect).update(state="failed", response=error)
        case = effect.payload.get("case")
        marks.need(case, "failed:notice")
        notice = Notice.objects.filter(effect=effect, to="customer").select_related("brand", "case").first()
        if notice is not None and not unserved.ticket_serves(notice.brand):
            unserved.ask(notice, error, now)
        _tell(effect, case, "failed", now, error=error)


def _end_lease(effect: Effect, **values: Any) -> None:
    mine = Effect.objects.filter(pk=effect.pk, attempts=effect.attempts)
    mine.update(lease_owner="", lease_until=None, **values)


def _tell(effect: Effect, case: int | None, kind: str, now: datetime, **body: str) -> None:
    if effect.decision is not None:
        about = {key: effect.payload.get(key) for key in ("to", "template")}
        marks.tell(effect.decision.docket_id, case, kind, now, body={"effect": effect.kind, **about, **body})
