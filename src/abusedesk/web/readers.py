"""Who may do what beyond the daily work: administrators everything, others what the groups allow that they are in."""

from typing import Any

from abusedesk.vocabulary.permission import CHANNELS, POLICY_PUBLISHERS, READING_RULES, RESTRICTED_READERS


def may_read_restricted(user: Any) -> bool:
    """Whether a user may open reviews of illegal content."""
    return _is_in(user, RESTRICTED_READERS)


def may_publish(user: Any) -> bool:
    """Whether a user may propose and approve a policy."""
    return _is_in(user, POLICY_PUBLISHERS)


def may_change_reading(user: Any) -> bool:
    """Whether a user may change how messages are read."""
    return _is_in(user, READING_RULES)


def may_change_channels(user: Any) -> bool:
    """Whether a user may change the ways in."""
    return _is_in(user, CHANNELS)


def _is_in(user: Any, group: str) -> bool:
    return bool(user.is_superuser) or user.groups.filter(name=group).exists()
