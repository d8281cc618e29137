"""The forms on a file's page: an entry, a due time, and a report made of what the file says."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from abusedesk.parsing import hosts
from abusedesk.parsing.formats.form import MOST, Said
from abusedesk.records.models import LegalFile
from abusedesk.vocabulary.category import CATEGORIES
from abusedesk.vocabulary.designation import AUTHORITY
from abusedesk.web import words


class EntryForm(forms.Form):
    """What a person did or found."""

    text = forms.CharField(label="In your words", max_length=5000, widget=forms.Textarea(attrs={"rows": 4}))
    kind = forms.ChoiceField(choices=(("answered", ""), ("note", ""), ("closed", "")))


class DueForm(forms.Form):
    """Until when it must be answered."""

    due = forms.DateTimeField(
        label="Due, UTC; empty where nothing is due",
        required=False,
        help_text="Such as 2026-03-02 14:00.",
    )
    reason = forms.CharField(label="Who asks for that", max_length=300)


class ReportForm(forms.Form):
    """A report that a person makes of a file."""

    about = forms.CharField(
        label="Addresses, names or URLs, one a line", max_length=20000, widget=forms.Textarea(attrs={"rows": 3})
    )
    category = forms.ChoiceField(label="What it is", choices=())
    occurred_at = forms.DateTimeField(label="When it was seen, UTC", help_text="Such as 2026-03-02 14:00.")
    description = forms.CharField(
        label="What the customer is told of it",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="It may be passed on word for word; leave out who wrote to you.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = sorted((words.sentence(words.category(one)), one) for one in CATEGORIES)
        self.fields["category"].choices = [(one, name) for name, one in named]  # type: ignore[attr-defined]

    def clean_about(self) -> tuple[str, ...]:
        """Each line as something that somebody can hold."""
        return places(self.cleaned_data["about"])

    def clean_occurred_at(self) -> datetime:
        """Not a time that is still to come."""
        found: datetime = self.cleaned_data["occurred_at"]
        if found > timezone.now():
            raise forms.ValidationError("That time is still to come.")
        return found

    def said(self, file: LegalFile) -> Said:
        """The report. Of an authority's request it says neither the number nor who asked."""
        given = self.cleaned_data
        restricted = file.kind == AUTHORITY
        return Said(
            category=given["category"],
            about=given["about"],
            email=file.brand.sender if restricted or "@" not in file.sender else file.sender,
            reference="" if restricted else file.reference,
            occurred_at=given["occurred_at"],
            description=given["description"],
        )


def places(text: str) -> tuple[str, ...]:
    """The addresses, host names and URLs of a text, one a line. Raises ValidationError with the line that is none."""
    lines = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    wrong = next((line for line in lines if hosts.source(line) is None), None)
    if wrong is not None:
        raise forms.ValidationError(
            f"“{wrong[:80]}” is no address, name or URL; write one such as 192.0.2.1 or https://www.example.net/page."
        )
    if len(lines) > MOST:
        raise forms.ValidationError(f"These are {len(lines)}; one report names at most {MOST}.")
    return tuple(lines)
