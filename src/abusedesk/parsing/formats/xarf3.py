"""XARF version 3 and its forerunners (schemas/3 of github.com/abusix/xarf): JSON alone, or attached to a mail."""

from typing import Annotated, Any

import msgspec

from abusedesk.parsing import hosts, instants
from abusedesk.parsing.formats.xarf4 import json_leaves, objects
from abusedesk.parsing.material import Format, Material, reported, unreported
from abusedesk.vocabulary.category import UNCLASSIFIED
from abusedesk.vocabulary.report import Event, Reading

NAME = "xarf3"

_CATEGORIES = {
    "spam": "messaging/spam",
    "loginattack": "connection/login_attack",
    "bruteforce": "connection/login_attack",
    "portscan": "connection/port_scan",
    "dos": "connection/ddos",
    "ddos": "connection/ddos",
    "exploit": "connection/vulnerability_scan",
    "harassment": UNCLASSIFIED,
    "potentiallycompromisedaccount": "content/exposed_data",
    "webcrawler": "connection/scraping",
    "malware": "content/malware",
    "phishing": "content/phishing",
    "fraud": "content/fraud",
    "botnet": "infrastructure/botnet",
    "childabuse": "content/csam",
    "copyright": "copyright/copyright",
    "trademark": "content/brand_infringement",
    "openservice": "vulnerability/open_service",
}
_REQUIRED = {
    "harassment": ("Harasser", "HarassmentDescription"),
    "potentiallycompromisedaccount": ("Account",),
}
_HASHES = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512"})
_SEVERITIES = frozenset({"low", "medium", "high", "critical", "info", "informational"})
_SCALARS = (str, int, float, bool, type(None))

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class Sample(msgspec.Struct, frozen=True, rename="pascal"):
    """One piece of evidence."""

    content_type: str
    payload: str
    base64_encoded: bool = msgspec.field(name="Base64Encoded", default=False)
    description: str = ""


class Place(msgspec.Struct, frozen=True):
    """The source as the samples of the specification's own repository have it."""

    ip: str | None = msgspec.field(name="IP", default=None)
    url: str | None = msgspec.field(name="URL", default=None)
    port: Port | None = msgspec.field(name="Port", default=None)
    type: str | None = msgspec.field(name="Type", default=None)


class Observation(msgspec.Struct, frozen=True, rename="pascal"):
    """The member `Report`; what its type adds stays in the object it came from."""

    report_type: Annotated[str, msgspec.Meta(min_length=1)]
    date: str
    report_class: Annotated[str, msgspec.Meta(min_length=1)] = "Activity"
    report_sub_type: str | None = None
    first_seen: str | None = None
    source_ip: str | None = None
    source_port: Port | None = None
    source_url: str | None = None
    source: Place | None = None
    destination_ip: str | None = None
    destination_port: Port | None = None
    samples: list[Sample] = []
    infringed_material: str | None = None
    material_type: str | None = None
    reporter_case_id: str | None = msgspec.field(name="ReporterCaseID", default=None)
    reporter_severity: str | None = None
    ongoing: bool | None = None


class Claim(msgspec.Struct, frozen=True, rename="pascal"):
    """A version 3 report: who reports, and what."""

    reporter_info: dict[str, str]
    report: Observation
    version: str | int | None = None


def read(material: Material) -> Reading | None:
    """The reading of all version 3 objects in the material, or None where there is none."""
    claims = [claim for leaf in json_leaves(material) for claim in objects(leaf.content) if is_claim(claim)]
    if not claims:
        return None
    events: list[Event] = []
    flaws: list[str] = []
    for value in claims:
        try:
            events.append(_event(*checked(value)))
        except ValueError as flaw:
            flaws.append(str(flaw))
    reporter = _reporter(claims[0]) or material.sender
    if events:
        return reported(NAME, reporter, events, _reference(claims[0]))
    return unreported("rejected", NAME, f"claims to be XARF 3, but {flaws[0]}", reporter)


def is_claim(value: dict[str, Any]) -> bool:
    """Whether an object claims to be a version 3 report, well made or not."""
    return "ReporterInfo" in value or ("Version" in value and "Report" in value) or value.keys() == {"Version"}


def checked(value: dict[str, Any]) -> tuple[Claim, str]:
    """The claim and its category. Raises ValueError with the member that breaks the schema."""
    claim = msgspec.convert(value, Claim)
    kind = claim.report.report_type.replace("-", "").replace("_", "").replace(" ", "").lower()
    if kind not in _CATEGORIES:
        raise ValueError(f"{claim.report.report_type[:40]!r} is none of its report types")
    missing = [name for name in _REQUIRED.get(kind, ()) if not value["Report"].get(name)]
    if missing:
        raise ValueError(f"{claim.report.report_type} lacks {', '.join(missing)}")
    _check_places(claim.report)
    _check_members(value["Report"])
    return claim, _category(kind, claim.report)


def _category(kind: str, report: Observation) -> str:
    """Malware seen from its connections is an infected host; malware lying somewhere is content."""
    if kind == "malware" and report.report_class.lower() == "activity":
        return "connection/infected_host"
    return _CATEGORIES[kind]


def _check_places(report: Observation) -> None:
    for name, text in (("Date", report.date), ("FirstSeen", report.first_seen)):
        if text is not None and instants.stated(text) is None:
            raise ValueError(f"{name} {text[:40]!r} is no instant")
    for name, text in (("SourceIp", report.source_ip), ("DestinationIp", report.destination_ip)):
        if text is not None and hosts.source(text) is None:
            raise ValueError(f"{name} {text[:40]!r} is no address")
    if _source(report) is None:
        raise ValueError("it names no source")


def _check_members(report: dict[str, Any]) -> None:
    """Members of single types, where a wrong one shows that the sender does not mean what the schema means."""
    _check_hash(report.get("FileHash"))
    _check_score(report.get("CVSS"))
    account, custom = report.get("Account"), report.get("Custom")
    if isinstance(account, dict) and not all(isinstance(one, str) for one in account.values()):
        raise ValueError("Account has a member that is no text")
    if isinstance(account, dict) and "@" in str(account.get("AccountIdentifier", "")):
        raise ValueError("AccountIdentifier is a mail address; that belongs in AccountEmail")
    if isinstance(custom, dict) and not all(isinstance(one, _SCALARS) for one in custom.values()):
        raise ValueError("Custom has a member that is no plain value")
    severity = report.get("ReporterSeverity")
    if severity is not None and str(severity).lower() not in _SEVERITIES:
        raise ValueError(f"ReporterSeverity {str(severity)[:20]!r} is not known")


def _check_hash(value: object) -> None:
    if isinstance(value, dict):
        method = str(value.get("HashAlgorithm", "")).lower().replace("-", "")
        if method not in _HASHES:
            raise ValueError(f"FileHash has an unknown algorithm {method[:20]!r}")


def _check_score(value: object) -> None:
    if isinstance(value, dict):
        version, vector = str(value.get("Version", "")), str(value.get("Vector", ""))
        if version not in {"2", "2.0", "3", "3.0", "3.1"} or vector.startswith("CVSS:3") != version.startswith("3"):
            raise ValueError("the version and the vector of CVSS do not go together")


def _source(report: Observation) -> str | None:
    place = report.source or Place()
    named = (report.source_ip, place.ip, report.source_url, place.url)
    return next((found for text in named if text and (found := hosts.source(text))), None)


def _event(claim: Claim, category: str) -> Event:
    report = claim.report
    place = report.source or Place()
    return Event(
        category,
        _source(report) or "",
        report.source_port or place.port or None,
        report.source_url or place.url,
        instants.stated(report.date),
        target_port=report.destination_port or None,
        evidence=next((sample.payload[:500] for sample in report.samples if not sample.base64_encoded), ""),
    )


def _reporter(value: dict[str, Any]) -> str | None:
    info = value.get("ReporterInfo")
    if not isinstance(info, dict):
        return None
    contact = info.get("ReporterOrgEmail") or info.get("ReporterContactEmail")
    return contact.lower()[:200] if isinstance(contact, str) else None


def _reference(value: dict[str, Any]) -> str | None:
    report = value.get("Report")
    number = report.get("ReporterCaseID") if isinstance(report, dict) else None
    return str(number)[:200] if number else None


FORMAT = Format(NAME, 21, read)
