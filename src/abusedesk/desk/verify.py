"""Verify: gathers who vouches for a report, and grades it by one pure function.

The grades are those of the clauses' shared vocabulary. Staff raise a report later, by a `Verification` stimulus.
"""

from collections.abc import Iterable, Mapping
from email.utils import parseaddr
from functools import lru_cache
from typing import NamedTuple

import dkim
import structlog

from abusedesk.desk.receive import headers_of
from abusedesk.records.models import Reporter
from abusedesk.vocabulary.assurance import Assurance, reaches

log = structlog.get_logger()

LISTING = "reputation/blocklist"
SIGNATURES = 3
"""How many DKIM signatures of one message are tried: a hostile mail may carry any number."""


class Evidence(NamedTuple):
    """What speaks for a report. `signed_by` is the domain of an aligned DKIM signature that holds (RFC 6376).

    `confirmed_by` is the blocklist whose entry a query of ours confirmed.
    """

    reporter: str
    known: bool = False
    muted: bool = False
    signed_by: str = ""
    is_listing: bool = False
    confirmed_by: str = ""
    time_doubt: str = ""


class Voice(NamedTuple):
    """Who complains: the reporter's record, and what tells it from others when two must be independent."""

    reporter: int | None
    key: str
    organisation: str
    known: bool
    muted: bool
    domains: tuple[str, ...]
    keys: Mapping[str, str]


def grade(evidence: Evidence) -> tuple[Assurance, str]:
    """The assurance of a single report, and why in words."""
    if evidence.time_doubt:
        return "unverified", f"unverified, for {evidence.time_doubt}"
    if evidence.is_listing:
        return _grade_listing(evidence.confirmed_by)
    if evidence.muted:
        return "unverified", f"unverified: {evidence.reporter} is muted"
    if evidence.known and evidence.signed_by:
        return "authenticated", f"authenticated: signed by {evidence.signed_by}, a known reporter"
    if evidence.known:
        return (
            "unverified",
            f"unverified: it names {evidence.reporter}, a known reporter, but no valid signature vouches for it",
        )
    return "unverified", "unverified: anybody could have written it"


def _grade_listing(confirmed_by: str) -> tuple[Assurance, str]:
    if confirmed_by:
        return "corroborated", f"corroborated: a query of ours confirmed the entry on {confirmed_by}"
    return "unverified", "unverified: a listing counts when a query of ours confirms it"


def corroborates(one: Voice, assurance: str, others: Iterable[tuple[str, str]]) -> bool:
    """Whether an independent voice, at least authenticated, stands beside this one.

    `others` are pairs of an organisation and the assurance of its report.
    """
    if not reaches(assurance, "authenticated"):
        return False
    return any(other != one.organisation and reaches(theirs, "authenticated") for other, theirs in others)


def domain_of(address: str) -> str:
    """The domain of a mail address, in lower case."""
    return address.rpartition("@")[2].lower().rstrip(".>")


def within(domain: str, parents: Iterable[str]) -> bool:
    """Whether a domain is one of these or lies below one."""
    return any(domain == one or domain.endswith(f".{one}") for one in parents if one)


def known_voices() -> dict[str, Voice]:
    """The known reporters by each of their domains."""
    found: dict[str, Voice] = {}
    for one in Reporter.objects.filter(known=True):
        voice = voice_of(one)
        found |= dict.fromkeys((domain.lower() for domain in one.domains), voice)
    return found


def voice_of(reporter: Reporter) -> Voice:
    """A reporter's record as a value."""
    own = (reporter.organisation or domain_of(reporter.key) or reporter.key).lower()
    return Voice(
        reporter.pk,
        reporter.key,
        own,
        reporter.known,
        reporter.muted,
        tuple(map(str.lower, reporter.domains)),
        reporter.keys,
    )


def voice_for(sender: str, known: Mapping[str, Voice]) -> Voice:
    """The known reporter whose domain the sender's is or lies below; else a voice of its own, known for nothing."""
    labels = domain_of(sender).split(".")
    for index in range(len(labels)):
        found = known.get(".".join(labels[index:]))
        if found is not None:
            return found
    return Voice(None, sender, domain_of(sender), known=False, muted=False, domains=(), keys={})


def signed_by(data: bytes, voice: Voice, *, ask_dns: bool) -> str:
    """The domain of a signature that holds, is aligned with the sender and belongs to the voice; else empty."""
    if b"dkim-signature" not in data[:65536].lower():
        return ""
    sender = domain_of(parseaddr(headers_of(data).get("from", ""))[1])
    for index in range(SIGNATURES):
        domain = _verified(data, index, voice, ask_dns=ask_dns)
        if domain is None:
            return ""
        if domain and within(domain, voice.domains) and (within(sender, [domain]) or within(domain, [sender])):
            return domain
    return ""


def _verified(data: bytes, index: int, voice: Voice, *, ask_dns: bool) -> str | None:
    """The domain of the signature at an index if it holds, empty if it does not, None where there is no more."""

    def key_record(name: bytes, timeout: float = 5) -> bytes | None:
        asked = name.decode("ascii", "replace").rstrip(".").lower()
        pinned = voice.keys.get(asked)
        if pinned is not None:
            return pinned.encode()
        return _from_dns(asked, timeout) if ask_dns else None

    try:
        signature = dkim.DKIM(data)
        holds = signature.verify(index, dnsfunc=key_record)
    except dkim.DKIMException:
        return ""
    except IndexError:
        return None
    except Exception as error:  # dkimpy raises whatever a hostile header makes its helpers raise
        log.info("signature cannot be read", error=repr(error))
        return None
    if signature.domain is None:
        return None
    holds = holds and _covers_the_whole(signature.signature_fields)
    return bytes(signature.domain).decode("ascii", "replace").lower() if holds else ""


def _covers_the_whole(fields: Mapping[bytes, bytes]) -> bool:
    """No `l=`, under which anybody may append to a signed body, and no SHA-1 (RFC 6376 section 8.2, RFC 8301)."""
    return b"l" not in fields and fields.get(b"a") != b"rsa-sha1"


@lru_cache(maxsize=1024)
def _from_dns(name: str, timeout: float) -> bytes | None:
    import dns.exception  # noqa: PLC0415 - only an installation that may ask the DNS pays for it
    import dns.resolver  # noqa: PLC0415

    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=timeout)
    except dns.exception.DNSException:
        return None
    return b"".join(next(iter(answer)).strings)
