"""Abuse categories: the 32 `category/type` pairs of XARF v4.2 and the extension pairs of this desk."""

from fnmatch import fnmatchcase

XARF_PAIRS = frozenset(
    {
        "messaging/spam",
        "messaging/bulk_messaging",
        "connection/login_attack",
        "connection/port_scan",
        "connection/ddos",
        "connection/infected_host",
        "connection/reconnaissance",
        "connection/scraping",
        "connection/sql_injection",
        "connection/vulnerability_scan",
        "content/phishing",
        "content/malware",
        "content/csam",
        "content/csem",
        "content/exposed_data",
        "content/brand_infringement",
        "content/fraud",
        "content/remote_compromise",
        "content/suspicious_registration",
        "copyright/copyright",
        "copyright/p2p",
        "copyright/cyberlocker",
        "copyright/ugc_platform",
        "copyright/link_site",
        "copyright/usenet",
        "vulnerability/cve",
        "vulnerability/open_service",
        "vulnerability/misconfiguration",
        "infrastructure/botnet",
        "infrastructure/compromised_server",
        "reputation/blocklist",
        "reputation/threat_intelligence",
    }
)

EXTENSION_PAIRS = frozenset(
    {
        "messaging/spoofing",
        "messaging/spamvertising",
        "infrastructure/open_relay",
        "infrastructure/open_proxy",
        "infrastructure/amplifier",
        "infrastructure/compute_abuse",
        "other/unclassified",
    }
)

CATEGORIES = XARF_PAIRS | EXTENSION_PAIRS

ILLEGAL_CONTENT = frozenset({"content/csam", "content/csem"})
"""Content that is never stored, rendered or forwarded (`safeguard:illegal_content`)."""

UNCLASSIFIED = "other/unclassified"


def matches(category: str, pattern: str) -> bool:
    """Whether a pair falls under a pattern such as `connection/*`."""
    return fnmatchcase(category, pattern)
