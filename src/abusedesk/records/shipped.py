"""The reporters that this release brings with it: made once, later changed only where nobody here changed them."""

import tomllib
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any

import msgspec
from django.db import transaction

from abusedesk.records.models import Reporter

_FIELDS = ("name", "organisation", "domains", "addresses", "known")


class Shipped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One reporter of the list: whole domains or single addresses, and whether its signature is to count."""

    key: str
    name: str
    organisation: str
    known: bool
    domains: list[str] = []
    addresses: list[str] = []


class _List(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    date: date
    reporter: list[Shipped]


@lru_cache(maxsize=1)
def shipped_reporters() -> _List:
    """The list of this release with its date."""
    text = files("abusedesk.records").joinpath("reporters.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _List)


@transaction.atomic
def load(found: Iterable[Shipped] | None = None) -> int:
    """Brings the records up to the list. Returns how many were made or changed; safe to repeat.

    What an operator changed stays. A name that another record claims already is left to that one.
    """
    wanted = list(shipped_reporters().reporter if found is None else found)
    there = {one.key: one for one in Reporter.objects.filter(key__in=[one.key for one in wanted])}
    claimed = _claimed({one.key for one in wanted})
    changed = 0
    for one in wanted:
        values = {name: getattr(one, name) for name in _FIELDS}
        if one.key in there:
            changed += _update(there[one.key], values)
        elif not claimed.intersection([*one.domains, *one.addresses]):
            Reporter.objects.create(key=one.key, shipped=values, **values)
            changed += 1
    return changed


def _claimed(but: set[str]) -> set[str]:
    """The domains and addresses that records of the operator's own claim."""
    rows = Reporter.objects.exclude(key__in=but).exclude(domains=[], addresses=[]).values_list("domains", "addresses")
    return {str(name).lower() for domains, addresses in rows for name in (*domains, *addresses)}


def _update(reporter: Reporter, values: dict[str, Any]) -> int:
    """Changes what still stands as an earlier release brought it; 1 if that was anything."""
    before = reporter.shipped
    if not before or before == values:
        return 0
    for name, value in values.items():
        if getattr(reporter, name) == before.get(name):
            setattr(reporter, name, value)
    reporter.shipped = values
    reporter.save(update_fields=[*values, "shipped"])
    return 1
