"""The forms of being on call: a way to somebody, a rota, and how grave each kind of alert is for a brand."""

from typing import Any

from django import forms
from django.contrib.auth import get_user_model

from abusedesk.actuators.alarm import WAYS, Field, check
from abusedesk.desk.oncall.kinds import (
    ALERTS,
    EXAMPLE,
    KINDS,
    OF_THE_HOUSE,
    OFFICE_HOURS,
    SEVERITIES,
    Kind,
    read_hours,
    zone_of,
)
from abusedesk.desk.oncall.rota import read_people, read_stand_ins
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Rota, Way

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def people() -> list[str]:
    """Everybody who may sign in, by name."""
    found = get_user_model().objects.filter(is_active=True).order_by("username")
    return list(found.values_list("username", flat=True))


class WayForm(forms.Form):
    """A way: whose it is, in which order it is tried, and what its kind needs."""

    name = forms.SlugField(label="Name", max_length=60, help_text="Letters, digits and hyphens, such as anns-phone.")
    person = forms.ChoiceField(label="Reaches", required=False)
    position = forms.IntegerField(
        label="Tried as number", min_value=1, max_value=99, help_text="Of one person's ways 1 is tried first."
    )
    enabled = forms.BooleanField(label="In use", required=False)

    def __init__(self, way: Way, data: Any = None) -> None:
        given = {"name": way.name, "person": way.person, "position": way.position, "enabled": way.enabled}
        super().__init__(data, initial=given)
        self.way = way
        self._asked = WAYS[way.kind].fields
        names = dict.fromkeys([*people(), *([way.person] if way.person else [])])
        self.fields["person"].choices = [("", "the team"), *((name, name) for name in names)]  # type: ignore[attr-defined]
        for one in self._asked:
            self.fields[f"option_{one.name}"] = self._option(one)

    def _option(self, one: Field) -> forms.Field:
        kept = str(self.way.options.get(one.name, ""))
        # A secret that is kept is not shown again: whoever may look at the page need not know it.
        hidden = one.secret and bool(kept)
        hint = "Kept. Write another to change it." if hidden else one.hint
        attrs = {"autocomplete": "off", "spellcheck": "false"}
        return forms.CharField(
            label=one.label,
            max_length=500,
            required=one.required and not hidden,
            help_text=hint,
            initial="" if one.secret else kept,
            widget=forms.TextInput(attrs=attrs),
        )

    def clean_name(self) -> str:
        """A name that no other way has."""
        name: str = self.cleaned_data["name"]
        if Way.objects.filter(name=name).exclude(pk=self.way.pk).exists():
            raise forms.ValidationError("Another way has this name.")
        return name

    def clean(self) -> dict[str, Any]:
        """Lets the way say what is wrong."""
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                check(self.way.kind, self.options())
            except Problem as problem:
                raise forms.ValidationError(str(problem)) from None
        return cleaned

    def options(self) -> dict[str, str]:
        """What the way is told; a secret that was left empty stays."""
        given = {one.name: self.cleaned_data[f"option_{one.name}"].strip() for one in self._asked}
        kept = {one.name: str(self.way.options.get(one.name, "")) for one in self._asked if one.secret}
        return {name: value or kept.get(name, "") for name, value in given.items() if value or kept.get(name)}

    def save(self) -> None:
        """Keeps the way. What the last test said of another address counts no more."""
        given, way, options = self.cleaned_data, self.way, self.options()
        if way.options != options:
            way.worked_at, way.error = None, ""
        way.name, way.person, way.options = given["name"], given["person"], options
        way.position, way.enabled = given["position"], given["enabled"]
        way.save()


class RotaForm(forms.Form):
    """A rota: its brand and level, the turns, the handover, stand-ins, and how long before the next level."""

    brand = forms.ModelChoiceField(
        label="Brand",
        queryset=Brand.objects.order_by("name"),
        required=False,
        empty_label="every brand without a rota of its own",
    )
    level = forms.IntegerField(label="Level", min_value=1, max_value=9, help_text="1 is told first.")
    turns = forms.CharField(
        label="Turns of a week each",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="One name a line, as people sign in.",
    )
    first = forms.DateField(
        label="A day in the week of the first turn", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    weekday = forms.TypedChoiceField(label="Handed over on", choices=list(enumerate(WEEKDAYS)), coerce=int)
    hour = forms.IntegerField(label="At the hour", min_value=0, max_value=23)
    zone = forms.CharField(label="Of the time zone", max_length=60, help_text="Such as Europe/Berlin or UTC.")
    stand_ins = forms.CharField(
        label="Who stands in",
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One a line, in that time zone: 2026-12-24 09:00 to 2026-12-27 09:00 ben",
    )
    minutes = forms.IntegerField(
        label="Minutes until the next level", min_value=1, max_value=1440, help_text="If nobody says that they have it."
    )
    _KEPT = ("brand", "level", "first", "weekday", "hour", "zone", "stand_ins", "minutes")

    def __init__(self, rota: Rota, data: Any = None) -> None:
        given = {name: getattr(rota, name) for name in self._KEPT} | {"turns": "\n".join(rota.turns)}
        super().__init__(data, initial=given)
        self.rota = rota

    def clean_turns(self) -> tuple[str, ...]:
        """People who may sign in, one after the other."""
        try:
            named = read_people(self.cleaned_data["turns"])
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from None
        _must_be_known(named)
        return named

    def clean_zone(self) -> str:
        """A time zone that there is."""
        try:
            return zone_of(self.cleaned_data["zone"].strip())
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from None

    def clean(self) -> dict[str, Any]:
        """Stand-ins in the rota's zone; and one rota for a level of a brand."""
        cleaned = super().clean() or {}
        if "zone" in cleaned:
            self._check_stand_ins(cleaned)
        if not self.errors and self._is_taken(cleaned["brand"], cleaned["level"]):
            self.add_error("level", "There is a rota of this level already.")
        return cleaned

    def _is_taken(self, brand: Brand | None, level: int) -> bool:
        return Rota.objects.filter(brand=brand, level=level).exclude(pk=self.rota.pk).exists()

    def _check_stand_ins(self, cleaned: dict[str, Any]) -> None:
        try:
            read = read_stand_ins(cleaned.get("stand_ins", ""), cleaned["zone"])
            _must_be_known(one.who for one in read)
        except (ValueError, forms.ValidationError) as error:
            said = error.messages[0] if isinstance(error, forms.ValidationError) else f"{error}."
            self.add_error("stand_ins", said)

    def save(self) -> None:
        """Keeps the rota."""
        for name in self._KEPT:
            setattr(self.rota, name, self.cleaned_data[name])
        self.rota.turns = list(self.cleaned_data["turns"])
        self.rota.save()


def _must_be_known(named: Any) -> None:
    known = set(people())
    stranger = next((one for one in named if one not in known), None)
    if stranger is not None:
        raise forms.ValidationError(f"Nobody signs in as {stranger}; there are {', '.join(sorted(known))}.")


class SeverityForm(forms.Form):
    """How grave each kind of alert is for a brand; empty, as the product has it."""

    office_hours = forms.CharField(
        label="Office hours", required=False, max_length=100, help_text=f"As {EXAMPLE}. Empty: it is always night."
    )

    def __init__(self, brand: Brand, data: Any = None) -> None:
        kept = brand.settings.get(ALERTS)
        said = kept if isinstance(kept, dict) else {}
        super().__init__(data, initial={**said, OFFICE_HOURS: brand.settings.get(OFFICE_HOURS, "")})
        for name, kind in self.kinds().items():
            choices = [("", f"as usual: {_usual(kind)}"), *((one, one) for one in SEVERITIES)]
            self.fields[name] = forms.ChoiceField(label=kind.title, choices=choices, required=False)

    @staticmethod
    def kinds() -> dict[str, Kind]:
        """The kinds about which a brand has a say."""
        return {name: kind for name, kind in KINDS.items() if name not in OF_THE_HOUSE}

    def clean_office_hours(self) -> str:
        """Hours that can be read."""
        text = " ".join(str(self.cleaned_data["office_hours"]).split())
        try:
            if text:
                read_hours(text)
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from None
        return text

    def settings(self) -> dict[str, Any]:
        """The brand's settings that the checked form stands for."""
        said = {name: self.cleaned_data[name] for name in self.kinds() if self.cleaned_data[name]}
        return {ALERTS: said, OFFICE_HOURS: self.cleaned_data[OFFICE_HOURS]}


def _usual(kind: Kind) -> str:
    return f"{kind.severity}, {kind.in_office} in office hours" if kind.in_office else kind.severity
