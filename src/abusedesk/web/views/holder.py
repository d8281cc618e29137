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
from abusedesk.vocabulary.holding import PORTS
from abusedesk.web.spans import Span, spans_of


class Question(forms.Form):
    """An address, a source port where several share the address, and a moment; no moment is now."""

    ip = forms.CharField(max_length=60)
    port = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=PORTS - 1,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), "A port is a number from 0 to 65535."),
    )
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
    sharing = _sharing(scale.spans)
    answer = _answer(scale.spans, form.cleaned_data["port"])
    context = {"form": form, "ip": ip, "port": form.cleaned_data["port"], "moment": moment, "asked": True}
    return render(request, "web/holder.html", {**context, "answer": answer, "scale": scale, "sharing": sharing})


def _answer(spans: list[Span], port: int | None) -> Span | None:
    """Who held it; where several shared it by ports, only a port can tell."""
    held = [span for span in spans if span.on]
    if port is None:
        return held[0] if held and not held[0].assignment.source_ports else None
    return next((span for span in held if port in _ports(span.assignment)), None)


def _sharing(spans: list[Span]) -> int:
    """How many shared the address by source ports at the moment."""
    held = [span.assignment for span in spans if span.on]
    return sum(1 for one in held if one.source_ports and one.prefix == held[0].prefix)


def _ports(one: Assignment) -> range:
    return range(one.ports.lower, one.ports.upper)


def history_of(ip: str) -> list[Assignment]:
    """Every assignment that ever covered an address, the longest prefix first, then the latest."""
    covers = Func("prefix", Value(ip), template="%(expressions)s", arg_joiner=" >>= ", output_field=BooleanField())
    found = (
        Assignment.objects.annotate(covers=covers)
        .filter(covers=True)
        .select_related("service__customer", "service__brand")
    )
    return sorted(found, key=lambda one: (-one.prefix.prefixlen, -one.period.lower.timestamp(), one.ports.lower))
