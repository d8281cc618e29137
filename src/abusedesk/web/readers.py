"""Who may do what: reports of illegal content are for few; a policy, and how messages are read, is changed by few."""

from typing import Any

RESTRICTED_GROUP = "restricted readers"
PUBLISHERS_GROUP = "policy publishers"
RULES_GROUP = "reading rules"
CHANNELS_GROUP = "channels"


def may_read_restricted(user: Any) -> bool:
    """Whether a user may open restricted reviews: administrators, and members of the group of that name."""
    return bool(user.is_superuser) or user.groups.filter(name=RESTRICTED_GROUP).exists()


def may_publish(user: Any) -> bool:
    """Whether a user may propose and approve a policy: administrators, and members of the group of that name."""
    return bool(user.is_superuser) or user.groups.filter(name=PUBLISHERS_GROUP).exists()


def may_change_reading(user: Any) -> bool:
    """Whether a user may change how messages are read: administrators, and members of the group of that name."""
    return bool(user.is_superuser) or user.groups.filter(name=RULES_GROUP).exists()


def may_change_channels(user: Any) -> bool:
    """Whether a user may change the ways in: administrators, and members of the group of that name."""
    return bool(user.is_superuser) or user.groups.filter(name=CHANNELS_GROUP).exists()
