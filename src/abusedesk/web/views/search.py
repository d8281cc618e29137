"""The search box: an address, a customer, a service, a case's number, a report's reference."""

from ipaddress import ip_address
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from abusedesk.records.models import Case, Customer, Event, Report, Service
from abusedesk.web.readers import files_for
from abusedesk.web.views.queue import rows_of

_MOST = 20


def search(request: HttpRequest) -> HttpResponse:
    """What was searched for; a single find is opened at once."""
    text = request.GET.get("q", "").strip()
    if _is_address(text):
        return redirect(f"{reverse('holder')}?ip={text}")
    if not text:
        return redirect("queue")
    found = _found(text) | {"files": _files(request, text)}
    only = _only(found)
    return redirect(only) if only else render(request, "web/search.html", {**found, "searched": text})


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _found(text: str) -> dict[str, list[object]]:
    customers = Customer.objects.filter(Q(name__icontains=text) | Q(ref__iexact=text) | Q(email__iexact=text))
    services = Service.objects.filter(
        Q(ref__iexact=text) | Q(label__icontains=text) | Q(names__name__iexact=text)
    ).distinct()
    reports = Report.objects.filter(reference__iexact=text).select_related("reporter", "brand").order_by("-received_at")
    cases = Case.objects.filter(_case(text, [report.pk for report in reports[:_MOST]])).order_by("-last_at")
    return {
        "customers": list(customers.select_related("brand").order_by("name")[:_MOST]),
        "services": list(services.select_related("customer", "brand").order_by("ref")[:_MOST]),
        "reports": list(reports[:_MOST]),
        "rows": list(rows_of(cases.select_related("service", "customer", "brand")[:_MOST])),
    }


def _files(request: HttpRequest, text: str) -> list[object]:
    """The files that the user may see, by number, sender or words of the subject."""
    meant = Q(reference__iexact=text) | Q(sender__iexact=text) | Q(subject__icontains=text)
    return list(files_for(request.user).filter(meant).select_related("brand").order_by("-last_at")[:_MOST])


def _case(text: str, reports: list[UUID]) -> Q:
    of_reports = Q(pk__in=Event.objects.filter(report_id__in=reports, case_id__isnull=False).values("case_id"))
    number = text.removeprefix("#")
    # A column of 64 bits cannot be compared with a longer number.
    return of_reports | Q(pk=int(number)) if number.isascii() and number.isdigit() and len(number) < 19 else of_reports


def _only(found: dict[str, list[object]]) -> str:
    if sum(len(rows) for rows in found.values()) != 1:
        return ""
    kind, one = next((kind, rows[0]) for kind, rows in found.items() if rows)
    if kind == "rows":
        return reverse("case", args=[one.case.pk])  # type: ignore[attr-defined]
    if kind == "reports":
        return reverse("message", args=[one.message_id]) if one.message_id else ""  # type: ignore[attr-defined]
    return reverse(kind.removesuffix("s"), args=[one.pk])  # type: ignore[attr-defined]
