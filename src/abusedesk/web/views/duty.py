"""Duties: what upstreams demand of the provider, until when, and a person's word that it is done."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from abusedesk.desk import upstream
from abusedesk.records.models import Case, Duty, UpstreamMeasure

_CLOSED = 50


class DoneForm(forms.Form):
    """What was done about a duty."""

    done = forms.CharField(
        label="What was done",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept with the duty and in the timeline. The upstream is not told: answer it where it asked.",
    )
    button = "It is done"


def duties(request: HttpRequest) -> HttpResponse:
    """Those that are open, the most urgent first, the last closed, and the measures of upstreams that stand."""
    found = Duty.objects.select_related("brand", "service")
    context = {
        "open": found.filter(closed_at=None).order_by("due"),
        "closed": found.exclude(closed_at=None).order_by("-closed_at")[:_CLOSED],
        "standing": UpstreamMeasure.objects.filter(lifted_at=None).select_related("brand").order_by("-set_at"),
    }
    return render(request, "web/duties.html", context)


def duty(request: HttpRequest, pk: int) -> HttpResponse:
    """One duty, and the form that closes it."""
    one = get_object_or_404(Duty.objects.select_related("brand", "service__customer"), pk=pk)
    form = DoneForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _closed(request, one, form.cleaned_data["done"])
    cases = Case.objects.filter(service=one.service).order_by("-last_at") if one.service else Case.objects.none()
    status = 422 if request.method == "POST" else 200
    return render(request, "web/duty.html", {"duty": one, "form": form, "cases": cases}, status=status)


def _closed(request: HttpRequest, one: Duty, done: str) -> HttpResponse:
    if upstream.close(one, done, request.user.get_username(), timezone.now()):
        messages.success(request, "Closed.", extra_tags="good")
    else:
        messages.info(request, "Somebody has closed it already.", extra_tags="wait")
    return redirect("duty", pk=one.pk)
