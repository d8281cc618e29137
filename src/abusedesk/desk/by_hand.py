"""By hand: a person says whose a source was that could be told to be nobody's, or was ours.

The report then goes to that service's docket as it would have gone at intake, under the person's name and as of now.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast

from django.db import transaction
from django.db.models import Q

from abusedesk.desk import correlate
from abusedesk.desk.attribute import NOBODY, OWN
from abusedesk.desk.decide import pack_of
from abusedesk.desk.enact import Move, docket_of, enact
from abusedesk.policy.stimulus import Report as ReportStimulus
from abusedesk.problem import Problem
from abusedesk.records.holders import holders, lock_version
from abusedesk.records.models import Case, Docket, Event, Report, Review, Service
from abusedesk.records.reviews import close_review

if TYPE_CHECKING:
    from abusedesk.vocabulary.assurance import Assurance

REASONS = (NOBODY, OWN)
"""The questions that a person answers by saying whose it was."""


def open_events(review: Review) -> list[Event]:
    """The events of a question's report that still have no holder."""
    if review.reason not in REASONS or review.report_id is None:
        return []
    return list(Event.objects.filter(report_id=review.report_id, service_id=None).order_by("pk"))


@transaction.atomic
def attribute_to(review: Review, service: Service, source: str, by: str, at: datetime) -> None:
    """Tells a service's docket of the events of a source, or of all without a holder where `source` is empty.

    Raises Problem where the service cannot have held it, or there is nothing left to attribute.
    """
    lock_version()
    docket = docket_of(service)
    list(
        Docket.objects.select_for_update()
        .filter(pk__in=[docket.pk, review.docket_id or 0])
        .order_by("pk")
        .values_list("pk")
    )
    review = Review.objects.select_for_update().get(pk=review.pk)
    events = [one for one in open_events(review) if not source or one.source == source]
    if review.closed_at is not None or not events:
        raise Problem("Somebody has answered this already; nothing of it is left to attribute.")
    report = Report.objects.get(pk=events[0].report_id)
    _check(service, review, events, report)
    move = Move(docket.pk, _stimulus(report, events), f"report:{report.pk}", at, by)
    raised = correlate.raisings(enact([move], holders()))
    if raised:
        enact(raised, holders())
    _note(service, events)
    if not open_events(review):
        close_review(review, by, at, f"attributed to {service.ref} of {service.customer}")


def _check(service: Service, review: Review, events: Iterable[Event], report: Report) -> None:
    if service.brand_id != review.brand_id:
        raise Problem(f"{service} is of another brand; choose a service of this one.")
    if service.infrastructure:
        raise Problem(f"{service} is our own; close the question with what you found instead.")
    times = [_time(one, report) for one in events]
    if min(times) < service.since or (service.until is not None and max(times) >= service.until):
        raise Problem(f"{service} did not run when it happened; choose the service that did.")


def _stimulus(report: Report, events: Sequence[Event]) -> ReportStimulus:
    ips = tuple(dict.fromkeys(one.ip for one in events if one.ip))
    since = min(_time(one, report) for one in events)
    count = sum(one.count for one in events)
    assurance = cast("Assurance", report.assurance)
    return ReportStimulus(str(report.pk), events[0].category, ips, since, events=count, assurance=assurance)


def _time(event: Event, report: Report) -> datetime:
    return min(event.occurred_at or report.received_at, report.received_at)


def _note(service: Service, events: Sequence[Event]) -> None:
    abuse_type = pack_of(service.brand).abuse_type(events[0].category).name
    case = Case.objects.filter(service=service, abuse_type=abuse_type).first()
    mine = Q(pk__in=[one.pk for one in events])
    Event.objects.filter(mine).update(service_id=service.pk, case_id=case.pk if case else None)
