"""Nftables with real packets through a real router: what is closed is closed, and nothing else is."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from abusedesk.actuators.actuator import Order
from abusedesk.actuators.nftables import Nftables
from abusedesk.problem import Problem
from tests.contract.networks import CUSTOMER, NEIGHBOUR, WORLD, Hosts, eventually, namespaces, routed, sh

pytestmark = pytest.mark.django_db

OWN = ["192.0.2.0/24"]
CLOSED = Order(
    brand="acme", service="vps-1", kind="block_port", key="1:m1:apply", fence=1, port=25, addresses=(f"{CUSTOMER}/32",)
)
SUSPENSION = replace(CLOSED, kind="suspend", port=None)
NULL_ROUTE = replace(SUSPENSION, kind="null_route", ip=CUSTOMER)
LIMIT = replace(NULL_ROUTE, kind="rate_limit")

_LISTEN = """
import selectors, socket, sys
selector = selectors.DefaultSelector()
for port in map(int, sys.argv[2:]):
    server = socket.create_server((sys.argv[1], port))
    selector.register(server, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        connection, _ = key.fileobj.accept()
        connection.sendall(b"hello")
        connection.close()
"""
_REACH = """
import socket, sys
with socket.create_connection((sys.argv[2], int(sys.argv[3])), 0.7, (sys.argv[1], 0)) as one:
    one.settimeout(0.7)
    sys.exit(one.recv(5) != b"hello")
"""
_FLOOD = """
import socket, sys
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.bind((sys.argv[1], 0))
for _ in range(400):
    one.sendto(bytes(1000), (sys.argv[2], 9))
"""


class Network(NamedTuple):
    """A router with an actuator on it, and hosts on both its sides."""

    hosts: Hosts
    actuator: Nftables

    def reaches(self, port: int, source: str = CUSTOMER) -> bool:
        words = ("ip", "netns", "exec", self.hosts.customers, "python3", "-c", _REACH, source, WORLD, str(port))
        return subprocess.run(words, check=False, capture_output=True).returncode == 0

    def is_reached(self, address: str) -> bool:
        words = ("ip", "netns", "exec", self.hosts.world, "python3", "-c", _REACH, WORLD, address, "22")
        return subprocess.run(words, check=False, capture_output=True).returncode == 0

    def nft(self, *words: str) -> str:
        return sh("ip", "netns", "exec", self.hosts.router, "nft", *words)


@contextmanager
def listening(namespace: str, address: str, *ports: int) -> Iterator[None]:
    words = ("ip", "netns", "exec", namespace, "python3", "-c", _LISTEN, address, *map(str, ports))
    with subprocess.Popen(words, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            server.kill()


@pytest.fixture
def network() -> Iterator[Network]:
    with (
        routed() as hosts,
        listening(hosts.world, WORLD, 25, 80),
        listening(hosts.customers, CUSTOMER, 22),
        listening(hosts.customers, NEIGHBOUR, 22),
    ):
        yield Network(hosts, Nftables({"prefixes": OWN, "via": ["ip", "netns", "exec", hosts.router]}))


def test_a_closed_port_is_closed_for_the_service_and_for_nobody_else(network: Network) -> None:
    assert network.reaches(25)
    assert network.actuator.apply(CLOSED).state == "in_force"
    assert [network.reaches(25), network.reaches(80), network.reaches(25, NEIGHBOUR)] == [False, True, True]
    network.actuator.lift(CLOSED)
    assert network.reaches(25)


def test_a_null_route_drops_both_ways_and_only_the_address(network: Network) -> None:
    network.actuator.apply(NULL_ROUTE)
    assert [network.reaches(80), network.is_reached(CUSTOMER), network.is_reached(NEIGHBOUR)] == [False, False, True]
    network.actuator.lift(NULL_ROUTE)
    assert network.is_reached(CUSTOMER)


def test_a_quarantined_service_reaches_what_it_may_and_nothing_else(network: Network) -> None:
    network.actuator.apply(SUSPENSION)
    assert [network.reaches(80), network.is_reached(CUSTOMER), network.is_reached(NEIGHBOUR)] == [False, False, True]
    allowing = Nftables({"prefixes": OWN, "via": ["ip", "netns", "exec", network.hosts.router], "allow": [WORLD]})
    assert allowing.query(SUSPENSION).state == "acknowledged"
    allowing.apply(replace(SUSPENSION, fence=2))
    assert network.reaches(80)


def test_a_limited_address_sends_no_more_than_that(network: Network) -> None:
    limited = Nftables({"prefixes": OWN, "via": ["ip", "netns", "exec", network.hosts.router], "kilobytes": 50})
    limited.apply(LIMIT)
    assert network.reaches(80)
    sh("ip", "netns", "exec", network.hosts.customers, "python3", "-c", _FLOOD, CUSTOMER, WORLD)
    eventually(lambda: "@limited4" in network.nft("list", "chain", "inet", "abusedesk", "forward"))
    (rule,) = [one for one in network.nft("list", "ruleset").splitlines() if "@limited4" in one]
    dropped = int(rule.partition("packets ")[2].split()[0])
    assert 200 < dropped <= 400


def test_a_router_that_was_rebooted_is_read_back_as_open_and_closed_again(network: Network) -> None:
    network.actuator.apply(CLOSED)
    network.nft("flush", "ruleset")
    assert network.actuator.query(CLOSED).state == "not_in_force"
    network.actuator.apply(CLOSED)
    assert not network.reaches(25)


# --- what is somebody else's ----------------------------------------------------------------------------------------


@pytest.fixture
def router() -> Iterator[str]:
    with namespaces("router") as (one,):
        yield one


def nftables(router: str, **options: Any) -> Nftables:
    return Nftables({"prefixes": OWN, "via": ["ip", "netns", "exec", router], **options})


def test_what_stands_by_hand_is_left_and_said(router: str) -> None:
    ours = nftables(router)
    ours.apply(CLOSED)
    sh("ip", "netns", "exec", router, "nft", "add element inet abusedesk dropped4 { 192.0.2.77 }")
    by_hand = replace(NULL_ROUTE, ip="192.0.2.77")
    refused = ours.apply(by_hand)
    assert (refused.state, refused.error) == (
        "refused",
        "192.0.2.77/32 stands in the set already, put there for somebody by hand; end that first",
    )
    assert ours.lift(by_hand).state == "not_in_force"
    assert "192.0.2.77" in sh("ip", "netns", "exec", router, "nft", "list set inet abusedesk dropped4")


def test_tables_of_others_are_not_touched(router: str) -> None:
    sh("ip", "netns", "exec", router, "nft", "add table inet filter; add chain inet filter input { }")
    before = sh("ip", "netns", "exec", router, "nft", "list table inet filter")
    nftables(router).apply(CLOSED)
    nftables(router).lift(CLOSED)
    assert sh("ip", "netns", "exec", router, "nft", "list table inet filter") == before


def test_prefixes_of_somebody_else_are_refused(router: str) -> None:
    refused = nftables(router).apply(replace(CLOSED, addresses=("198.51.100.0/24",)))
    assert refused.state == "refused"
    assert "198.51.100.0/24 is not within the prefixes" in refused.error
    assert not sh("ip", "netns", "exec", router, "nft", "list ruleset")


def test_addresses_that_the_service_gave_up_leave_the_set(router: str) -> None:
    ours = nftables(router)
    ours.apply(replace(CLOSED, addresses=("192.0.2.10/32", "192.0.2.16/30")))
    moved = replace(CLOSED, addresses=("192.0.2.16/30", "192.0.2.32/32"), fence=2)
    assert ours.query(moved).state == "acknowledged"
    assert ours.apply(moved).state == "in_force"
    assert ours.query(moved).receipt["elements"] == ["192.0.2.16/30 . 25", "192.0.2.32/32 . 25"]


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (replace(SUSPENSION, kind="shutdown"), "nftables takes no measure shutdown"),
        (replace(SUSPENSION, addresses=()), "vps-1 holds no address of its own"),
    ],
)
def test_what_cannot_be_done_on_a_network_is_refused_in_words(order: Order, said: str) -> None:
    refused = Nftables({"prefixes": OWN}).apply(order)
    assert refused.state == "refused"
    assert said in refused.error


@pytest.mark.parametrize("via", [["no-such-program"], ["sleep", "30"], ["false"]])
def test_a_router_that_does_not_answer_is_unreachable(via: list[str]) -> None:
    silent = Nftables({"prefixes": OWN, "via": via, "nft": ["5"], "timeout": 1})
    assert silent.query(CLOSED).state == "unreachable"
    assert silent.apply(CLOSED).state == "unreachable"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "prefixes must name your own address space"),
        ({"prefixes": ["192.0.2.1/24"]}, "has host bits set"),
        ({"prefixes": OWN, "via": "ssh router"}, "via must be a list of words"),
        ({"prefixes": OWN, "kilobytes": 0}, "no whole number of kilobytes"),
        ({"prefixes": OWN, "rate": 5}, "no option 'rate'"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(Problem, match=said):
        Nftables(options)
