"""The forms of a reporter: its record, a key of its own, and why it is muted."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from abusedesk.desk.reporters import claimed_by_others, wrong_with_domain
from abusedesk.desk.vouching.certificates import Key, read_key
from abusedesk.problem import Problem
from abusedesk.records.models import Reporter

_MOST = 50


class ReporterForm(forms.Form):
    """A reporter's names, what it is known by, and whether its proofs count."""

    name = forms.CharField(label="Name", max_length=200, help_text="As people call it: CERT Example.")
    organisation = forms.CharField(
        label="Organisation",
        max_length=200,
        required=False,
        help_text="Two reporters of one organisation are one voice. Empty: by the address.",
    )
    known = forms.BooleanField(
        label="Known: what is provably from it counts as authenticated",
        required=False,
        help_text="For those who tell what they saw themselves, not for those who pass on what anybody tells them.",
    )
    trusted_flagger = forms.BooleanField(
        label="Trusted flagger (Digital Services Act, Article 22)",
        required=False,
        help_text="Shown beside its reports. It changes no assurance.",
    )
    domains = forms.CharField(
        label="Domains that are its own as a whole",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One on a line. A DKIM signature of one of them, or of one below it, vouches for the reporter.",
    )
    addresses = forms.CharField(
        label="Addresses at domains that it shares with others",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="One on a line. Only mail from this very address, signed by its domain, is the reporter's.",
    )
    keys = forms.CharField(
        label="Pinned DKIM keys",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="One on a line: the name, a blank, the record, as s1._domainkey.cert.example.org v=DKIM1; p=… "
        "What is pinned is not asked of the DNS.",
    )

    def __init__(self, reporter: Reporter | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pk = reporter.pk if reporter else None

    @staticmethod
    def initial_of(reporter: Reporter) -> dict[str, Any]:
        """What the form shows of a record."""
        plain = {one: getattr(reporter, one) for one in ("name", "organisation", "known", "trusted_flagger")}
        return {
            **plain,
            "domains": "\n".join(reporter.domains),
            "addresses": "\n".join(reporter.addresses),
            "keys": "\n".join(f"{name} {record}" for name, record in reporter.keys.items()),
        }

    def clean_domains(self) -> list[str]:
        """Domains that can be a reporter's own and are nobody else's."""
        found = _lines(self.cleaned_data["domains"])
        for one in found:
            if wrong := wrong_with_domain(one):
                raise ValidationError(wrong)
        self._must_be_free(found)
        return found

    def clean_addresses(self) -> list[str]:
        """Mail addresses that are nobody else's."""
        found = _lines(self.cleaned_data["addresses"])
        for one in found:
            try:
                validate_email(one)
            except ValidationError:
                raise ValidationError(f"{one} is no mail address; write one on a line.") from None
        self._must_be_free(found)
        return found

    def clean_keys(self) -> dict[str, str]:
        """DKIM key records by their names."""
        found: dict[str, str] = {}
        for line in self.cleaned_data["keys"].splitlines():
            name, _, record = line.strip().partition(" ")
            if not name:
                continue
            if "._domainkey." not in name.lower() or "p=" not in record:
                raise ValidationError(f"{line[:80]} is no name and key record; see the line below the field.")
            found[name.lower().rstrip(".")] = record.strip().strip('"')
        return found

    def _must_be_free(self, names: Iterable[str]) -> None:
        taken = claimed_by_others(self._pk, names)
        if taken:
            name, whose = next(iter(taken.items()))
            raise ValidationError(f"{name} stands on the record of {whose} already.")


class KeyForm(forms.Form):
    """A key of the reporter's own, to be added to its record."""

    text = forms.CharField(
        label="OpenPGP public key or S/MIME certificate",
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        help_text="The whole block with its BEGIN and END lines. Compare its fingerprint with the reporter by another "
        "way than mail: whoever holds this key speaks for the reporter.",
    )
    button = "Add key"

    def clean_text(self) -> Key:
        """The key in the block."""
        try:
            return read_key(self.cleaned_data["text"])
        except Problem as problem:
            said = str(problem)
            raise ValidationError(f"{said[0].upper()}{said[1:]}.") from None


class ReasonForm(forms.Form):
    """Why somebody is muted, or heard again."""

    reason = forms.CharField(label="Why", max_length=300)

    def __init__(self, *args: Any, muted: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.button = "Believe again" if muted else "Mute"
        self.does = (
            "From the next report on, what vouches for it counts again."
            if muted
            else "Its reports are still read, kept and shown, but none is believed by itself. It can be undone."
        )


def _lines(text: str) -> list[str]:
    found = list(dict.fromkeys(one.strip().lower() for one in text.splitlines() if one.strip()))
    if len(found) > _MOST:
        raise ValidationError(f"These are {len(found)}; {_MOST} are as many as one record keeps.")
    return found
