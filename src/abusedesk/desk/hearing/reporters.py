"""Reporters heard again: what they write in the thread of a report lands beside that report, and a person reads it.

A thread is found by its signed address, by a mail of ours, by its number in the subject, or by the reporter's own mail
that began it. The last two anybody may write: they lead to a conversation and a question, and move nothing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from abusedesk.desk.hearing import tokens
from abusedesk.desk.parse import Unread
from abusedesk.desk.perform.notice import TOKEN_LENGTH, TOKEN_LETTERS
from abusedesk.parsing.answers import Envelope, Heard
from abusedesk.records.bulk import storable
from abusedesk.records.models import Case, Event, Report, Review, Thread, ThreadEntry

REPORTER_WROTE = "reporter_wrote"
"""The review that shows what a reporter added to a report."""

NUMBER = re.compile(rf"\bR[{TOKEN_LETTERS}]{{{TOKEN_LENGTH}}}\b")
"""The number of a thread, as it stands in subjects."""

_MANY = 20


def threads(details: Iterable[str], candidates: Sequence[tuple[Unread, Envelope]]) -> dict[str, Thread]:
    """The threads that mails may be in, by their numbers and by the Message-IDs of the mails that began them."""
    numbers = {*tokens.threads_in(details), *(one for _, envelope in candidates for one in _numbers(envelope))}
    began = {name for _, envelope in candidates for name in envelope.thread}
    if not numbers and not began:
        return {}
    named = Thread.objects.filter(token__in=numbers).union(Thread.objects.filter(mail_id__in=began - {""}))
    return {key: one for one in named for key in (one.token, one.mail_id) if key}


def _numbers(envelope: Envelope) -> list[str]:
    return NUMBER.findall(envelope.subject)[:_MANY]


def meant(details: Sequence[str], envelope: Envelope, known: Mapping[str, Thread]) -> tuple[Thread | None, bool]:
    """The thread that a mail is in, and whether it was named by a signed address."""
    signed = next((known[one] for one in tokens.threads_in(details) if one in known), None)
    if signed is not None:
        return signed, True
    numbered = next((known[one] for one in _numbers(envelope) if one in known), None)
    began = (known[one] for one in envelope.thread if one in known)
    # The Message-ID of a reporter's own mail is known to all who got it; only the reporter speaks by it.
    return numbered or next((one for one in began if one.address == envelope.sender), None), False


def standing(mail: Heard, thread: Thread) -> Literal["machine", "doubtful", "reporter", "stranger"]:
    """Who wrote in a thread: the address that reported, another, or a machine."""
    if mail.kind == "auto_reply":
        return "machine"
    if mail.kind == "doubtful":
        return "doubtful"
    return "reporter" if mail.sender == thread.address else "stranger"


def enter(unread: Unread, mail: Heard, thread: Thread, author: str) -> Review:
    """The entry in the thread, and the question to a person that comes with it."""
    ThreadEntry.objects.get_or_create(
        thread=thread,
        message_id=unread.message_id,
        defaults={
            "at": unread.received_at,
            "author": "reporter" if author == "reporter" else "stranger",
            "text": storable(mail.text or mail.subject),
            "shown": storable(mail.shown or mail.subject),
            "sender": mail.sender[:320],
        },
    )
    case = _case(thread)
    why = "" if author == "reporter" else mail.why if author == "doubtful" else f"{mail.sender} is not who reported it"
    return Review(
        brand_id=thread.brand_id,
        docket_id=case.service.docket.pk if case else None,
        case=case,
        message_id=unread.message_id,
        key=f"reporter:{unread.message_id}",
        reason=REPORTER_WROTE,
        detail="; ".join(filter(None, (f"about report {thread.token}", why))),
        opened_at=unread.received_at,
    )


def _case(thread: Thread) -> Case | None:
    """The first case that the report of a thread went to."""
    reports = Report.objects.filter(message_id=thread.message_id).values_list("pk", flat=True)
    cases = Event.objects.filter(report_id__in=list(reports), case_id__isnull=False).values_list("case_id", flat=True)
    return Case.objects.select_related("service__docket").filter(pk__in=list(cases[:50])).order_by("pk").first()
