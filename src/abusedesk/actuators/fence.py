"""Fences for outsides that cannot keep one: a router, a hypervisor, a script refuses no late order by itself.

The highest fencing number of a target stands in the database, and its row is locked while the outside is driven. So
orders about one target go out one after the other, and one from a worker that slept through its lease goes out never.
"""

from collections.abc import Callable

from django.db import OperationalError, connection, transaction

from abusedesk.actuators.actuator import Order, Outcome

WAIT_S = 20
"""So long an order waits for the one before it on the same target."""

_TURN = """
INSERT INTO actuators_fence AS known (target, fence) VALUES (%s, %s)
ON CONFLICT (target) DO UPDATE SET fence = EXCLUDED.fence WHERE known.fence <= EXCLUDED.fence
RETURNING fence
"""


def in_turn(actuator: str, order: Order, carry_out: Callable[[], Outcome]) -> Outcome:
    """Carries an order out unless a later one came before it, and no other on its target meanwhile."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{WAIT_S}s'")
            cursor.execute(_TURN, [f"{actuator}:{target(order)}", order.fence])
            if cursor.fetchone() is None:
                return Outcome("refused", error=f"a later order came before this one, whose fence is {order.fence}")
            return carry_out()
    except OperationalError as error:
        return Outcome("unreachable", error=f"the order before it is not through yet ({str(error).strip()})")


def target(order: Order) -> str:
    """What an order acts on: an address, or a service."""
    return f"ip:{order.brand}/{order.ip}" if order.ip is not None else f"service:{order.brand}/{order.service}"
