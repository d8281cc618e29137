"""A brand: its stop button, its dry run, the channels by which it hears, and its safeguards."""

from datetime import datetime, timedelta

from django import forms
from django.contrib import messages
from django.db.models import Count, Q, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.actuators.chain import names_of
from abusedesk.desk import appeals, brake, hold, telephone
from abusedesk.desk.answering import acknowledge, reminders
from abusedesk.desk.channel import drivers
from abusedesk.desk.oncall.kinds import OFFICE_HOURS
from abusedesk.desk.outcome import SETTING as TELL_OUTCOME
from abusedesk.desk.perform.words import SHOWS_IDENTITIES, shows_identities
from abusedesk.policy.parameters_of_the_desk import REMIND_BEFORE
from abusedesk.records.models import Brand, Channel, Deadline, Measure
from abusedesk.vocabulary.duration import plain_length
from abusedesk.vocabulary.measure import MEASURE_NOUN
from abusedesk.web import words

_SHOWN = 50
_RECEIPT = {"known": "to known reporters", "everybody": "to everybody who may be answered", "off": "none"}
_SHOWN_ELSEWHERE = {acknowledge.SETTING, TELL_OUTCOME, REMIND_BEFORE, SHOWS_IDENTITIES, OFFICE_HOURS}
_SHOWN_ELSEWHERE |= {appeals.PAUSES, appeals.HOURS, telephone.HOURS, telephone.TIMES}
_STALE = timedelta(minutes=15)


class StopForm(forms.Form):
    """Why the brand is stopped."""

    reason = forms.CharField(label="Reason, for everybody who looks at it later", max_length=300)


class ChannelRow:
    """A channel with how far it is behind."""

    def __init__(self, channel: Channel, now: datetime) -> None:
        self.channel = channel
        self.state, self.tone = _currency(channel, now)


def _currency(channel: Channel, now: datetime) -> tuple[str, words.Tone]:
    if not channel.enabled:
        return "switched off", ""
    if channel.error:
        return "cannot be reached", "late"
    if channel.always_current:
        return "always current", "good"
    if channel.watermark is None:
        return "never read", "late"
    behind = now - channel.watermark
    driver = drivers().get(channel.kind)
    late = behind > (driver.stale_after(channel) if driver else _STALE)
    return f"read up to {plain_length(behind)} ago", "late" if late else "good"


def brands(request: HttpRequest) -> HttpResponse:
    """Every brand with its state."""
    found = list(
        Brand.objects.order_by("name").annotate(
            waiting=Count("cases", filter=~Q(cases__needs=[]), distinct=True),
            running=Count("cases", filter=Q(cases__open=True), distinct=True),
        )
    )
    channels = [
        ChannelRow(channel, timezone.now()) for channel in Channel.objects.select_related("brand").order_by("name")
    ]
    return render(request, "web/brands.html", {"brands": found, "channels": channels})


def brand(request: HttpRequest, slug: str) -> HttpResponse:
    """One brand."""
    return _page(request, get_object_or_404(Brand, slug=slug), StopForm())


@require_POST
def stop(request: HttpRequest, slug: str) -> HttpResponse:
    """Press the stop button: from now on nothing acts against a customer of the brand."""
    one = get_object_or_404(Brand, slug=slug)
    form = StopForm(request.POST)
    if not form.is_valid():
        return _page(request, one, form, status=422)
    hold.press(one, request.user.get_username(), form.cleaned_data["reason"], timezone.now())
    messages.warning(
        request, f"{one.name} is stopped. Nothing acts against its customers until it is released.", extra_tags="late"
    )
    return redirect("brand", slug)


@require_POST
def release(request: HttpRequest, slug: str) -> HttpResponse:
    """Release the stop button: deadlines move by the length of the pause, what waited goes out."""
    one = get_object_or_404(Brand, slug=slug)
    hold.release(one, request.user.get_username(), timezone.now())
    messages.success(
        request, f"{one.name} runs again. Its deadlines moved by the length of the pause.", extra_tags="good"
    )
    return redirect("brand", slug)


@require_POST
def dry_run(request: HttpRequest, slug: str) -> HttpResponse:
    """Switch the dry run: what is decided under it is recorded and never goes out.

    It ends in a stop, because deadlines came due meanwhile and a person looks before they fire.
    """
    one = get_object_or_404(Brand, slug=slug)
    wanted = request.POST.get("dry_run") == "on"
    if one.dry_run and not wanted:
        hold.press(one, request.user.get_username(), "the dry run ended; see what would fire", timezone.now())
    Brand.objects.filter(slug=slug).update(dry_run=wanted)
    text = "Decisions are recorded, nothing goes out." if wanted else "The dry run is over. Look, then release."
    messages.info(request, text, extra_tags="wait")
    return redirect("brand", slug)


def _page(request: HttpRequest, one: Brand, form: StopForm, status: int = 200) -> HttpResponse:
    now = timezone.now()
    context = {
        "brand": one,
        "form": form,
        "held": _preview(one, now) if one.held_since else None,
        "proposals": one.proposals.filter(closed_at=None).count(),
        "braked": brake.held_of(one).count(),
        "soon": Deadline.objects.filter(brand=one, state="open", paused_at=None)
        .select_related("case__service", "case__customer")
        .order_by("due")[:8],
        "channels": [ChannelRow(channel, now) for channel in one.channels.order_by("name")],
        "addresses": one.addresses.order_by("kind", "address"),
        "holds": one.holds.order_by("-since")[:10],
        "standing": Measure.objects.filter(brand=one, state="in_force")
        .values("kind")
        .annotate(n=Count("pk"))
        .order_by("kind"),
        "actuators": sorted((MEASURE_NOUN.get(kind, kind), names_of(entry)) for kind, entry in one.actuators.items()),
        "settings": sorted(
            (words.plain(name), value)
            for name, value in one.settings.items()
            if not isinstance(value, dict) and name not in _SHOWN_ELSEWHERE
        ),
        "receipt": _RECEIPT[acknowledge.setting_of(one)],
        "outcome": acknowledge.tells_outcome(one),
        "reminder": plain_length(reminders.before(one, now)) if reminders.before(one, now) else "",
        "identities": shows_identities(one),
        "appeal_hours": appeals.hours(one),
        "appeal_pauses": appeals.pauses(one),
        "telephone_hours": telephone.hours(one),
    }
    return render(request, "web/brand.html", context, status=status)


def _preview(one: Brand, now: datetime) -> hold.Preview:
    """What a release would set off, with the cases' names fetched at once."""
    found = hold.preview(one, now, _SHOWN)
    deadlines = [*found.overdue, *(deadline for _, deadline in found.next_due)]
    prefetch_related_objects(deadlines, "case__service", "case__customer")
    prefetch_related_objects(list(found.measures), "case__service", "case__customer")
    return found
