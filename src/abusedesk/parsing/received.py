"""Received chains (RFC 5321 section 4.4): which hop handed the mail to the reporter's network."""

import re
from datetime import datetime
from typing import NamedTuple

from abusedesk.parsing import hosts, instants

_FIELD = re.compile(rb"(?im)^received[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)")
_HEAD = 64 * 1024
_FROM = re.compile(r"(?i)^\s*\(?from\s+(\S{1,255})")
_BY = re.compile(r"(?i)\bby\s+(\S{1,255})")
_SECOND_LEVEL = frozenset({"co", "com", "net", "org", "gov", "edu", "ac", "or", "ne", "gob", "go"})


class Hop(NamedTuple):
    """One Received field: the address and name it came from, the name that took it, and when."""

    address: str | None
    name: str
    by: str
    at: datetime | None


def fields_of(data: bytes, most: int = 10) -> list[str]:
    """The values of a mail's first Received fields, the newest first."""
    head = data[:_HEAD].partition(b"\r\n\r\n")[0].partition(b"\n\n")[0]
    found = (one[1] for _, one in zip(range(most), _FIELD.finditer(head), strict=False))
    return [" ".join(one.decode("utf-8", "replace").split()) for one in found]


def hop(value: str) -> Hop:
    """What one Received field says; the address is the one the receiver saw, not the one the sender greeted with."""
    value = value[:2000]
    clause = value.partition(";")[0]
    by = _BY.search(clause)
    before = clause[: by.start()] if by else clause
    came_from = _FROM.search(before)
    found = [address for address, _, _ in hosts.addresses(before)] if came_from else []
    return Hop(
        _seen_address(before, found),
        came_from.group(1).strip("()[];,").lower() if came_from else "",
        by.group(1).strip("()[];,").lower() if by else "",
        instants.rfc5322(value.rpartition(";")[2].strip()) if ";" in value else None,
    )


def entry(values: list[str]) -> Hop | None:
    """The hop at which the mail entered the network that reports it; the newest field comes first.

    Fields below that hop are the sender's word and may be forged; fields above are the reporter's own relays.
    """
    hops = [one for one in map(hop, values[:60]) if one.address]
    own = domain(next((one.by for one in map(hop, values[:60]) if one.by), ""))
    for one in hops:
        foreign = not own or domain(one.name) != own
        if foreign and hosts.is_holdable(one.address or ""):
            return one
    return next((one for one in hops if not _is_loopback(one.address or "")), None)


def domain(name: str) -> str:
    """The registered part of a host name, near enough for comparing two names of one network."""
    labels = name.strip(".[]").lower().split(".")
    if len(labels) > 2 and labels[-2] in _SECOND_LEVEL and len(labels[-1]) == 2:
        return ".".join(labels[-3:])
    return ".".join(labels[-2:]) if hosts.address(name) is None else name


def _seen_address(clause: str, found: list[str]) -> str | None:
    """In `from NAME (REVERSE [ADDRESS])` the bracketed address is what the receiver saw; else the last one."""
    bracketed = [hosts.address(text) for text in re.findall(r"\[([^\]\s]{3,50})\]", clause)]
    seen = [one for one in bracketed if one]
    return seen[-1] if seen else (found[-1] if found else None)


def _is_loopback(address: str) -> bool:
    return address == "::1" or address.startswith("127.")
