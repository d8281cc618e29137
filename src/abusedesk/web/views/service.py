"""A service: which addresses it held when, its cases, measures and charges."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from abusedesk.records.models import Service
from abusedesk.web.spans import spans_of
from abusedesk.web.views.case import state_row
from abusedesk.web.views.queue import rows_of


def service(request: HttpRequest, pk: int) -> HttpResponse:
    """One service."""
    one = get_object_or_404(Service.objects.select_related("customer__reseller", "brand"), pk=pk)
    measures = one.measures.select_related("target").order_by("-at", "-pk")[:50]
    context = {
        "service": one,
        "scale": spans_of(one.assignments.order_by("prefix", "-period"), timezone.now()),
        "names": one.names.order_by("name")[:50],
        "rows": rows_of(one.cases.select_related("service", "customer", "brand").order_by("-last_at")[:50]),
        "measures": [state_row(measure) for measure in measures],
        "charges": one.charges.select_related("case").order_by("-at")[:50],
    }
    return render(request, "web/service.html", context)
