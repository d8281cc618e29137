"""Candidates: who may be meant where nobody can be told to have held a source, for a person to choose from.

Anybody can point a name at somebody else's address, so what the DNS says at the time of receipt names a candidate and
never a holder; so does an address that several services share, where the report names no source port (RFC 6302).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from abusedesk.records.holders import Holders

How = Literal["rdns", "look_up", "ports", "infrastructure"]
MOST = 20
"""So many candidates are kept: behind one address there may be thousands of services."""


class NameFacts(NamedTuple):
    """What the DNS said of a host at the time of receipt.

    `pointers` are pairs of an address of ours and the name that its reverse record gives. `problem` says why nothing
    was found out.
    """

    addresses: tuple[str, ...] = ()
    pointers: tuple[tuple[str, str], ...] = ()
    problem: str = ""


class Candidate(NamedTuple):
    """A service that may be meant by a source (`about`), and how it was found.

    `rdns`: the source points to an address of the service whose reverse name agrees; `look_up`: it points to an address
    of the service; `ports`: it shares the address by `ports`; `infrastructure`: it holds the source and is our own.
    """

    service: int
    about: str
    how: How
    ip: str = ""
    ports: tuple[int, int] | None = None


def by_ports(ip: str, at: datetime, brand: int | None, table: Holders) -> tuple[Candidate, ...]:
    """Who shares an address by source ports."""
    sharers = (Candidate(int(one.service), ip, "ports", ip, one.ports) for one in table.sharers(ip, at))
    return _of_brand(sharers, brand, table)


def by_dns(host: str, facts: NameFacts, at: datetime, brand: int | None, table: Holders) -> tuple[Candidate, ...]:
    """Whose addresses a host pointed to at the time of receipt, those first whose reverse names agree."""
    found = sorted(_pointed_to(host, facts, at, table), key=lambda one: one.how != "rdns")
    return _of_brand(found, brand, table)


def _pointed_to(host: str, facts: NameFacts, at: datetime, table: Holders) -> Iterator[Candidate]:
    for ip in facts.addresses:
        service = table.of_address(ip, at)
        if service in table.infrastructure:
            yield Candidate(service, host, "infrastructure", ip)
        elif service is not None:
            names = [name for of, name in facts.pointers if of == ip]
            yield Candidate(service, host, "rdns" if any(agrees(host, name) for name in names) else "look_up", ip)
        yield from (one._replace(about=host, how="look_up") for one in by_ports(ip, at, None, table))


def agrees(host: str, pointer: str) -> bool:
    """Whether an address's reverse name is the host or lies below it, or the host below the reverse name."""
    one, other = (name.lower().rstrip(".") for name in (host, pointer))
    if "." not in one or "." not in other:
        return False
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _of_brand(found: Iterable[Candidate], brand: int | None, table: Holders) -> tuple[Candidate, ...]:
    """Those of one brand, each service once; where no brand is fixed, the brand of the first."""
    kept: dict[int, Candidate] = {}
    for one in found:
        brand = brand or table.brands.get(one.service)
        if table.brands.get(one.service) == brand and len(kept) < MOST:
            kept.setdefault(one.service, one)
    return tuple(kept.values())


def words(one: Candidate, name: str) -> str:
    """A candidate as a person reads it; `name` is the service's."""
    return _SAYS[one.how].format(about=one.about, ip=one.ip, name=name)


_SAYS: dict[How, str] = {
    "rdns": "{about} pointed to {ip} when the report came, which is {name}'s, and the reverse name of {ip} agrees",
    "look_up": "{about} pointed to {ip} when the report came, which is {name}'s; anybody can point a name there",
    "ports": "{about} is shared by source ports, {name} among others, and the report does not tell port and time",
    "infrastructure": "{about} is held by {name}, which is our own; a complaint about it may be a sign of a break-in",
}
