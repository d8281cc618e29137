"""The outbox: every notice as it was written and what became of it."""

from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from abusedesk.records.models import Brand, Notice
from abusedesk.web import paging


def outbox(request: HttpRequest) -> HttpResponse:
    """Notices, newest first."""
    brand, text, to = (request.GET.get(name, "").strip() for name in ("brand", "q", "to"))
    found = Notice.objects.select_related("brand", "case__service").defer("text", "html", "table")
    if brand:
        found = found.filter(brand__slug=brand)
    if to:
        found = found.filter(to=to)
    if text:
        found = found.filter(Q(subject__icontains=text) | Q(address__icontains=text))
    page = paging.newest_first(found, "written_at", request.GET.get("after", ""))
    recipients = ("customer", "reseller", "upstream", "reporter", "staff")
    context = {
        "notices": page.rows,
        "next": page.next,
        "brands": Brand.objects.order_by("name"),
        "recipients": recipients,
    }
    return render(request, "web/outbox.html", context)


def notice(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One notice, exactly as sent."""
    one = get_object_or_404(Notice.objects.select_related("brand", "case__service", "case__customer", "digest"), pk=pk)
    return render(request, "web/notice.html", {"notice": one})
