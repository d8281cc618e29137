"""Invoices: what is owed is written in the billing system, what is owed no more is cancelled, payments are booked.

The ledger here is the truth about what is owed; the billing system is the truth about what was paid. An invoice's
payment is a stimulus like any other, with the invoice's number as its key, so that it is booked once.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Literal, NamedTuple, Protocol

from django.db import connection

from abusedesk.actuators.whmcs_invoices import OPEN, Bill, Invoice
from abusedesk.desk.enact import submit
from abusedesk.policy.stimulus import Payment
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, Charge, Deadline

LOOKED_AT = timedelta(days=120)
"""So long after a charge was made it is looked whether an invoice for it is to be cancelled."""

DAYS_TO_PAY = 7
"""Where the policy set no deadline for the payment."""

_LOCK = 7_002_673
_BY = "WHMCS"


class Books(Protocol):
    """A billing system's invoices."""

    def client_of(self, service: str) -> int | None: ...
    def of(self, client: int) -> list[Invoice]: ...
    def write(self, client: int, bill: Bill) -> int: ...
    def cancel(self, number: int) -> None: ...


class Entry(NamedTuple):
    """What was done about a charge: an invoice written or cancelled, a payment booked; or why nothing was (`left`)."""

    did: Literal["written", "cancelled", "paid", "left"]
    charge: Charge
    amount: int
    invoice: int | None = None
    why: str = ""


def settle(brand: Brand, books: Books, now: datetime) -> Iterator[Entry]:
    """Brings the billing system and the ledger of a brand together. May be repeated at will.

    Raises Problem where the brand only rehearses, or another run is not through yet. A charge that cannot be settled is
    told as `left`, and the others go on.
    """
    if brand.dry_run:
        raise Problem(f"{brand.slug} only rehearses (dry run); nothing is written")
    with _alone(brand):
        for service, charges in groupby(_charges(brand, now), key=lambda one: one.service):
            yield from _settle_service(books, service.ref, list(charges), brand, now)


@contextmanager
def _alone(brand: Brand) -> Iterator[None]:
    """Two runs at once would write everything twice."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, brand.pk])
        if not cursor.fetchone()[0]:
            raise Problem(f"another run for {brand.slug} is not through yet")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, brand.pk])


def _charges(brand: Brand, now: datetime) -> Iterable[Charge]:
    known = Charge.objects.filter(brand=brand, amount__gt=0).exclude(state="proposed").select_related("service")
    return [one for one in known.order_by("service_id", "pk") if one.state == "owed" or one.at >= now - LOOKED_AT]


def _settle_service(books: Books, ref: str, charges: list[Charge], brand: Brand, now: datetime) -> Iterator[Entry]:
    try:
        client = books.client_of(ref)
        invoices = books.of(client) if client is not None else []
    except Problem as problem:
        yield from (Entry("left", one, _due(one), why=str(problem)) for one in charges if one.state == "owed")
        return
    if client is None:
        words = f"the billing system knows no service {ref}"
        yield from (Entry("left", one, _due(one), why=words) for one in charges if one.state == "owed")
        return
    for charge in charges:
        ours = [one for one in invoices if one.charge == _key(charge)]
        yield from _book(charge, ours, now)
    for charge in charges:
        charge.refresh_from_db(fields=["state", "amount", "paid"])
        ours = [one for one in invoices if one.charge == _key(charge)]
        yield from _write(books, client, charge, ours, may=brand.held_since is None)


def _book(charge: Charge, invoices: list[Invoice], now: datetime) -> Iterator[Entry]:
    for one in invoices:
        if one.status == "Paid":
            booked = submit(charge.docket, Payment(one.amount), key=f"invoice:{one.number}", at=now, by=_BY)
            if booked is not None:
                yield Entry("paid", charge, one.amount, one.number)


def _write(books: Books, client: int, charge: Charge, invoices: list[Invoice], *, may: bool) -> Iterator[Entry]:
    due = _due(charge)
    standing = next((one for one in invoices if one.status in OPEN and one.amount == due), None)
    for one in invoices:
        if one.status in OPEN and one is not standing:
            yield _tried(Entry("cancelled", charge, one.amount, one.number), partial(books.cancel, one.number))
    if not due or standing is not None or _is_left(invoices, due) or not may:
        return
    written: list[int] = []
    entry = _tried(Entry("written", charge, due), lambda: written.append(books.write(client, _bill(charge, due))))
    yield entry._replace(invoice=written[0]) if written else entry


def _tried(entry: Entry, act: Callable[[], None]) -> Entry:
    try:
        act()
    except Problem as problem:
        return entry._replace(did="left", why=str(problem))
    return entry


def _is_left(invoices: list[Invoice], due: int) -> bool:
    """Whether staff cancelled it in the billing system, or somebody is paying it: then it is not written again."""
    return any(one.amount == due and one.status in {"Cancelled", "Payment Pending"} for one in invoices)


def _due(charge: Charge) -> int:
    return charge.amount - charge.paid if charge.state == "owed" else 0


def _key(charge: Charge) -> str:
    return f"{charge.docket_id}:{charge.item}"


def _bill(charge: Charge, due: int) -> Bill:
    words = f"{charge.name.replace('_', ' ').capitalize()} ({', '.join(charge.clauses)})"
    about = f"{words}, {charge.ip}" if charge.ip else words
    return Bill(_key(charge), about, due, charge.currency, _pay_by(charge))


def _pay_by(charge: Charge) -> date:
    """The first open deadline of the service for a payment."""
    open_ones = Deadline.objects.filter(docket=charge.docket_id, name="payment", state="open").order_by("due")
    found = open_ones.values_list("due", flat=True).first()
    return (found or charge.at + timedelta(days=DAYS_TO_PAY)).date()
