"""What every actuator must do, whatever stands behind it. A new one joins by a fixture of its own."""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from abusedesk.actuators.actuator import Actuator, Order
from abusedesk.actuators.models import Switch
from abusedesk.actuators.registry import actuator
from tests.contract import hypervisor as virtual
from tests.contract import openstack as clouds
from tests.contract.networks import Speaker, counted, namespaces, speaking
from tests.contract.panel import Panel
from tests.contract.receiver import SECRET, receiving
from tests.inventories import proxmox as hypervisor
from tests.inventories import whmcs as billing

HELD = ("192.0.2.0/30", "192.0.2.7/32", "2001:db8:1::/64")
SUSPENSION = Order(
    brand="acme", service="vps-1", kind="suspend", key="1:m1:apply", fence=3, standing=("suspend",), addresses=HELD
)
SHUTDOWN = replace(SUSPENSION, kind="shutdown", key="1:m5:apply", standing=("suspend", "shutdown"))
CLOSED_PORT = replace(SUSPENSION, kind="block_port", port=25, key="1:m2:apply")
NULL_ROUTE = replace(SUSPENSION, kind="null_route", ip="192.0.2.7", key="1:m3:apply")
RATE_LIMIT = replace(NULL_ROUTE, kind="rate_limit", key="1:m4:apply")
GONE = replace(SUSPENSION, service="vps-gone")
OWN = ["192.0.2.0/24", "2001:db8::/32"]


@dataclass
class Outside:
    """An actuator, how often something really changed behind it, and what it can be ordered: two at least.

    `silent` is the same where nobody answers, `denied` with credentials that are wrong, `gone` an order about what is
    not there; None where an outside knows no such thing.
    """

    actuator: Actuator
    changes: Callable[[], int]
    orders: tuple[Order, ...] = (SUSPENSION, CLOSED_PORT, NULL_ROUTE)
    silent: Actuator | None = None
    denied: Actuator | None = None
    gone: Order | None = None


def nobody() -> str:
    """An address of this machine at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def console(_: Path) -> Iterator[Outside]:
    yield Outside(actuator("console", {}), lambda: sum(Switch.objects.values_list("changes", flat=True)))


def webhook(_: Path) -> Iterator[Outside]:
    with receiving() as receiver:
        receiver.gone = {GONE.service}
        options = {"url": receiver.url, "secret": SECRET, "timeout": 2}
        yield Outside(
            actuator("webhook", options),
            lambda: len(receiver.changes),
            silent=actuator("webhook", options | {"url": f"http://{nobody()}"}),
            denied=actuator("webhook", options | {"secret": SECRET[::-1]}),
            gone=GONE,
        )


def command(folder: Path) -> Iterator[Outside]:
    panel = Panel(folder)
    silent = actuator("command", {"command": [sys.executable, "-c", "raise SystemExit(75)"]})
    yield Outside(actuator("command", {"command": panel.words}), panel.changes, silent=silent)


def nftables(folder: Path) -> Iterator[Outside]:
    with namespaces("router") as (router,):
        nft = counted(folder, "nft", f"ip netns exec {router} nft", '*"-f -"*')
        options = {"prefixes": OWN, "nft": [nft.program]}
        silent = actuator("nftables", options | {"nft": ["false"]})
        orders = (SUSPENSION, CLOSED_PORT, NULL_ROUTE, RATE_LIMIT)
        yield Outside(actuator("nftables", options), nft.changes, orders, silent)


def gobgp(folder: Path) -> Iterator[Outside]:
    speaker = Speaker(folder, 65001)
    with speaking(speaker):
        program = counted(folder, "gobgp", " ".join(speaker.words), '*"rib add"*|*"rib del"*')
        options = {"prefixes": OWN, "gobgp": [program.program], "next_hop": "192.0.2.1"}
        nowhere = ["gobgp", "-u", "127.0.0.1", "-p", nobody().rpartition(":")[2]]
        silent = actuator("gobgp", options | {"gobgp": nowhere, "timeout": 5})
        yield Outside(actuator("gobgp", options), program.changes, (NULL_ROUTE, RATE_LIMIT), silent)


def whmcs(folder: Path) -> Iterator[Outside]:
    (folder / "secret").write_text(billing.SECRET)
    with billing.whmcs() as panel:
        panel.product(17, 4, domain="vps-1")
        access = {"identifier": billing.IDENTIFIER, "secret_file": str(folder / "secret")}
        options = {"url": panel.url, "service_by": "domain", **access}
        yield Outside(
            actuator("whmcs", options),
            lambda: len(panel.changes),
            (SUSPENSION, SHUTDOWN),
            actuator("whmcs", options | {"url": f"http://{nobody()}"}),
            actuator("whmcs", options | {"identifier": "nobody"}),
            GONE,
        )


def proxmox(folder: Path) -> Iterator[Outside]:
    (folder / "token").write_text(hypervisor.SECRET)
    with hypervisor.proxmox(folder) as cluster:
        cluster.guest(100, {"onboot": 1, "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0"}, name="vps-1")
        access = {"token_id": hypervisor.TOKEN_ID, "token_file": str(folder / "token")}
        place = {"url": cluster.url, "ca_file": str(folder / "pve-root-ca.pem"), "service_by": "name"}
        options = access | place
        yield Outside(
            actuator("proxmox", options),
            lambda: len(cluster.changes),
            (SUSPENSION, SHUTDOWN),
            actuator("proxmox", options | {"url": f"https://{nobody()}"}),
            actuator("proxmox", options | {"token_id": "nobody@pve!act"}),
            GONE,
        )


def libvirt(folder: Path, suspend: str = "off", changing: str = '*" destroy "*|*" start "*') -> Iterator[Outside]:
    guest = virtual.hypervisor().guest()
    virsh = counted(folder, "virsh", "virsh", changing)
    options = {"uri": guest.hypervisor.uri, "virsh": [virsh.program], "suspend": suspend}
    suspension = replace(SUSPENSION, service=guest.name)
    shutdown = replace(SHUTDOWN, service=guest.name)
    silent = actuator("libvirt", options | {"uri": "qemu+unix:///session?socket=/nowhere/libvirt-sock"})
    # Only root can be somebody else, whom libvirtd's socket does not let in.
    somebody = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", "virsh"]
    denied = actuator("libvirt", options | {"virsh": somebody}) if os.geteuid() == 0 else None
    try:
        yield Outside(actuator("libvirt", options), virsh.changes, (suspension, shutdown), silent, denied, GONE)
    finally:
        guest.delete()


def libvirt_unplugging(folder: Path) -> Iterator[Outside]:
    yield from libvirt(folder, "unplug", '*"update-device"*"--live"*')


def openstack(folder: Path) -> Iterator[Outside]:
    (folder / "secret").write_text(clouds.SECRET)
    with clouds.cloud() as cloud:
        cloud.server(1)
        access = {"credential_id": clouds.CREDENTIAL, "secret_file": str(folder / "secret"), "service_by": "name"}
        options = {**access, "auth_url": f"{cloud.url}/v3"}
        yield Outside(
            actuator("openstack", options),
            lambda: len(cloud.changes),
            (SUSPENSION, SHUTDOWN),
            actuator("openstack", options | {"auth_url": f"http://{nobody()}/v3"}),
            actuator("openstack", options | {"credential_id": "nobody"}),
            GONE,
        )


OUTSIDES = {
    one.__name__: one
    for one in (console, webhook, command, nftables, gobgp, whmcs, proxmox, openstack, libvirt, libvirt_unplugging)
}


@pytest.fixture(params=list(OUTSIDES))
def outside(request: pytest.FixtureRequest, db: None, tmp_path: Path) -> Iterator[Outside]:
    yield from OUTSIDES[request.param](tmp_path)


def test_what_was_applied_is_read_back_as_in_force(outside: Outside) -> None:
    for order in outside.orders:
        assert outside.actuator.query(order).state == "not_in_force"
        assert outside.actuator.apply(order).state == "in_force"
        assert outside.actuator.query(order).state == "in_force"


def test_applying_twice_changes_the_outside_once(outside: Outside) -> None:
    assert [outside.actuator.apply(outside.orders[0]).state for _ in range(2)] == ["in_force", "in_force"]
    assert outside.changes() == 1


def test_an_order_repeated_after_a_crash_changes_nothing_more(outside: Outside) -> None:
    outside.actuator.apply(outside.orders[0])  # The receipt was lost; whoever comes next holds a higher fence.
    assert outside.actuator.apply(replace(outside.orders[0], fence=4)).state == "in_force"
    assert outside.changes() == 1


def test_lifting_twice_changes_the_outside_once(outside: Outside) -> None:
    outside.actuator.apply(outside.orders[0])
    assert [outside.actuator.lift(replace(outside.orders[0], key="1:m1:lift")).state for _ in range(2)] == [
        "not_in_force"
    ] * 2
    assert outside.actuator.query(outside.orders[0]).state == "not_in_force"
    assert outside.changes() == 2


def test_lifting_what_was_never_applied_is_done_at_once(outside: Outside) -> None:
    assert outside.actuator.lift(outside.orders[0]).state == "not_in_force"
    assert outside.changes() == 0


def test_the_same_order_applies_again_after_it_was_lifted(outside: Outside) -> None:
    for call in (outside.actuator.apply, outside.actuator.lift, outside.actuator.apply):
        call(outside.orders[0])
    assert outside.actuator.query(outside.orders[0]).state == "in_force"


def test_measures_on_one_service_do_not_touch_each_other(outside: Outside) -> None:
    outside.actuator.apply(outside.orders[0])
    outside.actuator.apply(outside.orders[1])
    outside.actuator.lift(outside.orders[0])
    assert outside.actuator.query(outside.orders[1]).state == "in_force"


def test_a_late_order_is_refused(outside: Outside) -> None:
    outside.actuator.apply(replace(outside.orders[0], fence=9))
    late = outside.actuator.lift(replace(outside.orders[0], fence=8))
    assert late.state == "refused"
    assert late.error
    assert outside.actuator.query(outside.orders[0]).state == "in_force"


def test_where_nobody_answers_nothing_is_said_of_the_measure(outside: Outside) -> None:
    if outside.silent is None:
        pytest.skip("it lies in our own database, without which nothing runs")
    outside.actuator.apply(outside.orders[0])
    for act in (outside.silent.apply, outside.silent.query, outside.silent.lift):
        told = act(replace(outside.orders[0], fence=4))
        assert (told.state, bool(told.error)) == ("unreachable", True)
    assert outside.actuator.query(outside.orders[0]).state == "in_force"


def test_wrong_credentials_are_refused_and_read_nothing_back(outside: Outside) -> None:
    if outside.denied is None:
        pytest.skip("it has no credentials of its own")
    told = outside.denied.apply(outside.orders[0])
    assert (told.state, bool(told.error)) == ("refused", True)
    assert outside.denied.query(outside.orders[0]).state not in {"in_force", "not_in_force"}
    assert outside.changes() == 0


def test_what_is_gone_can_be_put_under_no_measure_and_is_under_none(outside: Outside) -> None:
    if outside.gone is None:
        pytest.skip("it acts on addresses, which are never gone")
    told = outside.actuator.apply(outside.gone)
    assert (told.state, bool(told.error)) == ("refused", True)
    assert outside.actuator.query(outside.gone).state == "not_in_force"
    assert outside.changes() == 0
