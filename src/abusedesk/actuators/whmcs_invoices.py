"""Invoices in WHMCS: one for each charge, found again by the reference in its notes.

WHMCS has no idempotency keys. So what was written is looked up among the client's invoices before anything is written,
and whoever comes after a crash finds it there.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple, TypeVar

from abusedesk.actuators.calls import Unanswered
from abusedesk.actuators.whmcs import Refusal, Whmcs
from abusedesk.problem import Problem
from abusedesk.vocabulary.money import format_amount, parse_amount

PAGE = 100
OPEN = frozenset({"Draft", "Unpaid", "Overdue", "Collections"})
"""The states of an invoice that nobody has begun to pay."""

_REFERENCE = re.compile(r"\[abusedesk (?P<brand>\S+) (?P<charge>\S+)\]")

Told = TypeVar("Told")


class Invoice(NamedTuple):
    """An invoice that was written for a charge, with its amount before taxes in minor units."""

    number: int
    charge: str
    status: str
    amount: int


class Bill(NamedTuple):
    """What is to be written: the charge's key, the words and the amount, and until when it is to be paid."""

    charge: str
    words: str
    amount: int
    currency: str
    due: date


class Invoices:
    """The invoices of a brand. Options: those of the actuator. Every call raises Problem where WHMCS does not do it."""

    def __init__(self, brand: str, options: Mapping[str, Any]) -> None:
        self._brand, self._whmcs = brand, Whmcs(options)

    def client_of(self, service: str) -> int | None:
        """The number of the client who rents a service; None where WHMCS knows no such service."""
        found = _said(lambda: self._whmcs.find(service))
        return found.client if found else None

    def of(self, client: int) -> list[Invoice]:
        """What was written for charges of this brand to a client, the newest last."""
        rows = _said(lambda: list(self._rows(client)))
        return sorted((one for row in rows for one in self._read(row)), key=lambda one: one.number)

    def write(self, client: int, bill: Bill) -> int:
        """Writes an invoice and has WHMCS mail it. Returns its number."""
        currency = self._currency(client)
        if currency != bill.currency:
            raise Problem(f"client {client} of WHMCS pays in {currency}, and the charge is in {bill.currency}")
        items = {"itemdescription1": bill.words, "itemamount1": format_amount(bill.amount), "itemtaxed1": "0"}
        notes = f"[abusedesk {self._brand} {bill.charge}]"
        common = {"userid": client, "status": "Unpaid", "sendinvoice": "1", "duedate": bill.due.isoformat()}
        made = _said(lambda: self._whmcs.call("CreateInvoice", notes=notes, **common, **items))
        return int(made["invoiceid"])

    def cancel(self, number: int) -> None:
        """Cancels an invoice that nobody paid."""
        _said(lambda: self._whmcs.call("UpdateInvoice", invoiceid=number, status="Cancelled"))

    def _currency(self, client: int) -> str:
        said = _said(lambda: self._whmcs.call("GetClientsDetails", clientid=client, stats="false"))
        return str((said.get("client") or said).get("currency_code"))

    def _rows(self, client: int) -> Iterator[Mapping[str, Any]]:
        start, total = 0, 1
        while start < total:
            said = self._whmcs.call("GetInvoices", userid=client, limitstart=start, limitnum=PAGE)
            rows = (said.get("invoices") or {}).get("invoice", ())
            yield from rows
            start, total = start + len(rows), int(said["totalresults"]) if rows else 0

    def _read(self, row: Mapping[str, Any]) -> Iterator[Invoice]:
        found = _REFERENCE.search(str(row.get("notes") or ""))
        if found is not None and found["brand"] == self._brand:
            amount = parse_amount(str(row["subtotal"]))
            yield Invoice(int(row["id"]), found["charge"], str(row["status"]), amount)


def _said(ask: Callable[[], Told]) -> Told:
    try:
        return ask()
    except (Refusal, Unanswered) as error:
        raise Problem(str(error)) from None
    except (KeyError, TypeError, ValueError) as error:
        raise Problem(f"WHMCS answered something else than its API does ({error!r})") from None
