"""How an inventory does, in a word: fresh, stale, failing, never read, or switched off."""

from datetime import datetime, timedelta
from typing import NamedTuple

from abusedesk.records.models import Inventory


class State(NamedTuple):
    """What to say of it, and whether all is well."""

    words: str
    well: bool


def state_of(inventory: Inventory, now: datetime) -> State:
    """The state at an instant."""
    if is_stale(inventory, now):
        return State(f"stale: last read {_ago(now - inventory.fresh_at)}", well=False)  # type: ignore[operator]
    if not inventory.enabled:
        return State("switched off", well=True)
    if inventory.failing_since is not None:
        return State(f"cannot be read{_for(now - inventory.failing_since)}", well=False)
    if inventory.fresh_at is None:
        return State("nothing taken over yet", well=False)
    return State(f"read {_ago(now - inventory.fresh_at)}", well=True)


def is_stale(inventory: Inventory, now: datetime) -> bool:
    """Whether what happens now may concern a holder that it did not tell us of."""
    if inventory.fresh_at is None or inventory.fresh_for is None:
        return False
    return now > inventory.fresh_at + inventory.fresh_for


def _for(span: timedelta) -> str:
    return f" for {_span(span)}" if span >= timedelta(minutes=1) else ""


def _ago(span: timedelta) -> str:
    return f"{_span(span)} ago" if span >= timedelta(minutes=1) else "just now"


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
