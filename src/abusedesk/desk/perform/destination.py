"""Destinations: mails to one mail host go at its pace, and what slows one down keeps no other waiting.

Domains whose mail one provider takes are one destination (`mailhosts`), any other domain is one of its own. At most so
many a minute and so many at once go to each. One that answers "not now" (4xx) is written to at half the
pace; after three in a row it is left alone for a while that grows, and then tried with a single mail. What is kept back
keeps its attempts, and says why.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import Count, F

from abusedesk.desk.perform import late, mailhosts
from abusedesk.desk.perform.pace import luck, pause
from abusedesk.records import pace
from abusedesk.records.models import Case, Contact, Customer, Effect, Pace
from abusedesk.vocabulary.contact import Known, in_order

MINUTE = timedelta(minutes=1)
PAUSE_AFTER = 3
"""A single address that is greylisted says nothing of its neighbours; three in a row do."""

_SLOWEST = 5
"""The pace is halved at most so often."""

_SOON = timedelta(seconds=5)
_PROBE = timedelta(seconds=30)

Turn = tuple[datetime, str]
"""When it may be tried, and why not now."""


class Limits(NamedTuple):
    """What one destination gets: mails a minute, and at once. Nought of either is no limit."""

    per_minute: int
    at_once: int


def limits() -> Limits:
    """The installation's; none where no mail server is set, for a folder takes everything."""
    if not settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        return Limits(0, 0)
    return Limits(settings.CONFIGURATION.mail_per_minute, settings.CONFIGURATION.mail_at_once)


def set_aside(found: Sequence[Effect], worker: str, now: datetime) -> set[int]:
    """Keeps back what may not go to its destination now; returns what was. In the transaction that holds the rows."""
    by, said = limits(), {}
    mails = [one for one in found if one.kind != "form" and one.payload.get("to") != "staff"] if any(by) else []
    by_domain = _domains(mails)
    hosts = mailhosts.hosts_of(by_domain.values(), now)
    domains = {pk: hosts[one] for pk, one in by_domain.items()}
    rows = {name[5:]: row for name, row in pace.locked({f"mail:{one}" for one in domains.values()}, now).items()}
    busy = _busy(rows, worker, now) if by.at_once else {}
    granted: Counter[str] = Counter()
    for one in mails:
        if domain := domains.get(one.pk, ""):
            one.destination = domain
            turn = _turn(one, rows[domain], by, (busy.get(domain, 0), granted[domain]), now)
            if turn is None:
                granted[domain] += 1
            else:
                said[one.pk] = turn
    Pace.objects.bulk_update(rows.values(), ["busy_until"])
    _keep(mails, said, now)
    return set(said)


def _turn(effect: Effect, row: Pace, by: Limits, going: tuple[int, int], now: datetime) -> Turn | None:
    """When a mail may go, where that is not now; takes its place in the row of those that wait."""
    others, before = going
    domain = effect.destination
    if row.paused_until is not None and row.paused_until > now:
        return row.paused_until, f"{domain} takes nothing now: {row.said}"[:300]
    if row.failures >= PAUSE_AFTER and before:
        return now + _PROBE, f"{domain} took nothing lately: one mail tries it"
    if by.at_once and others >= by.at_once:
        return now + _SOON, f"{domain}: {by.at_once} are on their way at once"
    if not by.per_minute or effect.waits:
        return None  # Its place came.
    share = MINUTE / by.per_minute * 2 ** min(row.failures, _SLOWEST)
    place = max(row.busy_until, now)
    row.busy_until = place + share
    at = place - (MINUTE - MINUTE / by.per_minute)
    return (at, f"{domain}: at most {by.per_minute} a minute") if at > now else None


def _keep(mails: Iterable[Effect], said: Mapping[int, Turn], now: datetime) -> None:
    back = [one for one in mails if one.pk in said]
    for one in back:
        one.due, one.waits = said[one.pk]
        one.payload = {late.SINCE: now.isoformat(), **one.payload}
    Effect.objects.bulk_update(back, ["due", "waits", "payload", "destination"])
    Effect.objects.bulk_update([one for one in mails if one.destination and one.pk not in said], ["destination"])


def _busy(domains: Iterable[str], worker: str, now: datetime) -> dict[str, int]:
    """How many other workers have mails for each domain in hand."""
    leased = Effect.objects.filter(state="pending", destination__in=list(domains), lease_until__gt=now)
    counted = leased.exclude(lease_owner=worker).values("destination").annotate(n=Count("lease_owner", distinct=True))
    return {one["destination"]: one["n"] for one in counted}


def _domains(mails: Sequence[Effect]) -> dict[int, str]:
    """Where each would go first; nothing where that is not known before it is written."""
    cases = Case.objects.select_related("customer").in_bulk({one.payload.get("case") or 0 for one in mails})
    resellers = _resellers(mails)
    parties = {one.pk: party for one in mails if (party := _party(one, cases, resellers))}
    first = _first_addresses(set(parties.values()))
    found = {}
    for one in mails:
        to = str(one.payload.get("address") or one.brand.settings.get(f"{one.payload.get('to')}_address") or "")
        address = to or first.get(parties.get(one.pk, 0), "")
        if "@" in address:
            found[one.pk] = address.rpartition("@")[2].lower()
    return found


def _resellers(mails: Iterable[Effect]) -> dict[int, int | None]:
    """The resellers of customers that an order about no case names."""
    about = [one.payload for one in mails if one.payload.get("to") == "reseller" and not one.payload.get("case")]
    customers = {one["customer"] for one in about if one.get("customer")}
    return dict(Customer.objects.filter(pk__in=customers).values_list("pk", "reseller_id")) if customers else {}


def _party(effect: Effect, cases: Mapping[int, Case], resellers: Mapping[int, int | None]) -> int:
    if "party" in effect.payload:
        return int(effect.payload["party"])
    case = cases.get(effect.payload.get("case") or 0)
    if effect.payload.get("to") == "reseller":
        through = case.customer.reseller_id if case else resellers.get(int(effect.payload.get("customer") or 0))
        return through or 0
    named = case.customer_id if case else effect.payload.get("customer")
    return int(named or 0) if effect.payload.get("to") == "customer" else 0


def _first_addresses(parties: set[int]) -> dict[int, str]:
    known: dict[int, list[Known]] = {}
    rows = Contact.objects.filter(customer__in=parties).order_by("position", "pk")
    for one in rows:
        known.setdefault(one.customer_id, []).append(Known(one.role, one.email, one.language, one.position))
    emails = Customer.objects.filter(pk__in=parties).values_list("pk", "email")
    return {pk: next((one.email for one in in_order(email, known.get(pk, []))), "") for pk, email in emails}


# --- what it answered -----------------------------------------------------------------------------------------------


def troubled(claimed: Iterable[Effect]) -> set[str]:
    """The destinations that refused something lately."""
    names = {f"mail:{one.destination}" for one in claimed if one.destination}
    found = Pace.objects.filter(name__in=names, failures__gt=0) if names else Pace.objects.none()
    return {name[5:] for name in found.values_list("name", flat=True)}


def took(domain: str) -> None:
    """It takes mails again."""
    Pace.objects.filter(name=f"mail:{domain}").update(failures=0, paused_until=None, said="")


def refused_for_now(domain: str, said: str, now: datetime) -> datetime | None:
    """It answered "not now"; returns until when it is left alone, if it is."""
    row = Pace.objects.filter(name=f"mail:{domain}")
    row.update(failures=F("failures") + 1, said=said)
    failures = row.values_list("failures", flat=True).first() or 0
    if failures < PAUSE_AFTER:
        return None
    until = now + pause(failures - PAUSE_AFTER + 1, luck())
    row.update(paused_until=until)
    return until
