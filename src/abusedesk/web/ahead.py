"""What happens next, and when, if nobody does anything: the policy itself is asked, on a copy of the docket.

Deadline after deadline is let pass in thought, with the surroundings as they are now: who is protected, who holds the
addresses, and what of the brand's blast radius is used up by then. What it says holds as things stand: a report, a
reply or a payment that comes in between changes it, and so do automatic measures on other services.
"""

from datetime import datetime
from typing import NamedTuple

from msgspec import UNSET

from abusedesk.desk.decide import (
    Subject,
    Surroundings,
    facts_for,
    judge,
    pack_of,
    radius_of,
    settings_of,
)
from abusedesk.policy.docket import Deadline, Docket
from abusedesk.policy.stimulus import DeadlinePassed
from abusedesk.records.holders import holders
from abusedesk.records.models import Case
from abusedesk.web import words
from abusedesk.web.story import Order

STEPS = 4
"""So far ahead the page looks: a chain of missed replies is three."""


class Coming(NamedTuple):
    """What the policy will do at an instant, and why then."""

    at: datetime
    cause: str
    orders: list[Order]


def ahead_of(case: Case, docket: Docket) -> list[Coming]:
    """The steps on this case that follow of themselves, soonest first."""
    first = _next(docket)
    if first is None:
        return []
    pack, subject = pack_of(case.brand), _subject(case)
    around = Surroundings(settings_of(case.brand), radius_of(case.brand.pk, first.due), holders())
    coming: list[Coming] = []
    # Deadlines of the service's other cases pass in between, so more are let pass than are shown.
    for _ in range(STEPS * 4):
        deadline = _next(docket)
        if deadline is None or len(coming) == STEPS:
            break
        stimulus = DeadlinePassed(deadline.id)
        decision = judge(
            docket, stimulus, facts_for(subject, docket, stimulus, deadline.due, around), pack, deadline.due
        )
        around = around._replace(radius=around.radius.after(decision, deadline.due))
        if _concerns(deadline, docket, case.abuse_type):
            orders = [Order(words.effect_line(effect), effect.clauses) for effect in decision.effects]
            coming.append(Coming(deadline.due, _cause(deadline), orders))
        if decision.docket.deadlines == docket.deadlines:
            break
        docket = decision.docket
    return coming


def _next(docket: Docket) -> Deadline | None:
    return min(
        (one for one in docket.deadlines if one.state == "open" and one.paused_at is UNSET),
        key=lambda one: (one.due, one.id),
        default=None,
    )


def _concerns(deadline: Deadline, docket: Docket, abuse_type: str) -> bool:
    types = {one.id: one.abuse_type for one in docket.occurrences}
    return deadline.occurrence is None or types.get(deadline.occurrence) == abuse_type


def _cause(deadline: Deadline) -> str:
    return {
        "reply": "No complete reply has come",
        "payment": "The fine is not paid",
        "expiry": "The measure expires",
        "resume": "The time to clean up is over",
    }.get(deadline.name, f"{words.sentence(words.plain(deadline.name))} is due")


def _subject(case: Case) -> Subject:
    """Whom the case's docket is about, as they are now."""
    service, customer = case.service, case.customer
    return Subject(
        case.brand.pk,
        case.brand.slug,
        service.pk,
        service.ref,
        service.type,
        service.since,
        service.until,
        service.trial,
        service.mail_port,
        service.protected or customer.protected,
        customer.pk,
        customer.ref,
        customer.since,
        customer.reseller.ref if customer.reseller else None,
        service.carries,
    )
