"""On the telephone: lift a measure of a service for some hours, without an approver; it is taken again by itself."""

from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from abusedesk.desk import telephone as desk
from abusedesk.problem import Problem
from abusedesk.records.models import Measure, Service
from abusedesk.web import words


class TelephoneForm(forms.Form):
    """Which measure, for how long, and why."""

    token = forms.CharField(widget=forms.HiddenInput, max_length=64)
    measure = forms.ChoiceField(label="Lift", widget=forms.RadioSelect)
    hours = forms.IntegerField(label="For how many hours", min_value=1)
    reason = forms.CharField(label="Why", max_length=300)

    def __init__(self, measures: list[Measure], most: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(str(one.pk), words.measure(one.kind, port=one.port, ip=one.ip)) for one in measures]
        self.fields["measure"].choices = choices  # type: ignore[attr-defined]
        self.fields["hours"].max_value = most  # type: ignore[attr-defined]
        self.fields["hours"].widget.attrs["max"] = most


def telephone(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose what is lifted, and lift it."""
    service = get_object_or_404(Service.objects.select_related("brand", "customer"), pk=pk)
    by, now = request.user.get_username(), timezone.now()
    found = Measure.objects.filter(service=service, decided="in_force").select_related("brand", "service")
    measures = [one for one in found.order_by("-at", "-pk") if desk.may_lift(one)]
    most, left = desk.hours(service.brand), desk.times(service.brand) - desk.used(service.brand, by, now)
    first = {"token": uuid4().hex, "measure": str(measures[0].pk) if measures else "", "hours": min(most, 4)}
    form = TelephoneForm(measures, most, request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        measure = next(one for one in measures if str(one.pk) == data["measure"])
        try:
            done = desk.lift(measure, data["hours"], by, data["reason"], token=data["token"], now=now)
        except Problem as problem:
            form.add_error(None, str(problem))
        else:
            _say(request, measure, data["hours"], is_new=done is not None)
            return redirect("service", pk)
    context = {"service": service, "form": form, "measures": measures, "most": most, "left": max(left, 0)}
    return render(request, "web/telephone.html", context, status=422 if request.method == "POST" else 200)


def _say(request: HttpRequest, measure: Measure, hours: int, *, is_new: bool) -> None:
    if not is_new:
        messages.info(request, "This form was sent twice; it counted once.")
        return
    noun = words.measure(measure.kind, port=measure.port, ip=measure.ip)
    text = f"The {noun} is being lifted. It is taken again in {hours} h, unless something changed by then."
    messages.success(request, text, extra_tags="good")
