"""A person read what a customer wrote, and says what it says."""

from typing import get_args

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk.hearing.unread import Verdict, read_reply
from abusedesk.records.models import Review
from abusedesk.web.views.case import ANSWERS, context_of, find

LONGEST = 5000

SAID: dict[Verdict, str] = {
    "complete": "Recorded: it counts as done as of its receipt.",
    "incomplete": "Recorded: not all is done. Deadlines moved by the time that it lay unread.",
    "not_theirs": "Recorded: it is not the customer's and counts for nothing.",
    "read": "Read.",
}


@require_POST
def read(request: HttpRequest, pk: int, review: int) -> HttpResponse:
    """Say what an answer says. The policy hears of it as of its receipt."""
    case = find(pk)
    asked = get_object_or_404(Review, pk=review, case=case, reason__in=ANSWERS)
    verdict = next((one for one in get_args(Verdict) if one == request.POST.get("verdict")), None)
    if verdict is None:
        raise Http404("no such verdict")
    missing = request.POST.get("missing", "").strip()[:LONGEST]
    if read_reply(asked, verdict, request.user.get_username(), timezone.now(), missing):
        told = " The customer is told what is missing." if verdict == "incomplete" and missing else ""
        messages.success(request, f"{SAID[verdict]}{told}", extra_tags="good")
    else:
        messages.info(request, "Somebody else had read it already; their answer stands.", extra_tags="wait")
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("case", case.pk)
    response = render(request, "web/case_again.html", context_of(request, find(pk)))
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#case", "outerHTML show:window:top"
    response.headers["HX-Push-Url"] = reverse("case", args=[case.pk])
    return response
