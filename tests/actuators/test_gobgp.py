"""GoBGP: what a real peer hears of a real speaker, and what it no longer hears."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from abusedesk.actuators.actuator import Order
from abusedesk.actuators.gobgp import Gobgp
from abusedesk.problem import Problem
from tests.contract.networks import Speaker, eventually, neighbour, sh, speaking

pytestmark = pytest.mark.django_db

OWN = ["192.0.2.0/24", "2001:db8::/32"]
NULL_ROUTE = Order(brand="acme", service="vps-1", kind="null_route", key="1:m1:apply", fence=1, ip="192.0.2.7")
LIMIT = replace(NULL_ROUTE, kind="rate_limit")
CLOSED = replace(NULL_ROUTE, kind="block_port", port=25, ip=None, addresses=("192.0.2.8/30", "2001:db8:1::/64"))


class Net(NamedTuple):
    """Our speaker, an upstream's that it talks to, and the actuator."""

    ours: Speaker
    upstream: Speaker
    actuator: Gobgp


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    ours = Speaker(tmp_path, 65001)
    upstream = Speaker(tmp_path, 65002, neighbour(65001, ours.bgp, passive=False))
    ours.listens_to(neighbour(65002, upstream.bgp, passive=True))
    with speaking(ours, upstream):
        yield Net(ours, upstream, gobgp(ours))


@pytest.fixture
def speaker(tmp_path: Path) -> Iterator[Speaker]:
    one = Speaker(tmp_path, 65001)
    with speaking(one):
        yield one


def gobgp(speaker: Speaker, **options: Any) -> Gobgp:
    return Gobgp({"prefixes": OWN, "gobgp": speaker.words, "next_hop": "192.0.2.1", "next_hop6": "100::1", **options})


def test_the_upstream_sees_the_null_route_and_its_end(net: Net) -> None:
    assert net.actuator.apply(NULL_ROUTE).state == "in_force"
    eventually(lambda: "192.0.2.7/32" in net.upstream.rib())
    assert "blackhole" in net.upstream.rib()
    assert net.actuator.lift(NULL_ROUTE).state == "not_in_force"
    eventually(lambda: "192.0.2.7/32" not in net.upstream.rib())


def test_the_upstream_sees_the_limit_as_a_rule_on_the_source(net: Net) -> None:
    net.actuator.apply(LIMIT)
    eventually(lambda: "[source: 192.0.2.7/32]" in net.upstream.rib("ipv4-flowspec"))
    assert "rate: 1000000" in net.upstream.rib("ipv4-flowspec")


def test_after_a_restart_it_is_read_back_as_gone_and_announced_again(net: Net) -> None:
    net.actuator.apply(NULL_ROUTE)
    net.ours.stop()
    assert net.actuator.query(NULL_ROUTE).state == "unreachable"
    net.ours.start()
    assert net.actuator.query(NULL_ROUTE).state == "not_in_force"
    net.actuator.apply(NULL_ROUTE)
    eventually(lambda: "192.0.2.7/32" in net.upstream.rib())


def test_a_closed_port_discards_what_the_service_sends_there(speaker: Speaker) -> None:
    assert gobgp(speaker).apply(CLOSED).state == "in_force"
    assert "[source: 192.0.2.8/30][protocol: ==tcp][destination-port: ==25]" in speaker.rib("ipv4-flowspec")
    assert "[source: 2001:db8:1::/64/0]" in speaker.rib("ipv6-flowspec")
    assert "discard" in speaker.rib("ipv4-flowspec")


def test_addresses_that_the_service_gave_up_are_withdrawn(speaker: Speaker) -> None:
    ours = gobgp(speaker)
    ours.apply(CLOSED)
    moved = replace(CLOSED, addresses=("192.0.2.8/30", "192.0.2.64/32"), fence=2)
    assert ours.query(moved).state == "acknowledged"
    ours.apply(moved)
    assert ours.query(moved).receipt["announced"] == ["192.0.2.64/32 port 25", "192.0.2.8/30 port 25"]


def test_a_limit_and_a_closed_port_of_one_address_do_not_touch_each_other(speaker: Speaker) -> None:
    ours = gobgp(speaker)
    closed = replace(CLOSED, addresses=("192.0.2.7/32",))
    ours.apply(LIMIT)
    ours.apply(closed)
    ours.lift(closed)
    assert (ours.query(LIMIT).state, ours.query(closed).state) == ("in_force", "not_in_force")


def test_what_others_announce_is_neither_replaced_nor_withdrawn(speaker: Speaker) -> None:
    sh(*speaker.words, "global", "rib", "add", "192.0.2.7/32", "nexthop", "192.0.2.99")
    ours = gobgp(speaker)
    refused = ours.apply(NULL_ROUTE)
    assert (refused.state, refused.error) == (
        "refused",
        "192.0.2.7/32 is announced already, and not by us; withdraw that first",
    )
    assert ours.lift(NULL_ROUTE).state == "not_in_force"
    assert "192.0.2.99" in speaker.rib()


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (replace(NULL_ROUTE, ip="198.51.100.7"), "198.51.100.7/32 is not within your own prefixes"),
        (replace(NULL_ROUTE, kind="suspend"), "gobgp takes no measure suspend"),
        (replace(NULL_ROUTE, ip="2001:db8::7"), "no next hop is set for 2001:db8::7/128"),
        (replace(CLOSED, addresses=()), "vps-1 holds no address of its own"),
    ],
)
def test_what_may_not_be_announced_is_refused_before_anything_is_said(order: Order, said: str) -> None:
    refused = Gobgp({"prefixes": OWN, "gobgp": ["no-such-program"], "next_hop": "192.0.2.1"}).apply(order)
    assert refused.state == "refused"
    assert said in refused.error


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "prefixes must name your own address space"),
        ({"prefixes": OWN, "next_hop": "2001:db8::1"}, "next_hop '2001:db8::1' is no IPv4 address"),
        ({"prefixes": OWN, "next_hop6": "here"}, "next_hop6 'here' is no IPv6 address"),
        ({"prefixes": OWN, "bytes": -1}, "no whole number of bytes"),
        ({"prefixes": OWN, "timeout": 0}, "timeout 0 is no number of seconds"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(Problem, match=said):
        Gobgp(options)
