"""Alerts: what is wrong, who was told and what came of it, and a person's word that they have it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from abusedesk.desk.oncall.book import acknowledge
from abusedesk.desk.oncall.kinds import KINDS, TEST
from abusedesk.desk.oncall.telling import telling_behind
from abusedesk.records.models import Alert, Rota, Telling, Way
from abusedesk.web.views.on_call import rows_of

_PAST = 50


def alerts(request: HttpRequest) -> HttpResponse:
    """What is wrong now, what nobody has and the gravest first; who is on call; what was wrong of late."""
    found = Alert.objects.exclude(kind=TEST).select_related("brand")
    context = {
        "open": found.filter(over_at=None).order_by(
            F("acknowledged_at").asc(nulls_first=True), "severity", "opened_at"
        ),
        "past": found.exclude(over_at=None).order_by("-opened_at")[:_PAST],
        "rotas": rows_of(Rota.objects.select_related("brand").order_by("brand__name", "level"), timezone.now()),
        "reached": Way.objects.filter(enabled=True).exists(),
    }
    return render(request, "web/alerts.html", context)


def alert(request: HttpRequest, pk: int) -> HttpResponse:
    """One alert: what it is about, and every telling with its receipts."""
    one = get_object_or_404(Alert.objects.select_related("brand"), pk=pk)
    title = KINDS[one.kind].title if one.kind in KINDS else "A test"
    tellings = one.tellings.order_by("pk")
    return render(request, "web/alert.html", {"alert": one, "title": title, "tellings": tellings})


@require_POST
def have(request: HttpRequest, pk: int) -> HttpResponse:
    """Whoever is signed in has it."""
    one = get_object_or_404(Alert, pk=pk)
    if acknowledge(one, request.user.get_username(), timezone.now()):
        messages.success(request, "You have it. Nobody else is woken.", extra_tags="good")
    else:
        messages.info(request, "Somebody has it already, or it is over.", extra_tags="wait")
    return redirect("alerts")


def _for_anybody(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Kept by nobody, found by no search engine, and telling no other site where it was."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **given: Any) -> HttpResponse:
        response = view(request, *args, **given)
        # "no-referrer" would make browsers send the form as from nowhere, and it would be refused.
        response["Referrer-Policy"] = "same-origin"
        response["X-Robots-Tag"] = "noindex"
        return response

    return never_cache(shown)


@_for_anybody
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponse:
    """What the link in an alert leads to: its words, and one button. Opening it does nothing: scanners open links."""
    now = timezone.now()
    telling = telling_behind(token, now)
    if telling is None:
        return render(request, "public/alert.html", _page(None), status=404)
    if request.method == "POST":
        acknowledge(telling.alert, _whose(telling), now)
        telling.alert.refresh_from_db()
    return render(request, "public/alert.html", _page(telling))


def _page(telling: Telling | None) -> dict[str, Any]:
    return {"language": "en", "title": "Alert", "telling": telling, "alert": telling.alert if telling else None}


def _whose(telling: Telling) -> str:
    return telling.person or f"the link to {telling.way or 'the team'}"
