"""On call: rotas, the ways to people, and what wakes somebody for a brand. Set up while everything runs."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.actuators.alarm import WAYS, Unsent
from abusedesk.desk.oncall import rota as turns
from abusedesk.desk.oncall.book import send_test, turns_of
from abusedesk.desk.oncall.telling import try_way
from abusedesk.records.models import Brand, Rota, Way
from abusedesk.web.brand_settings import settings_page
from abusedesk.web.on_call_form import RotaForm, SeverityForm, WayForm
from abusedesk.web.readers import may_set_up_alerts


class Row(NamedTuple):
    """A rota with who is on call now, and who takes over next and when."""

    rota: Rota
    who: str
    then: str
    at: datetime | None
    has_way: bool


def rows_of(rotas: Iterable[Rota], now: datetime) -> list[Row]:
    """Rotas with their people of now."""
    reached = set(Way.objects.filter(enabled=True).values_list("person", flat=True))
    found = []
    for one in rotas:
        (_, who), *later = turns.ahead(turns_of(one), now)
        at, then = later[0] if later else (None, "")
        found.append(Row(one, who, then, at, who in reached))
    return found


def on_call(request: HttpRequest) -> HttpResponse:
    """Rotas and ways, each to be changed."""
    context = {
        "rotas": rows_of(Rota.objects.select_related("brand").order_by("brand__name", "level"), timezone.now()),
        "ways": [(one, WAYS[one.kind].title if one.kind in WAYS else one.kind) for one in _ways()],
        "kinds": WAYS.items(),
        "brands": Brand.objects.order_by("name"),
        "may_change": may_set_up_alerts(request.user),
    }
    return render(request, "web/on_call.html", context)


def _ways() -> Iterable[Way]:
    return Way.objects.order_by("person", "position", "name")


# --- ways -----------------------------------------------------------------------------------------------------------


def new_way(request: HttpRequest, name: str) -> HttpResponse:
    """A new way of a kind."""
    if name not in WAYS:
        raise Http404("no such kind of way")
    return _edit_way(request, Way(kind=name))


def way(request: HttpRequest, pk: int) -> HttpResponse:
    """One way."""
    return _edit_way(request, get_object_or_404(Way, pk=pk))


def _edit_way(request: HttpRequest, one: Way) -> HttpResponse:
    _must_may(request)
    form = WayForm(one, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved. Send a test before you rely on it.", extra_tags="good")
        return redirect("on-call")
    context = {"form": form, "way": one, "title": WAYS[one.kind].title}
    return render(request, "web/way.html", context, status=422 if request.method == "POST" else 200)


@require_POST
def test_way(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a test now, and say what came back."""
    _must_may(request)
    one, now = get_object_or_404(Way, pk=pk), timezone.now()
    try:
        said = try_way(one, send_test(one, request.user.get_username(), now), now)
    except Unsent as error:
        messages.error(request, f"{one.name} did not take it: {error}", extra_tags="late")
    else:
        messages.success(request, f"{one.name} took it: {said}", extra_tags="good")
    return redirect("on-call")


@require_POST
def remove_way(request: HttpRequest, pk: int) -> HttpResponse:
    """Nobody is told by it any more. What it was told stays with the alerts."""
    _must_may(request)
    Way.objects.filter(pk=pk).delete()
    messages.info(request, "It is gone.", extra_tags="wait")
    return redirect("on-call")


# --- rotas ----------------------------------------------------------------------------------------------------------


def new_rota(request: HttpRequest) -> HttpResponse:
    """A new rota."""
    return _edit_rota(request, Rota(first=timezone.now().date()))


def rota(request: HttpRequest, pk: int) -> HttpResponse:
    """One rota, with who takes over when."""
    return _edit_rota(request, get_object_or_404(Rota, pk=pk))


def _edit_rota(request: HttpRequest, one: Rota) -> HttpResponse:
    _must_may(request)
    form = RotaForm(one, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved. It holds from now on.", extra_tags="good")
        return redirect("on-call")
    ahead = turns.ahead(turns_of(one), timezone.now()) if one.pk and request.method != "POST" else []
    context = {"form": form, "rota": one, "ahead": ahead}
    return render(request, "web/rota.html", context, status=422 if request.method == "POST" else 200)


@require_POST
def remove_rota(request: HttpRequest, pk: int) -> HttpResponse:
    """Nobody is on call on this level any more."""
    _must_may(request)
    Rota.objects.filter(pk=pk).delete()
    messages.info(request, "It is gone.", extra_tags="wait")
    return redirect("on-call")


# --- what wakes somebody --------------------------------------------------------------------------------------------


def severities(request: HttpRequest, slug: str) -> HttpResponse:
    """How grave each kind of alert is for a brand, and when its office is open."""
    brand = get_object_or_404(Brand, slug=slug)
    form = SeverityForm(brand, request.POST or None)
    more = {"hours": form["office_hours"], "rows": [form[kind] for kind in form.kinds()]}
    may, saved = may_set_up_alerts(request.user), "Saved. It holds from the next look on."
    return settings_page(request, brand, form, "web/severities.html", may=may, saved=saved, **more)


def _must_may(request: HttpRequest) -> None:
    if not may_set_up_alerts(request.user):
        raise PermissionDenied
