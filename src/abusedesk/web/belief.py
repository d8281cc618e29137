"""What speaks for a report, in the words of the screens. Pure: evidence in, lines out."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from abusedesk.vocabulary.evidence import Evidence


class Fact(NamedTuple):
    """One thing that was found: what it is called, and what it is."""

    name: str
    text: str


def facts_of(stored: Mapping[str, Any]) -> list[Fact]:
    """What was found about a report, the strongest first; what was not is left out."""
    evidence = msgspec.convert(stored or {}, Evidence)
    return [Fact(name, text) for name, text in (*_proofs(evidence), *_doubts(evidence), *_marks(evidence)) if text]


def _proofs(one: Evidence) -> list[tuple[str, str]]:
    tried = [(f"DKIM of {each.domain}", f"{each.result}, selector {each.selector}") for each in one.dkim]
    if one.signed_by and not tried:
        tried = [(f"DKIM of {one.signed_by}", "holds")]
    forwarded = f"saw a signature of {one.forwarded_for} hold" if one.forwarded_for else ""
    spf = f"{one.spf} for {one.spf_domain}, as {one.spf_by} saw it" if one.spf else ""
    return [
        ("Sensor", one.sensor),
        ("Listing", f"confirmed by a query to {one.listing}" if one.listing else ""),
        ("API key", "of the reporter" if one.api_key else ""),
        ("Feed", one.feed),
        ("Signed with", one.key),
        *tried,
        (f"ARC seal of {one.forwarded_by}", forwarded),
        ("SPF", spf),
    ]


def _doubts(one: Evidence) -> list[tuple[str, str]]:
    return [
        ("Reporter", "muted" if one.muted else "known" if one.known else "not known"),
        ("Doubt about time or holder", one.time_doubt),
        ("Doubt about its record", one.record_doubt),
    ]


def _marks(one: Evidence) -> list[tuple[str, str]]:
    return [
        ("Organisation", one.organisation),
        ("Registered domain", one.domain),
        ("Network", one.network),
        ("Digest of its text", one.copy[:12]),
    ]
