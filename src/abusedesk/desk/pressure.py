"""Pressure: whether something waits on this desk that stops harm, so that what only tells of it had better wait."""

from datetime import datetime

from django.db import connection

_PRESSED = """
SELECT EXISTS (SELECT FROM records_target WHERE dirty AND next_attempt <= %s)
    OR EXISTS (SELECT FROM records_messageseen WHERE read_at IS NULL)
"""


def is_pressed(now: datetime) -> bool:
    """Whether a message is unread, or a target is not as desired and may be driven or is being driven."""
    with connection.cursor() as cursor:
        cursor.execute(_PRESSED, [now])
        return bool(cursor.fetchone()[0])
