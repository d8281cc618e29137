"""Appeals: entered from what the customer said, heard by somebody else, upheld with a letter or granted."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from abusedesk.desk import appeals as desk
from abusedesk.desk import telephone
from abusedesk.desk.answering.letters import LONGEST
from abusedesk.desk.decide import state_of
from abusedesk.desk.mistake import letter
from abusedesk.desk.perform.reaching import first_address
from abusedesk.policy.docket import Docket, charged, stands
from abusedesk.policy.strikes import struck
from abusedesk.problem import Problem
from abusedesk.records.csv_tables import instant
from abusedesk.records.models import Appeal, Brand, Case
from abusedesk.web import mistake_words as said
from abusedesk.web import paging, words
from abusedesk.web.brand_settings import settings_page
from abusedesk.web.readers import may_change_channels
from abusedesk.web.views.case import find

_CLOSED = 50


class AppealForm(forms.Form):
    """What a customer disputes, in the customer's words."""

    token = forms.CharField(widget=forms.HiddenInput, max_length=64)
    disputed = forms.ChoiceField(label="The customer disputes", widget=forms.RadioSelect)
    said = forms.CharField(label="In the customer's words", max_length=20_000, widget=forms.Textarea(attrs={"rows": 5}))
    via = forms.ChoiceField(label="It came", choices=list(desk.VIA.items()), widget=forms.RadioSelect, initial="mail")
    since = forms.CharField(
        label="Since when, in UTC; empty is now",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"placeholder": "2026-02-01T14:30:00Z", "autocomplete": "off"}),
    )

    def __init__(self, choices: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["disputed"].choices = choices  # type: ignore[attr-defined]

    def clean_since(self) -> datetime:
        text, now = self.cleaned_data["since"].strip(), timezone.now()
        try:
            since = instant(text) if text else now
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        if since > now:
            raise forms.ValidationError("That lies ahead; say when the customer wrote or called.")
        return since


def appeals(request: HttpRequest) -> HttpResponse:
    """Open appeals, the one due soonest first, or those decided."""
    closed = request.GET.get("state") == "closed"
    found = Appeal.objects.select_related("customer", "brand", "case__service")
    if request.GET.get("brand"):
        found = found.filter(brand__slug=request.GET["brand"])
    after = request.GET.get("after", "")
    if closed:
        page = paging.newest_first(found.exclude(outcome=""), "decided_at", after, _CLOSED)
    else:
        page = paging.soonest_first(found.filter(outcome=""), "due", "entered_at", after)
    context = {"rows": page.rows, "next": page.next, "closed": closed, "brands": Brand.objects.order_by("name")}
    return render(request, "web/appeals.html", context)


def new(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter an appeal of a case's customer."""
    case = find(pk)
    choices = _choices(case)
    form = AppealForm(choices, request.POST or None, initial={"token": uuid4().hex})
    if request.method == "POST" and form.is_valid():
        try:
            made = desk.enter(case, _disputed(form, dict(choices)), _said(request, form), timezone.now())
        except Problem as problem:
            form.add_error(None, str(problem))
        else:
            messages.success(request, "The appeal is on record.", extra_tags="good")
            return redirect("appeal", made.pk)
    context = {"case": case, "form": form, "choices": choices, "pauses": desk.pauses(case.brand)}
    status = 422 if request.method == "POST" else 200
    return render(request, "web/appeal_new.html", context | {"hours": desk.hours(case.brand)}, status=status)


def _choices(case: Case) -> list[tuple[str, str]]:
    """What of the case can be disputed, newest first."""
    docket = state_of(case.service.docket)
    return [*_strikes(docket, case.abuse_type), *_measures(docket), *_charges(docket)]


def _strikes(docket: Docket, abuse_type: str) -> list[tuple[str, str]]:
    mine = [one for one in docket.occurrences if one.abuse_type == abuse_type and one.strike and struck(one)]
    return [
        (f"strike:{one.id}", f"strike {one.strike.number} of {one.opened_at:%-d %b %Y}")
        for one in mine[::-1]
        if one.strike is not None
    ]


def _measures(docket: Docket) -> list[tuple[str, str]]:
    return [
        (f"measure:{one.id}", f"the {words.measure(one.kind, port=one.port, ip=one.ip)} of {one.at:%-d %b %Y}")
        for one in docket.measures[::-1]
        if stands(one)
    ]


def _charges(docket: Docket) -> list[tuple[str, str]]:
    return [
        (f"charge:{one.id}", f"the {said.of_charge(one)[:1].lower()}{said.of_charge(one)[1:]}")
        for one in docket.charges[::-1]
        if charged(one)
    ]


def _disputed(form: AppealForm, choices: dict[str, str]) -> desk.Disputed:
    chosen = form.cleaned_data["disputed"]
    kind, _, item = chosen.partition(":")
    what: desk.What = "strike" if kind == "strike" else "charge" if kind == "charge" else "measure"
    return desk.Disputed(what, item, choices[chosen])


def _said(request: HttpRequest, form: AppealForm) -> desk.Said:
    data, by = form.cleaned_data, request.user.get_username()
    return desk.Said(data["said"], data["via"], data["since"], by, data["token"])


# --- one ------------------------------------------------------------------------------------------------------------


def appeal(request: HttpRequest, pk: int) -> HttpResponse:
    """One appeal: what is disputed, what the customer says, and who may decide it."""
    return _page(request, _find(pk))


def _find(pk: int) -> Appeal:
    related = ("case__service__docket", "case__customer", "case__brand", "customer", "brand", "docket")
    return get_object_or_404(Appeal.objects.select_related(*related), pk=pk)


def _page(request: HttpRequest, one: Appeal, wrong: str = "") -> HttpResponse:
    who = desk.deciders(one)
    reason, text = request.POST.get("reason", "").strip(), request.POST.get("letter", "")
    draft = letter.upheld(one.case, one.about, reason)
    context = {
        "appeal": one,
        "via": desk.VIA[one.via],
        "outcome": desk.OUTCOMES.get(one.outcome, ""),
        "deciders": sorted(who),
        "may": request.user.get_username() not in who,
        "mistakes": one.mistakes.order_by("at"),
        "reason": reason,
        "letter": text or draft,
        "address": first_address(one.customer),
        "wrong": wrong,
    }
    return render(request, "web/appeal.html", context, status=422 if wrong else 200)


@require_POST
def uphold(request: HttpRequest, pk: int) -> HttpResponse:
    """It stands: with a reason, and a letter that says it."""
    one, reason = _find(pk), request.POST.get("reason", "").strip()
    text = request.POST.get("letter", "").replace("\r\n", "\n")[:LONGEST]
    if not reason:
        return _page(request, one, "Say why it stands; the customer asked.")
    try:
        desk.uphold(one, request.user.get_username(), reason, _filled(one, text, reason), timezone.now())
    except Problem as problem:
        messages.error(request, str(problem), extra_tags="late")
        return redirect("appeal", pk)
    messages.success(request, "It stands. The customer is told, and its deadlines go on.", extra_tags="good")
    return redirect("appeal", pk)


def _filled(one: Appeal, text: str, reason: str) -> str:
    """The letter, with the reason in it where nobody changed the draft without one."""
    draft = letter.upheld(one.case, one.about, "")
    return letter.upheld(one.case, one.about, reason) if text.split() == draft.split() else text


# --- the brand's settings -------------------------------------------------------------------------------------------


class SettingsForm(forms.Form):
    """How a brand hears appeals, and what an agent may lift on the telephone."""

    pauses = forms.BooleanField(
        label="Deadlines stand still while an appeal is open",
        required=False,
        help_text="Those of what is disputed. They go on later by as long as they stood.",
    )
    hours = forms.IntegerField(label="Hours within which an appeal is decided", min_value=1, max_value=desk.MOST_HOURS)
    telephone_hours = forms.IntegerField(
        label="Hours for which an agent may lift a measure without an approver; 0 is never",
        min_value=0,
        max_value=telephone.MOST_HOURS,
    )
    telephone_times = forms.IntegerField(
        label="How often one agent may do so within 24 hours", min_value=0, max_value=telephone.MOST_TIMES
    )

    @staticmethod
    def initial_of(brand: Brand) -> dict[str, Any]:
        """What the form shows of a brand."""
        return {
            "pauses": desk.pauses(brand),
            "hours": desk.hours(brand),
            "telephone_hours": telephone.hours(brand),
            "telephone_times": telephone.times(brand),
        }

    def settings(self) -> dict[str, Any]:
        """The brand's settings that the checked form stands for."""
        given = self.cleaned_data
        return {
            desk.PAUSES: given["pauses"],
            desk.HOURS: given["hours"],
            telephone.HOURS: given["telephone_hours"],
            telephone.TIMES: given["telephone_times"],
        }


def settings(request: HttpRequest, slug: str) -> HttpResponse:
    """Show and change how a brand hears appeals."""
    brand = get_object_or_404(Brand, slug=slug)
    form = SettingsForm(request.POST or None, initial=SettingsForm.initial_of(brand))
    may, saved = may_change_channels(request.user), "Saved. It holds from now on."
    return settings_page(request, brand, form, "web/appeal_settings.html", may=may, saved=saved)
