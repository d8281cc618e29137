"""The audits of decisions: checks that somebody ran, and the recent past made again before anything new decided."""

from datetime import timedelta
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk.policies.audits import runs
from abusedesk.desk.policies.upgrade import summary
from abusedesk.problem import Problem
from abusedesk.records.models import AuditRun, UpgradeAudit

ON_A_PAGE = 20

_STATES = {
    "clean": ("good", "nothing differs"),
    "open": ("late", "waits for somebody"),
    "accepted": ("wait", "accepted"),
}


SPANS = {"30": "the last 30 days", "365": "the last year", "": "all that is recorded"}
WHAT = {"recompute": "Make decisions again", "verify": "Walk the hash chains"}


class RunForm(forms.Form):
    """What is to be checked."""

    what = forms.ChoiceField(label="What", choices=list(WHAT.items()))
    days = forms.ChoiceField(
        label="Over", choices=list(SPANS.items()), required=False, help_text="The chains are always walked whole."
    )


class Row(NamedTuple):
    """One audit in words: what changed, what making decisions again came to, and which would be others."""

    audit: UpgradeAudit
    colour: str
    state: str
    changes: list[str]
    summary: str
    more: int


def audits(request: HttpRequest) -> HttpResponse:
    """All audits, the newest first."""
    found, further = _page(UpgradeAudit.objects.order_by("-pk"), request.GET.get("after", ""))
    context = {"rows": [_row(one) for one in found], "next": further, "form": RunForm(), "here": "more"}
    return render(request, "web/audits.html", context | _checks(request))


def checks(request: HttpRequest) -> HttpResponse:
    """The checks alone, for the page that is there while one runs."""
    return render(request, "web/audit_runs.html", _checks(request))


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Have a check carried out."""
    form = RunForm(request.POST)
    if form.is_valid():
        what, days, now = form.cleaned_data["what"], form.cleaned_data["days"], timezone.now()
        since = now - timedelta(days=int(days)) if days and what == "recompute" else None
        try:
            runs.ask(what, request.user.get_username(), since, now)
        except Problem as problem:
            messages.error(request, str(problem), extra_tags="late")
    return redirect("audits")


def _checks(request: HttpRequest) -> dict[str, Any]:
    found, further = _page(AuditRun.objects.select_related("brand").order_by("-pk"), request.GET.get("before", ""))
    return {
        "runs": [_run(one) for one in found],
        "older": further,
        "going": any(one.state in {"waiting", "running"} for one in found),
    }


def _page(found: Any, after: str) -> tuple[list[Any], int | None]:
    """The rows of a page, and after which the next one begins."""
    if after.isascii() and after.isdigit() and len(after) < 19:
        found = found.filter(pk__lt=int(after))
    shown = list(found[: ON_A_PAGE + 1])
    return shown[:ON_A_PAGE], shown[ON_A_PAGE - 1].pk if len(shown) > ON_A_PAGE else None


class RunRow(NamedTuple):
    """A check in words, how far it is in percent, and how many differences are not kept in words."""

    run: AuditRun
    title: str
    colour: str
    state: str
    percent: int
    more: int


def _run(run: AuditRun) -> RunRow:
    colour, state = _RUN_STATES[run.state]
    if run.state == "done":
        colour, state = ("late", f"{run.differing:,} differ") if run.differing else ("good", "nothing differs")
    percent = min(99, 100 * run.done // run.total) if run.total else 0
    return RunRow(run, WHAT[run.what], colour, state, percent, max(0, run.differing - len(run.differences)))


_RUN_STATES = {
    "waiting": ("wait", "waits for a worker"),
    "running": ("wait", "runs"),
    "done": ("good", "done"),
    "failed": ("late", "failed"),
}


def _row(audit: UpgradeAudit) -> Row:
    colour, state = _STATES[audit.state]
    return Row(audit, colour, state, _changes(audit), summary(audit), max(0, audit.differing - len(audit.differences)))


def _changes(audit: UpgradeAudit) -> list[str]:
    was: dict[str, Any] = audit.was
    return [_said(name, str(was[name]), str(now)) for name, now in audit.now.items() if was.get(name, now) != now]


def _said(name: str, was: str, now: str) -> str:
    """The engine has a version; a policy is told by the beginning of its digest."""
    kind, _, policy = name.partition(":")
    return f"policy {policy}: {was[:12]} → {now[:12]}" if policy else f"{kind} {was} → {now}"
