"""What a person says about a case: each form becomes one stimulus, and the policy decides what follows."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk import telephone
from abusedesk.desk.approvals import Voice, say
from abusedesk.desk.approvals.say import close
from abusedesk.desk.approvals.voices import may_approve, terms_of
from abusedesk.desk.enact import Enacted, submit
from abusedesk.desk.perform import retry_effect, retry_target
from abusedesk.desk.perform.notice import ticket_of
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Case, Effect, Measure, TicketEntry
from abusedesk.web import words
from abusedesk.web.forms import FORMS, BreakGlass, Decide, OfMeasure, StimulusForm, ToClean
from abusedesk.web.readers import voice
from abusedesk.web.views.case import context_of, find


@require_POST
def act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Check the form, tell the policy, show what followed."""
    if name not in FORMS:
        raise Http404("no such action")
    case = find(pk)
    form = FORMS[name](request.POST)
    if not form.is_valid():
        return _refused(request, case, form)
    if refusal := form.refusal(case) or _unallowed(request, case, form):
        form.add_error(None, refusal)
        return _refused(request, case, form)
    if isinstance(form, ToClean):
        return _lift(request, case, form)
    if isinstance(form, Decide):
        _decide(request, case, form)
    elif isinstance(form, BreakGlass):
        _approve_alone(request, case, form)
    else:
        _tell(request, case, form)
    return _case_again(request, case)


@require_POST
def take(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that one is working on the case, or that one no longer is."""
    case = find(pk)
    name = request.user.get_username()
    Case.objects.filter(pk=pk).update(taken_by="" if case.taken_by == name else name)
    return _case_again(request, case)


@require_POST
def retry_measure(request: HttpRequest, pk: int, measure: int) -> HttpResponse:
    """Drive a measure that failed once more. The policy is not asked: what it decided stands."""
    case = find(pk)
    failed = get_object_or_404(Measure, pk=measure, case=case, target__isnull=False)
    retry_target(failed.target_id or 0, timezone.now())
    messages.info(request, "It is tried again now.", extra_tags="wait")
    return _case_again(request, case)


@require_POST
def retry_notice(request: HttpRequest, pk: int, effect: int) -> HttpResponse:
    """Send a notice that could not be sent once more: the same notice, under the same Message-ID."""
    case = find(pk)
    failed = get_object_or_404(Effect, pk=effect, notice__case=case)
    retry_effect(failed.pk, timezone.now())
    messages.info(request, "It is sent again now.", extra_tags="wait")
    return _case_again(request, case)


def _unallowed(request: HttpRequest, case: Case, form: StimulusForm) -> str:
    ends = isinstance(form, OfMeasure) and form.ends_it
    if ends and not _may_approve(voice(request.user), case.brand):
        return "Only those who may approve say when a measure ends for good."
    return ""


def _lift(request: HttpRequest, case: Case, form: ToClean) -> HttpResponse:
    """Lift a measure for some hours, within what the brand lets an agent do alone."""
    by, now = request.user.get_username(), timezone.now()
    try:
        enacted = telephone.lift_for(case.brand, case.service.docket, form.lifted(by, now), key=form.key, now=now)
    except Problem as problem:
        form.add_error(None, str(problem))
        return _refused(request, case, form)
    _say(request, enacted)
    return _case_again(request, case)


def _tell(request: HttpRequest, case: Case, form: StimulusForm) -> None:
    by, now = request.user.get_username(), timezone.now()
    enacted = submit(case.service.docket, form.stimulus(by), key=form.key, at=now, by=by)
    if enacted is not None:
        _write_down(case, form, by)
    _say(request, enacted)


def _say(request: HttpRequest, enacted: Enacted | None) -> None:
    """What followed from a form."""
    if enacted is None:
        messages.info(request, "This form was sent twice; it counted once.")
        return
    text, tone = words.what_followed(enacted.decision.effects)
    messages.add_message(request, messages.SUCCESS if tone == "good" else messages.INFO, text, extra_tags=tone)


def _decide(request: HttpRequest, case: Case, form: Decide) -> None:
    """Answer what waits on the case, where one yes or no may do so."""
    waiting = form.proposal(case)
    if waiting is not None:
        result = say(waiting.pk, form.answer(voice(request.user)), key=form.key, now=timezone.now())
        text, tone = words.answered(result.state, result.why, result.effects)
        messages.add_message(request, messages.INFO, text, extra_tags=tone)


def _approve_alone(request: HttpRequest, case: Case, form: BreakGlass) -> None:
    """One person in place of two; it takes somebody who may approve all the same."""
    who, waiting = voice(request.user), form.proposal(case)
    if not _may_approve(who, case.brand):
        messages.error(request, "Only those who may approve can approve alone, too.", extra_tags="late")
        return
    _tell(request, case, form)
    if waiting is not None:
        close(waiting.pk, "approved", who.name, form.cleaned_data["reason"])


def _may_approve(who: Voice, brand: Brand) -> bool:
    try:
        return may_approve(who, terms_of(brand))
    except Problem:
        return False


def _write_down(case: Case, form: StimulusForm, by: str) -> None:
    """What the customer said belongs to the conversation as well; where nobody wrote it down, that they did."""
    if form.name != "reply":
        return
    now = timezone.now()
    TicketEntry.objects.create(
        ticket=ticket_of(case, now),
        at=now,
        author="customer",
        text="\n\n".join(filter(None, (form.cleaned_data["text"], f"(logged by {by})"))),
        complete=form.cleaned_data["complete"],
    )


def _refused(request: HttpRequest, case: Case, form: StimulusForm) -> HttpResponse:
    if request.htmx and any(not field.is_hidden for field in form) and form.name not in {"judge", "decide"}:  # type: ignore[attr-defined]
        return render(request, "web/form.html", {"form": form, "case": case}, status=422)
    wrong = "; ".join(str(error) for errors in form.errors.values() for error in errors)
    messages.error(request, wrong, extra_tags="late")
    return _case_again(request, case)


def _case_again(request: HttpRequest, case: Case) -> HttpResponse:
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("case", case.pk)
    response = render(request, "web/case_again.html", context_of(request, find(case.pk)))
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#case", "outerHTML show:window:top"
    response.headers["HX-Push-Url"] = reverse("case", args=[case.pk])
    return response
