"""Verify: gathers who vouches for a report. What that is worth, `vocabulary.evidence.grade` says alone.

Nothing costs time for a sender that is nobody known: no signature is checked and nobody is asked. Staff raise a report
later, by a `Verification` stimulus.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from email.utils import parseaddr
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Q
from publicsuffixlist import PublicSuffixList

from abusedesk.configuration import Network
from abusedesk.desk.parse import Unread
from abusedesk.desk.receive import headers_of
from abusedesk.desk.vouching import certificates, mailkeys, paths
from abusedesk.desk.vouching.certificates import Key
from abusedesk.desk.vouching.mailkeys import Author, Keys, domain_of, within
from abusedesk.parsing import received
from abusedesk.records.models import Reporter
from abusedesk.vocabulary.evidence import DOUBTED_FROM, Evidence, record_doubt
from abusedesk.vocabulary.report import Event, Reading

__all__ = ["Trust", "Voice", "domain_of", "gather", "known_voices", "voice_for", "voice_of_message", "within"]

LISTING = "reputation/blocklist"
COPY_LIMIT = 256 * 1024
"""So much of a body is compared to find copies."""

_INSIDE = tuple(
    map(ip_network, ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"))
) + tuple(map(ip_network, ("::1/128", "fc00::/7", "fe80::/10")))
"""Where a peer's address says nothing of the sender: it is a relay of the house."""

_FRAME = re.compile(rb"(?im)^(?:--\S.*|content-[a-z-]+:.*(?:\r?\n[ \t].*)*)$")


class Trust(NamedTuple):
    """What the installation trusts: whether it may ask the DNS, and whose word on a mail it takes."""

    dns: bool = False
    arc_forwarders: tuple[str, ...] = ()
    authserv_ids: tuple[str, ...] = ()
    mail_relays: tuple[Network, ...] = ()
    doubted_from: int = DOUBTED_FROM


class Voice(NamedTuple):
    """Who complains: the reporter's record, and what tells it from others when two must be independent.

    `domains` are those whose signatures vouch for it, `keys` its pinned DKIM records, `certificates` its own keys.
    """

    reporter: int | None
    key: str
    organisation: str
    known: bool
    muted: bool
    domains: tuple[str, ...]
    keys: Mapping[str, str]
    name: str = ""
    certificates: tuple[Key, ...] = ()
    confirmed: int = 0
    rejected: int = 0


def trust() -> Trust:
    """What this installation's settings trust."""
    chosen = settings.CONFIGURATION
    return Trust(chosen.dns, chosen.arc_forwarders, chosen.authserv_ids, chosen.mail_relays, chosen.reporter_doubt)


# --- who speaks -----------------------------------------------------------------------------------------------------


def known_voices(proven: Iterable[str] = ()) -> dict[str, Voice]:
    """The known and the muted reporters by each of their domains and addresses, and all by `#` and their id.

    `proven` are the ids of further reporters, whose key a message came under.
    """
    ids = [int(one) for one in proven if one.isascii() and one.isdigit() and len(one) < 19]
    found: dict[str, Voice] = {}
    for one in Reporter.objects.filter(Q(known=True) | Q(muted=True) | Q(pk__in=ids)).order_by("known", "pk"):
        found |= dict.fromkeys(_names(one), voice_of(one))
    return found


def _names(one: Reporter) -> list[str]:
    """What a reporter is found by. Whole domains only where it is known: a muted stranger is its address."""
    addresses = [str(address).lower() for address in (one.key, *one.addresses) if "@" in str(address)]
    domains = [str(domain).lower() for domain in one.domains] if one.known else []
    return [f"#{one.pk}", *addresses, *domains]


def voice_of(reporter: Reporter) -> Voice:
    """A reporter's record as a value."""
    own = (reporter.organisation or domain_of(reporter.key) or reporter.key).lower()
    shared = [domain_of(str(address)) for address in reporter.addresses]
    return Voice(
        reporter.pk,
        reporter.key,
        own,
        reporter.known,
        reporter.muted,
        tuple(dict.fromkeys([*map(str.lower, reporter.domains), *shared])),
        reporter.keys,
        reporter.name,
        tuple(Key(one["kind"], one["fingerprint"], one["text"]) for one in reversed(reporter.certificates)),
        reporter.confirmed,
        reporter.rejected,
    )


def voice_for(sender: str, known: Mapping[str, Voice]) -> Voice:
    """The reporter of this very address, or the known one of its domain; else a voice of its own, known for nothing."""
    address = sender.lower()
    if address in known:
        return known[address]
    labels = domain_of(sender).split(".")
    for index in range(len(labels)):
        found = known.get(".".join(labels[index:]))
        if found is not None:
            return found
    return Voice(None, sender, domain_of(sender), known=False, muted=False, domains=(), keys={})


def voice_of_message(unread: Unread, known: Mapping[str, Voice]) -> Voice:
    """Who speaks in a message: the reporter whose key or feed brought it, whatever it says; a sensor; its sender."""
    if "sensor" in unread.provenance:
        return voice_for(f"sensor {unread.provenance['sensor']}", {})
    proven = known.get(f"#{unread.provenance.get('reporter', '')}")
    return proven if proven is not None else voice_for(unread.sender, known)


# --- who vouches ----------------------------------------------------------------------------------------------------


def gather(
    unread: Unread, reading: Reading, voice: Voice, trusted: Trust, read_again: Callable[[bytes], Reading]
) -> Evidence:
    """Everything that speaks for what a message reports, as far as it is about the whole message."""
    provenance = unread.provenance
    proven = voice.reporter is not None and provenance.get("reporter") == str(voice.reporter)
    evidence: dict[str, Any] = {
        "reporter": voice.name or voice.key or "somebody unnamed",
        "organisation": voice.organisation,
        "known": voice.known,
        "muted": voice.muted,
        "api_key": proven and "feed" not in provenance,
        "feed": provenance.get("feed", "") if proven else "",
        "sensor": provenance.get("sensor", ""),
        "listing": provenance.get("listing", ""),
        "record_doubt": record_doubt(voice.confirmed, voice.rejected, trusted.doubted_from),
    }
    data = unread.payload
    if reading.outcome == "reported" and data is not None and (voice.known or proven):
        evidence |= _in_common(unread, data, voice, trusted)
        if not proven and not evidence["sensor"]:
            evidence |= _vouched(unread, data, voice, trusted, _same(reading, read_again))
    return Evidence(**evidence)


def _same(reading: Reading, read_again: Callable[[bytes], Reading]) -> mailkeys.SameRead:
    """Whether bytes say what the whole mail said, no more and no less."""

    def same(data: bytes) -> bool:
        again = read_again(data)
        return again.outcome == "reported" and list(map(_claim, again.events)) == list(map(_claim, reading.events))

    return same


def _claim(event: Event) -> tuple[object, ...]:
    return (
        event.category, event.source, event.source_port, event.target_port, event.url, event.occurred_at, event.count,
    )  # fmt: skip


def _vouched(unread: Unread, data: bytes, voice: Voice, trusted: Trust, same_read: mailkeys.SameRead) -> dict[str, Any]:
    """The proofs in the mail itself, cheapest first; SPF, which proves nothing, is asked where there is none."""
    author = parseaddr(headers_of(data).get("from", ""))[1].lower()
    if author != unread.sender:
        # A From that two readers understand differently is a disguise.
        return {}
    sender = domain_of(author)
    who = Author(sender, voice.domains)
    found = mailkeys.signed_by(data, who, Keys(voice.keys, trusted.dns), same_read)
    evidence: dict[str, Any] = {"signed_by": found.domain, "dkim": found.tried}
    evidence["key"] = _own_key(unread, data, voice, same_read)
    if not found.domain and not evidence["key"]:
        evidence |= _forwarded(data, who, trusted, same_read)
    path = paths.told_by_a_trusted_server(data, sender, trusted.authserv_ids)
    if not path.result and trusted.dns and not any(evidence.get(one) for one in ("signed_by", "key", "forwarded_by")):
        path = _seen_at_our_door(unread, sender, trusted)
    return evidence | {"spf": path.result, "spf_domain": path.domain, "spf_by": path.by}


def _own_key(unread: Unread, data: bytes, voice: Voice, same_read: mailkeys.SameRead) -> str:
    proof = certificates.proof_of(data, unread.sender, voice.certificates, unread.received_at)
    return proof.key.name if proof is not None and same_read(proof.mail) else ""


def _forwarded(data: bytes, who: Author, trusted: Trust, same_read: mailkeys.SameRead) -> dict[str, str]:
    found = mailkeys.forwarded_by(data, who, trusted.arc_forwarders, same_read, dns=trusted.dns)
    return {"forwarded_by": found.by, "forwarded_for": found.domain} if found else {}


def _seen_at_our_door(unread: Unread, sender: str, trusted: Trust) -> paths.Path:
    if not network_of(unread.provenance.get("peer", ""), trusted.mail_relays):
        return paths.Path()
    return paths.seen_at_our_door(unread.provenance, unread.envelope_from, sender)


# --- what it has in common with others ------------------------------------------------------------------------------


def _in_common(unread: Unread, data: bytes, voice: Voice, trusted: Trust) -> dict[str, str]:
    """By what this voice and another may turn out to be one."""
    return {
        "domain": registered_domain(domain_of(unread.sender or voice.key)),
        "network": network_of(unread.provenance.get("peer", ""), trusted.mail_relays) or _behind_relays(data, trusted),
        "copy": copy_of(data),
    }


def _behind_relays(data: bytes, trusted: Trust) -> str:
    """The network from which a mail came to the house's own servers, as they wrote it down; empty where none did."""
    hops = [(one, received.hop(one)) for one in received.fields_of(data)]
    foreign = [one for one, hop in hops if not _is_ours(hop, trusted)]
    entered = received.entry(foreign)
    return network_of(entered.address or "", trusted.mail_relays) if entered is not None else ""


def _is_ours(hop: received.Hop, trusted: Trust) -> bool:
    return within(hop.name, trusted.arc_forwarders) or (
        hop.address is not None and not network_of(hop.address, trusted.mail_relays)
    )


def registered_domain(domain: str) -> str:
    """The domain that somebody registered: `a.example.co.uk` is of `example.co.uk`. Empty for a public suffix."""
    return str(_suffixes().privatesuffix(domain.lower()) or "") if domain else ""


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def network_of(peer: str, relays: Iterable[Network]) -> str:
    """The /24 or /48 that a mail came from; empty where it came from a relay of ours, or from no public address."""
    try:
        address = ip_address(peer)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in one for one in (*_INSIDE, *relays)):
        return ""
    return str(ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))


def copy_of(data: bytes) -> str:
    """A digest of a mail's text without header, frames and blanks: who sends another's words is no second voice."""
    body = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[-1][:COPY_LIMIT]
    words = b" ".join(_FRAME.sub(b"", body).split())
    return blake2b(words, digest_size=16).hexdigest() if words else ""
