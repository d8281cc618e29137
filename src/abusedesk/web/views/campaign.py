"""Campaigns: many reporters whom nothing vouches for against one customer, looked at and rejected together."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.contrib import messages
from django.db.models import Count, Max, Min, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk import campaigns as desk
from abusedesk.parsing.mail import is_mail, parse
from abusedesk.records.models import Brand, Campaign, Customer, Deadline, Event, Message, Notice, Report
from abusedesk.records.payload import read_payload
from abusedesk.vocabulary.alike import groups
from abusedesk.web import paging

_LOOKED_AT = 200
_SHOWN = 50
_EVENTS = 5000
_BEFORE = timedelta(days=30)


class Pattern(NamedTuple):
    """Reports written from one pattern: how many, of how many reporters, and how one of them reads."""

    reports: int
    reporters: int
    text: str


def campaigns(request: HttpRequest) -> HttpResponse:
    """Open campaigns, or those that were closed."""
    closed = request.GET.get("state") == "closed"
    found = Campaign.objects.select_related("customer", "brand").filter(closed_at__isnull=not closed)
    if request.GET.get("brand"):
        found = found.filter(brand__slug=request.GET["brand"])
    page = paging.newest_first(found, "opened_at", request.GET.get("after", ""))
    counted = {
        row["campaign"]: row
        for row in Report.objects.filter(campaign__in=[one.pk for one in page.rows])
        .values("campaign")
        .annotate(reports=Count("pk"), reporters=Count("reporter", distinct=True), last=Max("received_at"))
    }
    context = {
        "rows": [(one, counted.get(one.pk, {"reports": 0, "reporters": 0, "last": None})) for one in page.rows],
        "next": page.next,
        "closed": closed,
        "brands": Brand.objects.order_by("name"),
    }
    return render(request, "web/campaigns.html", context)


def campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """One campaign: who, when, from where, with which words, and what rejecting it would do."""
    one = get_object_or_404(Campaign.objects.select_related("customer", "brand"), pk=pk)
    reports = list(one.reports.select_related("reporter").order_by("-received_at")[:_LOOKED_AT])
    sums = one.reports.aggregate(
        reports=Count("pk"),
        reporters=Count("reporter", distinct=True),
        first=Min("received_at"),
        last=Max("received_at"),
    )
    messages_by_id = Message.objects.in_bulk([row.message_id for row in reports if row.message_id])
    context = {
        "campaign": one,
        "sums": sums,
        "borrowed": one.reports.filter(reporter__known=True).count(),
        "copies": _copies(one, reports),
        "networks": _networks(messages_by_id.values()),
        "patterns": _patterns(reports, messages_by_id),
        "looked_at": len(reports),
        "reports": reports[:_SHOWN],
        "believed": _believed(one),
        "standing": desk.standing_reports(one).count(),
        "does": _does(one),
    }
    return render(request, "web/campaign.html", context)


@require_POST
def reject_campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """Reject all its reports that still stand in doubt."""
    one = get_object_or_404(Campaign, pk=pk)
    if one.closed_at is not None:
        messages.info(request, "Somebody had closed it already; what they found stands.", extra_tags="wait")
        return redirect("campaign", pk)
    number = desk.reject(one, request.user.get_username(), timezone.now())
    messages.success(request, f"{number} reports rejected. What rested on them alone has ended.", extra_tags="good")
    return redirect("campaign", pk)


@require_POST
def close_campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """Close it with an answer; its reports stay as they are, each to be judged on its case."""
    one = get_object_or_404(Campaign, pk=pk)
    answer = request.POST.get("answer", "").strip()
    if not answer or len(answer) > 5000:
        messages.error(request, "Say in a few words what you found.", extra_tags="late")
        return redirect("campaign", pk)
    desk.close(one, request.user.get_username(), timezone.now(), answer)
    messages.success(request, "Closed. Its reports stay, each to be judged on its case.", extra_tags="good")
    return redirect("campaign", pk)


def _networks(found: Any) -> list[tuple[str, int]]:
    """From where the mails were handed to us, by network; where nobody saw that, the domain that they name."""
    counted = Counter(_network(one) for one in found)
    return counted.most_common(12)


def _network(message: Message) -> str:
    peer = str(message.provenance.get("peer", "")).strip("[]")
    if peer.count(".") == 3:
        return f"{peer.rpartition('.')[0]}.0/24"
    if ":" in peer:
        return f"{':'.join(peer.split(':')[:3])}::/48"
    return message.sender.rpartition("@")[2] or "unknown"


def _patterns(reports: list[Report], found: dict[Any, Message]) -> list[Pattern]:
    """Near-identical texts among the newest reports; single ones are none."""
    texts = [_text(row, found) for row in reports]
    return [
        Pattern(len(group), len({reports[place].reporter_id for place in group}), texts[group[0]][:300])
        for group in groups(texts)[:5]
        if len(group) > 1
    ]


def _text(report: Report, found: dict[Any, Message]) -> str:
    """The first words that the mail was written in; where they are gone, what was read of them."""
    message = found.get(report.message_id)
    data = read_payload(message) if message is not None else None
    written = (part.text.strip() for part in parse(data).walk()) if data is not None and is_mail(data) else ()
    return next(filter(None, written), report.summary)[:20_000]


def _believed(one: Campaign) -> int:
    """Reports on the customer's services in the same time that are more than unverified."""
    told = _told_of(one.customer, one.since).values("report_id")
    return Report.objects.filter(pk__in=told, rejected_at=None).exclude(assurance="unverified").count()


def _copies(one: Campaign, reports: list[Report]) -> int:
    """How many of some reports tell what a believed one of the weeks before told: same source, category and time."""
    before = _told_of(one.customer, one.since - _BEFORE)
    believed = Report.objects.filter(pk__in=before.values("report_id")).exclude(assurance="unverified").values("pk")
    real = set(before.filter(report_id__in=believed).values_list("ip", "category", "occurred_at")[:_EVENTS])
    theirs = Event.objects.filter(report_id__in=[report.pk for report in reports])
    told = theirs.values_list("report_id", "ip", "category", "occurred_at")[:_EVENTS] if real else []
    return len({report for report, *event in told if tuple(event) in real})


def _told_of(customer: Customer, since: datetime) -> "QuerySet[Event]":
    """What was told of a customer's services since an instant."""
    return Event.objects.filter(case_id__in=customer.cases.values_list("pk", flat=True), received_at__gte=since)


def _does(one: Campaign) -> dict[str, int]:
    """What there is on the customer's cases now that rejecting the reports may end."""
    cases = one.customer.cases.values_list("pk", flat=True)
    return {
        "deadlines": Deadline.objects.filter(case__in=cases, state="open", name="reply").count(),
        "notices": Notice.objects.filter(case__in=cases, written_at__gte=one.since).count(),
    }
