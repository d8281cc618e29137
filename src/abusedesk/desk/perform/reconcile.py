"""Reconcile: looks from time to time whether what is in force still is.

A router was rebooted, somebody unsuspended a server by hand: that is drift. It is shown on the case. What stands on the
network is then put up again; whether a server is switched off again a person says, since a person may have switched it
on; they may accept it as well (`LiftedByHand`). The brand's setting `drift` makes it one way for all: `again` or `ask`.

After a restore everything is asked: what the backup knows as in force may have been lifted since, by the desk itself.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.db.models import QuerySet

from abusedesk.actuators.actuator import Outcome
from abusedesk.desk.perform import marks
from abusedesk.desk.perform.drive import actuator_behind, order_for
from abusedesk.desk.perform.lease import LOOK, Lease, claim, held
from abusedesk.desk.perform.measures import switches_on
from abusedesk.desk.perform.pace import LOOK_AGAIN, luck
from abusedesk.desk.perform.plan import Switch, standing
from abusedesk.desk.perform.scene import Scene, scene
from abusedesk.records import backup
from abusedesk.records.models import Measure, Target

log = structlog.get_logger()

BY_ITSELF = frozenset({"null_route", "rate_limit", "block_port"})
"""The measures that are put up again without asking, unless the brand says otherwise."""

_UNDONE = "it was in force and is no longer: somebody or something undid it outside"


def look_again(worker: str, now: datetime) -> bool:
    """Look at the target that was not looked at for longest. False when none is due."""
    leases = claim(LOOK, worker, now, 1)
    for lease in leases:
        _look(lease)
    return bool(leases)


def _look(lease: Lease) -> None:
    planned = _planned(lease)
    stand, now = standing(planned), _scene(planned, lease)
    seen = [(switch, _seen(lease, switch, stand, now)) for switch in planned if _is_in_force(switch)]
    with transaction.atomic():
        if not held([lease]):
            log.info("lease lost", target=lease.target, fence=lease.fence)
            return
        for switch, outcome in seen:
            _note(lease, switch, outcome)
        Target.objects.filter(pk=lease.target).update(
            lease_owner="",
            lease_until=None,
            attempts=0,
            dirty=any(one.pending for one in _planned(lease)),
            next_attempt=lease.now,
            look_at=lease.now + LOOK_AGAIN * (0.75 + luck() / 2) if seen else None,
        )


def _planned(lease: Lease) -> list[Switch]:
    return switches_on([lease.target]).get(lease.target, [])


def _scene(planned: list[Switch], lease: Lease) -> Scene:
    return scene([], (one.measures[0].service_id for one in planned), [], lease.now)


def _is_in_force(switch: Switch) -> bool:
    return switch.on and not switch.pending and any(one.state == "in_force" for one in switch.moving)


def _seen(lease: Lease, switch: Switch, stand: tuple[str, ...], now: Scene) -> Outcome:
    outside, acting, wrong = actuator_behind(switch)
    if outside is None or acting is None or not outside.can_be_asked:
        return Outcome("unreachable", error=wrong)
    try:
        return outside.query(order_for(lease, switch, stand, acting, now))
    except Exception as error:
        log.exception("actuator broke", target=lease.target)
        return Outcome("unreachable", error=f"the actuator broke: {error!r}")


def _is_undone(outcome: Outcome) -> bool:
    # Who refuses to tell, because a secret was changed perhaps, says nothing of the measure.
    return outcome.state not in {"in_force", "unreachable", "refused"}


def _note(lease: Lease, switch: Switch, outcome: Outcome) -> None:
    if outcome.state == "in_force":
        _in_force(switch).update(read_back_at=lease.now)
    elif _is_undone(outcome):
        _drifted(lease, switch, outcome)


def _drifted(lease: Lease, switch: Switch, outcome: Outcome) -> None:
    again = _by_itself(switch)
    ours_still = list(_in_force(switch))
    error = f"{_UNDONE}{f' ({outcome.error})' if outcome.error else ''}"
    if again:
        _in_force(switch).update(state="applying", outside={"action": "apply", "drifted": True})
    else:
        # As after a refusal: the case shows it, and `Try again` takes the measure once more.
        outside = {"action": "apply", "final": True, "drifted": True, **outcome.receipt}
        _in_force(switch).update(state="failed", error=error, outside=outside)
    body = {"measure": switch.kind, "ip": switch.ip, "port": switch.port, "again": again, "error": error}
    for measure in ours_still:
        item = {"item": measure.item}
        marks.tell(measure.docket_id, measure.case_id, "drifted", lease.now, body=body | item, clauses=measure.clauses)
        if not again:
            marks.need(measure.case_id, f"failed:{switch.kind}")


def _by_itself(switch: Switch) -> bool:
    brand = switch.measures[0].brand
    settings: Mapping[str, Any] = brand.settings
    if brand.held_since is not None and brand.held_by == backup.BY:
        return False
    return bool(settings.get("drift") == "again" or (settings.get("drift") != "ask" and switch.kind in BY_ITSELF))


def _in_force(switch: Switch) -> QuerySet[Measure]:
    """The switch's measures that still are to be in force: one may have been lifted while the outside was asked."""
    return Measure.objects.filter(pk__in=[one.pk for one in switch.moving], decided="in_force", state="in_force")
