"""Compare: reads an inventory, weighs it with what the others said last, and finds the difference from the records.

A small difference is written at once; a mass change waits for a person. Whether it was read, waits or failed stands on
the inventory, and how fresh the records are by it: `fresh_at` moves only when a difference stands in them.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import structlog
from django.db import connection, transaction
from django.utils import timezone

from abusedesk.desk.inventory import apply, disputes
from abusedesk.desk.inventory.difference import (
    Difference,
    Limits,
    Reading,
    Records,
    Standing,
    StandingCustomer,
    StandingService,
    find,
    why_mass,
)
from abusedesk.desk.inventory.driver import driver
from abusedesk.desk.inventory.precedence import Source, Wanted, weigh
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Comparison, Inventory, OwnPrefix
from abusedesk.records.packs import pack_of
from abusedesk.vocabulary.claims import Claims, gather, pack, unpack

log = structlog.get_logger()

WAITING, APPLIED, REJECTED, REPLACED, UNDONE = "waiting", "applied", "rejected", "replaced", "undone"

_CUSTOMERS = """
SELECT customer.ref, customer.id, customer.name, customer.email, customer.language, coalesce(reseller.ref, '')
FROM records_customer customer LEFT JOIN records_customer reseller ON reseller.id = customer.reseller_id
WHERE customer.brand_id = %s
"""

_SERVICES = """
SELECT service.ref, service.id, customer.ref, service.label, service.type, service.since, service.until,
       service.inventory_id
FROM records_service service JOIN records_customer customer ON customer.id = service.customer_id
WHERE service.brand_id = %s
"""

_HOLDINGS = """
SELECT text(assignment.prefix), assignment.id, service.ref, lower(assignment.period), assignment.inventory_id
FROM records_assignment assignment JOIN records_service service ON service.id = assignment.service_id
WHERE service.brand_id = %s AND upper_inf(assignment.period) AND assignment.ports = int4range(0, 65536)
"""

_ELSEWHERE = """
SELECT text(assignment.prefix),
       CASE WHEN assignment.ports = int4range(0, 65536) THEN service.ref || ' of ' || brand.slug
            ELSE 'a group that shares it by source ports' END
FROM records_assignment assignment JOIN records_service service ON service.id = assignment.service_id
JOIN records_brand brand ON brand.id = service.brand_id
WHERE (brand.id <> %s OR assignment.ports <> int4range(0, 65536)) AND upper_inf(assignment.period)
AND assignment.prefix = ANY(%s::inet[])
"""

_ENDED = """
SELECT text(prefix), max(upper(period)) FROM records_assignment
WHERE NOT upper_inf(period) AND prefix = ANY(%s::inet[]) GROUP BY prefix
"""


class Compared(NamedTuple):
    """What a comparison led to: its record, if there was any difference, and why a person is asked."""

    comparison: Comparison | None
    difference: Difference
    why: str


def compare(inventory: Inventory, now: datetime | None = None) -> Compared:
    """Reads and compares one inventory. Raises Problem where it cannot be read whole."""
    at = now or timezone.now()
    claims = read(inventory)
    compared = settle(inventory, claims, at)
    log.info("inventory compared", inventory=inventory.name, waits=compared.why, **compared.difference.figures)
    return compared


def read(inventory: Inventory) -> Claims:
    """One whole reading. Raises Problem where there is none."""
    try:
        return gather(list(driver(inventory.kind).read(inventory.options)))
    except OSError as error:
        raise Problem(f"{inventory.name} cannot be reached ({error.strerror or error})") from None


class _Held(NamedTuple):
    """A reading held against the records."""

    row: Inventory
    claims: Claims
    at: datetime
    found: Difference
    records: Records
    wanted: Wanted


def settle(inventory: Inventory, claims: Claims, at: datetime, by: str = "", agreed: str = "") -> Compared:
    """Holds claims against the records, and writes the difference, or has it wait for a person.

    `agreed` is the digest of the difference that `by` has seen and agreed to; another one waits again.
    """
    with transaction.atomic():
        row = Inventory.objects.select_for_update(of=("self",)).select_related("brand").get(pk=inventory.pk)
        apply.lock()
        held = _Held(row, claims, at, *difference_of(row, claims, at))
        why = _why(held)
        return _ask(held, why) if why and agreed != held.found.digest else _write(held, why, by)


def _why(held: _Held) -> str:
    """Why a person must look before the difference is written, or empty."""
    row, found = held.row, held.found
    if row.claims is None and not found.changes:
        return ""  # The first reading only confirms what stands.
    before = unpack(row.claims) if row.claims is not None else None
    why = why_mass(found, held.records, held.claims, before, Limits(row.mass_percent, row.mass_rows))
    if not why and row.asks_always and found.changes:
        return "its last change was undone, so a person looks at the next one"
    return why


def difference_of(row: Inventory, claims: Claims, at: datetime) -> tuple[Difference, Records, Wanted]:
    """The difference that claims of an inventory make, with the records and the claims that it lies between."""
    wanted = weigh(sources(row.brand, row, claims), disputes.choices(row.brand_id))
    records = records_of(row.brand, wanted.holdings)
    types = tuple(pack_of(row.brand).content.service_types)
    reading = Reading(row.pk, at, row.fresh_at, frozenset(claims.unread), types)
    return find(wanted, records, reading), records, wanted


def sources(brand: Brand, reading: Inventory | None = None, claims: Claims | None = None) -> list[Source]:
    """What each inventory of a brand said last; of the one that was just read what it says now.

    One that is switched off is not heard.
    """
    found = []
    for one in Inventory.objects.filter(brand=brand).order_by("pk"):
        said = claims if reading is not None and one.pk == reading.pk else unpack(one.claims)
        if one.enabled or (reading is not None and one.pk == reading.pk):
            ranks = one.rank_customers, one.rank_services, one.rank_assignments
            found.append(Source(one.pk, one.name, said or Claims(), *ranks))
    return found


def records_of(brand: Brand, asked: Iterable[str]) -> Records:
    """What stands in the records, and what of the prefixes asked about belongs to others or has ended."""
    prefixes = list(asked)
    holdings = {_canonical(prefix): Standing(*rest) for prefix, *rest in _rows(_HOLDINGS, brand.pk)}
    return Records(
        {ref: StandingCustomer(*rest) for ref, *rest in _rows(_CUSTOMERS, brand.pk)},
        {ref: StandingService(*rest) for ref, *rest in _rows(_SERVICES, brand.pk)},
        holdings,
        {_canonical(prefix): who for prefix, who in _rows(_ELSEWHERE, brand.pk, prefixes)},
        {_canonical(prefix): at for prefix, at in _rows(_ENDED, prefixes)},
    )


def _canonical(prefix: str) -> str:
    """PostgreSQL leaves the length of a single address out; `ip_network` does not."""
    return prefix if "/" in prefix else f"{prefix}/{128 if ':' in prefix else 32}"


def _ask(held: _Held, why: str) -> Compared:
    """Has the difference wait. The one that waits already, and one that a person rejected, stay as they are."""
    _read_well(held)
    found = held.found
    of_it = Comparison.objects.filter(inventory=held.row)
    rejected = of_it.filter(state=REJECTED).order_by("-pk").first()
    for one in (of_it.filter(state=WAITING).first(), rejected):
        if one is not None and (one.digest, one.why) == (found.digest, why):
            return Compared(one, found, why)
    of_it.filter(state=WAITING).update(state=REPLACED, claims=b"")
    made = _new(held, why=why, state=WAITING)
    made.save()
    return Compared(made, found, why)


def _write(held: _Held, why: str, by: str) -> Compared:
    """Brings the records to what was found, and keeps what was done."""
    row, found = held.row, held.found
    Comparison.objects.filter(inventory=row, state=WAITING).update(state=REPLACED, claims=b"")
    made = None
    if found.steps:
        done = apply.write(row.brand, found, by or row.name)
        made = _new(held, why=why, state=APPLIED, decided_by=by, decided_at=timezone.now())
        made.claims = b""  # They stand with the inventory; only what waits needs its own.
        made.made = msgspec.json.encode(done)
        made.save()
    _read_well(held)
    _stands(held, by)
    _own(held)
    disputes.keep(row.brand, held.wanted.disputes, held.at)
    return Compared(made, found, "")


def _stands(held: _Held, by: str) -> None:
    """What it said now stands in the records."""
    changed: dict[str, Any] = {"claims": pack(held.claims), "fresh_at": held.at, "unread": _unread(held)}
    if by:
        changed["asks_always"] = False
    Inventory.objects.filter(pk=held.row.pk).update(**changed)


def _unread(held: _Held) -> dict[str, str]:
    """The services that it could not be asked about, by id, with the instant when it last could."""
    last = (held.row.fresh_at or held.at).isoformat()
    known = (held.records.services[ref].pk for ref in held.claims.unread if ref in held.records.services)
    return {str(pk): held.row.unread.get(str(pk), last) for pk in known}


def _read_well(held: _Held) -> None:
    """Notes that it was read, and which services it could not be asked about."""
    left = held.claims.unread
    words = f"{len(left):,} services could not be asked about: {', '.join(left[:3])}" if left else ""
    Inventory.objects.filter(pk=held.row.pk).update(checked_at=held.at, error=words, failing_since=None)


def _new(held: _Held, **more: object) -> Comparison:
    return Comparison(
        inventory=held.row,
        read_at=held.at,
        figures=held.found.figures,
        claims=pack(held.claims),
        difference=msgspec.json.encode(held.found),
        digest=held.found.digest,
        **more,
    )


def _own(held: _Held) -> None:
    """The provider's own prefixes as the inventory tells them. What was typed in stays."""
    row, told = held.row, set(held.claims.own)
    OwnPrefix.objects.filter(inventory=row).exclude(prefix__in=told).delete()
    OwnPrefix.objects.bulk_create(
        [OwnPrefix(brand=row.brand, prefix=one, inventory=row, added_at=held.at) for one in sorted(told)],
        ignore_conflicts=True,
    )


def approve(comparison: Comparison, by: str, digest: str) -> Compared:
    """Writes what waits, if it still is what the person has seen; else the new difference waits instead."""
    if comparison.state not in {WAITING, REJECTED}:
        raise Problem(f"this difference is {comparison.state} and waits no more")
    with transaction.atomic():
        done = settle(comparison.inventory, unpack(comparison.claims), comparison.read_at, by, digest)
        if not done.why and done.comparison is not None:
            # It lives on as the one that was applied.
            Comparison.objects.filter(pk=comparison.pk).delete()
    return done


def reject(comparison: Comparison, by: str) -> None:
    """Leaves the records as they are. The same difference does not ask again."""
    changed = Comparison.objects.filter(pk=comparison.pk, state=WAITING).update(
        state=REJECTED, decided_by=by, decided_at=timezone.now()
    )
    if not changed:
        raise Problem("this difference waits no more")


def failed(inventory: Inventory, words: str, at: datetime) -> None:
    """Notes that an inventory could not be read; the records stay, and grow stale by it."""
    log.warning("inventory cannot be read", inventory=inventory.name, error=words)
    found = Inventory.objects.filter(pk=inventory.pk)
    found.update(checked_at=at, error=words[:1000])
    found.filter(failing_since=None).update(failing_since=at)


def _rows(query: str, *arguments: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, arguments)
        return list(cursor.fetchall())
