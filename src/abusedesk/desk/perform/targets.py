"""Measures: whoever holds a target's lease drives the outside to what is desired, and writes what it read back.

A measure is brought about by the first actuator of the brand's chain that does so in its time, and lifted through all
that were asked.

The lease's fencing number goes with every order and guards every write: who comes late writes nothing.
"""

from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any, NamedTuple, cast

import structlog
from django.db import connection, transaction
from django.db.models import Q

from abusedesk.actuators.actuator import Actuator, Order, Outcome
from abusedesk.actuators.chain import Link, chain_of
from abusedesk.actuators.registry import actuator
from abusedesk.desk.perform import marks, tried
from abusedesk.desk.perform.lease import DRIVE, Late, Lease, claim, ours
from abusedesk.desk.perform.pace import ATTEMPTS, LOOK_AGAIN, luck, pause
from abusedesk.desk.perform.plan import Switch, Verdict, holdup, judge, standing, switches
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Measure, Target
from abusedesk.vocabulary.holding import without
from abusedesk.vocabulary.measure import MeasureKind

log = structlog.get_logger()

PARKED = timedelta(minutes=10)
"""How often a target is looked at whose brand is held. Release does not wait for it."""

# An address that several share by their source ports is nobody's as a whole.
_HOLDER = """
SELECT CASE WHEN assignment.ports = '[0,65536)' THEN service.id END
FROM records_assignment assignment JOIN records_service service ON service.id = assignment.service_id
WHERE assignment.prefix >>= %s::inet AND assignment.period @> %s::timestamptz
  AND (service.until IS NULL OR service.until > %s)
ORDER BY masklen(assignment.prefix) DESC, lower(assignment.period) DESC LIMIT 1
"""


# An address of which others hold some ports is nobody's alone, and nothing can be done to it that would not hit them.
_HELD = """
WITH held AS (SELECT prefix FROM records_assignment
              WHERE service_id = %(service)s AND period @> %(now)s::timestamptz AND ports @> int4range(0, 65536))
SELECT text(prefix), true FROM held
UNION SELECT text(within.prefix), false FROM held JOIN records_assignment within ON within.prefix << held.prefix
    JOIN records_service service ON service.id = within.service_id
WHERE within.service_id <> %(service)s AND within.period @> %(now)s::timestamptz
  AND (service.until IS NULL OR service.until > %(now)s)
"""


def perform_targets(worker: str, now: datetime, limit: int = 100) -> int:
    """Drive up to `limit` targets that are not as desired. Returns how many were tried."""
    done = 0
    while done < limit and perform_target(worker, now):
        done += 1
    return done


def perform_target(worker: str, now: datetime) -> bool:
    """Drive the target that has waited longest. False when none waits."""
    lease = claim(DRIVE, worker, now)
    if lease is None:
        return False
    try:
        _drive_all(lease)
    except Late:
        log.info("lease lost", target=lease.target, fence=lease.fence, worker=worker)
    return True


def measures_wait(now: datetime) -> bool:
    """Whether a target waits to be driven that nobody drives."""
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    return Target.objects.filter(free, dirty=True, next_attempt__lte=now).exists()


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


def _drive_all(lease: Lease) -> None:
    """Bring about what is pending, and give the lease back together with the last answer."""
    last, behind = _bring_about(lease, switches_on(lease))
    with ours(lease):
        if last is not None:
            _write(lease, *last)
        _settle(lease, behind=behind)


def _bring_about(lease: Lease, planned: list[Switch]) -> tuple["tuple[Switch, Answer] | None", bool]:
    """The last answer, not written down yet, and whether something did not get where it should."""
    stopped = _is_stopped(lease.brand)
    # What waits for the release does not stand yet, and must not keep off what is lifted meanwhile.
    stand = standing([one for one in planned if not one.pending or _may(one, stopped=stopped)])
    last, behind = None, False
    for switch in (one for one in planned if one.pending):
        if last is not None:
            with ours(lease):
                _write(lease, *last)
            # It may have been stopped while the outside was asked.
            last, stopped = None, _is_stopped(lease.brand)
        if _may(switch, stopped=stopped):
            answer = _concluded(_drive(lease, switch, stand), lease.attempt)
            last, behind = (switch, answer), behind or answer.verdict == "later"
            if answer.verdict == "later" and answer.outcome.state == "unreachable":
                break  # What does not answer now will not answer for the next measure either.
    return last, behind


def switches_on(lease: Lease) -> list[Switch]:
    """What the measures of the leased target come to."""
    return switches(Measure.objects.filter(target=lease.target).select_related("service", "brand").order_by("pk"))


def _drive(lease: Lease, switch: Switch, stand: tuple[str, ...]) -> "Answer":
    return _take(lease, switch, stand) if switch.on else _undo(lease, switch, stand)


def _take(lease: Lease, switch: Switch, stand: tuple[str, ...]) -> "Answer":
    """Have it brought about by whose turn it is; by the next of the chain where that one's time is over."""
    doubt = _doubt(switch, lease.now)
    if doubt:
        return _refused(doubt, "")
    asked = _tried(switch)
    while True:
        try:
            links = _links(switch)
            turn = tried.turn(links, asked)
            outside = actuator(turn.link.actuator, turn.link.options)
        except Problem as problem:
            return _refused(str(problem), "")
        asked = tried.asking(asked, turn, lease.now)
        one = tried.asked_at(asked, turn)
        _begin(lease, switch, one.actuator, tried=tried.rows_of(asked))
        answer = _ask(outside, one, order_for(lease, switch, stand, one), on=True)
        if answer.verdict != "later" or turn.is_last or lease.now - one.since < turn.link.within:
            state: tried.State = "acts" if answer.verdict == "done" else "asked"
            return answer._replace(asked=tried.now_is(asked, one, state, answer.error), attempts=one.attempts)
        left = one._replace(state="left", error=answer.error)
        asked = tried.now_is(asked, one, "left", answer.error)
        _leave(lease, switch, asked, left, links[turn.place + 1])


def _undo(lease: Lease, switch: Switch, stand: tuple[str, ...]) -> "Answer":
    """Have it lifted by all that acted or may have acted; what holds it up is the measure's answer."""
    asked = _tried(switch) or _first(switch, lease.now)
    answers = [_NOTHING_LEFT]
    for one in tried.to_undo(asked):
        answer = _undo_one(lease, switch, stand, one)
        if answer.state == "lifted":
            asked = tried.now_is(asked, one, "lifted")
            _keep(lease, switch, asked)
        answers.append(answer)
    return holdup(reversed(answers), key=lambda one: (one.verdict, one.state))._replace(asked=asked)


def _undo_one(lease: Lease, switch: Switch, stand: tuple[str, ...], one: tried.Tried) -> "Answer":
    try:
        outside = actuator(one.actuator, tried.link_behind(_links(switch), one).options)
    except Problem as problem:
        return _refused(str(problem), one.actuator)
    _begin(lease, switch, one.actuator)
    return _ask(outside, one, order_for(lease, switch, stand, one), on=False)


def _may(switch: Switch, *, stopped: bool) -> bool:
    """While a brand is held, or only rehearses, nothing acts against a customer; what frees one goes out."""
    return not (switch.on and stopped)


def _is_stopped(brand: int) -> bool:
    return Brand.objects.filter(Q(dry_run=True) | Q(held_since__isnull=False), pk=brand).exists()


class Answer(NamedTuple):
    """What one outside said, and what it comes to."""

    state: str
    verdict: Verdict
    error: str
    outcome: Outcome
    can_be_asked: bool
    actuator: str
    stands_in: str | None = None
    asked: tuple[tried.Tried, ...] | None = None
    """What became of all that were asked, where that is to be kept with it."""
    attempts: int = 0
    """How often the one whose turn it is was asked; 0 where the target's attempts count, as for a lift."""


_NOTHING_LEFT = Answer("lifted", "done", "", Outcome("not_in_force"), can_be_asked=True, actuator="")
"""Of a lift that was read back from all before a crash."""


def _refused(why: str, name: str) -> Answer:
    """As if an outside had refused: nothing was sent."""
    return Answer("failed", "failed", why, Outcome("refused", error=why), can_be_asked=True, actuator=name)


def _ask(outside: Actuator, one: tried.Tried, order: Order, *, on: bool) -> Answer:
    outcome = _bring(outside, order, on=on)
    state, verdict, error = judge(on=on, can_be_asked=outside.can_be_asked, outcome=outcome)
    return Answer(state, verdict, error, outcome, outside.can_be_asked, one.actuator, one.stands_in)


def _links(switch: Switch) -> tuple[Link, ...]:
    """The brand's chain for the switch. What it says wrong by now must not keep what acted from being undone."""
    try:
        return chain_of(switch.measures[0].brand.actuators, switch.kind)
    except Problem:
        if switch.on:
            raise
        return ()


def _first(switch: Switch, now: datetime) -> tuple[tried.Tried, ...]:
    """The first of the chain as if it had been asked, where it is not known who was."""
    return tuple(tried.Tried(0, one.actuator, one.mark, one.stands_in, "asked", now) for one in _links(switch)[:1])


def _tried(switch: Switch) -> tuple[tried.Tried, ...]:
    return tried.read((*switch.over, *switch.moving))


def actuator_behind(switch: Switch) -> tuple[Actuator | None, tried.Tried | None, str]:
    """What brought the switch about, and as which of the chain; or None and what is wrong with it."""
    acting = [one for one in _tried(switch) if one.state == "acts"]
    if not acting:
        return None, None, "nothing is known to act"
    try:
        return actuator(acting[-1].actuator, tried.link_behind(_links(switch), acting[-1]).options), acting[-1], ""
    except Problem as problem:
        return None, acting[-1], str(problem)


def _doubt(switch: Switch, now: datetime) -> str:
    """Why a measure had better not be taken after all: what was true at the decision need not be true now."""
    alone = any(one.mode == "automatic" for one in switch.moving)
    if switch.kind == "terminate" and alone and switch.measures[0].brand.settings.get("irreversible") != "automatic":
        return "nobody approved this termination, and the brand does not let it act alone"
    if switch.ip is not None and _holder(switch.ip, now) != switch.moving[0].service_id:
        return f"{switch.ip} is no longer held by {switch.moving[0].service}"
    return ""


def _holder(ip: str, now: datetime) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(_HOLDER, [ip, now, now])
        found = cursor.fetchone()
    return found[0] if found else None


def order_for(lease: Lease, switch: Switch, stand: tuple[str, ...], one: tried.Tried) -> Order:
    """The order to one of the chain that brings a switch about, or looks it up."""
    first = switch.moving[0]
    place = f":{one.place}" if one.place else ""
    if one.stands_in:
        stand = tuple(one.stands_in if each == switch.kind else each for each in stand)
    return Order(
        brand=first.brand.slug,
        service=first.service.ref,
        kind=cast("MeasureKind", one.stands_in or switch.kind),
        key=f"{first.docket_id}:{first.item}:{switch.action}{place}",
        fence=lease.fence,
        ip=switch.ip,
        port=switch.port,
        standing=stand,
        addresses=_addresses(first.service_id, lease.now),
    )


def _addresses(service: int, now: datetime) -> tuple[str, ...]:
    """The prefixes that a service holds alone, without those within them that another does."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"service": service, "now": now})
        rows = [(ip_network(prefix), own) for prefix, own in cursor.fetchall()]
    return tuple(map(str, without([one for one, own in rows if own], [one for one, own in rows if not own])))


def _bring(outside: Actuator, order: Order, *, on: bool) -> Outcome:
    try:
        told = outside.apply(order) if on else outside.lift(order)
        if told.state in {"refused", "unreachable"} or not outside.can_be_asked:
            return told
        seen = outside.query(order)
    except Exception as error:
        log.exception("actuator broke", key=order.key)
        return Outcome("unreachable", error=f"the actuator broke: {error!r}")
    return Outcome(seen.state, {"told": told.receipt, "read_back": seen.receipt}, seen.error)


def _begin(lease: Lease, switch: Switch, name: str, **kept: Any) -> None:
    """Write down what is about to be ordered, so that whoever comes after a crash knows that it may have happened."""
    state = "applying" if switch.on else "lifting"
    with ours(lease):
        outside = {"action": switch.action}
        _update(switch.moving, state=state, actuator=name, fence=lease.fence, outside=outside, **kept)


def _keep(lease: Lease, switch: Switch, asked: tuple[tried.Tried, ...]) -> None:
    """Write down what became of those that were asked."""
    with ours(lease):
        _update(switch.moving, tried=tried.rows_of(asked))


def _leave(lease: Lease, switch: Switch, asked: tuple[tried.Tried, ...], left: tried.Tried, then: Link) -> None:
    """Write down that one did not bring it about in its time, and who is asked instead."""
    waited = int((lease.now - left.since).total_seconds())
    body = {"measure": switch.kind, "ip": switch.ip, "port": switch.port, "error": left.error, "seconds": waited}
    body |= {"actuator": left.actuator, "then": then.actuator, "stands_in": then.stands_in}
    with ours(lease):
        _update(switch.moving, tried=tried.rows_of(asked))
        for one in switch.moving:
            told = body | {"item": one.item}
            marks.tell(one.docket_id, one.case_id, "fell_back", lease.now, body=told, clauses=one.clauses)


def _concluded(answer: Answer, attempt: int) -> Answer:
    """The answer; what was asked for often enough has failed."""
    attempts = answer.attempts or attempt
    if answer.verdict != "later" or attempts < ATTEMPTS:
        return answer
    return answer._replace(
        state="failed", verdict="failed", error=f"given up after {attempts} attempts: {answer.error}"
    )


def _write(lease: Lease, switch: Switch, answer: Answer) -> None:
    """Write the answer down. In the transaction in which the lease is ours."""
    outcome, is_final = answer.outcome, answer.verdict != "later"
    outside = {"action": switch.action, "final": is_final, "state": outcome.state, **outcome.receipt}
    kept = {} if answer.asked is None else {"tried": tried.rows_of(answer.asked)}
    stamps = _stamps(answer.state, outcome, lease.now, can_be_asked=answer.can_be_asked)
    values = {"state": answer.state, "error": answer.error, "outside": outside, "fence": lease.fence}
    _update(switch.moving, **values, **stamps, **kept)
    _update(switch.over, state="lifted", lifted_at=lease.now)
    if is_final:
        _mark(switch, answer, answer.verdict == "failed", lease.now)


def _stamps(state: str, outcome: Outcome, now: datetime, *, can_be_asked: bool) -> dict[str, datetime]:
    read_back = {"read_back_at": now} if can_be_asked and outcome.state in {"in_force", "not_in_force"} else {}
    reached = {"in_force": "in_force_at", "lifted": "lifted_at"}.get(state)
    return read_back | ({reached: now} if reached else {})


def _update(measures: tuple[Any, ...], **values: Any) -> None:
    Measure.objects.filter(pk__in=[one.pk for one in measures]).update(**values)


def _mark(switch: Switch, answer: Answer, failed: bool, now: datetime) -> None:
    said = {"state": answer.state, "error": answer.error, "actuator": answer.actuator, "stands_in": answer.stands_in}
    for measure in (*switch.moving, *switch.over):
        body = {"measure": switch.kind, "item": measure.item, "ip": switch.ip, "port": switch.port}
        kind = "failed" if failed else "carried_out"
        marks.tell(measure.docket_id, measure.case_id, kind, now, body=body | said, clauses=measure.clauses)
        (marks.need if failed else marks.done_with)(measure.case_id, f"failed:{switch.kind}")


def _settle(lease: Lease, *, behind: bool) -> None:
    """Give the lease back, and say when to look again: never, soon, or at the latest when the brand is released."""
    planned = switches(Measure.objects.filter(target=lease.target).order_by("pk"))
    left = [one for one in planned if one.pending]
    stopped = bool(left) and _is_stopped(lease.brand)
    held = [one for one in left if not _may(one, stopped=stopped)]
    values = {"dirty": bool(left), "attempts": 0, "next_attempt": lease.now}
    if behind:
        again = [lease.now + pause(_attempts(left) or lease.attempt, luck()), *_turns_end(left, lease.now)]
        values |= {"attempts": lease.attempt, "next_attempt": min(again)}
    elif len(held) == len(left):
        values["next_attempt"] = lease.now + PARKED
    look_at = lease.now + LOOK_AGAIN if not left and any(one.on for one in planned) else None
    Target.objects.filter(pk=lease.target).update(lease_owner="", lease_until=None, look_at=look_at, **values)


def _attempts(left: list[Switch]) -> int:
    """How often those were asked whose turn it is, the fewest; 0 where only lifts are left."""
    asked = [[one.attempts for one in _tried(switch) if one.state == "asked"] for switch in left if switch.on]
    return min((max(each) for each in asked if each), default=0)


def _turns_end(left: list[Switch], now: datetime) -> list[datetime]:
    """When the time is over of those whose turn it is and after whom another acts."""
    found = []
    for switch in left:
        if switch.on:
            found += _turn_end(switch)
    return [one for one in found if one > now]


def _turn_end(switch: Switch) -> list[datetime]:
    try:
        links = _links(switch)
    except Problem:
        return []
    asked = _tried(switch)
    turn = tried.turn(links, asked)
    return [
        one.since + turn.link.within
        for one in asked
        if one.state == "asked" and one.mark == turn.link.mark and not turn.is_last
    ]
