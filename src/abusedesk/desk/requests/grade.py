"""Grading: what was found about a domain's mail set-up, in words, with what is to be done. A pure function of facts.

Reverse names are asked for by most receivers; SPF is RFC 7208, DKIM RFC 6376 and 8301 (keys), DMARC RFC 7489.
"""

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, ip_address

from abusedesk.desk.requests.facts import Gathered, Key, Pointed
from abusedesk.vocabulary.finding import Finding, State, Subject

SHORTEST_KEY, GOOD_KEY = 1024, 2048
"""Bits of an RSA key: what receivers still take (RFC 8301), and what is advised there."""

POLICIES = ("none", "quarantine", "reject")
ENDS = {"-all": "ok", "~all": "ok", "?all": "wrong", "+all": "wrong", "all": "wrong"}

_SHARED_NAME = re.compile(
    r"(?:^|[.-])(?:dyn(?:amic)?|dhcp|pool|ppp|dial(?:up|in)?|[avx]?dsl|cable|unassigned|generic)\d*(?=[.-])"
)
_LATER = "Ask again later."


def grade(found: Gathered) -> list[Finding]:
    """The findings of all that was asked, in the order of `SUBJECTS`."""
    return [*_rdns(found), *_spf(found), *_dkim(found), _dmarc(found), _mx(found)]


def unasked(why: str) -> list[Finding]:
    """The findings where nobody could be asked at all."""
    subjects: tuple[Subject, ...] = ("rdns", "spf", "dkim", "dmarc", "mx")
    return [Finding(one, "unknown", why) for one in subjects]


# --- reverse names --------------------------------------------------------------------------------------------------


def _rdns(found: Gathered) -> Iterator[Finding]:
    if not found.addresses:
        yield Finding("rdns", "unknown", "the service holds no address", "Import its addresses, then check again.")
        return
    by_state = [(one, *_pointed(one)) for one in found.addresses]
    good = [f"{one.ip} is {', '.join(one.back or ())}" for one, state, _, _ in by_state if state == "ok"]
    if good:
        yield Finding("rdns", "ok", f"{'; '.join(good)}, and back{_further(found)}")
    for one, state, says, do in by_state:
        if state != "ok":
            yield Finding("rdns", state, f"{one.ip} {says}", do)


def _further(found: Gathered) -> str:
    return f"; {found.further} further addresses were not looked at" if found.further else ""


def _pointed(one: Pointed) -> tuple[State, str, str]:
    if one.names is None:
        return "unknown", "has a reverse name or not: the DNS did not answer", _LATER
    if not one.names:
        return "wrong", "has no reverse name", "Set a reverse name for it that leads back to it."
    name = one.names[0]
    if one.back is None:
        return "unknown", f"is called {name}; whether that leads back, the DNS did not say", _LATER
    if not one.back:
        return "wrong", f"is called {name}, which does not lead back to it", f"Let {name} have the address {one.ip}."
    if all(is_generic(each, one.ip) for each in one.back):
        return "wrong", f"is called {one.back[0]}, a name made of the address", "Give it the name of the mail server."
    return "ok", "", ""


def is_generic(name: str, ip: str) -> bool:
    """Whether a reverse name is made of its address, or says that it is one of many: receivers distrust both."""
    lower = name.lower()
    return bool(_SHARED_NAME.search(lower)) or any(re.search(one, lower) for one in _spellings(ip))


def _spellings(ip: str) -> Iterator[str]:
    """Patterns of how an address is written into a name: its parts forwards and backwards, and as one number."""
    address = ip_address(ip)
    yield rf"(?<![0-9a-f]){address.packed.hex()}(?![0-9a-f])"
    if isinstance(address, IPv4Address):
        parts = [rf"0*{octet}" for octet in address.packed]
        between = r"[^0-9]{1,3}"
        yield rf"(?<!\d){''.join(f'{octet:03}' for octet in address.packed)}(?!\d)"
    else:
        parts = [f"0*{int(group, 16):x}" for group in address.exploded.split(":") if int(group, 16)]
        between = r"[^0-9a-f]+(?:0+[^0-9a-f]+)*"
    for written in (parts, parts[::-1]):
        yield rf"(?<![0-9a-f]){between.join(written)}(?![0-9a-f])"


# --- SPF ------------------------------------------------------------------------------------------------------------


def _spf(found: Gathered) -> Iterator[Finding]:
    records = found.spf
    if records is None:
        yield Finding("spf", "unknown", "the DNS did not answer about SPF", _LATER)
    elif not records:
        yield Finding(
            "spf", "wrong", f"{found.domain} has no SPF record", "Publish one that names its servers and ends in -all."
        )
    elif len(records) > 1:
        yield Finding("spf", "wrong", f"{found.domain} has {len(records)} SPF records", "Keep one (RFC 7208, 4.5).")
    else:
        yield _spf_end(found)
        yield from _spf_passes(found)


def _spf_end(found: Gathered) -> Finding:
    if found.spf_end is None:
        return Finding("spf", "unknown", "its SPF record leads elsewhere, and the DNS did not answer there", _LATER)
    end = next((term for text in found.spf_end for term in reversed(text.lower().split()) if term in ENDS), "")
    if not end:
        return Finding("spf", "wrong", "its SPF record has no end", "End it in -all or ~all.")
    if ENDS[end] == "ok":
        return Finding("spf", "ok", f"its SPF record ends in {end}")
    return Finding("spf", "wrong", f"its SPF record ends in {end}, so it forbids nobody", "End it in -all or ~all.")


def _spf_passes(found: Gathered) -> Iterator[Finding]:
    by_result: dict[str, list[str]] = {}
    for one in found.addresses:
        by_result.setdefault(one.spf, []).append(one.ip)
    for result, addresses in by_result.items():
        yield _spf_of(result, ", ".join(addresses))


def _spf_of(result: str, addresses: str) -> Finding:
    if result == "pass":
        return Finding("spf", "ok", f"SPF passes for {addresses}")
    if result in {"", "temperror"}:
        return Finding("spf", "unknown", f"whether SPF passes for {addresses}, the DNS did not say", _LATER)
    if result == "permerror":
        return Finding(
            "spf", "wrong", "its SPF record cannot be evaluated", "Look for typing errors and more than ten lookups."
        )
    return Finding("spf", "wrong", f"SPF says {result} for {addresses}", "Name these addresses in the SPF record.")


# --- DKIM -----------------------------------------------------------------------------------------------------------


def _dkim(found: Gathered) -> list[Finding]:
    there = [one for one in found.keys if one.text]
    if there:
        return [_key(one) for one in there]
    if any(one.text is None for one in found.keys):
        return [Finding("dkim", "unknown", "the DNS did not answer about DKIM keys", _LATER)]
    if found.selector:
        says = f"there is no DKIM key under the selector {found.selector}"
        return [Finding("dkim", "wrong", says, f"Publish it at {found.selector}._domainkey.{found.domain}.")]
    says = "no DKIM key is under the usual selectors"
    return [Finding("dkim", "unknown", says, "Ask the customer for the selector, and check again with it.")]


def _key(key: Key) -> Finding:
    named = f"the DKIM key {key.selector}"
    if key.problem:
        return Finding("dkim", "wrong", f"{named} {key.problem}", "Publish a good one.")
    if key.algorithm == "ed25519":
        return Finding("dkim", "ok", f"{named} is Ed25519", "Have an RSA key beside it: few receivers check this one.")
    says = f"{named} has {key.bits} bits"
    if key.bits < SHORTEST_KEY:
        return Finding("dkim", "wrong", f"{says}, too few for receivers", f"Make one of {GOOD_KEY} bits.")
    return Finding("dkim", "ok", says, "" if key.bits >= GOOD_KEY else f"{GOOD_KEY} bits are advised.")


# --- DMARC and MX ---------------------------------------------------------------------------------------------------


def _dmarc(found: Gathered) -> Finding:
    if found.dmarc is None:
        return Finding("dmarc", "unknown", "the DNS did not answer about DMARC", _LATER)
    if not found.dmarc:
        do = f"Publish one at _dmarc.{found.domain}, p=none to begin with."
        return Finding("dmarc", "wrong", f"{found.domain} has no DMARC record", do)
    if len(found.dmarc) > 1:
        return Finding("dmarc", "wrong", f"{found.dmarc_at} has {len(found.dmarc)} DMARC records", "Keep one.")
    tags = tags_of(found.dmarc[0])
    policy = tags.get("p", "").lower()
    if found.dmarc_at != found.domain:
        policy = tags.get("sp", policy).lower()
    if policy not in POLICIES:
        return Finding("dmarc", "wrong", "its DMARC record names no policy", "Add p=none, p=quarantine or p=reject.")
    above = f" (the record of {found.dmarc_at})" if found.dmarc_at != found.domain else ""
    do = "It asks receivers for nothing yet; quarantine or reject does." if policy == "none" else ""
    return Finding("dmarc", "ok", f"DMARC asks receivers to {_ASKS[policy]}{above}", do)


_ASKS = {"none": "do nothing (p=none)", "quarantine": "quarantine what fails", "reject": "reject what fails"}


def tags_of(record: str) -> dict[str, str]:
    """The tags of a record of the form `v=DMARC1; p=none`, by their names in lower case."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip() for name, mark, value in pairs if mark}


def _mx(found: Gathered) -> Finding:
    if found.mx is None:
        return Finding("mx", "unknown", "the DNS did not answer about MX", _LATER)
    servers = [one for one in _servers(found.mx) if one]
    if servers:
        return Finding("mx", "ok", f"mail to it is taken by {', '.join(servers[:3])}")
    if found.mx:
        return Finding("mx", "wrong", "it takes no mail (RFC 7505), so bounces and complaints go nowhere", "Take mail.")
    return Finding("mx", "wrong", "it has no MX record", "Name a server that takes bounces and complaints.")


def _servers(records: Iterable[str]) -> Iterator[str]:
    """The servers of MX records such as `10 mx.example.net.`."""
    for one in records:
        yield one.rpartition(" ")[2].rstrip(".")
