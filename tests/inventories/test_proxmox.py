"""Proxmox VE over real TLS, asked with proxmoxer."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from abusedesk.inventories.proxmox import DRIVER
from abusedesk.problem import Problem
from abusedesk.vocabulary.claims import Claims, HoldingClaim, ServiceClaim, gather
from tests.inventories.proxmox import SECRET, TOKEN_ID, Proxmox, proxmox
from tests.inventories.serving import Answer

MADE = datetime(2025, 4, 1, 10, tzinfo=UTC)
META = {"meta": f"creation-qemu=9.0.2,ctime={int(MADE.timestamp())}"}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Proxmox]:
    with proxmox(tmp_path) as made:
        yield made


@pytest.fixture
def options(cluster: Proxmox, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "secret").write_text(SECRET)
    return {
        "url": cluster.url,
        "token_id": TOKEN_ID,
        "token_file": str(tmp_path / "secret"),
        "ca_file": str(tmp_path / "pve-root-ca.pem"),
    }


def claims(options: dict[str, str]) -> Claims:
    return gather(list(DRIVER.read(options)))


def held(options: dict[str, str]) -> list[tuple[str, str]]:
    return [(one.prefix, one.service) for one in claims(options).holdings]


def test_a_virtual_machine_holds_what_cloud_init_gives_it(cluster: Proxmox, options: dict[str, str]) -> None:
    cluster.guest(100, {"ipconfig0": "ip=192.0.2.10/24,gw=192.0.2.1,ip6=2001:db8::10/64", "ipconfig1": "ip=dhcp"})
    assert held(options) == [("192.0.2.10/32", "100"), ("2001:db8::10/128", "100")]


def test_a_container_holds_what_its_network_says(cluster: Proxmox, options: dict[str, str]) -> None:
    net = "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01,ip=192.0.2.11/24,ip6=auto,gw=192.0.2.1"
    cluster.guest(101, {"net0": net}, kind="lxc")
    assert held(options) == [("192.0.2.11/32", "101")]


def test_a_guest_holds_what_the_firewall_allows_it(cluster: Proxmox, options: dict[str, str]) -> None:
    cluster.guest(102, {"net0": "virtio=BC:24:11:00:00:02,bridge=vmbr0,firewall=1"})
    cluster.ipsets[102] = {
        "ipfilter-net0": [{"cidr": "192.0.2.12"}, {"cidr": "fe80::/10"}, {"cidr": "2001:db8:5::/64"}],
        "friends": [{"cidr": "198.51.100.1"}],
    }
    assert held(options) == [("192.0.2.12/32", "102"), ("2001:db8:5::/64", "102")]
    assert held(options | {"ipfilter": "no"}) == []


def test_what_is_taken_out_of_the_set_again_is_not_held(cluster: Proxmox, options: dict[str, str]) -> None:
    cluster.guest(102, {})
    cluster.ipsets[102] = {"ipfilter-net0": [{"cidr": "192.0.2.16/28"}, {"cidr": "192.0.2.17", "nomatch": 1}]}
    assert held(options) == [("192.0.2.16/28", "102")]


def test_a_template_is_no_service(cluster: Proxmox, options: dict[str, str]) -> None:
    cluster.guest(9000, {"ipconfig0": "ip=192.0.2.10/24"}, template=1)
    assert not claims(options).services


def test_service_and_customer_may_stand_in_tags(cluster: Proxmox, options: dict[str, str]) -> None:
    cluster.guest(100, META, tags="customer-17;service-4711;web")
    found = claims(options | {"service_by": "tag:service-", "customer_by": "tag:customer-"})
    assert found.services == (ServiceClaim("4711", "17", label="guest100", since=MADE),)


def test_the_pool_may_be_the_customer(cluster: Proxmox, options: dict[str, str]) -> None:
    cluster.guest(100, {}, pool="c-17")
    assert claims(options | {"customer_by": "pool"}).services[0].customer == "c-17"


def test_a_guest_without_the_tag_is_left_out(cluster: Proxmox, options: dict[str, str]) -> None:
    cluster.guest(100, {}, tags="web")
    assert not claims(options | {"service_by": "tag:service-"}).services


def test_the_making_of_the_guest_may_be_the_beginning(cluster: Proxmox, options: dict[str, str]) -> None:
    cluster.guest(100, {"ipconfig0": "ip=192.0.2.10/24", **META})
    assert claims(options).holdings == (HoldingClaim("192.0.2.10/32", "100"),)
    assert claims(options | {"since_created": "yes"}).holdings[0].since == MADE


def test_guests_of_a_node_that_is_away_are_unread(cluster: Proxmox, options: dict[str, str]) -> None:
    cluster.guest(100, {"ipconfig0": "ip=192.0.2.10/24"})
    cluster.guest(200, {"ipconfig0": "ip=192.0.2.20/24"}, node="pve2", status="unknown")
    cluster.away.add("pve2")
    found = claims(options)
    assert found.unread == ("200",)
    assert [one.ref for one in found.services] == ["100", "200"]
    assert [one.service for one in found.holdings] == ["100"]


def test_the_probe_counts(cluster: Proxmox, options: dict[str, str]) -> None:
    cluster.guest(100, {})
    assert DRIVER.probe(options) == "Proxmox VE 8.3.0: 1 guests on 1 nodes"


def test_a_token_that_sees_nothing_is_said(cluster: Proxmox, options: dict[str, str]) -> None:
    assert "may lack VM.Audit" in DRIVER.probe(options)


def test_a_wrong_token_is_said(cluster: Proxmox, options: dict[str, str]) -> None:
    Path(options["token_file"]).write_text("wrong")
    with pytest.raises(Problem, match="Proxmox: it does not know the token"):
        claims(options)


def test_a_refusal_names_the_role(cluster: Proxmox, options: dict[str, str]) -> None:
    assert cluster.door is not None
    cluster.guest(100, {})
    cluster.door.first = [Answer(403, {"data": None})]
    with pytest.raises(Problem, match="it needs the role PVEAuditor"):
        claims(options)


def test_an_unknown_certificate_is_not_trusted(cluster: Proxmox, options: dict[str, str]) -> None:
    del options["ca_file"]
    with pytest.raises(Problem, match="its certificate cannot be trusted"):
        claims(options)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_an_error_page_is_no_reading(cluster: Proxmox, options: dict[str, str], at: int) -> None:
    cluster.guest(100, {})
    assert cluster.door is not None
    right = [Answer(200, {"data": cluster.guests}), Answer(200, {"data": {"digest": "00"}})]
    cluster.door.first = [*right[:at], Answer(200, b"<html>loading</html>", {"Content-Type": "text/html"})]
    with pytest.raises(Problem, match="Proxmox: it answered something else"):
        claims(options)


def test_an_error_of_the_server_is_no_reading(cluster: Proxmox, options: dict[str, str]) -> None:
    assert cluster.door is not None
    cluster.door.first = [Answer(500, {"data": None})]
    with pytest.raises(Problem, match="the status 500"):
        claims(options)


def test_its_notifications_carry_the_secret() -> None:
    assert DRIVER.vouches(b"{}", {"authorization": "Bearer s3cret"}, "s3cret")
    assert not DRIVER.vouches(b"{}", {"authorization": "Bearer other"}, "s3cret")
    assert not DRIVER.vouches(b"{}", {}, "s3cret")
