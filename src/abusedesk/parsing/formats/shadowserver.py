"""Shadowserver reports: CSV alone, zipped, or attached to a mail; one table says what each report type means.

The report type is in the file's name (`2026-11-20-scan_smb-example-asn.csv`); times are UTC without saying so. A type
that the table does not know is read by its columns and named in the reading, so that the drift shows.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import NamedTuple

from abusedesk.parsing import hosts, instants, mail
from abusedesk.parsing.material import Format, Leaf, Material, reported, unreported
from abusedesk.vocabulary.report import Event, Reading

NAME = "shadowserver"

_INVENTORY = ""
"""The category of a type that lists what is there and accuses nobody."""

_OPEN, _BOT, _PROXY = "vulnerability/open_service", "infrastructure/botnet", "infrastructure/open_proxy"
TYPES: dict[str, str] = {
    "adb": _OPEN,
    "blocklist": "reputation/blocklist",
    "blacklist": "reputation/blocklist",
    "botnet_ccip": _BOT,
    "botnet_ddos": "connection/ddos",
    "botnet_drone": _BOT,
    "cc_ip": _BOT,
    "cisco_smart_install": _OPEN,
    "compromised_account": "content/exposed_data",
    "compromised_iot": "infrastructure/compromised_server",
    "compromised_website": "infrastructure/compromised_server",
    "darknet": "connection/port_scan",
    "ddos_amplification": "connection/ddos",
    "device_id": _INVENTORY,
    "drone": _BOT,
    "drone_brute_force": "connection/login_attack",
    "hp_http_scan": "connection/vulnerability_scan",
    "hp_ics_scan": "connection/vulnerability_scan",
    "ddos_participant": "connection/ddos",
    "ddos_client": "connection/ddos",
    "ddos_server": _BOT,
    "honeypot_adb_scan": "connection/vulnerability_scan",
    "honeypot_brute_force": "connection/login_attack",
    "honeypot_darknet": "connection/port_scan",
    "honeypot_ddos": "connection/ddos",
    "honeypot_ddos_amp": "connection/ddos",
    "honeypot_ddos_target": "connection/ddos",
    "honeypot_http_scan": "connection/vulnerability_scan",
    "honeypot_ics_scan": "connection/vulnerability_scan",
    "honeypot_rdp_scan": "connection/vulnerability_scan",
    "honeypot_rocketmq_scan": "connection/vulnerability_scan",
    "honeypot_smb_scan": "connection/vulnerability_scan",
    "http_referer": "infrastructure/compromised_server",
    "infected": "connection/infected_host",
    "ip_spoofer": "vulnerability/misconfiguration",
    "malware_url": "content/malware",
    "microsoft_sinkhole": _BOT,
    "microsoft_sinkhole_http": _BOT,
    "open_proxy": _PROXY,
    "openproxy": _PROXY,
    "phish_url": "content/phishing",
    "phishing_url": "content/phishing",
    "population_http_proxy": _PROXY,
    "proxy": _PROXY,
    "sandbox_conn": "content/malware",
    "sandbox_connection": "content/malware",
    "sandbox_dns": _INVENTORY,
    "sandbox_smtp": _INVENTORY,
    "sandbox_url": "content/malware",
    "scan_http_proxy": _PROXY,
    "scan_socks": _PROXY,
    "scan_squid": _PROXY,
    "scan_synfulknock": "infrastructure/compromised_server",
    "scan_compromised": "infrastructure/compromised_server",
    "scan_ssl_freak": "vulnerability/misconfiguration",
    "scan_ssl_poodle": "vulnerability/misconfiguration",
    "scan_ssl": "vulnerability/misconfiguration",
    "scan_exchange": "vulnerability/cve",
    "scan_http_vulnerable": "vulnerability/cve",
    "scan_smtp_vulnerable": "vulnerability/cve",
    "scan_isakmp": "vulnerability/cve",
    "sinkhole": _BOT,
    "sinkhole_dns": _BOT,
    "sinkhole_http": _BOT,
    "sinkhole_http_drone": _BOT,
    "sinkhole_http_referer": _BOT,
    "spam_url": "messaging/spamvertising",
    "special": "infrastructure/compromised_server",
    "ssl_scan": "vulnerability/misconfiguration",
    "synfulknock": "infrastructure/compromised_server",
    "webdefacement": "content/remote_compromise",
    "netis_router": _OPEN,
    "ntp_version": _OPEN,
}
"""Report type to category; event types stand without their `event4_` or `event6_`."""

_FAMILIES = (
    ("scan", _OPEN),
    ("sinkhole", _BOT),
    ("botnet", _BOT),
    ("honeypot", "connection/vulnerability_scan"),
    ("compromised", "infrastructure/compromised_server"),
    ("population", _INVENTORY),
    ("device", _INVENTORY),
    ("malware", "content/malware"),
    ("spam", "messaging/spam"),
    ("phish", "content/phishing"),
    ("brute", "connection/login_attack"),
    ("ddos", "connection/ddos"),
    ("proxy", _PROXY),
    ("sandbox", "content/malware"),
)
_FILE = re.compile(r"^(?:.{0,80}?[-_])?(?:\d{4}-\d{2}-\d{2}-)?([a-z][a-z0-9_-]{2,60}?)\.csv", re.IGNORECASE)
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}-[a-z]")
_EVENT_PREFIX = re.compile(r"^(?:event|scan)[46]_")
_SOURCES = ("src_ip", "ip", "ip address", "ip_address", "c&c")
_PORTS = ("src_port", "port", "c&c port")
_PLACES = frozenset({"asn", "geo", "region", "city", "src_asn", "src_geo", "naics", "c&c asn", "c&c geo", "as name"})
_TIMES = ("timestamp", "date/time", "datetime", "date", "time")
_ROW_LIMIT = 1_000_000


class Layout(NamedTuple):
    """Which column of a table holds what; None where it has none."""

    source: int
    time: int | None
    clock: int | None
    port: int | None
    target_port: int | None
    url: int | None
    number: int | None
    width: int


def read(material: Material) -> Reading | None:
    """The reading of all reports in the material, or None where it holds none."""
    events: list[Event] = []
    unknown: list[str] = []
    inventory: list[str] = []
    tables = [(leaf, header) for leaf in material.leaves if (header := _header(leaf))]
    for leaf, header in tables:
        kind = report_type(leaf.name)
        category = _category(kind, header)
        if category == _INVENTORY:
            inventory.append(kind)
            continue
        if not _is_known(kind):
            unknown.append(kind or "of no name")
        events += rows(leaf.content, leaf.name)
    if events:
        notes = f"report type {', '.join(unknown)} is new: read by its columns" if unknown else ""
        return reported(NAME, material.sender, events, summary=notes)
    if any(leaf.content.strip().count(b"\n") for leaf, _ in tables) and not inventory:
        return unreported("needs_review", NAME, "no row of the report names an address", material.sender)
    if inventory:
        return unreported("not_a_report", NAME, f"{', '.join(inventory)} lists what is there and accuses nobody")
    return unreported("not_a_report", NAME, "the report has no rows", material.sender) if tables else None


def rows(data: bytes, name: str) -> Iterator[Event]:
    """The events of one report in CSV, one a row; rows without an address are passed over."""
    text = mail.decode(data)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    table = _unbroken(reader)
    header = [column.strip().lower() for column in next(table, [])]
    layout = _layout(header)
    if layout is not None:
        category = _category(report_type(name), header) or "other/unclassified"
        yield from _events(table, layout, category)


def report_type(name: str) -> str:
    """The report type that a file's name states, without date, `event4_` and the organisation's suffix."""
    found = _FILE.match(name)
    if not found:
        return ""
    words = found.group(1).lower()
    known = max((one for one in _known_in(words)), key=len, default="")
    return known or _EVENT_PREFIX.sub("", words.split("-")[0])


def _known_in(words: str) -> Iterator[str]:
    plain = words.replace("-", "_")
    return (one for one in TYPES if one in plain)


def _is_known(kind: str) -> bool:
    return kind in TYPES or any(family in kind for family, _ in _FAMILIES)


def _category(kind: str, header: list[str]) -> str:
    if kind in TYPES:
        return TYPES[kind]
    return next((category for family, category in _FAMILIES if family in kind), None) or _by_columns(set(header))


def _by_columns(header: set[str]) -> str:
    """What the columns of an unknown type speak of."""
    if header & {"cc", "cc_ip", "cc_dns", "infection", "c&c"}:
        return _BOT
    if header & {"dst_ip", "src_ip"}:
        return "connection/vulnerability_scan"
    if header & {"subject", "sender"}:
        return "messaging/spam"
    if "reason" in header and "source" in header:
        return "reputation/blocklist"
    if header & {"sha256", "md5", "md5hash"} and "url" in header:
        return "content/malware"
    return _OPEN


def _header(leaf: Leaf) -> list[str] | None:
    """The columns, where the first line has an address, a time and where the address lies, as all reports have."""
    first = leaf.content[:8192].lstrip(b"\xef\xbb\xbf\r\n ").split(b"\n", 1)[0]
    if b"," not in first and b";" not in first and b"\t" not in first:
        return None
    text = mail.decode(first)
    columns = [column.strip().lower() for column in next(_unbroken(csv.reader([text], delimiter=_delimiter(text))), [])]
    has_place = len(_PLACES.intersection(columns)) >= 2
    is_inventory = TYPES.get(report_type(leaf.name)) == _INVENTORY
    is_dated = _DATED.match(leaf.name) is not None and "timestamp" in columns
    return columns if ((has_place or is_dated) and _layout(columns)) or (is_inventory and len(columns) > 3) else None


def _layout(header: list[str]) -> Layout | None:
    source = _column(header, _SOURCES)
    if source is None:
        return None
    event = header[source] == "src_ip"
    return Layout(
        source,
        _column(header, _TIMES),
        header.index("time") if "date" in header and "time" in header else None,
        _column(header, _PORTS) if event else None,
        _column(header, ("dst_port",) if event else _PORTS),
        _column(header, ("url",)),
        _column(header, ("count",)),
        len(header),
    )


def _column(header: list[str], names: tuple[str, ...]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _delimiter(text: str) -> str:
    first = text[:8192].partition("\n")[0]
    return max(",;\t", key=first.count)


def _unbroken(reader: Iterable[list[str]]) -> Iterator[list[str]]:
    """The rows up to the first that the CSV reader refuses."""
    try:
        for number, row in enumerate(reader):
            if number > _ROW_LIMIT:
                return
            yield row
    except csv.Error:
        return


def _events(table: Iterable[list[str]], layout: Layout, category: str) -> Iterator[Event]:
    """One event a row. The loop is written out because feeds come with a million rows."""
    source_at, time_at, clock_at, port_at, target_at, url_at, count_at, _ = layout
    least = max(filter(None, (source_at, time_at, clock_at, port_at, target_at, url_at, count_at)), default=source_at)
    is_plain = hosts.IPV4.fullmatch
    for row in table:
        if len(row) <= least:
            if len(row) <= source_at:
                continue
            row = list(chain(row, [""] * (least - len(row) + 1)))  # noqa: PLW2901 - a short row is filled up
        text = row[source_at]
        for source in (text,) if is_plain(text) else _several(text):
            yield Event(
                category,
                source,
                _number(row[port_at], 65535) if port_at is not None else None,
                row[url_at] or None if url_at is not None else None,
                _instant(row, time_at, clock_at) if time_at is not None else None,
                (_number(row[count_at], 10_000_000) or 1) if count_at is not None else 1,
                _number(row[target_at], 65535) if target_at is not None else None,
            )


def _several(cell: str) -> list[str]:
    """A cell may hold an address, a network, or several addresses."""
    found = hosts.address(cell) or hosts.network(cell)
    return [found] if found else [address for address, _, _ in hosts.addresses(cell[:10_000])]


def _instant(row: list[str], time_at: int, clock_at: int | None) -> datetime | None:
    text = row[time_at] if clock_at is None else f"{row[time_at]} {row[clock_at]}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return instants.stated(text) if text else None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _number(text: str, most: int) -> int | None:
    if text.isascii() and text.isdigit() and len(text) < 9:
        number = int(text)
        return number if 0 < number <= most else None
    return None


FORMAT = Format(NAME, 30, read)
