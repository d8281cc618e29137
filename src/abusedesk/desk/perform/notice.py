"""Notices: one record, one Message-ID, one entry in the ticket, however often it is tried to send them."""

import secrets
import uuid
from datetime import datetime
from typing import NamedTuple

from abusedesk.actuators.mail import Letter
from abusedesk.desk import genuine
from abusedesk.desk.hearing import tokens
from abusedesk.desk.perform.reaching import copy_elsewhere, first_address, reaches
from abusedesk.desk.perform.request_words import values_of_request
from abusedesk.desk.perform.words import row_of, table_of, values_of, values_of_thread, with_code
from abusedesk.policy.notice import render
from abusedesk.policy.notice_html import html_of
from abusedesk.policy.own_notices import ACKNOWLEDGEMENT, DIGEST, REQUEST_ANSWER, REQUEST_COPY
from abusedesk.policy.pack import Pack
from abusedesk.records.models import (
    Brand,
    Case,
    Customer,
    Effect,
    Notice,
    Report,
    Thread,
    ThreadEntry,
    Ticket,
    TicketEntry,
)
from abusedesk.records.packs import kept as pack_kept
from abusedesk.records.packs import pack_of

# Without letters and digits that are taken for one another when read aloud.
TOKEN_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # noqa: S105 - the alphabet, not a secret
TOKEN_LENGTH = 10

HTML = "html_notices"
"""The brand's setting: notices to customers carry HTML beside their text unless it is false."""

LETTER = "letter"
"""The template of what a person wrote: its words are in the order itself."""


def notice_of(effect: Effect, now: datetime) -> Notice:
    """The effect's notice, written now if it was not before. Raises Problem when it cannot be written."""
    written = Notice.objects.filter(effect=effect).select_related("brand", "case", "thread").first()
    return written or _write(effect, now)


def addresses(effect: Effect, notice: Notice) -> list[str]:
    """Where the notice may go, in order: as things are now, for what was refused may have been put right since."""
    party = party_of(effect, notice.to, notice.case)
    known = [one.email for one in reaches(party)] if party else []
    bounced = {str(one).lower() for one in effect.payload.get("bounced") or []}
    found: dict[str, str] = {}
    for one in (_address(notice.to, effect, party), *known):
        if one and one.lower() not in bounced:
            found.setdefault(one.lower(), one)
    return list(found.values())


def letter(notice: Notice, address: str) -> Letter:
    """The notice as a mail. Answers come back to an address that names its ticket, bounces to one that names it."""
    answers = _first_of(notice)
    chain: tuple[str, ...] = ()
    if notice.thread is not None:
        answers, chain = notice.thread.mail_id, _chain(notice.thread, notice)
    ticket = Ticket.objects.filter(case=notice.case_id).first() if notice.case_id else None
    reply_to = _answer_at(notice.brand, notice.to, ticket, notice.thread)
    if notice.template == DIGEST:
        reply_to = tokens.bounce_address(notice.brand, notice.pk)
    return Letter(
        sender=notice.brand.sender,
        sender_name=notice.brand.name,
        envelope=tokens.bounce_address(notice.brand, notice.pk),
        to=address,
        subject=notice.subject,
        text=notice.text,
        message_id=notice.message_id,
        written_at=notice.written_at,
        answers=answers,
        references=chain,
        reply_to=reply_to,
        automatic=_AUTOMATIC.get(notice.template, "auto-generated"),
        html=notice.html,
        table=notice.table,
    )


def _first_of(notice: Notice) -> str:
    """The Message-ID of the mail that began a case's conversation, which may have been one with several notices."""
    if notice.case_id is None:
        return ""
    begun = Notice.objects.filter(case=notice.case_id, to=notice.to).select_related("digest")
    first = begun.order_by("written_at", "pk").first()
    if first is None or first.pk == notice.pk:
        return ""
    return first.digest.message_id if first.digest else first.message_id


_AUTOMATIC = {ACKNOWLEDGEMENT: "auto-replied", LETTER: "no"}


def _chain(thread: Thread, notice: Notice) -> tuple[str, ...]:
    """What a mail in a reporter's thread follows on: the reporter's mail, what that followed on, and ours before."""
    ours = Notice.objects.filter(thread=thread, written_at__lt=notice.written_at).order_by("written_at", "pk")
    return tuple(one for one in (*thread.follows, thread.mail_id, *ours.values_list("message_id", flat=True)) if one)


def _answer_at(brand: Brand, to: str, ticket: Ticket | None, thread: Thread | None = None) -> str:
    """Where the addressee answers: to the ticket or thread where there is one, else to the brand's address."""
    if thread is not None:
        return tokens.thread_address(brand, thread.token)
    if ticket is not None and to in {"customer", "reseller"}:
        return tokens.reply_address(brand, ticket.token)
    return tokens.answer_address(brand)


def _write(effect: Effect, now: datetime) -> Notice:
    case = Case.objects.select_related("customer__reseller", "service").filter(pk=effect.payload.get("case")).first()
    to = str(effect.payload.get("to", "staff"))
    thread = Thread.objects.filter(pk=effect.payload.get("thread")).first()
    party = party_of(effect, to, case)
    ticket = ticket_of(case, now) if case and thread is None else None
    told = Told(effect, to, thread.language if thread else language_for(effect.brand, party), now, uuid.uuid4())
    answer_at = _answer_at(effect.brand, to, ticket, thread)
    bounced = Notice.objects.filter(pk=effect.payload.get("again_of")).first() if "again_of" in effect.payload else None
    if bounced is not None:
        # To the next contact goes what went to the one before, word for word, with the code that is in it.
        words = Words(bounced.subject, bounced.text, bounced.html, bounced.table)
    else:
        words = _words(told, case, ticket, answer_at, thread)
    notice = kept(told, words, _address(to, effect, party), case=case, thread=thread)
    _enter(effect, notice, ticket, is_new=bounced is None)
    copy_elsewhere(effect, notice, now)
    return notice


class Told(NamedTuple):
    """Who is told in which language, when it is written, and under which id."""

    effect: Effect
    to: str
    language: str
    at: datetime
    identity: uuid.UUID

    @property
    def template(self) -> str:
        """By which template."""
        return str(self.effect.payload.get("template", self.effect.kind))


class Words(NamedTuple):
    """What a notice says: as text, as HTML beside it, and as a CSV that goes with it."""

    subject: str
    text: str
    html: str = ""
    table: str = ""
    code: str = ""


def kept(told: Told, words: Words, address: str, **about: Case | Thread | None) -> Notice:
    """The one record of a notice."""
    brand = told.effect.brand
    return Notice.objects.create(
        id=told.identity,
        brand=brand,
        effect=told.effect,
        to=told.to,
        address=address,
        language=told.language,
        template=told.template,
        message_id=f"<{told.identity}@{brand.sender.rpartition('@')[2]}>",
        written_at=told.at,
        state=_first_state(told.to, told.effect, address),
        **words._asdict(),
        **about,
    )


def dressed(told: Told, subject: str, text: str, answer_at: str, table: str = "") -> Words:
    """The words of a notice that people read and may doubt: with its code, and with HTML where the brand wants it."""
    brand, code = told.effect.brand, genuine.new_code()
    text = with_code(text, code, genuine.page_of(brand), told.language)
    html = html_of(subject, text, told.language, answer_at) if brand.settings.get(HTML, True) else ""
    return Words(subject, text, html, table, code)


def _words(told: Told, case: Case | None, ticket: Ticket | None, answer_at: str, thread: Thread | None) -> Words:
    payload = told.effect.payload
    if "words" in payload:
        return Words(payload["words"]["subject"], payload["words"]["text"])
    if told.template == LETTER:
        subject = str(payload["subject"])
        return Words(
            f"{subject} [{ticket.token}]" if ticket and ticket.token not in subject else subject, str(payload["text"])
        )
    subject, text = _text(told.effect, case, told.language, answer_at, thread)
    subject = f"[{ticket.token}] {subject}" if ticket else subject
    if told.to not in {"customer", "reseller"}:
        return Words(subject, text)
    rows = [row_of(told.effect, case, ticket.token)] if told.to == "reseller" and case and ticket else []
    return dressed(told, subject, text, answer_at, table_of(rows) if rows else "")


def _enter(effect: Effect, notice: Notice, ticket: Ticket | None, *, is_new: bool) -> None:
    """What goes to a customer stands in the ticket, what staff write to a reporter in the thread; each once."""
    author, at = str(effect.payload.get("by") or "desk"), notice.written_at
    if ticket is not None and notice.to == "customer" and is_new:
        TicketEntry.objects.create(ticket=ticket, at=at, author=author, text=notice.text, notice=notice)
    elif notice.thread is not None and notice.template == LETTER and is_new:
        ThreadEntry.objects.create(thread=notice.thread, at=at, author=author, text=notice.text, notice=notice)


def _first_state(to: str, effect: Effect, address: str) -> str:
    """`shown`: staff read it on the console. `ticket`: the ticket alone serves. Else it waits for the mail."""
    if to == "staff" and not address:
        return "shown"
    via = effect.payload.get("via") or ["email"]
    return "written" if "email" in via else "ticket"


def party_of(effect: Effect, to: str, case: Case | None) -> Customer | None:
    """Whom it goes to: the customer of its case or, where it is about none, the one that its order names."""
    if "party" in effect.payload:
        return Customer.objects.filter(pk=effect.payload["party"]).first()
    if to not in {"customer", "reseller"}:
        return None
    named = Customer.objects.select_related("reseller")
    customer = case.customer if case else named.filter(pk=effect.payload.get("customer")).first()
    return customer if to == "customer" or customer is None else customer.reseller


def _address(to: str, effect: Effect, party: Customer | None) -> str:
    """Where it goes, or empty where nobody said. Upstream and staff are settings of the brand."""
    if effect.payload.get("address"):
        return str(effect.payload["address"])
    if to in {"customer", "reseller"}:
        return first_address(party) if party else ""
    if to == "reporter":
        report = Report.objects.filter(pk=effect.payload.get("report")).select_related("reporter").first()
        return report.reporter.key if report and report.reporter and "@" in report.reporter.key else ""
    return str(effect.brand.settings.get(f"{to}_address", ""))


def language_for(brand: Brand, party: Customer | None) -> str:
    """The language in which a brand writes to a customer: the customer's, where the brand speaks it."""
    spoken = list(brand.languages) or ["en"]
    first = next(iter(reaches(party)), None) if party else None
    wanted = (first.language if first else "") or (party.language if party else "")
    return wanted if wanted in spoken else str(spoken[0])


def ticket_of(case: Case, now: datetime) -> Ticket:
    """The ticket of a case, made at its first entry."""
    token = "".join(secrets.choice(TOKEN_LETTERS) for _ in range(TOKEN_LENGTH))
    made = {"brand_id": case.brand_id, "customer_id": case.customer_id, "token": token, "opened_at": now}
    ticket, _ = Ticket.objects.get_or_create(case=case, defaults=made)
    return ticket


def _text(effect: Effect, case: Case | None, language: str, answer_at: str, thread: Thread | None) -> tuple[str, str]:
    pack = pack_behind(effect)
    version_id = effect.decision.pack_version if effect.decision else ""
    version = pack.version(version_id) if version_id else None
    values = values_of(effect, case, pack, language, answer_at)
    if thread is not None:
        values |= values_of_thread(thread, effect, language)
    if effect.payload.get("template") in {REQUEST_ANSWER, REQUEST_COPY}:
        values |= values_of_request(effect, language)
    return render(pack, version, str(effect.payload.get("template", effect.kind)), language, values)


def pack_behind(effect: Effect) -> Pack:
    """The pack that ordered the notice, whatever was published since."""
    decided_by = pack_kept(bytes(effect.decision.pack_digest).hex()) if effect.decision else None
    return decided_by or pack_of(effect.brand)
