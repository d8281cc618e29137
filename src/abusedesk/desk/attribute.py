"""Attribute: who held each source at the time of the event (`safeguard:previous_holder`, `safeguard:no_attribution`).

By address through the assignments, where several share it by their source ports with the port and the time of the
report; by host through the names declared for a service. What can be found by a look-up in the DNS alone is for a
person to judge, and stays without a holder here, with its candidates. So does what the provider itself held.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import Literal, NamedTuple

from abusedesk.desk.candidates import Candidate, NameFacts, by_dns, by_ports
from abusedesk.records.holders import Holders
from abusedesk.vocabulary.holding import Assignment
from abusedesk.vocabulary.report import Event

NOBODY = "no_attribution"
OWN = "own_infrastructure"
AHEAD = timedelta(hours=1)
PAST = timedelta(days=30)


How = Literal["address", "ports", "declared", "named", ""]


class Placed(NamedTuple):
    """An event with its address, if it has one, the instant that counts for it, and the service that held it then.

    `how` says by what it was found. Where there is none, `reason` is what a person is asked, `candidates` are the
    services that may be meant, and `doubt` says why none could be told. Where there is one, `doubt` says why it is not
    sure, and a report about it is a person's to judge.
    """

    event: Event
    ip: str | None
    at: datetime
    service: int | None
    how: How = ""
    reason: str = NOBODY
    candidates: tuple[Candidate, ...] = ()
    doubt: str = ""


def attribute(
    events: Iterable[Event],
    received_at: datetime,
    brand: int | None,
    holders: Holders,
    looked_up: Mapping[str, NameFacts] = {},
) -> list[Placed]:
    """Places events. A service of another brand than the message's own does not count as a holder.

    `looked_up` is what the DNS said of hosts for which nobody declared a name.
    """
    return [_place(event, received_at, brand, holders, looked_up) for event in events]


def doubt_about_time(event: Event, received_at: datetime) -> str:
    """Why the event's time cannot be believed, or empty (clauses, "Live only": Time)."""
    if event.occurred_at is None:
        return "it names no time"
    if event.occurred_at > received_at + AHEAD:
        return "its time lies more than an hour ahead"
    if event.occurred_at < received_at - PAST:
        return "its time lies more than 30 days back"
    return ""


def doubt_about(placed: Placed, received_at: datetime) -> str:
    """Why nothing may be done on an event by itself: its holder or its time is not sure; or empty."""
    return (placed.doubt if placed.service is not None else "") or doubt_about_time(placed.event, received_at)


@lru_cache(maxsize=65536)
def address_of(source: str) -> str | None:
    """The source as an address in its canonical form, or None for a host name."""
    try:
        return str(ip_address(source.strip("[]")))
    except ValueError:
        return None


def _place(
    event: Event, received_at: datetime, brand: int | None, holders: Holders, looked_up: Mapping[str, NameFacts]
) -> Placed:
    at = min(event.occurred_at, received_at) if event.occurred_at is not None else received_at
    ip = address_of(event.source)
    how: How = "address"
    held: Assignment | None = None
    if event.service:
        service, how = holders.of_ref(brand or 0, event.service, at), "named"
    elif ip is None:
        service, how = holders.of_name(event.source, at), "declared"
    else:
        held = holders.holding(ip, at)
        if held is None and event.source_port is not None and not doubt_about_time(event, received_at):
            held, how = holders.holding(ip, at, event.source_port), "ports"
        service = int(held.service) if held else None
    if service is not None and brand is not None and holders.brands.get(service) != brand:
        service = None
    if service is None:
        return _unplaced(Placed(event, ip, at, None), received_at, brand, holders, looked_up)
    if service in holders.infrastructure:
        own = (Candidate(service, event.source, "infrastructure", ip or ""),)
        return Placed(event, ip, at, None, reason=OWN, candidates=own)
    return Placed(event, ip, at, service, how, doubt=holders.doubt(held, at) if held else "")


def named_by(placed: Placed) -> int:
    """The service that tells the brand of an event: its holder, or the likeliest candidate; 0 where there is none."""
    return placed.service or next((one.service for one in placed.candidates), 0)


def _unplaced(
    placed: Placed, received_at: datetime, brand: int | None, holders: Holders, looked_up: Mapping[str, NameFacts]
) -> Placed:
    """With the services that may be meant. The DNS tells of the time of receipt, not of the event's."""
    if placed.ip is not None:
        return placed._replace(candidates=by_ports(placed.ip, placed.at, brand, holders))
    facts = looked_up.get(placed.event.source)
    if facts is None:
        return placed
    found = by_dns(placed.event.source, facts, received_at, brand, holders)
    return placed._replace(candidates=found, doubt=facts.problem or _elsewhere(facts))


def _elsewhere(facts: NameFacts) -> str:
    if not facts.addresses:
        return "it has no address in the DNS"
    return f"it pointed to {', '.join(facts.addresses)} when the report came, which no service of the brand held"
