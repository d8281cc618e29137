"""ACNS 2.0 and 2.1 copyright notices (acns.net): XML in the words of a mail or attached to it.

Read tag by tag instead of by an XML parser: senders forget to escape `&`, wrap the XML in PGP, and entities must not be
resolved.
"""

import re
from collections.abc import Iterator
from html import unescape
from itertools import pairwise

from abusedesk.parsing import hosts, instants, legal
from abusedesk.parsing.material import TEXT_LIMIT, Format, Material, reported, unreported
from abusedesk.vocabulary.report import Event, Reading

NAME = "acns"

_P2P = re.compile(r"(?i)torrent|p2p|emule|edonkey|gnutella|kad|directconnect|ares|limewire")
_OPEN = re.compile(r"<(?:\w{1,20}:)?(Infringement|Detection)[\s>]")
_TAG = re.compile(r"<(?:\w{1,20}:)?(\w{1,40})(?:\s[^<>]{0,500})?>([^<]{0,4000})</")
_OTHER_MESSAGES = re.compile(r"<(?:\w{1,20}:)?(CounterNotice|NoticeAck|NoticeStatus|StatusRequest|StatusUpdate)[\s>]")


def read(material: Material) -> Reading | None:
    """The reading of all notices in the material, or None where there is none."""
    texts = [
        leaf.text[:TEXT_LIMIT] for leaf in material.leaves if b"nfringement" in leaf.content or b"acns" in leaf.content
    ]
    notices = [fields for text in texts for fields in _notices(text)]
    if not notices:
        other = next((found for text in texts if "acns.net" in text and (found := _OTHER_MESSAGES.search(text))), None)
        return unreported("not_a_report", NAME, f"an ACNS {other[1]}, not a notice", material.sender) if other else None
    events = list(dict.fromkeys(event for fields in notices if (event := _event(fields)) is not None))
    if not events:
        return unreported("rejected", NAME, "claims to be ACNS, but its Source names no address", material.sender)
    notice = legal.notice("\n".join(texts), events)
    reporter = notices[0].get("complainant.email", "").lower() or material.sender
    return reported(NAME, reporter, events, notices[0].get("case.id"), notices[0].get("item.title", ""), notice=notice)


def _notices(text: str) -> Iterator[dict[str, str]]:
    if "acns" not in text.lower() and "<Complainant" not in text:
        return
    starts = [match.start() for match in _OPEN.finditer(text)][:200]
    for start, end in pairwise([*starts, len(text)]):
        fields = _fields(text[start:end])
        if "case.id" in fields or any(name.startswith("source.") for name in fields):
            yield fields


def _fields(xml: str) -> dict[str, str]:
    """Each value under the name of the section it stands in; the first of its kind counts."""
    sections = [
        (match.start(), match.group(1).lower())
        for match in re.finditer(
            r"<(?:\w{1,20}:)?(Case|Complainant|Service_Provider|Source|Content|Item|History)[\s>]", xml
        )
    ]
    found: dict[str, str] = {}
    for match in _TAG.finditer(xml):
        section = next((name for start, name in reversed(sections) if start <= match.start()), "")
        value = unescape(match.group(2)).strip()
        if value:
            found.setdefault(f"{section}.{match.group(1).lower()}", value)
    return found


def _event(fields: dict[str, str]) -> Event | None:
    source = next((found for name in ("ip_address", "ipv6", "dns_name") if (found := _source(fields, name))), None)
    url = fields.get("source.url") or fields.get("item.url")
    if source is None and url:
        source = hosts.host_of(url) if "://" in url else None
    if source is None:
        return None
    kind = fields.get("source.type", "") + fields.get("source.subtype", "")
    return Event(
        "copyright/p2p" if _P2P.search(kind) else "copyright/copyright",
        source,
        hosts.port(fields.get("source.port", "")),
        url if url and "://" in url[:8] else None,
        instants.stated(fields.get("source.timestamp", "") or fields.get("item.timestamp", "")),
        evidence=f"{fields.get('item.title', '')} {fields.get('item.filename', '')}".strip()[:500],
    )


def _source(fields: dict[str, str], name: str) -> str | None:
    return hosts.source(fields.get(f"source.{name}", ""))


FORMAT = Format(NAME, 35, read)
