"""Watch: every deadline that came due becomes a stimulus, once no answer that came in time can still lie unread:
neither by the desk, nor by the person whom the desk asked to read it.

Doubt about the clock, and a long silence of the watch itself, hold the brands instead of firing: then a person looks at
what would fire, and releases.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import Q

from abusedesk.desk import brake, hold
from abusedesk.desk.answering import outcomes, reminders
from abusedesk.desk.approvals import overdue
from abusedesk.desk.enact import Move, enact
from abusedesk.desk.hearing.unread import answerable
from abusedesk.desk.loop import Every, keep_doing
from abusedesk.desk.mistake import perform as mistake
from abusedesk.desk.oncall import book, heartbeat
from abusedesk.desk.oncall.wrong import POLLED
from abusedesk.desk.perform import marks
from abusedesk.desk.public_form import door
from abusedesk.desk.reading import drift
from abusedesk.policy.stimulus import DeadlinePassed
from abusedesk.records import pace
from abusedesk.records.holders import holders, lock_version
from abusedesk.records.keys import forget_answers
from abusedesk.records.models import Brand, Deadline, Docket, Heartbeat
from abusedesk.vocabulary.duration import parse_duration

log = structlog.get_logger()

BATCH = 500
POLL_S = 1.0
LEASE = timedelta(minutes=2)
"""How long a deadline rests that could not be decided."""
JUMP = timedelta(minutes=1)
"""By so much two clocks may part between two rounds; a time server corrects by less."""

LONG_OUTAGE = "PT1H"
"""The brand's setting `long_outage`: after a longer silence of the watch a person looks before anything fires."""

HOUR = timedelta(hours=1)
ALERTS_EVERY = timedelta(seconds=20)

ROUNDS: tuple[tuple[timedelta, Callable[[datetime], object]], ...] = (
    (ALERTS_EVERY, book.look),
    (reminders.EVERY, reminders.remind),
    (reminders.EVERY, mistake.go_on),
    (overdue.EVERY, overdue.look),
    (HOUR, drift.check),
    (HOUR, forget_answers),
    (HOUR, door.forget),
    (HOUR, book.forget),
    (HOUR, pace.forget),
)
"""What the watch does beside firing deadlines, and how often."""

NAME = "watch"
STOPPED = Q(dry_run=True) | Q(held_since__isnull=False)

_OF_DEADLINE = ("docket_id", "brand_id", "case_id", "item", "due", "released_at")

# An instant before the oldest that lies unread; nothing where a way in never said how far it was read.
_ANY_DUE = """
SELECT EXISTS (SELECT FROM records_deadline
               WHERE state = 'open' AND due <= %s AND braked_at IS NULL AND paused_at IS NULL)
"""

_READ_UNTIL = """
SELECT brand.id, LEAST(%(now)s,
    (SELECT min(received_at) FROM records_messageseen WHERE read_at IS NULL) - interval '1 microsecond',
    min(channel.watermark))
FROM records_brand brand LEFT JOIN records_channel channel
    ON channel.enabled AND channel.carries_answers AND NOT channel.always_current
    AND (channel.brand_id = brand.id OR channel.brand_id IS NULL)
WHERE brand.held_since IS NULL AND NOT brand.dry_run
GROUP BY brand.id HAVING count(channel.id) = count(channel.watermark)
"""


def run(stop: threading.Event) -> None:
    """Fire what is due until `stop`."""
    clock = Clock(_wall, _steady)
    rounds = [(Every(length), work) for length, work in ROUNDS]
    polled = Every(ALERTS_EVERY)

    def turn() -> int:
        now = clock.wall()
        hold_if_doubtful(now, clock.drift())
        for every, work in rounds:
            if every.has_come(now):
                _do(work, now)
        found = fire_due(now) + hold.finish_releases(now) + outcomes.tell(now)
        if polled.has_come(now):
            heartbeat.beat(POLLED, now)
        return found

    keep_doing(turn, stop, POLL_S)


def _do(work: Callable[[datetime], object], now: datetime) -> None:
    """One round. Where it breaks, deadlines fire all the same."""
    try:
        work(now)
    except DatabaseError:
        raise
    except Exception:
        log.exception("a round of the watch broke", round=f"{work.__module__}.{work.__name__}")


def fire_due(now: datetime, limit: int = BATCH) -> int:
    """Submit the deadlines that are due and can be decided, oldest first. Returns how many were, or are held."""
    if not _is_any_due(now):
        return 0
    done, broken = _fire_together(now, limit)
    # Together they are many times faster; one by one shows which of them it is.
    return done + sum(_fire_alone(deadline, now) for deadline in broken)


def _is_any_due(now: datetime) -> bool:
    """Whether any is due that nobody holds back. It takes no lock, so a poll that finds nothing writes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_ANY_DUE, [now])
        return bool(cursor.fetchone()[0])


@transaction.atomic
def _fire_together(now: datetime, limit: int) -> tuple[int, list[Deadline]]:
    """How many were decided or held, and those among which one breaks. Who is killed leaves nothing claimed."""
    lock_version()
    claimed = _claim(now, limit)
    try:
        return _fire_or_hold(claimed, now) if claimed else 0, []
    except DatabaseError:
        raise
    except Exception:
        Deadline.objects.filter(pk__in=[one.pk for one in claimed]).update(lease_until=now + LEASE)
        return 0, claimed


def _fire_or_hold(deadlines: list[Deadline], now: datetime) -> int:
    """Fires them; where too many would act at once, holds those for a person and fires the others."""
    try:
        return _fire(deadlines, now)
    except brake.TooMany as many:
        brake.hold(many.would, now)
        left = [one for one in deadlines if one.pk not in many.would]
        return len(many.would) + (_fire_or_hold(left, now) if left else 0)


def read_until(now: datetime) -> dict[int, datetime]:
    """For each brand that may act: up to when all that came in has been read, so that its deadlines can be decided.

    An entry at exactly a due time is in time, so what lies unread holds up deadlines of its own instant too.
    """
    with connection.cursor() as cursor:
        cursor.execute(_READ_UNTIL, {"now": now})
        return dict(cursor.fetchall())


def _claim(now: datetime, limit: int) -> list[Deadline]:
    """The deadlines to fire, locked with their dockets: nobody changes one before it is decided, and nobody waits.

    What another holds is left to the next round. The docket is locked with its deadline, for whoever decides on it
    takes the docket first.
    """
    horizons = read_until(now)
    if not horizons:
        return []
    ready = Q()
    for brand, until in horizons.items():
        ready |= Q(brand=brand, due__lte=until)
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    due = Deadline.objects.filter(free, ready, answerable(), state="open", due__lte=max(horizons.values()))
    due = due.filter(braked_at=None, paused_at=None).select_related("docket").only(*_OF_DEADLINE, "docket__sequence")
    return list(due.order_by("due").select_for_update(skip_locked=True, of=("self", "docket"))[:limit])


@transaction.atomic
def _fire(deadlines: list[Deadline], now: datetime) -> int:
    stopped = set(Brand.objects.filter(STOPPED).values_list("pk", flat=True))
    moves = [_move(one) for one in deadlines if one.brand_id not in stopped]
    enacted = enact(moves, holders())
    brake.check(deadlines, enacted, now)
    return len(enacted)


def _move(deadline: Deadline) -> Move:
    key = f"deadline:{deadline.docket_id}:{deadline.item}"
    return Move(deadline.docket_id, DeadlinePassed(deadline=deadline.item), key, deadline.due)


def _fire_alone(deadline: Deadline, now: datetime) -> int:
    """Whether it was decided. One that cannot be is shown, and is tried again when its lease is over."""
    try:
        with transaction.atomic():
            lock_version()
            return _fire_or_hold([deadline], now) if _is_open(deadline) else 0
    except DatabaseError:
        raise
    except Exception:
        log.exception("deadline broke", docket=deadline.docket_id, deadline=deadline.item)
        marks.need(deadline.case_id, "failed:deadline")
        return 0


def _is_open(deadline: Deadline) -> bool:
    """Whether it is as it was when it was claimed; and until the transaction ends it stays so."""
    list(Docket.objects.select_for_update().filter(pk=deadline.docket_id).values_list("pk"))
    return Deadline.objects.filter(
        pk=deadline.pk, state="open", due=deadline.due, braked_at=None, paused_at=None
    ).exists()


@dataclass(slots=True)
class Clock:
    """A wall clock beside one that nobody sets."""

    wall: Callable[[], datetime]
    steady: Callable[[], float]
    last: tuple[datetime, float] | None = None

    def drift(self) -> timedelta:
        """By how much the wall clock moved against the steady one since the last call."""
        wall, steady = self.wall(), self.steady()
        before, self.last = self.last or (wall, steady), (wall, steady)
        return (wall - before[0]) - timedelta(seconds=steady - before[1])


def hold_if_doubtful(now: datetime, drift: timedelta) -> None:
    """Note that the watch ran at `now`; hold the brands when the clock jumped or the watch was away for long."""
    last = _beat(now)
    for brand in Brand.objects.filter(held_since=None, dry_run=False):
        since, reason = _doubt(brand, last, now, drift)
        if reason:
            log.warning("brand held", brand=brand.slug, reason=reason)
            hold.press(brand, NAME, reason, since)


@transaction.atomic
def _beat(now: datetime) -> datetime:
    beat, _ = Heartbeat.objects.select_for_update().get_or_create(name=NAME, defaults={"at": now})
    Heartbeat.objects.filter(name=NAME).update(at=now)
    return beat.at


def _doubt(brand: Brand, last: datetime, now: datetime, drift: timedelta) -> tuple[datetime, str]:
    """Since when the brand is to be held and why; no reason when all is well."""
    away = now - last
    if away < -JUMP or drift < -JUMP:
        return now, f"the clock went back by {_words(max(-away, -drift))}; see that it is right, then release"
    if away > _long_outage(brand):
        return last, f"the desk did not watch for {_words(away)}; see what would fire, then release"
    if drift > JUMP:
        return now - drift, f"the clock went forward by {_words(drift)}; see that it is right, then release"
    return now, ""


def _long_outage(brand: Brand) -> timedelta:
    try:
        return parse_duration(str(brand.settings.get("long_outage", LONG_OUTAGE)))
    except ValueError as error:
        log.warning("setting long_outage is not used", brand=brand.slug, error=str(error))
        return parse_duration(LONG_OUTAGE)


def _words(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _wall() -> datetime:
    return datetime.now(UTC)


def _steady() -> float:
    # The boot clock goes on while the machine sleeps; without it sleep looks like a jump, and a person is asked.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
