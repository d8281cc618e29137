"""Mail hosts: who takes a domain's mail, so that the many domains of one mail provider share its pace.

A domain is counted with the registered domain of its most preferred mail host (MX, RFC 5321 section 5.1). It is looked
up beside the sending and kept for a day; until then, and where nobody answers, a domain stands for itself.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import transaction

from abusedesk.desk import names, verify
from abusedesk.records.models import MailDomain

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

log = structlog.get_logger()

KEPT = timedelta(days=1)
UNANSWERED = timedelta(hours=1)
"""A domain of which nobody told anything is asked about again after that."""

FORGOTTEN = timedelta(days=30)
"""What was not needed for so long is forgotten."""

LEASE = timedelta(minutes=1)
AT_ONCE = 50
SECONDS = 5.0
"""So long all questions of a round may take together."""

Hosts = Sequence[tuple[int, str]]
"""Mail hosts, each with its preference: the lowest number is tried first."""


def hosts_of(domains: Iterable[str], now: datetime) -> dict[str, str]:
    """What the mails of each domain are counted with. What is not known is looked up later; nobody waits for it."""
    wanted = sorted(set(domains))
    if not wanted or not verify.trust().dns:
        return {one: one for one in wanted}
    known = {one.domain: one for one in MailDomain.objects.filter(domain__in=wanted)}
    _ask_for(wanted, known, now)
    return {one: (known[one].host if one in known else "") or one for one in wanted}


def _ask_for(wanted: Iterable[str], known: Mapping[str, MailDomain], now: datetime) -> None:
    new = [one for one in wanted if one not in known and names.public_name(one)]
    if new:
        asked = (MailDomain(domain=one, until=now, ask_at=now) for one in new)
        MailDomain.objects.bulk_create(asked, ignore_conflicts=True)
    old = [one.pk for one in known.values() if one.until <= now and one.ask_at is None]
    if old:
        MailDomain.objects.filter(pk__in=old).update(ask_at=now)


def look_up_next(now: datetime) -> int:
    """Looks up domains that were asked for, some at once. Returns how many."""
    claimed = _claim(now)
    if not claimed:
        return 0
    answers = _answers([one.domain for one in claimed])
    for one in claimed:
        hosts = answers.get(one.domain)
        one.host = one.host if hosts is None else host_among(hosts)
        one.until, one.ask_at = now + (UNANSWERED if hosts is None else KEPT), None
    MailDomain.objects.bulk_update(claimed, ["host", "until", "ask_at"])
    MailDomain.objects.filter(until__lt=now - FORGOTTEN).delete()
    return len(claimed)


def host_among(hosts: Hosts) -> str:
    """The registered domain of the most preferred mail host; empty where there is none (RFC 7505, too)."""
    first = min((preference for preference, _ in hosts), default=0)
    found = (verify.registered_domain(name) for preference, name in hosts if preference == first)
    return min(filter(None, found), default="")


@transaction.atomic
def _claim(now: datetime) -> list[MailDomain]:
    due = MailDomain.objects.filter(ask_at__lte=now).order_by("ask_at", "pk")
    claimed = list(due.select_for_update(skip_locked=True)[:AT_ONCE])
    MailDomain.objects.filter(pk__in=[one.pk for one in claimed]).update(ask_at=now + LEASE)
    return claimed


# --- asking ---------------------------------------------------------------------------------------------------------


def _answers(domains: Sequence[str]) -> dict[str, Hosts | None]:
    """The mail hosts of each domain; None where nobody answered in time."""
    import dns.exception  # noqa: PLC0415 - only an installation that may ask the DNS pays for it

    try:
        return asyncio.run(_asked(domains))
    except dns.exception.DNSException as error:
        log.warning("there is no resolver to ask about mail hosts", error=str(error))
        return {}


async def _asked(domains: Sequence[str]) -> dict[str, Hosts | None]:
    resolver = names.resolver()
    found = await asyncio.gather(*(_mail_hosts(resolver, one) for one in domains))
    return dict(zip(domains, found, strict=True))


async def _mail_hosts(resolver: "Resolver", domain: str) -> Hosts | None:
    import dns.exception  # noqa: PLC0415
    import dns.resolver  # noqa: PLC0415

    try:
        answer = await resolver.resolve(names.public_name(domain), "MX", lifetime=SECONDS, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return ()
    except (dns.exception.DNSException, OSError, ValueError):
        return None
    return [(one.preference, one.exchange.to_text(omit_final_dot=True).lower()) for one in answer]
