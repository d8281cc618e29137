"""The brands' own space: which prefixes are theirs, what of it nobody holds, and what of that was complained about."""

import csv
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk.inventory import free
from abusedesk.desk.inventory.free import Range
from abusedesk.records.models import Brand, OwnPrefix
from abusedesk.web.readers import may_change_inventories

SHOWN = 200
LOOKED_BACK = timedelta(days=30)

_HELD = """
SELECT DISTINCT text(assignment.prefix) FROM records_assignment assignment
JOIN records_service service ON service.id = assignment.service_id
WHERE service.until IS NULL AND upper_inf(assignment.period)
"""

_TOLD = """
SELECT host(event.ip), sum(event.count) FROM records_event event
WHERE event.service_id IS NULL AND event.ip IS NOT NULL AND event.received_at > %s AND event.brand_id = %s
GROUP BY event.ip
"""


class OwnForm(forms.Form):
    """A prefix that is a brand's own."""

    brand = forms.ModelChoiceField(label="Brand", queryset=Brand.objects.order_by("name"))
    network = forms.CharField(label="Prefix", max_length=50)

    def clean_network(self) -> str:
        """The prefix in its canonical form."""
        text = self.cleaned_data["network"].strip()
        try:
            return str(ip_network(text))
        except ValueError:
            raise forms.ValidationError(
                f"{text} is no prefix; write one such as 192.0.2.0/24 or 2001:db8::/48."
            ) from None


def unassigned(request: HttpRequest) -> HttpResponse:
    """The own prefixes of a brand, and the ranges of them that nobody holds."""
    return _page(request, OwnForm())


def _page(request: HttpRequest, form: OwnForm, status: int = 200) -> HttpResponse:
    brands = list(Brand.objects.order_by("name"))
    chosen = next((one for one in brands if one.slug == request.GET.get("brand")), brands[0] if brands else None)
    ranges = _ranges(chosen) if chosen else []
    told = request.GET.get("show") == "complained"
    shown = [one for one in ranges if one.events] if told else ranges
    context = {
        "brands": brands,
        "chosen": chosen,
        "form": form,
        "own": list(chosen.own_prefixes.select_related("inventory").order_by("prefix")) if chosen else [],
        "ranges": shown[:SHOWN],
        "more": max(len(shown) - SHOWN, 0),
        "number": len(ranges),
        "complained": sum(bool(one.events) for one in ranges),
        "told": told,
        "may_change": may_change_inventories(request.user),
    }
    return render(request, "web/unassigned.html", context, status=status)


def _ranges(brand: Brand) -> list[Range]:
    own = [one.prefix for one in brand.own_prefixes.all()]
    held = [ip_network(text) for (text,) in _rows(_HELD)] if own else []
    told = dict(_rows(_TOLD, timezone.now() - LOOKED_BACK, brand.pk)) if own else {}
    return free.with_events(free.unassigned(own, held), {ip: int(number) for ip, number in told.items()})


def unassigned_csv(request: HttpRequest) -> HttpResponse:
    """Every range of every brand, or of one, that nobody holds."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="unassigned.csv"'
    writer = csv.writer(response)
    writer.writerow(("brand", "first", "last", "addresses", "events_30_days"))
    slug = request.GET.get("brand")
    for brand in Brand.objects.filter(**({"slug": slug} if slug else {})).order_by("slug"):
        writer.writerows((brand.slug, one.first, one.last, one.size, one.events) for one in _ranges(brand))
    return response


@require_POST
def own(request: HttpRequest) -> HttpResponse:
    """Add a prefix that is the brand's own, or take one away that was typed in."""
    if not may_change_inventories(request.user):
        raise PermissionDenied
    if request.POST.get("remove", "").isdigit():
        OwnPrefix.objects.filter(pk=int(request.POST["remove"]), inventory=None).delete()
        return redirect("unassigned")
    form = OwnForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    brand = form.cleaned_data["brand"]
    made: Any = {"added_by": request.user.get_username(), "added_at": timezone.now(), "inventory": None}
    OwnPrefix.objects.update_or_create(brand=brand, prefix=form.cleaned_data["network"], defaults=made)
    messages.success(request, f"{form.cleaned_data['network']} is {brand.name}'s own.", extra_tags="good")
    response = redirect("unassigned")
    response["Location"] += f"?brand={brand.slug}"
    return response


def _rows(query: str, *arguments: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, arguments)
        return list(cursor.fetchall())
