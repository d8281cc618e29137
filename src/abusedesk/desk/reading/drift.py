"""Drift: tells when a sender's messages yield less than they used to, before anybody misses what was in them.

Formats change without notice. What counts is the share of a sender's messages that yielded a source, and a time for
each; a share that falls further than chance explains is put before a person, with messages to look at.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from math import sqrt
from typing import NamedTuple

from django.db import connection
from django.db.models import QuerySet

from abusedesk.records.bulk import give_rows
from abusedesk.records.models import Message, Review, SenderDay
from abusedesk.vocabulary.designation import AUTHORITY

REASON = "format_drift"
RECENT = timedelta(days=7)
BEFORE = timedelta(days=35)
KEPT = timedelta(days=90)
ENOUGH = 10
"""Of fewer messages a share says nothing."""

BUSY = 20
"""A sender of so many messages a day is judged by the last day alone, so that a change shows the same day."""

DROP = 0.15
SIGMA = 3.0

_NOTE = """
INSERT INTO records_senderday AS known (sender, day, messages, sourced, timed)
SELECT sender, day, messages, sourced, timed
FROM json_to_recordset(%s::json) AS row(sender text, day date, messages int, sourced int, timed int)
ON CONFLICT (sender, day) DO UPDATE SET messages = known.messages + EXCLUDED.messages,
    sourced = known.sourced + EXCLUDED.sourced, timed = known.timed + EXCLUDED.timed
"""

_YIELDS = """
SELECT sender,
       COALESCE(sum(messages) FILTER (WHERE day <= %(recent)s), 0),
       COALESCE(sum(sourced) FILTER (WHERE day <= %(recent)s), 0),
       COALESCE(sum(timed) FILTER (WHERE day <= %(recent)s), 0),
       COALESCE(sum(messages) FILTER (WHERE day > %(recent)s), 0),
       COALESCE(sum(sourced) FILTER (WHERE day > %(recent)s), 0),
       COALESCE(sum(timed) FILTER (WHERE day > %(recent)s), 0),
       COALESCE(sum(messages) FILTER (WHERE day >= %(today)s), 0),
       COALESCE(sum(sourced) FILTER (WHERE day >= %(today)s), 0),
       COALESCE(sum(timed) FILTER (WHERE day >= %(today)s), 0),
       max(day)
FROM records_senderday WHERE day > %(before)s GROUP BY sender
"""


class Yield(NamedTuple):
    """So many messages, and of how many a source, and times, could be read."""

    messages: int
    sourced: int
    timed: int

    @property
    def share_sourced(self) -> str:
        """In how many of a hundred a source was found."""
        return _share(self.sourced, self.messages)

    @property
    def share_timed(self) -> str:
        """In how many of a hundred every source had a time."""
        return _share(self.timed, self.messages)


class Sender(NamedTuple):
    """A sender's yield over the four weeks before, over the last seven days, and on the last day."""

    name: str
    before: Yield
    recent: Yield
    today: Yield
    last: date

    @property
    def alarms(self) -> tuple[str, ...]:
        """In words, what fell; empty when all is as it was."""
        now, span = (self.today, "today") if self.today.messages >= BUSY else (self.recent, "in the last seven days")
        fallen = [
            (what, was, here)
            for what, was, here in (
                ("a source", self.before.sourced, now.sourced),
                ("a time for every source", self.before.timed, now.timed),
            )
            if fell(was, self.before.messages, here, now.messages)
        ]
        return tuple(
            f"{here} of {now.messages} messages {span} yielded {what}, against {was / self.before.messages:.0%} before"
            for what, was, here in fallen
        )


def fell(was: int, of: int, now: int, of_now: int) -> bool:
    """Whether the share `now / of_now` lies below `was / of` by more than chance and more than a little."""
    if of < ENOUGH or of_now < ENOUGH // 2:
        return False
    before, after = was / of, now / of_now
    both = (was + now) / (of + of_now)
    spread = sqrt(both * (1 - both) * (1 / of + 1 / of_now))
    return before - after > DROP and before - after > SIGMA * spread


def note(read: Iterable[tuple[str, date, bool, bool]]) -> None:
    """Counts messages by sender and day: whether each yielded a source, and a time for every one."""
    found: dict[tuple[str, date], list[int]] = {}
    for sender, day, sourced, timed in read:
        counts = found.setdefault((sender[:320], day), [0, 0, 0])
        for index, counted in enumerate((True, sourced, timed)):
            counts[index] += counted
    names = ("messages", "sourced", "timed")
    # One order for all workers, so that none waits for another in a circle.
    rows = [{"sender": key[0], "day": key[1], **dict(zip(names, found[key], strict=True))} for key in sorted(found)]
    give_rows(_NOTE, rows)


def senders(now: datetime) -> list[Sender]:
    """Every sender of the last five weeks, the busiest first."""
    recent, today = (now - RECENT).date(), now.date()
    with connection.cursor() as cursor:
        cursor.execute(_YIELDS, {"recent": recent, "today": today, "before": (now - BEFORE).date()})
        found = [
            Sender(name, Yield(*counts[:3]), Yield(*counts[3:6]), Yield(*counts[6:9]), last)
            for name, *counts, last in cursor.fetchall()
        ]
    return sorted(found, key=lambda one: (-one.before.messages - one.recent.messages, one.name))


def check(now: datetime) -> int:
    """Puts every sender whose yield fell before a person, once for as long as it is asked. Returns how many are new."""
    SenderDay.objects.filter(day__lt=(now - KEPT).date()).delete()
    asked = set(Review.objects.filter(reason=REASON, closed_at=None).values_list("key", flat=True))
    new = [one for one in senders(now) if one.alarms and not any(key.startswith(_key(one.name)) for key in asked)]
    reviews = [
        Review(
            key=f"{_key(one.name)}{now:%Y-%m-%d}",
            reason=REASON,
            detail=f"{one.name}: {'; '.join(one.alarms)}. Its format may have changed.",
            opened_at=now,
            message_id=next(iter(samples(one.name, now, 1).values_list("pk", flat=True)), None),
        )
        for one in new
    ]
    return len(Review.objects.bulk_create(reviews, ignore_conflicts=True))


def samples(sender: str, now: datetime, limit: int) -> QuerySet[Message]:
    """The latest messages of a sender that yielded nothing."""
    domain = sender.rpartition("@")[2]
    found = Message.objects.filter(
        received_at__gt=now - RECENT, outcome__in=("needs_review", "rejected", "not_a_report")
    )
    return found.filter(sender__iendswith=domain).exclude(designation=AUTHORITY).order_by("-received_at")[:limit]


def _share(some: int, of: int) -> str:
    return f"{some / of:.0%}" if of else "-"


def _key(sender: str) -> str:
    return f"drift:{sender[:150]}:"
