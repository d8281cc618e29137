"""Perform: a mistake is put on record with every step that undoing it takes, and then carried out step by step.

The steps that fit into one transaction are decided in one; each has a key of its own. Whatever breaks in between, the
watch goes on where it stopped, and the end is the same: nothing stays half undone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
import structlog
from django.db import DatabaseError, transaction

from abusedesk.desk import appeals
from abusedesk.desk.answering import letters
from abusedesk.desk.enact import Move, enact
from abusedesk.desk.mistake import downtime
from abusedesk.desk.mistake.plan import Plan
from abusedesk.policy.stimulus import AnyStimulus
from abusedesk.records import models
from abusedesk.records.holders import holders, lock_version

log = structlog.get_logger()

BATCH = 100
"""So many steps are decided in one transaction."""

PATIENCE = timedelta(minutes=1)
"""So old is what the watch goes on with: whoever asked for it is likely not at it any more."""

WRONG = ("report", "customer", "measure", "policy")
"""What can have been wrong."""

_stimulus: msgspec.json.Decoder[AnyStimulus] = msgspec.json.Decoder(AnyStimulus)


class Confirmed(NamedTuple):
    """What a person confirmed, beside the plan. `key` makes what is sent twice count once; `letter` may be empty."""

    case: models.Case
    wrong: str
    by: str
    reason: str
    said: Sequence[str]
    letter: str
    key: str
    appeal: models.Appeal | None = None
    verdict: str = ""


@transaction.atomic
def record(plan: Plan, confirmed: Confirmed, now: datetime) -> models.Mistake:
    """Puts a mistake on record with all that is to be done about it. Nothing of that is done yet."""
    about = {
        "brand_id": confirmed.case.brand_id,
        "customer_id": confirmed.case.customer_id,
        "case": confirmed.case,
        "wrong": confirmed.wrong,
        "reason": confirmed.reason,
        "by": confirmed.by,
        "at": now,
        "said": list(confirmed.said),
        "steps": [_step(pk, stimulus, confirmed.reason) for pk, stimulus in plan.moves],
        "letter": confirmed.letter.strip(),
        "appeal": confirmed.appeal,
        "verdict": confirmed.verdict,
    }
    mistake, is_new = models.Mistake.objects.get_or_create(key=confirmed.key, defaults=about)
    if is_new:
        downtime.keep(mistake, downtime.outages(plan))
    return mistake


def _step(docket: int, stimulus: AnyStimulus, reason: str) -> dict[str, object]:
    told = msgspec.to_builtins(stimulus)
    return {"docket": docket, "stimulus": told | {"reason": reason} if "reason" in told else told}


def carry_out(mistake: int, now: datetime) -> models.Mistake:
    """Carries out what is left of a mistake's steps, up to its end."""
    while _go_on(mistake, now):
        continue
    return models.Mistake.objects.get(pk=mistake)


@transaction.atomic
def _go_on(pk: int, now: datetime) -> bool:
    """Decides the next steps, and after the last of them ends it. Whether there are more."""
    lock_version()
    one = models.Mistake.objects.select_for_update(of=("self",)).select_related("case__brand").get(pk=pk)
    if one.finished_at is not None:
        return False
    moves = [_move(one, number, now) for number in range(one.done, len(one.steps))][:BATCH]
    enact(moves, holders())
    one.done += len(moves)
    if one.done == len(one.steps):
        _finish(one, now)
    one.save(update_fields=["done", "finished_at"])
    return one.finished_at is None


def _move(mistake: models.Mistake, number: int, now: datetime) -> Move:
    step = mistake.steps[number]
    stimulus = _stimulus.decode(msgspec.json.encode(step["stimulus"]))
    return Move(step["docket"], stimulus, f"{prefix(mistake.pk)}{number}", now, mistake.by)


def prefix(mistake: int) -> str:
    """What the keys of a mistake's decisions begin with."""
    return f"mistake:{mistake}:"


def mistake_of(key: str) -> int | None:
    """The mistake that a decision undid, by the decision's key; None where it is none's."""
    word, _, rest = key.partition(":")
    number = rest.partition(":")[0]
    return int(number) if word == "mistake" and number.isdigit() else None


def _finish(one: models.Mistake, now: datetime) -> None:
    one.finished_at = now
    if one.letter:
        letters.to_customer(letters.Words(one.case, one.letter, one.by, f"mistake:{one.pk}", now))
    if one.appeal_id is not None:
        appeals.grant(one.appeal_id, one.verdict, one.by, one.reason, now)


def go_on(now: datetime) -> int:
    """Goes on with what broke off, and notes the ends of outages. Returns how many mistakes were ended."""
    downtime.note_ends()
    left = models.Mistake.objects.filter(finished_at=None, at__lte=now - PATIENCE).order_by("at", "pk")
    return sum(_tried(pk, now) for pk in left.values_list("pk", flat=True)[:BATCH])


def _tried(pk: int, now: datetime) -> int:
    """One that cannot be carried out is told of and keeps nothing else from going on."""
    try:
        return int(carry_out(pk, now).finished_at is not None)
    except DatabaseError:
        raise
    except Exception:
        log.exception("mistake not undone yet", mistake=pk)
        return 0
