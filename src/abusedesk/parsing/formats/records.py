"""Feeds that no format of their own describes: JSON objects and delimited tables, read by the names of their fields."""

import csv
import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from abusedesk.parsing import hosts, instants, kinds
from abusedesk.parsing.formats.xarf4 import objects
from abusedesk.parsing.material import Format, Leaf, Material, reported, unreported
from abusedesk.vocabulary.report import Event, Reading

NAME = "records"

_RECORDS = 50_000
_DEPTH = 4
_FIELDS = 120
_SOURCES = (
    re.compile(r"^(?:ip|ip[ _]?addr(?:ess)?|ipv[46]|ipaddr)$"),
    re.compile(
        r"(?:^|\.)(?:src|source|network_?source|attacker|offender|infected|remote)[._ ]?(?:ip|"
        r"addr)(?:v?[46]|ess|_?addr)?(?:ess)?$"
    ),
    re.compile(
        r"^(?!(?:dst|dest|server|target|_geo|env|comm)).*\b(?:ip|ip[ _]?addr(?:ess)?|ipv[46]|ipaddr|"
        r"address|host_ip|infected_ip|ip/cidr)$"
    ),
)
_DESTINATIONS = re.compile(
    r"(?:^|\.)(?:dst|dest(?:ination)?|network_?destination|server)[._ ]?(?:ip|addr)(?:v?[46]|ess)?$"
)
_URLS = re.compile(r"(?:^|\.)(?:url|uri|link|phish(?:ing)?_?url|malware_?url|source_?url)$")
_HOSTS = re.compile(r"(?:^|\.)(?:domain|host|hostname|fqdn)$")
_TIMES = re.compile(
    r"(?:^|\.)[_@]?(?:ts|time|timestamp|datetime|date|last[ _]?seen|first[ _]?seen|seen|observed|detected|occurred"
    r"|date[/ _]time|(?:event|attack|start|log|incident)[ _]?(?:date|time|timestamp)"
    r"|(?:blocked|listed|added|seen)[ _](?:since|at|on)"
    r"|(?:first|last)?_?reported_?date_?time|date_?time_?received_?utc_?txt|(?:source|observation)[._]time)(?:_?utc)?$"
)
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:\.\d{1,9})?)?\s?(?:Z|UTC|[+-]\d\d:?\d\d)?$")
_PORTS = re.compile(r"(?:^|\.)(?:src|source|network_?source|remote)[._ ]?port$")
_PLACES = re.compile(r"(?:^|\.)_?geo|\.asn|country|city|region|isp|organi[sz]ation|asname")
_FEED = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".txt", ".data", ".log")
_COMMENT = ("#", ";", "//")


def read(material: Material) -> Reading | None:
    """The reading of all feeds in the material, or None where it holds none. What they mean is said by their words."""
    feeds = [(leaf, found) for leaf in material.leaves if _may_be_feed(leaf, material) and (found := _events(leaf))]
    events = [event for _, found in feeds for event in found]
    if not events:
        return None
    if all(event.category == kinds.UNCLASSIFIED for event in events) and not kinds.complaint(material.text):
        reason = "a feed whose fields name sources, but not what they did"
        return unreported("needs_review", NAME, reason, material.sender, events[:20])
    return reported(NAME, material.sender, events, summary=material.subject)


def _may_be_feed(leaf: Leaf, material: Material) -> bool:
    """A file by itself, or an attachment; never the words of a mail."""
    return material.message is None or (leaf.name.lower().endswith(_FEED) and leaf.content_type != "text/html")


def _events(leaf: Leaf) -> list[Event]:
    head = leaf.content[:64].lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
    if head in {b"{", b"["}:
        found = [_event(_flat(value), "") for value in islice(_objects(leaf.content), _RECORDS)]
    else:
        found = list(_rows(leaf.text))
    return list(dict.fromkeys(event for event in found if event is not None))


def _objects(content: bytes) -> Iterator[dict[str, Any]]:
    """One document of JSON, or one object a line."""
    whole = objects(content)
    if whole:
        yield from whole
        return
    for line in content.splitlines()[:_RECORDS]:
        yield from objects(line)


def _flat(value: dict[str, Any], prefix: str = "", depth: int = 0) -> dict[str, str]:
    """The object's plain members under dotted names in lower case."""
    found: dict[str, str] = {}
    for name, member in islice(value.items(), _FIELDS):
        key = f"{prefix}{name}".lower()
        if isinstance(member, dict) and depth < _DEPTH:
            found |= _flat(member, f"{key}.", depth + 1)
        elif isinstance(member, str | int | float) and not isinstance(member, bool):
            found[key] = str(member)[:500]
        elif isinstance(member, list):
            found[key] = " ".join(str(one) for one in member[:10] if isinstance(one, str))[:500]
    return found


def _rows(text: str) -> Iterator[Event | None]:
    """The rows of a table that names its columns in its first line, or in the last comment above the rows."""
    lines = text.splitlines()[:_RECORDS]
    first = next(
        (number for number, line in enumerate(lines) if line.strip() and not line.lstrip().startswith(_COMMENT)), None
    )
    if first is None:
        return
    delimiter = max("|\t;,", key=lines[first].count)
    above = [line.lstrip("#;/ ") for line in lines[:first]]
    header = next((names for line in (*reversed(above), lines[first]) if (names := _names(line, delimiter))), None)
    if header is None:
        return
    remarks = " ".join(above)[:6000]
    for row in csv.reader(_data(lines[first:]), delimiter=delimiter, skipinitialspace=True):
        if len(row) >= len(header) - 2:
            yield _event({name: cell.strip() for name, cell in zip(header, row, strict=False)}, remarks)


def _data(lines: list[str]) -> Iterator[str]:
    return (line for line in lines if line.strip() and not line.lstrip().startswith(_COMMENT) and "\0" not in line)


def _names(line: str, delimiter: str) -> list[str] | None:
    """The columns, where the line is a header: several short names, one of them that of an address or a URL."""
    names = [name.strip(" \"'").lower() for name in line[:4000].split(delimiter)]
    if len(names) < 3 or max(map(len, names)) > 40 or any(hosts.address(name) for name in names):
        return None
    wanted = any(pattern.search(name) for name in names for pattern in (*_SOURCES, _URLS))
    return names if wanted else None


def _event(record: dict[str, str], remarks: str) -> Event | None:
    facts = {name: value for name, value in record.items() if not _PLACES.search(name)}
    url = next((value for name, value in facts.items() if _URLS.search(name) and "://" in value[:10]), None)
    source = _address(facts, *_SOURCES) or (_address(facts, _DESTINATIONS) or _host(facts, url) if url else None)
    if source is None:
        return None
    return Event(
        _seen(_category(" ".join(f"{name} {value}" for name, value in facts.items())[:3000], remarks), url),
        source,
        next((port for name, value in facts.items() if _PORTS.search(name) and (port := hosts.port(value))), None),
        url,
        _time(facts),
        evidence=" ".join(facts.values())[:300],
    )


def _time(facts: dict[str, str]) -> datetime | None:
    """The first instant; a date and a clock in two columns are one."""
    stated = [text for name, text in facts.items() if _TIMES.search(name) and text]
    clock = next((text for text in stated if _CLOCK.match(text)), "")
    for text in stated:
        if not _CLOCK.match(text) and (
            found := instants.stated(f"{text} {clock}" if clock and len(text) < 12 else text)
        ):
            return found
    return None


def _address(facts: dict[str, str], *patterns: re.Pattern[str]) -> str | None:
    for pattern in patterns:
        for name, value in facts.items():
            if pattern.search(name) and (found := hosts.address(value)):
                return found
    return None


def _host(facts: dict[str, str], url: str) -> str | None:
    named = (value for name, value in facts.items() if _HOSTS.search(name))
    return hosts.host_of(url) or next((found for value in named if (found := hosts.source(value))), None)


def _category(words: str, remarks: str) -> str:
    kind = kinds.kind("", words.replace("_", " "))
    return kind.category if kind.weight else kinds.kind("", remarks).category


def _seen(category: str, url: str | None) -> str:
    """Malware without a place where it lies was seen by what an infected host did."""
    return "connection/infected_host" if category == "content/malware" and url is None else category


FORMAT = Format(NAME, 45, read)
