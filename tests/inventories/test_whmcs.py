"""WHMCS over real HTTP."""

import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from abusedesk.inventories.whmcs import DRIVER
from abusedesk.problem import Problem
from abusedesk.vocabulary.claims import Claims, CustomerClaim, HoldingClaim, ServiceClaim, gather
from tests.inventories.serving import Answer
from tests.inventories.whmcs import IDENTIFIER, SECRET, Whmcs, whmcs


@pytest.fixture
def billing() -> Iterator[Whmcs]:
    with whmcs() as made:
        yield made


@pytest.fixture
def options(billing: Whmcs, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "secret").write_text(SECRET)
    return {"url": billing.url, "identifier": IDENTIFIER, "secret_file": str(tmp_path / "secret")}


def claims(options: dict[str, str]) -> Claims:
    return gather(list(DRIVER.read(options)))


def test_clients_and_products_with_their_addresses(billing: Whmcs, options: dict[str, str]) -> None:
    billing.client(17, companyname="Acme Ltd")
    billing.product(4711, 17, dedicatedip="192.0.2.10", assignedips="192.0.2.11\r\n2001:db8:5::/64\n")
    found = claims(options)
    assert found.customers == (
        CustomerClaim("17", "Acme Ltd", "c17@example.com", since=datetime(2024, 1, 15, tzinfo=UTC)),
    )
    since = datetime(2025, 4, 1, tzinfo=UTC)
    assert found.services == (ServiceClaim("4711", "17", label="host4711.example.net", since=since),)
    assert [one.prefix for one in found.holdings] == ["192.0.2.10/32", "192.0.2.11/32", "2001:db8:5::/64"]
    assert {one.since for one in found.holdings} == {None}


def test_a_person_without_a_company_is_called_by_name(billing: Whmcs, options: dict[str, str]) -> None:
    billing.client(17)
    assert claims(options).customers[0].name == "Jo Doe"


def test_every_page_is_read(billing: Whmcs, options: dict[str, str]) -> None:
    for number in range(1, 8):
        billing.client(number)
        billing.product(number + 100, number)
    found = claims(options)
    assert (len(found.customers), len(found.services)) == (7, 7)


def test_an_empty_whmcs_is_empty(billing: Whmcs, options: dict[str, str]) -> None:
    assert claims(options) == Claims()


@pytest.mark.parametrize(
    ("status", "ended"),
    [("Active", False), ("Suspended", False), ("Terminated", True), ("Cancelled", True), ("Fraud", True)],
)
def test_what_is_terminated_has_ended(billing: Whmcs, options: dict[str, str], status: str, ended: bool) -> None:
    billing.product(4711, 17, status, dedicatedip="192.0.2.10")
    found = claims(options)
    assert found.services[0].ended is ended
    assert bool(found.holdings) is not ended


def test_a_pending_order_is_no_service_yet(billing: Whmcs, options: dict[str, str]) -> None:
    billing.product(4711, 17, "Pending")
    assert not claims(options).services


def test_only_the_chosen_groups_are_read(billing: Whmcs, options: dict[str, str]) -> None:
    billing.product(1, 17)
    billing.product(2, 17, groupname="Domains")
    assert [one.ref for one in claims(options | {"groups": "vps, Dedicated"}).services] == ["1"]


def test_addresses_may_be_left_to_another_inventory(billing: Whmcs, options: dict[str, str]) -> None:
    billing.product(1, 17, dedicatedip="192.0.2.10")
    assert not claims(options | {"addresses": "no"}).holdings


def test_the_order_may_be_the_beginning(billing: Whmcs, options: dict[str, str]) -> None:
    billing.product(1, 17, dedicatedip="192.0.2.10/24", regdate="2025-06-01")
    since = datetime(2025, 6, 1, tzinfo=UTC)
    assert claims(options | {"since_ordered": "yes"}).holdings == (HoldingClaim("192.0.2.10/32", "1", since),)


def test_a_product_without_a_date_has_none(billing: Whmcs, options: dict[str, str]) -> None:
    billing.product(1, 17, regdate="0000-00-00")
    assert claims(options).services[0].since is None


def test_the_address_of_the_hypervisor_is_not_the_customers(billing: Whmcs, options: dict[str, str]) -> None:
    billing.product(1, 17)
    assert not claims(options).holdings


def test_what_is_no_address_leaves_the_service_unread(billing: Whmcs, options: dict[str, str]) -> None:
    billing.product(1, 17, dedicatedip="192.0.2.1O")
    billing.product(2, 17, assignedips="none yet\n192.0.2.20")
    found = claims(options)
    assert found.unread == ("1",)
    assert [one.service for one in found.holdings] == ["2"]


def test_the_probe_counts(billing: Whmcs, options: dict[str, str]) -> None:
    billing.client(17)
    assert DRIVER.probe(options) == "WHMCS: 1 clients, 0 products"


def test_wrong_credentials_are_said_in_its_words(billing: Whmcs, options: dict[str, str]) -> None:
    with pytest.raises(Problem, match="WHMCS refuses GetClients: Invalid or missing credentials"):
        claims(options | {"identifier": "other"})


def test_an_address_without_the_api_is_said(billing: Whmcs, options: dict[str, str]) -> None:
    with pytest.raises(Problem, match="with the status 404; see that the address is right"):
        claims(options | {"url": f"{billing.url}/elsewhere"})


def test_a_login_page_is_no_reading(billing: Whmcs, options: dict[str, str]) -> None:
    assert billing.door is not None
    billing.door.first = [Answer(200, b"<html>login</html>", {"Content-Type": "text/html"})]
    with pytest.raises(Problem, match="see that the address is right"):
        claims(options)


def test_an_error_of_the_server_is_no_reading(billing: Whmcs, options: dict[str, str]) -> None:
    assert billing.door is not None
    billing.door.first = [Answer(500, {"result": "error"})]
    with pytest.raises(Problem, match="with the status 500"):
        claims(options)


def test_a_hook_is_signed_or_carries_the_secret() -> None:
    body = b"event=AfterModuleCreate"
    signature = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    assert DRIVER.vouches(body, {"x-abusedesk-signature": signature}, "secret")
    assert DRIVER.vouches(body, {"authorization": "Bearer secret"}, "secret")
    assert not DRIVER.vouches(body + b"!", {"x-abusedesk-signature": signature}, "secret")
    assert not DRIVER.vouches(body, {}, "secret")
