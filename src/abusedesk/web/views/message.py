"""Messages: what came in, how it was read, and its bytes as text where they may be shown."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from abusedesk.records.models import Brand, Event, Message, Report, Review, TicketEntry
from abusedesk.vocabulary.category import ILLEGAL_CONTENT
from abusedesk.web import paging
from abusedesk.web.belief import facts_of
from abusedesk.web.payload import text_of
from abusedesk.web.readers import files_for, may_change_reading, may_suppress, seen_by

OUTCOMES = {
    "reported": ("report", ""),
    "needs_review": ("needs a person", "wait"),
    "not_a_report": ("not a report", ""),
    "rejected": ("rejected", "late"),
    "unreadable": ("unreadable", "late"),
    "": ("not read yet", "wait"),
}
"""How a message was read, in words, and the tone of each."""

_SHOWN = 200_000


def messages(request: HttpRequest) -> HttpResponse:
    """Everything that came in, newest first."""
    outcome, brand, text = (request.GET.get(name, "").strip() for name in ("outcome", "brand", "q"))
    found = seen_by(request.user)
    if outcome in OUTCOMES and outcome:
        found = found.filter(outcome=outcome)
    if text:
        found = found.filter(subject__icontains=text) | found.filter(sender__icontains=text)
    brands = list(Brand.objects.order_by("name"))
    chosen = next((one for one in brands if one.slug == brand), None)
    if chosen:
        found = found.filter(brand_id=chosen.pk)
    page = paging.newest_first(found, "received_at", request.GET.get("after", ""))
    names = {one.pk: one.name for one in brands}
    rows = [
        {
            "message": one,
            "brand": names.get(one.brand_id or 0, ""),
            "read": OUTCOMES.get(one.outcome, (one.outcome, "")),
        }
        for one in page.rows
    ]
    context = {
        "rows": rows,
        "next": page.next,
        "brands": brands,
        "outcomes": [(key, word) for key, (word, _) in OUTCOMES.items() if key],
    }
    return render(request, "web/messages.html", context)


def message(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One message and the reports read from it."""
    one = _find(request, pk)
    reports = list(
        Report.objects.filter(message_id=pk).select_related("reporter", "suppression").order_by("received_at")[:50]
    )
    events = Event.objects.filter(report_id__in=[report.pk for report in reports]).order_by("pk")[:200]
    by_report: dict[UUID, list[Event]] = {}
    for event in events:
        by_report.setdefault(event.report_id, []).append(event)
    context = {
        "message": one,
        "brand": Brand.objects.filter(pk=one.brand_id or 0).first(),
        "read": OUTCOMES.get(one.outcome, (one.outcome, "")),
        "shown": [_shown(report, by_report) for report in reports],
        "reviews": Review.objects.filter(message_id=pk).order_by("opened_at"),
        "files": files_for(request.user).filter(entries__message_id=pk).distinct(),
        "entry": TicketEntry.objects.filter(message_id=pk).select_related("ticket__case__service").first(),
        "digest": bytes(one.digest).hex(),
        "readable": not _is_illegal(pk),
        "may_suppress": may_suppress(request.user),
        "may_teach": may_change_reading(request.user) and one.outcome in {"needs_review", "rejected"},
    }
    return render(request, "web/message.html", context)


def _shown(report: Report, events: dict[UUID, list[Event]]) -> dict[str, object]:
    return {"report": report, "events": events.get(report.pk, []), "evidence": facts_of(report.evidence)}


@require_POST
def payload(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The bytes as escaped text, asked for by hand: what strangers wrote is never rendered."""
    one = _find(request, pk)
    if _is_illegal(pk):
        raise Http404("illegal content is never shown")
    found = text_of(one)
    context = {"text": found[:_SHOWN] if found is not None else None, "cut": found is not None and len(found) > _SHOWN}
    return render(request, "web/payload.html", context)


def _find(request: HttpRequest, pk: UUID) -> Message:
    one = seen_by(request.user).filter(pk=pk).first()
    if one is None:
        raise Http404("no such message")
    return one


def _is_illegal(message: UUID) -> bool:
    """Whether a message speaks of content that is never shown, or staff were told that it does."""
    reports = Report.objects.filter(message_id=message).values_list("pk", flat=True)
    told = Review.objects.filter(message_id=message, restricted=True) | Review.objects.filter(
        report_id__in=list(reports), restricted=True
    )
    return told.exists() or Event.objects.filter(report_id__in=list(reports), category__in=ILLEGAL_CONTENT).exists()
