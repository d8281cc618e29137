"""What is said on the form: kept sealed, confirmed by mail, received. Mails are ordered here and sent by the worker."""

import base64
import secrets
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec
from django.core import signing
from django.db import connection, transaction
from django.db.models import Q

from abusedesk.desk.perform.notice import TOKEN_LETTERS
from abusedesk.desk.public_form import letters
from abusedesk.desk.public_form.limits import ANONYMOUS, MAILED, Limit, Refusal, exceeded, mailbox_of
from abusedesk.desk.receive import Incoming, receive
from abusedesk.parsing.formats import form
from abusedesk.records.bell import ring
from abusedesk.records.models import Brand, Case, Channel, Effect, Event, Message, Report, Review, Submission
from abusedesk.records.payload import seal, unseal
from abusedesk.vocabulary.designation import ABUSE

KIND = "form"
"""The kind of its channel, which is on or off as the form is."""

CONFIRMED_WITHIN = timedelta(hours=24)
KEPT = timedelta(days=2)
"""How long a submission counts for the limits when nobody confirmed it."""

TOLD = "notifier"
"""To whom its mails go, in the notices."""

State = Literal["received", "in_work", "closed"]
Links = Callable[[str, str], str]
"""The address of the page by that name (`confirm` or `state`) for a token."""

_CONFIRM, _STATE = "abusedesk.form.confirm", "abusedesk.form.state"


class Handed(NamedTuple):
    """What was handed in. `kind` is the designation that it comes under; `email` is empty for nobody's."""

    brand: Brand
    said: form.Said
    kind: str = ABUSE
    network: str = "unknown"
    language: str = letters.ENGLISH


def channel_of(brand: Brand) -> Channel | None:
    """The brand's form channel, where its form was ever switched on."""
    return Channel.objects.filter(kind=KIND, brand=brand).order_by("pk").first()


def is_open(brand: Brand) -> bool:
    """Whether the form is switched on."""
    return Channel.objects.filter(kind=KIND, brand=brand, enabled=True).exists()


@transaction.atomic
def switch(brand: Brand, *, on: bool) -> None:
    """Switches a brand's form; its channel is made when it is first on."""
    channel = channel_of(brand)
    if channel is None and on:
        taken = Channel.objects.filter(name=f"form-{brand.slug}").exists()
        name = f"form-{brand.slug}" + (f"-{brand.pk}" if taken else "")
        channel = Channel(kind=KIND, brand=brand, name=name, carries_answers=False, always_current=True)
    if channel is not None:
        channel.enabled = on
        channel.save()


# --- handing in -----------------------------------------------------------------------------------------------------


@transaction.atomic
def hand_in(handed: Handed, links: Links, now: datetime) -> Submission | Refusal:
    """Keeps what was said and orders the mail that asks to confirm it; or says which limit was reached.

    What names nobody, as the law lets it, is received at once.
    """
    mailbox = mailbox_of(handed.said.email) if handed.said.email else ""
    refused = _refused(handed, mailbox, now)
    if refused is not None:
        return refused
    made = _submission(handed, mailbox, now)
    if mailbox:
        link = links("confirm", token_of(made, _CONFIRM))
        hours = int(CONFIRMED_WITHIN / timedelta(hours=1))
        _mail(
            made, "confirm", handed.said.email, letters.confirmation(made.language, handed.brand.name, link, hours), now
        )
    else:
        _receive(made, now)
    return made


def _refused(handed: Handed, mailbox: str, now: datetime) -> Refusal | None:
    limits = MAILED if mailbox else ANONYMOUS
    with connection.cursor() as cursor:
        # One after another, or two at the same moment would both be the last that may.
        for name in sorted({f"form:{mailbox}", f"form:{handed.network}"}):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])
    counted = {(one.counts, one.within): _count(one, handed, mailbox, now) for one in limits}
    return exceeded(limits, counted)


def _count(limit: Limit, handed: Handed, mailbox: str, now: datetime) -> int:
    meant = {
        "unanswered": Q(mailbox=mailbox, confirmed_at=None),
        "mailbox": Q(mailbox=mailbox),
        "network": Q(network=handed.network),
        "brand": Q(brand=handed.brand),
        "anonymous": Q(network=handed.network, mailbox=""),
        "all_anonymous": Q(brand=handed.brand, mailbox=""),
    }[limit.counts]
    return Submission.objects.filter(meant, at__gt=now - limit.within)[: limit.most].count()


def _submission(handed: Handed, mailbox: str, now: datetime) -> Submission:
    reference = "R-" + "".join(secrets.choice(TOKEN_LETTERS) for _ in range(10))
    document = form.written(msgspec.structs.replace(handed.said, reference=reference))
    key, sealed = seal(document)
    return Submission.objects.create(
        brand=handed.brand,
        kind=handed.kind,
        reference=reference,
        at=now,
        mailbox=mailbox,
        address=handed.said.email,
        network=handed.network,
        language=handed.language,
        document=sealed,
        key=key,
    )


def _mail(made: Submission, what: str, address: str, words: letters.Words, now: datetime) -> None:
    """One mail with its own words, sent by the worker as every notice is."""
    payload = {
        "to": TOLD, "address": address, "via": ["email"], "template": f"form_{what}", "language": made.language,
        "words": {"subject": words.subject, "text": words.text},
    }  # fmt: skip
    Effect.objects.create(brand=made.brand, key=f"form:{what}:{made.pk}", kind=KIND, payload=payload, due=now)
    ring()


# --- confirming -----------------------------------------------------------------------------------------------------


def token_of(made: Submission, salt: str = _STATE) -> str:
    """A token that names a submission and cannot be made up; short, so that no mail program breaks its line."""
    named = base64.urlsafe_b64encode(made.pk.bytes).decode().rstrip("=")
    return signing.TimestampSigner(salt=salt).sign(named)


def to_confirm(token: str) -> Submission | None:
    """The submission that a token of the mail names; None where it is none of ours, too old, or past keeping."""
    return _named(token, _CONFIRM, CONFIRMED_WITHIN)


def to_show(token: str) -> Submission | None:
    """The submission that a token of the receipt names."""
    return _named(token, _STATE, None)


def _named(token: str, salt: str, within: timedelta | None) -> Submission | None:
    try:
        named = signing.TimestampSigner(salt=salt).unsign(token, max_age=within)
        pk = uuid.UUID(bytes=base64.urlsafe_b64decode(f"{named}=="))
    except (signing.BadSignature, ValueError):
        return None
    return Submission.objects.select_related("brand").filter(pk=pk).first()


@transaction.atomic
def confirm(made: Submission, links: Links, now: datetime) -> bool:
    """Receives what was said and orders the receipt. False where it was received before, or is no longer there."""
    mine = Submission.objects.select_for_update(of=("self",)).select_related("brand")
    one = mine.filter(pk=made.pk, confirmed_at=None, document__isnull=False).first()
    if one is None:
        return False
    _receive(one, now)
    link = links("state", token_of(one))
    words = letters.receipt(one.language, one.brand.name, link, one.reference, f"{now:%Y-%m-%d %H:%M}")
    _mail(one, "receipt", one.address, words, now)
    return True


def _receive(one: Submission, now: datetime) -> None:
    """An ordinary message of the form's channel; the submission keeps nothing of it."""
    channel = channel_of(one.brand)
    name = channel.name if channel is not None else f"form-{one.brand.slug}"
    data = unseal(bytes(one.key or b""), bytes(one.document or b""))
    received = receive(Incoming(data, name, now, one.reference, one.brand_id, designation=one.kind))
    kept: dict[str, Any] = {"document": None, "key": None, "address": ""}
    Submission.objects.filter(pk=one.pk).update(confirmed_at=now, message_id=received.message_id, **kept)
    one.message_id, one.confirmed_at = received.message_id, now


def state_of(one: Submission) -> State:
    """How far it has come, in so few words that nobody learns who the customer is, or whether there is one."""
    message = Message.objects.filter(pk=one.message_id).defer("payload").first() if one.message_id else None
    if message is None:
        return "closed" if one.confirmed_at else "received"
    if not message.outcome:
        return "received"
    return "in_work" if _is_in_work(message) else "closed"


def _is_in_work(message: Message) -> bool:
    reports = list(Report.objects.filter(message_id=message.pk, rejected_at=None).values_list("pk", flat=True))
    if Review.objects.filter(Q(message_id=message.pk) | Q(report_id__in=reports), closed_at=None).exists():
        return True
    cases = Event.objects.filter(report_id__in=reports).exclude(case_id=None).values_list("case_id", flat=True)
    return Case.objects.filter(pk__in=list(cases), open=True).exists()


def forget(now: datetime) -> None:
    """Deletes what nobody confirmed: the words when the link has passed, the rest when no limit counts it any more."""
    unconfirmed = Submission.objects.filter(confirmed_at=None)
    unconfirmed.filter(at__lt=now - CONFIRMED_WITHIN).update(document=None, key=None, address="")
    unconfirmed.filter(at__lt=now - KEPT).delete()
