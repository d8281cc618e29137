"""What a worker does in one turn, for the processes that are killed."""

from datetime import datetime

from abusedesk.desk.perform import perform_effects, perform_targets


def perform(now: datetime) -> None:
    """Notices, then measures."""
    perform_effects("child", now)
    perform_targets("child", now)
