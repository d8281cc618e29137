"""Letters: what staff write to a customer in the ticket, and to a reporter in the thread of a report.

A letter is an effect like any notice: one record, one Message-ID, sent by the worker, shown as sent. The stop button
does not hold it back, for a person wrote it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from abusedesk.desk.answering import threads
from abusedesk.desk.perform.notice import LETTER
from abusedesk.parsing.responding import Asked, asked
from abusedesk.policy.own_notices import INCOMPLETE
from abusedesk.problem import Problem
from abusedesk.records.bell import ring
from abusedesk.records.models import Brand, Case, Deadline, Draft, Effect, Message, Notice, Report, Thread
from abusedesk.records.payload import read_payload

CUSTOMER = "customer"
"""The addressee of a letter that goes to the customer; any other is the id of a report, whose reporter it goes to."""

LONGEST = 20_000
_SUBJECT = 180


class Words(NamedTuple):
    """What somebody of the staff wrote about a case. `key` makes a form that is sent twice count once."""

    case: Case
    text: str
    by: str
    key: str
    at: datetime


# --- to whom --------------------------------------------------------------------------------------------------------


def reporter_of(report: Report) -> Asked:
    """Where the reporter of a report is written to. Raises Problem where that cannot be said."""
    message = Message.objects.filter(pk=report.message_id).first() if report.message_id else None
    if message is None:
        raise Problem("the message of this report is gone, so nobody knows where to write")
    data = read_payload(message) or b""
    mail = asked(data, envelope_from=message.envelope_from, at=message.received_at)
    if not mail.to and "@" in message.sender:
        mail = mail._replace(to=message.sender)
    if not mail.to:
        raise Problem("this report did not come by mail, so there is no address to write to")
    return mail


def thread_for(report: Report, now: datetime) -> Thread:
    """The thread of a report, begun where there is none yet. Raises Problem as `reporter_of` does."""
    known = threads.of_reports([report])
    if known:
        return known[0]
    mail, brand = reporter_of(report), report.brand
    is_vouched = bool(report.evidence.get("signed_by"))
    message = report.message_id or UUID(int=0)
    made = threads.begun(brand, message, mail, now, is_vouched=is_vouched)
    made.subject = mail.subject
    return Thread.objects.get_or_create(message_id=message, defaults=threads.values_of(made))[0]


# --- what it says ---------------------------------------------------------------------------------------------------


def written(brand: Brand, text: str) -> str:
    """The text of a letter as it goes out."""
    return f"{text.strip()}\n\n-- \n{brand.name}\n"


def subject_to_customer(case: Case) -> str:
    """A letter answers the first notice of its case, which began the conversation."""
    first = Notice.objects.filter(case=case, to=CUSTOMER).order_by("written_at", "pk").first()
    return _re(first.subject if first else f"{case.service}: {case.abuse_type.replace('_', ' ')}")


def subject_to_reporter(subject: str, number: str) -> str:
    """A letter answers the reporter's own mail."""
    return f"{_re(subject or 'your report')} [{number}]"


def _re(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"[:_SUBJECT]


# --- sending --------------------------------------------------------------------------------------------------------


@transaction.atomic
def to_customer(words: Words) -> bool:
    """Orders a letter to the customer. False where it was ordered before."""
    case = words.case
    about = {"to": CUSTOMER, "subject": subject_to_customer(case), "text": written(case.brand, words.text)}
    return _order(words, CUSTOMER, {**about, "template": LETTER})


@transaction.atomic
def to_reporter(words: Words, report: Report) -> bool:
    """Orders a letter to a reporter. False where it was ordered before. Raises Problem as `reporter_of` does."""
    thread = thread_for(report, words.at)
    about = {
        "to": "reporter",
        "template": LETTER,
        "thread": thread.pk,
        "address": thread.address,
        "subject": subject_to_reporter(thread.subject, thread.token),
        "text": written(words.case.brand, words.text),
    }
    return _order(words, str(report.pk), about)


def lacks(words: Words) -> None:
    """Tells the customer what its answer lacks and until when; without a running deadline, only what it lacks."""
    waits = Deadline.objects.filter(case=words.case, name="reply", state="open", due__gt=words.at)
    if waits.exists():
        about = {"to": CUSTOMER, "template": INCOMPLETE, "values": {"missing": words.text.strip()}}
        _order(words._replace(by=""), "", about)
    else:
        to_customer(words)


def _order(words: Words, to: str, about: Mapping[str, object]) -> bool:
    case = words.case
    payload = {**about, "case": case.pk, "by": words.by}
    state = "dry_run" if case.brand.dry_run else "pending"
    made = {"brand": case.brand, "kind": "notice", "payload": payload, "state": state, "due": words.at}
    _, is_new = Effect.objects.get_or_create(key=f"letter:{words.key}", defaults=made)
    Draft.objects.filter(case=case, to=to, by=words.by).delete()
    ring()
    return is_new


# --- drafts ---------------------------------------------------------------------------------------------------------


def keep_draft(case: Case, to: str, by: str, text: str, now: datetime) -> None:
    """Keeps what somebody began to write; an empty text takes it away."""
    if text.strip():
        kept = {"text": text[:LONGEST], "saved_at": now}
        Draft.objects.update_or_create(case=case, to=to, by=by, defaults=kept)
    else:
        Draft.objects.filter(case=case, to=to, by=by).delete()


def draft_of(case: Case, to: str, by: str) -> str:
    """What somebody began to write and has not sent."""
    return Draft.objects.filter(case=case, to=to, by=by).values_list("text", flat=True).first() or ""
