"""Read again: what a person was asked to read is read anew after the readers improved, where its bytes are still kept.

What is understood now goes the way of every message, as if it had come in at that moment: no deadline begins in the
past, and no customer misses an answer that was never asked for.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from abusedesk.desk.parse import Unread, own_rules, read_message
from abusedesk.desk.verify import known_voices, voice_for
from abusedesk.parsing.own import OwnRule
from abusedesk.records.bell import ring
from abusedesk.records.models import Message, MessageSeen, Review
from abusedesk.records.payload import read_payload
from abusedesk.vocabulary.report import Outcome, Reading

UNREAD: tuple[Outcome, ...] = ("needs_review", "rejected")
"""What a person was asked to read: nothing was decided on it."""

ANSWER = "read again, and understood"


class Look(NamedTuple):
    """What a waiting message says today; `reading` is None where its bytes are gone."""

    message: Message
    reading: Reading | None

    @property
    def is_understood(self) -> bool:
        """Whether no person has to read it any more."""
        return self.reading is not None and self.reading.outcome not in UNREAD


def waiting(since: datetime | None = None) -> QuerySet[Message]:
    """The messages that wait for a person to read them, the oldest first."""
    asked = Review.objects.filter(closed_at=None, restricted=False).exclude(message_id=None).values("message_id")
    found = Message.objects.filter(outcome__in=UNREAD, pk__in=asked)
    return (found.filter(received_at__gte=since) if since else found).order_by("received_at", "pk")


def look(messages: QuerySet[Message]) -> Iterator[Look]:
    """Reads messages as they would be read today. Nothing changes."""
    known, rules = known_voices(), own_rules()
    for message in messages.iterator(200):
        is_known = voice_for(message.sender, known).known
        yield Look(message, _read(message, rules, from_known_reporter=is_known))


@transaction.atomic
def give_back(message: Message, by: str, at: datetime) -> bool:
    """Puts a waiting message before the readers again. False where a person, or another run, was faster."""
    key = f"message:{message.pk}"
    asked = Review.objects.select_for_update().filter(key=key, closed_at=None).first()
    if asked is None:
        return False
    # The same may have to be asked once more, so the question that is answered gives up its name.
    asked.key, asked.closed_at, asked.closed_by, asked.answer = f"{key}:{at.isoformat()}", at, by, ANSWER
    asked.save(update_fields=["key", "closed_at", "closed_by", "answer"])
    MessageSeen.objects.filter(digest=message.digest).update(read_at=None, lease_until=None, attempts=0, again_at=at)
    Message.objects.filter(pk=message.pk).update(outcome="", format="", reason="")
    ring()
    return True


def _read(message: Message, rules: tuple[OwnRule, ...], *, from_known_reporter: bool) -> Reading | None:
    data = read_payload(message)
    if data is None:
        return None
    unread = Unread(
        message.pk,
        bytes(message.digest),
        message.received_at,
        message.retention,
        message.brand_id,
        message.channel,
        message.name,
        message.sender,
        data,
        attempts=1,
    )
    return read_message(unread, rules, from_known_reporter=from_known_reporter)
