"""XARF version 4 (schemas/v4 of github.com/xarf/xarf-spec, v4.2): JSON alone, or attached to a mail."""

import re
from typing import Annotated, Any

import msgspec

from abusedesk.parsing import hosts, instants
from abusedesk.parsing.material import Format, Leaf, Material, reported, unreported
from abusedesk.vocabulary.category import UNCLASSIFIED
from abusedesk.vocabulary.report import Event, Reading

NAME = "xarf"

_ATTACK = "protocol first_seen"
_REQUIRED = {
    "messaging/spam": "protocol",
    "messaging/bulk_messaging": "protocol recipient_count",
    "connection/login_attack": _ATTACK,
    "connection/port_scan": _ATTACK,
    "connection/ddos": _ATTACK,
    "connection/infected_host": f"{_ATTACK} bot_type",
    "connection/reconnaissance": f"{_ATTACK} probed_resources",
    "connection/scraping": f"{_ATTACK} total_requests",
    "connection/sql_injection": _ATTACK,
    "connection/vulnerability_scan": f"{_ATTACK} scan_type",
    "content/phishing": "url",
    "content/malware": "url",
    "content/fraud": "url fraud_type",
    "content/csam": "url classification detection_method",
    "content/csem": "url exploitation_type detection_method",
    "content/exposed_data": "url data_types exposure_method",
    "content/brand_infringement": "url infringement_type legitimate_site",
    "content/remote_compromise": "url compromise_type",
    "content/suspicious_registration": "url registration_date suspicious_indicators",
    "copyright/copyright": "infringing_url",
    "copyright/cyberlocker": "infringing_url hosting_service",
    "copyright/link_site": "infringing_url site_name",
    "copyright/ugc_platform": "infringing_url platform_name",
    "copyright/p2p": "p2p_protocol swarm_info",
    "copyright/usenet": "newsgroup message_info",
    "vulnerability/cve": "service service_port cve_id",
    "vulnerability/misconfiguration": "service",
    "vulnerability/open_service": "service",
    "infrastructure/botnet": "compromise_evidence",
    "infrastructure/compromised_server": "compromise_method",
    "reputation/blocklist": "threat_type",
    "reputation/threat_intelligence": "threat_type",
}
"""What each pair requires beyond the core, by the schema of its type."""

_PORT_WITH_ADDRESS = frozenset({"connection/login_attack", "connection/port_scan", "connection/ddos"})
_DRAFT_PAIRS = {
    "connection/auth_failure": "connection/login_attack",
    "connection/brute_force": "connection/login_attack",
    "connection/ip_spoof": "connection/ddos",
    "connection/bot": "connection/infected_host",
    "content/phishing_site": "content/phishing",
    "content/defacement": "content/remote_compromise",
    "content/web_hack": "content/remote_compromise",
    "content/data_leak": "content/exposed_data",
    "copyright/trademark": "content/brand_infringement",
    "copyright/dmca": "copyright/copyright",
    "infrastructure/compromised_account": "infrastructure/compromised_server",
    "infrastructure/compromised_microsoft_exchange": "infrastructure/compromised_server",
    "infrastructure/compromised_website": "infrastructure/compromised_server",
    "infrastructure/cve": "vulnerability/cve",
    "vulnerability/open": "vulnerability/open_service",
    "vulnerability/malicious_activity": UNCLASSIFIED,
    "reputation/trap": "reputation/blocklist",
}
"""Pairs of the drafts before 4.2 that are still sent, and what they became: their complaints are as good as any."""

_SINCE_41 = frozenset({"first_seen", "source_port", "service_port", "compromise_method"})
"""What reports of version 4.0 left out: their complaint is as good without."""

_VERSION = re.compile(r"4\.\d{1,4}\.\d{1,4}")


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who reports, or who transmits the report."""

    org: Annotated[str, msgspec.Meta(max_length=200)]
    contact: str
    domain: str


class Claim(msgspec.Struct, frozen=True):
    """The core of a version 4 report; what its type adds stays in the object it came from."""

    xarf_version: str
    report_id: str
    timestamp: str
    reporter: Contact
    sender: Contact
    source_identifier: Annotated[str, msgspec.Meta(min_length=1)]
    category: str
    type: str
    source_port: int | None = None
    destination_port: int | None = None
    description: str | None = None


def read(material: Material) -> Reading | None:
    """The reading of all version 4 objects in the material, or None where there is none."""
    claims = [claim for leaf in json_leaves(material) for claim in objects(leaf.content) if is_claim(claim)]
    return _reading(claims) if claims else None


def json_leaves(material: Material) -> list[Leaf]:
    """The documents that look like JSON objects, whatever their type says."""
    return [leaf for leaf in material.leaves if leaf.content[:64].lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in {b"{", b"["}]


def objects(content: bytes) -> list[dict[str, Any]]:
    """The JSON objects of a document: one, or a list of them; none where it is no JSON."""
    try:
        value = msgspec.json.decode(content.lstrip(b"\xef\xbb\xbf \r\n\t"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    values = value if isinstance(value, list) else [value]
    return [one for one in values[:10_000] if isinstance(one, dict)]


def is_claim(value: dict[str, Any]) -> bool:
    """Whether an object claims to be a version 4 report, well made or not."""
    if "xarf_version" in value:
        return True
    return "source_identifier" in value and "type" in value and ("category" in value or "class" in value)


def _reading(claims: list[dict[str, Any]]) -> Reading:
    events: list[Event] = []
    flaws: list[str] = []
    reporter = reference = None
    for value in claims:
        try:
            claim = checked(value)
        except ValueError as flaw:
            flaws.append(str(flaw))
            reporter = reporter or _stated_reporter(value)
            continue
        reporter, reference = reporter or claim.reporter.contact.lower(), reference or claim.report_id
        events.append(_event(claim, value))
    if events:
        return reported(NAME, reporter, events, reference, str(claims[0].get("description") or ""))
    return unreported("rejected", NAME, f"claims to be XARF 4, but {flaws[0]}", reporter)


def checked(value: dict[str, Any]) -> Claim:
    """The claim, once its core and what its type requires are there. Raises ValueError with the member that is not.

    Flaws beside the point, such as a report_id that is no UUID, do not void a complaint.
    """
    claim = msgspec.convert(value, Claim)
    pair = f"{claim.category}/{claim.type}"
    if not _VERSION.fullmatch(claim.xarf_version):
        raise ValueError(f"xarf_version {claim.xarf_version[:20]!r} is not of version 4")
    if pair not in _REQUIRED and pair not in _DRAFT_PAIRS:
        raise ValueError(f"{pair[:80]!r} is none of its 32 categories")
    if instants.iso(claim.timestamp) is None:
        raise ValueError(f"timestamp {claim.timestamp[:40]!r} is no ISO 8601 instant")
    missing = [name for name in _required(pair, claim, value) if value.get(name) in (None, "")]
    if missing:
        raise ValueError(f"{pair} lacks {', '.join(missing)}")
    _check_members(pair, value)
    return claim


def _required(pair: str, claim: Claim, value: dict[str, Any]) -> list[str]:
    names = _REQUIRED.get(pair, "").split()
    if pair.startswith("messaging/") and value.get("protocol") == "smtp":
        names += ["smtp_from", "source_port"]
    if pair in _PORT_WITH_ADDRESS and hosts.address(claim.source_identifier):
        names += ["source_port"]
    if claim.xarf_version.startswith("4.0."):
        return [name for name in names if name not in _SINCE_41]
    return names


def _check_members(pair: str, value: dict[str, Any]) -> None:
    """Rules of single types that presence alone does not cover."""
    if pair == "messaging/bulk_messaging" and _below(value["recipient_count"], 100):
        raise ValueError("recipient_count is below 100")
    swarm = value.get("swarm_info")
    if pair == "copyright/p2p" and not (
        isinstance(swarm, dict) and (swarm.get("info_hash") or swarm.get("magnet_uri"))
    ):
        raise ValueError("swarm_info has neither info_hash nor magnet_uri")
    message = value.get("message_info")
    if pair == "copyright/usenet" and not (isinstance(message, dict) and message.get("message_id")):
        raise ValueError("message_info has no message_id")
    if "first_seen" in value and instants.iso(str(value["first_seen"])) is None:
        raise ValueError("first_seen is no ISO 8601 instant")


def _below(value: object, least: int) -> bool:
    return not isinstance(value, int) or value < least


def _event(claim: Claim, value: dict[str, Any]) -> Event:
    pair = f"{claim.category}/{claim.type}"
    url = value.get("url") or value.get("infringing_url")
    return Event(
        _DRAFT_PAIRS.get(pair, pair),
        hosts.source(claim.source_identifier) or claim.source_identifier.strip().lower(),
        _port(claim.source_port),
        url if isinstance(url, str) else None,
        instants.iso(claim.timestamp),
        target_port=_port(claim.destination_port),
        evidence=(claim.description or "")[:500],
    )


def _port(number: int | None) -> int | None:
    return number if number and 0 < number < 65536 else None


def _stated_reporter(value: dict[str, Any]) -> str | None:
    reporter = value.get("reporter")
    contact = reporter.get("contact") if isinstance(reporter, dict) else None
    return contact.lower()[:200] if isinstance(contact, str) else None


FORMAT = Format(NAME, 20, read)
