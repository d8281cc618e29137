"""What customers ask for: the list, one request with its answer and what follows, and the form that enters one."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import F, Q, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk import requests as desk
from abusedesk.desk.approvals import Answer
from abusedesk.desk.requests import Ticked
from abusedesk.parsing.answers import heard
from abusedesk.parsing.wishes import wish_of
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Charge, Customer, CustomerRequest, Measure, Message, Service, TicketEntry
from abusedesk.records.payload import read_payload
from abusedesk.vocabulary.request import REQUESTS, WAITING
from abusedesk.web import clauses, paging, request_words, words
from abusedesk.web.readers import seen_by, voice
from abusedesk.web.request_form import AnswerForm, RequestForm, StepForm, VerdictForm

OPEN = Q(state__in=[*WAITING, "granted_when_paid"]) | Q(to_do=True)
"""What is not over: somebody has to answer, to pay, or to carry it out."""

FOR_A_PERSON = Q(state__in=WAITING) | Q(to_do=True)
"""What waits for staff."""

_SERVICES = 20


def requests(request: HttpRequest) -> HttpResponse:
    """What is open, or all that was answered, the newest first."""
    answered = request.GET.get("state") == "answered"
    found = _filtered(request).exclude(OPEN) if answered else _filtered(request).filter(OPEN)
    page = paging.newest_first(found, "at", request.GET.get("after", ""))
    context = {
        "rows": rows_of(page.rows),
        "next": page.next,
        "answered": answered,
        "kinds": [(kind, words.sentence(words.REQUEST[kind])) for kind in REQUESTS],
        "brands": Brand.objects.order_by("name"),
    }
    return render(request, "web/requests.html", context)


def _filtered(request: HttpRequest) -> "QuerySet[CustomerRequest]":
    brand, kind = request.GET.get("brand", ""), request.GET.get("kind", "")
    found = CustomerRequest.objects.select_related("service", "customer", "brand")
    if brand:
        found = found.filter(brand__slug=brand)
    return found.filter(kind=kind) if kind in REQUESTS else found


def rows_of(found: Any) -> list[dict[str, Any]]:
    """Requests as lists show them: what is asked, how it stands, and in a line what was found."""
    return [
        {
            "request": one,
            "title": request_words.title(one),
            "state": request_words.state(one),
            "found": request_words.in_short(desk.findings_of(one)),
        }
        for one in found
    ]


def waiting(brand: str) -> list[dict[str, Any]]:
    """What the queue shows of requests: those that wait for staff and stand in no case's row."""
    found = CustomerRequest.objects.filter(FOR_A_PERSON).select_related("service", "customer", "brand")
    found = found.filter(Q(service__cases=None) | Q(to_do=True) | Q(state="asked"))
    if brand:
        found = found.filter(brand__slug=brand)
    return rows_of(found.order_by("at")[: paging.SIZE])


# --- one request ----------------------------------------------------------------------------------------------------


def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One request."""
    return _page(request, _find(pk))


def state(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is and what was found, as the page asks for while something moves."""
    return render(request, "web/request_state.html", _moving(_find(pk)))


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Say yes or no, and why."""
    found = _find(pk)
    form = VerdictForm(request.POST, fee=found.kind == "restore")
    if not form.is_valid():
        return _page(request, found, form, status=422)
    said = form.cleaned_data
    answer = Answer(said["decision"], voice(request.user), said["reason"], said.get("fee"))
    result = desk.decide_request(found, answer, said["token"], timezone.now())
    if result.state == "decided":
        messages.success(request, "Decided. The customer is told.", extra_tags="good")
    else:
        text, tone = words.answered(result.state, result.why, result.effects)
        messages.info(request, text, extra_tags=tone)
    return redirect("request", pk)


@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer in one's own words what the policy could not answer."""
    found, form = _find(pk), AnswerForm(request.POST)
    if not form.is_valid():
        return _page(request, found, answered=form, status=422)
    by = request.user.get_username()
    if not desk.answer_by_hand(found, form.cleaned_data["reason"], by, timezone.now()):
        messages.info(request, "Somebody had answered it already.", extra_tags="wait")
    return redirect("request", pk)


@require_POST
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Look the domain up again."""
    selector = request.POST.get("selector", "").strip()[:100]
    if not desk.ask_again(_find(pk), timezone.now(), selector):
        messages.info(request, "It was looked up within the last minute; this is what was found.", extra_tags="wait")
    return redirect("request", pk)


@require_POST
def step(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Tick off what was done outside."""
    found, form = _find(pk), StepForm(request.POST)
    if not form.is_valid():
        raise Http404("no such step")
    try:
        desk.tick(found, Ticked(name, request.user.get_username(), form.cleaned_data["note"]), timezone.now())
    except Problem as problem:
        messages.error(request, str(problem), extra_tags="late")
    return redirect("request", pk)


def _find(pk: int) -> CustomerRequest:
    related = CustomerRequest.objects.select_related("service__customer", "customer", "brand", "docket")
    return get_object_or_404(related, pk=pk)


def _page(
    request: HttpRequest,
    found: CustomerRequest,
    form: VerdictForm | None = None,
    answered: AnswerForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = _moving(found) | {
        "form": form or VerdictForm(fee=found.kind == "restore"),
        "answer": answered or AnswerForm(),
        "law": clauses.of_brand(found.brand, found.clauses, found.at),
        "cases": found.service.cases.order_by("-last_at"),
        "cause": request_words.CAUSES.get(found.cause, ""),
        "message": seen_by(request.user).filter(pk=found.message_id).first() if found.message_id else None,
    }
    return render(request, "web/request.html", context, status=status)


def _moving(found: CustomerRequest) -> dict[str, Any]:
    """What changes while the page is open."""
    measures = list(Measure.objects.filter(docket=found.docket_id, item__in=found.lifts).order_by("pk"))
    return {
        "asked": found,
        "title": request_words.title(found),
        "state": request_words.state(found),
        "stages": request_words.stages(found, measures, _owed(found)),
        "moving": request_words.is_moving(found, measures),
        "found": request_words.found(desk.findings_of(found)),
        "questions": desk.questions_of(found),
        "left": [(one, *request_words.STEP_SAYS[one]) for one in desk.left_to_do(found)],
        "follows": _FOLLOWS.get((found.kind, found.state), ""),
    }


_FOLLOWS = {
    (
        "open_mail_port",
        "needs_approval",
    ): "With a yes port 25 is opened outside and read back. A proposal to close it falls.",
    ("unblock", "needs_approval"): "With a yes you unblock the address where it is blocked, and tick that off here.",
    ("replace_ip", "needs_approval"): "With a yes you give a new address and end the old one, and tick both off here.",
    (
        "restore",
        "needs_approval",
    ): "With a yes what stands against the service is lifted, with a fee once nothing is unpaid.",
}


def _owed(found: CustomerRequest) -> str:
    owed = Charge.objects.filter(docket=found.docket_id, state="owed")
    sums = owed.values("currency").annotate(left=Sum(F("amount") - F("paid"))).order_by("currency")
    return words.joined([words.money(one["left"], one["currency"]) for one in sums])


# --- entering -------------------------------------------------------------------------------------------------------


def new(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Enter a request: on a service, from a customer's mail, or anew where the policy could not answer."""
    old = _old(request)
    known = _service(pk or (old.service_id if old else None))
    begun = _begun(request, old)
    kind = request.POST.get("kind") or request.GET.get("kind") or begun.get("kind") or REQUESTS[0]
    if kind not in REQUESTS:
        raise Http404("no such kind of request")
    form = RequestForm(kind, known, request.POST or None, initial=begun)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("request", _entered(request, form, old).pk)
        except Problem as problem:
            form.add_error("ip" if "ip" in form.fields else None, str(problem))
    context = {
        "form": form,
        "kind": kind,
        "kinds": [(one, words.sentence(words.REQUEST[one])) for one in REQUESTS],
        "service": known,
        "old": old,
        "message": begun.get("message"),
        "services": [] if known else _services_of(begun.get("sender", "")),
    }
    return render(request, "web/request_new.html", context, status=422 if request.method == "POST" else 200)


def _entered(request: HttpRequest, form: RequestForm, old: CustomerRequest | None) -> CustomerRequest:
    by, now = request.user.get_username(), timezone.now()
    made = desk.replace(old, form.asked(), by, now) if old else desk.enter(form.asked(), by, now)
    says, tone = request_words.state(made)
    messages.add_message(request, messages.SUCCESS, f"Entered: {says}.", extra_tags=tone)
    return made


def _service(pk: int | None) -> Service | None:
    return get_object_or_404(Service.objects.select_related("brand", "customer"), pk=pk) if pk else None


def _old(request: HttpRequest) -> CustomerRequest | None:
    again = request.GET.get("again", "")
    return _find(int(again)) if again.isascii() and again.isdigit() and len(again) < 19 else None


def _begun(request: HttpRequest, old: CustomerRequest | None) -> dict[str, Any]:
    """What the form begins with: what was entered before, or what a mail seems to say."""
    if old is not None:
        kept = ("kind", "ip", "cause", "domain", "selector", "words")
        return {name: getattr(old, name) or "" for name in kept} | {"message": old.message_id}
    message = _message(request)
    if message is None:
        return {}
    said = _words_of(message)
    return wish_of(said)._asdict() | {"words": said[:20000], "message": message.pk, "sender": message.sender}


def _message(request: HttpRequest) -> Message | None:
    try:
        return seen_by(request.user).filter(pk=UUID(request.GET.get("message", ""))).first()
    except ValueError:
        return None


def _words_of(message: Message) -> str:
    """What a person wrote in a mail, without what it quotes."""
    entry = TicketEntry.objects.filter(message_id=message.pk).first()
    if entry is not None:
        return entry.shown or entry.text
    payload = read_payload(Message.objects.get(pk=message.pk))
    return heard(payload, null_path=False).shown if payload else ""


def _services_of(sender: str) -> list[Service]:
    """The services of whose customer a mail seems to be."""
    if not sender:
        return []
    party = Customer.objects.filter(Q(email__iexact=sender) | Q(contacts__email__iexact=sender))
    theirs = Q(customer__in=party) | Q(customer__reseller__in=party)
    return list(Service.objects.filter(theirs, until=None).select_related("customer").order_by("ref")[:_SERVICES])
