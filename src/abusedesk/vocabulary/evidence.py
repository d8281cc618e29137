"""What speaks for a report, what that is worth, and when two voices are independent.

The grades are those of the clauses' shared vocabulary. `grade` is one pure function over one `Evidence`, which is kept
with the report as it is: so its assurance and the reason can be worked out again from what is stored.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from abusedesk.vocabulary.assurance import Assurance

DOUBTED_FROM = 5
"""So many reports of a reporter must have been rejected before its record speaks against it. A setting changes it."""


class Signature(msgspec.Struct, frozen=True, omit_defaults=True):
    """A DKIM signature (RFC 6376) that was tried: whose, and what came of it in words ("holds", "does not hold" …)."""

    domain: str
    selector: str
    result: str


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything gathered about one report. Whatever is not known is empty.

    Who it is: `reporter` by name, its `organisation`; `known` and `muted` by its record.
    Who vouches: `api_key`, whether it came under the reporter's own key; `feed`, the channel that only this reporter
    fills; `signed_by`, the domain of an aligned DKIM signature that holds and belongs to the reporter; `forwarded_by`,
    the trusted forwarder whose ARC seal holds (RFC 8617) and which saw such a signature of `forwarded_for`; `key`, the
    reporter's OpenPGP key or S/MIME certificate that signed all that was read; `sensor`, the provider's own that saw
    it; `listing`, the blocklist whose entry a query of ours confirmed.
    What else was seen: `dkim`, every signature tried; `spf`, the result of RFC 7208 for `spf_domain`, as `spf_by` found
    it (a server whose word is trusted, or "the desk").
    What speaks against it: `time_doubt`, `record_doubt`. `is_listing` tells a listing from other complaints.
    What it has in common with others: the `domain` registered, the `network` it came from, the `copy` it may be of.
    """

    reporter: str = ""
    organisation: str = ""
    known: bool = False
    muted: bool = False
    api_key: bool = False
    feed: str = ""
    signed_by: str = ""
    forwarded_by: str = ""
    forwarded_for: str = ""
    key: str = ""
    sensor: str = ""
    listing: str = ""
    is_listing: bool = False
    dkim: tuple[Signature, ...] = ()
    spf: str = ""
    spf_domain: str = ""
    spf_by: str = ""
    time_doubt: str = ""
    record_doubt: str = ""
    domain: str = ""
    network: str = ""
    copy: str = ""


class Marks(NamedTuple):
    """By what two voices may be one: organisation, registered domain, network and text. Empty marks tell nothing."""

    organisation: str
    domain: str = ""
    network: str = ""
    copy: str = ""


def grade(evidence: Evidence) -> tuple[Assurance, str]:
    """The assurance of a single report, and why in words that begin with it."""
    if evidence.time_doubt:
        return "unverified", f"unverified, for {evidence.time_doubt}"
    if evidence.muted:
        return "unverified", f"unverified: {evidence.reporter} is muted"
    if evidence.is_listing:
        return _listing(evidence)
    if evidence.sensor:
        return "verified", f"verified: seen by the provider's own sensor {evidence.sensor}"
    return _complaint(evidence, ground_of(evidence))


def ground_of(evidence: Evidence) -> str:
    """What proves that the reporter is who it says, in words; empty where nothing does."""
    if evidence.api_key:
        return f"it came under the API key of {evidence.reporter}"
    if evidence.feed:
        return f"it came by {evidence.feed}, which only {evidence.reporter} fills"
    return _signature(evidence) if evidence.known else ""


def _signature(evidence: Evidence) -> str:
    if evidence.signed_by:
        return f"signed by {evidence.signed_by}, a known reporter"
    if evidence.key:
        return f"signed with {evidence.key} of {evidence.reporter}"
    if evidence.forwarded_by and evidence.forwarded_for:
        return f"{evidence.forwarded_by}, a trusted forwarder, saw a signature of {evidence.forwarded_for} that held"
    return ""


def _complaint(evidence: Evidence, ground: str) -> tuple[Assurance, str]:
    if not ground:
        return "unverified", f"unverified: {_why_not(evidence)}"
    if evidence.record_doubt:
        return "unverified", f"unverified, for {evidence.record_doubt}, though {ground}"
    return "authenticated", f"authenticated: {ground}"


def _listing(evidence: Evidence) -> tuple[Assurance, str]:
    if evidence.listing:
        return "corroborated", f"corroborated: a query of ours confirmed the entry on {evidence.listing}"
    return "unverified", "unverified: a listing counts when a query of ours confirms it"


def _why_not(evidence: Evidence) -> str:
    if not evidence.known:
        return "anybody could have written it"
    named = f"it names {evidence.reporter}, a known reporter, but no valid signature vouches for it"
    failed = next((one for one in evidence.dkim if one.result != "holds"), None)
    if failed is not None:
        named += f" (the signature of {failed.domain} {failed.result})"
    if evidence.spf == "pass":
        named += f"; SPF passes for {evidence.spf_domain}, but a server may send for many"
    return named


def record_doubt(confirmed: int, rejected: int, doubted_from: int = DOUBTED_FROM) -> str:
    """Why a reporter's record speaks against it, in words; empty where it does not.

    It does from `doubted_from` rejected reports on, while more were rejected than confirmed. 0 never doubts.
    """
    if doubted_from and rejected >= doubted_from and rejected > confirmed:
        return f"staff rejected {rejected} of the {confirmed + rejected} reports of this reporter that they judged"
    return ""


def marks_of(evidence: Mapping[str, Any]) -> Marks:
    """The marks in evidence as it is stored."""
    return Marks(*(str(evidence.get(name) or "") for name in Marks._fields))


def corroboration(evidence: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Why a report beside an independent one is corroborated, in words, from the evidence of both as it is stored."""
    mine, theirs = msgspec.convert(evidence, Evidence), msgspec.convert(other, Evidence)
    ground = _ground_in_words(mine)
    return f"corroborated: {theirs.reporter}, a voice independent of it, tells of the same; {ground}"


def _ground_in_words(evidence: Evidence) -> str:
    assurance, reason = grade(evidence)
    return reason.removeprefix(f"{assurance}: ")


def independent(one: Marks, other: Marks) -> bool:
    """Whether two voices have nothing in common that is known of both. A voice without organisation counts for none."""
    if not one.organisation or not other.organisation:
        return False
    return not any(mine and mine == theirs for mine, theirs in zip(one, other, strict=True))
