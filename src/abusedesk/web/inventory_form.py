"""The form of an inventory: what its driver needs to be told, how early it is believed, and when a person is asked."""

import re
from datetime import timedelta
from typing import Any

from django import forms

from abusedesk.desk.channel import Option
from abusedesk.desk.inventory.driver import Driver
from abusedesk.records.models import Brand, Inventory

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_RANK = "1 is believed first, and above 2; empty: it is not heard about this."


class InventoryForm(forms.Form):
    """An inventory's name, whose it is, its driver's options, its ranks and its limits."""

    name = forms.CharField(label="Name", max_length=60, help_text="Small letters, digits and hyphens, such as netbox.")
    brand = forms.ModelChoiceField(label="Brand", queryset=Brand.objects.order_by("name"))
    rank_customers = forms.IntegerField(
        label="Rank for customers", required=False, min_value=1, max_value=99, help_text=_RANK
    )
    rank_services = forms.IntegerField(label="Rank for services", required=False, min_value=1, max_value=99)
    rank_assignments = forms.IntegerField(label="Rank for addresses", required=False, min_value=1, max_value=99)
    every_minutes = forms.IntegerField(label="Compare every, in minutes", min_value=1, max_value=10080, initial=60)
    fresh_hours = forms.IntegerField(
        label="Believed for, in hours",
        required=False,
        min_value=1,
        max_value=8760,
        initial=24,
        help_text="After so long without a reading, reports about its addresses wait for a person. Empty: for ever.",
    )
    mass_percent = forms.IntegerField(
        label="Ask when more than this share ends or moves, in percent", min_value=0, max_value=100, initial=10
    )
    mass_rows = forms.IntegerField(
        label="Ask when more than this many end or move", min_value=0, max_value=1_000_000, initial=100
    )

    def __init__(self, driver: Driver | None, inventory: Inventory | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._driver = driver
        self._inventory = inventory
        for one in driver.options if driver else ():
            self.fields[f"option_{one.name}"] = _field(one)
        self.order_fields(["name", "brand", *(one for one in self.fields if one.startswith("option_"))])
        if inventory is not None:
            # Its customers and services are this brand's; another brand's inventory is another inventory.
            self.fields["brand"].disabled = True

    @staticmethod
    def initial_of(one: Inventory) -> dict[str, Any]:
        """What the form shows of an inventory."""
        plain = {name: getattr(one, name) for name in _PLAIN}
        hours = one.fresh_for // timedelta(hours=1) if one.fresh_for is not None else None
        spans = {"brand": one.brand_id, "every_minutes": one.every // timedelta(minutes=1), "fresh_hours": hours}
        return {**plain, **spans, **{f"option_{name}": value for name, value in one.options.items()}}

    @staticmethod
    def initial_for(driver: Driver) -> dict[str, Any]:
        """What the form proposes for a new inventory of a kind."""
        customers, services, assignments = driver.ranks
        return {
            "name": driver.kind,
            "rank_customers": customers,
            "rank_services": services,
            "rank_assignments": assignments,
        }

    def clean_name(self) -> str:
        """A name that no other inventory has."""
        name: str = self.cleaned_data["name"]
        if not _NAME.fullmatch(name):
            raise forms.ValidationError("Small letters, digits and hyphens only.")
        others = Inventory.objects.filter(name=name).exclude(pk=self._inventory.pk if self._inventory else 0)
        if others.exists():
            raise forms.ValidationError("Another inventory has this name.")
        return name

    def clean(self) -> dict[str, Any]:
        """Lets the driver say what is wrong with each option."""
        cleaned = super().clean() or {}
        for one in self._driver.options if self._driver else ():
            value = cleaned.get(f"option_{one.name}")
            wrong = one.check(value) if value else ""
            if wrong:
                self.add_error(f"option_{one.name}", wrong)
        return cleaned

    def save(self, one: Inventory) -> Inventory:
        """The inventory as the form says."""
        given = self.cleaned_data
        for name in _PLAIN:
            setattr(one, name, given[name])
        one.brand = given["brand"]
        one.every = timedelta(minutes=given["every_minutes"])
        one.fresh_for = timedelta(hours=given["fresh_hours"]) if given["fresh_hours"] else None
        if self._driver:
            one.options = {
                option.name: given[f"option_{option.name}"].strip() or option.default for option in self._driver.options
            }
        one.error, one.failing_since = "", None
        one.save()
        return one


def _field(one: Option) -> forms.Field:
    words: dict[str, Any] = {
        "label": one.label,
        "required": one.required,
        "initial": one.default,
        "help_text": one.hint,
    }
    return forms.ChoiceField(choices=one.choices, **words) if one.choices else forms.CharField(max_length=500, **words)


_PLAIN = ("name", "rank_customers", "rank_services", "rank_assignments", "mass_percent", "mass_rows")
