"""Who had an address at a moment: the answer first, then the address's whole history."""

from datetime import UTC, datetime
from ipaddress import ip_address

from django import forms
from django.db.models import Func, Value
from django.db.models.fields import BooleanField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from abusedesk.records.models import Assignment
from abusedesk.web.spans import spans_of


class Question(forms.Form):
    """An address and a moment; no moment is now."""

    ip = forms.CharField(max_length=60)
    at = forms.CharField(max_length=40, required=False)

    def clean_ip(self) -> str:
        text = self.cleaned_data["ip"].strip().strip("[]")
        try:
            return str(ip_address(text))
        except ValueError:
            raise forms.ValidationError(f"{text} is no address; write one such as 192.0.2.10 or 2001:db8::1.") from None

    def clean_at(self) -> datetime:
        text = self.cleaned_data["at"].strip()
        if not text:
            return timezone.now()
        found = _read_moment(text)
        if found is None:
            raise forms.ValidationError("Write a moment such as 2026-02-01 14:30; without a zone it is UTC.")
        return found


def _read_moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
        day = None if moment else parse_date(text)
    except ValueError:
        return None
    if day:
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if moment is None:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def holder(request: HttpRequest) -> HttpResponse:
    """The question, and below it the answer when one was asked."""
    if "ip" not in request.GET:
        return render(request, "web/holder.html", {"form": Question()})
    form = Question(request.GET)
    if not form.is_valid():
        return render(request, "web/holder.html", {"form": form}, status=422)
    ip, moment = form.cleaned_data["ip"], form.cleaned_data["at"]
    history = history_of(ip)
    scale = spans_of(history, moment)
    answer = next((span for span in scale.spans if span.on), None)
    return render(
        request,
        "web/holder.html",
        {"form": form, "ip": ip, "moment": moment, "asked": True, "answer": answer, "scale": scale},
    )


def history_of(ip: str) -> list[Assignment]:
    """Every assignment that ever covered an address, the longest prefix first, then the latest."""
    covers = Func("prefix", Value(ip), template="%(expressions)s", arg_joiner=" >>= ", output_field=BooleanField())
    found = (
        Assignment.objects.annotate(covers=covers)
        .filter(covers=True)
        .select_related("service__customer", "service__brand")
    )
    return sorted(found, key=lambda one: (-one.prefix.prefixlen, -one.period.lower.timestamp()))
