"""How far a channel has been read: what a sender still keeps for us after we were away must not be overtaken."""

from datetime import datetime, timedelta

AWAY = timedelta(minutes=1)
"""A shorter silence is none: mail servers try again within it at the earliest."""

LONGEST_RETRY = timedelta(seconds=4000)
"""A mail server that could not deliver tries again after at most so long, as mail servers come set up."""


class Tide:
    """The watermark of one channel to which mail servers push.

    A mail server waits longer and longer between tries, though never longer than it has waited already nor longer than
    `LONGEST_RETRY`. So after an absence the watermark stays where it was for as long again, at most `LONGEST_RETRY`.
    """

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._waits_until: datetime | None = None

    def at(self, now: datetime, watermark: datetime | None) -> datetime | None:
        """The watermark at an instant at which the channel was seen to work; None where it stays as it is."""
        last = self._last or watermark
        self._last = now
        if last is not None and now - last > AWAY:
            self._waits_until = now + min(now - last, LONGEST_RETRY) + AWAY
        if self._waits_until is not None and now < self._waits_until:
            return None
        return now
