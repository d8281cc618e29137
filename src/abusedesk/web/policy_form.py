"""Changing a policy by its values: one field for each value, grouped by clause, which make a new dated version."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from django import forms

from abusedesk.policy.author.change import new_version, written
from abusedesk.policy.author.show import short
from abusedesk.policy.facts import Settings
from abusedesk.policy.pack import Clause, Pack, Parameter, Value
from abusedesk.vocabulary.money import format_amount, parse_amount
from abusedesk.web import policy_words, words

_LONGEST_TEXT = 5000
_LARGEST = 1_000_000_000
_LONGEST = timedelta(days=36525)


class Group(NamedTuple):
    """A clause with the fields of its values, and the one of its own words."""

    clause: Clause
    short: str
    fields: list[forms.BoundField]
    text: forms.BoundField


class Span(forms.CharField):
    """A length of time as people write it; `for ever` is None where that can be."""

    def __init__(self, *, ever: bool, **kwargs: Any) -> None:
        self.ever = ever
        super().__init__(max_length=60, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if self.ever and text.lower() in {"for ever", "forever", "never"}:
            return None
        try:
            length = policy_words.read_span(text)
        except (ValueError, OverflowError) as error:
            raise forms.ValidationError(f"{words.sentence(str(error))}.") from None
        if length > _LONGEST:
            raise forms.ValidationError(
                "That is longer than a hundred years; write “for ever” where that can be meant."
            )
        if not length:
            raise forms.ValidationError("No time at all is no length; write for example 4 hours.")
        return length


class Amount(forms.CharField):
    """An amount of money that becomes minor units."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=20, **kwargs)

    def clean(self, value: Any) -> Any:
        try:
            amount = parse_amount(super().clean(value))
        except ValueError:
            raise forms.ValidationError("This is no amount; write for example 30.00.") from None
        if amount < 0 or amount > _LARGEST:
            raise forms.ValidationError("An amount is from 0.00 to 9,999,999.99.")
        return amount


class ChangeForm(forms.Form):
    """Every value of a pack as its newest version has it, and from when the new ones hold."""

    since = forms.DateField(
        label="In force from", widget=forms.DateInput(attrs={"type": "date"}), help_text="midnight UTC of that day"
    )

    def __init__(self, pack: Pack, settings: Settings, today: date, data: Any = None) -> None:
        super().__init__(data, initial={"since": _first_of_next_month(today)}, auto_id="change-%s")
        self.pack, self.settings = pack, settings
        self.present = {name: one.at(pack.versions[-1].since) for name, one in pack.parameters.items()}
        for parameter in pack.parameters.values():
            for name, field in self._fields_of(parameter):
                field.disabled = parameter.name in settings.overrides
                self.fields[name] = field
        for clause in self._clauses():
            self.fields[f"text:{clause.id}"] = forms.CharField(
                label="The clause's own words",
                initial=clause.text,
                max_length=_LONGEST_TEXT,
                widget=forms.Textarea(attrs={"rows": 3}),
                help_text="Change them as well where they name the value.",
            )

    @property
    def groups(self) -> list[Group]:
        """The fields by clause, in the pack's order."""
        return [
            Group(
                clause,
                short(self.pack, clause.id),
                [self[name] for one in self._of(clause) for name, _ in self._fields_of(one)],
                self[f"text:{clause.id}"],
            )
            for clause in self._clauses()
        ]

    @property
    def overridden(self) -> list[str]:
        """What the brand itself overrides, in words: a change of the pack would change nothing there."""
        return [words.plain(name) for name in self.settings.overrides]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not self.values() and not self.texts():
            raise forms.ValidationError("Nothing is changed yet: every value is as it was.")
        return cleaned

    def values(self) -> dict[str, Value]:
        """The values that differ, by the parameters' names."""
        found = {name: self._value(one) for name, one in self.pack.parameters.items()}
        return {name: value for name, value in found.items() if value != self.present[name]}

    def texts(self) -> dict[str, str]:
        """The clauses' words that differ, by the ids that the pack itself writes."""
        return {
            short(self.pack, clause.id): said
            for clause in self._clauses()
            if (said := " ".join(self.cleaned_data[f"text:{clause.id}"].split())) != " ".join(clause.text.split())
        }

    def changed(self, text: str) -> str:
        """The pack's text with the change. Raises Problem where it cannot take it."""
        since = datetime.combine(self.cleaned_data["since"], time(), UTC)
        kinds = self.pack.parameters
        values = {name: written(kinds[name].kind, value) for name, value in self.values().items()}
        return new_version(text, since, values, self.texts())

    def title(self) -> str:
        """What the change is called."""
        said = [f"{words.plain(name)} {self._in_words(name, value)}" for name, value in self.values().items()]
        said += [f"the words of {clause}" for clause in self.texts()]
        return words.sentence("; ".join(said))

    def _in_words(self, name: str, value: Value) -> str:
        before = self.present[name]
        if isinstance(value, dict) and isinstance(before, dict):
            value = {key: one for key, one in value.items() if one != before.get(key)}
        return policy_words.value(self.pack.parameters[name].kind, value, self.pack.currency)

    def _clauses(self) -> list[Clause]:
        named = {one.clause for one in self.pack.parameters.values()}
        return [clause for clause in self.pack.clauses.values() if clause.id in named]

    def _of(self, clause: Clause) -> list[Parameter]:
        return [one for one in self.pack.parameters.values() if one.clause == clause.id]

    def _fields_of(self, one: Parameter) -> Iterator[tuple[str, forms.Field]]:
        label, value = words.sentence(words.plain(one.name)), self.present[one.name]
        if isinstance(value, dict):
            for kind, length in value.items():
                text = "every type" if kind == "*" else words.plain(kind)
                field = Span(ever=True, label=f"{label}: {text}", initial=policy_words.lapse(length))
                yield f"value:{one.name}:{kind}", field
        elif isinstance(value, timedelta):
            yield f"value:{one.name}", Span(ever=False, label=label, initial=policy_words.span(value))
        elif one.kind == "amount":
            yield f"value:{one.name}", Amount(label=f"{label}, {self.pack.currency}", initial=format_amount(value))
        else:
            yield f"value:{one.name}", forms.IntegerField(label=label, initial=value, min_value=0, max_value=_LARGEST)

    def _value(self, one: Parameter) -> Value:
        present = self.present[one.name]
        if isinstance(present, dict):
            return {kind: self.cleaned_data[f"value:{one.name}:{kind}"] for kind in present}
        value: Value = self.cleaned_data[f"value:{one.name}"]
        return value


class UploadForm(forms.Form):
    """A changed pack handed in as a zip of its folder, or its pack.yaml alone."""

    pack = forms.FileField(
        label="Zip of the changed folder, or its pack.yaml",
        max_length=200,
        help_text="With a pack.yaml alone, notices and cases stay as they are.",
        widget=forms.ClearableFileInput(attrs={"accept": ".zip,.yaml,.yml"}),
    )
    title = forms.CharField(label="What is changed, in a few words", max_length=200, required=False)


def _first_of_next_month(today: date) -> date:
    return (today.replace(day=1) + timedelta(days=32)).replace(day=1)
