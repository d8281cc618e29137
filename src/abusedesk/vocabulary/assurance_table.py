"""The page that says which evidence gives which assurance: worked out by `grade` itself, so that it cannot drift."""

from typing import NamedTuple

from msgspec.structs import replace

from abusedesk.vocabulary.evidence import DOUBTED_FROM, Evidence, Signature, grade, record_doubt

_KNOWN = Evidence("CERT Example", known=True)
_SIGNED = replace(_KNOWN, signed_by="cert.example.org")
_FAILED = (Signature("cert.example.org", "s1", "does not hold"),)
_RECORD = record_doubt(1, DOUBTED_FROM)


class Situation(NamedTuple):
    """What was found about a report, in words and as evidence."""

    words: str
    evidence: Evidence


SITUATIONS: tuple[Situation, ...] = (
    Situation("nothing: a sender whom nobody knows", Evidence("somebody@example.com")),
    Situation(
        "a DKIM signature that holds, of a sender whom nobody knows",
        Evidence("somebody@example.com", signed_by="example.com"),
    ),
    Situation("the name of a known reporter, without a signature", _KNOWN),
    Situation("a known reporter's DKIM signature that does not hold", replace(_KNOWN, dkim=_FAILED)),
    Situation("a known reporter's domain, and SPF passes", replace(_KNOWN, spf="pass", spf_domain="cert.example.org")),
    Situation("an aligned DKIM signature that holds, of a known reporter's domain", _SIGNED),
    Situation(
        "an ARC seal of a trusted forwarder, which saw such a signature hold",
        replace(_KNOWN, forwarded_by="lists.example.net", forwarded_for="cert.example.org"),
    ),
    Situation("an ARC seal of a trusted forwarder, which saw none", replace(_KNOWN, forwarded_by="lists.example.net")),
    Situation(
        "an OpenPGP or S/MIME signature by a key on the known reporter's record",
        replace(_KNOWN, key="OpenPGP key 0EFBD00C9F6FD771"),
    ),
    Situation("an API key of the reporter", Evidence("CERT Example", api_key=True)),
    Situation("a channel that only this reporter fills", Evidence("CERT Example", feed="cert-folder")),
    Situation("the provider's own sensor", Evidence("edge-1", sensor="edge-1")),
    Situation("a listing that somebody tells of, however well signed", replace(_SIGNED, is_listing=True)),
    Situation(
        "a listing that a query of the desk's own confirmed",
        Evidence("bl.example.org", is_listing=True, listing="bl.example.org"),
    ),
    Situation("any proof, of a reporter that is muted", replace(_SIGNED, muted=True)),
    Situation(
        "any proof, of an event without a time, in the future or long past",
        replace(_SIGNED, time_doubt="it names no time"),
    ),
    Situation("a signature or key, of a reporter that is often rejected", replace(_SIGNED, record_doubt=_RECORD)),
)


def page() -> str:
    """The page as Markdown."""
    rows = "\n".join(_row(one) for one in SITUATIONS)
    return f"{_HEAD}\n| found | assurance | reason, as the case shows it |\n|---|---|---|\n{rows}\n\n{_REST}"


def _row(one: Situation) -> str:
    assurance, reason = grade(one.evidence)
    return f"| {one.words} | `{assurance}` | {reason} |"


_HEAD = """\
# Which evidence gives which assurance

This page is made from the grading function itself (`abusedesk.vocabulary.evidence.grade`) by `make assurance`; a test
checks that it says what the function does. What each assurance orders stands in the policy of the brand.

Each row is one kind of evidence. Where several are found, the best counts; no further evidence ever lowers a report,
and no doubt ever raises one.
"""

_REST = f"""\
`corroborated` is also what two reports become that stand beside each other on the same service, abuse type and
occurrence, each at least `authenticated` and from independent voices; the report then names the other voice beside what
proved its own. `verified` is what staff confirm.

## When two voices are independent

They have nothing of this in common, as far as it is known of both:

| mark | what it is |
|---|---|
| organisation | as the reporter's record says it |
| registered domain | of the sender: what lies directly below a public suffix, by the list that this release carries |
| network | the /24 or /48 that handed the mail to the desk's own door, or to the servers of the house before it, as \
their `Received` fields tell; relays of the house (`mail_relays`) and trusted forwarders are looked through |
| copy | the text of the mail without header and frames: who sends another's words is no second voice |

## When a record speaks against a reporter

From {DOUBTED_FROM} reports on that staff rejected (setting `reporter_doubt`), as long as they rejected more of a
reporter's reports than they confirmed, its signature or key is worth nothing. What comes then goes to a person, and
counts again as soon as they have confirmed as many. A sensor and a confirmed listing are not touched by it.

## What a signature has to cover

A DKIM or ARC signature counts only for what was read from the mail: where a header field that tells of the complaint
was not covered, the mail is read again without it, and both readings must agree. A signature with a body length (`l=`),
with SHA-1, or under a key that can be neither found on the record nor in the DNS counts for nothing. Of an OpenPGP or
S/MIME signature the signed part alone is read again, in the same way. Nothing but the DNS is ever asked because of a
message, and that for known reporters only.

## Why SPF is not enough

SPF says that a server may send for a domain. Shared servers send for many customers, and any of them may write any From
of the others, so a pass proves the way and not the author. It is kept and shown, for whoever judges the report.
"""


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
