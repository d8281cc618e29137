"""A letter of the staff: begun, kept, looked at as it goes out, and sent; to the customer or to a reporter."""

from typing import NamedTuple
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from abusedesk.desk.answering import letters
from abusedesk.desk.answering.threads import of_reports
from abusedesk.desk.perform.reaching import first_address
from abusedesk.problem import Problem
from abusedesk.records.models import Case, Event, Report
from abusedesk.web.views.case import find


class Addressee(NamedTuple):
    """To whom a letter goes: the customer of a case, or the reporter of one of its reports."""

    key: str
    name: str
    address: str
    subject: str
    report: Report | None = None
    problem: str = ""


def to_customer(request: HttpRequest, pk: int) -> HttpResponse:
    """Write to the customer of a case."""
    case = find(pk)
    address = first_address(case.customer)
    problem = (
        "" if address else "The customer has no mail address. Add a contact first; the letter stands in the ticket."
    )
    subject = letters.subject_to_customer(case)
    return _letter(request, case, Addressee(letters.CUSTOMER, case.customer.name, address, subject, problem=problem))


def to_reporter(request: HttpRequest, pk: int, report: UUID) -> HttpResponse:
    """Write to the reporter of one of a case's reports."""
    case = find(pk)
    about = get_object_or_404(Report.objects.select_related("reporter", "brand"), pk=report, brand=case.brand)
    if not Event.objects.filter(report_id=about.pk, case_id=case.pk).exists():
        raise Http404("the report is not about this case")
    return _letter(request, case, _reporter(about))


def _reporter(report: Report) -> Addressee:
    name = str(report.reporter.name or report.reporter.key) if report.reporter else "the reporter"
    for thread in of_reports([report]):
        subject = letters.subject_to_reporter(thread.subject, thread.token)
        return Addressee(str(report.pk), name, thread.address, subject, report)
    try:
        mail = letters.reporter_of(report)
    except Problem as problem:
        return Addressee(str(report.pk), name, "", "", report, str(problem))
    subject = letters.subject_to_reporter(mail.subject, "its number")
    return Addressee(str(report.pk), name, mail.to, subject, report)


def _letter(request: HttpRequest, case: Case, to: Addressee) -> HttpResponse:
    by = request.user.get_username()
    text = request.POST.get("text", "")[: letters.LONGEST]
    step = request.POST.get("do", "")
    if request.method == "POST":
        letters.keep_draft(case, to.key, by, text, timezone.now())
    if step == "keep":
        return HttpResponse("Kept as a draft.")
    if step == "send" and text.strip() and to.address:
        return _send(request, case, to, text)
    wrong = "Write something first." if step and not text.strip() else ""
    context = {
        "case": case,
        "brand": case.brand,
        "to": to,
        "text": text if step else letters.draft_of(case, to.key, by),
        "shown": letters.written(case.brand, text) if step == "look" and not wrong else "",
        "wrong": wrong,
        "token": request.POST.get("token") or uuid4().hex,
    }
    return render(request, "web/letter.html", context, status=422 if wrong else 200)


def _send(request: HttpRequest, case: Case, to: Addressee, text: str) -> HttpResponse:
    key = f"{case.pk}:{to.key}:{_token(request)}"
    words = letters.Words(case, text, request.user.get_username(), key, timezone.now())
    try:
        is_new = letters.to_reporter(words, to.report) if to.report else letters.to_customer(words)
    except Problem as problem:
        messages.error(request, str(problem), extra_tags="late")
        return redirect("case", case.pk)
    if case.brand.dry_run:
        messages.info(request, f"{case.brand.name} is in a dry run: the letter is not sent.", extra_tags="wait")
    elif is_new:
        messages.success(request, f"It goes to {to.address} now.", extra_tags="good")
    else:
        messages.info(request, "This letter was sent already; it went out once.", extra_tags="wait")
    return redirect("case", case.pk)


def _token(request: HttpRequest) -> str:
    try:
        return UUID(request.POST.get("token", "")).hex
    except (ValueError, ValidationError):
        raise Http404("no letter of this form") from None
