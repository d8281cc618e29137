"""Suppressions: what is known to be no abuse and how often it was met; each is tried on the past before it is saved."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Max, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.records import suppressions as kept
from abusedesk.records.models import Brand, Event, Report, Service, Suppression, SuppressionHit
from abusedesk.vocabulary.category import ILLEGAL_CONTENT
from abusedesk.web import paging, words
from abusedesk.web.readers import may_suppress
from abusedesk.web.suppression_form import EFFECTS, KINDS, SuppressionForm, shown_prefix

PAST = timedelta(days=30)
_SHOWN = 30


class Row(NamedTuple):
    """A suppression as the list shows it."""

    one: Suppression
    covers: str
    effect: str
    state: tuple[str, str]
    reports: int
    last_at: datetime | None


def _changer(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The page is for those who may change what is suppressed."""

    @wraps(view)
    def guarded(request: HttpRequest, **given: Any) -> HttpResponse:
        if not may_suppress(request.user):
            raise PermissionDenied
        return view(request, **given)

    return guarded


def suppressions(request: HttpRequest) -> HttpResponse:
    """Those that hold, or, apart, those that ended."""
    now, ended = timezone.now(), request.GET.get("state") == "ended"
    found = _matching(request.GET.get("q", "").strip())
    found = found.filter(until__lte=now) if ended else found.filter(Q(until=None) | Q(until__gt=now))
    if request.GET.get("brand"):
        found = found.filter(Q(brand__slug=request.GET["brand"]) | Q(brand=None))
    page = paging.newest_first(found.select_related("brand", "service"), "made_at", request.GET.get("after", ""))
    context = {
        "rows": _rows(page.rows, now),
        "next": page.next,
        "ended": ended,
        "brands": Brand.objects.order_by("name"),
        "may_change": may_suppress(request.user),
    }
    return render(request, "web/suppressions.html", context)


def suppression(request: HttpRequest, pk: int) -> HttpResponse:
    """One suppression: what it covers, what it caught, and who changed it."""
    one = get_object_or_404(Suppression.objects.select_related("brand", "service"), pk=pk)
    now = timezone.now()
    changes = list(one.changes.order_by("-pk")[:_SHOWN])
    services = list(
        one.hits.values("service_id").annotate(reports=Sum("reports"), events=Sum("events"), last=Max("last_at"))
    )
    known = Service.objects.in_bulk([row["service_id"] for row in services])
    services.sort(key=lambda row: row["last"], reverse=True)
    context = {
        "row": _rows([one], now)[0],
        "kind": KINDS.get(one.kind, one.kind),
        "effect_words": EFFECTS[one.effect],
        "changes": changes,
        "services": [(known.get(row["service_id"]), row) for row in services[:_SHOWN]],
        "reports": one.reports.select_related("reporter").order_by("-received_at")[:_SHOWN],
        "may_change": may_suppress(request.user),
        "runs": one.until is None or one.until > now,
    }
    return render(request, "web/suppression.html", context)


@_changer
def new_suppression(request: HttpRequest) -> HttpResponse:
    """A new one; `?report=ID` begins it with what that report says."""
    return _edit(request, None)


@_changer
def edit_suppression(request: HttpRequest, pk: int) -> HttpResponse:
    """Change one; one that ended holds again with its new end."""
    return _edit(request, get_object_or_404(Suppression.objects.select_related("service"), pk=pk))


@_changer
@require_POST
def end_suppression(request: HttpRequest, pk: int) -> HttpResponse:
    """End one now."""
    one = get_object_or_404(Suppression, pk=pk)
    kept.end(one, request.user.get_username(), timezone.now())
    messages.success(request, "Ended. Reports that come in from now on act again.", extra_tags="good")
    return redirect("suppression", pk)


@_changer
@require_POST
def undo_suppression(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Take the latest change back."""
    one = get_object_or_404(Suppression, pk=pk)
    if kept.undo(one, number, request.user.get_username(), timezone.now()):
        messages.success(request, "Taken back.", extra_tags="good")
    else:
        messages.info(request, "Somebody changed it since; look at it as it is now.", extra_tags="wait")
    return redirect("suppression", pk)


def suppressed_on(service: int) -> list[tuple[Suppression, dict[str, Any]]]:
    """What was suppressed on a service, by suppression, the latest first."""
    rows: list[Any] = list(
        SuppressionHit.objects.filter(service_id=service)
        .values("suppression_id")
        .annotate(reports=Sum("reports"), last=Max("last_at"))
        .order_by("-last")[:_SHOWN]
    )
    known = Suppression.objects.in_bulk([row["suppression_id"] for row in rows])
    return [(known[row["suppression_id"]], row) for row in rows]


def _edit(request: HttpRequest, row: Suppression | None) -> HttpResponse:
    begun = SuppressionForm.initial_of(row) if row else _begun(request)
    form = SuppressionForm(request.POST or None, initial=begun)
    catch, tried = None, False
    if request.method == "POST" and form.is_valid():
        filled = form.fill(row or Suppression(made_at=timezone.now()))
        if "save" in request.POST:
            return _save(request, filled)
        catch, tried = kept.would_have_caught(filled, timezone.now() - PAST), True
    status = 422 if request.method == "POST" and not form.is_valid() else 200
    context = {"form": form, "row": row, "catch": catch, "tried": tried, "days": PAST.days}
    return render(request, "web/suppression_edit.html", context, status=status)


def _save(request: HttpRequest, row: Suppression) -> HttpResponse:
    what = "changed" if row.pk else "added"
    kept.change(row, request.user.get_username(), timezone.now(), what)
    messages.success(request, f"“{row.name}” is saved and holds from the next message on.", extra_tags="good")
    return redirect("suppression", row.pk)


def _begun(request: HttpRequest) -> dict[str, Any]:
    """What the form begins with: who fills it in, and the report that asked for one."""
    begun: dict[str, Any] = {"owner": request.user.get_username(), "effect": "count_only"}
    report = _report(request.GET.get("report", ""))
    event = Event.objects.filter(report_id=report.pk).order_by("pk").first() if report else None
    if report is None or event is None or event.category in ILLEGAL_CONTENT:
        return begun
    service = Service.objects.filter(pk=event.service_id).first() if event.service_id else None
    sender = report.reporter.key if report.reporter else ""
    return {
        **begun,
        "network": event.ip or "",
        "service": service.ref if service else "",
        "sender": sender if "@" in sender or "." in sender else "",
        "category": event.category,
        "brand": report.brand_id,
    }


def _report(text: str) -> Report | None:
    try:
        return Report.objects.select_related("reporter").filter(pk=UUID(text)).first() if text else None
    except ValueError:
        return None


def _matching(text: str) -> "QuerySet[Suppression]":
    if not text:
        return Suppression.objects.all()
    plain = Q()
    for name in ("name", "reason", "sender", "owner", "category"):
        plain |= Q(**{f"{name}__icontains": text})
    return Suppression.objects.filter(plain | Q(service__ref__iexact=text))


def _rows(found: list[Suppression], now: datetime) -> list[Row]:
    hits: dict[int, Any] = {
        row["suppression_id"]: row
        for row in SuppressionHit.objects.filter(suppression__in=[one.pk for one in found])
        .values("suppression_id")
        .annotate(reports=Sum("reports"), last=Max("last_at"))
    }
    none = {"reports": 0, "last": None}
    return [
        Row(one, _covers(one), EFFECTS[one.effect].partition(":")[0], _state(one, now), hit["reports"], hit["last"])
        for one in found
        for hit in [hits.get(one.pk, none)]
    ]


def _covers(one: Suppression) -> str:
    """What it names, in words."""
    named = [
        shown_prefix(one.prefix),
        f"on {one.service}" if one.service else "",
        f"from {one.sender}" if one.sender else "",
        _category(one.category),
        f"port {one.port}" if one.port else "",
    ]
    return " · ".join(filter(None, named))


def _category(name: str) -> str:
    return f"{words.plain(name.removesuffix('/*'))}: all" if name.endswith("/*") else words.category(name)


def _state(one: Suppression, now: datetime) -> tuple[str, str]:
    if one.until is not None and one.until <= now:
        return (f"ended by {one.ended_by}" if one.ended_by else "ran out"), ""
    if one.until is not None and one.until - now < timedelta(days=7):
        return "ends soon", "wait"
    return "holds", "good"
