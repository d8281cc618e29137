"""The blocklists that we ship, from `known.toml`, and those that an operator describes."""

import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from abusedesk.parsing.blocklists import Blocklist, own_codes

OWN = "own"
"""The choice of an operator who describes a list of their own."""


class _Closed(msgspec.Struct, frozen=True):
    zone: str
    says: str


class _File(msgspec.Struct, frozen=True):
    lists: tuple[Blocklist, ...] = msgspec.field(name="list")
    closed: tuple[_Closed, ...]


@cache
def _file() -> _File:
    text = files(__package__).joinpath("known.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _File)


def known() -> dict[str, Blocklist]:
    """The lists that we ship, by name."""
    return {one.name: one for one in _file().lists}


def titles() -> tuple[tuple[str, str], ...]:
    """Names and titles to choose from, an own list last."""
    return (*((one.name, one.title) for one in _file().lists), (OWN, "a list of your own"))


def closed(zone: str) -> str:
    """What became of a list that is known to be closed, or empty."""
    asked = zone.strip(".").lower()
    found = (one for one in _file().closed if asked == one.zone or asked.endswith(f".{one.zone}"))
    return next((one.says for one in found), "")


def own(zone: str, accuses: str, *, ipv6: bool) -> Blocklist:
    """A list that an operator describes by its zone and the codes that accuse addresses."""
    name = zone.strip().strip(".").lower()
    return Blocklist(name, name, name, name.replace("{key}.", ""), own_codes(accuses), ipv6)
