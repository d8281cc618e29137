"""The audits of decisions: the recent past made again before a new engine or a changed policy decided anything."""

from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from abusedesk.desk.policies.upgrade import summary
from abusedesk.records.models import UpgradeAudit

ON_A_PAGE = 20

_STATES = {
    "clean": ("good", "nothing differs"),
    "open": ("late", "waits for somebody"),
    "accepted": ("wait", "accepted"),
}


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
    after = request.GET.get("after", "")
    found = UpgradeAudit.objects.order_by("-pk")
    if after.isascii() and after.isdigit() and len(after) < 19:
        found = found.filter(pk__lt=int(after))
    shown = list(found[: ON_A_PAGE + 1])
    further = shown[ON_A_PAGE - 1].pk if len(shown) > ON_A_PAGE else None
    return render(
        request, "web/audits.html", {"rows": [_row(one) for one in shown[:ON_A_PAGE]], "next": further, "here": "more"}
    )


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
