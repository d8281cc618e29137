"""What a customer can ask for."""

REQUESTS: tuple[str, ...] = ("open_mail_port", "unblock", "replace_ip", "restore")
"""The mail port opened, an address unblocked, another address, a measure lifted."""

APPROVED_ALONE: frozenset[str] = frozenset({"unblock", "replace_ip"})
"""What staff do outside this desk once it is approved; the others take a rule that lifts or opens something."""
