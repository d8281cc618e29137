"""Listings: which addresses stand on which blocklist, how each list does, and one address asked about now."""

from ipaddress import ip_address

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from abusedesk.desk.listings.places import KIND
from abusedesk.records.holders import holders
from abusedesk.records.models import Channel, Listing, ListingQuestion, SweptBlock
from abusedesk.web import listings as shape
from abusedesk.web import paging

_SHOW = ("present", "past", "all")


def listings(request: HttpRequest) -> HttpResponse:
    """The lists with their health, the entries, and what is shown without accusing anybody."""
    name, text, show = (request.GET.get(key, "").strip() for key in ("list", "q", "show"))
    found = Listing.objects.select_related("service", "brand")
    blocks = SweptBlock.objects.exclude(shown={})
    if show != "all":
        found = found.filter(gone_at__isnull=show != "past")
    if name:
        found, blocks = found.filter(blocklist=name), blocks.filter(blocklist=name)
    if text:
        found = found.filter(shape.matching(text))
    page = paging.newest_first(found, "seen_at", request.GET.get("after", ""))
    context = {
        "lists": shape.lists(timezone.now()),
        "rows": [shape.entry(one) for one in page.rows],
        "next": page.next,
        "names": _names(),
        "shown": [] if text else shape.shown(blocks.order_by("blocklist", "block")[: shape.BLOCKS]),
        "more_blocks": 0 if text else max(blocks.count() - shape.BLOCKS, 0),
        **_asked(request.GET.get("asked", "")),
    }
    return render(request, "web/listings.html", context)


def answers(request: HttpRequest) -> HttpResponse:
    """What the lists said of the address asked about: the part of the page that fills in by itself."""
    return render(request, "web/listing_answers.html", _asked(request.GET.get("asked", "")))


@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Put an address first in the next round of every list that is asked."""
    text = request.POST.get("ip", "").strip().strip("[]")
    wrong = _wrong(text)
    if wrong:
        messages.error(request, wrong, extra_tags="late")
        return redirect("listings")
    address = str(ip_address(text))
    now, who = timezone.now(), request.user.get_username()
    channels = Channel.objects.filter(kind=KIND, enabled=True)
    open_ones = set(ListingQuestion.objects.filter(address=address, answered_at=None).values_list("channel", flat=True))
    ListingQuestion.objects.bulk_create(
        [
            ListingQuestion(channel=one, address=address, asked_at=now, asked_by=who)
            for one in channels
            if one.pk not in open_ones
        ]
    )
    return redirect(f"{reverse('listings')}?{urlencode({'asked': address})}#asked")


def _wrong(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return f"{text[:60]!r} is no address; write one such as 192.0.2.10 or 2001:db8::1."
    if not Channel.objects.filter(kind=KIND, enabled=True).exists():
        return "No list is asked; add one under Channels."
    if not holders().assignments.history(address):
        return f"No service of yours ever held {address}; lists are asked about your own addresses only."
    return ""


def _asked(text: str) -> dict[str, object]:
    try:
        address = str(ip_address(text))
    except ValueError:
        return {}
    found = ListingQuestion.objects.filter(address=address).select_related("channel").order_by("channel", "-asked_at")
    newest = list(found.distinct("channel"))
    return {
        "asked": address,
        "answers": [(shape.title_of(one.channel), one) for one in newest],
        "waiting": any(one.answered_at is None for one in newest),
    }


def _names() -> list[tuple[str, str]]:
    return list(Listing.objects.order_by("title").values_list("blocklist", "title").distinct())
