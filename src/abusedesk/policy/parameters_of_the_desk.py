"""Parameters of a pack that no rule applies, but the desk itself."""

REMIND_BEFORE = "remind_before"
"""How long before a deadline the customer is reminded of it, where the policy says so; `PT0S` forbids reminders."""
