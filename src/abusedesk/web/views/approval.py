"""Approvals: what waits for a yes or no, one of it with all that decides it, and many answered at once."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk.approvals import Answer, Result, say
from abusedesk.desk.approvals.say import closed_by
from abusedesk.desk.break_glass import is_allowed
from abusedesk.desk.decide import pack_of, state_of
from abusedesk.desk.requests import findings_of
from abusedesk.records.models import Brand, CustomerRequest, Proposal
from abusedesk.vocabulary.approval import ANYBODY
from abusedesk.web import approval as screen
from abusedesk.web import clauses, paging, request_words, words
from abusedesk.web.ahead import ahead_of
from abusedesk.web.forms import MinorUnits, StimulusForm
from abusedesk.web.readers import voice
from abusedesk.web.views.case import conversation_of, state_row

KINDS = {"measure": "Measures", "charge": "Charges", "request": "Requests"}
CHUNK = 20
"""So many are answered in one request; a page with more goes on by itself."""

MOST = 200
"""So many can be chosen at once."""

_ANSWERED = 10


class Row(NamedTuple):
    """A proposal of the list, as it stands to the person who looks."""

    proposal: Proposal
    standing: screen.Standing


class SayForm(StimulusForm):
    """Yes or no to one proposal, with a reason. `seen` is its mark when it was shown."""

    name = "say"
    verdict = forms.ChoiceField(choices=(("approve", "approve"), ("reject", "reject")))
    seen = forms.CharField(max_length=16, required=False)
    reason = forms.CharField(
        label="Why",
        max_length=500,
        error_messages={"required": "Say why in a few words; it is kept with the decision."},
    )
    fee = MinorUnits(label="Fee before it is restored", required=False)

    def answer(self, request: HttpRequest) -> Answer:
        """The checked form as what the signed-in person says."""
        data = self.cleaned_data
        return Answer(data["verdict"], voice(request.user), data["reason"], data["fee"], data["seen"])


class ManyForm(StimulusForm):
    """One answer to several proposals. Each `chosen` is an id and, once shown, the digest of what would follow."""

    name = "say-many"
    verdict = forms.ChoiceField(choices=(("approve", "approve"), ("reject", "reject")))
    reason = forms.CharField(
        label="Why, for all of them",
        max_length=500,
        error_messages={"required": "Say why in a few words; it is kept with each decision."},
    )
    total = forms.IntegerField(min_value=0, max_value=MOST, required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.chosen = chosen_in(data)


class Chosen(NamedTuple):
    """One of several: the id of a proposal, and what was foreseen of it."""

    pk: int
    foreseen: str = ""


class Preview(NamedTuple):
    """What would follow for one of several; `skipped` says why it is left out."""

    row: Row
    follows: screen.Follows | None
    skipped: str


class Done(NamedTuple):
    """What became of one of several."""

    proposal: Proposal
    what: str
    text: str
    tone: str
    can_be_lifted: bool


# ---------- the list ----------


def approvals(request: HttpRequest) -> HttpResponse:
    """What waits, oldest first, or the nearest deadline first; those of one service stand together."""
    waiting = Proposal.objects.filter(closed_at=None)
    page = _page(_filtered(waiting, request), request)
    context = {
        "groups": _grouped(_rows(page.rows, request)),
        "next": page.next,
        "brands": Brand.objects.order_by("name"),
        "kinds": _chips(waiting, request),
        "answered": _answered(request),
        "filtered": any(request.GET.get(name) for name in ("brand", "kind")),
    }
    return render(request, "web/approvals.html", context)


def _page(shown: "QuerySet[Proposal]", request: HttpRequest) -> paging.Page:
    after = request.GET.get("after", "")
    shown = shown.annotate(due=F("case__next_due"))
    if request.GET.get("order") == "due":
        return paging.soonest_first(shown, "due", "at", after)
    return paging.soonest_first(shown, "at", "at", after)


def _filtered(waiting: "QuerySet[Proposal]", request: HttpRequest) -> "QuerySet[Proposal]":
    brand, kind = request.GET.get("brand", ""), request.GET.get("kind", "")
    waiting = waiting.select_related("brand", "service", "customer", "case").prefetch_related("consents")
    waiting = waiting.filter(brand__slug=brand) if brand else waiting
    return waiting.filter(kind=kind) if kind in KINDS else waiting


def _chips(waiting: "QuerySet[Proposal]", request: HttpRequest) -> list[tuple[str, str, int]]:
    """Each kind with its word and how many wait."""
    brand = request.GET.get("brand", "")
    mine = waiting.filter(brand__slug=brand) if brand else waiting
    return [(kind, word, mine.filter(kind=kind).count()) for kind, word in KINDS.items()]


def _rows(proposals: Iterable[Proposal], request: HttpRequest) -> list[Row]:
    who, now = voice(request.user), timezone.now()
    return [Row(one, screen.standing_of(one, who, now)) for one in proposals]


def _grouped(rows: Iterable[Row]) -> list[list[Row]]:
    """The rows of one service together, at the place of its first."""
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row.proposal.docket_id, []).append(row)
    return list(found.values())


def _answered(request: HttpRequest) -> list[tuple[Proposal, str, bool]]:
    """What was answered last: with what it was, and whether it stands outside and can be lifted."""
    latest = _filtered(Proposal.objects.exclude(answer=""), request).order_by("-closed_at")[:_ANSWERED]
    return [(one, _what(one), _can_be_lifted(one)) for one in latest]


def _what(one: Proposal) -> str:
    return words.sentence(words.waits(one.kind, one.name, one.items, one.amount, one.currency))


def _can_be_lifted(one: Proposal) -> bool:
    return one.kind == "measure" and one.answer == "approved" and one.name != "terminate"


# ---------- one ----------


def approval(request: HttpRequest, pk: int) -> HttpResponse:
    """One proposal, with all that decides it."""
    one = _find(pk)
    return _screen(request, one, SayForm(initial={"seen": one.mark}))


@require_POST
def say_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Yes or no to one."""
    one, form = _find(pk), SayForm(request.POST)
    if not form.is_valid():
        return _screen(request, one, form, 422)
    result = say(one.pk, form.answer(request), key=form.key, now=timezone.now())
    text, tone = words.answered(result.state, result.why, result.effects)
    messages.add_message(request, messages.INFO, text, extra_tags=tone)
    if result.state in {"refused", "changed", "noted", "nothing"}:
        return redirect("approval", pk)
    following = _neighbour(one, forward=True) or _neighbour(one, forward=False)
    return redirect("approval", following) if following and "next" in request.POST else redirect("approvals")


def _find(pk: int) -> Proposal:
    found = Proposal.objects.select_related("brand", "service", "customer__reseller", "case", "docket")
    return get_object_or_404(found.prefetch_related("consents"), pk=pk)


def _neighbour(one: Proposal, *, forward: bool) -> int | None:
    """The one that waits next, or the one before, in the order of the list."""
    waiting = Proposal.objects.filter(closed_at=None).exclude(pk=one.pk)
    if forward:
        later = waiting.filter(Q(at__gt=one.at) | Q(at=one.at, pk__gt=one.pk)).order_by("at", "pk")
    else:
        later = waiting.filter(Q(at__lt=one.at) | Q(at=one.at, pk__lt=one.pk)).order_by("-at", "-pk")
    return later.values_list("pk", flat=True).first()


def _screen(request: HttpRequest, one: Proposal, form: SayForm, status: int = 200) -> HttpResponse:
    now, docket = timezone.now(), state_of(one.docket)
    grounds, version = screen.grounds_of(one, docket)
    history = screen.history_of(one, docket)
    context: dict[str, Any] = {
        "proposal": one,
        "brand": one.brand,
        "case": one.case,
        "form": form,
        "standing": screen.standing_of(one, voice(request.user), now),
        "grounds": grounds,
        "version": version,
        "in_force": screen.in_force(one, now),
        "history": history,
        "measures": [state_row(measure) for measure in history.measures],
        "law": clauses.of_brand(one.brand, one.clauses, one.at),
        "owed": screen.owed_in(docket),
        "owed_by_customer": screen.owed_by_customer(one),
        "currency": one.currency or pack_of(one.brand).currency,
        "credit": docket.credit,
        "beside": screen.beside(one, now),
        "closed": closed_by(one) if one.closed_at else "",
        "next": _neighbour(one, forward=True),
        "previous": _neighbour(one, forward=False),
    }
    context |= _of_case(one, docket) | _chain(one) | _of_request(one)
    context["alone"] = _can_be_alone(one, request.user.get_username())
    if one.closed_at is None:
        context |= {
            "yes": screen.follows(one, "approve", now),
            "no": screen.follows(one, "reject", now),
            "nobody": screen.if_nobody(one, now),
        }
    return render(request, "web/approval.html", context, status=status)


def _of_case(one: Proposal, docket: Any) -> dict[str, Any]:
    if one.case is None:
        return {"conversation": [], "ahead": []}
    return {"conversation": conversation_of(one.case), "ahead": ahead_of(one.case, docket)}


def _of_request(one: Proposal) -> dict[str, Any]:
    """What the customer asks for, and what was found about it."""
    asked = CustomerRequest.objects.filter(docket=one.docket_id, item=one.request).first() if one.request else None
    return {"asked": asked, "found": request_words.found(findings_of(asked)) if asked else []}


def _can_be_alone(one: Proposal, name: str) -> bool:
    """Whether the person who proposed it may answer it alone, on its case."""
    proposed_it = name in one.barred and one.name != "terminate"
    return proposed_it and one.case is not None and is_allowed(one.brand)


def _chain(one: Proposal) -> dict[str, Any]:
    """Whose yes it takes, in order, each with the one that was said."""
    known = screen.terms_and_chain(one)
    if known is None or len(known[1].steps) < 2:
        return {"chain": []}
    given = [*known[1].given, *[None] * len(known[1].steps)]
    asked = [step if step != ANYBODY else "anybody who may approve" for step in known[1].steps]
    return {"chain": list(zip(asked, given, strict=False))}


# ---------- many ----------


def chosen_in(data: Any) -> list[Chosen]:
    """What a form has chosen; what cannot be an id is left out."""
    parts = [text.partition(":") for text in data.getlist("chosen")]
    return [Chosen(int(pk), mark) for pk, _, mark in parts if pk.isascii() and pk.isdigit() and len(pk) < 19][:MOST]


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """What would follow for each of those chosen, before anything is done."""
    verdict = "reject" if request.POST.get("verdict") == "reject" else "approve"
    found = _found([one.pk for one in chosen_in(request.POST)])
    if not found:
        messages.error(request, "Choose some of the list first.", extra_tags="late")
        return redirect("approvals")
    if len({_sort(one) for one in found}) > 1:
        text = "Choose proposals of one kind: one measure, charges alone, or one kind of request."
        messages.error(request, text, extra_tags="late")
        return redirect("approvals")
    return render(request, "web/approvals_preview.html", _previewed(request, found, verdict))


def _previewed(request: HttpRequest, found: Sequence[Proposal], verdict: Any) -> dict[str, Any]:
    who, now = voice(request.user), timezone.now()
    rows = [Row(one, screen.standing_of(one, who, now)) for one in found]
    open_to = [row for row in rows if not _left_out(row, verdict)]
    follow = screen.follow_all([row.proposal for row in open_to], verdict, who, now)
    shown = {row.proposal.pk: each for row, each in zip(open_to, follow, strict=True)}
    previews = [Preview(row, shown.get(row.proposal.pk), _left_out(row, verdict)) for row in rows]
    return {
        "verdict": verdict,
        "previews": previews,
        "number": len(open_to),
        "irreversible": verdict == "approve" and found[0].name == "terminate",
    }


def _left_out(row: Row, verdict: str) -> str:
    if row.proposal.closed_at is not None:
        return f"Left out: {closed_by(row.proposal)}."
    if verdict == "reject" and row.standing.may_reject:
        return ""
    return row.standing.hindered


def _sort(one: Proposal) -> tuple[str, str]:
    """What may be answered together: one reason has to fit all."""
    return one.kind, "" if one.kind == "charge" else one.name


def _found(chosen: Sequence[int]) -> list[Proposal]:
    found = Proposal.objects.select_related("brand", "service", "customer", "case", "docket")
    known = found.prefetch_related("consents").in_bulk(chosen)
    return [known[pk] for pk in dict.fromkeys(chosen) if pk in known]


@require_POST
def say_many(request: HttpRequest) -> HttpResponse:
    """Answer those that were previewed, some at a time; what is not as it was shown is left out and said."""
    form = ManyForm(request.POST)
    if not form.is_valid() or not form.chosen:
        wrong = next((str(error) for errors in form.errors.values() for error in errors), "Nothing was chosen.")
        messages.error(request, wrong, extra_tags="late")
        return redirect("approvals")
    now, rest = form.chosen[:CHUNK], form.chosen[CHUNK:]
    total = form.cleaned_data["total"] or len(form.chosen)
    context = {
        "done": _answer(request, form, now),
        "rest": rest,
        "form": form,
        "total": total,
        "so_far": total - len(rest),
    }
    part = "web/approvals_part.html" if request.htmx else "web/approvals_done.html"  # type: ignore[attr-defined]
    return render(request, part, context)


def _answer(request: HttpRequest, form: ManyForm, chosen: Sequence[Chosen]) -> list[Done]:
    """Each is told to the policy by itself, under a key of its own."""
    expected = {one.pk: one.foreseen for one in chosen}
    now, data = timezone.now(), form.cleaned_data
    answer = Answer(data["verdict"], voice(request.user), data["reason"])
    return [
        _done(one, say(one.pk, answer._replace(foreseen=expected[one.pk]), key=f"{form.key}:{one.pk}", now=now))
        for one in _found(list(expected))
    ]


def _done(one: Proposal, result: Result) -> Done:
    text, tone = words.answered(result.state, result.why, result.effects)
    lifts = result.state == "decided" and one.kind == "measure" and one.name != "terminate"
    return Done(one, _what(one), text.removeprefix("Recorded. "), tone, lifts)
