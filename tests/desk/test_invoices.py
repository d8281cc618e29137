"""Charges as invoices of WHMCS: each once, cancelled when owed no more, and booked once when paid."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from abusedesk.actuators.whmcs_invoices import Invoices
from abusedesk.cli import invoices as command
from abusedesk.desk.enact import docket_of, submit
from abusedesk.desk.invoices import Entry, settle
from abusedesk.policy.stimulus import Opened, Payment, Report, Verification
from abusedesk.problem import Problem
from abusedesk.records.models import Charge
from tests.desk.estate import NOW, Provider, provider, with_addresses
from tests.inventories.serving import Answer, Asked
from tests.inventories.whmcs import IDENTIFIER, SECRET, Whmcs, whmcs

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=2)


@pytest.fixture
def jim() -> Provider:
    """A provider with a service that owes 20.00."""
    made = with_addresses(provider())
    docket = docket_of(made.service)
    submit(docket, Opened(), key="opened", at=NOW - timedelta(days=100))
    report = Report("a", "messaging/spam", ("192.0.2.1",), NOW, assurance="verified")
    submit(docket, report, key="report:a", at=NOW)
    return made


@pytest.fixture
def panel() -> Iterator[Whmcs]:
    with whmcs() as one:
        one.product(17, 4, domain="s1")
        yield one


@pytest.fixture
def options(panel: Whmcs, tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "secret").write_text(SECRET)
    access = {"url": panel.url, "identifier": IDENTIFIER, "secret_file": str(tmp_path / "secret")}
    return {**access, "service_by": "domain", "timeout": 2}


def settled(jim: Provider, options: dict[str, Any]) -> list[str]:
    return [_told(one) for one in settle(jim.brand, Invoices(jim.brand.slug, options), LATER)]


def _told(entry: Entry) -> str:
    return f"{entry.did} {entry.amount} {entry.invoice}{f': {entry.why}' if entry.why else ''}"


def charge(jim: Provider) -> Charge:
    return Charge.objects.get(service=jim.service)


def test_what_is_owed_is_an_invoice_once(jim: Provider, panel: Whmcs, options: dict[str, Any]) -> None:
    assert settled(jim, options) == ["written 2000 900"]
    assert settled(jim, options) == []
    (invoice,) = panel.invoices
    assert (invoice["userid"], invoice["itemamount1"], invoice["status"]) == ("4", "20.00", "Unpaid")
    assert invoice["notes"] == f"[abusedesk jim {charge(jim).docket_id}:{charge(jim).item}]"
    assert all(clause in invoice["itemdescription1"] for clause in charge(jim).clauses)


def test_an_answer_that_was_lost_writes_no_second_invoice(jim: Provider, panel: Whmcs, options: dict[str, Any]) -> None:
    assert panel.door is not None

    def lost(asked: Asked) -> Answer:
        answer = panel.serve(asked)
        return Answer(502, b"") if asked.form["action"] == "CreateInvoice" else answer

    panel.door._serve = lost
    assert settled(jim, options) == [
        "left 2000 None: WHMCS answered CreateInvoice with the status 502 and no answer of its API"
    ]
    panel.door._serve = panel.serve
    assert settled(jim, options) == []
    assert len(panel.invoices) == 1


def test_what_was_paid_is_booked_once(jim: Provider, panel: Whmcs, options: dict[str, Any]) -> None:
    settled(jim, options)
    panel.invoices[0]["status"] = "Paid"
    assert settled(jim, options) == ["paid 2000 900"]
    assert (charge(jim).state, charge(jim).paid) == ("paid", 2000)
    assert settled(jim, options) == []


def test_what_is_withdrawn_is_cancelled(jim: Provider, panel: Whmcs, options: dict[str, Any]) -> None:
    settled(jim, options)
    submit(docket_of(jim.service), Verification("a", rejected=True, by="ann"), key="no", at=LATER)
    assert charge(jim).state == "withdrawn"
    assert settled(jim, options) == ["cancelled 2000 900"]
    assert panel.invoices[0]["status"] == "Cancelled"
    assert settled(jim, options) == []


def test_what_was_paid_elsewhere_in_part_is_written_anew(jim: Provider, panel: Whmcs, options: dict[str, Any]) -> None:
    settled(jim, options)
    submit(docket_of(jim.service), Payment(500), key="by hand", at=LATER)
    assert settled(jim, options) == ["cancelled 2000 900", "written 1500 901"]


def test_what_staff_cancelled_in_whmcs_is_not_written_again(
    jim: Provider, panel: Whmcs, options: dict[str, Any]
) -> None:
    settled(jim, options)
    panel.invoices[0]["status"] = "Cancelled"
    assert settled(jim, options) == []


def test_while_the_brand_is_held_payments_are_booked_and_nothing_is_written(
    jim: Provider, panel: Whmcs, options: dict[str, Any]
) -> None:
    jim.brand.held_since = NOW
    assert settled(jim, options) == []
    assert panel.invoices == []


def test_a_rehearsal_writes_nothing(jim: Provider, panel: Whmcs, options: dict[str, Any]) -> None:
    jim.brand.dry_run = True
    with pytest.raises(Problem, match="only rehearses"):
        settled(jim, options)


def test_another_currency_is_told(jim: Provider, panel: Whmcs, options: dict[str, Any]) -> None:
    panel.currency = "XTS"
    (told,) = settled(jim, options)
    assert told.startswith("left 2000 None: client 4 of WHMCS pays in XTS, and the charge is in ")


def test_a_service_that_whmcs_does_not_know_is_told(jim: Provider, panel: Whmcs, options: dict[str, Any]) -> None:
    panel.products.clear()
    assert settled(jim, options) == ["left 2000 None: the billing system knows no service s1"]


def test_a_role_that_may_not_write_is_named(jim: Provider, panel: Whmcs, options: dict[str, Any]) -> None:
    panel.allowed -= {"CreateInvoice"}
    (told,) = settled(jim, options)
    assert 'action "CreateInvoice" is not allowed' in told


def test_other_invoices_of_the_client_are_left_alone(jim: Provider, panel: Whmcs, options: dict[str, Any]) -> None:
    panel.invoices = [
        {"id": number, "userid": "4", "status": "Paid", "subtotal": "20.00", "notes": notes}
        for number, notes in enumerate(["", "[abusedesk other 1:c1]", "hosting"], start=1)
    ]
    before = [dict(one) for one in panel.invoices]
    settled(jim, options)
    assert panel.invoices[:3] == before
    assert charge(jim).paid == 0


def test_two_runs_at_once_write_nothing_twice(jim: Provider, panel: Whmcs, options: dict[str, Any]) -> None:
    with connect() as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(7002673, %s)", [jim.brand.pk])
        with pytest.raises(Problem, match="another run for jim is not through yet"):
            settled(jim, options)
    assert panel.invoices == []


def connect() -> psycopg.Connection[Any]:
    """A second connection to the test's database."""
    return psycopg.connect(**connection.get_connection_params())


@pytest.fixture
def file(options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(command, "session", nullcontext)
    made = tmp_path / "whmcs.json"
    made.write_text(json.dumps(options))
    return str(made)


def test_the_command_says_what_it_did(
    jim: Provider, panel: Whmcs, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run(["jim", "--whmcs", file]) == 0
    said = capsys.readouterr().out
    assert said.startswith("written: ")
    assert said.endswith(f" of s1, 20.00 {charge(jim).currency}, invoice 900\n")
    panel.products.clear()
    assert command.run(["jim", "--whmcs", file]) == 1


def test_a_brand_that_there_is_not_is_named(jim: Provider, file: str) -> None:
    with pytest.raises(Problem, match="there is no brand 'jam'; there are jim"):
        command.run(["jam", "--whmcs", file])
