"""Takes over customers, contacts, services, assignments, domains from CSV: upserts by the provider's ids, all or none.

A file is first planned against what is stored, which finds every fault and counts what would change, and only then
written, in the caller's transaction. What a file does not mention stays as it is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from django.db import connection
from django.utils import timezone

from abusedesk.records import csv_tables as csv
from abusedesk.records.bulk import copy_rows
from abusedesk.records.csv_tables import Column, Fault, Row, Table
from abusedesk.records.models import Brand, Inventory
from abusedesk.records.packs import pack_of
from abusedesk.vocabulary.holding import PORTS, parse_ports, ports_in_words
from abusedesk.vocabulary.instant import format_instant

Kind = Literal["customers", "contacts", "services", "assignments", "domains"]
KINDS: tuple[Kind, ...] = get_args(Kind)

COLUMNS: dict[Kind, tuple[Column, ...]] = {
    "customers": (
        Column("ref", csv.text(100), needed=True),
        Column("name", csv.text(200), needed=True),
        Column("since", csv.instant, needed=True),
        Column("email", csv.email),
        Column("language", csv.language),
        Column("timezone", csv.timezone),
        Column("reseller", csv.text(100)),
        Column("protected", csv.truth),
    ),
    "contacts": (
        Column("customer", csv.text(100), needed=True),
        Column("email", csv.email, needed=True),
        Column("role", csv.role),
        Column("language", csv.language),
        Column("position", csv.position),
    ),
    "services": (
        Column("ref", csv.text(100), needed=True),
        Column("customer", csv.text(100), needed=True),
        Column("since", csv.instant, needed=True),
        Column("until", csv.instant_or_none),
        Column("type", csv.text(40)),
        Column("label", csv.text(200)),
        Column("trial", csv.truth),
        Column("mail_port", csv.truth),
        Column("protected", csv.truth),
        Column("shared", csv.truth),
        Column("carries", csv.truth),
        Column("infrastructure", csv.truth),
    ),
    "assignments": (
        Column("service", csv.text(100), needed=True),
        Column("prefix", csv.prefix, needed=True),
        Column("since", csv.instant, needed=True),
        Column("until", csv.instant_or_none),
        Column("ports", parse_ports),
    ),
    "domains": (
        Column("service", csv.text(100), needed=True),
        Column("name", csv.domain, needed=True),
        Column("since", csv.instant, needed=True),
        Column("until", csv.instant_or_none),
    ),
}

FILES = "csv"
"""The kind of the inventory that CSV files are."""

MASS_SHARE = 0.10
MASS_ROWS = 2
"""More than this share, and more than this many, of what exists ended or moved: a person is asked first."""

_EXAMPLES = 5
SHOWN = 20
"""So many faults are shown; further ones are only counted, and nobody looks for what they may have meant."""


@dataclass
class Plan:
    """What a file would do: rows by what is to be done with them. `existing` counts the brand's open rows."""

    kind: Kind
    rows: int
    existing: int
    faults: list[Fault]
    new: list[tuple[Any, ...]] = field(default_factory=list)
    changed: list[tuple[Any, ...]] = field(default_factory=list)
    ended: int = 0
    moved: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def same(self) -> int:
        """Rows that are stored already just as they are."""
        return self.rows - len(self.new) - len(self.changed)

    @property
    def is_mass_change(self) -> bool:
        """Whether so much of what exists would end or move that a person should look first."""
        touched = self.ended + self.moved
        return touched > MASS_ROWS and touched > self.existing * MASS_SHARE

    @property
    def figures(self) -> tuple[int, ...]:
        """What a person who says yes has agreed to."""
        return (self.rows, len(self.new), len(self.changed), self.ended, self.moved)

    def note(self, text: str, *, ended: bool = False, moved: bool = False) -> None:
        """Counts a row that ends or moves something, with the first few as examples."""
        self.ended += ended
        self.moved += moved
        if (ended or moved) and len(self.examples) < _EXAMPLES:
            self.examples.append(text)


def read_file(kind: Kind, path: Path) -> Table:
    """The rows of a file. Raises Problem where it is no table of that kind at all."""
    return csv.read_table(path, COLUMNS[kind])


def plan(kind: Kind, table: Table, brand: Brand) -> Plan:
    """What the file would change, and every fault in it."""
    return _PLANS[kind](table, brand)


def write(plan: Plan, brand: Brand) -> None:
    """Carries a plan without faults out, in the caller's transaction."""
    if plan.new or plan.changed:
        _WRITES[plan.kind](plan, brand)
    if plan.kind == "assignments":
        inventory_of_files(brand)
        Inventory.objects.filter(brand=brand, kind=FILES).update(fresh_at=timezone.now(), checked_at=timezone.now())


def inventory_of_files(brand: Brand) -> Inventory:
    """The inventory that stands for a brand's CSV files. It is believed for ever, unless the operator sets a limit."""
    found, _ = Inventory.objects.get_or_create(
        brand=brand, kind=FILES, defaults={"name": f"{FILES}-{brand.slug}", "fresh_for": None}
    )
    return found


def lock(kind: Kind) -> None:
    """Keeps other imports of the kind out until the transaction ends; who only reads is not kept waiting."""
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {_TABLES[kind]} IN SHARE ROW EXCLUSIVE MODE")


_TABLES: dict[Kind, str] = {
    "customers": "records_customer",
    "contacts": "records_contact",
    "services": "records_service",
    "assignments": "records_assignment",
    "domains": "records_declaredname",
}


# --- customers ------------------------------------------------------------------------------------------------------


_CUSTOMERS = """
SELECT customer.ref, customer.name, customer.email, customer.language, customer.timezone,
       coalesce(reseller.ref, ''), customer.protected, customer.since
FROM records_customer customer LEFT JOIN records_customer reseller ON reseller.id = customer.reseller_id
WHERE customer.brand_id = %s
"""

_CUSTOMER_FIELDS = ("ref", "name", "email", "language", "timezone", "reseller", "protected", "since")
_NEW_CUSTOMER = {"email": "", "language": "", "timezone": "UTC", "reseller": "", "protected": False}


def _plan_customers(table: Table, brand: Brand) -> Plan:
    stored = _by_ref(_CUSTOMER_FIELDS, _CUSTOMERS, [brand.pk])
    made = Plan("customers", len(table.rows), len(stored), _faults(table))
    final = _merged(table, stored, _NEW_CUSTOMER, made)
    known = stored | {values["ref"]: values for _, values in final}
    for row, values in final:
        made.faults += _reseller_faults(row.line, values, known, made)
        _sort_in(made, values, stored.get(values["ref"]), _CUSTOMER_FIELDS)
        before = stored.get(values["ref"])
        if before and before["reseller"] != values["reseller"]:
            words = f"customer {values['ref']} goes from reseller {before['reseller'] or '(none)'} to "
            made.note(words + (values["reseller"] or "(none)"), moved=True)
    return made


def _reseller_faults(
    line: int, values: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], made: Plan
) -> list[Fault]:
    reseller, seen = values["reseller"], {values["ref"]}
    if reseller and reseller not in known:
        return [Fault(line, "reseller", f"there is no customer {reseller!r}{_near(reseller, known, made)}")]
    while reseller:
        if reseller in seen:
            return [
                Fault(line, "reseller", f"{values['ref']!r} would in the end be its own reseller; break the circle")
            ]
        seen.add(reseller)
        reseller = known[reseller]["reseller"] if reseller in known else ""
    return []


def _write_customers(plan: Plan, brand: Brand) -> None:
    _stage(
        "ref text, name text, email text, language text, timezone text, reseller text, protected boolean, "
        "since timestamptz",
        [*plan.new, *plan.changed],
    )
    _run(
        "INSERT INTO records_customer (brand_id, ref, name, email, language, timezone, protected, since) "
        "SELECT %s, ref, name, email, language, timezone, protected, since FROM import_rows "
        "ON CONFLICT (brand_id, ref) DO UPDATE SET name = excluded.name, email = excluded.email, "
        "language = excluded.language, timezone = excluded.timezone, protected = excluded.protected, "
        "since = excluded.since",
        brand.pk,
    )
    _run(
        "UPDATE records_customer customer SET reseller_id = reseller.id FROM import_rows given "
        "LEFT JOIN records_customer reseller ON reseller.brand_id = %s AND reseller.ref = given.reseller "
        "WHERE customer.brand_id = %s AND customer.ref = given.ref "
        "AND customer.reseller_id IS DISTINCT FROM reseller.id",
        brand.pk,
        brand.pk,
    )


# --- contacts -------------------------------------------------------------------------------------------------------


_CONTACTS = """
SELECT customer.ref, lower(contact.email), contact.role, contact.language, contact.position
FROM records_contact contact JOIN records_customer customer ON customer.id = contact.customer_id
WHERE customer.brand_id = %s
"""
_CONTACT_FIELDS = ("customer", "email", "role", "language", "position")
_NEW_CONTACT = {"role": "abuse", "language": "", "position": 0}


def _plan_contacts(table: Table, brand: Brand) -> Plan:
    """A contact is found again by its customer and its address."""
    rows = _rows(_CONTACTS, brand.pk)
    stored = {row[:2]: dict(zip(_CONTACT_FIELDS, row, strict=True)) for row in rows}
    customers = {ref for (ref,) in _rows("SELECT ref FROM records_customer WHERE brand_id = %s", brand.pk)}
    made = Plan("contacts", len(table.rows), len(stored), _faults(table))
    lines: dict[tuple[str, str], int] = {}
    for row in table.rows:
        key = (row.values["customer"], row.values["email"].lower())
        if key[0] not in customers:
            text = f"there is no customer {key[0]!r}{_near(key[0], customers, made)}"
            made.faults.append(Fault(row.line, "customer", text))
        elif key in lines:
            made.faults.append(Fault(row.line, "email", f"is in line {lines[key]} already; keep one of the two"))
        else:
            lines[key] = row.line
            values = {**(stored.get(key) or _NEW_CONTACT), **row.values, "email": key[1]}
            _sort_in(made, values, stored.get(key), _CONTACT_FIELDS)
    return made


def _write_contacts(plan: Plan, brand: Brand) -> None:
    _stage("customer text, email text, role text, language text, position integer", [*plan.new, *plan.changed])
    _run(
        "UPDATE records_contact contact SET role = given.role, language = given.language, position = given.position "
        "FROM import_rows given JOIN records_customer customer ON customer.ref = given.customer "
        "WHERE customer.brand_id = %s AND contact.customer_id = customer.id AND lower(contact.email) = given.email",
        brand.pk,
    )
    _run(
        "INSERT INTO records_contact (customer_id, email, role, language, position) "
        "SELECT customer.id, given.email, given.role, given.language, given.position FROM import_rows given "
        "JOIN records_customer customer ON customer.brand_id = %s AND customer.ref = given.customer "
        "WHERE NOT EXISTS (SELECT FROM records_contact contact WHERE contact.customer_id = customer.id "
        "AND lower(contact.email) = given.email)",
        brand.pk,
    )


# --- services -------------------------------------------------------------------------------------------------------


_SERVICES = """
SELECT service.ref, customer.ref, service.since, service.until, service.type, service.label, service.trial,
       service.mail_port, service.protected, service.shared, service.carries, service.infrastructure
FROM records_service service JOIN records_customer customer ON customer.id = service.customer_id
WHERE service.brand_id = %s
"""

_LATE_HOLDINGS = """
SELECT service.ref, text(assignment.prefix), lower(assignment.period)
FROM records_assignment assignment JOIN records_service service ON service.id = assignment.service_id
JOIN unnest(%s::text[], %s::timestamptz[]) AS ending (ref, until) ON ending.ref = service.ref
WHERE service.brand_id = %s AND lower(assignment.period) >= ending.until
UNION ALL
SELECT service.ref, declared.name, lower(declared.period)
FROM records_declaredname declared JOIN records_service service ON service.id = declared.service_id
JOIN unnest(%s::text[], %s::timestamptz[]) AS ending (ref, until) ON ending.ref = service.ref
WHERE service.brand_id = %s AND lower(declared.period) >= ending.until
"""

_SERVICE_MARKS = ("trial", "mail_port", "protected", "shared", "carries", "infrastructure")
_SERVICE_FIELDS = ("ref", "customer", "since", "until", "type", "label", *_SERVICE_MARKS)
_NEW_SERVICE = {"until": None, "type": "vps", "label": "", **dict.fromkeys(_SERVICE_MARKS, False)}


def _plan_services(table: Table, brand: Brand) -> Plan:
    stored = _by_ref(_SERVICE_FIELDS, _SERVICES, [brand.pk])
    open_now = sum(1 for one in stored.values() if one["until"] is None)
    made = Plan("services", len(table.rows), open_now, _faults(table))
    final = _merged(table, stored, _NEW_SERVICE, made)
    customers = dict.fromkeys(ref for (ref,) in _rows("SELECT ref FROM records_customer WHERE brand_id = %s", brand.pk))
    types = pack_of(brand).content.service_types
    for row, values in final:
        made.faults += _service_faults(row.line, values, customers, types, made)
        _sort_in(made, values, stored.get(values["ref"]), _SERVICE_FIELDS)
        _note_service(made, values, stored.get(values["ref"]))
    made.faults += _holds_beyond_its_end(final, brand)
    return made


def _service_faults(
    line: int, values: Mapping[str, Any], customers: Mapping[str, object], types: Sequence[str], made: Plan
) -> list[Fault]:
    faults = _period_faults(line, values)
    if values["customer"] not in customers:
        near = _near(values["customer"], customers, made) or "; import customers first"
        faults.append(Fault(line, "customer", f"there is no customer {values['customer']!r}{near}"))
    if types and values["type"] not in types:
        near = _near(values["type"], types, made) or f"; the policy knows {', '.join(types)}"
        faults.append(Fault(line, "type", f"the policy knows no service type {values['type']!r}{near}"))
    return faults


def _note_service(made: Plan, values: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
    if before is None:
        return
    if before["until"] is None and values["until"] is not None:
        made.note(f"service {values['ref']} ends {format_instant(values['until'])}", ended=True)
    elif before["customer"] != values["customer"]:
        made.note(
            f"service {values['ref']} goes from customer {before['customer']} to {values['customer']}", moved=True
        )


def _holds_beyond_its_end(final: Iterable[tuple[Row, Mapping[str, Any]]], brand: Brand) -> list[Fault]:
    ending = {values["ref"]: (row.line, values["until"]) for row, values in final if values["until"] is not None}
    refs, ends = list(ending), [until for _, until in ending.values()]
    late = _rows(_LATE_HOLDINGS, refs, ends, brand.pk, refs, ends, brand.pk) if ending else []
    return [
        Fault(
            ending[ref][0],
            "until",
            f"{ref!r} would end before it came to hold {held} ({format_instant(since)}); correct that assignment first",
        )
        for ref, held, since in late
    ]


def _write_services(plan: Plan, brand: Brand) -> None:
    _stage(
        "ref text, customer text, since timestamptz, until timestamptz, type text, label text, trial boolean, "
        "mail_port boolean, protected boolean, shared boolean, carries boolean, infrastructure boolean",
        [*plan.new, *plan.changed],
    )
    _run(
        "INSERT INTO records_service "
        "(brand_id, ref, customer_id, since, until, type, label, trial, mail_port, protected, shared, carries, "
        "infrastructure) "
        "SELECT %s, given.ref, customer.id, given.since, given.until, given.type, given.label, given.trial, "
        "given.mail_port, given.protected, given.shared, given.carries, given.infrastructure FROM import_rows given "
        "JOIN records_customer customer ON customer.brand_id = %s AND customer.ref = given.customer "
        "ON CONFLICT (brand_id, ref) DO UPDATE SET customer_id = excluded.customer_id, since = excluded.since, "
        "until = excluded.until, type = excluded.type, label = excluded.label, trial = excluded.trial, "
        "mail_port = excluded.mail_port, protected = excluded.protected, shared = excluded.shared, "
        "carries = excluded.carries, infrastructure = excluded.infrastructure",
        brand.pk,
        brand.pk,
    )
    for held in ("records_assignment", "records_declaredname"):
        _run(
            f"UPDATE {held} held SET period = tstzrange(lower(held.period), service.until) "  # noqa: S608 - our names
            "FROM records_service service JOIN import_rows given ON given.ref = service.ref "
            "WHERE service.brand_id = %s AND held.service_id = service.id AND service.until IS NOT NULL "
            "AND (upper(held.period) IS NULL OR upper(held.period) > service.until)",
            brand.pk,
        )


# --- what services hold: prefixes and names -------------------------------------------------------------------------


_Ports = tuple[int, int]
_EVERY: _Ports = (0, PORTS)


class _Held(NamedTuple):
    """A holding as stored."""

    pk: int
    service: int
    ref: str
    brand: int
    slug: str
    since: datetime
    until: datetime | None
    ports: _Ports


class _Span(NamedTuple):
    """A holding as it would be, with the line of the file that says so, or 0 where it is only stored."""

    since: datetime
    until: datetime | None
    holder: str
    line: int
    ports: _Ports


_HELD = """
SELECT text(held.{column}), held.id, service.id, service.ref, brand.id, brand.slug,
       lower(held.period), upper(held.period), lower({ports}), upper({ports})
FROM {table} held JOIN records_service service ON service.id = held.service_id
JOIN records_brand brand ON brand.id = service.brand_id WHERE held.{column} = ANY(%s::{type}[])
"""

_OPEN = """
SELECT count(*) FROM {table} held JOIN records_service service ON service.id = held.service_id
WHERE service.brand_id = %s AND upper_inf(held.period)
"""


def _plan_assignments(table: Table, brand: Brand) -> Plan:
    return _plan_holdings("assignments", table, brand, _Asked("prefix", "inet", ip_network, "held.ports"))


def _plan_domains(table: Table, brand: Brand) -> Plan:
    return _plan_holdings("domains", table, brand, _Asked("name", "text", str))


class _Asked(NamedTuple):
    """What is held: its column, the column's type, how a stored value is read, and by which ports it is held."""

    column: str
    type: str
    parse: Callable[[str], Any]
    ports: str = "'[0,65536)'::int4range"


@dataclass(frozen=True)
class _Known:
    """What is stored of what a file speaks of: holdings by their beginning and ports, services by their ref."""

    brand: Brand
    held: Mapping[Any, Mapping[tuple[datetime, _Ports], _Held]]
    services: Mapping[str, tuple[int, datetime | None]]

    def before(self, value: object, since: datetime, ports: _Ports) -> _Held | None:
        """The brand's own holding that a row speaks of."""
        found = self.held.get(value, {}).get((since, ports))
        return found if found is not None and found.brand == self.brand.pk else None


def _plan_holdings(kind: Kind, table: Table, brand: Brand, asked: _Asked) -> Plan:
    places = {"table": _TABLES[kind], "column": asked.column, "type": asked.type, "ports": asked.ports}
    [(existing,)] = _rows(_OPEN.format(**places), brand.pk)
    made = Plan(kind, len(table.rows), existing, _faults(table))
    known = _known(_HELD.format(**places), table, brand, asked)
    spans: dict[Any, list[_Span]] = {}
    for row in table.rows:
        value = row.values[asked.column]
        span = _plan_holding(made, row, value, known)
        spans.setdefault(value, []).append(span)
    for value, given in spans.items():
        made.faults += _overlaps(value, given, asked.column, known)
    return made


def _known(query: str, table: Table, brand: Brand, asked: _Asked) -> _Known:
    held: dict[Any, dict[tuple[datetime, _Ports], _Held]] = {}
    for value, *rest, low, high in _rows(query, list({str(row.values[asked.column]) for row in table.rows})):
        one = _Held._make([*rest, (low, high)])
        held.setdefault(asked.parse(value), {})[one.since, one.ports] = one
    own = _rows("SELECT ref, id, until FROM records_service WHERE brand_id = %s", brand.pk)
    return _Known(brand, held, {ref: (pk, until) for ref, pk, until in own})


def _plan_holding(made: Plan, row: Row, value: object, known: _Known) -> _Span:
    """Sorts a row into the plan, and returns the span that it would make."""
    ref, since = row.values["service"], row.values["since"]
    ports = row.values.get("ports") or _EVERY
    before = known.before(value, since, ports)
    until = row.values.get("until", before.until if before else None)
    made.faults += _period_faults(row.line, {"since": since, "until": until})
    if ref not in known.services:
        near = _near(ref, known.services, made) or "; import services first"
        made.faults.append(Fault(row.line, "service", f"there is no service {ref!r}{near}"))
        return _Span(since, until, ref, row.line, ports)
    pk, ended = known.services[ref]
    if ended is not None and since >= ended:
        words = f"the service {ref!r} ended before, at {format_instant(ended)}"
        made.faults.append(Fault(row.line, "since", words))
    elif ended is not None:
        until = ended if until is None else min(until, ended)
    _sort_holding(made, (None, pk, str(value), since, until, *ports), ref, before)
    return _Span(since, until, ref, row.line, ports)


def _sort_holding(made: Plan, holding: tuple[Any, ...], ref: str, before: _Held | None) -> None:
    _, pk, value, _, until, *_ = holding
    if before is None:
        made.new.append(holding)
    elif (before.service, before.until) != (pk, until):
        made.changed.append((before.pk, *holding[1:]))
        if before.until is None and until is not None:
            made.note(f"{value} of {before.ref} ends {format_instant(until)}", ended=True)
        elif before.service != pk:
            made.note(f"{value} goes from {before.ref} to {ref}", moved=True)


def _overlaps(value: object, given: list[_Span], column: str, known: _Known) -> list[Fault]:
    """One holder at a time of each source port: every row that begins before another has ended, with both named."""
    spoken_of = {(one.since, one.ports) for one in given}
    kept = [
        _Span(one.since, one.until, f"{one.ref} of {one.slug}", 0, one.ports)
        for one in known.held.get(value, {}).values()
        if one.brand != known.brand.pk or (one.since, one.ports) not in spoken_of
    ]
    spans = [*kept, *given]
    # Whatever range another meets, it meets at the first port of one of the two.
    firsts = sorted({one.ports[0] for one in spans})
    at_port = ([one for one in spans if one.ports[0] <= first < one.ports[1]] for first in firsts)
    return list(dict.fromkeys(fault for ones in at_port for fault in _overlapping(value, ones, column)))


def _overlapping(value: object, spans: list[_Span], column: str) -> list[Fault]:
    faults = []
    order = sorted(spans, key=lambda one: (one.since, one.line))
    reaching = order[0]
    for one in order[1:]:
        if reaching.until is None or reaching.until > one.since:
            row, other = (one, reaching) if one.line > reaching.line else (reaching, one)
            faults.append(Fault(row.line, column, _overlap_words(value, row, other)))
        reaching = max(reaching, one, key=lambda span: (span.until is None, span.until or span.since))
    return faults


def _overlap_words(value: object, row: _Span, other: _Span) -> str:
    where = f"line {other.line}" if other.line else "stored"
    until = f"until {format_instant(other.until)}" if other.until else "and still"
    if row.ports != _EVERY or other.ports != _EVERY:
        value = f"{value} (ports {ports_in_words(row.ports)})"
    return (
        f"{value} cannot be {row.holder}'s from {format_instant(row.since)}: {other.holder} holds it "
        f"since {format_instant(other.since)} {until} ({where}); end one where the other begins"
    )


def _write_assignments(plan: Plan, brand: Brand) -> None:
    inventory = inventory_of_files(brand).pk
    _write_holdings(plan, "prefix", "inet", {"ports": "int4range(low, high)", "inventory_id": str(inventory)})


def _write_domains(plan: Plan, brand: Brand) -> None:  # noqa: ARG001 - all writers are called alike
    _write_holdings(plan, "name", "text")


def _write_holdings(plan: Plan, column: str, sql_type: str, more: Mapping[str, str] = {}) -> None:
    """`more` are further columns of new rows, each with the expression that gives it."""
    table = _TABLES[plan.kind]
    _stage(
        f"id bigint, service_id bigint, {column} {sql_type}, since timestamptz, until timestamptz, low int, high int",
        [*plan.changed, *plan.new],
    )
    # What ends first makes room for what begins then.
    _run(
        f"UPDATE {table} held SET service_id = given.service_id, period = tstzrange(given.since, given.until) "  # noqa: S608
        "FROM import_rows given WHERE held.id = given.id"
    )
    into, given = "".join(f", {name}" for name in more), "".join(f", {value}" for value in more.values())
    _run(
        f"INSERT INTO {table} (service_id, {column}, period{into}) "  # noqa: S608 - our own names
        f"SELECT service_id, {column}, tstzrange(since, until){given} FROM import_rows WHERE id IS NULL"
    )


# --- what all have in common ----------------------------------------------------------------------------------------


_PLANS: dict[Kind, Callable[[Table, Brand], Plan]] = {
    "customers": _plan_customers,
    "contacts": _plan_contacts,
    "services": _plan_services,
    "assignments": _plan_assignments,
    "domains": _plan_domains,
}
_WRITES: dict[Kind, Callable[[Plan, Brand], None]] = {
    "customers": _write_customers,
    "contacts": _write_contacts,
    "services": _write_services,
    "assignments": _write_assignments,
    "domains": _write_domains,
}


def _faults(table: Table) -> list[Fault]:
    return list(table.faults)


def _merged(
    table: Table, stored: Mapping[str, Mapping[str, Any]], new: Mapping[str, Any], made: Plan
) -> list[tuple[Row, dict[str, Any]]]:
    """Each row over what is stored of it, or over the defaults; a ref that comes twice is a fault."""
    lines: dict[str, int] = {}
    final = []
    for row in table.rows:
        ref = row.values["ref"]
        if ref in lines:
            made.faults.append(Fault(row.line, "ref", f"{ref!r} is in line {lines[ref]} already; keep one of the two"))
        else:
            lines[ref] = row.line
            final.append((row, {**(stored.get(ref) or new), **row.values}))
    return final


def _sort_in(made: Plan, values: Mapping[str, Any], before: Mapping[str, Any] | None, fields: Sequence[str]) -> None:
    if before is None or any(before[name] != values[name] for name in fields):
        (made.new if before is None else made.changed).append(tuple(values[name] for name in fields))


def _period_faults(line: int, values: Mapping[str, Any]) -> list[Fault]:
    if values["until"] is None or values["since"] < values["until"]:
        return []
    return [Fault(line, "until", f"is not after since ({format_instant(values['since'])})")]


def _near(word: str, known: Iterable[str], made: Plan) -> str:
    if len(made.faults) >= SHOWN:
        return ""
    close = get_close_matches(word, list(known)[:5000], 1, cutoff=0.8)
    return f"; did you mean {close[0]!r}?" if close else ""


def _by_ref(fields: Sequence[str], query: str, arguments: list[object]) -> dict[str, dict[str, Any]]:
    return {row[0]: dict(zip(fields, row, strict=True)) for row in _rows(query, *arguments)}


def _rows(query: str, *arguments: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, arguments)
        return list(cursor.fetchall())


def _run(statement: str, *arguments: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments or None)


def _stage(columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Puts rows into the temporary table `import_rows`."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.import_rows")
        cursor.execute(f"CREATE TEMPORARY TABLE import_rows ({columns}) ON COMMIT DROP")
    copy_rows("import_rows", [column.split()[0] for column in columns.split(",")], rows)
    _run("ANALYZE import_rows")
