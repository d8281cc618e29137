"""Whether receivers can tell a brand's mail from a forged one: DKIM, SPF and DMARC of its sender's domain, in words.

DMARC (RFC 7489, section 3.1) is met by a DKIM signature of the domain in From, or by SPF of an envelope sender in it.
The desk signs with a key of that very domain, or not at all; so what is looked at is whether there is a key, whether
the DNS has the same one, and what SPF and DMARC say.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from abusedesk.actuators import signature
from abusedesk.desk.hearing.tokens import answer_address
from abusedesk.problem import Problem

if TYPE_CHECKING:
    from abusedesk.desk.requests.facts import Gathered
    from abusedesk.records.models import Brand


class Remark(NamedTuple):
    """One thing that was looked at: `ok`, `wrong` where mail suffers from it, `note` where it could be better."""

    subject: Literal["dkim", "spf", "dmarc"]
    state: Literal["ok", "note", "wrong"]
    text: str


def look(brand: "Brand", folder: Path, *, ask_dns: bool) -> list[Remark]:
    """What is to be said of a brand's mail; `folder` is where the signing keys lie. Asks the DNS where it may."""
    domain, key = brand.sender.rpartition("@")[2].lower(), signature.key_for(brand.sender, folder)
    found = _asked(domain, key.selector if key else "") if ask_dns else None
    return [_dkim(domain, key, found), *_spf(domain, brand, found), *_dmarc(domain, found)]


def _asked(domain: str, selector: str) -> "Gathered | None":
    import dns.exception  # noqa: PLC0415 - only an installation that may ask the DNS pays for it

    from abusedesk.desk.requests.gather import gather  # noqa: PLC0415

    try:
        return gather(domain, selector or "default", ())
    except dns.exception.DNSException:
        return None


def _dkim(domain: str, key: signature.Key | None, found: "Gathered | None") -> Remark:
    if key is None:
        do = f"run `abusedesk dkim new {domain}` and publish the record"
        return Remark("dkim", "note", f"mail from {domain} is not signed, so DMARC rests on SPF alone; {do}")
    try:
        ours = signature.record(key)
    except Problem as problem:
        return Remark("dkim", "wrong", str(problem))
    there = next((one.text for one in found.keys if one.selector == key.selector), None) if found else None
    if there is None:
        return Remark(
            "dkim", "note", f"signed by {key.name}, aligned with From; the DNS was not asked or did not answer"
        )
    if _public(there) != _public(ours):
        what = f"{key.name} has another key" if there else f"{key.name} has no key"
        return Remark("dkim", "wrong", f"{what} in the DNS, so no signature holds; publish: {ours}")
    return Remark("dkim", "ok", f"signed by {key.name}, aligned with From, and the DNS has its key")


def _public(record: str) -> str:
    """The key in a record (RFC 6376, section 3.6.1), whatever stands around it."""
    tags = (part.partition("=") for part in record.split(";"))
    return next(("".join(value.split()) for name, _, value in tags if name.strip() == "p"), "")


def _spf(domain: str, brand: "Brand", found: "Gathered | None") -> Iterator[Remark]:
    envelope = answer_address(brand).rpartition("@")[2].lower()
    if envelope != domain and not f".{envelope}".endswith(f".{domain}") and not f".{domain}".endswith(f".{envelope}"):
        text = f"bounces go to {envelope}, which is not of {domain}: SPF alone does not meet DMARC"
        yield Remark("spf", "note", text)
    if found is None or found.spf is None:
        yield Remark("spf", "note", f"whether {domain} has an SPF record is not known: the DNS gave no answer")
    elif not found.spf:
        do = "publish one that names the hosts that send your mail, such as v=spf1 mx ~all"
        yield Remark("spf", "wrong", f"{domain} has no SPF record; {do}")
    elif len(found.spf) > 1:
        yield Remark("spf", "wrong", f"{domain} has {len(found.spf)} SPF records, and then none counts; keep one")
    else:
        yield Remark("spf", "ok", f"{domain} has an SPF record: {found.spf[0]}")


def _dmarc(domain: str, found: "Gathered | None") -> Iterator[Remark]:
    if found is None or found.dmarc is None:
        yield Remark("dmarc", "note", f"whether {domain} has a DMARC record is not known: the DNS gave no answer")
        return
    if not found.dmarc:
        do = f"publish one at _dmarc.{domain}, v=DMARC1; p=none to begin with"
        yield Remark("dmarc", "wrong", f"{domain} has no DMARC record, so anybody may send notices in its name; {do}")
        return
    record = found.dmarc[0]
    tags = {name.strip().lower(): value.strip().lower() for name, _, value in map(_tag, record.split(";"))}
    policy = tags.get("sp", tags.get("p", "")) if found.dmarc_at != domain else tags.get("p", "")
    if policy in {"quarantine", "reject"}:
        yield Remark("dmarc", "ok", f"{found.dmarc_at} asks receivers to {policy} what fails")
    else:
        text = (
            f"{found.dmarc_at} asks receivers for nothing (p={policy or '?'}); with quarantine or reject forged notices"
        )
        yield Remark("dmarc", "note", f"{text} reach fewer customers")


def _tag(part: str) -> tuple[str, str, str]:
    return part.partition("=")
