"""What reporters of a brand are told: whether they get a receipt and an outcome, and what a receipt says."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from abusedesk.desk.answering.acknowledge import (
    AN_HOUR,
    FOLLOWS,
    MOST_AN_HOUR,
    SETTING,
    receipts_an_hour,
    setting_of,
    tells_outcome,
)
from abusedesk.desk.outcome import SETTING as TELL_OUTCOME
from abusedesk.records.models import Brand
from abusedesk.web.brand_settings import settings_page
from abusedesk.web.readers import may_change_channels

LANGUAGES = {"en": "English", "zh-Hans": "Simplified Chinese", "de": "German"}


class ToldForm(forms.Form):
    """Who gets a receipt, who an outcome, and the brand's own words in each of its languages."""

    acknowledge = forms.ChoiceField(
        label="Who gets a receipt for a report",
        widget=forms.RadioSelect,
        choices=(
            ("known", "known reporters whose mail proves itself"),
            ("everybody", "everybody who may be answered"),
            ("off", "nobody"),
        ),
        help_text="Senders can be forged: a receipt to everybody reaches people who never wrote. It is limited to 60 "
        "an hour and does not carry their subject.",
    )
    receipts_an_hour = forms.IntegerField(
        label="Receipts for one address within an hour, at most",
        min_value=1,
        max_value=MOST_AN_HOUR,
        help_text="One is enough for most: the reports count all the same. A sensor gets one whatever stands here.",
    )
    tell_outcome = forms.BooleanField(
        label="Tell reporters once what became of a report: a reason, and nothing of the customer", required=False
    )

    def __init__(self, brand: Brand, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._languages = list(brand.languages) or ["en"]
        for one in self._languages:
            self.fields[f"follows_{one}"] = forms.CharField(
                label=f"What happens next, as the receipt says it ({LANGUAGES.get(one, one)})",
                required=False,
                max_length=1500,
                widget=forms.Textarea(attrs={"rows": 3, "lang": one}),
                help_text="May be empty. Promise only what you keep.",
            )

    @staticmethod
    def initial_of(brand: Brand) -> dict[str, Any]:
        """What the form shows of a brand."""
        kept = brand.settings.get(FOLLOWS)
        follows = kept if isinstance(kept, dict) else {}
        plain = {
            SETTING: setting_of(brand),
            AN_HOUR: receipts_an_hour(brand),
            TELL_OUTCOME: tells_outcome(brand),
        }
        return {**plain, **{f"follows_{language}": text for language, text in follows.items()}}

    def settings(self) -> dict[str, Any]:
        """The brand's settings that the checked form stands for."""
        given = self.cleaned_data
        follows = {one: text for one in self._languages if (text := given[f"follows_{one}"].strip())}
        kept = {name: given[name] for name in (SETTING, AN_HOUR, TELL_OUTCOME)}
        return {**kept, FOLLOWS: follows}


def told(request: HttpRequest, slug: str) -> HttpResponse:
    """Show and change what reporters are told."""
    brand = get_object_or_404(Brand, slug=slug)
    form = ToldForm(brand, request.POST or None, initial=ToldForm.initial_of(brand))
    may, saved = may_change_channels(request.user), "Saved. It holds from the next report on."
    return settings_page(request, brand, form, "web/reporters_told.html", may=may, saved=saved)
