"""The form of one of the operator's own reading rules."""

from typing import Any

import msgspec
from django import forms

from abusedesk.parsing.own import FIELDS, OwnRule, faults
from abusedesk.records.models import ReadingRule
from abusedesk.vocabulary.category import CATEGORIES

_LABELS = {
    "source": "The address complained of",
    "occurred_at": "The time",
    "url": "The URL",
    "source_port": "The source port",
    "target_port": "The port attacked",
    "count": "How often",
    "category": "The sender's word for what it was",
}
_CATEGORIES = [(one, one) for one in sorted(CATEGORIES)]
_UNCLASSIFIED = "other/unclassified"


def rule_of(row: ReadingRule) -> OwnRule:
    """The rule that a row holds."""
    return msgspec.convert({**row.body, "name": row.name}, OwnRule)


class RuleForm(forms.Form):
    """Whom a rule is for, and which columns or labels hold what."""

    name = forms.CharField(label="Name", max_length=80, help_text="As it is shown where a message was read by it.")
    sender = forms.CharField(
        label="Sender", required=False, max_length=320, help_text="An address, or a domain with all below it."
    )
    subject = forms.CharField(
        label="Words of the subject", required=False, max_length=200, help_text="* stands for anything between."
    )
    verdict = forms.ChoiceField(
        label="Such messages are",
        choices=(("reports", "reports"), ("noise", "no reports: file them")),
        widget=forms.RadioSelect,
        initial="reports",
    )
    category = forms.ChoiceField(label="Category", choices=_CATEGORIES, initial=_UNCLASSIFIED)
    categories = forms.CharField(
        label="Other words, other categories",
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "portscan = connection/port_scan"}),
        help_text="One a line: the sender's word = the category. Needs the column of that word below.",
    )
    enabled = forms.BooleanField(label="In use", required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in FIELDS:
            self.fields[f"column_{field}"] = forms.CharField(label=_LABELS[field], required=False, max_length=80)

    @staticmethod
    def initial_of(row: ReadingRule) -> dict[str, Any]:
        """What the form shows of a rule."""
        rule = rule_of(row)
        plain = {name: getattr(rule, name) for name in ("name", "sender", "subject", "verdict", "category")}
        words_of = "\n".join(f"{theirs} = {ours}" for theirs, ours in rule.categories.items())
        columns = {f"column_{field}": header for field, header in rule.columns.items()}
        return {**plain, **columns, "categories": words_of, "enabled": row.enabled}

    @property
    def columns(self) -> list[forms.BoundField]:
        """The fields that name columns."""
        return [self[f"column_{field}"] for field in FIELDS]

    def clean_categories(self) -> dict[str, str]:
        """The sender's words, each with a category that there is."""
        found: dict[str, str] = {}
        for line in self.cleaned_data["categories"].splitlines():
            theirs, mark, ours = (part.strip() for part in line.partition("="))
            if not line.strip():
                continue
            if not mark or not theirs or ours not in CATEGORIES:
                raise forms.ValidationError(
                    f"“{line.strip()[:80]}” is no line such as “portscan = connection/port_scan”."
                )
            found[theirs] = ours
        return found

    def clean(self) -> dict[str, Any]:
        """Says of each field what keeps the rule from being used."""
        cleaned = super().clean() or {}
        if not self.errors:
            for name, fault in faults(self.rule()).items():
                self.add_error(f"column_{name}" if name in FIELDS and name != "category" else name, fault)
        return cleaned

    def body(self) -> dict[str, Any]:
        """The rule as a row keeps it."""
        given = self.cleaned_data
        plain = {name: given[name].strip() for name in ("sender", "subject", "verdict", "category")}
        columns = {field: given[f"column_{field}"].strip() for field in FIELDS if given[f"column_{field}"].strip()}
        return {**plain, "columns": columns, "categories": given["categories"]}

    def rule(self) -> OwnRule:
        """The rule that the checked form stands for."""
        return msgspec.convert({**self.body(), "name": self.cleaned_data["name"].strip()}, OwnRule)
