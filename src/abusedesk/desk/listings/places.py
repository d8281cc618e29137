"""Where a channel asks its list, and what a round of asking brought."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from abusedesk.desk.channel import option
from abusedesk.desk.listings.known import OWN, known, own
from abusedesk.parsing.blocklists import Blocklist, Reading
from abusedesk.problem import Problem
from abusedesk.records.models import Channel

KIND = "blocklist"


class Place(NamedTuple):
    """A list and where it is asked. `zone` has the key in it; no `nameservers` are the system's own."""

    blocklist: Blocklist
    zone: str
    nameservers: tuple[str, ...]
    per_second: float


class Looked(NamedTuple):
    """What a list said. `wrong` says why nothing of it counts; `without_ipv6` why nothing about IPv6 addresses does."""

    at: datetime
    asked: Sequence[str]
    readings: dict[str, Reading]
    texts: dict[str, str]
    wrong: str = ""
    without_ipv6: str = ""


def place_of(channel: Channel) -> Place:
    """The list that a channel is set up to ask. Raises Problem where it is not told enough."""
    blocklist = blocklist_of(channel)
    rate = float(option(channel, "per_second") or blocklist.per_second)
    zone = blocklist.zone.replace("{key}", _key(channel)) if blocklist.needs_key else blocklist.zone
    servers = tuple(one.strip() for one in option(channel, "nameservers").split(",") if one.strip())
    return Place(blocklist, zone, servers, rate)


def blocklist_of(channel: Channel) -> Blocklist:
    """The list by its description, without its key. Raises Problem where there is none such."""
    name = option(channel, "list")
    if name == OWN:
        return own(option(channel, "zone"), option(channel, "accuses"), ipv6=option(channel, "ipv6") == "yes")
    found = known().get(name)
    if found is None:
        raise Problem(f"the channel {channel.name!r} asks {name!r}, which this release does not know; choose another")
    return found


def _key(channel: Channel) -> str:
    file = option(channel, "key_file")
    if not file:
        raise Problem(f"the channel {channel.name!r} needs the key of an account; name its file in the console")
    return Path(file).read_text(encoding="utf-8").strip()
