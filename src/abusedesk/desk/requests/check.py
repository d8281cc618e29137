"""Checking: the mail set-up behind a request is looked up by the worker, and what was found is kept beside it.

No page waits for the DNS: who asks for a check gets what was found before, and what is found later shows by itself.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_network
from itertools import chain, islice

import dns.exception
import msgspec
import structlog
from django.db import transaction
from django.db.models import Q

from abusedesk.desk import names, verify
from abusedesk.desk.requests.gather import gather
from abusedesk.desk.requests.grade import grade, unasked
from abusedesk.records.bell import ring
from abusedesk.records.models import Assignment, CustomerRequest
from abusedesk.vocabulary.finding import Finding

log = structlog.get_logger()

LEASE = timedelta(minutes=1)
"""A check that a worker did not end by then is made again."""

KEPT = timedelta(minutes=1)
"""So long findings are good enough: whoever asks again before gets the same."""

ADDRESSES = 8
"""So many addresses of a service are looked at, where the customer names none."""

NO_DNS = "this installation asks no DNS (setting dns)"
NO_RESOLVER = "this machine has no resolver"
NO_NAME = "it is no domain that the public DNS could know"


def findings_of(request: CustomerRequest) -> list[Finding]:
    """What was found about a request's domain at `checked_at`; nothing where nothing was looked up yet."""
    return msgspec.convert(request.findings, list[Finding])


def ask_again(request: CustomerRequest, now: datetime, selector: str | None = None) -> bool:
    """Has a request's domain looked up again, under another DKIM selector if one is given. False where it just was."""
    changed = {} if selector is None or selector == request.selector else {"selector": selector}
    stale = Q(checked_at=None) | Q(checked_at__lte=now - KEPT)
    found = CustomerRequest.objects.filter(pk=request.pk, check_at=None).exclude(domain="")
    asked = found.filter(Q() if changed else stale).update(check_at=now, **changed)
    ring()
    return bool(asked)


def check_next(now: datetime) -> int:
    """Looks up the domain of one request that waits for it. Returns how many were looked up."""
    claimed = _claim(now)
    if claimed is None:
        return 0
    keep(claimed, look(claimed, now, ask_dns=verify.trust().dns), now)
    return 1


def keep(request: CustomerRequest, findings: list[Finding], now: datetime) -> None:
    """Puts findings beside a request. Who asked for another look meanwhile still gets it."""
    kept = {"findings": msgspec.to_builtins(findings), "checked_at": now}
    CustomerRequest.objects.filter(pk=request.pk).update(**kept)
    CustomerRequest.objects.filter(pk=request.pk, check_at=request.check_at).update(check_at=None)


def look(request: CustomerRequest, now: datetime, *, ask_dns: bool) -> list[Finding]:
    """What the DNS says of a request's domain and addresses, judged."""
    domain = names.public_name(request.domain)
    if not domain:
        return unasked(NO_NAME)
    if not ask_dns:
        return unasked(NO_DNS)
    addresses, further = addresses_of(request, now)
    try:
        return grade(gather(domain, request.selector, addresses, further))
    except dns.exception.DNSException as error:
        log.warning("there is no resolver to ask about a request", error=str(error))
        return unasked(NO_RESOLVER)


def addresses_of(request: CustomerRequest, now: datetime) -> tuple[Sequence[str], int]:
    """The addresses that are looked at, and how many of the service are not: the one named, else its first ones."""
    if request.ip:
        return [request.ip], 0
    held = Assignment.objects.filter(service=request.service_id, period__contains=now).order_by("prefix")
    networks = [ip_network(str(one), strict=False) for one in held.values_list("prefix", flat=True)]
    found = [str(one) for one in islice(chain.from_iterable(one.hosts() for one in networks), ADDRESSES)]
    total = sum(one.num_addresses for one in networks if one.version == 4)
    return found, max(0, total - len(found))


@transaction.atomic
def _claim(now: datetime) -> CustomerRequest | None:
    due = CustomerRequest.objects.filter(check_at__lte=now).order_by("check_at")
    claimed = due.select_for_update(skip_locked=True, of=("self",)).first()
    if claimed is not None:
        claimed.check_at = now + LEASE
        claimed.save(update_fields=["check_at"])
    return claimed
