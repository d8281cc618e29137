"""Who may do what beyond the daily work: administrators everything, others what the groups allow that they are in."""

from typing import Any

from django.db.models import QuerySet

from abusedesk.desk.approvals.voices import Voice, voice_of
from abusedesk.records.models import LegalFile, Message
from abusedesk.vocabulary.designation import AUTHORITY
from abusedesk.vocabulary.permission import (
    API_KEYS,
    APPROVERS,
    CHANNELS,
    INVENTORIES,
    ON_CALL,
    POLICY_PUBLISHERS,
    READING_RULES,
    REPORTERS,
    RESTRICTED_READERS,
    SERVICES,
    SUPPRESSIONS,
)


def may_read_restricted(user: Any) -> bool:
    """Whether a user may open reviews of illegal content and requests of authorities."""
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


def may_suppress(user: Any) -> bool:
    """Whether a user may change what is suppressed."""
    return _is_in(user, SUPPRESSIONS)


def seen_by(user: Any) -> "QuerySet[Message]":
    """The messages that a user may see: what came to an authority's address is there for restricted readers alone."""
    found = Message.objects.defer("payload")
    return found if may_read_restricted(user) else found.exclude(designation=AUTHORITY)


def files_for(user: Any) -> "QuerySet[LegalFile]":
    """The files that a user may see."""
    found = LegalFile.objects.all()
    return found if may_read_restricted(user) else found.exclude(kind=AUTHORITY)


def may_keep_keys(user: Any) -> bool:
    """Whether a user may make and revoke keys of the API."""
    return _is_in(user, API_KEYS)


def may_change_inventories(user: Any) -> bool:
    """Whether a user may set up inventories and agree to what they change."""
    return _is_in(user, INVENTORIES)


def may_mark_services(user: Any) -> bool:
    """Whether a user may mark services and declare names for them."""
    return _is_in(user, SERVICES)


def may_change_reporters(user: Any) -> bool:
    """Whether a user may say who is a known reporter, and mute."""
    return _is_in(user, REPORTERS)


def may_set_up_alerts(user: Any) -> bool:
    """Whether a user may say who is on call, and how alerts reach people."""
    return _is_in(user, ON_CALL)


def is_approver(user: Any) -> bool:
    """Whether a user may say yes or no where a brand leaves that to approvers."""
    return _is_in(user, APPROVERS)


def voice(user: Any) -> Voice:
    """A user as one who answers what waits."""
    return voice_of(user, _groups(user))


def _is_in(user: Any, group: str) -> bool:
    return user.is_superuser or group in _groups(user)


def _groups(user: Any) -> frozenset[str]:
    # Asked once for each user of a request, however many things of a page depend on it.
    if not hasattr(user, "group_names"):
        user.group_names = frozenset(user.groups.values_list("name", flat=True))
    names: frozenset[str] = user.group_names
    return names
