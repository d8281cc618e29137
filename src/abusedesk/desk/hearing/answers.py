"""Answers: what customers and mail servers write back to our notices, recognised before any report format is asked.

A mail belongs to a ticket by the signed token of its recipient, or by the notice that it follows on. A person's answer
from one of the customer's addresses moves the docket as of its receipt; whether it says that all is done, and whether
an answer from elsewhere counts, is asked of a person. Nothing here ever writes back.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import structlog
from django.db import connection
from django.db.models import Q

from abusedesk.desk.enact import Move
from abusedesk.desk.hearing import bounces, reporters, tokens
from abusedesk.desk.parse import ATTEMPTS, Unread
from abusedesk.parsing.answers import BY_WORDS, Envelope, Heard, envelope_of, heard, may_answer
from abusedesk.policy.own_notices import DIGEST
from abusedesk.policy.stimulus import Reply
from abusedesk.records.bulk import storable
from abusedesk.records.models import Contact, Customer, Deadline, Notice, Review, Thread, Ticket, TicketEntry
from abusedesk.records.reviews import refresh_needs
from abusedesk.vocabulary.report import Reading

log = structlog.get_logger()

READ_REPLY = "read_reply"
"""The review that asks what an answer says. While one is open, no reply deadline of its docket fires."""

CUSTOMER_WROTE = "customer_wrote"
"""The review that shows an answer on which no deadline hangs: nobody's words go unread."""

UNNAMED = "it names no ticket, but comes from an address of the customer, of whom an answer is asked"

FORMAT = "answer"
PAYMENT = Q(name="payment")
"""Deadlines that a payment meets and no words do."""
ADDRESSEES = ("customer", "reseller")

Standing = Literal["customer", "reporter", "stranger", "doubtful", "machine", "bounce", "own"]
"""Who answered: one of the customer's or reseller's addresses, the reporter whose thread it is, another, perhaps a
machine, one for certain, a mail server, or we ourselves."""


class Answer(NamedTuple):
    """A mail that answers. `ticket` is None where it answers a notice without one; `notice` where it names none.

    `beside` are further tickets that it may mean, where it names none, or means, where it answers a digest.
    `thread` is the reporter's, where it is in one.
    """

    standing: Standing
    heard: Heard
    by_token: bool
    ticket: Ticket | None
    notice: Notice | None
    beside: tuple[Ticket, ...] = ()
    thread: Thread | None = None

    @property
    def is_entry(self) -> bool:
        """Whether it belongs into the ticket's conversation."""
        return self.ticket is not None and self.standing in {"customer", "stranger", "doubtful"}

    @property
    def reading(self) -> Reading:
        """What becomes of the message itself: it is kept, with the reason why it is no report."""
        return Reading("not_a_report", FORMAT, self._words(), self.heard.sender or None)

    @property
    def _whose(self) -> str:
        return "customer" if self.thread is None else "reporter"

    def _words(self) -> str:
        where = f"ticket {self.ticket.token}" if self.ticket else "a notice of ours"
        if self.thread is not None:
            where = f"our mail about report {self.thread.token}"
        return {
            "reporter": f"the reporter wrote again: an answer to {where}",
            "customer": f"an answer to {where}",
            "stranger": f"an answer to {where}, from an address that is none of the {self._whose}'s",
            "doubtful": f"an answer to {where}; {self.heard.why}",
            "machine": f"no answer to {where}, but {self.heard.why}",
            "bounce": f"of {where}: {self.heard.why}",
            "own": "our own notice, sent back to us",
        }[self.standing]


Heeded = tuple[Unread, Answer]
"""A message with what it answers."""


class _Found(NamedTuple):
    """What the recipients and headers of a batch lead to."""

    tickets: Mapping[str, Ticket]
    talks: Mapping[str, Thread]
    """Reporters' threads by their numbers, and by the Message-IDs of the mails that began them."""
    notices: Mapping[uuid.UUID, Notice]
    threads: Mapping[str, Notice]


class _Named(NamedTuple):
    """What one mail leads to."""

    ticket: Ticket | None
    bounced: Notice | None
    follows: Notice | None
    talk: Thread | None
    by_number: bool
    """Whether a signed address names the thread."""


# --- recognising ----------------------------------------------------------------------------------------------------


def recognise(batch: Sequence[Unread]) -> dict[uuid.UUID, Answer]:
    """The answers in a batch of messages, by message."""
    candidates = [(one, envelope_of(one.payload)) for one in batch if one.payload is not None and _may_answer(one)]
    named = _named(candidates) if candidates else {}
    return _unnamed([one for one in batch if one.message_id not in named]) | named


def _named(candidates: Sequence[tuple[Unread, Envelope]]) -> dict[uuid.UUID, Answer]:
    found = _find(candidates)
    answers = ((one.message_id, _answer(one, envelope, found)) for one, envelope in candidates)
    return {message: answer for message, answer in answers if answer is not None}


_PARTIES = """
SELECT lower(email), id FROM records_customer WHERE lower(email) = ANY(%(senders)s)
UNION SELECT lower(email), customer_id FROM records_contact WHERE lower(email) = ANY(%(senders)s)
"""


def _unnamed(batch: Sequence[Unread]) -> dict[uuid.UUID, Answer]:
    """Mail that names no ticket, from an address of a customer of whom an answer is asked: a person reads it."""
    senders = {one.sender.lower() for one in batch if one.sender and one.payload is not None}
    with connection.cursor() as cursor:
        cursor.execute(_PARTIES, {"senders": sorted(senders)})
        parties = cursor.fetchall()
    if not parties:
        return {}
    asked = Deadline.objects.filter(~PAYMENT, state="open", docket__service__customer__in={pk for _, pk in parties})
    tickets: dict[tuple[str, int], dict[int, Ticket]] = {}
    for deadline in (
        asked.exclude(case__ticket=None).select_related("case__ticket__case__service__docket").order_by("due")
    ):
        ticket = deadline.case.ticket  # type: ignore[union-attr]
        for sender in (sender for sender, pk in parties if pk == ticket.customer_id):
            # One ticket for each docket stops the clocks of all, the nearest first.
            tickets.setdefault((sender, ticket.brand_id), {}).setdefault(deadline.docket_id, ticket)
    return {
        one.message_id: Answer("doubtful", mail._replace(why=UNNAMED), False, first, None, tuple(others))
        for one in batch
        if (meant := tickets.get((one.sender.lower(), one.brand or 0))) and (mail := _heard(one)) and _is_words(mail)
        for first, *others in [list(meant.values())]
    }


def _is_words(mail: Heard) -> bool:
    """Whether a person may have written it: a machine's sign would be enough to take it for none of the customer's."""
    return mail.kind == "reply" or mail.why == BY_WORDS


def _may_answer(unread: Unread) -> bool:
    """Whether anything in it could be a token or a Message-ID of ours."""
    back_to_itself = bool(unread.sender) and unread.sender == unread.recipient
    return bool(unread.details or unread.envelope_from == "" or back_to_itself or may_answer(unread.payload or b""))


def _details(unread: Unread, envelope: Envelope) -> list[str]:
    return [*unread.details.split(), *filter(None, map(tokens.detail_of, envelope.addressed))]


def _find(candidates: Sequence[tuple[Unread, Envelope]]) -> _Found:
    details = [detail for one, envelope in candidates for detail in _details(one, envelope)]
    named = [one for _, envelope in candidates for one in (*envelope.thread, envelope.message_id) if one]
    named += [one for unread, envelope in candidates if _returns(unread, envelope) for one in _returned(unread)]
    tickets = Ticket.objects.filter(token__in=tokens.tickets_in(details)).select_related(
        "case__service__docket", "customer"
    )
    known = Notice.objects.select_related(
        "brand", "thread", "effect__decision", "effect__brand", "case__customer__reseller", "case__service__docket",
        "case__ticket__customer", "case__ticket__case__service__docket",
    )  # fmt: skip
    return _Found(
        {one.token.upper(): one for one in tickets},
        reporters.threads(details, candidates),
        known.in_bulk(tokens.notices_in(details)),
        {one.message_id: one for one in known.filter(message_id__in=named)} if named else {},
    )


def _returns(unread: Unread, envelope: Envelope) -> bool:
    return envelope.is_from_machine or unread.envelope_from == ""


def _returned(unread: Unread) -> tuple[str, ...]:
    return _heard(unread).returned


def _heard(unread: Unread) -> Heard:
    """The mail as an answer. What cannot be read as one, or broke its reader before, is read by a person."""
    if unread.payload is not None and unread.attempts <= ATTEMPTS:
        try:
            return heard(unread.payload, null_path=unread.envelope_from == "")
        except Exception:
            log.exception("an answer cannot be read", message=str(unread.message_id))
    envelope = envelope_of(unread.payload or b"")
    words = (envelope.message_id, envelope.addressed, envelope.thread, envelope.subject)
    return Heard("doubtful", "it could not be read; see the message itself", envelope.sender, *words)


def _answer(unread: Unread, envelope: Envelope, found: _Found) -> Answer | None:
    if envelope.message_id in found.threads:
        ours = found.threads[envelope.message_id]
        return Answer("own", _heard(unread), by_token=False, ticket=None, notice=ours, thread=ours.thread)
    details = _details(unread, envelope)
    talk, by_number = reporters.meant(details, envelope, found.talks)
    bounced = next((one for pk in tokens.notices_in(details) if (one := found.notices.get(pk))), None)
    named = next(filter(None, map(found.tickets.get, tokens.tickets_in(details))), None)
    follows = next((one for name in envelope.thread if (one := found.threads.get(name))), None)
    if not _same_brand(unread, named, bounced, follows, talk):
        return None
    if not (named or bounced or follows or talk or found.threads):
        return None
    return _weighed(unread, _Named(named, bounced, follows, talk, by_number), found)


def _weighed(unread: Unread, by: _Named, found: _Found) -> Answer | None:
    named, bounced, follows, talk, by_number = by
    mail = _heard(unread)
    if mail.kind == "bounce":
        notice = bounced or next((one for name in mail.returned if (one := found.threads.get(name))), None) or follows
        return Answer("bounce", mail, bounced is not None, _ticket(notice), notice) if notice else None
    notice = follows or bounced
    listed = _tickets_of(notice) if named is None else []
    ticket = named or _ticket(notice) or next(iter(listed), None)
    by_token = named is not None or bounced is not None
    if ticket is None:
        talk = (notice.thread if notice else None) or talk
        standing = reporters.standing(mail, talk) if talk else "machine"
        return Answer(standing, mail, by_token or by_number, None, notice, thread=talk) if talk else None
    return Answer(_standing(mail, ticket), mail, by_token, ticket, notice, tuple(listed[1:]))


def _standing(mail: Heard, ticket: Ticket) -> Standing:
    if mail.kind == "auto_reply":
        return "machine"
    if mail.kind == "doubtful":
        return "doubtful"
    return "customer" if mail.sender and mail.sender in addresses_of(ticket.customer) else "stranger"


def addresses_of(customer: Customer) -> set[str]:
    """The mail addresses of a customer and of its reseller, who may answer for it."""
    parties = [customer.pk, *filter(None, [customer.reseller_id])]
    own = Customer.objects.filter(pk__in=parties).values_list("email", flat=True)
    contacts = Contact.objects.filter(customer__in=parties).values_list("email", flat=True)
    return {one.lower() for one in (*own, *contacts) if one}


def _ticket(notice: Notice | None) -> Ticket | None:
    """The ticket of a notice to the customer or its reseller; what others answer is no reply of the customer's."""
    if notice is None or notice.case is None or notice.to not in ADDRESSEES:
        return None
    return getattr(notice.case, "ticket", None)


def _tickets_of(notice: Notice | None) -> list[Ticket]:
    """The tickets of the notices that a digest carried: what answers it answers them all."""
    if notice is None or notice.template != DIGEST:
        return []
    found = Ticket.objects.filter(case__notices__digest=notice).distinct().order_by("pk")
    return list(found.select_related("customer", "case__service__docket"))


def _same_brand(unread: Unread, *found: Ticket | Notice | Thread | None) -> bool:
    return all(one is None or unread.brand in {None, one.brand_id} for one in found)


def is_certain(answer: Answer, *, from_known_reporter: bool) -> bool:
    """Whether a message is an answer and nothing else, so that no report format need be asked."""
    if answer.standing in {"own", "bounce", "customer"}:
        return True
    return answer.standing == "machine" and (answer.by_token or not from_known_reporter)


def is_complaint(answer: Answer, reading: Reading, *, from_known_reporter: bool) -> bool:
    """Whether a stranger's answer is a report as well: a complaint that follows on our mail must not be lost.

    In a reporter's own thread people speak of the report that is there, and quote it; what a machine reports is new.
    """
    by_machine = reading.outcome == "reported" and reading.format not in {"prose", "legal"}
    return by_machine or (from_known_reporter and answer.thread is None)


# --- what follows ---------------------------------------------------------------------------------------------------


def moves(answers: Sequence[Heeded], now: datetime) -> list[Move]:
    """How answers move dockets, each as of its receipt. Says nothing of what only a person can tell."""
    replies = [
        Move(docket, Reply(complete=False), f"reply:{unread.message_id}", unread.received_at)
        for unread, one in answers
        if one.standing == "customer" and one.ticket is not None
        for docket in dict.fromkeys(map(_docket, (one.ticket, *one.beside)))
    ]
    return [*replies, *bounces.moves(_bounced(answers), now)]


def write(answers: Sequence[Heeded], now: datetime) -> None:
    """Puts answers into their tickets and asks people; after the dockets were moved, in the same transaction."""
    asked = [
        _enter(unread, one, ticket)
        for unread, one in answers
        if one.is_entry and one.ticket is not None
        for ticket in (one.ticket, *one.beside)
    ]
    asked += [
        reporters.enter(unread, one.heard, one.thread, one.standing)
        for unread, one in answers
        if one.thread is not None and one.ticket is None and one.standing in {"reporter", "stranger", "doubtful"}
    ]
    Review.objects.bulk_create(asked, ignore_conflicts=True)
    bounces.write(_bounced(answers), now)
    refresh_needs(sorted({one.case_id for one in asked if one.case_id is not None}))


def _bounced(answers: Sequence[Heeded]) -> list[bounces.Returned]:
    return [
        bounces.Returned(unread.message_id, unread.received_at, notice, one.heard.bounce)
        for unread, one in answers
        if one.standing == "bounce" and one.notice is not None and one.heard.bounce is not None
        for notice in (one.notice, *_carried(one.notice))
    ]


def _carried(notice: Notice) -> list[Notice]:
    """The notices that came back with a digest: each is unserved by itself."""
    found = Notice.objects.filter(digest=notice) if notice.template == DIGEST else Notice.objects.none()
    about = ("brand", "effect__decision", "effect__brand", "case__customer__reseller", "case__service__docket")
    return list(found.select_related(*about))


def _enter(unread: Unread, answer: Answer, ticket: Ticket) -> Review:
    """The entry in the ticket, and the question to a person that comes with it."""
    mail = answer.heard
    TicketEntry.objects.get_or_create(
        ticket=ticket,
        message_id=unread.message_id,
        defaults={
            "at": unread.received_at,
            "author": "customer" if answer.standing == "customer" else "stranger",
            "text": storable(mail.text or mail.subject),
            "shown": storable(mail.shown or mail.subject),
            "sender": mail.sender[:320],
        },
    )
    waits = Deadline.objects.filter(~PAYMENT, docket=_docket(ticket), state="open")
    hangs_on_it = answer.standing != "customer" or waits.exists()
    return Review(
        brand_id=ticket.brand_id,
        docket_id=_docket(ticket),
        case_id=ticket.case_id,
        message_id=unread.message_id,
        key=f"reply:{unread.message_id}:{ticket.pk}",
        reason=READ_REPLY if hangs_on_it else CUSTOMER_WROTE,
        detail=_asked(answer),
        opened_at=unread.received_at,
    )


def _asked(answer: Answer) -> str:
    if answer.standing == "stranger":
        return f"{answer.heard.sender or 'somebody'} is none of the customer's addresses; the mail names the ticket"
    if answer.standing == "doubtful":
        return answer.heard.why
    return ""


def _docket(ticket: Ticket | None) -> int:
    return 0 if ticket is None else int(ticket.case.service.docket.pk)
