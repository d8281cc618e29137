"""XARF 4: all 32 pairs, against the published package as oracle."""

import json
from typing import Any

import pytest
import xarf

from abusedesk.parsing.read import read
from abusedesk.vocabulary.category import XARF_PAIRS

PARTY = {"org": "Example", "contact": "Abuse@example.net", "domain": "example.net"}
URL = "https://files.example.org/a"
DETAILS: dict[str, dict[str, Any]] = {
    "messaging/spam": {"protocol": "smtp", "smtp_from": "a@example.org"},
    "messaging/bulk_messaging": {"protocol": "smtp", "smtp_from": "a@example.org", "recipient_count": 500},
    "connection/login_attack": {"protocol": "tcp"},
    "connection/port_scan": {"protocol": "tcp"},
    "connection/ddos": {"protocol": "udp"},
    "connection/infected_host": {"protocol": "tcp", "bot_type": "malicious"},
    "connection/reconnaissance": {"protocol": "tcp", "probed_resources": ["/admin"]},
    "connection/scraping": {"protocol": "tcp", "total_requests": 1000},
    "connection/sql_injection": {"protocol": "tcp"},
    "connection/vulnerability_scan": {"protocol": "tcp", "scan_type": "port_scan"},
    "content/phishing": {},
    "content/malware": {},
    "content/fraud": {"fraud_type": "investment"},
    "content/csam": {"classification": "baseline", "detection_method": "hash_match"},
    "content/csem": {"exploitation_type": "grooming", "detection_method": "user_report"},
    "content/exposed_data": {"data_types": ["pii"], "exposure_method": "open_directory"},
    "content/brand_infringement": {"infringement_type": "counterfeit", "legitimate_site": "https://example.net/"},
    "content/remote_compromise": {"compromise_type": "webshell"},
    "content/suspicious_registration": {
        "registration_date": "2026-03-01T00:00:00Z",
        "suspicious_indicators": ["typosquatting"],
    },
    "copyright/copyright": {"infringing_url": URL},
    "copyright/cyberlocker": {"infringing_url": URL, "hosting_service": "Example Files"},
    "copyright/link_site": {"infringing_url": URL, "site_name": "Example Links"},
    "copyright/ugc_platform": {"infringing_url": URL, "platform_name": "Example Videos"},
    "copyright/p2p": {"p2p_protocol": "bittorrent", "swarm_info": {"info_hash": "a" * 40}},
    "copyright/usenet": {"newsgroup": "alt.example", "message_info": {"message_id": "<1@example.org>"}},
    "vulnerability/cve": {"service": "http", "service_port": 80, "cve_id": "CVE-2026-0001"},
    "vulnerability/misconfiguration": {"service": "http"},
    "vulnerability/open_service": {"service": "dns"},
    "infrastructure/botnet": {"compromise_evidence": "seen at a sinkhole"},
    "infrastructure/compromised_server": {"compromise_method": "exploit"},
    "reputation/blocklist": {"threat_type": "spam_source"},
    "reputation/threat_intelligence": {"threat_type": "malware_distribution"},
}


def report(pair: str, **changes: Any) -> dict[str, Any]:
    category, kind = pair.split("/")
    core: dict[str, Any] = {
        "xarf_version": "4.2.0",
        "report_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "timestamp": "2026-03-03T10:00:00Z",
        "reporter": PARTY,
        "sender": PARTY,
        "source_identifier": "198.51.100.80",
        "source_port": 40001,
        "category": category,
        "type": kind,
    }
    if category == "connection":
        core["first_seen"] = "2026-03-03T09:00:00Z"
    if category == "content":
        core["url"] = URL
    return core | DETAILS[pair] | changes


def test_every_pair_has_its_details() -> None:
    assert DETAILS.keys() == XARF_PAIRS


@pytest.mark.parametrize("pair", sorted(XARF_PAIRS))
def test_every_pair_is_read(pair: str) -> None:
    reading = read(json.dumps(report(pair)).encode())
    assert (reading.outcome, reading.reporter) == ("reported", "abuse@example.net")
    assert [(event.category, event.source, event.source_port) for event in reading.events] == [
        (pair, "198.51.100.80", 40001)
    ]


CORE = ("xarf_version", "timestamp", "reporter", "sender", "source_identifier", "type")


@pytest.mark.parametrize("missing", CORE)
def test_a_missing_core_member_is_rejected_as_the_oracle_does(missing: str) -> None:
    value = {name: member for name, member in report("connection/login_attack").items() if name != missing}
    reading = read(json.dumps(value).encode())
    assert reading.outcome == "rejected"
    assert missing in (reading.reason or "") or "type" in (reading.reason or "")
    assert _oracle_refuses(value)


@pytest.mark.parametrize(
    "changes",
    [
        {"category": "weather"},
        {"type": "rain"},
        {"reporter": {"org": "Example"}},
        {"protocol": ""},
        {"timestamp": "yesterday"},
        {"xarf_version": "5.0.0"},
    ],
    ids=str,
)
def test_a_broken_claim_is_rejected_with_a_reason(changes: dict[str, Any]) -> None:
    reading = read(json.dumps(report("connection/login_attack", **changes)).encode())
    assert reading.outcome == "rejected"
    assert reading.reason


def test_a_list_of_reports_yields_all_their_events() -> None:
    values = [report("content/phishing"), report("content/malware", source_identifier="bad.example.org")]
    assert [event.source for event in read(json.dumps(values).encode()).events] == ["198.51.100.80", "bad.example.org"]


def _oracle_refuses(value: dict[str, Any]) -> bool:
    try:
        return bool(xarf.parse(json.dumps(value)).errors)
    except xarf.XARFError:
        return True
