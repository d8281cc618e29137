"""SPF (RFC 7208): whether the server that handed a mail over may send for its sender's domain.

It proves the way, not who wrote: a server may send for many. So it is kept as evidence and raises nothing by itself.
"""

import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any, NamedTuple

import spf
import structlog

from abusedesk.desk.vouching import ask
from abusedesk.desk.vouching.mailkeys import aligned, domain_of
from abusedesk.parsing.authentication import read_results
from abusedesk.parsing.signed import HEADER_LIMIT

log = structlog.get_logger()

TOTAL_S = 8
"""How long one evaluation may take, over all the questions that it asks."""

_HEADER = re.compile(rb"(?im)^authentication-results[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)")
_TRIED = 10


class Path(NamedTuple):
    """The result for a domain that is the sender's, and who found it."""

    result: str = ""
    domain: str = ""
    by: str = ""


def told_by_a_trusted_server(data: bytes, sender: str, servers: Sequence[str]) -> Path:
    """What a server whose word is trusted wrote about SPF into the mail's header; empty where none did."""
    if not servers:
        return Path()
    head = data[:HEADER_LIMIT].partition(b"\r\n\r\n")[0].partition(b"\n\n")[0]
    for value in _HEADER.findall(head)[:_TRIED]:
        read = read_results(value.decode("utf-8", "replace"))
        if read.server not in servers:
            continue
        for one in read.results:
            domain = domain_of(one.properties.get("smtp.mailfrom", ""))
            if one.method == "spf" and domain and aligned(domain, sender):
                return Path(one.result, domain, read.server)
    return Path()


def seen_at_our_door(provenance: Mapping[str, str], envelope_from: str | None, sender: str) -> Path:
    """The result for the envelope's sender as the desk's own door saw it; empty where it is not the From's domain."""
    domain = domain_of(envelope_from or "")
    peer = provenance.get("peer", "")
    if not peer or not domain or not aligned(domain, sender):
        return Path()
    try:
        query = _Query(i=str(ip_address(peer)), s=envelope_from, h=provenance.get("helo", ""), querytime=TOTAL_S)
        return Path(query.check()[0], domain, "the desk")
    except Exception as error:  # pyspf raises whatever a hostile record makes its helpers raise
        log.info("SPF cannot be evaluated", domain=domain, error=repr(error))
        return Path("temperror", domain, "the desk")


class _Query(spf.query):  # type: ignore[misc]
    """An evaluation that asks by the desk's own means."""


def _look_up(name: str, kind: str, _tcp: bool = True, timeout: float = ask.LIFETIME_S) -> list[tuple[Any, Any]]:
    """A DNS question as pyspf asks it."""
    try:
        found = ask.DNS.ask(name, "TXT" if kind == "SPF" else kind, timeout)
    except ask.Silence as error:
        raise spf.TempError(f"DNS {error}") from None
    return [((name, kind), plain(kind, one)) for one in found]


def plain(kind: str, record: Any) -> Any:
    """A record of `dnspython` as pyspf takes it."""
    if kind in {"A", "AAAA"}:
        return record.address
    if kind == "MX":
        return record.preference, record.exchange.to_text(omit_final_dot=True)
    if kind == "PTR":
        return record.target.to_text(omit_final_dot=True)
    return record.strings


# It asks by a function of its module, and its own waits up to 30 s and asks anybody.
spf.DNSLookup = _look_up
