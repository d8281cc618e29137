"""Who may open what: reports of illegal content are for few."""

from typing import Any

RESTRICTED_GROUP = "restricted readers"


def may_read_restricted(user: Any) -> bool:
    """Whether a user may open restricted reviews: administrators, and members of the group of that name."""
    return bool(user.is_superuser) or user.groups.filter(name=RESTRICTED_GROUP).exists()
