"""How messages are read: what each sender's yield, the operator's own rules, and what can be read again."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from itertools import islice
from typing import Any, NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk.reading import again, drift
from abusedesk.parsing.own import OwnRule, applies, read_by
from abusedesk.records.models import Message, ReadingRule
from abusedesk.records.payload import read_payload
from abusedesk.vocabulary.designation import AUTHORITY
from abusedesk.vocabulary.report import Reading
from abusedesk.web.readers import may_change_reading, seen_by
from abusedesk.web.rule_form import RuleForm, rule_of
from abusedesk.web.views.message import OUTCOMES

_SENDERS = 100
_LOOKED_AT = 500
_TRIED = 50
_TRIED_SINCE = timedelta(days=60)


def _changer(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The page is for those who may change how messages are read."""

    @wraps(view)
    def guarded(request: HttpRequest, **given: Any) -> HttpResponse:
        if not may_change_reading(request.user):
            raise PermissionDenied
        return view(request, **given)

    return guarded


class Tried(NamedTuple):
    """A past message, how it was read then, and what the rule reads; None where the rule leaves it to others."""

    message: Message
    was: tuple[str, str]
    now: Reading | None


def reading(request: HttpRequest) -> HttpResponse:
    """Every sender's yield, the rules, and how much waits for a person to read it."""
    now = timezone.now()
    found = drift.senders(now)
    context = {
        "senders": sorted(found, key=lambda one: not one.alarms)[:_SENDERS],
        "more_senders": max(len(found) - _SENDERS, 0),
        "rules": [(row, rule_of(row)) for row in ReadingRule.objects.order_by("position", "pk")],
        "waiting": again.waiting().count(),
        "may_change": may_change_reading(request.user),
    }
    return render(request, "web/reading.html", context)


@_changer
def new_rule(request: HttpRequest) -> HttpResponse:
    """A new rule; `?message=ID` begins it with that message's sender."""
    return _rule(request, None)


@_changer
def rule(request: HttpRequest, pk: int) -> HttpResponse:
    """One rule: tried on past messages, then saved."""
    return _rule(request, get_object_or_404(ReadingRule, pk=pk))


@_changer
@require_POST
def delete_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Removes a rule. What was read by it stays as it is."""
    row = get_object_or_404(ReadingRule, pk=pk)
    row.delete()
    messages.success(request, f"The rule “{row.name}” is gone. What was read by it stays.", extra_tags="good")
    return redirect("reading")


@_changer
@require_POST
def move_rule(request: HttpRequest, pk: int) -> HttpResponse:  # noqa: ARG001 - every view is given it
    """Asks a rule before the one above it."""
    with transaction.atomic():
        rows = list(ReadingRule.objects.select_for_update().order_by("position", "pk"))
        place = next((index for index, one in enumerate(rows) if one.pk == pk), 0)
        if place:
            rows[place - 1], rows[place] = rows[place], rows[place - 1]
        for position, one in enumerate(rows):
            ReadingRule.objects.filter(pk=one.pk).exclude(position=position).update(position=position)
    return redirect("reading")


@_changer
def read_again(request: HttpRequest) -> HttpResponse:
    """What would be understood today of what waits for a person; posted, it goes before the readers again."""
    looks = [one for one in islice(again.look(again.waiting()), _LOOKED_AT) if one.is_understood]
    if request.method != "POST":
        waiting = again.waiting().count()
        context = {"looks": looks, "waiting": waiting, "looked_at": min(waiting, _LOOKED_AT), "outcomes": OUTCOMES}
        return render(request, "web/read_again.html", context)
    by, now = request.user.get_username(), timezone.now()
    given = sum(again.give_back(one.message, by, now) for one in looks)
    text = f"{given} message{'' if given == 1 else 's'} put before the readers again, as received now."
    messages.success(request, text, extra_tags="good")
    return redirect("reading")


def _rule(request: HttpRequest, row: ReadingRule | None) -> HttpResponse:
    form = RuleForm(request.POST or None, initial=_begun(request, row))
    tried: list[Tried] | None = None
    if request.method == "POST" and form.is_valid():
        if "save" in request.POST:
            return _save(request, row, form)
        tried = _try(form.rule())
    status = 422 if request.method == "POST" and not form.is_valid() else 200
    context = {"rule": row, "form": form, "tried": tried, "since": _TRIED_SINCE.days}
    return render(request, "web/reading_rule.html", context, status=status)


def _begun(request: HttpRequest, row: ReadingRule | None) -> dict[str, Any]:
    """What the form begins with: the rule as it is, or the sender of the message that asked for one."""
    if row is not None:
        return RuleForm.initial_of(row)
    wanted = request.GET.get("message", "")
    found = seen_by(request.user).filter(pk=wanted).first() if len(wanted) == 36 else None
    return {"sender": found.sender, "name": found.sender.rpartition("@")[2]} if found else {}


def _save(request: HttpRequest, row: ReadingRule | None, form: RuleForm) -> HttpResponse:
    last = ReadingRule.objects.aggregate(last=Max("position"))["last"]
    row = row or ReadingRule(position=0 if last is None else last + 1)
    row.name, row.enabled, row.body = form.rule().name, form.cleaned_data["enabled"], form.body()
    row.changed_by, row.changed_at = request.user.get_username(), timezone.now()
    if ReadingRule.objects.filter(name=row.name).exclude(pk=row.pk).exists():
        form.add_error("name", "Another rule has this name.")
        return render(request, "web/reading_rule.html", {"rule": row if row.pk else None, "form": form}, status=422)
    row.save()
    messages.success(request, f"The rule “{row.name}” is saved. It reads what comes in from now on.", extra_tags="good")
    return redirect("reading")


def _try(one: OwnRule) -> list[Tried]:
    """The latest messages that the rule is for, as far as their bytes are kept."""
    # A rule is for complaints: nobody tries one on what an authority wrote.
    recent = Message.objects.exclude(designation=AUTHORITY).order_by("-received_at")
    recent = recent.filter(received_at__gt=timezone.now() - _TRIED_SINCE)
    if one.sender:
        recent = recent.filter(sender__iendswith=one.sender.lstrip("@"))
    fitting = (message for message in recent.iterator(100) if applies(one, message.sender, message.subject))
    return [_tried(one, message) for message in islice(fitting, _TRIED)]


def _tried(one: OwnRule, message: Message) -> Tried:
    data = read_payload(message)
    was = OUTCOMES.get(message.outcome, (message.outcome, ""))
    return Tried(message, was, read_by([one], data, message.name) if data is not None else None)
