"""What programs tell the demo's desk under keys of the API: a reporter, a sensor of its own, and its upstream.

Each is committed under its key's provenance, as the API commits it, and goes the way of every message from there.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db import transaction

from abusedesk.cli.demo.day import COLLEAGUE
from abusedesk.cli.demo.mail import xarf, zulu
from abusedesk.cli.demo.people import REPORTERS, World
from abusedesk.desk import upstream
from abusedesk.desk.receive import Incoming, receive
from abusedesk.parsing.formats.upstream import checked
from abusedesk.records import keys
from abusedesk.records.models import ApiKey, Duty


class Scene(NamedTuple):
    """Something that happens at a moment, and what happens then."""

    at: datetime
    play: Callable[[], object]


REPORTER, SENSOR, UPSTREAM, OLD = "CERT Example", "flow-analysis", "Backbone Example", "honeyfield-2025"

_WORDS: tuple[tuple[int, str, Mapping[str, Any]], ...] = (
    (1300, "Fable & Sons Publishing/0", {
        "action": "null_route", "state": "set", "reference": "BB-7102", "note": "inbound flood, 9 Gbit/s"}),
    (1180, "Fable & Sons Publishing/0", {"action": "null_route", "state": "lifted", "reference": "BB-7102"}),
    (1005, "Copperline Telecom/0", {
        "reference": "BB-7110",
        "mandate": {"do": "close the open resolver", "within": "PT8H", "otherwise": "we filter UDP port 53"}}),
    (252, "Cobalt Exchange/0", {
        "action": "rate_limit", "state": "set", "reference": "BB-7131", "note": "40 kpps UDP to 203.0.113.99"}),
    (48, "Hanami Studio/0", {
        "reference": "BB-7140",
        "mandate": {
            "do": "stop the scans of 203.0.113.0/24", "within": "PT6H", "otherwise": "we null-route the address"}}),
)  # fmt: skip
_SEEN: tuple[tuple[int, str, str, int, bool, str], ...] = (
    (255, "Cobalt Exchange/0", "connection/ddos", 40000, True, "40 kpps UDP to 203.0.113.99, 12 minutes long"),
    (95, "Zephyr Renders/1", "infrastructure/compute_abuse", 1, False, "all GPUs busy for 30 h, traffic to a pool"),
)
_SENT = (
    (320, "Radish Robotics/1", "connection/login_attack", 22),
    (318, "Ironbridge Backup/1", "connection/port_scan", 443),
)


def make_keys(world: World) -> None:
    """The keys, one of them revoked."""
    brand, before = world.brands["scalibit"], world.began - timedelta(days=90)
    for wanted in (
        keys.Wanted(REPORTER, ["reports"], REPORTERS["cert"].address),
        keys.Wanted(SENSOR, ["telemetry"], brand=brand),
        keys.Wanted(UPSTREAM, ["upstream"], REPORTERS["backbone"].address, brand=brand),
        keys.Wanted(OLD, ["reports"], REPORTERS["honeyfield"].address),
    ):
        if not ApiKey.objects.filter(label=wanted.label).exists():
            keys.make(wanted, COLLEAGUE, before)
    keys.revoke(ApiKey.objects.get(label=OLD), COLLEAGUE, world.began - timedelta(days=12))


def scenes(world: World) -> Iterator[Scene]:
    """What they tell during the day, and what a colleague does about a duty."""
    for minutes, tenant, pair, port in _SENT:
        at = _ago(world, minutes)
        yield Scene(at, partial(_send, REPORTER, _report(world, tenant, pair, port, at), at))
    for minutes, tenant, category, count, risk, evidence in _SEEN:
        at = _ago(world, minutes)
        said = {"telemetry": 1, "category": category, "occurred_at": zulu(at - timedelta(minutes=2))}
        named = {"source": world.address[tenant], "count": count, "stability_risk": risk, "evidence": evidence}
        yield Scene(at, partial(_send, SENSOR, json.dumps(said | named).encode(), at))
    for minutes, tenant, word in _WORDS:
        at = _ago(world, minutes)
        yield Scene(at, partial(_tell, {"ip": world.address[tenant], **word}, at))
    done = "The customer restricted its resolver to its own network; two queries from outside were refused."
    yield Scene(_ago(world, 870), partial(_close, "BB-7110", done, _ago(world, 870)))


def _ago(world: World, minutes: int) -> datetime:
    return world.began - timedelta(minutes=minutes)


def _report(world: World, tenant: str, pair: str, port: int, at: datetime) -> bytes:
    source, seen = REPORTERS["cert"], at - timedelta(minutes=6)
    aim = {"protocol": "tcp", "first_seen": zulu(seen), "source_port": 40112, "destination_port": port}
    return xarf(
        source.organisation, source.address, world.address[tenant], pair, seen, destination_ip="203.0.113.90", **aim
    )


def _send(label: str, data: bytes, at: datetime) -> bool:
    """Under the key of that label. Whether it came for the first time."""
    return receive(_incoming(_spent(label, at), data, at)).new


@transaction.atomic
def _tell(word: Mapping[str, Any], at: datetime) -> None:
    key = _spent(UPSTREAM, at)
    received = receive(_incoming(key, json.dumps(word).encode(), at))
    if received.new and key.brand is not None:
        upstream.tell(checked(dict(word)), upstream.Said(key.brand, key.label, received.message_id, at))


def _close(reference: str, done: str, at: datetime) -> None:
    upstream.close(Duty.objects.get(reference=reference), done, COLLEAGUE, at)


def _spent(label: str, at: datetime) -> ApiKey:
    key = ApiKey.objects.select_related("brand").get(label=label)
    keys.spend(key, at)
    return key


def _incoming(key: ApiKey, data: bytes, at: datetime) -> Incoming:
    scope = key.scopes[0]
    who = {"sensor": key.label} if scope == "telemetry" else {"reporter": str(key.reporter_id)}
    more = {"upstream": key.label} if scope == "upstream" else {}
    return Incoming(data, keys.CHANNELS[scope], at, key.label, key.brand_id, provenance=who | more)
