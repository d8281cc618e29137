"""Who held which prefix or name when: the tables in memory, and the number that tells when they are stale."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from django.db import connection

from abusedesk.vocabulary.holding import PORTS, Assignment, AssignmentTable

# The end of a service ends its assignments.
_ASSIGNMENTS = """
SELECT text(assignment.prefix), service.id::text, lower(assignment.period),
       LEAST(upper(assignment.period), service.until), lower(assignment.ports), upper(assignment.ports),
       coalesce(assignment.inventory_id, 0)
FROM records_assignment assignment JOIN records_service service ON service.id = assignment.service_id
"""

_NAMES = """
SELECT lower(declared.name), service.id::text, lower(declared.period), LEAST(upper(declared.period), service.until)
FROM records_declaredname declared JOIN records_service service ON service.id = declared.service_id
"""

_VERSION = "SELECT version FROM records_holdersversion"

# How fresh each inventory is comes with the version: it changes at every reading, and the tables seldom.
_STATE = """
SELECT version, (SELECT json_agg(json_build_array(id, name, fresh_at, extract(epoch FROM fresh_for), unread))
                 FROM records_inventory WHERE fresh_for IS NOT NULL AND fresh_at IS NOT NULL)
FROM records_holdersversion
"""


class NameHeld(NamedTuple):
    """A name held by a service from `since` (inclusive) until `until` (exclusive)."""

    service: int
    since: datetime
    until: datetime | None

    def covers(self, at: datetime) -> bool:
        """Whether it was held at an instant."""
        return self.since <= at and (self.until is None or at < self.until)


class Freshness(NamedTuple):
    """When an inventory was last read, and for how long after it is believed.

    What happens later may concern a holder that nobody told us of. `unread` are services about which it could not be
    asked, by their ids, with the instant when it last could.
    """

    name: str
    read_at: datetime
    lasts: timedelta
    unread: dict[str, datetime]


class Holders:
    """Who held what, as of one `version` of the tables.

    `infrastructure` are the services that are the provider's own; `fresh` says how long each inventory that has a limit
    is believed.
    """

    def __init__(
        self,
        version: int,
        assignments: AssignmentTable,
        names: dict[str, list[NameHeld]],
        brands: dict[int, int],
        *,
        infrastructure: frozenset[int] = frozenset(),
        refs: Mapping[tuple[int, str], NameHeld] = {},
    ):
        self.version = version
        self.assignments = assignments
        self._names = names
        self.brands = brands
        self.infrastructure = infrastructure
        self.fresh: dict[int, Freshness] = {}
        self._refs = refs

    def of_address(self, address: str, at: datetime, port: int | None = None) -> int | None:
        """The service that held an address and source port at an instant. Without a port a shared one is nobody's."""
        found = self.holding(address, at, port)
        return int(found.service) if found else None

    def holding(self, address: str, at: datetime, port: int | None = None) -> Assignment | None:
        """The assignment by which an address and source port was held at an instant."""
        return self.assignments.holder(_address(address), at, port)

    def doubt(self, held: Assignment, at: datetime) -> str:
        """Why it is not sure that this still was so at an instant, or empty."""
        fresh = self.fresh.get(held.inventory)
        if fresh is None:
            return ""
        read_at = fresh.unread.get(held.service, fresh.read_at)
        if at <= read_at + fresh.lasts:
            return ""
        told = "last told of this service" if held.service in fresh.unread else "was last read"
        return f"the inventory {fresh.name} {told} {_length(at - read_at)} before"

    def of_ref(self, brand: int, ref: str, at: datetime) -> int | None:
        """The service of the provider's own id, if it ran at an instant."""
        found = self._refs.get((brand, ref))
        return found.service if found is not None and found.covers(at) else None

    def sharers(self, address: str, at: datetime) -> list[Assignment]:
        """Who shared an address by source ports at an instant."""
        return self.assignments.sharers(_address(address), at)

    def has_passed_on(self, address: str, service: int, at: datetime) -> bool:
        """Whether an address is another's by now, or that of several: what is done to it would hit others."""
        found = self.assignments.holder(_address(address), at)
        return int(found.service) != service if found else bool(self.sharers(address, at))

    def of_name(self, name: str, at: datetime) -> int | None:
        """The service that held a host name, or the nearest domain above it, at an instant."""
        for above in _domains_of(name):
            held = [one for one in self._names.get(above, ()) if one.covers(at)]
            if held:
                return max(held, key=lambda one: one.since).service
        return None


def _in_ascii(name: str) -> str:
    """As names are declared: what is not ASCII in its `xn--` form (RFC 5891)."""
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def _domains_of(name: str) -> list[str]:
    """A host name and the domains above it, the nearest first, without the top one."""
    labels = _in_ascii(name).lower().rstrip(".").split(".")
    return [".".join(labels[index:]) for index in range(len(labels) - 1)]


_address = lru_cache(maxsize=65536)(ip_address)

_loaded: list[Holders] = []


def holders() -> Holders:
    """The present tables; read again only when something changed since."""
    version, fresh = _state()
    if not _loaded or _loaded[0].version != version:
        _loaded[:] = [_load(version)]
    _loaded[0].fresh = fresh
    return _loaded[0]


def lock_version() -> int:
    """The version of the tables; until the transaction ends nobody changes who holds what."""
    return _version(f"{_VERSION} FOR SHARE")


def _state() -> tuple[int, dict[int, Freshness]]:
    with connection.cursor() as cursor:
        cursor.execute(_STATE)
        version, found = cursor.fetchone()
    rows = json.loads(found) if isinstance(found, str) else found or []
    return int(version), {pk: _freshness(*row) for pk, *row in rows}


def _freshness(name: str, read_at: str, seconds: float, unread: dict[str, str]) -> Freshness:
    since = {service: datetime.fromisoformat(at) for service, at in unread.items()}
    return Freshness(name, datetime.fromisoformat(read_at), timedelta(seconds=seconds), since)


def _length(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours"


def _version(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])


def _load(version: int) -> Holders:
    with connection.cursor() as cursor:
        cursor.execute(_ASSIGNMENTS)
        rows = cursor.fetchall()
        table = AssignmentTable(
            Assignment(ip_network(prefix), service, since, until, _some(low, high), inventory)
            for prefix, service, since, until, low, high, inventory in rows
            if _lasts(since, until)
        )
        cursor.execute(_NAMES)
        names: dict[str, list[NameHeld]] = {}
        for name, service, since, until in cursor.fetchall():
            names.setdefault(name, []).append(NameHeld(int(service), since, until))
        cursor.execute("SELECT id, brand_id, infrastructure, ref, since, until FROM records_service")
        services = cursor.fetchall()
        own = frozenset(pk for pk, _, infrastructure, *_ in services if infrastructure)
        refs = {(brand, ref): NameHeld(pk, since, until) for pk, brand, _, ref, since, until in services}
        return Holders(version, table, names, {pk: brand for pk, brand, *_ in services}, infrastructure=own, refs=refs)


def _some(low: int, high: int) -> tuple[int, int] | None:
    return None if (low, high) == (0, PORTS) else (low, high)


def _lasts(since: datetime, until: datetime | None) -> bool:
    return until is None or since < until
