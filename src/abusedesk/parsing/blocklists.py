"""DNS blocklists (RFC 5782): the name to ask, what an answer says, and when a listing is believed. Pure.

An answer is a reading of one of three kinds: listed, not listed, or none at all. What is no reading counts for nothing:
it neither accuses nor clears.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from abusedesk.vocabulary.instant import format_instant

Kind = Literal["address", "range", "policy", "unknown"]
"""Whom a return code accuses: the address, its neighbours' range, nobody (a policy), or nobody whom we know of."""

TESTS = {4: ("127.0.0.2", "127.0.0.1"), 6: ("::ffff:7f00:2", "::ffff:7f00:1")}
"""By address family, what a list that works must list, and what it must not (RFC 5782 section 5)."""

_LOOPBACK = IPv4Network("127.0.0.0/8")
_REFUSALS = IPv4Network("127.255.255.0/24")
_SAID = {
    "127.255.255.252": "the zone's name is misspelt",
    "127.255.255.254": "it does not answer public resolvers; ask through a resolver of your own",
    "127.255.255.255": "it was asked too much; ask less, or through an account of yours",
}
"""What the error codes say that the large lists have in common."""


class Code(Struct, frozen=True):
    """What some return codes mean. `codes` is one address, or one with a range at its end: `127.0.0.4-7`.

    `entry` is an expression that finds the number of the list's own record in its text: one that stands at several
    services' addresses names their range and accuses none of them.
    """

    codes: str
    accuses: Kind
    says: str
    entry: str = ""


class Blocklist(Struct, frozen=True):
    """A list: where it is asked, how fast and how often, what its codes mean, and on which terms it answers.

    `zone` holds `{key}` where an account's key belongs to it; `organisation` is the domain of whoever keeps it.
    """

    name: str
    title: str
    zone: str
    organisation: str
    codes: tuple[Code, ...]
    ipv6: bool = False
    per_second: float = 5.0
    hours: float = 24.0
    terms: str = ""
    site: str = ""

    @property
    def needs_key(self) -> bool:
        """Whether it answers only to accounts."""
        return "{key}" in self.zone

    @property
    def public_zone(self) -> str:
        """The zone as it may be shown: without the key."""
        return self.zone.replace("{key}.", "")


class Reading(NamedTuple):
    """What an answer says. `codes` are the return codes, `ttl` how many seconds it holds, `why` why it is none."""

    state: Literal["listed", "clean", "none"]
    codes: tuple[str, ...] = ()
    ttl: int = 0
    why: str = ""


CLEAN = Reading("clean")


class Standing(NamedTuple):
    """How far an entry is known: seen once, confirmed by a second answer, missed once, and gone.

    `again_at` is when it is to be asked again; None where the next sweep is soon enough.
    """

    seen_at: datetime
    again_at: datetime | None
    confirmed_at: datetime | None = None
    missing_since: datetime | None = None
    gone_at: datetime | None = None


def question(address: str, zone: str) -> str:
    """The name to ask: the address backwards, by octets or by nibbles, below the zone (sections 2.1 and 2.4)."""
    backwards = ip_address(address).reverse_pointer.rsplit(".", 2)[0]
    return f"{backwards}.{zone}"


def read_answer(addresses: Sequence[str], ttl: int = 0) -> Reading:
    """What the addresses of an answer say.

    An error code among them, or anything outside 127.0.0.0/8 (section 2.3: a resolver that makes names up), makes it no
    reading.
    """
    if not addresses:
        return Reading("none", why="it answers without an address")
    for one in addresses:
        wrong = _refusal(one)
        if wrong:
            return Reading("none", why=wrong)
    return Reading("listed", tuple(sorted(set(addresses), key=ip_address)), ttl)


def _refusal(address: str) -> str:
    number = IPv4Address(address)
    if number not in _LOOPBACK:
        return f"it answers {address}, which is no return code; does the resolver make names up?"
    if number in _REFUSALS:
        return _SAID.get(address, f"it refuses to answer ({address})")
    return "it refuses to answer (127.0.0.1)" if address == "127.0.0.1" else ""


def not_answering(listed: Reading, unlisted: Reading, family: int = 4) -> str:
    """What is wrong with a list by its test entries, or empty (section 5)."""
    must, must_not = TESTS[family]
    for reading in (listed, unlisted):
        if reading.state == "none":
            return f"not answering properly: {reading.why}"
    if unlisted.state == "listed":
        return f"not answering properly: it lists {must_not}, and so probably everything; nothing it says counts"
    if listed.state == "clean":
        return f"not answering properly: it does not list its test entry {must}; nothing it says counts"
    return ""


def meaning(codes: Sequence[Code], code: str) -> Code:
    """What a return code means by a list's own words."""
    found = next((one for one in codes if covers(one.codes, code)), None)
    return found or Code(code, "unknown", f"return code {code}, of which we do not know what it says")


def covers(pattern: str, code: str) -> bool:
    """Whether `127.0.0.4-7` covers a code. Raises ValueError for a pattern that is none."""
    first, is_range, last = pattern.partition("-")
    low = IPv4Address(first.strip())
    high = IPv4Address((int(low) & ~0xFF) | int(last)) if is_range else low
    return low <= IPv4Address(code) <= high


def accusing(codes: Sequence[Code], reading: Reading) -> tuple[str, ...]:
    """The codes of a reading that accuse the very address."""
    return tuple(one for one in reading.codes if meaning(codes, one).accuses == "address")


def shown_only(codes: Sequence[Code], reading: Reading) -> tuple[str, ...]:
    """The codes of a reading that accuse nobody."""
    return tuple(one for one in reading.codes if meaning(codes, one).accuses != "address")


def own_codes(text: str) -> tuple[Code, ...]:
    """The codes of an operator's own list that accuse addresses: `127.0.0.2, 127.0.0.4-7`.

    Raises ValueError for what is no code.
    """
    found = tuple(Code(one.strip(), "address", "listed") for one in text.split(",") if one.strip())
    for one in found:
        low = one.codes.partition("-")[0].strip()
        if not covers(one.codes, low) or _refusal(low):
            raise ValueError(f"{one.codes!r} is no return code")
    return found


def step(standing: Standing | None, *, listed: bool, at: datetime, wait: timedelta) -> Standing | None:
    """The standing after one more reading; None while an address that nothing was known of stays clean.

    What is seen is believed when it is still there at `again_at`, and what is missed is gone when it is still not there
    then: an answer in between says nothing new.
    """
    if standing is None or standing.gone_at is not None:
        return Standing(at, at + wait) if listed else standing
    if listed:
        return _still_there(standing, at)
    return _not_there(standing, at, wait)


def _still_there(one: Standing, at: datetime) -> Standing:
    if one.confirmed_at is not None:
        return one._replace(missing_since=None, again_at=None)
    due = one.again_at is None or at >= one.again_at
    return one._replace(confirmed_at=at, again_at=None) if due else one


def _not_there(one: Standing, at: datetime, wait: timedelta) -> Standing:
    if one.confirmed_at is None:
        return one._replace(gone_at=at, again_at=None)
    if one.missing_since is None:
        return one._replace(missing_since=at, again_at=at + wait)
    due = one.again_at is None or at >= one.again_at
    return one._replace(gone_at=at, again_at=None) if due else one


def sweep_words(addresses: int, per_second: float, every: timedelta) -> str:
    """How long a sweep takes, and what is wrong if that is longer than it may: said before it begins."""
    if not addresses:
        return "No service holds an address yet; what begins to be held is asked about from then on"
    takes = timedelta(seconds=addresses / per_second)
    said = f"{addresses:,} addresses at {per_second:g} a second take {_hours(takes)}"
    if takes > every:
        return f"{said}, longer than the {_hours(every)} between two sweeps: they follow one another without a pause"
    return f"{said}, every {_hours(every)}"


def _hours(length: timedelta) -> str:
    seconds = length.total_seconds()
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:,.0f} h"


def document(blocklist: Blocklist, identity: str, address: str, seen_at: datetime, says: str) -> bytes:
    """A confirmed entry as a report: one XARF v4 document, the same bytes for the same entry."""
    contact = {"org": blocklist.title, "contact": blocklist.organisation, "domain": blocklist.organisation}
    body: Mapping[str, object] = {
        "xarf_version": "4.2.0",
        "report_id": identity,
        "timestamp": format_instant(seen_at),
        "reporter": contact,
        "sender": contact,
        "source_identifier": address,
        "category": "reputation",
        "type": "blocklist",
        "threat_type": "blocklist_entry",
        # RFC 4501: it tells the entry of one list from that of another, and names no host that anybody would fetch.
        "url": f"dns:{question(address, blocklist.public_zone)}?type=A",
        "description": f"{address} is on {blocklist.title}: {says}",
    }
    return msgspec.json.format(msgspec.json.encode(body), indent=1)
