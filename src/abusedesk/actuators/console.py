"""The switchboard actuator: it records what it was asked and reads that back.

For demonstrations, for training, and for providers whose own tools follow the table `actuators_switch`.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from abusedesk.actuators.actuator import Order, Outcome
from abusedesk.actuators.models import Switch
from abusedesk.problem import Problem


class Console:
    """A switch per measure and target. A late order, with a fence lower than one seen, is refused."""

    can_be_asked = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        if options:
            raise Problem(f"the actuator console has no option {min(options)!r}; it has none")

    def apply(self, order: Order) -> Outcome:
        """Switch on."""
        return _turn(order, on=True)

    def lift(self, order: Order) -> Outcome:
        """Switch off."""
        return _turn(order, on=False)

    def query(self, order: Order) -> Outcome:
        """Read the switch."""
        switch = Switch.objects.filter(**_place(order)).first()
        return _told(switch) if switch else Outcome("not_in_force")


def _turn(order: Order, *, on: bool) -> Outcome:
    with transaction.atomic():
        switch, _ = Switch.objects.select_for_update().get_or_create(**_place(order))
        if order.fence < switch.fence:
            return Outcome(
                "refused", error=f"a later order (fence {switch.fence}) came before this one ({order.fence})"
            )
        if switch.on != on:
            Switch.objects.filter(pk=switch.pk).update(on=on, changes=switch.changes + 1, changed_at=Now())
        Switch.objects.filter(pk=switch.pk).update(fence=order.fence, key=order.key)
        switch.refresh_from_db()
    return _told(switch)


def _place(order: Order) -> dict[str, Any]:
    return {"brand": order.brand, "service": order.service, "kind": order.kind, "ip": order.ip, "port": order.port}


def _told(switch: Switch) -> Outcome:
    receipt = {"switch": switch.pk, "key": switch.key, "fence": switch.fence, "changes": switch.changes}
    return Outcome("in_force" if switch.on else "not_in_force", receipt)
