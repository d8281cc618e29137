"""Perform: carries to the outside what was decided, and records what the outside answered.

Effects (notices, alerts) are leased rows that end in a receipt; measures are a desired state to which the holder of a
target's lease drives the outside, and which counts as in force only after it was read back. From time to time it is
read back again.
"""

from abusedesk.desk.perform.effects import perform_effects, retry_effect
from abusedesk.desk.perform.reconcile import look_again
from abusedesk.desk.perform.targets import (
    Driver,
    in_a_thread,
    perform_target,
    perform_targets,
    retry_target,
)

__all__ = [
    "Driver",
    "in_a_thread",
    "look_again",
    "perform_effects",
    "perform_target",
    "perform_targets",
    "retry_effect",
    "retry_target",
]
