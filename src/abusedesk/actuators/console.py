"""The switchboard actuator: it records what it was asked and reads that back.

For demonstrations, for training, and for providers whose own tools follow the table `actuators_switch`.
"""

from collections.abc import Mapping
from typing import Any

from django.db import connection

from abusedesk.actuators.actuator import Order, Outcome
from abusedesk.actuators.models import Switch
from abusedesk.problem import Problem

_TURN = """
INSERT INTO actuators_switch AS present (brand, service, kind, ip, port, "on", key, fence, changes, changed_at)
VALUES (%(brand)s, %(service)s, %(kind)s, %(ip)s, %(port)s, %(on)s, %(key)s, %(fence)s, %(on)s::int, now())
ON CONFLICT ON CONSTRAINT one_switch DO UPDATE SET "on" = EXCLUDED.on, key = EXCLUDED.key, fence = EXCLUDED.fence,
    changes = present.changes + (present.on <> EXCLUDED.on)::int,
    changed_at = CASE WHEN present.on = EXCLUDED.on THEN present.changed_at ELSE EXCLUDED.changed_at END
WHERE present.fence <= EXCLUDED.fence
RETURNING id, "on", key, fence, changes
"""


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
        found = Switch.objects.filter(**_place(order)).values_list("pk", "on", "key", "fence", "changes").first()
        return _told(*found) if found else Outcome("not_in_force")


def _turn(order: Order, *, on: bool) -> Outcome:
    with connection.cursor() as cursor:
        cursor.execute(_TURN, {**_place(order), "on": on, "fence": order.fence, "key": order.key})
        turned = cursor.fetchone()
    if turned is None:
        return Outcome("refused", error=f"a later order came before this one, whose fence is {order.fence}")
    return _told(*turned)


def _place(order: Order) -> dict[str, Any]:
    return {"brand": order.brand, "service": order.service, "kind": order.kind, "ip": order.ip, "port": order.port}


def _told(switch: int, on: bool, key: str, fence: int, changes: int) -> Outcome:
    receipt = {"switch": switch, "key": key, "fence": fence, "changes": changes}
    return Outcome("in_force" if on else "not_in_force", receipt)
