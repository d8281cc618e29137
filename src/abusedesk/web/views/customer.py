"""A customer: services, cases, what is owed, how they are reached. And the list of all."""

from typing import Any

from django.db.models import Count, F, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from abusedesk.desk.perform.reaching import reaches
from abusedesk.records.models import Brand, Customer
from abusedesk.web import paging
from abusedesk.web.views import asked
from abusedesk.web.views.queue import rows_of


def customers(request: HttpRequest) -> HttpResponse:
    """Every customer, newest first, found by name, number or address."""
    brand, text = (request.GET.get(name, "").strip() for name in ("brand", "q"))
    found = Customer.objects.select_related("brand", "reseller")
    if brand:
        found = found.filter(brand__slug=brand)
    if text:
        found = found.filter(Q(name__icontains=text) | Q(ref__iexact=text) | Q(email__icontains=text))
    page = paging.newest_first(found, "since", request.GET.get("after", ""))
    _count(page.rows)
    return render(
        request,
        "web/customers.html",
        {"customers": page.rows, "next": page.next, "brands": Brand.objects.order_by("name")},
    )


def _count(customers: list[Customer]) -> None:
    """Services and open cases of the customers shown, in two queries for the whole page."""
    ids = [customer.pk for customer in customers]
    services = dict(Customer.objects.filter(pk__in=ids).annotate(n=Count("services")).values_list("pk", "n"))
    waiting = dict(
        Customer.objects.filter(pk__in=ids, cases__open=True).annotate(n=Count("cases")).values_list("pk", "n")
    )
    for customer in customers:
        customer.service_count = services.get(customer.pk, 0)  # type: ignore[attr-defined]
        customer.case_count = waiting.get(customer.pk, 0)  # type: ignore[attr-defined]


def customer(request: HttpRequest, pk: int) -> HttpResponse:
    """One customer."""
    one = get_object_or_404(Customer.objects.select_related("brand", "reseller"), pk=pk)
    charges = one.charges.filter(state="owed").values("currency").annotate(owed=Sum(F("amount") - F("paid")))
    context = {
        "customer": one,
        "services": one.services.annotate(open_cases=Count("cases", filter=Q(cases__open=True))).order_by(
            "-until", "-since"
        )[:200],
        "rows": rows_of(one.cases.select_related("service", "customer", "brand").order_by("-last_at")[:50]),
        "charges": one.charges.select_related("service", "case").order_by("-at")[:30],
        "owed": list(charges),
        "requests": asked.rows_of(one.requests.select_related("service", "customer", "brand").order_by("-at")[:20]),
        "campaigns": one.campaigns.filter(closed_at=None),
        "reached": _reached(one),
        "resold": one.resold.order_by("name")[:50],
    }
    return render(request, "web/customer.html", context)


def _reached(one: Customer) -> list[dict[str, Any]]:
    """The customer's addresses in the order in which they are written to, each with its contact, if it is one."""
    contacts = {contact.email.lower(): contact for contact in one.contacts.order_by("-position", "-pk")}
    return [{"email": reach.email, "contact": contacts.get(reach.email.lower())} for reach in reaches(one)]
