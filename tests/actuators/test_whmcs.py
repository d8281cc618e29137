"""WHMCS: our hold and billing's are two, and neither lifts the other."""

import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from abusedesk.actuators.actuator import Order
from abusedesk.actuators.whmcs import OVERDUE, Hold, Whmcs, read_hold
from abusedesk.problem import Problem
from tests.inventories.serving import Answer
from tests.inventories.whmcs import IDENTIFIER, SECRET, whmcs
from tests.inventories.whmcs import Whmcs as Panel

pytestmark = pytest.mark.django_db
PAGES = Path(__file__).parents[2] / "docs" / "how-to"

SUSPENSION = Order(brand="acme", service="17", kind="suspend", key="1:m1:apply", fence=1, standing=("suspend",))
SHUTDOWN = replace(SUSPENSION, kind="shutdown", key="1:m2:apply")


@pytest.fixture
def panel() -> Iterator[Panel]:
    with whmcs() as one:
        one.client(4)
        one.product(16, 4)
        one.product(17, 4, domain="vps.example.net")
        yield one


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    return file


@pytest.fixture
def ours(panel: Panel, secret: Path) -> Whmcs:
    return actuator(panel, secret)


def actuator(panel: Panel, secret: Path, **options: Any) -> Whmcs:
    return Whmcs({"url": panel.url, "identifier": IDENTIFIER, "secret_file": str(secret), "timeout": 2, **options})


def status(panel: Panel, number: int = 17) -> tuple[str, str]:
    one = next(one for one in panel.products if one["id"] == number)
    return one["status"], one["suspensionreason"]


def product(panel: Panel, **values: Any) -> None:
    next(one for one in panel.products if one["id"] == 17).update(values)


def test_the_service_is_suspended_with_our_mark_and_runs_again_when_lifted(panel: Panel, ours: Whmcs) -> None:
    assert ours.apply(SUSPENSION).state == "in_force"
    assert status(panel) == ("Suspended", "Abuse [abusedesk acme suspend; before Active]")
    assert ours.lift(SUSPENSION).state == "not_in_force"
    assert status(panel) == ("Active", "")
    assert status(panel, 16) == ("Active", "")


def test_a_payment_does_not_lift_our_hold(panel: Panel, ours: Whmcs) -> None:
    ours.apply(SUSPENSION)
    panel.paid(17)
    assert ours.query(SUSPENSION).state == "in_force"


def test_a_payment_does_not_lift_our_hold_on_what_billing_suspended_before(panel: Panel, ours: Whmcs) -> None:
    product(panel, status="Suspended", suspensionreason=OVERDUE, nextduedate="2020-01-01")
    ours.apply(SUSPENSION)
    panel.paid(17)
    assert ours.query(SUSPENSION).state == "in_force"


def test_what_billing_suspended_before_stays_suspended_and_billing_can_lift_it(panel: Panel, ours: Whmcs) -> None:
    product(panel, status="Suspended", suspensionreason=OVERDUE, nextduedate="2020-01-01")
    ours.apply(SUSPENSION)
    assert ours.lift(SUSPENSION).state == "not_in_force"
    assert status(panel) == ("Suspended", OVERDUE)
    panel.paid(17)
    assert status(panel) == ("Active", "")


def test_what_was_paid_during_our_hold_runs_again_as_billing_would_have_it(panel: Panel, ours: Whmcs) -> None:
    product(panel, status="Suspended", suspensionreason=OVERDUE, nextduedate="2020-01-01")
    ours.apply(SUSPENSION)
    panel.paid(17)
    ours.lift(SUSPENSION)
    assert status(panel) == ("Active", "")


@pytest.mark.parametrize("reason", ["Chargeback", "", "Staff say: [wait]"])
def test_what_staff_suspended_before_stays_suspended_for_their_reason(panel: Panel, ours: Whmcs, reason: str) -> None:
    product(panel, status="Suspended", suspensionreason=reason)
    ours.apply(SUSPENSION)
    assert ours.query(SUSPENSION).state == "in_force"
    ours.lift(SUSPENSION)
    assert status(panel) == ("Suspended", reason)
    assert [one for one, _ in panel.changes] == ["UpdateClientProduct"] * 2


def test_what_fell_due_during_our_hold_is_not_revived(panel: Panel, ours: Whmcs) -> None:
    ours.apply(SUSPENSION)
    product(panel, nextduedate="2020-01-01")
    panel.cron("2020-02-01")
    assert ours.lift(SUSPENSION).receipt["reason"] == OVERDUE
    assert status(panel) == ("Suspended", OVERDUE)


@pytest.mark.parametrize(
    "spared",
    [
        {"billingcycle": "Free Account"},
        {"overideautosuspend": "1"},
        {"overideautosuspend": "on", "overidesuspenduntil": "2999-01-01"},
        {"nextduedate": "0000-00-00"},
    ],
)
def test_what_billing_would_not_suspend_runs_again(panel: Panel, ours: Whmcs, spared: dict[str, str]) -> None:
    product(panel, nextduedate="2020-01-01")
    product(panel, **spared)
    ours.apply(SUSPENSION)
    ours.lift(SUSPENSION)
    assert status(panel) == ("Active", "")


def test_two_measures_are_one_hold_until_the_last_is_lifted(panel: Panel, ours: Whmcs) -> None:
    for one in (SUSPENSION, SHUTDOWN):
        ours.apply(one)
    assert status(panel)[1] == "Abuse [abusedesk acme shutdown+suspend; before Active]"
    ours.lift(SUSPENSION)
    assert [ours.query(one).state for one in (SUSPENSION, SHUTDOWN)] == ["not_in_force", "in_force"]
    ours.lift(SHUTDOWN)
    assert status(panel) == ("Active", "")


def test_what_was_unsuspended_by_hand_is_read_back_as_gone_and_taken_again(panel: Panel, ours: Whmcs) -> None:
    ours.apply(SUSPENSION)
    product(panel, status="Active")  # WHMCS leaves the reason where a status is set by hand
    assert ours.query(SUSPENSION).state == "not_in_force"
    ours.apply(SUSPENSION)
    assert status(panel) == ("Suspended", "Abuse [abusedesk acme suspend; before Active]")


def test_a_hold_that_became_somebody_elses_is_told_and_not_lifted(panel: Panel, ours: Whmcs) -> None:
    ours.apply(SUSPENSION)
    product(panel, suspensionreason="Chargeback")
    asked = ours.query(SUSPENSION)
    assert (asked.state, asked.error) == (
        "not_in_force",
        "it is suspended for another reason, and not by this measure",
    )
    ours.lift(SUSPENSION)
    assert status(panel) == ("Suspended", "Chargeback")


def test_another_brands_hold_is_neither_taken_nor_lifted(panel: Panel, ours: Whmcs) -> None:
    ours.apply(SUSPENSION)
    other = replace(SUSPENSION, brand="other")
    assert ours.apply(other).state == "refused"
    assert ours.lift(other).state == "not_in_force"
    assert ours.query(SUSPENSION).state == "in_force"


def test_a_ticket_is_opened_once_however_often_the_order_comes(panel: Panel, secret: Path) -> None:
    ours = actuator(panel, secret, department=3)
    first, again = ours.apply(SUSPENSION), ours.apply(replace(SUSPENSION, fence=2))
    assert first.receipt["ticket"] == again.receipt["ticket"] == "516751"
    assert [(one["serviceid"], one["clientid"]) for one in panel.tickets] == [("17", "4")]


def test_a_ticket_that_is_refused_stops_no_measure(panel: Panel, secret: Path) -> None:
    told = actuator(panel, secret, department=9).apply(SUSPENSION)
    assert (told.state, told.receipt["ticket_error"]) == (
        "in_force",
        "WHMCS refuses OpenTicket: Department ID not found",
    )


@pytest.mark.parametrize("gone", ["Terminated", "Cancelled", "Fraud", "Pending"])
def test_what_is_not_rented_cannot_be_suspended_and_needs_no_lifting(panel: Panel, ours: Whmcs, gone: str) -> None:
    ours.apply(SUSPENSION)
    product(panel, status=gone)
    assert [ours.apply(SUSPENSION).state, ours.query(SUSPENSION).state, ours.lift(SUSPENSION).state] == [
        "refused",
        "not_in_force",
        "not_in_force",
    ]
    assert status(panel)[0] == gone


def test_a_service_that_is_not_there_is_refused_in_words(ours: Whmcs) -> None:
    told = ours.apply(replace(SUSPENSION, service="99"))
    assert (told.state, told.error) == ("refused", "WHMCS knows no service 99; nothing can be suspended")


def test_a_domain_can_name_the_service(panel: Panel, secret: Path) -> None:
    ours = actuator(panel, secret, service_by="domain")
    ours.apply(replace(SUSPENSION, service="vps.example.net"))
    assert status(panel)[0] == "Suspended"


def test_a_domain_of_two_services_is_refused(panel: Panel, secret: Path) -> None:
    panel.product(18, 4, domain="vps.example.net")
    told = actuator(panel, secret, service_by="domain").apply(replace(SUSPENSION, service="vps.example.net"))
    assert (told.state, panel.changes) == ("refused", [])


def test_a_name_is_not_taken_for_a_number(ours: Whmcs) -> None:
    assert "is no number of a service" in ours.apply(replace(SUSPENSION, service="vps-1")).error


def test_wrong_credentials_are_refused_and_read_nothing_back(panel: Panel, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("wrong")
    ours = actuator(panel, tmp_path / "wrong")
    told = ours.apply(SUSPENSION)
    assert (told.state, told.error) == (
        "refused",
        "WHMCS refuses GetClientsProducts: Invalid or missing credentials",
    )
    assert ours.query(SUSPENSION).state == "unreachable"


def test_a_role_that_may_not_suspend_is_named(panel: Panel, ours: Whmcs) -> None:
    panel.allowed -= {"ModuleSuspend"}
    assert 'action "ModuleSuspend" is not allowed' in ours.apply(SUSPENSION).error


NEEDED = {"GetClientsProducts", "ModuleSuspend", "ModuleUnsuspend", "UpdateClientProduct", "GetTickets", "OpenTicket"}


def test_the_documented_role_is_enough(panel: Panel, secret: Path) -> None:
    page = (PAGES / "whmcs-actuator.md").read_text(encoding="utf-8")
    role = page[page.index("API role**") : page.index("Make an API credential")]
    assert set(re.findall(r"`(\w+)`", role)) == NEEDED
    panel.allowed = set(NEEDED)
    ours = actuator(panel, secret, department=3)
    for number, before in ((17, "Active"), (16, "Suspended")):
        order = replace(SUSPENSION, service=str(number))
        next(one for one in panel.products if one["id"] == number)["status"] = before
        assert "ticket" in ours.apply(order).receipt
        assert ours.lift(order).state == "not_in_force"
    assert {one.form["action"] for one in panel.door.asked} == NEEDED  # type: ignore[union-attr]


def test_a_module_that_fails_may_do_better_later(panel: Panel, ours: Whmcs) -> None:
    panel.broken_module = "Connection to node3.example.net timed out"
    told = ours.apply(SUSPENSION)
    assert told.state == "unreachable"
    assert "Connection to node3.example.net timed out" in told.error
    assert status(panel) == ("Active", "")
    panel.broken_module = ""
    assert ours.apply(SUSPENSION).state == "in_force"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(503, b"<html>maintenance</html>", {"Content-Type": "text/html"}),
        Answer(200, b"<html>log in</html>", {"Content-Type": "text/html"}),
        Answer(500, {"result": "error", "message": "Too many connections"}),
        Answer(200, ["success"]),
    ],
)
def test_what_is_no_answer_of_its_api_changes_nothing(panel: Panel, ours: Whmcs, answer: Answer) -> None:
    assert panel.door is not None
    panel.door.first = [answer] * 2
    assert [ours.apply(SUSPENSION).state, ours.query(SUSPENSION).state] == ["unreachable"] * 2
    assert status(panel) == ("Active", "")


def test_an_answer_that_comes_too_late_is_none_and_the_order_may_come_again(panel: Panel, secret: Path) -> None:
    assert panel.door is not None
    ours = actuator(panel, secret, timeout=1)
    panel.door.delay = 1.5
    assert ours.apply(SUSPENSION).state == "unreachable"
    panel.door.delay = 0
    assert ours.apply(SUSPENSION).state == "in_force"
    assert status(panel)[1] == "Abuse [abusedesk acme suspend; before Active]"


def test_nobody_listening_is_no_answer(secret: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    ours = Whmcs({"url": url, "identifier": IDENTIFIER, "secret_file": str(secret)})
    assert [ours.apply(SUSPENSION).state, ours.query(SUSPENSION).state] == ["unreachable"] * 2


def test_a_termination_suspends_until_a_person_terminates(panel: Panel, ours: Whmcs) -> None:
    order = replace(SUSPENSION, kind="terminate")
    assert (ours.apply(order).state, status(panel)[0]) == ("in_force", "Suspended")
    product(panel, status="Terminated")
    assert ours.query(order).state == "in_force"


def test_other_measures_are_refused(panel: Panel, ours: Whmcs) -> None:
    order = replace(SUSPENSION, kind="null_route")
    assert [ours.apply(order).state, ours.lift(order).state] == ["refused", "not_in_force"]
    assert panel.changes == []


@pytest.mark.parametrize("reason", ["", "Chargeback", "a [b] c]", "Overdue: 3 invoices\nsince May"])
def test_a_hold_is_read_as_it_was_written(reason: str) -> None:
    hold = Hold("acme", frozenset({"suspend", "shutdown"}), "Suspended", reason)
    assert read_hold(hold.text("Abuse")) == hold


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "billing.example.net"}, "is no address such as https://billing.example.net"),
        ({"url": "http://billing.example.net"}, "without encryption"),
        ({"identifier": ""}, "identifier is missing"),
        ({"secret_file": "/nowhere/at/all"}, "cannot be read"),
        ({"service_by": "name"}, "neither id nor domain"),
        ({"reason": "[x]"}, "no short text without brackets"),
        ({"overdue_days": -1}, "no whole number"),
        ({"colour": "red"}, "no option 'colour'"),
    ],
)
def test_a_wrong_option_is_one_clear_line(secret: Path, options: dict[str, Any], said: str) -> None:
    right = {"url": "https://billing.example.net", "identifier": IDENTIFIER, "secret_file": str(secret)}
    with pytest.raises(Problem, match=said.replace("[", r"\[")):
        Whmcs(right | options)
