"""IODEF incident documents, version 2 (RFC 7970) and version 1 (RFC 5070): XML alone, or in a mail.

Read tag by tag: no entity is resolved, no schema fetched, and what is not well-formed costs that tag alone. The source
of an incident is a `System` of category `source`; targets, sensors and the indicators of others are not.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from typing import NamedTuple

from abusedesk.parsing import hosts, instants, kinds
from abusedesk.parsing.material import Format, Material, reported, unreported
from abusedesk.vocabulary.category import UNCLASSIFIED
from abusedesk.vocabulary.report import Event, Reading

NAME = "iodef"

_MARK = re.compile(r"<(?:\w{1,20}:)?IODEF-Document[\s>]")
_TOKEN = re.compile(r"<(/?)(?:[\w-]{1,20}:)?([\w.-]{1,60})((?:\s[^<>]{0,2000})?)>|([^<]{1,8000})")
_ATTRIBUTE = re.compile(r"""([\w:-]{1,40})\s{0,4}=\s{0,4}["']([^"'<>]{0,500})["']""")
_DEPTH = 40
_TOKENS = 200_000
_EVENTS = 10_000

_TIMES = ("StartTime", "DetectTime", "EndTime", "ReportTime", "GenerationTime")
"""Where the instant is taken from, the best first (RFC 7970 section 3.12)."""

_IMPACTS = {
    "dos": "connection/ddos",
    "recon": "connection/port_scan",
    "social-engineering": "content/phishing",
    "info-leak": "content/exposed_data",
    "extortion": "content/fraud",
    "policy": UNCLASSIFIED,
    "admin": "infrastructure/compromised_server",
    "user": "infrastructure/compromised_server",
    "file": "content/malware",
    "takeover-account": "connection/login_attack",
    "takeover-service": "infrastructure/compromised_server",
    "takeover-system": "infrastructure/compromised_server",
    "availability-service": "connection/ddos",
    "availability-system": "connection/ddos",
    "availability-data": "connection/ddos",
    "breach-privacy": "content/exposed_data",
    "breach-proprietary": "content/exposed_data",
    "breach-credential": "connection/login_attack",
    "integrity-data": "content/remote_compromise",
    "integrity-configuration": "content/remote_compromise",
    "integrity-hardware": "content/remote_compromise",
}
"""What the type of an `Impact` (RFC 5070) or `SystemImpact` (RFC 7970) says, where the words say nothing."""


class Element(NamedTuple):
    """One element that holds text: the names above it from the root, its own attributes and those of its `System`."""

    path: tuple[str, ...]
    attributes: dict[str, str]
    system: int
    role: str
    text: str


def read(material: Material) -> Reading | None:
    """The reading of all incidents in the material, or None where it holds no document."""
    texts = [leaf.text for leaf in material.leaves if b"IODEF-Document" in leaf.content]
    documents = [list(_elements(text[match.start() :])) for text in texts if (match := _MARK.search(text))]
    if not documents:
        return None
    events = [event for document in documents for event in _events(document)]
    reporter = next((one.text.lower() for one in documents[0] if one.path[-1] in {"Email", "EmailTo"}), None)
    reporter = reporter if reporter and "@" in reporter else material.sender
    if not events:
        reason = "the IODEF document has no System of category source with an address"
        return unreported("needs_review", NAME, reason, reporter)
    reference = next((one.text for one in documents[0] if one.path[-1] == "IncidentID"), None)
    return reported(NAME, reporter, list(dict.fromkeys(events))[:_EVENTS], reference, _words(documents[0]))


def _elements(xml: str) -> Iterator[Element]:
    """Each text with where it stands. A closing tag closes the nearest open one of its name, or nothing."""
    stack: list[tuple[str, dict[str, str]]] = []
    systems, role = 0, ""
    for number, token in enumerate(_TOKEN.finditer(xml)):
        closing, name, attributes, text = token.groups()
        if number > _TOKENS:
            return
        if text is not None:
            if stack and text.strip():
                yield Element(
                    tuple(one for one, _ in stack), stack[-1][1], systems, role, unescape(text.strip())[:2000]
                )
        elif closing:
            stack = _closed(stack, name)
        elif not attributes.endswith("/") and len(stack) < _DEPTH:
            stack.append((name, dict(_ATTRIBUTE.findall(attributes))))
            if name == "System":
                systems, role = systems + 1, stack[-1][1].get("category", "")
        elif attributes.endswith("/"):
            yield Element((*(one for one, _ in stack), name), dict(_ATTRIBUTE.findall(attributes)), systems, role, "")


def _closed(stack: list[tuple[str, dict[str, str]]], name: str) -> list[tuple[str, dict[str, str]]]:
    for depth in range(len(stack) - 1, -1, -1):
        if stack[depth][0] == name:
            return stack[:depth]
    return stack


def _events(document: list[Element]) -> Iterator[Event]:
    """One event for each address of each source."""
    category, at = _category(document), _time(document)
    placed = [one for one in document if "System" in one.path]
    is_said = any(one.role == "source" for one in placed)
    for number in dict.fromkeys(one.system for one in placed):
        system = [one for one in placed if one.system == number]
        if system[0].role == "source" or (not is_said and system[0].role == ""):
            port = next((hosts.port(one.text) for one in system if one.path[-1] == "Port"), None)
            url = next((one.text for one in system if one.attributes.get("category") in {"site-uri", "url"}), None)
            for source in _sources(system):
                yield Event(category, source, port, url, at, evidence=_words(document)[:300])


def _sources(system: list[Element]) -> list[str]:
    stated = [one.text for one in system if one.path[-1] == "Address"]
    found = [source for text in stated if (source := hosts.network(text) or hosts.source(text))]
    if found:
        return list(dict.fromkeys(found))
    names = [one.text for one in system if one.path[-1] in {"NodeName", "Name"} and "Node" in one.path]
    return list(dict.fromkeys(source for text in names if (source := hosts.source(text))))


def _time(document: list[Element]) -> datetime | None:
    stated = {one.path[-1]: one.text for one in reversed(document) if one.path[-1] in _TIMES}
    return next((found for name in _TIMES if name in stated and (found := instants.iso(stated[name]))), None)


def _category(document: list[Element]) -> str:
    kind = kinds.kind("", _words(document))
    if kind.weight >= kinds.SURE:
        return kind.category
    types = [one.attributes.get("type", "") for one in document if one.path[-1] in {"Impact", "SystemImpact"}]
    return next((_IMPACTS[one] for one in types if one in _IMPACTS), UNCLASSIFIED)


def _words(document: list[Element]) -> str:
    """What the document says in words, of the incident and not of its contacts."""
    wanted = {"Description", "Impact", "SystemImpact", "ReferenceName", "Classification", "IncidentType"}
    return "\n".join(one.text for one in document if one.path[-1] in wanted and "Contact" not in one.path)[:2000]


FORMAT = Format(NAME, 36, read)
