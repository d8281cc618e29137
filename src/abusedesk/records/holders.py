"""Who held which prefix or name when: the tables in memory, and the number that tells when they are stale."""

from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from django.db import connection

from abusedesk.vocabulary.holding import Assignment, AssignmentTable

# The end of a service ends its assignments.
_ASSIGNMENTS = """
SELECT text(assignment.prefix), service.id::text, lower(assignment.period),
       LEAST(upper(assignment.period), service.until)
FROM records_assignment assignment JOIN records_service service ON service.id = assignment.service_id
"""

_NAMES = """
SELECT lower(declared.name), service.id::text, lower(declared.period), LEAST(upper(declared.period), service.until)
FROM records_declaredname declared JOIN records_service service ON service.id = declared.service_id
"""

_VERSION = "SELECT version FROM records_holdersversion"


class NameHeld(NamedTuple):
    """A name held by a service from `since` (inclusive) until `until` (exclusive)."""

    service: int
    since: datetime
    until: datetime | None

    def covers(self, at: datetime) -> bool:
        """Whether it was held at an instant."""
        return self.since <= at and (self.until is None or at < self.until)


class Holders:
    """Who held what, as of one `version` of the tables."""

    def __init__(
        self, version: int, assignments: AssignmentTable, names: dict[str, list[NameHeld]], brands: dict[int, int]
    ):
        self.version = version
        self.assignments = assignments
        self._names = names
        self.brands = brands

    def of_address(self, address: str, at: datetime) -> int | None:
        """The service that held an address at an instant."""
        found = self.assignments.holder(_address(address), at)
        return int(found.service) if found else None

    def of_name(self, name: str, at: datetime) -> int | None:
        """The service that held a host name, or the nearest domain above it, at an instant."""
        labels = name.lower().rstrip(".").split(".")
        for index in range(len(labels) - 1):
            held = [one for one in self._names.get(".".join(labels[index:]), ()) if one.covers(at)]
            if held:
                return max(held, key=lambda one: one.since).service
        return None


_address = lru_cache(maxsize=65536)(ip_address)

_loaded: list[Holders] = []


def holders() -> Holders:
    """The present tables; read again only when something changed since."""
    version = _version(_VERSION)
    if not _loaded or _loaded[0].version != version:
        _loaded[:] = [_load(version)]
    return _loaded[0]


def lock_version() -> int:
    """The version of the tables; until the transaction ends nobody changes who holds what."""
    return _version(f"{_VERSION} FOR SHARE")


def _version(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])


def _load(version: int) -> Holders:
    with connection.cursor() as cursor:
        cursor.execute(_ASSIGNMENTS)
        rows = cursor.fetchall()
        table = AssignmentTable(Assignment(ip_network(prefix), *rest) for prefix, *rest in rows if _lasts(*rest[1:]))
        cursor.execute(_NAMES)
        names: dict[str, list[NameHeld]] = {}
        for name, service, since, until in cursor.fetchall():
            names.setdefault(name, []).append(NameHeld(int(service), since, until))
        cursor.execute("SELECT id, brand_id FROM records_service")
        return Holders(version, table, names, dict(cursor.fetchall()))


def _lasts(since: datetime, until: datetime | None) -> bool:
    return until is None or since < until
