"""What is looked at right before an outside is asked: which brands are stopped, and who holds which addresses now."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from ipaddress import ip_network
from typing import NamedTuple

from django.db import connection

from abusedesk.vocabulary.holding import without

_STOPPED = """
SELECT id FROM records_brand WHERE id = ANY(%s) AND (dry_run OR held_since IS NOT NULL)
"""

# An address that several share by their source ports is nobody's as a whole.
_HOLDERS = """
SELECT DISTINCT ON (asked.ip) asked.ip, CASE WHEN assignment.ports = '[0,65536)' THEN service.id END
FROM unnest(%(ips)s::text[]) AS asked(ip)
JOIN records_assignment assignment ON assignment.prefix >>= asked.ip::inet
JOIN records_service service ON service.id = assignment.service_id
WHERE assignment.period @> %(now)s::timestamptz AND (service.until IS NULL OR service.until > %(now)s)
ORDER BY asked.ip, masklen(assignment.prefix) DESC, lower(assignment.period) DESC
"""

# An address of which others hold some ports is nobody's alone, and nothing can be done to it that would not hit them.
_HELD = """
WITH held AS (SELECT service_id, prefix FROM records_assignment
              WHERE service_id = ANY(%(services)s) AND period @> %(now)s::timestamptz AND ports @> int4range(0, 65536))
SELECT service_id, text(prefix), true FROM held
UNION SELECT held.service_id, text(within.prefix), false
    FROM held JOIN records_assignment within ON within.prefix << held.prefix
    JOIN records_service service ON service.id = within.service_id
WHERE within.service_id <> held.service_id AND within.period @> %(now)s::timestamptz
  AND (service.until IS NULL OR service.until > %(now)s)
"""


class Scene(NamedTuple):
    """What is so now."""

    stopped: frozenset[int]
    """Brands that are held, or only rehearse."""
    holders: Mapping[str, int | None]
    """The service that holds an address whole; an address that nobody holds is missing."""
    addresses: Mapping[int, tuple[str, ...]]
    """The prefixes that a service holds alone, without those within them that another does."""


def scene(brands: Iterable[int], services: Iterable[int], ips: Iterable[str], now: datetime) -> Scene:
    """What is so of these brands, services and addresses."""
    return Scene(stopped_of(brands), _holders(sorted(set(ips)), now), _addresses(sorted(set(services)), now))


def stopped_of(brands: Iterable[int]) -> frozenset[int]:
    """Those brands that are held, or only rehearse."""
    asked = sorted(set(brands))
    if not asked:
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(_STOPPED, [asked])
        return frozenset(pk for (pk,) in cursor.fetchall())


def _holders(ips: list[str], now: datetime) -> dict[str, int | None]:
    if not ips:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS, {"ips": ips, "now": now})
        return dict(cursor.fetchall())


def _addresses(services: list[int], now: datetime) -> dict[int, tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"services": services, "now": now})
        rows = cursor.fetchall()
    return {service: _alone([row[1:] for row in rows if row[0] == service]) for service in services}


def _alone(rows: list[tuple[str, bool]]) -> tuple[str, ...]:
    own = [ip_network(prefix) for prefix, is_own in rows if is_own]
    return tuple(map(str, without(own, [ip_network(prefix) for prefix, is_own in rows if not is_own])))
