"""Scenarios: a short story about one provider in YAML, read into a world and a timeline of entries.

Who rents what, what happens, and until when deadlines are played out; what the policy must do then is somebody else's
to compare. Anything wrong is a Problem with file, line and column.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from msgspec import UNSET, UnsetType

from abusedesk.policy.facts import Settings
from abusedesk.policy.pack import Pack, load_pack
from abusedesk.policy.source import Node, read_yaml
from abusedesk.policy.stimulus import (
    Approval,
    Corrected,
    Cost,
    Evidence,
    ExpirySet,
    LiftedByHand,
    LiftedToClean,
    OfCharge,
    OfDeadline,
    OfMeasure,
    Paused,
    Payment,
    Proposal,
    Reply,
    Report,
    Request,
    Resumed,
    Stimulus,
    Upstream,
    Verification,
)
from abusedesk.problem import Problem
from abusedesk.vocabulary.assurance import ASSURANCES
from abusedesk.vocabulary.category import CATEGORIES
from abusedesk.vocabulary.duration import parse_duration
from abusedesk.vocabulary.holding import Assignment, parse_prefix
from abusedesk.vocabulary.instant import parse_instant
from abusedesk.vocabulary.measure import MEASURES
from abusedesk.vocabulary.money import parse_amount
from abusedesk.vocabulary.request import REQUESTS
from abusedesk.vocabulary.suppression import MUFFLED

T = TypeVar("T")

LISTED = "reputation/blocklist"
_BRAND_SETTINGS = ("irreversible", "blast_radius", "expires", "carrying")
_COSTS = ("admin", "upstream_fine", "engineering", "delisting", "actual_damages")
_CAUSES = ("own_use", "third_party", "provider")


class Customer(NamedTuple):
    """Who rents services."""

    id: str
    since: datetime | None
    reseller: str | None
    protected: bool


class Service(NamedTuple):
    """A server and its life."""

    id: str
    customer: str
    type: str
    since: datetime
    until: datetime | None
    trial: bool
    mail_port: bool
    protected: bool
    carries: bool = False


class Entry(NamedTuple):
    """Something that happens: `service` where the entry names one."""

    at: datetime
    stimulus: Stimulus
    service: str | None


class Scenario(NamedTuple):
    """A story, ready to be played."""

    name: str
    pack: Pack
    settings: Settings
    customers: dict[str, Customer]
    services: dict[str, Service]
    assignments: tuple[Assignment, ...]
    timeline: tuple[Entry, ...]
    until: datetime


def read_scenario(path: Path) -> Scenario:
    """A scenario from its file. Raises Problem for what cannot be read or means nothing."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise Problem(f"{path} cannot be read: {reason}; give the file of a scenario") from None
    return parse_scenario(text, path)


def parse_scenario(text: str, path: Path) -> Scenario:
    """A scenario from its text; `path` is where it is said to stand, and where a pack's path is looked up from."""
    return scenario_of(read_yaml(text, str(path)), path)


def scenario_of(root: Node, path: Path, pack: Pack | None = None) -> Scenario:
    """A scenario from its nodes; with `pack` given, that one is played whatever pack the scenario names."""
    optional = ("name", "clauses", "in_force_from", "parameters", "until", "exactly", "expect", "expect_not")
    keys = root.known_keys("the scenario", ("policy", "world", "timeline"), optional)
    pack = pack or _pack(keys["policy"], path)
    world = keys["world"].known_keys("the world", ("services",), ("customers", "assignments"))
    customers = _by_id(world.get("customers"), _customer)
    services = _by_id(world["services"], lambda node: _service(node, customers))
    timeline = tuple(
        sorted((_entry(one, services) for one in keys["timeline"].items("the timeline")), key=lambda one: one.at)
    )
    last = timeline[-1].at if timeline else max((one.since for one in services.values()), default=None)
    until = _instant(keys["until"]) if "until" in keys else last
    if until is None:
        root.refuse("the scenario has neither a timeline nor services nor an until")
    return Scenario(
        name=keys["name"].text("a name") if "name" in keys else path.stem,
        pack=pack,
        settings=_settings(keys, pack),
        customers=customers,
        services=services,
        assignments=_assignments(world.get("assignments"), services),
        timeline=timeline,
        until=until,
    )


def _pack(node: Node, path: Path) -> Pack:
    word = node.text("policy")
    beside = path.parent / word
    try:
        return load_pack(str(beside.resolve()) if _is_path(word) and beside.exists() else word)
    except Problem as error:
        if str(error).startswith("there is no policy"):
            node.refuse(str(error))
        raise


def _is_path(word: str) -> bool:
    return "/" in word or word == ".."


def _by_id(node: Node | None, read: Callable[[Node], Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in node.items("the world's list") if node is not None else ():
        thing = read(one)
        if thing.id in found:
            one.refuse(f"there are two of the id {thing.id!r}; give one of them another")
        found[thing.id] = thing
    return found


def _customer(node: Node) -> Customer:
    keys = node.known_keys("a customer", ("id",), ("since", "reseller", "protected"))
    return Customer(
        keys["id"].text("an id"),
        _instant(keys["since"]) if "since" in keys else None,
        keys["reseller"].text("a reseller") if "reseller" in keys else None,
        _flag(keys, "protected"),
    )


def _service(node: Node, customers: dict[str, Customer]) -> Service:
    optional = ("type", "until", "trial", "mail_port", "protected", "carries")
    keys = node.known_keys("a service", ("id", "customer", "since"), optional)
    customer = keys["customer"].one_of("the customer", customers)
    kind = keys["type"].text("a type") if "type" in keys else ""
    until = _instant(keys["until"]) if "until" in keys else None
    flags = (_flag(keys, name) for name in ("trial", "mail_port", "protected", "carries"))
    return Service(keys["id"].text("an id"), customer, kind, _instant(keys["since"]), until, *flags)


def _assignments(node: Node | None, services: dict[str, Service]) -> tuple[Assignment, ...]:
    return tuple(_assignment(one, services) for one in node.items("assignments")) if node is not None else ()


def _assignment(node: Node, services: dict[str, Service]) -> Assignment:
    """An assignment; the end of a service ends its assignments."""
    keys = node.known_keys("an assignment", ("prefix", "service", "since"), ("until",))
    service = keys["service"].one_of("the service", services)
    ends = [
        one
        for one in (services[service].until, _instant(keys["until"]) if "until" in keys else None)
        if one is not None
    ]
    prefix = _parsed(keys["prefix"], parse_prefix, "a prefix")
    return Assignment(prefix, service, _instant(keys["since"]), min(ends) if ends else None)


def _settings(keys: dict[str, Node], pack: Pack) -> Settings:
    given = keys["parameters"].mapping("parameters") if "parameters" in keys else {}
    known = [*_BRAND_SETTINGS, *pack.parameters]
    for name in given:
        keys["parameters"].keys[name].one_of("the parameter", known)
    irreversible: Any = (
        given["irreversible"].one_of("irreversible", ("approve", "automatic")) if "irreversible" in given else "approve"
    )
    carrying: Any = (
        given["carrying"].one_of("carrying", ("propose", "narrow", "whole")) if "carrying" in given else "propose"
    )
    settings = Settings(
        irreversible=irreversible,
        blast_radius=given["blast_radius"].number("blast_radius") if "blast_radius" in given else 20,
        in_force_from=_instant(keys["in_force_from"]) if "in_force_from" in keys else None,
        carrying=carrying,
        expires=_expires(given["expires"]) if "expires" in given else {},
        overrides={name: _plain(one) for name, one in given.items() if name not in _BRAND_SETTINGS},
    )
    try:
        pack.terms(pack.versions[0], settings)
    except Problem as error:
        keys["parameters"].refuse(str(error))
    return settings


def _expires(node: Node) -> dict[str, str]:
    """How long measures of a kind stand: `{null_route: PT24H}`."""
    kinds = tuple(one for one in MEASURES if one != "terminate")
    found = node.mapping("expires")
    for kind, length in found.items():
        node.keys[kind].one_of("the measure", kinds)
        _parsed(length, parse_duration, "a duration")
    return {kind: str(length.value) for kind, length in found.items()}


def _plain(node: Node) -> Any:
    return {key: str(one.value) for key, one in node.value.items()} if isinstance(node.value, dict) else node.value


# --- entries --------------------------------------------------------------------------------------------------------


def _entry(node: Node, services: dict[str, Service]) -> Entry:
    mapping = node.mapping("an entry")
    kinds = [key for key in mapping if key != "at"]
    if "at" not in mapping or len(kinds) != 1:
        node.refuse("an entry has `at` and one thing that happens, as in {at: …, reply: {…}}")
    node.keys[kinds[0]].one_of("the entry", _ENTRIES)
    at = _instant(mapping["at"])
    required, optional, read = _ENTRIES[kinds[0]]
    keys = mapping[kinds[0]].known_keys(kinds[0], required, optional)
    service = keys["service"].one_of("the service", services) if "service" in keys else None
    return Entry(at, read(keys, at), service)


def _report(keys: dict[str, Node], at: datetime) -> Stimulus:
    suppressed: Any = keys["suppressed"].one_of("a suppression", MUFFLED) if "suppressed" in keys else None
    assurance: Any = keys["assurance"].one_of("an assurance", ASSURANCES) if "assurance" in keys else "authenticated"
    return Report(
        id=keys["id"].text("an id"),
        category=keys["category"].one_of("the category", CATEGORIES),
        ips=tuple(_address(one) for one in keys["ips"].items("ips")),
        occurred_at=_instant(keys["occurred_at"]) if "occurred_at" in keys else at,
        events=keys["events"].number("events") if "events" in keys else 1,
        assurance=assurance,
        stability_risk=_flag(keys, "stability_risk"),
        mandate=_mandate(keys.get("mandate")),
        suppressed=suppressed,
    )


def _mandate(node: Node | None) -> timedelta | None:
    if node is None:
        return None
    keys = node.known_keys("a mandate", ("within",), ("by",))
    within: timedelta = _parsed(keys["within"], parse_duration, "a duration")
    return within


def _listing(keys: dict[str, Node], at: datetime) -> Stimulus:
    confirmed = keys["confirmed"].truth("confirmed")
    return Report(
        id=keys["id"].text("an id"),
        category=LISTED,
        ips=(_address(keys["ip"]),),
        occurred_at=at,
        assurance="corroborated" if confirmed else "unverified",
        listing=keys["list"].text("a list") if "list" in keys else None,
    )


def _verification(keys: dict[str, Node], _: datetime) -> Stimulus:
    assurance: Any = keys["assurance"].one_of("an assurance", ASSURANCES) if "assurance" in keys else None
    rejected = _flag(keys, "rejected")
    if assurance is None and not rejected:
        keys["report"].refuse("a verification raises the assurance or is `rejected: true`; add one")
    return Verification(keys["report"].text("a report"), assurance, rejected)


def _reply(keys: dict[str, Node], _: datetime) -> Stimulus:
    return Reply(_flag(keys, "complete"))


def _evidence(keys: dict[str, Node], _: datetime) -> Stimulus:
    return Evidence(keys["accepted"].truth("accepted"))


def _payment(keys: dict[str, Node], _: datetime) -> Stimulus:
    return Payment(_amount(keys["amount"]))


def _cost(keys: dict[str, Node], _: datetime) -> Stimulus:
    return Cost(keys["kind"].one_of("the cost", _COSTS), _amount(keys["amount"]))


def _request(keys: dict[str, Node], _: datetime) -> Stimulus:
    return Request(
        keys["id"].text("an id"),
        keys["kind"].one_of("the request", REQUESTS),
        _address(keys["ip"]) if "ip" in keys else None,
        keys["cause"].one_of("the cause", _CAUSES) if "cause" in keys else None,
    )


def _approval(keys: dict[str, Node], _: datetime) -> Stimulus:
    decision: Any = keys["decision"].one_of("the decision", ("approve", "reject"))
    return Approval(
        decision,
        keys["by"].text("a person"),
        _measure(keys),
        keys["item"].text("an item") if "item" in keys else None,
        keys["request"].text("a request") if "request" in keys else None,
        _amount(keys["fee"]) if "fee" in keys else None,
    )


def _proposal(keys: dict[str, Node], _: datetime) -> Stimulus:
    return Proposal(
        keys["by"].text("a person"),
        _measure(keys),
        keys["item"].text("an item") if "item" in keys else None,
        _amount(keys["amount"]) if "amount" in keys else None,
        _address(keys["ip"]) if "ip" in keys else None,
    )


def _of_measure(keys: dict[str, Node]) -> dict[str, Any]:
    """Which measure of the service staff speak of, who does, and why."""
    return {
        "measure": keys["measure"].one_of("the measure", MEASURES),
        "by": keys["by"].text("a person"),
        "reason": keys["reason"].text("a reason") if "reason" in keys else "",
        "ip": _address(keys["ip"]) if "ip" in keys else None,
        "port": keys["port"].number("a port") if "port" in keys else None,
    }


def _until(keys: dict[str, Node]) -> datetime | None:
    return _instant(keys["until"]) if "until" in keys else None


def _lifted_by_hand(keys: dict[str, Node], _: datetime) -> Stimulus:
    return LiftedByHand(**_of_measure(keys))


def _expiry_set(keys: dict[str, Node], _: datetime) -> Stimulus:
    return ExpirySet(until=_until(keys), **_of_measure(keys))


def _lifted_to_clean(keys: dict[str, Node], _: datetime) -> Stimulus:
    return LiftedToClean(until=_until(keys), **_of_measure(keys))


def _corrected(keys: dict[str, Node], _: datetime) -> Stimulus:
    return Corrected(
        **_by_whom(keys),
        occurrences=_named(keys, "occurrences", lambda one: one.text("a report")),
        strikes=_named(keys, "strikes", lambda one: one.text("a report")),
        charges=_named(keys, "charges", _one_charge),
        measures=_named(keys, "measures", _one_measure),
        refunds=_named(keys, "refunds", _one_measure),
        deadlines=_named(keys, "deadlines", _one_deadline),
    )


def _paused(keys: dict[str, Node], _: datetime) -> Stimulus:
    return Paused(_named(keys, "deadlines", _one_deadline), **_by_whom(keys), occurrences=_disputed(keys))


def _resumed(keys: dict[str, Node], _: datetime) -> Stimulus:
    return Resumed(_named(keys, "deadlines", _one_deadline), **_by_whom(keys), occurrences=_disputed(keys))


def _disputed(keys: dict[str, Node]) -> tuple[str, ...] | UnsetType:
    return _named(keys, "occurrences", lambda one: one.text("a report")) or UNSET


def _by_whom(keys: dict[str, Node]) -> dict[str, str]:
    reason = keys["reason"].text("a reason") if "reason" in keys else ""
    return {"by": keys["by"].text("a person"), "reason": reason}


def _named(keys: dict[str, Node], name: str, read: Callable[[Node], T]) -> tuple[T, ...]:
    return tuple(read(one) for one in keys[name].items(name)) if name in keys else ()


def _one_charge(node: Node) -> OfCharge:
    keys = node.known_keys("a charge", ("item", "at"), ("ip",))
    return OfCharge(keys["item"].text("an item"), _instant(keys["at"]), _address(keys["ip"]) if "ip" in keys else None)


def _one_measure(node: Node) -> OfMeasure:
    keys = node.known_keys("a measure", ("measure",), ("ip", "port"))
    port = keys["port"].number("a port") if "port" in keys else None
    return OfMeasure(_measure(keys), _address(keys["ip"]) if "ip" in keys else None, port)


def _one_deadline(node: Node) -> OfDeadline:
    keys = node.known_keys("a deadline", ("name", "due"), ("report",))
    report = keys["report"].text("a report") if "report" in keys else None
    return OfDeadline(keys["name"].text("a name"), _instant(keys["due"]), report)


def _upstream(keys: dict[str, Node], _: datetime) -> Stimulus:
    action: Any = keys["action"].one_of("the action", MEASURES)
    state: Any = keys["state"].one_of("the state", ("set", "lifted"))
    return Upstream(action, state, _address(keys["ip"]))


_REPORT_KEYS = ("events", "occurred_at", "assurance", "stability_risk", "mandate", "suppressed")
_OF_MEASURE = ("service", "measure", "by")
_OF_ONE = ("ip", "port", "reason")
_WHAT_OF_IT = ("occurrences", "strikes", "charges", "measures", "refunds", "deadlines")
_ENTRIES: dict[str, tuple[tuple[str, ...], tuple[str, ...], Callable[[dict[str, Node], datetime], Stimulus]]] = {
    "report": (("id", "category", "ips"), _REPORT_KEYS, _report),
    "verification": (("report",), ("assurance", "rejected"), _verification),
    "listing": (("id", "ip", "confirmed"), ("list",), _listing),
    "reply": (("service",), ("complete",), _reply),
    "evidence": (("service", "accepted"), (), _evidence),
    "payment": (("service", "amount"), (), _payment),
    "cost": (("service", "kind", "amount"), (), _cost),
    "request": (("id", "kind", "service"), ("ip", "cause"), _request),
    "approval": (("decision", "by"), ("measure", "item", "service", "request", "fee"), _approval),
    "proposal": (("service", "by"), ("measure", "item", "amount", "ip"), _proposal),
    "lifted_by_hand": (_OF_MEASURE, _OF_ONE, _lifted_by_hand),
    "expiry_set": (_OF_MEASURE, ("until", *_OF_ONE), _expiry_set),
    "lifted_to_clean": (_OF_MEASURE, ("until", *_OF_ONE), _lifted_to_clean),
    "corrected": (("service", "by"), ("reason", *_WHAT_OF_IT), _corrected),
    "paused": (("service", "by"), ("reason", "deadlines", "occurrences"), _paused),
    "resumed": (("service", "by"), ("reason", "deadlines", "occurrences"), _resumed),
    "upstream": (("action", "ip", "state"), (), _upstream),
}


# --- values ---------------------------------------------------------------------------------------------------------


def _flag(keys: dict[str, Node], name: str) -> bool:
    return keys[name].truth(name) if name in keys else False


def _measure(keys: dict[str, Node]) -> Any:
    return keys["measure"].one_of("the measure", MEASURES) if "measure" in keys else None


def _address(node: Node) -> str:
    """An address in its one canonical spelling, so that two spellings are one address."""
    return str(_parsed(node, ip_address, "an address"))


def _amount(node: Node) -> int:
    minor: int = _parsed(node, parse_amount, "an amount")
    return minor


def _instant(node: Node) -> datetime:
    text = str(node.value)
    if len(text) == len("2026-01-31"):
        text += "T00:00:00Z"
    moment: datetime = _parsed(Node(text, node.file, node.line, node.column), parse_instant, "an instant")
    return moment.astimezone(UTC)


def _parsed(node: Node, parse: Callable[[str], Any], what: str) -> Any:
    try:
        return parse(str(node.value))
    except ValueError as error:
        node.refuse(f"{what} cannot be {node.value!r}: {error}")
