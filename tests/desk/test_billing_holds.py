"""Billing's holds and ours, through the desk: decided here, carried out in WHMCS, read back, and seen when undone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from abusedesk.desk.perform import look_again, perform_target, retry_target
from abusedesk.desk.perform.pace import LOOK_AGAIN
from abusedesk.records.models import Case, Measure, Target, TimelineEntry
from tests.desk.rows import NOW, Desk, desk
from tests.inventories.whmcs import IDENTIFIER, SECRET, Whmcs, whmcs

pytestmark = pytest.mark.django_db

LATER = NOW + LOOK_AGAIN


@pytest.fixture
def panel() -> Iterator[Whmcs]:
    with whmcs() as one:
        yield one


@pytest.fixture
def acme(panel: Whmcs, tmp_path: Path) -> Desk:
    (tmp_path / "secret").write_text(SECRET)
    options = {"url": panel.url, "identifier": IDENTIFIER, "secret_file": str(tmp_path / "secret")}
    made = desk(actuators={"default": {"actuator": "whmcs", "service_by": "domain", **options}})
    panel.product(17, 4, domain=made.service.ref)
    return made


@pytest.fixture
def suspension(acme: Desk) -> Measure:
    measure = acme.measure("suspend")
    assert perform_target("w1", NOW)
    return measure


def state(measure: Measure) -> str:
    return Measure.objects.get(pk=measure.pk).state


def test_a_paid_invoice_changes_nothing_of_ours(panel: Whmcs, suspension: Measure) -> None:
    panel.paid(17)
    assert look_again("w1", LATER)
    assert (state(suspension), panel.products[0]["status"]) == ("in_force", "Suspended")


def test_what_staff_unsuspend_in_whmcs_is_seen_and_put_before_a_person(
    acme: Desk, panel: Whmcs, suspension: Measure
) -> None:
    panel.products[0] |= {"status": "Active", "suspensionreason": ""}
    assert look_again("w1", LATER)
    assert state(suspension) == "failed"
    assert TimelineEntry.objects.filter(kind="drifted").count() == 1
    assert "failed:suspend" in Case.objects.get(pk=acme.case.pk).needs
    assert panel.products[0]["status"] == "Active"
    retry_target(Target.objects.get().pk, LATER)
    assert perform_target("w1", LATER)
    assert (state(suspension), panel.products[0]["status"]) == ("in_force", "Suspended")


def test_a_lifted_suspension_leaves_billings_own(panel: Whmcs, acme: Desk) -> None:
    panel.products[0] |= {"status": "Suspended", "suspensionreason": "Chargeback"}
    measure = acme.measure("suspend")
    perform_target("w1", NOW)
    assert state(measure) == "in_force"
    Measure.objects.update(decided="lifted")
    Target.objects.update(dirty=True, next_attempt=LATER)
    perform_target("w1", LATER)
    assert state(measure) == "lifted"
    assert (panel.products[0]["status"], panel.products[0]["suspensionreason"]) == ("Suspended", "Chargeback")
