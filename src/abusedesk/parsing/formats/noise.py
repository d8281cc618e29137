"""Mail that accuses nobody: bounces, auto-replies, receipts, DMARC and TLS aggregate reports.

Told by structure and by what machines say of themselves (RFC 3464, RFC 3834, RFC 8098, RFC 7489, RFC 8460). Newsletters
are told apart from complaints only by their words, which free text does.
"""

import re

from abusedesk.parsing import archives, kinds
from abusedesk.parsing.mail import Part
from abusedesk.parsing.material import Format, Leaf, Material, unreported
from abusedesk.vocabulary.report import Reading

NAME = "noise"

_REPORT_TYPES = (
    ("delivery-status", "a bounce (delivery status notification)"),
    ("disposition-notification", "a read receipt"),
    ("tlsrpt", "a TLS aggregate report (RFC 8460)"),
)
_PART_TYPES = {
    "message/delivery-status": "a bounce (delivery status notification)",
    "message/global-delivery-status": "a bounce (delivery status notification)",
    "message/disposition-notification": "a read receipt",
    "application/tlsrpt+json": "a TLS aggregate report (RFC 8460)",
    "application/tlsrpt+gzip": "a TLS aggregate report (RFC 8460)",
    "text/calendar": "a calendar invitation",
}
_DAEMON = re.compile(r"(?i)mailer-?daemon|\bpost[-_ ]?master\b|mail delivery (?:sub)?system|mail administrator|mta@")
_BOUNCE = re.compile(
    r"(?i)undeliver|not be delivered|non[- ]?deliver|delivery (?:status|failure|has failed|"
    r"notification|report|problem|error)"
    r"|deliver(?:y|ed)?\W{0,3}fail|failure notice|fail(?:ed|ure)\b.{0,20}\bdeliver|returned (?:mail|"
    r"to sender|message)|mail system error"
    r"|returning message|bounce|mail (?:failed|delivery)|message (?:blocked|rejected)|"
    r"could not (?:send|deliver)|unzustellbar"
    r"|non remis|no se (?:ha )?pud[oi]|mail transaction fail|warning: message .{0,40} delayed|"
    r"error mail|are not (?:a )?member|unknown user|delayed mail"
)
_BOUNCE_WORDS = re.compile(
    r"(?i)\b55[0-4][ -]|\b5\.\d\.\d{1,2}\b|\b4\.\d\.\d{1,2}\b|user unknown|unknown user|"
    r"mailbox (?:unavailable|full|not found)"
    r"|no such (?:user|mailbox|recipient)|recipient (?:address )?rejected|quota|"
    r"could not be delivered|couldn'?t be delivered"
    r"|undeliverable|delivery (?:to the following|attempts|has failed)|not (?:a )?member|"
    r"original message (?:follows|header)|host unknown"
)
_AWAY = re.compile(
    r"(?i)^\s*(?:auto(?:matic|mated|matische)?[-: ]*(?:reply|response|antwort|re:)|"
    r"out of (?:the )?office|away from|abwesen|réponse automatique"
    r"|respuesta automática|risposta automatica|automatische? antwort|vacation"
    r"|自动回复|自動回覆|自動応答|автоответ|autoreply)"
)
_BLANKS = re.compile(r"\s+|\babuse\s")
_TELEMETRY_SUBJECT = re.compile(r"(?i)\breport[- ]domain:|\bdmarc aggregate|\btls[- ]?rpt\b|\bsmtp tls report")
_LOOP = re.compile(
    r"(?i)\bfeedback[- ]?loops?\b|\bfbl\b|\bjmrp\b|junk (?:e?-?mail )?reporting|"
    r"complaint feedback|spam (?:complaint )?reports"
)
_COMPLAINT = 3
"""Words of a complaint with which a mail may still be a programme's or a desk's own, and no complaint."""
_LOOP_MARKS = ("feedback", "fbl", "jmrp", "junk", "spam report", "spam complaint report")
_ENROLMENT = re.compile(
    r"(?i)\b(?:verif(?:y|ication)|confirm(?:ation)?|validat(?:e|ion))\b.{0,60}\b(?:code|link|address|mailbox|ownership|"
    r"enrol\w{0,5}|subscription|registration|request|application|account|domain|participation)|\benrol(?:l?ment|led|ling)\b|"
    r"\b(?:application|subscription|registration|request)\b.{0,60}\b(?:approved|accepted|activated|received|processed|denied|"
    r"being processed|confirmed|expire[sd]?)\b|\bauthori[sz]ation code\b"
)
_RECEIPT = re.compile(
    r"(?i)\b(?:we (?:have )?(?:just )?received|thank(?:s| you) for (?:submitting|sending|contacting|your)|receipt of|"
    r"has been (?:received|registered|created))\b.{0,40}\b(?:report|complaint|e-?mail|message|request|ticket|notice|"
    r"us\b|abuse)"
)
_WAITS = re.compile(
    r"(?i)\bautomat(?:ic|ed)\b|\bticket (?:number|id|no)|\bcase (?:number|id)|\bdo not reply\b|"
    r"\bwill (?:process|investigate|review|look into|handle|be (?:processed|reviewed|investigated|handled|in touch))"
)
_UNSUBSCRIBE = re.compile(r"(?i)^\s*(?:list[- ])?(?:un-?subscribe|opt[- ]?out)\b")


def read(material: Material) -> Reading | None:
    """What kind of noise the material is, or None where it may be a complaint."""
    kind = _telemetry(material) or (_by_structure(material) or _by_headers(material) if material.message else None)
    return unreported("not_a_report", NAME, kind, material.sender) if kind else None


def _telemetry(material: Material) -> str | None:
    if any(_is_dmarc(leaf) for leaf in material.leaves):
        return "a DMARC aggregate report"
    if any(_is_tls(leaf) for leaf in material.leaves):
        return "a TLS aggregate report (RFC 8460)"
    if material.message and _TELEMETRY_SUBJECT.search(material.subject) and _has_archive(material):
        return "a DMARC or TLS aggregate report"
    return None


def _by_structure(material: Material) -> str | None:
    declared = material.field("content-type").lower()
    if "multipart/report" in declared:
        for report_type, kind in _REPORT_TYPES:
            if report_type in declared:
                return kind
    return next(
        (_PART_TYPES[node.content_type] for node in _shallow(material) if node.content_type in _PART_TYPES), None
    )


def _by_headers(material: Material) -> str | None:
    headers = material.message.headers if material.message else {}
    if "x-failed-recipients" in headers or _is_bounce(material):
        return "a bounce"
    automatic = material.field("auto-submitted").lower()
    if automatic and automatic != "no" and _UNSUBSCRIBE.match(material.subject):
        return "a machine's request to leave a list"
    if _is_enrolment(material):
        return "a feedback loop's own mail about taking part in it (RFC 6449 section 3.6.2)"
    if _is_receipt(material):
        return "a confirmation that a report was received"
    answers = automatic.startswith("auto-replied") or "x-autoreply" in headers or "x-autorespond" in headers
    if answers or "auto_reply" in material.field("precedence").lower() or _AWAY.match(material.subject):
        return "an automatic reply"
    return None


def _tells_of_failure(material: Material) -> bool:
    """A postmaster may be a person too: whoever complains in the subject quotes such words from a log."""
    return not kinds.complaint(material.subject[:500]) and _BOUNCE_WORDS.search(material.text[:8000]) is not None


def _is_enrolment(material: Material) -> bool:
    """Programmes ask the operator to confirm; a mail that carries another mail is a report of theirs instead."""
    opening = f"{material.subject[:500]}\n{material.text[:3000]}".lower()
    if not any(mark in opening for mark in _LOOP_MARKS) or material.embedded or not _LOOP.search(opening):
        return False
    asked = {found.group().lower() for found in _ENROLMENT.finditer(opening)}
    is_asked = _ENROLMENT.search(material.subject[:500]) is not None or len(asked) > 1
    return is_asked and kinds.complaint(opening) <= _COMPLAINT


def _is_receipt(material: Material) -> bool:
    """Another desk thanks for a report of ours: it says what it got, not what somebody did."""
    opening = f"{material.subject[:300]}\n{material.text[:600]}"
    if not _RECEIPT.search(opening) or "your report" not in _BLANKS.sub(" ", opening.lower()):
        return False
    return _WAITS.search(opening) is not None and kinds.complaint(opening) <= _COMPLAINT


def _is_bounce(material: Material) -> bool:
    """A daemon that writes of a failed delivery; or anybody who does so with no address to answer to."""
    sender = f"{material.field('from')} {material.field('return-path')}"[:500]
    is_nobody = material.field("return-path").strip() == "<>"
    says_so = bool(_BOUNCE.search(material.subject[:500]))
    if _DAEMON.search(sender) and (says_so or _tells_of_failure(material)):
        return True
    return says_so and (is_nobody or bool(_BOUNCE_WORDS.search(material.text[:8000])))


def _shallow(material: Material) -> list[Part]:
    """The parts of the mail itself, not those of a mail that it carries."""
    found: list[Part] = []
    stack = [material.message] if material.message else []
    while stack:
        part = stack.pop()
        found.append(part)
        if not part.is_message:
            stack.extend(part.children)
    return found


def _is_dmarc(leaf: Leaf) -> bool:
    head = leaf.content[:4096]
    return b"<feedback" in head and (b"report_metadata" in head or b"policy_published" in leaf.content[:16384])


def _is_tls(leaf: Leaf) -> bool:
    head = leaf.content[:16384]
    return head.lstrip()[:1] == b"{" and b'"organization-name"' in head and b'"policies"' in head


def _has_archive(material: Material) -> bool:
    packed = (".zip", ".gz", ".xml", ".json", ".gzip")
    return any(
        archives.is_archive(leaf.content) or leaf.name.lower().endswith(packed) or "zip" in leaf.content_type
        for leaf in material.leaves
    )


FORMAT = Format(NAME, 15, read)
