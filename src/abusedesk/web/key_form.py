"""The form of a new key of the API."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.utils import timezone

from abusedesk.records.keys import SCOPES, Wanted, flaw
from abusedesk.records.models import Brand


class KeyForm(forms.Form):
    """Whose key it is to be, and what it may do."""

    label = forms.CharField(
        label="Name", max_length=120, help_text="Whose it is: example-watch, or of a sensor or upstream its own name."
    )
    scope = forms.ChoiceField(
        label="What it may do",
        choices=[(name, what[0].upper() + what[1:]) for name, what in SCOPES.items()],
        widget=forms.RadioSelect,
        initial="reports",
    )
    reporter = forms.CharField(
        label="Reporter",
        max_length=320,
        required=False,
        help_text="Who sends the reports: a mail address, as in its mails, or a name. A key of a sensor has none.",
    )
    brand = forms.ModelChoiceField(
        label="Brand",
        queryset=Brand.objects.order_by("name"),
        required=False,
        empty_label="whose the address is",
        help_text="Everything that comes under the key is this brand's. Sensors and upstreams always have one.",
    )
    expires = forms.DateField(
        label="Valid until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The end of that day, UTC. Empty: until it is revoked.",
    )
    per_minute = forms.IntegerField(
        label="Reports a minute", min_value=1, max_value=1_000_000, initial=600, help_text="More are told to wait."
    )

    def clean(self) -> dict[str, Any]:
        """Refuses what could not be used."""
        cleaned = super().clean() or {}
        if not self.errors:
            wrong = flaw(self.wanted(), timezone.now())
            if wrong:
                raise forms.ValidationError(f"{wrong[0].upper()}{wrong[1:]}.")
        return cleaned

    def wanted(self) -> Wanted:
        """The key as it is asked for."""
        given = self.cleaned_data
        day = given["expires"]
        expires_at = datetime.combine(day, time.max, UTC) if day else None
        reporter, brand = given["reporter"].strip(), given["brand"]
        return Wanted(given["label"].strip(), [given["scope"]], reporter, brand, expires_at, given["per_minute"])
