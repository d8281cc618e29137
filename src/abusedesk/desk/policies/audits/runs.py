"""The checks: `verify` walks the hash chains, `recompute` makes stored decisions again. Who ran one, and what it found.

One that is asked for in the console is carried out by a process that a worker starts, and writes nothing but its own
row; one that is run in a terminal is written down when it ends. The rows are kept.
"""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import structlog
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from abusedesk.desk.policies.audit import Progress, report
from abusedesk.desk.policies.child import Children
from abusedesk.problem import Problem
from abusedesk.records.bell import ring
from abusedesk.records.chain import verify, verify_publications
from abusedesk.records.models import AuditRun, Decision, Docket, PackText, PublicationEntry

log = structlog.get_logger()

What = Literal["verify", "recompute"]

LEASE = timedelta(seconds=60)
ATTEMPTS = 3
KEPT_IN_WORDS = 200
"""So many differences are written down in full; the command prints all of them."""

_TELL_S = 0.5

_PROGRESS = "UPDATE records_auditrun SET done = %s, total = %s, lease_until = %s WHERE id = %s AND state = 'running'"


class Found(NamedTuple):
    """What a check found: how many it looked at, how many differ and in which words, and how many were erased."""

    looked_at: int
    differing: int
    erased: int
    said: str
    differences: list[str]


def look_over(
    what: What,
    since: datetime | None,
    brand: int | None,
    progress: Progress,
    most: int | None = KEPT_IN_WORDS,
) -> Found:
    """Carries out a check; at most so many differences are put into words."""
    if what == "verify":
        return _verified(progress, most)
    made = report(since, brand, most=most, progress=progress)
    erased = sum(count for (outcome, _), count in made.counts.items() if outcome == "erased")
    return Found(made.counts.total(), made.differing, erased, str(made), made.differences)


def _verified(progress: Progress, most: int | None) -> Found:
    count = Decision.objects.count()
    progress.begin("decisions looked at", count)
    faults: list[str] = []
    differing = 0
    for fault in _faults(progress):
        differing += 1
        if most is None or differing <= most:
            faults.append(fault)
    progress.end()
    said = (
        f"{count:,} decisions of {Docket.objects.count():,} dockets, {PublicationEntry.objects.count():,} entries "
        f"about {PackText.objects.count():,} policies: {f'{differing:,} do not hold' if differing else 'all hold'}"
    )
    return Found(count, differing, Decision.objects.filter(salt=b"").count(), said, faults)


def _faults(progress: Progress) -> Iterator[str]:
    yield from verify_publications()
    yield from map(str, verify(progress.advance))


def note(what: What, by: str, found: Found, *, began: datetime, since: datetime | None, brand: int | None) -> AuditRun:
    """Writes down a check that was run in a terminal."""
    return AuditRun.objects.create(
        what=what, by=by[:150], asked_at=began, since=since, brand_id=brand, state="done", ended_at=timezone.now(),
        **_columns(found),
    )  # fmt: skip


def ask(what: What, by: str, since: datetime | None, now: datetime) -> AuditRun:
    """Have a worker carry one out. Raises Problem while one waits or runs: two would only slow each other down."""
    with transaction.atomic():
        going = AuditRun.objects.select_for_update().filter(state__in=("waiting", "running")).first()
        if going is not None:
            raise Problem(f"one that {going.by} asked for is not done yet; wait for it")
        run = AuditRun.objects.create(what=what, by=by, asked_at=now, since=since)
    ring()
    return run


# ---------- the worker's side ----------

_children = Children("abusedesk.desk.policies.audits")


def take_up(worker: str, now: datetime) -> int:
    """One check at a time, in a process of its own. Returns 1 where one was begun or came to its end."""
    return _children.look_after(worker, lambda: run.pk if (run := claim(now)) else None)


@transaction.atomic
def claim(now: datetime) -> AuditRun | None:
    """The check that waits longest, or whose process died. One that died too often is given up."""
    free = Q(state="waiting") | Q(state="running", lease_until__lte=now)
    run = AuditRun.objects.filter(free).order_by("asked_at").select_for_update(skip_locked=True).first()
    if run is None:
        return None
    mine = AuditRun.objects.filter(pk=run.pk)
    if run.attempts >= ATTEMPTS:
        mine.update(
            state="failed", ended_at=now, error="It was begun three times and never came to its end; the log says more."
        )
        return None
    mine.update(state="running", attempts=F("attempts") + 1, lease_until=now + LEASE, done=0, total=0)
    return run


def carry_out(pk: int) -> None:
    """Carry a check out and write down what came of it."""
    run, telling = AuditRun.objects.get(pk=pk), Telling(pk)
    what: What = "verify" if run.what == "verify" else "recompute"
    try:
        found = look_over(what, run.since, run.brand_id, telling)
    except Problem as problem:
        _end(pk, state="failed", error=str(problem))
    except Exception:
        log.exception("audit broke", run=pk)
        _end(pk, state="failed", error="It broke, and nothing was changed by it; the worker's log says why.")
    else:
        _end(pk, state="done", done=found.looked_at, total=found.looked_at, **_columns(found))
    finally:
        telling.close()


def _columns(found: Found) -> dict[str, object]:
    return found._replace(differences=found.differences[:KEPT_IN_WORDS])._asdict()


def _end(pk: int, **outcome: object) -> None:
    AuditRun.objects.filter(pk=pk, state="running").update(ended_at=timezone.now(), lease_until=None, **outcome)


class Telling:
    """Writes down how far a check is and renews its lease, on a connection of its own.

    The record is read in one transaction, whose view must not end for that.
    """

    def __init__(self, run: int) -> None:
        self._run = run
        self._line = connection.copy()
        self._told = 0.0
        self._done = self._total = 0

    def begin(self, label: str, total: int | None = None) -> None:  # noqa: ARG002 - a row has one bar
        """So much is to be done."""
        self._done, self._total = 0, total or 0
        self._tell()

    def advance(self, steps: int = 1) -> None:
        """So much more is done."""
        self._done += steps
        if time.monotonic() - self._told >= _TELL_S:
            self._tell()

    def end(self) -> None:
        """All is done."""
        self._tell()

    def close(self) -> None:
        """No more to tell."""
        self._line.close()

    def _tell(self) -> None:
        self._told = time.monotonic()
        with self._line.cursor() as cursor:
            cursor.execute(_PROGRESS, [self._done, self._total, timezone.now() + LEASE, self._run])
