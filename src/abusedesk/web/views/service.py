"""A service: which addresses and names it held when, what kind it is, its cases, measures and charges."""

from typing import Any

import structlog
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk.decide import docket_decoder
from abusedesk.records import declared
from abusedesk.records.csv_tables import domain, instant
from abusedesk.records.models import DeclaredName, Docket, Service
from abusedesk.web.listings import entry, of_service, shown_of_service
from abusedesk.web.readers import may_mark_services
from abusedesk.web.spans import spans_of
from abusedesk.web.views import asked
from abusedesk.web.views.case import state_row
from abusedesk.web.views.queue import rows_of
from abusedesk.web.views.suppression import suppressed_on

log = structlog.get_logger()


class MarksForm(forms.Form):
    """What kind of service it is, as far as that decides to whom a complaint goes."""

    shared = forms.BooleanField(
        label="Shared hosting",
        required=False,
        help_text="It carries the sites of many people: notices say which site is meant.",
    )
    carries = forms.BooleanField(
        label="Carries others",
        required=False,
        help_text="A reseller's node, other people's servers: nothing hits the whole of it without a person.",
    )
    infrastructure = forms.BooleanField(
        label="Our own infrastructure",
        required=False,
        help_text="A mail server, a resolver, a hypervisor: a complaint about it goes to staff, never to the policy.",
    )


class NameForm(forms.Form):
    """A name that a customer declared, and since when it is theirs."""

    name = forms.CharField(
        label="Domain or host name",
        max_length=253,
        widget=forms.TextInput(attrs={"placeholder": "shop.example.net", "autocomplete": "off"}),
    )
    since = forms.CharField(
        label="Since, in UTC; empty is now",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"placeholder": "2026-02-01", "autocomplete": "off"}),
    )

    def clean_name(self) -> Any:
        return _read(domain, self.cleaned_data["name"].strip())

    def clean_since(self) -> Any:
        text = self.cleaned_data["since"].strip()
        return _read(instant, text) if text else timezone.now()


def _read(reader: Any, text: str) -> Any:
    try:
        return reader(text)
    except ValueError as error:
        raise forms.ValidationError(str(error)) from None


def service(request: HttpRequest, pk: int) -> HttpResponse:
    """One service."""
    return _page(request, _service(pk))


@require_POST
def mark(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what kind of service it is."""
    one = _markable(request, pk)
    form = MarksForm(request.POST)
    form.is_valid()
    marks = form.cleaned_data
    Service.objects.filter(pk=pk).update(**marks)
    log.info("service marked", service=one.ref, brand=one.brand.slug, by=request.user.get_username(), **marks)
    messages.success(request, "Saved. It counts for what is read from now on.", extra_tags="good")
    return redirect("service", pk)


@require_POST
def declare(request: HttpRequest, pk: int) -> HttpResponse:
    """Declare a name for a service."""
    one = _markable(request, pk)
    form = NameForm(request.POST)
    if form.is_valid():
        problem = declared.declare(one, form.cleaned_data["name"], form.cleaned_data["since"])
        if not problem:
            log.info("name declared", service=one.ref, name=form.cleaned_data["name"], by=request.user.get_username())
            messages.success(request, f"{form.cleaned_data['name']} is declared for {one}.", extra_tags="good")
            return redirect("service", pk)
        form.add_error("name", problem)
    return _page(request, one, form, status=422)


@require_POST
def end_name(request: HttpRequest, pk: int, name: int) -> HttpResponse:
    """From now on a name is declared for the service no more. What it was before stays."""
    one = _markable(request, pk)
    found = get_object_or_404(DeclaredName, pk=name, service=one)
    declared.end(found, timezone.now())
    log.info("name ended", service=one.ref, name=found.name, by=request.user.get_username())
    messages.success(request, f"{found.name} is declared for {one} no more.", extra_tags="good")
    return redirect("service", pk)


def _service(pk: int) -> Service:
    return get_object_or_404(Service.objects.select_related("customer__reseller", "brand"), pk=pk)


def _markable(request: HttpRequest, pk: int) -> Service:
    if not may_mark_services(request.user):
        raise PermissionDenied
    return _service(pk)


def _may_send_mail(service: Service) -> bool:
    """Whether its mail port was opened by agreement, or since then on a request."""
    state = Docket.objects.filter(service=service).values_list("state", flat=True).first()
    return service.mail_port or (state is not None and docket_decoder.decode(bytes(state)).mail_port)


def _page(request: HttpRequest, one: Service, name: NameForm | None = None, status: int = 200) -> HttpResponse:
    now = timezone.now()
    measures = one.measures.select_related("target").order_by("-at", "-pk")[:50]
    context = {
        "service": one,
        "mail_port": _may_send_mail(one),
        "scale": spans_of(one.assignments.order_by("prefix", "ports", "-period"), now),
        "names": [(found, found.period.upper is None) for found in one.names.order_by("name", "-period")[:50]],
        "rows": rows_of(one.cases.select_related("service", "customer", "brand").order_by("-last_at")[:50]),
        "measures": [state_row(measure) for measure in measures],
        "listings": [entry(listing) for listing in of_service(one).select_related("service")[:50]],
        "shown": shown_of_service(one),
        "requests": asked.rows_of(one.requests.select_related("service", "customer", "brand").order_by("-at")[:20]),
        "suppressed": suppressed_on(one.pk),
        "charges": one.charges.select_related("case").order_by("-at")[:50],
        "may_mark": may_mark_services(request.user),
        "marks": MarksForm(
            initial={"shared": one.shared, "carries": one.carries, "infrastructure": one.infrastructure}
        ),
        "declare": name or NameForm(),
    }
    return render(request, "web/service.html", context, status=status)
