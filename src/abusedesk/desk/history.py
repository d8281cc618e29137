"""History: old tickets, balances and conversations of another system, taken over as marked entries.

All rows of a file or none. Each goes to its docket as a stimulus of its own, under a key made of what it says, so that
a second run adds nothing; the policy records it and orders nothing. A ticket that differs from what came in before is
corrected where nothing was decided about its service since: the old entry is rejected and the new one recorded. Any
other difference is told, and what stands stays (`history_before`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from hashlib import blake2b
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import msgspec
from django.db import transaction

from abusedesk.desk import history_before as before
from abusedesk.desk.enact import Move, empty_docket, enact
from abusedesk.desk.history_before import Correction, Difference
from abusedesk.desk.perform.notice import ticket_of
from abusedesk.policy.carried import report_of
from abusedesk.policy.pack import Pack
from abusedesk.policy.stimulus import CarriedBalance, CarriedTicket, Verification
from abusedesk.records import csv_tables as csv
from abusedesk.records.csv_tables import Column, Fault, Row, Table
from abusedesk.records.holders import Holders, holders, lock_version
from abusedesk.records.models import Brand, Case, Decision, Docket, Service, Ticket, TicketEntry
from abusedesk.records.packs import pack_of
from abusedesk.vocabulary.category import CATEGORIES
from abusedesk.vocabulary.money import parse_amount

TOGETHER = 500
STRIKE, CASE, OWED, CREDIT, MESSAGE = "strike", "case", "owed", "credit", "message"
KINDS = (STRIKE, CASE, OWED, CREDIT, MESSAGE)
"""A ticket that counted, one that did not, money owed, money paid too much, and a line of a ticket's conversation."""

_carried: msgspec.json.Decoder[CarriedTicket | CarriedBalance] = msgspec.json.Decoder(CarriedTicket | CarriedBalance)

_KEY = "history:"
_CARRIED_ITEM = "carried_balance"


def _kind(value: str) -> str:
    if value not in KINDS:
        raise ValueError(f"{value!r} is none of {', '.join(KINDS)}")
    return value


def _addresses(value: str) -> tuple[str, ...]:
    try:
        return tuple(str(ip_address(one)) for one in value.replace(",", " ").split())
    except ValueError as error:
        raise ValueError(f"{error}; write addresses with spaces between them") from None


def _amount(value: str) -> int:
    try:
        return parse_amount(value) if value else 0
    except ValueError as error:
        raise ValueError(f"{value!r} is no amount such as 20.00 ({error})") from None


COLUMNS: tuple[Column, ...] = (
    Column("service", csv.text(100), needed=True),
    Column("ticket", csv.text(100), needed=True),
    Column("at", csv.instant, needed=True),
    Column("kind", _kind, needed=True),
    Column("abuse_type", csv.text(60)),
    Column("category", csv.text(60)),
    Column("ip", _addresses),
    Column("amount", _amount),
    Column("item", csv.text(40)),
    Column("author", csv.text(100)),
    Column("text", csv.text(csv.FIELD_LIMIT)),
)


class Plan(NamedTuple):
    """What a file would do: stimuli by service, lines of conversations, and what is wrong or to be looked at.

    `known` counts rows that came in before; `types` has the abuse type of each ticket, by service and number.
    """

    source: str
    moves: list[tuple[Service, str, CarriedTicket | CarriedBalance]]
    said: list[tuple[Service, str, Row]]
    faults: list[Fault]
    rows: int
    known: int
    corrections: list[Correction]
    differences: list[Difference]
    warnings: list[Fault]
    types: Mapping[tuple[int, str], str]


class Done(NamedTuple):
    """What was written: entries by kind, and how many rows were there already."""

    entries: Mapping[str, int]
    known: int
    corrected: int = 0
    overtaken: tuple[Difference, ...] = ()
    """Corrections that something else decided in between has overtaken; they were not made."""


def read_file(path: Path) -> Table:
    """The rows of a file. Raises Problem where it cannot be read or names other columns."""
    return csv.read_table(path, COLUMNS)


def plan(table: Table, brand: Brand, source: str, now: datetime) -> Plan:
    """Checks every row against what is stored."""
    pack = pack_of(brand)
    services = {one.ref: one for one in Service.objects.filter(brand=brand)}
    faults = list(table.faults)
    good: list[tuple[Service, Row]] = []
    for row in table.rows:
        wrong = _wrong(row, services, pack, now)
        if wrong is None:
            good.append((services[row.values["service"]], row))
        else:
            faults.append(wrong)
    tickets = [(service, row) for service, row in good if row.values["kind"] in {STRIKE, CASE}]
    types = {(one.pk, row.values["ticket"]): _type_of(row, pack) for one, row in tickets}
    said = [(service, row) for service, row in good if row.values["kind"] == MESSAGE]
    faults += [*_orphans(said, types), *_twice(tickets, pack, source)]
    if faults:
        return Plan(source, [], [], sorted(faults), len(table.rows), 0, [], [], [], types)
    return _compared(good, brand, pack, source, types)


def _compared(
    good: list[tuple[Service, Row]],
    brand: Brand,
    pack: Pack,
    source: str,
    types: Mapping[tuple[int, str], str],
) -> Plan:
    """What is new, what was known, and what differs from what came in before."""
    told = [before.Told(one, row, _stimulus(row, pack, source)) for one, row in good if row.values["kind"] != MESSAGE]
    said = [(one, row) for one, row in good if row.values["kind"] == MESSAGE]
    entries = before.against(told, brand, source, pack)
    lines = before.lines_against(said, brand, source)
    moves = [(one.service, _key(source, one.service, one.row), one.stimulus) for one in entries.new]
    return Plan(
        source,
        moves,
        [(one, row.values["ticket"], row) for one, row in lines.new],
        [],
        len(good),
        entries.known + lines.known,
        entries.corrections,
        sorted((*entries.differences, *lines.differences), key=lambda one: one.line),
        [warning for one, row in good for warning in _early(one, row)],
        types,
    )


def _early(service: Service, row: Row) -> Iterator[Fault]:
    """A warning where something happened before the service began: another customer may have had the number then."""
    at: datetime = row.values["at"]
    if at < service.since:
        text = (
            f"{at:%Y-%m-%d} lies before the service {service.ref!r} began ({service.since:%Y-%m-%d}); it counts against"
            " today's customer all the same. Correct the date or the service, or leave the row out"
        )
        yield Fault(row.line, "at", text)


def _twice(tickets: Iterable[tuple[Service, Row]], pack: Pack, source: str) -> Iterator[Fault]:
    """Rows that say one ticket of a service differently: one of them would be lost."""
    first: dict[tuple[int, str], Row] = {}
    for service, row in tickets:
        known = first.setdefault((service.pk, row.values["ticket"]), row)
        if _stimulus(known, pack, source) != _stimulus(row, pack, source):
            text = (
                f"{row.values['ticket']!r} on {service.ref!r} stands in line {known.line} with other values; keep one"
            )
            yield Fault(row.line, "ticket", text)


def _type_of(row: Row, pack: Pack) -> str:
    category = row.values.get("category")
    return pack.abuse_type(category).name if category else str(row.values["abuse_type"])


def _wrong(row: Row, services: Mapping[str, Service], pack: Pack, now: datetime) -> Fault | None:
    """The first thing that is wrong with a row as a whole."""
    values = row.values
    if values["service"] not in services:
        near = get_close_matches(values["service"], services, 1)
        return Fault(row.line, "service", f"there is no service {values['service']!r}{_hint(near)}")
    if values["at"] > now:
        said = f"lies in the future ({values['at']:%Y-%m-%d %H:%M} UTC); what is carried over has happened"
        return Fault(row.line, "at", f"{said}. Correct the date or its zone")
    kind = values["kind"]
    if kind in {STRIKE, CASE}:
        return _wrong_type(row, pack)
    if kind in {OWED, CREDIT} and values.get("amount", 0) <= 0:
        return Fault(row.line, "amount", f"says nothing; {kind} needs an amount such as 20.00")
    if kind == MESSAGE and not values.get("text"):
        return Fault(row.line, "text", "is empty; a message needs its words")
    return None


def _wrong_type(row: Row, pack: Pack) -> Fault | None:
    abuse_type, category = row.values.get("abuse_type", ""), row.values.get("category", "")
    if category:
        near = get_close_matches(category, CATEGORIES, 1)
        return (
            None if category in CATEGORIES else Fault(row.line, "category", f"{category!r} is no category{_hint(near)}")
        )
    if abuse_type in pack.content.abuse_types:
        return None
    if not abuse_type:
        return Fault(row.line, "abuse_type", "is empty, and so is category; give one of them")
    known = ", ".join(pack.content.abuse_types)
    near = get_close_matches(abuse_type, pack.content.abuse_types, 1)
    return Fault(row.line, "abuse_type", f"the policy has no {abuse_type!r}{_hint(near) or f'; it has {known}'}")


def _hint(near: list[str]) -> str:
    return f"; did you mean {near[0]!r}?" if near else ""


def _orphans(said: Iterable[tuple[Service, Row]], types: Mapping[tuple[int, str], str]) -> Iterator[Fault]:
    for service, row in said:
        ticket = row.values["ticket"]
        if (service.pk, ticket) not in types:
            text = (
                f"no row of the file makes a case of {ticket!r} on {service.ref!r}; add one of the kind strike or case"
            )
            yield Fault(row.line, "ticket", text)


def _stimulus(row: Row, pack: Pack, source: str) -> CarriedTicket | CarriedBalance:
    values = row.values
    if values["kind"] in {OWED, CREDIT}:
        sign = 1 if values["kind"] == OWED else -1
        item = values.get("item") or _CARRIED_ITEM
        return CarriedBalance(source, values["ticket"], item, sign * values["amount"], values["at"])
    category = values.get("category") or _category_of(pack, values["abuse_type"])
    return CarriedTicket(
        source, values["ticket"], category, values["at"], values.get("ip", ()), values["kind"] == STRIKE
    )


def _category_of(pack: Pack, abuse_type: str) -> str:
    """A category that the policy counts as this type."""
    return next(one for one in sorted(CATEGORIES) if pack.abuse_type(one).name == abuse_type)


def _key(source: str, service: Service, row: Row) -> str:
    """What makes an entry this one: the same row again is known by it."""
    values = row.values
    about = [service.ref, values["ticket"], values["kind"], values["at"].isoformat(), values.get("amount", 0)]
    if values.get("item"):
        about.append(values["item"])
    return f"{_KEY}{source}:{_digest(repr(tuple(about)))}"


# --- writing --------------------------------------------------------------------------------------------------------


@transaction.atomic
def write(found: Plan, brand: Brand, by: str, now: datetime, advance: Callable[[int], None]) -> Done:
    """Submits everything to the policy and writes the conversations, in one transaction."""
    lock_version()
    table = holders()
    advance(found.known + len(found.differences))
    overtaken = _correct(found.corrections, table, by, now)
    advance(len(found.corrections))
    dockets = _dockets(brand, {service.pk: service.ref for service, _, _ in found.moves})
    counts: dict[str, int] = {}
    known = found.known
    for first in range(0, len(found.moves), TOGETHER):
        part = found.moves[first : first + TOGETHER]
        enacted = enact([Move(dockets[one.pk], stimulus, key, now, by) for one, key, stimulus in part], table)
        known += len(part) - len(enacted)
        for one in enacted:
            kind = _kind_of(one.move.stimulus)
            counts[kind] = counts.get(kind, 0) + 1
        advance(len(part))
    _write_conversations(found, now, advance)
    if found.said:
        counts[MESSAGE] = len(found.said)
    return Done(counts, known, len(found.corrections) - len(overtaken), overtaken)


def _correct(corrections: list[Correction], table: Holders, by: str, now: datetime) -> tuple[Difference, ...]:
    """Rejects the old entries and records the new ones. Returns those that were overtaken since they were planned."""
    late = before.overtaken(corrections)
    moves: list[Move] = []
    for one in corrections:
        if one not in late:
            old, new = report_of(one.stands), report_of(one.says)
            moves.append(Move(one.docket, Verification(old, rejected=True), f"reject:{old}", now, by))
            moves.append(Move(one.docket, one.says, f"{_KEY}{one.says.source}:{_digest(new)}", now, by))
    for first in range(0, len(moves), TOGETHER):
        enact(moves[first : first + TOGETHER], table)
    return tuple(difference for one in late for difference in one.differences)


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=12).hexdigest()


def _kind_of(stimulus: object) -> str:
    if isinstance(stimulus, CarriedTicket):
        return STRIKE if stimulus.struck else CASE
    return OWED if isinstance(stimulus, CarriedBalance) and stimulus.amount > 0 else CREDIT


def _dockets(brand: Brand, services: Mapping[int, str]) -> dict[int, int]:
    known = dict(Docket.objects.filter(service__in=services).values_list("service_id", "pk"))
    missing = [pk for pk in services if pk not in known]
    made = [Docket(brand=brand, service_id=pk, **empty_docket(services[pk])) for pk in sorted(missing)]
    Docket.objects.bulk_create(made, ignore_conflicts=True, batch_size=TOGETHER)
    return dict(Docket.objects.filter(service__in=services).values_list("service_id", "pk"))


def _write_conversations(found: Plan, now: datetime, advance: Callable[[int], None]) -> None:
    """The lines of conversations that are not there yet, each in its place in time."""
    services = {service.pk for service, _, _ in found.said}
    cases = {(one.service_id, one.abuse_type): one for one in Case.objects.filter(service__in=services)}
    tickets: dict[int, Ticket] = {}
    for first in range(0, len(found.said), TOGETHER):
        part = found.said[first : first + TOGETHER]
        TicketEntry.objects.bulk_create(
            TicketEntry(
                ticket=_ticket(cases[service.pk, found.types[service.pk, number]], tickets, now),
                at=row.values["at"],
                author=before.author_of(row),
                text=before.marked(row.values["text"], found.source, number),
            )
            for service, number, row in part
        )
        advance(len(part))


def _ticket(case: Case, known: dict[int, Ticket], now: datetime) -> Ticket:
    if case.pk not in known:
        known[case.pk] = ticket_of(case, now)
    return known[case.pk]


# --- taking back ----------------------------------------------------------------------------------------------------


@transaction.atomic
def annul(brand: Brand, source: str, ticket: str, by: str, now: datetime) -> int:
    """Rejects the old tickets of a source, all or one: what counted counts no more. Returns how many were rejected."""
    lock_version()
    decided = Decision.objects.filter(docket__brand=brand, key__startswith=f"{_KEY}{source}:").order_by("pk")
    moves = []
    for row in decided.iterator(500):
        stimulus = _carried.decode(bytes(row.stimulus))
        if isinstance(stimulus, CarriedTicket) and stimulus.source == source and ticket in {"", stimulus.ticket}:
            report = report_of(stimulus)
            moves.append(Move(row.docket_id, Verification(report, rejected=True), f"reject:{report}", now, by))
    enacted = [
        one for first in range(0, len(moves), TOGETHER) for one in enact(moves[first : first + TOGETHER], holders())
    ]
    return len(enacted)
