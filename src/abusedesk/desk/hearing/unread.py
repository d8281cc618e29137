"""Unread answers: while a person has not read what a customer wrote in time, no reply deadline of the docket fires.

The clock stands for that long. When a person has read the last of them, an answer that says that all is done counts as
of its receipt; else the deadlines move by the time that it lay unread: a customer keeps what time there was left.
"""

from datetime import datetime, timedelta
from typing import Literal

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable

from abusedesk.desk.answering.letters import Words, lacks
from abusedesk.desk.enact import Move, enact
from abusedesk.desk.hearing.answers import CUSTOMER_WROTE, PAYMENT, READ_REPLY
from abusedesk.desk.perform.unserved import UNSERVED
from abusedesk.policy.stimulus import AnyStimulus, Postponed, Reply
from abusedesk.records.holders import holders, lock_version
from abusedesk.records.models import Deadline, Docket, Review, TicketEntry
from abusedesk.records.reviews import close_review, refresh_needs

Verdict = Literal["complete", "incomplete", "not_theirs", "read"]
"""What a person read: all is done; not all is done; it is not the customer's; or just that it was read."""

HOLDING = Q(reason=READ_REPLY) | Q(reason=UNSERVED, brand__settings__ticket_serves=False)
"""The questions that stop a docket's clock: an answer nobody read, a notice that nobody had."""

SAYS: dict[Verdict, str] = {
    "complete": "it says that all is done",
    "incomplete": "it does not say that all is done",
    "not_theirs": "it is not the customer's",
    "read": "read",
}
UNASKED = PAYMENT | Q(name="expiry")
"""The deadlines that no answer could meet: a fine is paid, and a measure that expires frees the customer."""

LAY_UNREAD = "an answer of the customer's lay unread"
HAD_NO_NOTICE = "the customer had no notice"


def answerable() -> Combinable:
    """The deadlines for which nothing that came in time waits for a person."""
    waiting = Review.objects.filter(HOLDING, docket=OuterRef("docket"), closed_at=None, opened_at__lte=OuterRef("due"))
    return UNASKED | ~Exists(waiting)


@transaction.atomic
def read_reply(review: Review, verdict: Verdict, by: str, at: datetime, missing: str = "") -> bool:
    """A person read an answer. False where another had read it before.

    `missing` is told to the customer where not all is done, with the time that is left then.
    """
    if review.docket_id is None or not _lock(review):
        return False
    _note(review, verdict)
    docket, received = review.docket_id, review.opened_at
    stranger = TicketEntry.objects.filter(
        ticket__case=review.case_id or 0, message_id=review.message_id, author="stranger"
    ).exists()
    if verdict == "complete":
        _enact(docket, Reply(complete=True), f"read:{review.message_id}", received, by)
    elif verdict == "incomplete" and stranger:
        _enact(docket, Reply(complete=False), f"reply:{review.message_id}", received, by)
    closed = _close(review, by, at, SAYS[verdict], LAY_UNREAD)
    if verdict == "incomplete" and missing.strip() and review.case is not None:
        lacks(Words(review.case, missing, by, f"review:{review.pk}", at))
    return closed


@transaction.atomic
def served(review: Review, by: str, at: datetime, answer: str) -> bool:
    """A person says how an unserved customer was reached; where the ticket does not serve, the clock starts now."""
    if review.docket_id is None or not _lock(review):
        return False
    return _close(review, by, at, answer, HAD_NO_NOTICE)


def _lock(review: Review) -> bool:
    """The docket first, as everywhere; then whether the question still stands."""
    lock_version()
    list(Docket.objects.select_for_update().filter(pk=review.docket_id or 0).values_list("pk"))
    return Review.objects.select_for_update().filter(pk=review.pk, closed_at=None).exists()


def _note(review: Review, verdict: Verdict) -> None:
    if verdict in {"complete", "incomplete"}:
        _entries(review).update(complete=verdict == "complete")


def _entries(review: Review) -> QuerySet[TicketEntry]:
    """What the question is about, in the ticket of its case."""
    return TicketEntry.objects.filter(ticket__case=review.case_id or 0, message_id=review.message_id)


def _close(review: Review, by: str, at: datetime, answer: str, reason: str) -> bool:
    held = Review.objects.filter(HOLDING, pk=review.pk).exists()
    close_review(review, by, at, answer)
    docket = review.docket_id or 0
    still_asked = Deadline.objects.filter(~UNASKED, docket=docket, state="open")
    waiting = Review.objects.filter(HOLDING, docket=docket, closed_at=None)
    if not still_asked.exists():
        # Nothing hangs on the others any more; that they were written still wants a reader.
        cases = list(waiting.filter(reason=READ_REPLY).values_list("case_id", flat=True))
        waiting.filter(reason=READ_REPLY).update(reason=CUSTOMER_WROTE)
        refresh_needs([one for one in cases if one is not None])
    elif held and not waiting.exists():
        stood = at - _since(docket, review.opened_at)
        if stood > timedelta():
            _enact(docket, Postponed(stood, reason), f"unread:{review.pk}", at, by)
    return True


def _since(docket: int, opened: datetime) -> datetime:
    """Since when the clock stood: answers that lay unread at the same time stop it once."""
    closed = Review.objects.filter(HOLDING, docket=docket, closed_at__gt=opened, opened_at__lt=opened)
    for begun in closed.order_by("-opened_at").values_list("opened_at", flat=True):
        return _since(docket, begun)
    return opened


def _enact(docket: int, stimulus: AnyStimulus, key: str, at: datetime, by: str) -> None:
    enact([Move(docket, stimulus, key, at, by)], holders())
