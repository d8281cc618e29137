"""NetBox over real HTTP, asked with pynetbox."""

import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from abusedesk.inventories import calls
from abusedesk.inventories.netbox import DRIVER
from abusedesk.problem import Problem
from abusedesk.vocabulary.claims import Claims, CustomerClaim, HoldingClaim, ServiceClaim, gather
from tests.inventories.netbox import TOKEN, NetBox, netbox
from tests.inventories.serving import Answer

CHANGED = datetime(2026, 1, 5, 10, 0, 0, 123456, UTC)
MADE = datetime(2025, 4, 1, 10, tzinfo=UTC)


@pytest.fixture
def box() -> Iterator[NetBox]:
    with netbox() as made:
        yield made


@pytest.fixture
def options(box: NetBox, tmp_path: Path) -> dict[str, str]:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    return {"url": box.url, "token_file": str(token)}


def claims(options: dict[str, str]) -> Claims:
    return gather(list(DRIVER.read(options)))


def test_a_machine_holds_the_addresses_of_its_interfaces(box: NetBox, options: dict[str, str]) -> None:
    machine = box.machine("vps-1", box.tenant("acme", "Acme Ltd"))
    box.address("192.0.2.10/24", machine)
    box.address("2001:db8::10/64", machine)
    found = claims(options)
    assert found.customers == (CustomerClaim("acme", "Acme Ltd"),)
    assert found.services == (ServiceClaim("vps-1", "acme", label="vps-1", since=MADE),)
    assert found.holdings == (
        HoldingClaim("192.0.2.10/32", "vps-1", CHANGED),
        HoldingClaim("2001:db8::10/128", "vps-1", CHANGED),
    )


def test_every_page_is_read(box: NetBox, options: dict[str, str]) -> None:
    machine = box.machine("vps-1")
    for last in range(1, 18):
        box.address(f"192.0.2.{last}/24", machine)
    assert len(claims(options).holdings) == 17


def test_an_address_on_no_interface_is_nobodys(box: NetBox, options: dict[str, str]) -> None:
    box.address("192.0.2.10/24")
    assert not claims(options).holdings


def test_a_reserved_address_is_nobodys(box: NetBox, options: dict[str, str]) -> None:
    box.address("192.0.2.10/24", box.machine("vps-1"), status={"value": "reserved", "label": "Reserved"})
    assert not claims(options).holdings


def test_an_address_of_a_private_table_is_left_out(box: NetBox, options: dict[str, str]) -> None:
    box.address("192.0.2.10/24", box.machine("vps-1"), vrf={"id": 1, "name": "management"})
    assert not claims(options).holdings


def test_your_own_ids_may_stand_in_custom_fields(box: NetBox, options: dict[str, str]) -> None:
    machine = box.machine("web", box.tenant("acme", whmcs_client=17, abuse_mail="jo@example.com"), whmcs_service=4711)
    box.address("192.0.2.10/24", machine)
    fields = {"customer_field": "whmcs_client", "service_field": "whmcs_service", "email_field": "abuse_mail"}
    found = claims(options | fields)
    assert found.customers[0].email == "jo@example.com"
    assert [one.service for one in found.holdings] == ["4711"]


def test_a_machine_without_your_own_id_is_no_service(box: NetBox, options: dict[str, str]) -> None:
    box.address("192.0.2.10/24", box.machine("template"))
    found = claims(options | {"service_field": "whmcs_service"})
    assert not found.services
    assert not found.holdings


def test_devices_are_read_where_asked_for(box: NetBox, options: dict[str, str]) -> None:
    box.address("192.0.2.20/24", box.device("ded-1", box.tenant("acme")), kind="device")
    assert not claims(options).holdings
    assert [one.service for one in claims(options | {"devices": "yes"}).holdings] == ["ded-1"]


@pytest.mark.parametrize("by_object", [True, False])
def test_a_prefix_is_held_by_whom_its_custom_field_names(box: NetBox, options: dict[str, str], by_object: bool) -> None:
    machine = box.machine("vps-1")
    named = {name: machine[name] for name in ("id", "url", "display", "name")} if by_object else "vps-1"
    box.prefix("2001:db8:5::/64", held_by=named)
    box.prefix("2001:db8:6::/64", held_by=None)
    found = claims(options | {"prefix_field": "held_by"})
    assert [(one.prefix, one.service) for one in found.holdings] == [("2001:db8:5::/64", "vps-1")]


def test_aggregates_are_the_providers_own(box: NetBox, options: dict[str, str]) -> None:
    box.aggregate("198.51.100.0/24")
    assert claims(options).own == ("198.51.100.0/24",)


def test_a_decommissioned_machine_has_ended(box: NetBox, options: dict[str, str]) -> None:
    box.machine("vps-1", box.tenant("acme"), status="decommissioning")
    assert claims(options).services[0].ended


def test_a_custom_field_may_say_since_when(box: NetBox, options: dict[str, str]) -> None:
    box.address("192.0.2.10/24", box.machine("vps-1"), custom_fields={"rented": "2025-12-24"})
    found = claims(options | {"since_field": "rented"})
    assert found.holdings[0].since == datetime(2025, 12, 24, tzinfo=UTC)


def test_the_probe_counts(box: NetBox, options: dict[str, str]) -> None:
    box.machine("vps-1", box.tenant("acme"))
    assert DRIVER.probe(options) == "NetBox 4.3: 1 tenants, 1 virtual machines, 0 addresses, 0 aggregates"


def test_a_wrong_token_is_said(box: NetBox, options: dict[str, str]) -> None:
    Path(options["token_file"]).write_text("wrong")
    with pytest.raises(Problem, match="NetBox: the token may not do that; it needs view on tenants"):
        claims(options)


def test_an_empty_token_file_is_said(box: NetBox, options: dict[str, str]) -> None:
    Path(options["token_file"]).write_text("\n")
    with pytest.raises(Problem, match="is empty; it must hold the secret"):
        claims(options)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(
    box: NetBox, options: dict[str, str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "PAUSE_S", 0)
    box.machine("vps-1", box.tenant("acme"))
    assert box.door is not None
    box.door.first = [Answer(status, {"detail": "busy"}, {"Retry-After": "0"})] * 2
    assert len(claims(options).services) == 1


def test_a_server_error_is_no_reading(box: NetBox, options: dict[str, str]) -> None:
    assert box.door is not None
    box.door.first = [Answer(500, {"detail": "oops"})]
    with pytest.raises(Problem, match="NetBox: it answered with the status 500"):
        claims(options)


def test_an_error_page_is_no_reading(box: NetBox, options: dict[str, str]) -> None:
    assert box.door is not None
    box.door.first = [Answer(200, b"<html>maintenance</html>", {"Content-Type": "text/html"})]
    with pytest.raises(Problem, match="no JSON"):
        claims(options)


def test_nobody_there_is_said(options: dict[str, str]) -> None:
    with pytest.raises(Problem, match=r"NetBox cannot be reached \(.*refused"):
        claims(options | {"url": "http://127.0.0.1:1"})


def test_a_list_that_keeps_changing_is_no_reading(
    box: NetBox, options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve = box._page

    def shrinking(asked, rows):  # type: ignore[no-untyped-def]
        answer = serve(asked, rows)
        if asked.path == "/api/ipam/ip-addresses/" and asked.query.get("brief") is None and len(rows) > 1:
            del rows[0]
        return answer

    machine = box.machine("vps-1")
    for last in range(1, 30):
        box.address(f"192.0.2.{last}/24", machine)
    monkeypatch.setattr(box, "_page", shrinking)
    with pytest.raises(Problem, match="ip addresses change faster than they can be read"):
        claims(options)


def test_the_webhook_is_signed_with_sha512() -> None:
    body = b'{"event": "updated"}'
    signature = hmac.new(b"secret", body, hashlib.sha512).hexdigest()
    assert DRIVER.vouches(body, {"x-hook-signature": signature}, "secret")
    assert not DRIVER.vouches(body + b" ", {"x-hook-signature": signature}, "secret")
    assert not DRIVER.vouches(body, {}, "secret")
