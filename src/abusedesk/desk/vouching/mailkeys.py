"""DKIM (RFC 6376) and ARC (RFC 8617): whose signature on a mail holds, and covers what was read from it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import dkim
import structlog

from abusedesk.desk.vouching import ask
from abusedesk.parsing.authentication import read_results, without_instance
from abusedesk.parsing.signed import HEADER_LIMIT, as_signed
from abusedesk.vocabulary.evidence import Signature

log = structlog.get_logger()

SIGNATURES = 3
"""How many signatures of one message are tried: a hostile mail may carry any number."""

_CHAIN = 10
"""The longest ARC chain that is looked at."""

_HEADERS = 100
_SIGNATURE = re.compile(rb"(?im)^dkim-signature[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)")
_TAG = re.compile(rb"(?:^|;)\s{0,20}([a-z]{1,10})\s{0,20}=([^;]*)")
_DOMAIN = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,62}\.?){1,30}")

SameRead = Callable[[bytes], bool]
"""Whether a mail without what nobody signed is read as the whole was."""


class Keys(NamedTuple):
    """Where public keys come from: those pinned by name, then the DNS where it may be asked."""

    pinned: Mapping[str, str]
    dns: bool

    def find(self, name: bytes, timeout: float = ask.LIFETIME_S) -> bytes | None:
        """The key record of a name, as dkimpy asks for it."""
        asked = name.decode("ascii", "replace").rstrip(".").lower()
        pinned = self.pinned.get(asked)
        if pinned is not None:
            return pinned.encode()
        return ask.text(asked, timeout) if self.dns else None


class Author(NamedTuple):
    """The domain of a mail's sender, and the domains that are its reporter's."""

    sender: str
    domains: Sequence[str]


class Found(NamedTuple):
    """What the DKIM signatures of a mail prove: the domain that vouches, if one does, and what was tried."""

    domain: str
    tried: tuple[Signature, ...]


class Forwarded(NamedTuple):
    """A trusted forwarder's seal that holds, and the domain whose signature it saw hold."""

    by: str
    domain: str


def domain_of(address: str) -> str:
    """The domain of a mail address, in lower case."""
    return address.rpartition("@")[2].lower().rstrip(".>")


def within(domain: str, parents: Iterable[str]) -> bool:
    """Whether a domain is one of these or lies below one."""
    return any(domain == one or domain.endswith(f".{one}") for one in parents if one)


def aligned(domain: str, sender: str) -> bool:
    """Whether a signing domain is the sender's, lies below it or above it. What lies above must be the reporter's."""
    return within(sender, [domain]) or within(domain, [sender])


def signed_by(data: bytes, author: Author, keys: Keys, same_read: SameRead) -> Found:
    """The domain of a signature that holds, is aligned with the sender's domain, and is one of the reporter's.

    Signatures of others are not even looked up: a forged mail must not send the desk to ask somebody's servers.
    """
    tried: list[Signature] = []
    for index, tags in enumerate(_signatures(data)):
        domain = tags.get("d", "").lower()
        if not within(domain, author.domains) or not aligned(domain, author.sender) or not _DOMAIN.fullmatch(domain):
            continue
        tried.append(Signature(domain, tags.get("s", "")[:100], _try(data, index, domain, keys, same_read)))
        if tried[-1].result == "holds":
            return Found(domain, tuple(tried))
        if len(tried) == SIGNATURES:
            break
    return Found("", tuple(tried))


def _signatures(data: bytes) -> list[dict[str, str]]:
    """The tags of the signature headers, in the order in which dkimpy counts them."""
    head = data[:HEADER_LIMIT]
    found = re.search(rb"\r?\n\r?\n", head)
    head = head[: found.start() + 1] if found else b""
    return [_tags(one) for one in _SIGNATURE.findall(head)[:_HEADERS]]


def _tags(value: bytes) -> dict[str, str]:
    return {
        name.decode("ascii"): re.sub(rb"\s+", b"", text).decode("ascii", "replace")
        for name, text in _TAG.findall(value[:4000])
    }


def _try(data: bytes, index: int, domain: str, keys: Keys, same_read: SameRead) -> str:
    """What came of one signature, in words; "holds" when it does and covers what was read."""
    missing: list[bytes] = []

    def find(name: bytes, timeout: float = ask.LIFETIME_S) -> bytes | None:
        key = keys.find(name, timeout)
        if key is None:
            missing.append(name)
        return key

    try:
        signature = dkim.DKIM(data)
        holds = signature.verify(index, dnsfunc=find)
    except dkim.DKIMException:
        holds = False
    except Exception as error:  # dkimpy raises whatever a hostile header makes its helpers raise
        log.info("signature cannot be read", error=repr(error))
        return "cannot be read"
    if missing:
        return "has no key that could be found"
    if not holds or bytes(signature.domain).decode("ascii", "replace").lower() != domain:
        return "does not hold"
    return _worth(data, signature.signature_fields, same_read)


def _worth(data: bytes, fields: Mapping[bytes, bytes], same_read: SameRead) -> str:
    """What a signature that holds is worth: RFC 6376 section 8.2 on `l=`, RFC 8301 on SHA-1, and what it covers."""
    if b"l" in fields:
        return "lets anybody append to the body"
    if fields.get(b"a") == b"rsa-sha1":
        return "is made with SHA-1"
    return "holds" if covers(data, fields.get(b"h", b""), same_read) else "does not cover what the report says"


def covers(data: bytes, named: bytes, same_read: SameRead) -> bool:
    """Whether the header fields named in a signature's `h=` leave nothing out from which the report was read."""
    names = re.sub(rb"\s+", b"", named).decode("ascii", "replace").split(":")
    reduced = as_signed(data, names)
    return reduced is not None and (reduced is data or same_read(reduced))


# --- ARC ------------------------------------------------------------------------------------------------------------


def forwarded_by(
    data: bytes, author: Author, trusted: Sequence[str], same_read: SameRead, *, dns: bool
) -> Forwarded | None:
    """The trusted forwarder whose outermost seal holds and which saw a signature of the reporter hold.

    The outermost set alone is verified, two signatures: its seal covers all that stands in it, and who is trusted to
    forward is trusted to have checked the chain before it.
    """
    if not trusted or b"arc-seal" not in data[:HEADER_LIMIT].lower():
        return None
    try:
        return _outermost(data, author, trusted, same_read, Keys({}, dns))
    except dkim.DKIMException:
        return None
    except Exception as error:  # as above: whatever a hostile header makes dkimpy raise
        log.info("ARC set cannot be read", error=repr(error))
        return None


def _outermost(
    data: bytes, author: Author, trusted: Sequence[str], same_read: SameRead, keys: Keys
) -> Forwarded | None:
    arc = dkim.ARC(data)
    number, headers = arc.sorted_arc_headers()
    mine = {bytes(name).lower(): bytes(value) for at, (name, value) in headers if at == number}
    seal, sign = _tags(mine.get(b"arc-seal", b"")), _tags(mine.get(b"arc-message-signature", b""))
    by = seal.get("d", "").lower()
    if not 0 < number <= _CHAIN or not within(by, trusted) or not within(sign.get("d", "").lower(), trusted):
        return None
    saw = _saw(mine.get(b"arc-authentication-results", b""), author)
    if not saw or seal.get("cv") != ("none" if number == 1 else "pass"):
        return None
    checked = arc.verify_instance(headers, number, dnsfunc=keys.find)
    if not checked["ams-valid"] or not checked["as-valid"] or sign.get("a") == "rsa-sha1" or "l" in sign:
        return None
    return Forwarded(by, saw) if covers(data, sign.get("h", "").encode(), same_read) else None


def _saw(value: bytes, author: Author) -> str:
    """The reporter's domain, aligned with the sender's, whose DKIM signature the forwarder says to have held."""
    for one in read_results(without_instance(value.decode("utf-8", "replace"))).results:
        domain = one.properties.get("header.d") or domain_of(one.properties.get("header.i", ""))
        held = one.method == "dkim" and one.result == "pass"
        if held and within(domain, author.domains) and aligned(domain, author.sender):
            return domain
    return ""
