"""The form of a channel: what its driver needs to be told."""

import re
from typing import Any

from django import forms

from abusedesk.desk.channel import Driver, Option
from abusedesk.records.models import Brand, Channel, Reporter

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


def _field(one: Option) -> forms.Field:
    words: dict[str, Any] = {"label": one.label, "required": one.required, "help_text": one.hint}
    if one.choices:
        return forms.ChoiceField(choices=one.choices, initial=one.default or one.choices[0][0], **words)
    return forms.CharField(max_length=500, initial=one.default, **words)


class ChannelForm(forms.Form):
    """A channel's name, whose it is, and its driver's options."""

    name = forms.CharField(
        label="Name", max_length=60, help_text="Small letters, digits and hyphens, such as abuse-box."
    )
    brand = forms.ModelChoiceField(
        label="Brand",
        queryset=Brand.objects.order_by("name"),
        required=False,
        empty_label="whose the recipient is",
        help_text="Everything that comes this way is this brand's.",
    )
    carries_answers = forms.BooleanField(
        label="Customers' answers may come this way, so deadlines wait until it is read", required=False, initial=True
    )

    reporter = forms.ModelChoiceField(
        label="Filled by one reporter alone",
        queryset=Reporter.objects.filter(known=True).order_by("name", "key"),
        required=False,
        empty_label="anybody's reports",
        help_text="Everything that comes this way is this reporter's and counts as authenticated. Choose one only "
        "where nobody else can write.",
    )

    def __init__(self, driver: Driver, channel: Channel | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._driver = driver
        self._channel = channel
        if not driver.brings_answers:
            del self.fields["carries_answers"]
            self._is_only_asked()
        if not driver.closed:
            del self.fields["reporter"]
        for one in driver.options:
            self.fields[f"option_{one.name}"] = _field(one)

    def _is_only_asked(self) -> None:
        brand = self.fields["brand"]
        brand.help_text = "Only this brand's addresses are asked."
        brand.empty_label = "all brands"  # type: ignore[attr-defined]

    @staticmethod
    def initial_of(channel: Channel) -> dict[str, Any]:
        """What the form shows of a channel."""
        plain = {"name": channel.name, "brand": channel.brand_id, "carries_answers": channel.carries_answers}
        plain["reporter"] = channel.reporter_id
        return {**plain, **{f"option_{name}": value for name, value in channel.options.items()}}

    def clean_name(self) -> str:
        """A name that no other channel has."""
        name: str = self.cleaned_data["name"]
        if not _NAME.fullmatch(name):
            raise forms.ValidationError("Small letters, digits and hyphens only.")
        others = Channel.objects.filter(name=name).exclude(pk=self._channel.pk if self._channel else 0)
        if others.exists():
            raise forms.ValidationError("Another channel has this name.")
        return name

    def clean(self) -> dict[str, Any]:
        """Lets the driver say what is wrong with each option."""
        cleaned = super().clean() or {}
        cleaned.setdefault("carries_answers", False)
        for one in self._driver.options:
            value = cleaned.get(f"option_{one.name}")
            wrong = one.check(value) if value else ""
            if wrong:
                self.add_error(f"option_{one.name}", wrong)
        if not self.errors:
            for name, wrong in self._driver.check(self.options()).items():
                self.add_error(f"option_{name}", wrong)
        return cleaned

    def options(self) -> dict[str, str]:
        """What the driver is told."""
        return {one.name: self.cleaned_data[f"option_{one.name}"].strip() for one in self._driver.options}
