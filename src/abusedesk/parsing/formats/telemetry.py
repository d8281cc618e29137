"""Telemetry: what the provider's own sensors saw, as JSON of our own. Only what a sensor's key brought is read as such.

One object is one observation. It names its source by address, or by what the network knows it by: the `service` (the
provider's own id of a virtual machine, say), the `mac` address, or the `port` of a switch.
"""

import re
from typing import Annotated, Any, Literal

import msgspec

from abusedesk.parsing import hosts, instants
from abusedesk.parsing.formats.xarf4 import objects
from abusedesk.parsing.material import Format, Material, reported, unreported
from abusedesk.vocabulary.category import CATEGORIES
from abusedesk.vocabulary.report import Event, Reading

NAME = "telemetry"

_MAC = re.compile(r"[0-9a-f]{2}(?:[:-]?[0-9a-f]{2}){5}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}", re.IGNORECASE)

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Observation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One observation. `stability_risk` says that the network itself is in danger; packs have measures for that."""

    telemetry: Literal[1]
    category: str
    occurred_at: str
    source: Name | None = None
    service: Name | None = None
    mac: Name | None = None
    port: Name | None = None
    count: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] = 1
    source_port: Port | None = None
    target_port: Port | None = None
    url: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    stability_risk: bool = False
    evidence: Annotated[str, msgspec.Meta(max_length=500)] = ""


def read(material: Material) -> Reading | None:
    """The reading of a document that is one observation and nothing else."""
    if b'"telemetry"' not in material.data[:65536] or material.message is not None:
        return None
    found = objects(material.data)
    if len(found) != 1 or "telemetry" not in found[0]:
        return None
    try:
        observation = checked(found[0])
    except ValueError as flaw:
        return unreported("rejected", NAME, f"claims to be telemetry, but {flaw}")
    return _reading(observation)


def checked(value: dict[str, Any]) -> Observation:
    """The observation. Raises ValueError with the member that is wrong."""
    one = msgspec.convert(value, Observation)
    if one.category not in CATEGORIES:
        raise ValueError(f"category {one.category[:80]!r} is none of XARF's nor of this desk's own")
    if instants.iso(one.occurred_at) is None:
        raise ValueError(f"occurred_at {one.occurred_at[:40]!r} is no ISO 8601 instant")
    if one.source is not None and hosts.address(one.source) is None:
        raise ValueError(f"source {one.source[:80]!r} is no address")
    if one.mac is not None and not _MAC.fullmatch(one.mac):
        raise ValueError(f"mac {one.mac[:40]!r} is no MAC address")
    if not (one.source or one.service or one.mac or one.port):
        raise ValueError("it names no source, service, mac or port")
    return one


def mac_of(text: str) -> str:
    """A MAC address in its one form, with colons."""
    digits = re.sub(r"[^0-9a-f]", "", text.lower())
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def _reading(one: Observation) -> Reading:
    event = Event(
        one.category,
        _source(one),
        one.source_port,
        one.url,
        instants.iso(one.occurred_at),
        one.count,
        one.target_port,
        one.evidence,
        one.service or "",
    )
    reading = reported(NAME, None, [event], summary=one.evidence)
    report = msgspec.structs.replace(reading.reports[0], stability_risk=one.stability_risk)
    return msgspec.structs.replace(reading, reports=(report,))


def _source(one: Observation) -> str:
    """The address, or in words what else it is known by."""
    address = hosts.address(one.source) if one.source else None
    if address:
        return address
    if one.service:
        return f"service {one.service}"
    return f"mac {mac_of(one.mac)}" if one.mac else f"port {one.port}"


FORMAT = Format(NAME, 15, read)
