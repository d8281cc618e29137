"""X-ARF 0.1 and 0.2 (x-arf.org): a mail with a block of `Key: value` lines, like YAML but never read as such.

The schema that `Schema-URL` names is not fetched; tags such as `!!python` are words like any other.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from abusedesk.parsing import hosts, instants
from abusedesk.parsing.material import Format, Material, reported, unreported
from abusedesk.vocabulary.category import UNCLASSIFIED
from abusedesk.vocabulary.report import Event, Reading

NAME = "x-arf"

_KEYS = frozenset(
    [
        "reported-from",
        "category",
        "report-type",
        "report-id",
        "user-agent",
        "date",
        "source",
        "source-type",
        "schema-url",
        "service",
        "version",
        "port",
        "attachment",
        "domain",
        "destination",
        "ip",
    ]
)
_MARKS = frozenset({"report-type", "schema-url", "reported-from", "source-type"})
_LINE = re.compile(r"^\s{0,8}([A-Za-z][A-Za-z-]{1,30})[ \t]{0,8}:[ \t]{0,40}(\S.{0,2000})?$")
_TAG = re.compile(r"^!\S{0,60}\s{0,4}")
_CATEGORIES = (
    (("login", "brute", "password", "ssh", "ftp-attack", "auth-attack"), "connection/login_attack"),
    (("port-scan", "portscan", "scan", "probe"), "connection/port_scan"),
    (("phish",), "content/phishing"),
    (("malware", "virus", "trojan", "exploit-kit"), "content/malware"),
    (("ddos", "dos", "flood"), "connection/ddos"),
    (("botnet", "c2", "cnc"), "infrastructure/botnet"),
    (("infect", "bot"), "connection/infected_host"),
    (("spam", "unsolicited", "mail", "trap"), "messaging/spam"),
    (("harvest", "crawl", "scrap"), "connection/scraping"),
    (("sql", "inject"), "connection/sql_injection"),
    (("copyright", "infring", "piracy"), "copyright/copyright"),
    (("trademark", "brand"), "content/brand_infringement"),
    (("fraud", "scam"), "content/fraud"),
    (("exploit", "vuln", "attack", "hack", "intrusion", "rfi", "web"), "connection/vulnerability_scan"),
    (("open", "resolver", "amplif", "reflector"), "vulnerability/open_service"),
    (("blocklist", "blacklist", "listing", "rbl"), "reputation/blocklist"),
    (("compromise", "defac"), "infrastructure/compromised_server"),
)
_BY_CLASS = {
    "fraud": "content/fraud",
    "abuse": UNCLASSIFIED,
    "auth": "connection/login_attack",
    "private": UNCLASSIFIED,
    "info": UNCLASSIFIED,
}
_MAIL_SERVICES = frozenset({"postfix", "smtp", "mail", "25"})


def read(material: Material) -> Reading | None:
    """The reading of all blocks in the mail, or None where it holds none."""
    found = [block for leaf in material.leaves if _may_hold(leaf.content_type) for block in blocks(leaf.words)]
    if not found:
        return None
    found = [block for number, block in enumerate(found) if block not in found[:number]]
    events = [event for block in found if (event := _event(block, material.date)) is not None]
    reporter = _reporter(found[0]) or material.sender
    if events:
        return reported(NAME, reporter, events, found[0].get("report-id"), material.subject)
    if _has_masked_source(found[0]):
        return unreported("rejected", NAME, "claims to be X-ARF, but its source is masked", reporter)
    return None


def blocks(text: str) -> Iterator[dict[str, str]]:
    """Each run of `Key: value` lines that holds a source and the marks of the format."""
    block: dict[str, str] = {}
    for line in (*text[:400_000].splitlines(), ""):
        match = _LINE.match(line[:2100])
        key = match.group(1).lower() if match else ""
        if match and key in _KEYS and key not in block:
            block[key] = _plain(match.group(2) or "")
            continue
        if match is None or key in block:
            if _is_whole(block):
                yield block
            block = {key: _plain(match.group(2) or "")} if match and key in _KEYS else {}
    if _is_whole(block):
        yield block


def category(kind: str, group: str, service: str) -> str:
    """The category of a report type such as `login-attack`, in a category such as `abuse`."""
    kind = kind.lower()
    if kind in {"info", "harvesting"} and service.lower() in _MAIL_SERVICES:
        return "messaging/spam"
    for words, found in _CATEGORIES:
        if any(word in kind for word in words):
            return found
    return _BY_CLASS.get(group.lower(), UNCLASSIFIED)


def _may_hold(content_type: str) -> bool:
    return content_type.startswith("text/") or content_type in {"application/x-yaml", "application/yaml"}


def _is_whole(block: dict[str, str]) -> bool:
    return "source" in block and len(_MARKS & block.keys()) >= 2


def _plain(value: str) -> str:
    return _TAG.sub("", value.strip()).strip().strip("\"'").strip()


def _event(block: dict[str, str], sent: datetime | None) -> Event | None:
    stated = hosts.refanged(block["source"].replace(": //", "://"))
    source = hosts.source(stated) or hosts.source(block.get("ip", "")) or hosts.source(block.get("domain", ""))
    if source is None:
        return None
    return Event(
        category(block.get("report-type", ""), block.get("category", ""), block.get("service", "")),
        source,
        None,
        stated if "://" in stated[:8] else None,
        _time(block.get("date", ""), sent),
        target_port=hosts.port(block.get("port", "")),
        evidence=f"{block.get('report-type', '')} {block.get('service', '')}".strip(),
    )


def _time(text: str, sent: datetime | None) -> datetime | None:
    return instants.stated(text) or next((moment for moment, _, _ in instants.find(text, sent)), None)


def _reporter(block: dict[str, str]) -> str | None:
    return block.get("reported-from", "").lower()[:200] or None


def _has_masked_source(block: dict[str, str]) -> bool:
    """Reports forwarded with their addresses crossed out speak of nobody in particular."""
    return hosts.is_masked(block["source"])


FORMAT = Format(NAME, 40, read)
