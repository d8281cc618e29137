"""The GoBGP actuator: null-routes by RTBH, rate limits and closed ports by FlowSpec, announced by a gobgpd.

A null-route is the address announced with the BLACKHOLE community (RFC 7999) and the next hop that the routers discard;
a limit or a closed port is a FlowSpec rule (RFC 8955, RFC 8956) on what the address sends. Every path carries a large
community (RFC 8092) that says whose measure it is: what anybody else announces is neither withdrawn nor replaced.

A speaker that was restarted knows none of it any more. It is then read back as not in force, and announced again.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from abusedesk.actuators.actuator import Order, Outcome
from abusedesk.actuators.fence import in_turn, target
from abusedesk.actuators.network import Network, concerned, foreign, own_prefixes
from abusedesk.actuators.program import Silent, known_only, run, seconds_of, words_of
from abusedesk.problem import Problem

OPTIONS = frozenset({"prefixes", "gobgp", "next_hop", "next_hop6", "communities", "bytes", "timeout"})
KINDS = ("null_route", "rate_limit", "block_port")
BLACKHOLE = "65535:666"
OURS = 2666
"""The second part of the large communities that mark our paths, between the speaker's own number and the owner's."""

_LARGE_COMMUNITIES = 32
_EXTENDED_COMMUNITIES = 16
_RATE = 6
"""The traffic-rate action among the extended communities (RFC 8955 section 7.3)."""

_SOURCE, _DESTINATION_PORT = 2, 5


class Route(NamedTuple):
    """What is announced for an order: an address or prefix, and the port where one is closed."""

    network: Network
    port: int | None = None

    def __str__(self) -> str:
        return f"{self.network} port {self.port}" if self.port is not None else str(self.network)


class Gobgp:
    """Options: `prefixes` of your own, required; `next_hop` and `next_hop6` of null-routes; `gobgp`, a list of words.

    `communities` take the place of BLACKHOLE; `bytes` a second are what a limited address may send.
    """

    can_be_asked = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        known_only(options, OPTIONS, "gobgp")
        self._own = own_prefixes(options, "gobgp")
        self._gobgp = words_of(options, "gobgp", ("gobgp",), "gobgp")
        self._hops = {4: _hop(options, "next_hop", 4), 6: _hop(options, "next_hop6", 6)}
        self._communities = ",".join(words_of(options, "communities", (BLACKHOLE,), "gobgp"))
        self._bytes = _bytes(options.get("bytes", 1_000_000))
        self._timeout = seconds_of(options, "gobgp")

    def apply(self, order: Order) -> Outcome:
        """Announce what is not announced yet, and withdraw what the target no longer holds."""
        wrong = self._wrong(order)
        return wrong or in_turn("gobgp", order, lambda: self._bring(order, _wanted(order)))

    def lift(self, order: Order) -> Outcome:
        """Withdraw what was announced for this target, and only that."""
        if order.kind not in KINDS:
            return Outcome("not_in_force")
        return in_turn("gobgp", order, lambda: self._bring(order, frozenset()))

    def query(self, order: Order) -> Outcome:
        """Look into the speaker's own table."""
        if order.kind not in KINDS:
            return Outcome("not_in_force")
        try:
            ours = self._announced(order).ours
        except Silent as error:
            return Outcome("unreachable", error=str(error))
        lacking = _wanted(order) - ours
        receipt = {"announced": sorted(map(str, ours))}
        if ours and lacking:
            return Outcome("acknowledged", receipt, f"not announced yet: {', '.join(sorted(map(str, lacking)))}")
        return Outcome("in_force" if ours else "not_in_force", receipt)

    def _wrong(self, order: Order) -> Outcome | None:
        """Why an order cannot be carried out here, whatever the speaker says."""
        if order.kind not in KINDS:
            return Outcome("refused", error=f"gobgp takes no measure {order.kind}; it takes {', '.join(KINDS)}")
        networks = concerned(order)
        if not networks:
            return Outcome("refused", error=f"{order.service} holds no address of its own that could be acted on")
        stranger = foreign(networks, self._own)
        if stranger is not None:
            return Outcome("refused", error=f"{stranger} is not within your own prefixes; nothing was announced")
        if order.kind == "null_route" and not self._hops[networks[0].version]:
            return Outcome("refused", error=f"gobgp: no next hop is set for {networks[0]}; set next_hop or next_hop6")
        return None

    def _bring(self, order: Order, wanted: frozenset[Route]) -> Outcome:
        try:
            found = self._announced(order)
            taken = sorted(map(str, wanted & found.others))
            if taken:
                return Outcome("refused", error=f"{taken[0]} is announced already, and not by us; withdraw that first")
            for route in sorted(wanted - found.ours, key=str):
                mark = f"{found.number}:{OURS}:{_owner(order)}"
                self._say("add", *self._path(order, route), *self._does(order, route), "large-community", mark)
            for route in sorted(found.ours - wanted, key=str):
                self._say("del", *self._path(order, route))
        except Silent as error:
            return Outcome("unreachable", error=str(error))
        receipt = {"announced": sorted(map(str, wanted)), "withdrawn": sorted(map(str, found.ours - wanted))}
        return Outcome("in_force" if wanted else "not_in_force", receipt)

    # --- what the speaker is told -----------------------------------------------------------------------------------

    def _path(self, order: Order, route: Route) -> list[str]:
        """How gobgp is told which path is meant."""
        if order.kind == "null_route":
            return ["-a", _family(order, route.network.version), str(route.network)]
        ports = ["protocol", "tcp", "destination-port", f"=={route.port}"] if route.port is not None else []
        return ["-a", _family(order, route.network.version), "match", "source", str(route.network), *ports]

    def _does(self, order: Order, route: Route) -> list[str]:
        """What the path brings about."""
        if order.kind == "null_route":
            return ["nexthop", self._hops[route.network.version], "community", self._communities]
        return ["then", "discard"] if order.kind == "block_port" else ["then", "rate-limit", str(self._bytes)]

    def _say(self, verb: str, *words: str) -> bytes:
        said = run([*self._gobgp, "global", "rib", verb, *words], timeout=self._timeout)
        if said.code != 0:
            raise Silent(f"gobgp: {said.error or said.output.decode(errors='replace').strip() or said.code}")
        return said.output

    # --- what it says -----------------------------------------------------------------------------------------------

    def _announced(self, order: Order) -> "_Announced":
        """What of the measure's kind is announced for this target, and what by anybody else."""
        number = int(self._ask("global")["asn"])
        mark = {"ASN": number, "LocalData1": OURS, "LocalData2": _owner(order)}
        ours: set[Route] = set()
        others: set[Route] = set()
        for path in self._paths(order):
            route = _route(path)
            if route is not None and _is_kind(order, path):
                (ours if mark in _attribute(path, _LARGE_COMMUNITIES) else others).add(route)
        return _Announced(number, frozenset(ours), frozenset(others))

    def _paths(self, order: Order) -> Iterator[Mapping[str, Any]]:
        # Among unicast routes only the one is looked up: a speaker may hold the whole internet's.
        places = [str(one) for one in concerned(order)] if order.kind == "null_route" else [""]
        versions = {one.version for one in concerned(order)} if order.kind == "null_route" else {4, 6}
        for version in sorted(versions):
            for place in places:
                found = self._ask("global", "rib", *filter(None, (place,)), "-a", _family(order, version))
                yield from (path for paths in found.values() for path in paths)

    def _ask(self, *words: str) -> Mapping[str, Any]:
        said = run([*self._gobgp, *words, "-j"], timeout=self._timeout)
        try:
            answer = json.loads(said.output)
        except ValueError:
            answer = None
        if said.code != 0 or not isinstance(answer, dict):
            why = said.error or said.output.decode(errors="replace").strip()
            raise Silent(f"gobgpd could not be asked: {why or f'gobgp ended with code {said.code}'}")
        return answer


class _Announced(NamedTuple):
    """The speaker's number in the routing system, and what it announces: of ours and of others."""

    number: int
    ours: frozenset[Route]
    others: frozenset[Route]


def _wanted(order: Order) -> frozenset[Route]:
    return frozenset(Route(one, order.port if order.kind == "block_port" else None) for one in concerned(order))


def _family(order: Order, version: int) -> str:
    return f"ipv{version}" if order.kind == "null_route" else f"ipv{version}-flowspec"


def _owner(order: Order) -> int:
    """Whose measure it is, as a number of 32 bits."""
    return int.from_bytes(sha256(f"{order.kind} {target(order)}".encode()).digest()[:4], "big")


def _route(path: Mapping[str, Any]) -> Route | None:
    """What a path in gobgp's JSON is about; None for a rule of another shape than ours."""
    about = path["nlri"]
    if "prefix" in about:
        return Route(ip_network(about["prefix"]))
    parts = {one["type"]: one["value"] for one in about["value"]}
    if _SOURCE not in parts:
        return None
    ports = parts.get(_DESTINATION_PORT)
    return Route(ip_network(parts[_SOURCE]["prefix"]), int(ports[0]["value"]) if ports else None)


def _is_kind(order: Order, path: Mapping[str, Any]) -> bool:
    """Whether a path does what the order's measure does: a limit lets something through, a closed port nothing."""
    if order.kind == "null_route":
        return True
    rates = [one["rate"] for one in _attribute(path, _EXTENDED_COMMUNITIES) if one.get("subtype") == _RATE]
    return any(rates) if order.kind == "rate_limit" else bool(rates) and not any(rates)


def _attribute(path: Mapping[str, Any], kind: int) -> Iterable[Mapping[str, Any]]:
    return next((one["value"] for one in path["attrs"] if one["type"] == kind), ())


def _hop(options: Mapping[str, Any], name: str, version: int) -> str:
    value = str(options.get(name, ""))
    try:
        fits = not value or ip_address(value).version == version
    except ValueError:
        fits = False
    if not fits:
        raise Problem(f"gobgp: {name} {value!r} is no IPv{version} address")
    return value


def _bytes(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10_000_000_000:
        raise Problem(f"gobgp: bytes {value!r} is no whole number of bytes a second")
    return value
