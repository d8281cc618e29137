"""Contradictions between inventories: both claims, what holds meanwhile, and a person's choice."""

from collections.abc import Sequence
from typing import NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from abusedesk.desk.inventory import disputes
from abusedesk.problem import Problem
from abusedesk.records.models import Contradiction, Customer, Service
from abusedesk.web import paging
from abusedesk.web.readers import may_change_inventories

QUESTIONS = {
    "holder": "Who holds it?",
    "customer": "Whose service is it?",
    "running": "Does it run?",
}


class Claim(NamedTuple):
    """One side: what it says, who says so, and whom that means."""

    value: str
    name: str
    means: str


class Row(NamedTuple):
    """A contradiction as the page shows it."""

    one: Contradiction
    question: str
    claims: list[Claim]


def contradictions(request: HttpRequest) -> HttpResponse:
    """What is in dispute; with `show=decided` what people chose."""
    decided = request.GET.get("show") == "decided"
    still = Contradiction.objects.filter(ended_at=None).select_related("brand")
    shown = still.exclude(choice="") if decided else still.filter(choice="")
    page = paging.latest_made(shown, request.GET.get("after", ""))
    context = {
        "rows": _rows(page.rows),
        "next": page.next,
        "decided": decided,
        "undecided_number": still.filter(choice="").count(),
        "decided_number": still.exclude(choice="").count(),
        "may_change": may_change_inventories(request.user),
    }
    return render(request, "web/contradictions.html", context)


def _rows(found: Sequence[Contradiction]) -> list[Row]:
    meant = _meant(found)
    return [
        Row(
            one,
            QUESTIONS.get(one.fact, one.fact),
            [
                Claim(said["value"], said["name"], meant.get((one.fact, one.brand_id, said["value"]), ""))
                for said in one.claims
            ],
        )
        for one in found
    ]


def _meant(found: Sequence[Contradiction]) -> dict[tuple[str, int, str], str]:
    """Whom an id in a claim means, by fact, brand and id."""
    said = {fact: {one["value"] for row in found if row.fact == fact for one in row.claims} for fact in QUESTIONS}
    services = Service.objects.filter(ref__in=said["holder"]).select_related("customer")
    customers = Customer.objects.filter(ref__in=said["customer"])
    return {
        **{("holder", one.brand_id, one.ref): f"{one} of {one.customer.name}" for one in services},
        **{("customer", one.brand_id, one.ref): one.name for one in customers},
    }


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose one of the claims, or take the choice back."""
    if not may_change_inventories(request.user):
        raise PermissionDenied
    one = get_object_or_404(Contradiction, pk=pk)
    value = request.POST.get("value", "")
    try:
        disputes.decide(one, value, request.user.get_username())
    except Problem as problem:
        messages.error(request, f"{problem}.", extra_tags="late")
    else:
        text = f"{one.subject}: {value}. It holds while the claims stay as they are." if value else "Taken back."
        messages.success(request, text, extra_tags="good")
    return redirect("contradictions")
