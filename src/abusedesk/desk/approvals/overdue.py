"""What waits too long: those who may answer are reminded once a day, and it may expire.

To expire is a no by the clock, decided and recorded as any other, and never against a customer: a request of theirs
does not expire. While a brand is stopped or in a dry run its clock stands; at the release it begins anew.
"""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest

from abusedesk.desk.approvals.letters import AGAIN, Words, write_to_approvers
from abusedesk.desk.approvals.say import close, key_of
from abusedesk.desk.approvals.voices import terms_of
from abusedesk.desk.enact import submit
from abusedesk.policy.waiting import approval
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Hold, Proposal
from abusedesk.vocabulary.approval import Terms

log = structlog.get_logger()

EVERY = timedelta(minutes=30)
"""How often it is looked for what waits too long."""

CLOCK = "the clock"
"""By whom a proposal is rejected that expires; no account can be called that."""

BATCH = 200


def look(now: datetime) -> int:
    """Reminds of what waits too long and ends what expires. Returns how many proposals it was about."""
    running = Brand.objects.filter(held_since=None, dry_run=False)
    return sum(_expire(brand, now) + _remind(brand, now) for brand in running.order_by("pk"))


def overdue_at(one: Proposal, terms: Terms) -> datetime | None:
    """Since when, or from when, a proposal waits too long; None where its brand reminds of nothing."""
    return one.at + terms.remind_after if terms.remind_after else None


def expires_at(one: Proposal, terms: Terms) -> datetime | None:
    """When a proposal expires, if it does and its brand is not stopped in between."""
    if terms.expire_after is None or one.kind == "request":
        return None
    released = one.brand.holds.aggregate(last=Max("until"))["last"]
    return max(one.changed_at, released or one.changed_at) + terms.expire_after


def _terms(brand: Brand) -> Terms:
    """A brand's terms; where they cannot be read, it is reminded as where nothing is said, and nothing expires."""
    try:
        return terms_of(brand)
    except Problem as problem:
        log.warning("the terms of approvals are not used", brand=brand.slug, error=str(problem))
        return Terms()


def _waiting(brand: Brand) -> "QuerySet[Proposal]":
    found = Proposal.objects.filter(brand=brand, closed_at=None).order_by("at", "pk")
    return found.select_related("brand", "service", "customer").prefetch_related("consents")


def _overdue(brand: Brand, terms: Terms, now: datetime) -> "QuerySet[Proposal]":
    waiting = _waiting(brand)
    return waiting.filter(at__lte=now - terms.remind_after) if terms.remind_after else waiting.none()


@transaction.atomic
def _remind(brand: Brand, now: datetime) -> int:
    waiting = _overdue(brand, _terms(brand), now).filter(Q(reminded_at=None) | Q(reminded_at__lte=now - AGAIN))
    # Of two watches one reminds.
    overdue = list(waiting.select_for_update(of=("self",), skip_locked=True)[:BATCH])
    if not overdue:
        return 0
    longest = _span(now - overdue[0].at)
    words = Words("proposals wait for your yes or no", f"Nobody has answered; the first has waited for {longest}.")
    write_to_approvers(overdue, words, now)
    Proposal.objects.filter(pk__in=[one.pk for one in overdue]).update(reminded_at=now)
    return len(overdue)


def _expire(brand: Brand, now: datetime) -> int:
    terms = _terms(brand)
    if terms.expire_after is None:
        return 0
    released = Hold.objects.filter(brand=OuterRef("brand"), until__isnull=False).order_by("-until").values("until")[:1]
    since = Greatest(F("changed_at"), Coalesce(Subquery(released), F("changed_at")))
    due = _waiting(brand).exclude(kind="request").annotate(since=since).filter(since__lte=now - terms.expire_after)
    reason = f"nobody answered within {_span(terms.expire_after)}"
    expired = [one for one in due[:BATCH] if _reject(one, reason, now)]
    said = f"{reason.capitalize()}, so the clock said no. Nothing was done to the customers."
    write_to_approvers(expired, Words("proposals have expired", said), now)
    return len(expired)


def _reject(one: Proposal, reason: str, now: datetime) -> bool:
    stimulus = approval(key_of(one), "reject", CLOCK, reason, None)
    if submit(one.docket, stimulus, key=f"expired:{one.pk}:{one.mark}", at=now, by=CLOCK) is None:
        return False
    close(one.pk, "expired", CLOCK, reason)
    return True


def _span(length: timedelta) -> str:
    hours = int(length / timedelta(hours=1))
    return f"{hours} h" if hours < 72 else f"{hours // 24} days"
