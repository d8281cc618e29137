"""How long a lease lasts, how soon a failed attempt is repeated, and how often."""

import random
from datetime import timedelta

LEASE = timedelta(minutes=2)
"""Longer than an orderly attempt takes, and how long what a dead worker held lies still. Who is later has lost it."""

ATTEMPTS = 12
"""After so many a person is asked; with the pauses below that is after about four hours."""

LOOK_AGAIN = timedelta(minutes=10)
"""How often it is looked up whether what is in force still is."""

_FIRST = timedelta(seconds=10)
_LONGEST = timedelta(hours=1)


def pause(attempt: int, luck: float) -> timedelta:
    """The wait after the `attempt`th failure: doubling, at most an hour, spread by `luck` in 0..1 to 75-125 %."""
    doubled: timedelta = _FIRST * 2 ** min(attempt - 1, 30)
    return min(doubled, _LONGEST) * (0.75 + luck / 2)


def luck() -> float:
    """A number in 0..1, so that what failed together is not repeated together."""
    return random.random()  # noqa: S311 - it spreads load and keeps no secret
