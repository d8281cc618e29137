"""Outcomes for reporters: one mail in the thread of a report once it is known what became of it.

Told where the brand says so, only to whom a receipt could go, and once. It says a reason code in words and nothing of
the customer. A thread is looked at again the later the older it is, and no more after a month.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from abusedesk.desk.answering.acknowledge import FIRST_LOOK, tells_outcome
from abusedesk.desk.outcome import Code, what_became
from abusedesk.policy.own_notices import OUTCOME
from abusedesk.records.bell import ring
from abusedesk.records.models import Effect, Message, Notice, Thread

BATCH = 50
LOOKED_FOR = timedelta(days=30)
"""How long an outcome is waited for."""

PATIENCE = timedelta(days=7)
"""So long something unconfirmed may still be confirmed; then the reporter hears that more is needed."""

SEVEREST: tuple[Code, ...] = ("measure_taken", "in_progress", "closed", "uncorroborated", "rejected", "known_before")
"""Of several reports in one message the first of these says what became of it; `not_ours` where none does."""


@transaction.atomic
def tell(now: datetime, limit: int = BATCH) -> int:
    """Orders the mails about outcomes that are known by now. Returns how many threads were looked at."""
    due = Thread.objects.filter(look_at__lte=now).select_related("brand").order_by("look_at")
    threads = list(due.select_for_update(skip_locked=True, of=("self",))[:limit])
    ordered = [effect for one in threads if (effect := _look(one, now)) is not None]
    Thread.objects.bulk_update(threads, ["told", "look_at"])
    Effect.objects.bulk_create(ordered, ignore_conflicts=True)
    if ordered:
        ring()
    return len(threads)


def told_of(codes: Iterable[Code], age: timedelta) -> Code | None:
    """What a reporter is told of a message as old as `age`; None while nothing is settled."""
    found = set(codes)
    code = next((one for one in SEVEREST if one in found), "not_ours" if found else None)
    if code == "in_progress" or (code == "uncorroborated" and age < PATIENCE):
        return None
    return code


def _look(thread: Thread, now: datetime) -> Effect | None:
    age = now - thread.opened_at
    thread.look_at = None
    if not tells_outcome(thread.brand) or _came_back(thread):
        return None
    message = Message.objects.defer("payload").filter(pk=thread.message_id).first()
    code = told_of((code for _, code in what_became(message).outcomes), age) if message else None
    if code is None:
        thread.look_at = now + max(FIRST_LOOK, age / 4) if age < LOOKED_FOR and message else None
        return None
    thread.told = code
    return _effect(thread, code, now)


def _came_back(thread: Thread) -> bool:
    """Whether what we wrote in the thread was refused: there is nobody to tell."""
    return Notice.objects.filter(thread=thread, state__in=("bounced", "failed")).exists()


def _effect(thread: Thread, code: Code, now: datetime) -> Effect:
    about = {"to": "reporter", "thread": thread.pk, "address": thread.address, "template": OUTCOME, "code": code}
    return Effect(
        brand=thread.brand,
        key=f"outcome:{thread.pk}",
        kind="notice",
        payload=about,
        state="dry_run" if thread.brand.dry_run else "pending",
        due=now,
    )
