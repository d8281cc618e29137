"""Inventories: the systems that say who holds what, set up, tried, compared; what they would change, before it is."""

import csv
import secrets
from collections import Counter
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk.inventory import apply, compare, rounds
from abusedesk.desk.inventory.difference import HEADER, Difference, in_words, rows
from abusedesk.desk.inventory.driver import Driver, drivers
from abusedesk.desk.inventory.state import State, is_stale, state_of
from abusedesk.problem import Problem
from abusedesk.records.models import Comparison, Contradiction, Inventory
from abusedesk.web.inventory_form import InventoryForm
from abusedesk.web.readers import may_change_inventories

SHOWN = 200
SHOWN_PAST = 20


class Row(NamedTuple):
    """An inventory as the list shows it."""

    inventory: Inventory
    title: str
    state: State
    tone: str
    next_at: Any
    waiting: Comparison | None

    @property
    def believed(self) -> list[str]:
        """What it is believed about, with its ranks."""
        one = self.inventory
        if one.kind not in drivers():
            return ["what no other inventory says"]
        ranks = {"customers": one.rank_customers, "services": one.rank_services, "addresses": one.rank_assignments}
        return [f"{about} ({rank})" for about, rank in ranks.items() if rank]


def inventories(request: HttpRequest) -> HttpResponse:
    """Every inventory with how it does, and the kinds that can be added."""
    waiting = {one.inventory_id: one for one in Comparison.objects.filter(state=compare.WAITING)}
    found = Inventory.objects.select_related("brand").order_by("brand__name", "name")
    context = {
        "rows": [_row(one, waiting.get(one.pk)) for one in found],
        "drivers": list(drivers().values()),
        "contradictions": Contradiction.objects.filter(ended_at=None, choice="").count(),
        "may_change": may_change_inventories(request.user),
    }
    return render(request, "web/inventory_list.html", context)


def _row(one: Inventory, waiting: Comparison | None) -> Row:
    now = timezone.now()
    state = state_of(one, now)
    known = drivers().get(one.kind)
    following = rounds.next_at(one) if one.enabled and known else None
    tone = "good" if state.well and one.enabled else "late" if is_stale(one, now) or one.failing_since else ""
    return Row(one, known.title if known else one.kind.upper(), state, tone, following, waiting)


def new_inventory(request: HttpRequest, name: str) -> HttpResponse:
    """A new inventory of a kind."""
    driver = drivers().get(name)
    if driver is None:
        raise Http404("no such kind of inventory")
    return _edit(request, driver, None)


def inventory(request: HttpRequest, pk: int) -> HttpResponse:
    """One inventory: its settings, and what it changed."""
    one = get_object_or_404(Inventory.objects.select_related("brand"), pk=pk)
    return _edit(request, drivers().get(one.kind), one)


def _edit(request: HttpRequest, driver: Driver | None, one: Inventory | None) -> HttpResponse:
    may_change = may_change_inventories(request.user)
    if not may_change and (one is None or request.method == "POST"):
        raise PermissionDenied
    initial = InventoryForm.initial_of(one) if one else InventoryForm.initial_for(driver) if driver else {}
    form = InventoryForm(driver, one, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        kind = driver.kind if driver else ""
        saved = form.save(one or Inventory(kind=kind, hook_secret=secrets.token_urlsafe(32)))
        text = (
            "Saved."
            if one
            else "Added. Try the connection; it is compared within a minute, and its first reading waits for you."
        )
        messages.success(request, text, extra_tags="good")
        return redirect("inventory", saved.pk)
    context = {
        "form": form,
        "driver": driver,
        "inventory": one,
        "row": _row(one, None) if one else None,
        "comparisons": _comparisons(one) if one else [],
        "may_change": may_change,
        "hook": request.build_absolute_uri(f"/hooks/inventory/{one.pk}") if one and driver else "",
    }
    return render(request, "web/inventory.html", context, status=422 if request.method == "POST" else 200)


def _comparisons(one: Inventory) -> list[tuple[Comparison, list[tuple[str, int]]]]:
    kept = one.comparisons.exclude(state=compare.REPLACED).defer("claims", "difference", "made").order_by("-pk")
    return [(row, in_words(row.figures)) for row in kept[:SHOWN_PAST]]


@require_POST
def act_on_inventory(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Try the connection, compare soon, or switch it off and on."""
    _must_may(request)
    one = get_object_or_404(Inventory, pk=pk)
    if name not in _ACTS:
        raise Http404("no such action")
    _ACTS[name](request, one)
    return redirect("inventory", pk)


def _probe(request: HttpRequest, one: Inventory) -> None:
    try:
        driver = drivers()[one.kind]
        messages.success(request, driver.probe(one.options), extra_tags="good")
    except KeyError:
        messages.error(request, "It is not asked: CSV files bring what it says.", extra_tags="late")
    except (Problem, OSError) as problem:
        messages.error(request, str(problem), extra_tags="late")


def _soon(request: HttpRequest, one: Inventory) -> None:
    Inventory.objects.filter(pk=one.pk).update(wanted_at=timezone.now() - rounds.SETTLING)
    messages.info(request, f"{one.name} is compared now; load this page again in a moment.", extra_tags="wait")


def _switch(request: HttpRequest, one: Inventory) -> None:
    Inventory.objects.filter(pk=one.pk).update(enabled=not one.enabled)
    off = f"{one.name} is switched off: nobody asks it, and what it said grows stale."
    messages.info(request, off if one.enabled else f"{one.name} is asked again.", extra_tags="wait")


_ACTS = {"probe": _probe, "compare": _soon, "switch": _switch}


def difference(request: HttpRequest, pk: int) -> HttpResponse:
    """A difference: how much it changes, then every row."""
    one = get_object_or_404(Comparison.objects.select_related("inventory__brand"), pk=pk)
    found = list(rows(_difference(one)))
    kind = request.GET.get("kind", "")
    chosen = [row for row in found if not kind or row[0] == kind]
    context = {
        "comparison": one,
        "inventory": one.inventory,
        "figures": in_words(one.figures),
        "rows": [(*row[:4], datetime.fromisoformat(row[4]) if row[4] else None) for row in chosen[:SHOWN]],
        "kinds": list(Counter(row[0] for row in found).items()),
        "all": len(found),
        "kind": kind,
        "more": max(len(chosen) - SHOWN, 0),
        "may_change": may_change_inventories(request.user),
    }
    return render(request, "web/difference.html", context)


def difference_csv(request: HttpRequest, pk: int) -> HttpResponse:  # noqa: ARG001 - all views are called alike
    """The whole difference as CSV."""
    one = get_object_or_404(Comparison.objects.select_related("inventory"), pk=pk)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{one.inventory.name}-{one.pk}.csv"'
    writer = csv.writer(response)
    writer.writerow(HEADER)
    writer.writerows([_harmless(cell) for cell in row] for row in rows(_difference(one)))
    return response


def _harmless(cell: str) -> str:
    """A spreadsheet takes what begins so for a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


def _difference(one: Comparison) -> Difference:
    return msgspec.json.decode(bytes(one.difference), type=Difference)


@require_POST
def decide_difference(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Write a difference, leave it, or take it back."""
    _must_may(request)
    one = get_object_or_404(Comparison.objects.select_related("inventory__brand"), pk=pk)
    by = request.user.get_username()
    try:
        return _DECISIONS[name](request, one, by)
    except KeyError:
        raise Http404("no such decision") from None
    except Problem as problem:
        messages.error(request, f"{str(problem)[0].upper()}{str(problem)[1:]}.", extra_tags="late")
        return redirect("inventory", one.inventory_id)


def _approve(request: HttpRequest, one: Comparison, by: str) -> HttpResponse:
    done = compare.approve(one, by, request.POST.get("digest", ""))
    if done.why and done.comparison is not None:
        messages.warning(request, "What is stored has changed meanwhile: look at it once more.", extra_tags="late")
        return redirect("difference", done.comparison.pk)
    messages.success(request, "Written. It can be taken back as one step.", extra_tags="good")
    return redirect("difference", done.comparison.pk) if done.comparison else redirect("inventory", one.inventory_id)


def _reject(request: HttpRequest, one: Comparison, by: str) -> HttpResponse:
    compare.reject(one, by)
    messages.info(request, "Left. The records stay, and the same difference does not ask again.", extra_tags="wait")
    return redirect("inventory", one.inventory_id)


def _undo(request: HttpRequest, one: Comparison, by: str) -> HttpResponse:
    apply.undo(one, by)
    messages.success(request, "Taken back. The next difference waits for a person.", extra_tags="good")
    return redirect("difference", one.pk)


_DECISIONS = {"approve": _approve, "reject": _reject, "undo": _undo}


def _must_may(request: HttpRequest) -> None:
    if not may_change_inventories(request.user):
        raise PermissionDenied
