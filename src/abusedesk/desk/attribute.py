"""Attribute: who held each source at the time of the event (`safeguard:previous_holder`, `safeguard:no_attribution`).

By address through the assignments; by host through the names declared for a service. What can be found by a look-up in
the DNS alone is for a person to judge, and stays without a holder here.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from abusedesk.records.holders import Holders
from abusedesk.vocabulary.report import Event

AHEAD = timedelta(hours=1)
PAST = timedelta(days=30)


class Placed(NamedTuple):
    """An event with its address, if it has one, the instant that counts for it, and the service that held it then."""

    event: Event
    ip: str | None
    at: datetime
    service: int | None


def attribute(events: Iterable[Event], received_at: datetime, brand: int | None, holders: Holders) -> list[Placed]:
    """Places events. A service of another brand than the message's own does not count as a holder."""
    return [_place(event, received_at, brand, holders) for event in events]


def doubt_about_time(event: Event, received_at: datetime) -> str:
    """Why the event's time cannot be believed, or empty (clauses, "Live only": Time)."""
    if event.occurred_at is None:
        return "it names no time"
    if event.occurred_at > received_at + AHEAD:
        return "its time lies more than an hour ahead"
    if event.occurred_at < received_at - PAST:
        return "its time lies more than 30 days back"
    return ""


@lru_cache(maxsize=65536)
def address_of(source: str) -> str | None:
    """The source as an address in its canonical form, or None for a host name."""
    try:
        return str(ip_address(source.strip("[]")))
    except ValueError:
        return None


def _place(event: Event, received_at: datetime, brand: int | None, holders: Holders) -> Placed:
    at = min(event.occurred_at, received_at) if event.occurred_at is not None else received_at
    ip = address_of(event.source)
    service = holders.of_address(ip, at) if ip else holders.of_name(event.source, at)
    if service is not None and brand is not None and holders.brands.get(service) != brand:
        service = None
    return Placed(event, ip, at, service)
