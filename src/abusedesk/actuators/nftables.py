"""The nftables actuator: closed ports, rate limits, null-routes and quarantine on a Linux router or hypervisor.

Everything lies in one table of its own, `inet abusedesk`: a few fixed rules on what is forwarded, and a set of
addresses for each measure. An order adds or removes elements of one set, in one transaction of nft. Each element says
in its comment whose measure it is: what was put there for one service, or by hand, is never taken for another's.

It speaks `nft` on this machine, or through the words of `via`, as `["ssh", "root@router.example.net"]`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from ipaddress import ip_network
from typing import Any, NamedTuple

from abusedesk.actuators.actuator import Order, Outcome
from abusedesk.actuators.fence import in_turn, target
from abusedesk.actuators.network import Network, concerned, foreign, own_prefixes, prefix_of
from abusedesk.actuators.program import Silent, known_only, run, seconds_of, words_of
from abusedesk.problem import Problem
from abusedesk.vocabulary.measure import MeasureKind

OPTIONS = frozenset({"prefixes", "via", "nft", "allow", "kilobytes", "timeout"})
TABLE = "inet abusedesk"
SETS: dict[MeasureKind, str] = {
    "block_port": "closed",
    "rate_limit": "limited",
    "null_route": "dropped",
    "suspend": "quarantined",
}
"""The measures that it can take, and how the set of each is called."""


class Element(NamedTuple):
    """An element of one of the sets: a prefix, and the port where the set is of ports."""

    network: Network
    port: int | None = None

    def __str__(self) -> str:
        return f"{self.network} . {self.port}" if self.port is not None else str(self.network)


class State(NamedTuple):
    """What stands in the table: the mark of its rules, and the elements of each set with the owner of each."""

    rules: str
    elements: Mapping[str, Mapping[Element, str]]


class Nftables:
    """Options: `prefixes` of your own, required; `via` and `nft`, lists of words; `allow`; `kilobytes`; `timeout`.

    `allow` are prefixes which a quarantined service still reaches, `kilobytes` a second what a limited one may send.
    """

    can_be_asked = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        known_only(options, OPTIONS, "nftables")
        self._own = own_prefixes(options, "nftables")
        self._nft = (*words_of(options, "via", (), "nftables"), *words_of(options, "nft", ("nft",), "nftables"))
        self._timeout = seconds_of(options, "nftables")
        allowed = [prefix_of(one, "nftables", "allow") for one in options.get("allow", ())]
        self._rules = _rules(allowed, _rate(options.get("kilobytes", 1000)))
        self._mark = "rules " + sha256("\n".join(self._rules).encode()).hexdigest()[:16]

    def apply(self, order: Order) -> Outcome:
        """Put the addresses into the measure's set."""
        wrong = self._wrong(order)
        return wrong or in_turn("nftables", order, lambda: self._bring(order, _wanted(order)))

    def lift(self, order: Order) -> Outcome:
        """Take out of the measure's set what was put there for this target."""
        if order.kind not in SETS:
            return Outcome("not_in_force")
        return in_turn("nftables", order, lambda: self._bring(order, frozenset()))

    def query(self, order: Order) -> Outcome:
        """Look into the measure's set."""
        if order.kind not in SETS:
            return Outcome("not_in_force")
        try:
            state = self._read()
        except Silent as error:
            return Outcome("unreachable", error=str(error))
        return self._seen(order, state)

    def _wrong(self, order: Order) -> Outcome | None:
        """Why an order cannot be carried out here, whatever the router says."""
        if order.kind not in SETS:
            return Outcome("refused", error=f"nftables takes no measure {order.kind}; it takes {', '.join(SETS)}")
        networks = concerned(order)
        if not networks:
            return Outcome("refused", error=f"{order.service} holds no address of its own that could be acted on")
        stranger = foreign(networks, self._own)
        if stranger is not None:
            return Outcome(
                "refused", error=f"{stranger} is not within the prefixes of this actuator; nothing was changed"
            )
        return None

    def _bring(self, order: Order, wanted: frozenset[Element]) -> Outcome:
        try:
            state = self._read()
            script = self._script(order, state, wanted)
            if script:
                self._write(script)
        except Silent as error:
            return Outcome("unreachable", error=str(error))
        except _Refused as error:
            return Outcome("refused", error=str(error))
        return Outcome("in_force" if wanted else "not_in_force", {"changed": len(script), "set": SETS[order.kind]})

    def _script(self, order: Order, state: State, wanted: frozenset[Element]) -> list[str]:
        """What is to be said to nft, in one transaction; nothing where all is as it should be."""
        lines = [] if state.rules == self._mark else self._foundation()
        ours = _of(order, state)
        _must_be_free(order, state, wanted - ours)
        for element in sorted(ours - wanted, key=str):
            lines.append(f"delete element {TABLE} {_set_of(order, element)} {{ {element} }}")
        comment = _comment(order)
        for element in sorted(wanted - ours, key=str):
            lines.append(f'add element {TABLE} {_set_of(order, element)} {{ {element} comment "{comment}" }}')
        # Nothing is built where there is only something to end and nothing stands.
        return lines if wanted or ours else []

    def _foundation(self) -> list[str]:
        """The table with its sets and rules, which stay what they are; the rules are made anew."""
        return [*self._rules, f'add rule {TABLE} forward counter comment "{self._mark}"']

    def _seen(self, order: Order, state: State) -> Outcome:
        ours, wanted = _of(order, state), _wanted(order)
        receipt = {"elements": sorted(map(str, ours)), "rules": state.rules == self._mark}
        if not ours:
            return Outcome("not_in_force", receipt)
        if ours >= wanted and state.rules == self._mark:
            return Outcome("in_force", receipt)
        lacking = ", ".join(sorted(map(str, wanted - ours))) or "its rules"
        return Outcome("acknowledged", receipt, f"the measure stands in part: the router lacks {lacking}")

    def _read(self) -> State:
        said = run([*self._nft, "-j", "list", "ruleset", "inet"], timeout=self._timeout)
        if said.code != 0:
            raise Silent(f"nft could not be asked: {said.error or f'it ended with code {said.code}'}")
        try:
            return read_state(json.loads(said.output))
        except (ValueError, KeyError, TypeError) as error:
            raise Silent(f"nft gave an answer that cannot be read ({error!r})") from None

    def _write(self, script: Iterable[str]) -> None:
        said = run([*self._nft, "-f", "-"], "\n".join([*script, ""]).encode(), self._timeout)
        if said.code == 255:
            # That is ssh's own word: nothing reached the router.
            raise Silent(said.error or "the connection failed")
        if said.code != 0:
            raise _Refused(f"nft refused: {said.error or f'it ended with code {said.code}'}")


class _Refused(Exception):  # noqa: N818 - the outside's no
    """Nft said no; its transaction changed nothing."""


def read_state(ruleset: Mapping[str, Any]) -> State:
    """What `nft -j list ruleset` says of our table."""
    rules, elements = "", {}
    for entry in ruleset["nftables"]:
        kind, what = next(iter(entry.items()))
        if what.get("table") != "abusedesk":
            continue
        if kind == "rule" and str(what.get("comment", "")).startswith("rules "):
            rules = what["comment"]
        if kind == "set":
            elements[what["name"]] = dict(_elements(what.get("elem", ())))
    return State(rules, elements)


def _elements(given: Iterable[Any]) -> Iterator[tuple[Element, str]]:
    for one in given:
        inner = one.get("elem") if isinstance(one, dict) else None
        value, comment = (inner["val"], inner.get("comment", "")) if inner else (one, "")
        element = _element(value)
        if element is not None:
            yield element, comment


def _element(value: Any) -> Element | None:
    """An element as nft writes it; None for a range that is no prefix, which cannot be ours."""
    if isinstance(value, dict) and "concat" in value:
        address, port = value["concat"]
        network = _network(address)
        return Element(network, int(port)) if network is not None else None
    network = _network(value)
    return Element(network) if network is not None else None


def _network(value: Any) -> Network | None:
    if isinstance(value, str):
        return ip_network(value)
    prefix = value.get("prefix")
    return ip_network(f"{prefix['addr']}/{prefix['len']}") if prefix else None


def _wanted(order: Order) -> frozenset[Element]:
    return frozenset(Element(one, order.port if order.kind == "block_port" else None) for one in concerned(order))


def _of(order: Order, state: State) -> frozenset[Element]:
    """The elements that stand in a measure's sets for this target, and this port."""
    comment, name = _comment(order), SETS[order.kind]
    return frozenset(
        element
        for version in (4, 6)
        for element, owner in state.elements.get(f"{name}{version}", {}).items()
        if owner == comment and (order.kind != "block_port" or element.port == order.port)
    )


def _must_be_free(order: Order, state: State, new: frozenset[Element]) -> None:
    """Raises _Refused for an element that stands already and is not ours: to lift it later would be to take it away."""
    for element in sorted(new, key=str):
        owners = state.elements.get(_set_of(order, element), {})
        if element in owners:
            whose = owners[element].rpartition(" ")[0] or "somebody by hand"
            raise _Refused(f"{element} stands in the set already, put there for {whose}; end that first")


def _set_of(order: Order, element: Element) -> str:
    return f"{SETS[order.kind]}{element.network.version}"


def _comment(order: Order) -> str:
    """Whose measure an element is: readable as far as it goes, and unmistakable."""
    whose = target(order)
    readable = "".join(one for one in whose if one.isalnum() or one in "-_./:")[:80]
    return f"{readable} {sha256(whose.encode()).hexdigest()[:16]}"


def _rate(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10_000_000:
        raise Problem(f"nftables: kilobytes {value!r} is no whole number of kilobytes a second")
    return value


def _rules(allowed: list[Network], kilobytes: int) -> list[str]:
    """The table: its sets, which keep what is in them, and its rules, which are made anew."""
    lines = [f"add table {TABLE}"]
    for version in (4, 6):
        address = f"ipv{version}_addr"
        lines += [
            f"add set {TABLE} closed{version} {{ type {address} . inet_service; flags interval; }}",
            *(
                f"add set {TABLE} {name}{version} {{ type {address}; flags interval; }}"
                for name in ("limited", "dropped", "quarantined", "allowed")
            ),
            f"add set {TABLE} sending{version} {{ type {address}; size 65535; flags dynamic,timeout; timeout 1m; }}",
            f"flush set {TABLE} allowed{version}",
        ]
        inside = [str(one) for one in allowed if one.version == version]
        if inside:
            lines.append(f"add element {TABLE} allowed{version} {{ {', '.join(inside)} }}")
    lines += [
        f"add chain {TABLE} forward {{ type filter hook forward priority -10; policy accept; }}",
        f"flush chain {TABLE} forward",
    ]
    for version, words in ((4, "ip"), (6, "ip6")):
        limit = f"limit rate over {kilobytes} kbytes/second burst {kilobytes} kbytes"
        lines += [
            f"add rule {TABLE} forward {rule} counter drop"
            for rule in (
                f"{words} saddr @dropped{version}",
                f"{words} daddr @dropped{version}",
                f"{words} saddr @quarantined{version} {words} daddr != @allowed{version}",
                f"{words} daddr @quarantined{version} {words} saddr != @allowed{version}",
                f"{words} saddr . tcp dport @closed{version}",
                f"{words} saddr @limited{version} update @sending{version} {{ {words} saddr {limit} }}",
            )
        ]
    return lines
