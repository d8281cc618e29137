"""How far a channel has been read: what a sender still keeps for us after we were away must not be overtaken."""

from datetime import datetime, timedelta

AWAY = timedelta(minutes=1)
"""A shorter silence is none: mail servers try again within it at the earliest."""

LONGEST_RETRY = timedelta(seconds=4000)
"""A mail server that could not deliver tries again after at most so long, as mail servers come set up."""

KNOWN = 10_000
"""So many mails that others keep for us are told apart."""


class Tide:
    """The watermark of one channel to which mail servers push.

    A mail server waits longer and longer between tries, though never longer than it has waited already nor longer than
    `LONGEST_RETRY`. So after an absence the watermark stays where it was for as long again, at most `LONGEST_RETRY`.

    Who was asked to keep a mail and come back has it for sure: until that mail came, for at most `LONGEST_RETRY`, the
    watermark stays as well.
    """

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._waits_until: datetime | None = None
        self._kept: dict[str, datetime] = {}

    def refused(self, mail: str, now: datetime) -> None:
        """A mail server was told to keep a mail."""
        self._kept.setdefault(mail, now)
        if len(self._kept) > KNOWN:
            # Too many to tell apart: all of them are waited for as long as any.
            del self._kept[next(iter(self._kept))]
            self._waits_until = now + LONGEST_RETRY

    def came(self, mail: str) -> None:
        """A mail was taken, so that nobody keeps it any more."""
        self._kept.pop(mail, None)

    def at(self, now: datetime, watermark: datetime | None) -> datetime | None:
        """The watermark at an instant at which the channel was seen to work; None where it stays as it is."""
        last = self._last or watermark
        self._last = now
        if last is not None and now - last > AWAY:
            self._waits_until = now + min(now - last, LONGEST_RETRY) + AWAY
        if self._waits_until is not None and now < self._waits_until:
            return None
        self._kept = {mail: at for mail, at in self._kept.items() if now - at < LONGEST_RETRY}
        return None if self._kept else now
