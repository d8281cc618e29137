"""The public form's fields. What is wrong is said beside its field, in the form's own language."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.core import signing
from django.http import QueryDict
from django.utils import timezone

from abusedesk.parsing import hosts
from abusedesk.parsing.formats.form import Attached, Said
from abusedesk.parsing.legal import ILLEGAL_CONTENT as DSA_LAW
from abusedesk.vocabulary.category import ILLEGAL_CONTENT
from abusedesk.vocabulary.report import Notice
from abusedesk.web.public_words import CATEGORIES, ILLEGAL, NAMES, SAY

PLACES = 50
FILES = 5
FILE_MB = 2
LARGEST = (FILES * FILE_MB + 1) * 1024 * 1024
"""Bytes of one use of the form, everything together."""

_QUICK = timedelta(seconds=2)
_OLD = timedelta(hours=12)
_SALT = "abusedesk.form.begun"
_URL = re.compile(r"(?i)https?://\S{3,1990}")


class Several(forms.ClearableFileInput):
    """A field for files that takes several."""

    allow_multiple_selected = True


class Files(forms.FileField):
    """Several files, or none."""

    widget = Several

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Each file by itself."""
        given = data if isinstance(data, list | tuple) else [data]
        return [found for one in given if one and (found := super(Files, self).clean(one, initial))]


class PublicForm(forms.Form):
    """What both forms ask. `website` is a trap: people do not see it. `begun` says since when the page was open."""

    illegal = False
    category = forms.ChoiceField()
    about = forms.CharField(max_length=20_000, widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}))
    occurred_at = forms.DateTimeField(
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    description = forms.CharField(max_length=5000, widget=forms.Textarea(attrs={"rows": 5}))
    evidence = forms.CharField(
        max_length=50_000, required=False, widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"})
    )
    attached = Files(required=False)
    name = forms.CharField(max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    website = forms.CharField(
        required=False, max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"})
    )
    begun = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def __init__(self, language: str, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"begun": begun_now()})
        super().__init__(*args, **kwargs)
        self.say = SAY[language]
        chosen = ILLEGAL if self.illegal else CATEGORIES
        # Nothing is chosen beforehand: what a hurried visitor leaves as it is would be spam.
        named = [("", self.say["choose"]), *((one, NAMES[language][one]) for one in chosen)]
        self.fields["category"].choices = named  # type: ignore[attr-defined]
        for field, (label, hint) in self.labels().items():
            self.fields[field].label = self.say[label]
            self.fields[field].help_text = self.say[hint].format(count=FILES, size=FILE_MB) if hint else ""

    def labels(self) -> dict[str, tuple[str, str]]:
        """The words of each field: its label and its hint."""
        return {
            "category": ("category", ""),
            "about": ("about", "about_hint"),
            "occurred_at": ("occurred_at", "occurred_hint"),
            "description": ("description", "description_hint"),
            "evidence": ("evidence", ""),
            "attached": ("files", "files_hint"),
            "name": ("name", "name_hint"),
            "email": ("email", "email_hint"),
            "website": ("trap", ""),
        }

    def clean_about(self) -> tuple[str, ...]:
        """Each line as something that somebody can hold."""
        lines = list(dict.fromkeys(line.strip() for line in self.cleaned_data["about"].splitlines() if line.strip()))
        wrong = next((line for line in lines if not self.is_place(line)), None)
        if wrong is not None:
            raise forms.ValidationError(self.say["no_url" if self.illegal else "no_place"].format(line=wrong[:80]))
        if len(lines) > PLACES:
            raise forms.ValidationError(self.say["many"].format(number=len(lines), most=PLACES))
        return tuple(lines)

    def is_place(self, line: str) -> bool:
        """Whether a line names something that somebody can hold."""
        return hosts.source(line) is not None

    def clean_occurred_at(self) -> datetime | None:
        """Not a time that is still to come."""
        found: datetime | None = self.cleaned_data["occurred_at"]
        if found is not None and found > timezone.now() + timedelta(minutes=5):
            raise forms.ValidationError(self.say["future"])
        return found

    def clean_email(self) -> str:
        """An address in the letters that every mail server takes."""
        local, _, domain = str(self.cleaned_data["email"]).rpartition("@")
        try:
            return f"{local}@{domain.encode('idna').decode()}" if local else ""
        except UnicodeError:
            raise forms.ValidationError(self.say["no_mailbox"]) from None

    def clean_attached(self) -> list[Any]:
        """Not too many, and none too large."""
        given: list[Any] = self.cleaned_data["attached"]
        if len(given) > FILES:
            raise forms.ValidationError(self.say["files_many"].format(number=len(given), most=FILES))
        large = next((one for one in given if (one.size or 0) > FILE_MB * 1024 * 1024), None)
        if large is not None:
            raise forms.ValidationError(self.say["files_large"].format(name=str(large.name)[:80], size=FILE_MB))
        return given

    def clean(self) -> dict[str, Any]:
        """The traps for machines; people get through them on the second try, with all that they wrote."""
        cleaned = super().clean() or {}
        if cleaned.get("website"):
            self.reset("website", "")
            self.add_error(None, self.say["trapped"])
        open_for = _since(cleaned.get("begun") or "")
        if open_for is None or open_for > _OLD:
            self.reset("begun", begun_now())
            self.add_error(None, self.say["old"])
        elif open_for < _QUICK and not self.errors:
            self.add_error(None, self.say["quick"])
        return cleaned

    def reset(self, field: str, value: str) -> None:
        """Shows a field with another value than was sent."""
        sent = self.data.dict() if isinstance(self.data, QueryDict) else self.data
        self.data = {**sent, field: value}

    def said(self) -> Said:
        """What was said, as the document that is received."""
        given = self.cleaned_data
        return Said(
            category=given["category"],
            about=given["about"],
            email=given.get("email") or "",
            name=given.get("name") or "",
            occurred_at=_aware(given.get("occurred_at")),
            description=given["description"],
            evidence=given.get("evidence") or "",
            notice=self.notice(),
            files=tuple(_attached(given.get("attached") or ())),
        )

    def notice(self) -> Notice | None:
        """The elements of a notice under a law."""
        return None


class IllegalContentForm(PublicForm):
    """A notice under Article 16 (2) of Regulation (EU) 2022/2065: reasons, location, who notifies, good faith."""

    illegal = True
    email = forms.EmailField(max_length=254, required=False, widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    good_faith = forms.BooleanField()

    def labels(self) -> dict[str, tuple[str, str]]:
        """The same fields under the law's names."""
        return super().labels() | {
            "about": ("location", "location_hint"),
            "description": ("explanation", "description_hint"),
            "name": ("name", "dsa_name_hint"),
            "email": ("email", "dsa_email_hint"),
            "attached": ("files", "dsa_files_hint"),
            "good_faith": ("good_faith", ""),
        }

    def is_place(self, line: str) -> bool:
        """The exact location is a URL."""
        return _URL.fullmatch(line) is not None and hosts.source(line) is not None

    def clean(self) -> dict[str, Any]:
        """Name and address, except where Article 16 (2) (c) lets a notice be without; and never such files."""
        cleaned = super().clean()
        if cleaned.get("category") in ILLEGAL_CONTENT:
            if cleaned.get("attached"):
                self.add_error("attached", self.say["files_illegal"])
            return cleaned
        for field in ("name", "email"):
            if not cleaned.get(field) and field not in self.errors:
                self.add_error(field, self.say["needed"])
        return cleaned

    def notice(self) -> Notice | None:
        """All four elements; who notifies only where they said so."""
        named = bool(self.cleaned_data.get("name") and self.cleaned_data.get("email"))
        present = ("reasons", "location", *(["notifier"] if named else []), "bona_fide")
        return Notice(DSA_LAW, present, () if named else ("notifier",))


def begun_now() -> str:
    """A mark that says when the page was opened and cannot be made up."""
    return signing.dumps(int(timezone.now().timestamp() * 10), salt=_SALT)


def _since(mark: str) -> timedelta | None:
    try:
        begun = signing.loads(mark, salt=_SALT)
    except signing.BadSignature:
        return None
    return timezone.now() - datetime.fromtimestamp(int(begun) / 10, UTC)


def _aware(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment is not None else None


def _attached(files: Sequence[Any]) -> list[Attached]:
    return [Attached(str(one.name)[:200], str(one.content_type or "")[:100], one.read()) for one in files]
