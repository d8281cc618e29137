"""What a customer can ask for, and what staff do outside this desk once it is granted."""

from collections.abc import Mapping

REQUESTS: tuple[str, ...] = ("open_mail_port", "unblock", "replace_ip", "restore")
"""The mail port opened, an address unblocked, another address, a measure lifted."""

APPROVED_ALONE: frozenset[str] = frozenset({"unblock", "replace_ip"})
"""What staff do outside this desk once it is approved; the others take a rule that lifts or opens something."""

ABOUT_ADDRESS: frozenset[str] = frozenset({"unblock", "replace_ip"})
"""The requests that name an address of the service."""

CAUSES: tuple[str, ...] = ("own_use", "third_party", "provider")
"""Why an address is to be replaced."""

STEPS: Mapping[str, tuple[str, ...]] = {
    "unblock": ("unblocked",),
    "replace_ip": ("new_address", "old_assignment"),
}
"""What is to be done outside, in order, for each of `APPROVED_ALONE`: the address unblocked where it was blocked; a new
address given to the service, and the old one's assignment ended in the inventory."""

WAITING: frozenset[str] = frozenset({"asked", "needs_approval"})
"""The states in which a person has to answer: where the policy could not, and where it asks for a yes or no."""
