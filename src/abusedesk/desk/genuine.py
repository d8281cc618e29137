"""Whether a notice is ours: its code looked up for whoever asks, and told in words that name no customer.

A forged notice is a good way to a customer's password. So each notice to a customer carries a code that cannot be
guessed, and the brand has a page on which anybody can ask; the answer names neither customer, address nor ticket.
"""

import re
import secrets
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.conf import settings

from abusedesk.records import pace
from abusedesk.records.models import Brand, Notice, Ticket
from abusedesk.vocabulary import proof_code

PAGE = "verify_page"
"""The brand's setting: the page of its own site on which codes are asked, where that is not the desk's."""

BY_NETWORK = (30, timedelta(hours=1))
BY_ANYBODY = (3000, timedelta(hours=1))
"""So many may ask of one network, and of all together."""

_SHOWN = 3
_HIDDEN = "…"
_ADDRESS = re.compile(
    r"[^\s@]+@[^\s@]+|\b\d{1,3}(?:\.\d{1,3}){3}\b|(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}"
)
_TICKET = re.compile(r"^\[[^\]]*\]\s*")


class Genuine(NamedTuple):
    """What is told of a notice that is ours. `ending` is how the service's name ends; empty where there are several."""

    brand: str
    slug: str
    sent_on: date
    subject: str
    ending: str
    services: int


def new_code() -> str:
    """A code that nobody guesses."""
    return "".join(secrets.choice(proof_code.LETTERS) for _ in range(proof_code.LENGTH))


def page_of(brand: Brand) -> str:
    """Where codes of the brand are asked: its own page, else the desk's; empty while the desk has no public address."""
    own = str(brand.settings.get(PAGE) or "")
    base = settings.CONFIGURATION.public_url
    return own or (f"{base}/verify/{brand.slug}" if base else "")


def may_ask(network: str, now: datetime) -> bool:
    """Whether one more of a network may ask now."""
    return pace.spend(f"verify:{network}", *BY_NETWORK, now) and pace.spend("verify:", *BY_ANYBODY, now)


def look_up(typed: str, brand: Brand | None = None) -> Genuine | None:
    """What is told of the notice of a code; None where it is none of ours, or of another brand."""
    code = proof_code.read(typed)
    found = Notice.objects.filter(code=code).select_related("brand", "case__service", "case__customer").first()
    if not code or found is None or (brand is not None and found.brand_id != brand.pk):
        return None
    carried = found.carried.count()
    name = str(found.case.service) if found.case and not carried else ""
    at = found.sent_at or found.written_at
    return Genuine(
        found.brand.name, found.brand.slug, at.date(), _subject(found, name), name[-_SHOWN:], max(carried, 1)
    )


def _subject(notice: Notice, name: str) -> str:
    """The subject without what belongs to the customer alone: the ticket, the names, any address."""
    tickets = Ticket.objects.filter(case=notice.case_id or 0).values_list("token", flat=True)
    text = _TICKET.sub("", notice.subject) if any(one in notice.subject for one in tickets) else notice.subject
    text = _without(text, [name], f"{_HIDDEN}{name[-_SHOWN:]}")
    customer = notice.case.customer if notice.case else None
    text = _without(text, [customer.name, customer.ref, customer.email] if customer else [], _HIDDEN)
    return _ADDRESS.sub(_HIDDEN, text)


def _without(text: str, names: Iterable[str], instead: str) -> str:
    for one in names:
        text = text.replace(one, instead) if len(one) > 1 else text
    return text
