"""One question to a person that has no case, and its answer."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk.hearing.unread import served
from abusedesk.desk.perform.unserved import UNSERVED
from abusedesk.records.models import Brand, Event, Message, Report, Review
from abusedesk.records.reviews import close_review
from abusedesk.web import clauses, paging
from abusedesk.web.readers import may_read_restricted
from abusedesk.web.views.case import ANSWERS
from abusedesk.web.views.queue import open_reviews, with_messages


class AnswerForm(forms.Form):
    """What the person found."""

    answer = forms.CharField(label="What you found or did", max_length=5000, widget=forms.Textarea(attrs={"rows": 4}))


def reviews(request: HttpRequest) -> HttpResponse:
    """All open reviews without a case, newest first."""
    page = paging.newest_first(open_reviews(request), "opened_at", request.GET.get("after", ""))
    context = {"rows": with_messages(page.rows), "next": page.next, "brands": Brand.objects.order_by("name")}
    return render(request, "web/reviews.html", context)


def review(request: HttpRequest, pk: int) -> HttpResponse:
    """One review."""
    one = get_object_or_404(Review.objects.select_related("brand", "case__service"), pk=pk)
    if one.restricted and not may_read_restricted(request.user):
        return render(request, "web/review_locked.html", {"review": one}, status=403)
    return _page(request, one, AnswerForm())


@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a review with an answer. Nothing else changes: what the policy needs to hear is said on the case."""
    one = get_object_or_404(Review.objects.select_related("brand", "case__service"), pk=pk)
    if one.restricted and not may_read_restricted(request.user):
        return render(request, "web/review_locked.html", {"review": one}, status=403)
    if one.reason in ANSWERS and one.case_id is not None:
        # A clock may wait for what it says, so it is answered on the case, where its words stand.
        return redirect("case", one.case_id)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _page(request, one, form, status=422)
    end = served if one.reason == UNSERVED and one.docket_id is not None else close_review
    closed = end(one, request.user.get_username(), timezone.now(), form.cleaned_data["answer"])
    text = "Closed." if closed else "Somebody else had closed it already; their answer stands."
    messages.success(request, text)
    return redirect("queue")


def _page(request: HttpRequest, one: Review, form: AnswerForm, status: int = 200) -> HttpResponse:
    report = Report.objects.filter(pk=one.report_id).select_related("reporter").first() if one.report_id else None
    message_id = one.message_id or (report.message_id if report else None)
    message = Message.objects.filter(pk=message_id).defer("payload").first() if message_id else None
    events = Event.objects.filter(report_id=report.pk).order_by("pk")[:50] if report else []
    law = clauses.of_brand(one.brand, one.clauses) if one.brand else []
    context = {"review": one, "form": form, "report": report, "message": message, "events": events, "law": law}
    return render(request, "web/review.html", context, status=status)
