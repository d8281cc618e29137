"""ARF feedback reports (RFC 5965), authentication failures (RFC 6591), and the dialects of feedback loops."""

import re
from datetime import datetime

from abusedesk.parsing import hosts, instants, mail, received
from abusedesk.parsing.material import Format, Material, reported, unreported
from abusedesk.vocabulary.report import Event, Reading

NAME = "arf"

_CATEGORIES = {
    "abuse": "messaging/spam",
    "fraud": "content/phishing",
    "virus": "content/malware",
    "miscategorized": "messaging/spam",
    "spam": "messaging/spam",
    "phishing": "content/phishing",
    "other": "messaging/spam",
}
_TELEMETRY = {
    "auth-failure": "an authentication failure report (RFC 6591): it accuses nobody",
    "not-spam": "a not-spam report (RFC 6430): the recipient takes the complaint back",
    "opt-out": "an opt-out, not a complaint",
    "opt-out-list": "an opt-out, not a complaint",
    "dmarc": "an authentication failure report: it accuses nobody",
}
_TRANSPORT = frozenset({"xarf", "x-arf"})
_TYPES = frozenset({"message/feedback-report", "text/feedback-report", "application/feedback-report"})
_ABOUT = re.compile(
    r"(?i)\b(?:received from|message from|complaint about|report for)\s[^\n]{0,40}?(?:IP(?:\saddress)?\s)?"
    r"\[?((?:\d{1,3}\.){3}\d{1,3}|[0-9a-f:]{6,45})\]?(?![\w.]\w)"
)
_LOOP_SUBJECT = re.compile(r"(?i)^\s*(?:complaint about message from|(?:e-?mail |abuse )?feedback (?:loop )?report)")


def read(material: Material) -> Reading | None:
    """The reading of a feedback report, or None where the mail is none."""
    if material.message is None:
        return None
    part = next((node for node in material.nodes if node.content_type in _TYPES), None)
    if part is not None:
        return _reading(material, _fields(part))
    if "feedback-report" in material.field("content-type").lower():
        return _without_part(material)
    return _reading(material, {}) if _is_bare_loop(material) else None


def _reading(material: Material, fields: dict[str, list[str]]) -> Reading | None:
    kind = _one(fields, "feedback-type").lower().strip()
    if kind in _TRANSPORT:
        return None
    if kind in _TELEMETRY or _one(fields, "auth-failure"):
        return unreported("not_a_report", NAME, _TELEMETRY.get(kind, _TELEMETRY["auth-failure"]), material.sender)
    if "received-date" in fields and "arrival-date" in fields:
        fields = {**fields, "received-date": []}
    original = material.embedded[0] if material.embedded else None
    source, at = _source_and_time(material, fields, original)
    if source is None:
        return unreported("needs_review", NAME, "the feedback report names no source", material.sender)
    event = Event(
        _CATEGORIES.get(kind, "messaging/spam"),
        source,
        hosts.port(_one(fields, "source-port")),
        _url(fields),
        at,
        _incidents(_one(fields, "incidents")),
        evidence=_extract(original),
    )
    return reported(NAME, material.sender, [event], _reference(fields, original))


def _without_part(material: Material) -> Reading | None:
    """A report whose middle part got lost: its words and the message in it say the same."""
    inline = _inline_fields(material.text)
    kind = _one(inline, "feedback-type").lower()
    if kind in _TELEMETRY or "auth-failure" in material.text[:20000].lower():
        return unreported("not_a_report", NAME, _TELEMETRY["auth-failure"], material.sender)
    if re.search(r"(?i)\b(?:spf|dkim|dmarc)\b.{0,40}\bfail", f"{material.subject}\n{material.text[:5000]}"):
        return unreported("not_a_report", NAME, _TELEMETRY["auth-failure"], material.sender)
    return _reading(material, inline)


def _is_bare_loop(material: Material) -> bool:
    """Some loops send no report part at all: a mail that carries nothing but the complained-of mail."""
    if not material.embedded or material.text.strip():
        return False
    original = material.embedded[0].headers
    return (
        "x-reporter-ip" in original
        or "x-hmxmroriginalrecipient" in original
        or bool(_LOOP_SUBJECT.match(material.subject))
    )


def _fields(part: mail.Part) -> dict[str, list[str]]:
    """The fields of the report part, in base64 or with stray empty lines as some agents send them."""
    text = part.text
    if part.children and not text.strip():
        text = part.children[0].text
    found = _collected(text)
    if not found and part.children:
        return part.children[0].headers
    return found


def _inline_fields(text: str) -> dict[str, list[str]]:
    start = text.lower().find("feedback-type:")
    return _collected(text[max(0, start - 2000) : start + 4000]) if start >= 0 else {}


def _collected(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in mail.fields(text[: mail.HEADER_LIMIT]):
        found.setdefault(name, []).append(value)
    return found


def _source_and_time(
    material: Material, fields: dict[str, list[str]], original: mail.Part | None
) -> tuple[str | None, datetime | None]:
    """RFC 5965 section 2 (g) trusts the message most, but its Received fields need interpretation: the field first."""
    at = _time(fields, "arrival-date") or _time(fields, "received-date")
    source = hosts.address(_one(fields, "source-ip").split(" ")[0])
    entry = received.entry(original.headers.get("received", [])) if original and not (source and at) else None
    words = None if source else _in_words(material)
    source = source or words or (entry.address if entry else None) or _domain(fields)
    if at is None:
        at = (entry.at if entry else None) or _sent(material, original)
    return source, at


def _sent(material: Material, original: mail.Part | None) -> datetime | None:
    sent = instants.rfc5322(original.first("date")) if original and original.first("date") else None
    return sent or material.date


def _in_words(material: Material) -> str | None:
    for text in (material.subject, material.text[:5000]):
        for match in _ABOUT.finditer(text):
            found = hosts.address(match.group(1))
            if found:
                return found
    return None


def _domain(fields: dict[str, list[str]]) -> str | None:
    name = _one(fields, "reported-domain").lower().strip()
    return name if hosts.is_host(name) else hosts.host_of(_url(fields) or "")


def _time(fields: dict[str, list[str]], name: str) -> datetime | None:
    value = _one(fields, name)
    return (instants.rfc5322(value) or instants.stated(value)) if value else None


def _url(fields: dict[str, list[str]]) -> str | None:
    value = _one(fields, "reported-uri").strip("<> ")
    return value if value.lower().startswith(("http://", "https://")) else None


def _reference(fields: dict[str, list[str]], original: mail.Part | None) -> str | None:
    value = _one(fields, "original-envelope-id") or (original.first("message-id") if original else "")
    return value.strip("<> ")[:200] or None


def _extract(original: mail.Part | None) -> str:
    if original is None:
        return ""
    wanted = ("from", "subject", "date", "message-id")
    return "\n".join(f"{name}: {original.first(name)[:200]}" for name in wanted if original.first(name))


def _one(fields: dict[str, list[str]], name: str) -> str:
    values = fields.get(name)
    return values[0] if values else ""


def _incidents(value: str) -> int:
    return max(1, int(value)) if value.isascii() and value.isdigit() and len(value) < 8 else 1


FORMAT = Format(NAME, 10, read)
