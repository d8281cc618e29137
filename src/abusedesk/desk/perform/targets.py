"""Measures: whoever holds a target's lease drives the outside to what is desired, and writes what it read back.

The lease's fencing number goes with every order and guards every write: who comes late writes nothing.
"""

from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any, Literal

import structlog
from django.db import connection, transaction
from django.db.models import Q

from abusedesk.actuators.actuator import Actuator, Order, Outcome
from abusedesk.actuators.registry import actuator, chosen
from abusedesk.desk.perform import marks
from abusedesk.desk.perform.lease import Late, Lease, claim, ours
from abusedesk.desk.perform.pace import ATTEMPTS, LOOK_AGAIN, luck, pause
from abusedesk.desk.perform.plan import Switch, judge, standing, switches
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Measure, Target
from abusedesk.vocabulary.holding import without

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
    lease = _claim(worker, now)
    if lease is None:
        return False
    try:
        behind = _drive_all(lease)
        _settle(lease, behind=behind)
    except Late:
        log.info("lease lost", target=lease.target, fence=lease.fence, worker=worker)
    return True


def retry_target(target_id: int, now: datetime) -> None:
    """A person says: try again. Forgets that the target's measures failed."""
    with transaction.atomic():
        target = Target.objects.select_for_update().get(pk=target_id)
        for measure in target.measures.filter(state="failed"):
            waiting = "lifting" if measure.outside.get("action") == "lift" else "applying"
            Measure.objects.filter(pk=measure.pk).update(
                state=waiting, outside={"action": measure.outside.get("action")}
            )
        Target.objects.filter(pk=target_id).update(dirty=True, next_attempt=now, attempts=0)


def _claim(worker: str, now: datetime) -> Lease | None:
    return claim(Target.objects.filter(dirty=True, next_attempt__lte=now).order_by("next_attempt"), worker, now)


def _drive_all(lease: Lease) -> bool:
    """Whether something did not get where it should and must be tried again."""
    behind = False
    planned = switches_on(lease)
    # What waits for the release does not stand yet, and must not keep off what is lifted meanwhile.
    stand = standing([one for one in planned if not one.pending or _may(lease, one)])
    for switch in planned:
        verdict = _drive(lease, switch, stand) if switch.pending and _may(lease, switch) else "done"
        behind = behind or verdict != "done"
        if verdict == "silent":
            break  # What does not answer now will not answer for the next measure either.
    return behind


def switches_on(lease: Lease) -> list[Switch]:
    """What the measures of the leased target come to."""
    return switches(Measure.objects.filter(target=lease.target).select_related("service", "brand").order_by("pk"))


def _drive(lease: Lease, switch: Switch, stand: tuple[str, ...]) -> Literal["done", "later", "silent"]:
    """Bring one switch about. `silent` when the outside does not answer at all."""
    outside, name, doubt = _outside(lease, switch)
    if outside is None:
        _record(lease, switch, Outcome("refused", error=doubt), can_be_asked=True)
        return "done"
    _begin(lease, switch, name)
    outcome = _bring(outside, order_for(lease, switch, stand), on=switch.on)
    settled = _record(lease, switch, outcome, can_be_asked=outside.can_be_asked)
    if settled:
        return "done"
    return "silent" if outcome.state == "unreachable" else "later"


def _may(lease: Lease, switch: Switch) -> bool:
    """While a brand is held, or only rehearses, nothing acts against a customer; what frees one goes out."""
    return not (switch.on and _is_stopped(lease.brand))


def _is_stopped(brand: int) -> bool:
    return Brand.objects.filter(Q(dry_run=True) | Q(held_since__isnull=False), pk=brand).exists()


def _outside(lease: Lease, switch: Switch) -> tuple[Actuator | None, str, str]:
    """The actuator for the switch and its name; or None and why nothing may go out."""
    doubt = _doubt(switch, lease.now) if switch.on else ""
    return (None, "", doubt) if doubt else actuator_behind(switch)


def actuator_behind(switch: Switch) -> tuple[Actuator | None, str, str]:
    """What took the switch, or is to take it, and its name; or None and what is wrong with it."""
    name, options = chosen(switch.measures[0].brand.actuators, switch.kind)
    used = next((one.actuator for one in switch.moving if one.actuator), name)
    try:
        # Whoever took a measure must end it, even when the brand uses another actuator by now.
        return actuator(used, options if used == name else {}), used, ""
    except Problem as problem:
        return None, used, str(problem)


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


def order_for(lease: Lease, switch: Switch, stand: tuple[str, ...]) -> Order:
    """The order that brings a switch about, or looks it up."""
    first = switch.moving[0]
    return Order(
        brand=first.brand.slug,
        service=first.service.ref,
        kind=switch.kind,
        key=f"{first.docket_id}:{first.item}:{switch.action}",
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


def _begin(lease: Lease, switch: Switch, name: str) -> None:
    """Write down what is about to be ordered, so that whoever comes after a crash knows that it may have happened."""
    state = "applying" if switch.on else "lifting"
    with ours(lease):
        _update(switch.moving, state=state, actuator=name, fence=lease.fence, outside={"action": switch.action})


def _record(lease: Lease, switch: Switch, outcome: Outcome, *, can_be_asked: bool) -> bool:
    """Write the answer down. Whether it settles the matter, for good or for a person to see."""
    state, verdict, error = judge(on=switch.on, can_be_asked=can_be_asked, outcome=outcome)
    if verdict == "later" and lease.attempt >= ATTEMPTS:
        state, verdict, error = "failed", "failed", f"given up after {lease.attempt} attempts: {error}"
    outside = {"action": switch.action, "final": verdict != "later", "state": outcome.state, **outcome.receipt}
    with ours(lease):
        stamps = _stamps(state, outcome, lease.now, can_be_asked=can_be_asked)
        _update(switch.moving, state=state, error=error, outside=outside, fence=lease.fence, **stamps)
        _update(switch.over, state="lifted", lifted_at=lease.now)
        if verdict != "later":
            _mark(switch, state, verdict == "failed", error, lease.now)
    return verdict != "later"


def _stamps(state: str, outcome: Outcome, now: datetime, *, can_be_asked: bool) -> dict[str, datetime]:
    read_back = {"read_back_at": now} if can_be_asked and outcome.state in {"in_force", "not_in_force"} else {}
    reached = {"in_force": "in_force_at", "lifted": "lifted_at"}.get(state)
    return read_back | ({reached: now} if reached else {})


def _update(measures: tuple[Any, ...], **values: Any) -> None:
    Measure.objects.filter(pk__in=[one.pk for one in measures]).update(**values)


def _mark(switch: Switch, state: str, failed: bool, error: str, now: datetime) -> None:
    for measure in (*switch.moving, *switch.over):
        body = {"measure": switch.kind, "item": measure.item, "ip": switch.ip, "port": switch.port, "state": state}
        kind = "failed" if failed else "carried_out"
        marks.tell(measure.docket_id, measure.case_id, kind, now, body=body | {"error": error}, clauses=measure.clauses)
        (marks.need if failed else marks.done_with)(measure.case_id, f"failed:{switch.kind}")


def _settle(lease: Lease, *, behind: bool) -> None:
    """Give the lease back, and say when to look again: never, soon, or at the latest when the brand is released."""
    with ours(lease):
        left = [one for one in switches_on(lease) if one.pending]
        held = [one for one in left if not _may(lease, one)]
        values = {"dirty": bool(left), "attempts": 0, "next_attempt": lease.now}
        if behind:
            values |= {"attempts": lease.attempt, "next_attempt": lease.now + pause(lease.attempt, luck())}
        elif len(held) == len(left):
            values["next_attempt"] = lease.now + PARKED
        look_at = lease.now + LOOK_AGAIN if not left and any(one.on for one in switches_on(lease)) else None
        Target.objects.filter(pk=lease.target).update(lease_owner="", lease_until=None, look_at=look_at, **values)
