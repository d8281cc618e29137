"""The runs of what-ifs: made, asked for, claimed by a worker, played, and forgotten after a while.

The worker's lane only looks after the process that plays: a process that dies leaves a lease that runs out, and the
next worker begins again. Nothing live is touched; all that is written is the run's own row.
"""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from abusedesk.desk.decide import pack_of
from abusedesk.desk.policies.child import Children
from abusedesk.desk.policies.past import what_if
from abusedesk.policy.author.always import always
from abusedesk.policy.author.whatif import WhatIf
from abusedesk.policy.pack import Pack, pack_from
from abusedesk.problem import Problem
from abusedesk.records.bell import ring
from abusedesk.records.models import Brand, WhatIfRun
from abusedesk.records.packs import bytes_of, texts_of

log = structlog.get_logger()

LEASE = timedelta(seconds=60)
ATTEMPTS = 3
KEEP = timedelta(days=30)
"""For so long a link to a what-if leads somewhere."""

EVERY = timedelta(hours=1)

SHOWN = 500
"""So many differences are kept in full, the heaviest; the sums count all."""

_TELL_S = 0.5

_PROGRESS = """
UPDATE records_whatifrun SET done = %s, total = %s, lease_until = %s WHERE id = %s AND state = 'running'
"""


class RunGoneError(Exception):
    """The run was deleted, or another process plays it."""


def make(brand: Brand, files: Mapping[str, bytes], by: str, title: str, now: datetime) -> WhatIfRun:
    """A changed pack to be looked at and tried. Raises Problem where its files are no pack, or not this brand's."""
    present, changed = pack_of(brand), pack_from(files)
    if changed.name != present.name:
        raise Problem(f"this is the policy {changed.name!r}, and {brand.name} goes by {present.name!r}")
    return WhatIfRun.objects.create(
        brand=brand,
        by=by,
        at=now,
        title=title[:300],
        files=texts_of(files),
        digest=changed.digest,
        present=present.digest,
    )


def files_of(run: WhatIfRun) -> dict[str, bytes]:
    """The changed pack's files."""
    return bytes_of(run.files)


def result_of(run: WhatIfRun) -> WhatIf | None:
    """What came of it; None where it was not played to its end, or by a release that wrote it down otherwise."""
    try:
        return None if run.result is None else _decode(bytes(run.result))
    except msgspec.MsgspecError:
        return None


_decode = msgspec.json.Decoder(WhatIf).decode


def ask(run: WhatIfRun, since: datetime | None, *, as_if_always: bool, now: datetime) -> None:
    """Have it played, or played again, from an instant on."""
    WhatIfRun.objects.filter(pk=run.pk).update(
        state="waiting",
        since=since,
        always=as_if_always,
        asked_at=now,
        done=0,
        total=0,
        attempts=0,
        lease_until=None,
        ended_at=None,
        result=None,
        error="",
    )
    ring()


# ---------- the worker's side ----------

_children = Children("abusedesk.desk.policies.whatif")


def ponder(worker: str, now: datetime) -> int:
    """The worker's lane: one what-if at a time. Returns 1 where one was begun or came to its end."""
    return _children.look_after(worker, lambda: _next(now))


def _next(now: datetime) -> UUID | None:
    """What is to be played now. Where nothing is, there is time to forget."""
    run = claim(now)
    if run is None:
        _forget_the_old(now)
        return None
    return run.pk


def _forget_the_old(now: datetime) -> None:
    """Once an hour; they hold the past's addresses and services, and are for looking at while they are fresh."""
    if now - _forgot.get("at", now - 2 * EVERY) >= EVERY:
        _forgot["at"] = now
        WhatIfRun.objects.filter(at__lt=now - KEEP).delete()


_forgot: dict[str, datetime] = {}


@transaction.atomic
def claim(now: datetime) -> WhatIfRun | None:
    """The what-if that waits longest, or whose process died. One that died too often is given up."""
    free = Q(state="waiting") | Q(state="running", lease_until__lte=now)
    run = WhatIfRun.objects.filter(free).order_by("asked_at").select_for_update(skip_locked=True).first()
    if run is None:
        return None
    if run.attempts >= ATTEMPTS:
        _end(run.pk, state="failed", error="It was begun three times and never came to its end; the log says more.")
        return None
    WhatIfRun.objects.filter(pk=run.pk).update(
        state="running", attempts=F("attempts") + 1, lease_until=now + LEASE, done=0, total=0
    )
    return run


# ---------- the process that plays ----------


def play(pk: str | UUID) -> None:
    """Play a what-if and write down what came of it."""
    run = WhatIfRun.objects.select_related("brand").get(pk=pk)
    telling = Telling(run.pk)
    try:
        result = what_if(run.brand, _changed(run), run.since, progress=telling, most=SHOWN)
    except RunGoneError:
        log.info("what-if ended early", run=str(pk))
    except Problem as problem:
        _end(run.pk, state="failed", error=str(problem))
    except Exception:
        log.exception("what-if broke", run=str(pk))
        _end(run.pk, state="failed", error="It broke, and nothing was changed by it; the worker's log says why.")
    else:
        _end(run.pk, state="done", result=msgspec.json.encode(result), done=result.stimuli, total=result.stimuli)
    finally:
        telling.close()


def _changed(run: WhatIfRun) -> Pack:
    changed = pack_from(files_of(run))
    return always(changed) if run.always else changed


def _end(pk: UUID, **outcome: object) -> None:
    WhatIfRun.objects.filter(pk=pk, state="running").update(ended_at=timezone.now(), lease_until=None, **outcome)


class Telling:
    """Writes down how far a run is and renews its lease, on a connection of its own.

    The replay reads the past in one transaction, whose view must not end for that.
    """

    def __init__(self, run: UUID) -> None:
        self._run = run
        self._line = connection.copy()
        self._told = 0.0

    def __call__(self, done: int, total: int) -> None:
        """So much is done. Raises RunGoneError where nobody wants to know any more."""
        now = time.monotonic()
        if now - self._told < _TELL_S:
            return
        self._told = now
        with self._line.cursor() as cursor:
            cursor.execute(_PROGRESS, [done, total, timezone.now() + LEASE, self._run])
            if cursor.rowcount == 0:
                raise RunGoneError

    def close(self) -> None:
        """No more to tell."""
        self._line.close()
