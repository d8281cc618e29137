"""Channels: how each one does, and those that are asked set up, changed and switched off while everything runs."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk.channel import Driver, drivers
from abusedesk.records.models import Channel
from abusedesk.web.channel_form import ChannelForm
from abusedesk.web.readers import may_change_channels
from abusedesk.web.views.brand import ChannelRow


def channels(request: HttpRequest) -> HttpResponse:
    """Every channel with its health, and the kinds that can be added."""
    now = timezone.now()
    found = Channel.objects.select_related("brand").order_by("name")
    context = {
        "rows": [(ChannelRow(one, now), drivers().get(one.kind)) for one in found],
        "drivers": list(drivers().values()),
        "may_change": may_change_channels(request.user),
    }
    return render(request, "web/channel_list.html", context)


def new_channel(request: HttpRequest, name: str) -> HttpResponse:
    """A new channel of a kind."""
    return _edit(request, _driver(name), None)


def channel(request: HttpRequest, pk: int) -> HttpResponse:
    """One channel that is asked."""
    one = get_object_or_404(Channel, pk=pk)
    return _edit(request, _driver(one.kind), one)


@require_POST
def switch_channel(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a channel off, or on again. One that is off holds no deadline back."""
    _must_may(request)
    one = get_object_or_404(Channel, pk=pk)
    Channel.objects.filter(pk=pk).update(enabled=not one.enabled)
    text = f"{one.name} is switched off: nobody asks it, and no deadline waits for it."
    messages.info(request, text if one.enabled else f"{one.name} is asked again.", extra_tags="wait")
    return redirect("channels")


def _edit(request: HttpRequest, driver: Driver, one: Channel | None) -> HttpResponse:
    _must_may(request)
    form = ChannelForm(driver, one, request.POST or None, initial=ChannelForm.initial_of(one) if one else None)
    if request.method == "POST" and form.is_valid():
        saved = _save(form, driver, one)
        text = f"Saved. It is asked within two seconds. {driver.about(saved)}".strip()
        messages.success(request, text, extra_tags="good")
        return redirect("channels")
    status = 422 if request.method == "POST" else 200
    about = driver.about(one) if one else ""
    context = {"form": form, "driver": driver, "channel": one, "about": about}
    return render(request, "web/channel.html", context, status=status)


def _save(form: ChannelForm, driver: Driver, one: Channel | None) -> Channel:
    row = one or Channel(kind=driver.kind)
    given, options = form.cleaned_data, form.options()
    if row.options != options:
        # What the driver remembers is about another place.
        row.memory = {}
    row.name, row.brand, row.carries_answers = given["name"], given["brand"], given["carries_answers"]
    row.reporter = given.get("reporter")
    row.options, row.error, row.failing_since = options, "", None
    row.save()
    return row


def _driver(kind: str) -> Driver:
    found = drivers().get(kind)
    if found is None:
        raise Http404("no such kind of channel, or one that is not asked")
    return found


def _must_may(request: HttpRequest) -> None:
    if not may_change_channels(request.user):
        raise PermissionDenied
