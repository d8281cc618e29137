"""How a brand approves: who may, whose yes it takes, when those are reminded, and what ends by itself."""

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from abusedesk.records.models import Brand
from abusedesk.records.packs import pack_of
from abusedesk.vocabulary.approval import SETTING, Terms, chains_in, lines_of, read_terms
from abusedesk.vocabulary.duration import format_duration
from abusedesk.vocabulary.permission import APPROVERS, GROUPS
from abusedesk.web.brand_settings import settings_page

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


class TermsForm(forms.Form):
    """The brand's setting, in the words of the screens. `items` are the charges that its policy makes."""

    items: frozenset[str] = frozenset()
    remind_hours = forms.IntegerField(
        label="Hours after which those who may answer are reminded, once a day; 0 is never", min_value=0, max_value=720
    )
    expire_days = forms.IntegerField(
        label="Days after which a proposed measure or charge expires; 0 is never",
        min_value=0,
        max_value=365,
        help_text="Expired is rejected, by the clock. What a customer asks for never expires.",
    )
    approvers_only = forms.BooleanField(
        label=f"Only members of the group \u201c{APPROVERS}\u201d, and administrators, answer", required=False
    )
    chains = forms.CharField(
        label="Where one yes is not enough, one a line",
        required=False,
        max_length=2000,
        widget=forms.Textarea(
            attrs={
                "rows": 4,
                "spellcheck": "false",
                "placeholder": "terminate: approvers, policy publishers\ncharge above 500.00: 2",
            }
        ),
        help_text="How many people, or whose yes in which order. Of one charge: charge NAME above 500.00. Groups: "
        + ", ".join(GROUPS),
    )

    def clean_chains(self) -> list[dict[str, Any]]:
        try:
            chains = chains_in(self.cleaned_data["chains"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        unknown = next((one["charge"] for one in chains if one.get("charge", "") not in {"", *self.items}), None)
        if unknown is not None:
            known = ", ".join(sorted(self.items)) or "none"
            raise forms.ValidationError(f"This policy makes no charge “{unknown}”; it makes: {known}.")
        return chains

    def settings(self) -> dict[str, Any]:
        """The brand's settings that the checked form stands for."""
        given = self.cleaned_data
        found = {
            "remind_after": format_duration(given["remind_hours"] * _HOUR),
            "expire_after": format_duration(given["expire_days"] * _DAY) if given["expire_days"] else "",
            "approvers_only": given["approvers_only"],
            "chains": given["chains"],
        }
        return {SETTING: {name: value for name, value in found.items() if value not in ("", False, [])}}


def approval_terms(request: HttpRequest, slug: str) -> HttpResponse:
    """Show and change how a brand approves."""
    brand = get_object_or_404(Brand, slug=slug)
    terms, problem = _terms(brand)
    form = TermsForm(request.POST or None, initial=_initial(terms))
    form.items = pack_of(brand).items
    may, saved = request.user.is_superuser, "Saved. It holds for what waits now, too."
    return settings_page(request, brand, form, "web/approval_terms.html", may=may, saved=saved, problem=problem)


def _terms(brand: Brand) -> tuple[Terms, str]:
    try:
        return read_terms(brand.settings), ""
    except (ValueError, TypeError) as error:
        return Terms(), str(error)


def _initial(terms: Terms) -> dict[str, Any]:
    return {
        "remind_hours": terms.remind_after // _HOUR,
        "expire_days": terms.expire_after // _DAY if terms.expire_after else 0,
        "approvers_only": terms.approvers_only,
        "chains": lines_of(terms.rules),
    }
