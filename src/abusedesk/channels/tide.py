"""How far a channel has been read: what a sender still keeps for us after we were away must not be overtaken."""

from collections import deque
from datetime import datetime, timedelta

AWAY = timedelta(seconds=20)
"""A longer silence is an absence: somebody may have found the door closed."""

FIRST_RETRY = timedelta(minutes=15)
"""Who found it closed once comes back after so long, as Exim does; Postfix after five to ten minutes."""

LONGEST_RETRY = timedelta(seconds=4000)
"""A mail server that could not deliver tries again after at most so long, as mail servers come set up."""

KNOWN = 10_000
"""So many mails that others keep for us are told apart."""


class Tide:
    """The watermark of one channel to which mail servers push.

    A mail server waits longer and longer between tries, though never longer than it has waited already nor longer than
    `LONGEST_RETRY`, and at first `FIRST_RETRY`. So after an absence the watermark stays where it was for that long.

    Who was asked to keep a mail and come back has it for sure: until that mail came, for at most `LONGEST_RETRY`, the
    watermark stays as well. A mail is known by sender and recipient; two of them must come twice.
    """

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._waits_until: datetime | None = None
        self._kept: dict[str, deque[datetime]] = {}
        self._many = 0

    def refused(self, mail: str, now: datetime) -> None:
        """A mail server was told to keep a mail."""
        if self._many >= KNOWN:
            self.turned_away(now)
            return
        self._kept.setdefault(mail, deque()).append(now)
        self._many += 1

    def turned_away(self, now: datetime) -> None:
        """A mail server was told to come back, and nobody knows with which mail."""
        self._waits_until = now + LONGEST_RETRY

    def came(self, mail: str) -> None:
        """A mail was taken, so that nobody keeps it any more."""
        if mail in self._kept:
            self._forget(mail)

    def still_here(self, now: datetime) -> None:
        """Nothing can be stored, but the door is open: whoever comes is refused, and that is no absence."""
        if self._last is not None:
            self._last = now

    def at(self, now: datetime, watermark: datetime | None) -> datetime | None:
        """The watermark at an instant at which the channel was seen to work; None where it stays as it is."""
        last = self._last or watermark
        self._last = now
        if last is not None and now - last > AWAY:
            back = now + min(max(now - last, FIRST_RETRY), LONGEST_RETRY)
            self._waits_until = max(self._waits_until or back, back)
        for mail in [mail for mail, times in self._kept.items() if now - times[0] >= LONGEST_RETRY]:
            self._forget(mail)
        waits = self._waits_until is not None and now < self._waits_until
        return None if waits or self._kept else now

    def _forget(self, mail: str) -> None:
        """Forget the oldest of this name."""
        times = self._kept[mail]
        times.popleft()
        self._many -= 1
        if not times:
            del self._kept[mail]
