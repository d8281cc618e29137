"""One question to a person that has no case, and its answer."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk import break_glass, by_hand, campaigns
from abusedesk.desk.hearing.unread import served
from abusedesk.desk.perform.unserved import UNSERVED
from abusedesk.policy.proposals import BREAK_GLASS
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Event, Message, Report, Review, Service
from abusedesk.records.reviews import close_review
from abusedesk.web import clauses, paging, words
from abusedesk.web.readers import may_read_restricted
from abusedesk.web.views.case import ANSWERS
from abusedesk.web.views.queue import open_reviews, with_messages


class AnswerForm(forms.Form):
    """What the person found."""

    answer = forms.CharField(label="What you found or did", max_length=5000, widget=forms.Textarea(attrs={"rows": 4}))


class WhoseForm(forms.Form):
    """Whose a source was: a service by its ref, for one source or for all that have no holder."""

    service = forms.CharField(
        label="Service",
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "vps-1001"}),
        help_text="Its own id, as it stands on the page of the service.",
    )
    source = forms.CharField(max_length=255, required=False, widget=forms.HiddenInput)

    def __init__(self, brand: int | None, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._brand = brand

    def clean_service(self) -> Service:
        ref = self.cleaned_data["service"].strip()
        found = Service.objects.select_related("customer", "brand").filter(brand=self._brand, ref=ref).first()
        if found is None:
            raise forms.ValidationError(f"The brand has no service {ref}; look for it under Customers.")
        return found


def reviews(request: HttpRequest) -> HttpResponse:
    """All open reviews without a case, newest first."""
    page = paging.newest_first(open_reviews(request), "opened_at", request.GET.get("after", ""))
    context = {"rows": with_messages(page.rows), "next": page.next, "brands": Brand.objects.order_by("name")}
    return render(request, "web/reviews.html", context)


def review(request: HttpRequest, pk: int) -> HttpResponse:
    """One review."""
    one = get_object_or_404(Review.objects.select_related("brand", "case__service", "docket__service"), pk=pk)
    if one.restricted and not may_read_restricted(request.user):
        return render(request, "web/review_locked.html", {"review": one}, status=403)
    campaign = campaigns.of_review(one) if one.reason == campaigns.REASON else None
    return redirect("campaign", campaign.pk) if campaign is not None else _page(request, one, AnswerForm())


@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a review with an answer. Nothing else changes: what the policy needs to hear is said on the case."""
    one = get_object_or_404(Review.objects.select_related("brand", "case__service", "docket__service"), pk=pk)
    if one.restricted and not may_read_restricted(request.user):
        return render(request, "web/review_locked.html", {"review": one}, status=403)
    if one.reason in ANSWERS and one.case_id is not None:
        # A clock may wait for what it says, so it is answered on the case, where its words stand.
        return redirect("case", one.case_id)
    if one.reason == campaigns.REASON:
        return redirect("review", one.pk)
    if one.reason == BREAK_GLASS:
        return _look_afterwards(request, one)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _page(request, one, form, status=422)
    end = served if one.reason == UNSERVED and one.docket_id is not None else close_review
    closed = end(one, request.user.get_username(), timezone.now(), form.cleaned_data["answer"])
    text = "Closed." if closed else "Somebody else had closed it already; their answer stands."
    messages.success(request, text)
    return redirect("queue")


def _look_afterwards(request: HttpRequest, one: Review) -> HttpResponse:
    """Somebody approved alone: another person says whether it was right."""
    form, verdict = AnswerForm(request.POST), request.POST.get("verdict")
    if not form.is_valid() or verdict not in {"agreed", "mistake"}:
        return _page(request, one, form, status=422)
    said: break_glass.Verdict = "agreed" if verdict == "agreed" else "mistake"
    by = request.user.get_username()
    try:
        closed = break_glass.answer(one, said, form.cleaned_data["answer"], by, timezone.now())
    except Problem as problem:
        form.add_error("answer", f"{words.sentence(str(problem))}.")
        return _page(request, one, form, status=422)
    text = "Closed." if closed else "Somebody else had closed it already; their answer stands."
    if said == "agreed" or one.docket is None or one.docket.service_id is None:
        messages.success(request, text)
        return redirect("queue")
    messages.warning(request, f"{text} Put it right here: lift what was taken.", extra_tags="late")
    return redirect("case", one.case_id) if one.case_id else redirect("service", one.docket.service_id)


@require_POST
def attribute(request: HttpRequest, pk: int) -> HttpResponse:
    """Say whose a source was: the report goes to that service's docket, under the name of who says so."""
    one = get_object_or_404(Review.objects.select_related("brand"), pk=pk, restricted=False, reason__in=by_hand.REASONS)
    form = WhoseForm(one.brand_id, request.POST)
    if not form.is_valid():
        return _page(request, one, AnswerForm(), status=422, whose=form)
    service = form.cleaned_data["service"]
    try:
        by_hand.attribute_to(one, service, form.cleaned_data["source"], request.user.get_username(), timezone.now())
    except Problem as problem:
        form.add_error("service", str(problem))
        return _page(request, one, AnswerForm(), status=422, whose=form)
    messages.success(request, f"It was told to {service}, and recorded as yours.", extra_tags="good")
    return redirect("service", service.pk)


def _page(
    request: HttpRequest, one: Review, form: AnswerForm, status: int = 200, whose: WhoseForm | None = None
) -> HttpResponse:
    report = Report.objects.filter(pk=one.report_id).select_related("reporter").first() if one.report_id else None
    message_id = one.message_id or (report.message_id if report else None)
    message = Message.objects.filter(pk=message_id).defer("payload").first() if message_id else None
    events = Event.objects.filter(report_id=report.pk).order_by("pk")[:50] if report else []
    law = clauses.of_brand(one.brand, one.clauses, one.opened_at) if one.brand else []
    context = {"review": one, "form": form, "report": report, "message": message, "events": events, "law": law}
    if one.closed_at is None and one.reason in by_hand.REASONS and report:
        context |= {"whose": whose or WhoseForm(one.brand_id), "candidates": _candidates(one), "asks_whose": True}
    return render(request, "web/review.html", context, status=status)


def _candidates(one: Review) -> list[tuple[Service, dict[str, Any], str]]:
    """Who may be meant and can be chosen: the service, how it was found, and that in a word."""
    services = Service.objects.select_related("customer").in_bulk([given["service"] for given in one.candidates])
    left = {event.source for event in by_hand.open_events(one)}
    return [
        (services[given["service"]], given, words.FOUND_BY[given["how"]])
        for given in one.candidates
        if given["service"] in services and given["about"] in left and given["how"] in words.FOUND_BY
    ]
