"""Measures: the outside is driven to what is desired, many targets at a time, and what it answers is written down.

Whoever holds a target's lease drives it. The lease's fencing number goes with every order and guards every write: who
comes late writes nothing. What comes together is read and written together, a few statements for any number of targets,
while each outside is asked by a thread of its own: one that takes its time keeps no other waiting.
"""

import time
from collections.abc import Callable, Container, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache, partial
from queue import Empty, SimpleQueue
from typing import NamedTuple

import structlog
from django.db import DataError, IntegrityError, connection, transaction

from abusedesk.actuators.actuator import Outcome
from abusedesk.desk.perform import sheet, tried
from abusedesk.desk.perform.drive import Ask, Drive, ask, links_of, may, tried_of
from abusedesk.desk.perform.lease import DRIVE, Lease, claim, held
from abusedesk.desk.perform.measures import switches_on
from abusedesk.desk.perform.pace import LEASE, LOOK_AGAIN, luck, pause
from abusedesk.desk.perform.plan import Switch
from abusedesk.desk.perform.scene import Scene, scene, stopped_of
from abusedesk.problem import Problem
from abusedesk.records.bulk import Row, give_rows
from abusedesk.records.models import Measure, Target

log = structlog.get_logger()

PARKED = timedelta(minutes=10)
"""How often a target is looked at whose brand is held. Release does not wait for it."""

AT_ONCE = 12
"""So many targets a worker has under way at most, each waiting for its outside."""

PATIENCE_S = 0.05
"""While outsides are asked, new targets are looked for that often."""

GATHERING_S = 0.02
"""So long the first answer waits for others that are to be written down with it."""

_SETTLE = """
UPDATE records_target target SET dirty = row.dirty, attempts = row.attempts, next_attempt = row.next_attempt,
    look_at = row.look_at, lease_owner = '', lease_until = NULL
FROM json_to_recordset(%s::json) AS row(id bigint, dirty bool, attempts int, next_attempt timestamptz,
    look_at timestamptz)
WHERE target.id = row.id
"""


def perform_targets(worker: str, now: datetime, limit: int = 100) -> int:
    """Drive up to `limit` targets that are not as desired, to the end. Returns how many were tried."""
    driver, done = Driver(worker, _at_once), 0
    while True:
        was_busy = driver.is_busy
        taken = driver.turn(now, limit - done)
        done += taken
        if not taken and not was_busy:
            return done


def perform_target(worker: str, now: datetime) -> bool:
    """Drive the target that has waited longest. False when none waits."""
    return perform_targets(worker, now, 1) > 0


def retry_target(target_id: int, now: datetime) -> None:
    """A person says: try again. Forgets that the target's measures failed."""
    with transaction.atomic():
        target = Target.objects.select_for_update().get(pk=target_id)
        for measure in target.measures.filter(state="failed"):
            waiting = "lifting" if measure.outside.get("action") == "lift" else "applying"
            Measure.objects.filter(pk=measure.pk).update(
                state=waiting, outside={"action": measure.outside.get("action")}, tried=tried.anew(measure.tried)
            )
        Target.objects.filter(pk=target_id).update(dirty=True, next_attempt=now, attempts=0)


Call = Callable[[Callable[[], None]], object]
"""Has something called: at once, or by another thread."""


def _at_once(call: Callable[[], None]) -> None:
    call()


def in_a_thread(call: Callable[[], None]) -> None:
    """Has something called by a thread that keeps no connection to the database afterwards."""
    _threads().submit(_called, call)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, "outside")


def _called(call: Callable[[], None]) -> None:
    try:
        call()
    finally:
        connection.close()


class Driver:
    """The targets that one worker has under way. `call` has the outsides asked."""

    def __init__(self, worker: str, call: Call) -> None:
        self._worker, self._call = worker, call
        self._asking: dict[tuple[int, int], Drive] = {}
        self._answers: SimpleQueue[tuple[tuple[int, int], Outcome]] = SimpleQueue()

    @property
    def is_busy(self) -> bool:
        """Whether an outside is being asked."""
        return bool(self._asking)

    def turn(self, now: datetime, limit: int = AT_ONCE) -> int:
        """Take on up to `limit` more targets, and go on with those whose outside has answered. Returns how many were
        taken on.
        """
        self._forget_late(now)
        answered = [(self._asking.pop(key), outcome) for key, outcome in self._gathered() if key in self._asking]
        leases = self._claim(now, limit)
        if not answered and not leases:
            return 0
        planned = switches_on([one.target for one in leases])
        begun = [(one, planned.get(one.target, [])) for one in leases]
        seen = _scene([*((one.lease, one.planned) for one, _ in answered), *begun], now)
        steps = [_Step.of(drive, partial(drive.go_on, outcome, seen)) for drive, outcome in answered]
        steps += [_Step.of(one, one.begin) for one in (Drive(lease, plan, seen) for lease, plan in begun)]
        for step in _kept([one for one in steps if one is not None]):
            if step.asks is not None:
                self._ask(step.drive, step.asks)
        return len(leases)

    def _forget_late(self, now: datetime) -> None:
        """What has not answered within its lease is another's by now; whatever it says would not be written down."""
        for key in [key for key, one in self._asking.items() if now > one.lease.now + LEASE]:
            del self._asking[key]

    def _claim(self, now: datetime, limit: int) -> list[Lease]:
        free = min(limit, AT_ONCE - len(self._asking))
        return claim(DRIVE, self._worker, now, free) if free > 0 else []

    def _ask(self, drive: Drive, what: Ask) -> None:
        key = (drive.lease.target, drive.lease.fence)
        self._asking[key] = drive
        self._call(lambda: self._answers.put((key, ask(what))))

    def _gathered(self) -> list[tuple[tuple[int, int], Outcome]]:
        """The answers that are there. The first is waited for a little, and a little less for others beside it."""
        found: list[tuple[tuple[int, int], Outcome]] = []
        until = time.monotonic() + PATIENCE_S
        while len(found) < len(self._asking):
            try:
                found.append(self._answers.get(timeout=max(until - time.monotonic(), 0)))
            except Empty:
                break
            if len(found) == 1:
                until = time.monotonic() + GATHERING_S
        return found


class _Step(NamedTuple):
    """A target that went on: what it asks next, or None where it is through."""

    drive: Drive
    asks: Ask | None

    @classmethod
    def of(cls, drive: Drive, goes_on: Callable[[], Ask | None]) -> "_Step | None":
        """None where it broke. It must not keep the others; its lease runs out, and it is tried again."""
        try:
            return cls(drive, goes_on())
        except Exception:
            log.exception("a target broke", target=drive.lease.target)
            return None


def _scene(plans: Iterable[tuple[Lease, Sequence[Switch]]], now: datetime) -> Scene:
    brands, services, ips = set(), set(), set()
    for lease, planned in plans:
        brands.add(lease.brand)
        services |= {one.measures[0].service_id for one in planned}
        ips |= {one.ip for one in planned if one.ip is not None}
    return scene(brands, services, ips, now)


def _kept(steps: list[_Step]) -> list[_Step]:
    """Those whose sheet was written down; who came late, and what cannot be written, goes no further."""
    try:
        return _write(steps)
    except (DataError, IntegrityError, ValueError):
        if len(steps) > 1:
            return [kept for one in steps for kept in _kept([one])]
        log.exception("an answer cannot be written down", target=steps[0].drive.lease.target)
        return []


def _write(steps: list[_Step]) -> list[_Step]:
    if not steps:
        return []
    with transaction.atomic():
        ours = held([one.drive.lease for one in steps])
        kept = [one for one in steps if one.drive.lease.target in ours]
        sheet.write([one.drive.sheet for one in kept])
        _settle([one.drive for one in kept if one.asks is None])
    for one in steps:
        if one not in kept:
            log.info("lease lost", target=one.drive.lease.target, fence=one.drive.lease.fence)
    return kept


def _settle(through: Sequence[Drive]) -> None:
    """Give leases back, and say when to look again: never, soon, or at the latest when the brand is released."""
    planned = switches_on([one.lease.target for one in through])
    # Looked at once more now that the targets are locked: a release that comes after this waits for us.
    stopped = stopped_of(one.lease.brand for one in through if _left(planned.get(one.lease.target, ())))
    give_rows(_SETTLE, [_settled(one, planned.get(one.lease.target, []), stopped) for one in through])


def _settled(drive: Drive, planned: Sequence[Switch], stopped: Container[int]) -> Row:
    lease = drive.lease
    left = _left(planned)
    row = {"id": lease.target, "dirty": bool(left), "attempts": 0, "next_attempt": lease.now}
    if drive.behind:
        again = [lease.now + pause(_attempts(left) or lease.attempt, luck()), *_turns_end(left, lease.now)]
        row |= {"attempts": lease.attempt, "next_attempt": min(again)}
    elif not any(may(one, stopped=lease.brand in stopped) for one in left):
        row["next_attempt"] = lease.now + PARKED
    return row | {"look_at": lease.now + LOOK_AGAIN if not left and any(one.on for one in planned) else None}


def _left(planned: Iterable[Switch]) -> list[Switch]:
    return [one for one in planned if one.pending]


def _attempts(left: Iterable[Switch]) -> int:
    """How often those were asked whose turn it is, the fewest; 0 where only lifts are left."""
    asked = [[one.attempts for one in tried_of(switch) if one.state == "asked"] for switch in left if switch.on]
    return min((max(each) for each in asked if each), default=0)


def _turns_end(left: Iterable[Switch], now: datetime) -> list[datetime]:
    """When the time is over of those whose turn it is and after whom another acts."""
    return [end for switch in left if switch.on for end in _turn_end(switch) if end > now]


def _turn_end(switch: Switch) -> list[datetime]:
    try:
        links = links_of(switch)
    except Problem:
        return []
    asked = tried_of(switch)
    turn = tried.turn(links, asked)
    return [
        one.since + turn.link.within
        for one in asked
        if one.state == "asked" and one.mark == turn.link.mark and not turn.is_last
    ]
