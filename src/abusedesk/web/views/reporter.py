"""Reporters: who complains, how far each was believed, what it is known by; edited, muted and heard again by staff."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk import reporters as roster
from abusedesk.records.models import ApiKey, Reporter
from abusedesk.records.shipped import shipped_reporters
from abusedesk.vocabulary.evidence import record_doubt
from abusedesk.web import paging
from abusedesk.web.readers import may_change_reporters
from abusedesk.web.reporter_form import KeyForm, ReasonForm, ReporterForm

WHICH = {"known": "Known", "muted": "Muted", "all": "Everybody heard"}


def reporters(request: HttpRequest) -> HttpResponse:
    """The known ones by name, the muted, or everybody that was heard, the latest first."""
    which, text = request.GET.get("which", ""), request.GET.get("q", "").strip()
    which = which if which in WHICH else "known"
    found = Reporter.objects.defer("certificates", "keys", "shipped")
    if text:
        meant = Q(name__icontains=text) | Q(key__icontains=text) | Q(organisation__icontains=text)
        rows, after = _by_name(found.filter(meant), request.GET.get("after", ""))
    elif which == "all":
        rows, after = paging.newest_first(found.exclude(last_seen=None), "last_seen", request.GET.get("after", ""))
    else:
        rows, after = _by_name(found.filter(**{which: True}), request.GET.get("after", ""))
    context = {
        "rows": [(one, share(one)) for one in rows],
        "next": after,
        "which": which,
        "kinds": WHICH.items(),
        "may_change": may_change_reporters(request.user),
    }
    return render(request, "web/reporters.html", context)


def _by_name(found: "QuerySet[Reporter]", after: str) -> paging.Page:
    """The known first, by name; `after` is the id of the last of the page before."""
    last = (
        Reporter.objects.filter(pk=int(after)).first()
        if after.isascii() and after.isdigit() and len(after) < 19
        else None
    )
    if last is not None:
        behind = Q(name__gt=last.name) | Q(name=last.name, key__gt=last.key)
        found = found.filter(Q(known=last.known) & behind | Q(known__lt=last.known))
    rows = list(found.order_by("-known", "name", "key")[: paging.SIZE + 1])
    page = rows[: paging.SIZE]
    return paging.Page(page, str(page[-1].pk) if len(rows) > len(page) else "")


def share(reporter: Reporter) -> int | None:
    """How much of what staff judged was confirmed, in per cent; None where nothing was."""
    judged = reporter.confirmed + reporter.rejected
    return round(100 * reporter.confirmed / judged) if judged else None


def reporter(request: HttpRequest, pk: int) -> HttpResponse:
    """One reporter with its record, its reports and what was changed about it."""
    one = get_object_or_404(Reporter, pk=pk)
    return _page(request, one, ReasonForm(muted=one.muted), KeyForm(), 200)


def _page(request: HttpRequest, one: Reporter, reason: ReasonForm, key: KeyForm, status: int) -> HttpResponse:
    page = paging.newest_first(
        one.reports.select_related("brand").defer("summary", "evidence"), "received_at", request.GET.get("after", "")
    )
    context: dict[str, Any] = {
        "reporter": one,
        "share": share(one),
        "doubt": record_doubt(one.confirmed, one.rejected, roster.doubted_from()),
        "reports": page.rows,
        "next": page.next,
        "changes": one.changes.all()[:50],
        "api_keys": ApiKey.objects.filter(reporter=one, revoked_at=None).order_by("label"),
        "feeds": one.feeds.order_by("name"),
        "checked_on": shipped_reporters().date if one.shipped else None,
        "may_change": may_change_reporters(request.user),
        "reason_form": reason,
        "key_form": key,
    }
    return render(request, "web/reporter.html", context, status=status)


def new_reporter(request: HttpRequest) -> HttpResponse:
    """A record made by hand."""
    return _edit(request, None)


def edit_reporter(request: HttpRequest, pk: int) -> HttpResponse:
    """The record of a reporter, changed."""
    return _edit(request, get_object_or_404(Reporter, pk=pk))


def _edit(request: HttpRequest, one: Reporter | None) -> HttpResponse:
    _must_may(request)
    initial = ReporterForm.initial_of(one) if one else {"known": True}
    form = ReporterForm(one, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        row = one or Reporter(key=_new_key(form))
        changed = roster.change(row, form.cleaned_data, request.user.get_username(), timezone.now())
        messages.success(request, "Saved." if changed else "Nothing was changed.", extra_tags="good")
        return redirect("reporter", row.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "web/reporter_edit.html", {"form": form, "reporter": one}, status=status)


def _new_key(form: ReporterForm) -> str:
    """What a record made by hand is called inside: its first domain or address, or its name; nobody has it yet."""
    given = form.cleaned_data
    wanted = str(next(iter([*given["domains"], *given["addresses"]]), given["name"]))[:300]
    taken = Reporter.objects.filter(key=wanted).exists()
    return f"{wanted} ({timezone.now():%Y-%m-%d %H:%M:%S.%f})" if taken else wanted


@require_POST
def mute(request: HttpRequest, pk: int) -> HttpResponse:
    """Mute a reporter, or believe it again."""
    _must_may(request)
    one = get_object_or_404(Reporter, pk=pk)
    form = ReasonForm(request.POST, muted=one.muted)
    if not form.is_valid():
        return _page(request, one, form, KeyForm(), 422)
    does = roster.unmute if one.muted else roster.mute
    does(one.pk, request.user.get_username(), form.cleaned_data["reason"], timezone.now())
    said = (
        f"{one} counts again for what vouches for it." if one.muted else f"{one} is muted: nothing of it is believed."
    )
    messages.info(request, said, extra_tags="good" if one.muted else "wait")
    return redirect("reporter", pk)


@require_POST
def add_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a key on a reporter's record."""
    _must_may(request)
    one = get_object_or_404(Reporter, pk=pk)
    form = KeyForm(request.POST)
    if not form.is_valid():
        return _page(request, one, ReasonForm(muted=one.muted), form, 422)
    key = form.cleaned_data["text"]
    kept = [row for row in one.certificates if row["fingerprint"] != key.fingerprint]
    return _save_keys(request, one, [*kept, key._asdict()])


@require_POST
def remove_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a key off a reporter's record."""
    _must_may(request)
    one = get_object_or_404(Reporter, pk=pk)
    return _save_keys(request, one, [row for row in one.certificates if row["fingerprint"] != request.POST.get("key")])


def _save_keys(request: HttpRequest, one: Reporter, kept: list[dict[str, str]]) -> HttpResponse:
    changed = roster.change(one, {"certificates": kept}, request.user.get_username(), timezone.now())
    messages.success(request, "Saved." if changed else "Nothing was changed.", extra_tags="good")
    return redirect("reporter", one.pk)


def _must_may(request: HttpRequest) -> None:
    if not may_change_reporters(request.user):
        raise PermissionDenied
