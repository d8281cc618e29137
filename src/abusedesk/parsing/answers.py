"""What a mail says of itself as an answer to one of ours: a person's reply, a machine's, or a bounce.

Pure, and by headers and structure first (RFC 3834, RFC 3464, RFC 5321 section 4.5.5, RFC 8098). Where the signs
contradict each other the answer is `doubtful`, and a person reads it.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from abusedesk.parsing import quoting
from abusedesk.parsing.mail import HEADER_LIMIT, Part, decode, fields
from abusedesk.parsing.material import Material

Kind = Literal["reply", "doubtful", "auto_reply", "bounce"]

LONGEST = 100_000
"""Characters of a reply that are kept beside the ticket; the mail itself is kept whole."""

BY_WORDS = "it may be an automatic reply or a ticket system's receipt, by its words alone"
"""Why a mail is doubtful that carries no sign of a machine: people write such words, too."""

_THREAD_LIMIT = 50
_ADDRESS = re.compile(r"[\w.+=/&%*~-]{1,64}@[\w.-]{1,253}", re.ASCII)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_BASIC = re.compile(r"(?m)(?:^|[\s:<>(])([45])(\d\d)[ -](?=\S)")
_TO = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to")

_AWAY = re.compile(
    r"(?i)^\W*(?:auto(?:matic|mated)?[- ]?(?:reply|response|answer)|autoreply|"
    r"automatische? (?:antwort|r(?:ü|ue)ckmeldung)|out of (?:the )?office|(?:ooo|ooto)\b|abwesenheit|"
    r"ich bin (?:au(?:ß|ss)er haus|im urlaub|abwesend)|nicht im b(?:ü|ue)ro|"
    r"on (?:vacation|holiday|leave)\b|vacation (?:reply|notice|message)|away (?:from (?:the|my) )|"
    r"réponse automatique|absence du bureau|respuesta automática|fuera de la oficina|risposta automatica|fuori sede|"
    r"自动(?:回复|答复|应答)|自動(?:回覆|回復|應答|応答|返信)|(?:我)?(?:不在|外出|休假|出差|离开)(?:办公室|公司|中|期间)|外出(?:自动)?回复|"
    r"автоответ)"
)
_AWAY_BODY = re.compile(
    r"(?i)\b(?:i am|i'm|we are) (?:currently )?"
    r"(?:out of (?:the )?office|away|on (?:annual )?(?:leave|vacation|holiday))"
    r"|(?:ich bin|wir sind) (?:derzeit |zur ?zeit |momentan |bis |vom )?.{0,40}"
    r"(?:nicht (?:im b(?:ü|ue)ro|erreichbar)|im urlaub|abwesend|au(?:ß|ss)er haus)"
    r"|(?:我|本人).{0,20}(?:不在办公室|休假|出差|外出)|(?:这是|此为|本邮件为).{0,10}自动(?:回复|答复)"
    r"|this is an auto(?:matic|mated) (?:reply|response)|dies ist eine automatische"
)
_RECEIPT = re.compile(
    r"(?i)(?:we|have|has|been|was|were) (?:successfully )?received\b.{0,60}"
    r"(?:request|message|e-?mail|inquiry|enquiry|ticket|case)"
    r"|(?:request|message|e-?mail|inquiry|enquiry|ticket|case)\b.{0,60}(?:has been|was|is) "
    r"(?:received|created|opened|logged|registered|queued|assigned)"
    r"|(?:ticket|case|request)\W{0,4}\S{0,20} (?:created|opened|received)|"
    r"(?:thank you|thanks) for (?:contacting|your (?:e-?mail|message|request)).{0,200}"
    r"(?:will|shall) (?:get back|reply|respond|answer)|"
    r"(?:anfrage|nachricht|e-?mail|ticket|mitteilung)\b.{0,60}"
    r"(?:eingegangen|erhalten|er(?:ö|oe)ffnet|angelegt|erstellt|registriert)|"
    r"(?:已|我们已(?:经)?)(?:成功)?(?:收到|受理|创建|登记).{0,20}(?:工单|请求|邮件|来信|申请|咨询)|"
    r"(?:工单|请求|邮件|申请).{0,20}(?:已(?:经)?)(?:成功)?(?:收到|受理|创建|提交|登记)"
)
_PROMISE = re.compile(
    r"(?i)\b(?:will|shall|'ll)\b.{0,30}\b(?:get back|reply|respond|answer|be in touch|contact you|look (?:at|into) it)|"
    r"as soon as possible|shortly|within \S{1,10} (?:business |working )?(?:hours?|days?)|"
    r"(?:ticket|case|reference)(?: number| id| no\.?|\W{0,2}#)|"
    r"so (?:bald|schnell) (?:wie|als) m(?:ö|oe)glich|melden uns|umgehend|schnellstm(?:ö|oe)glich|ticketnummer|"
    r"(?:尽快|稍后|将会?).{0,8}(?:回复|处理|联系|答复)|工单(?:号|编号)"
)
"""What a help desk's receipt goes on with. Alone a person's "we have received it" is a reply."""

TICKET_SYSTEM = (
    "x-otrs-loop", "x-znuny-loop", "x-rt-loop-prevention", "x-zammad-ticket-id", "x-zendesk-from-account-id",
    "x-freshdesk-ticket-id", "x-jira-fingerprint", "x-autotask", "x-whmcs", "x-ticket-id", "x-loop",
)  # fmt: skip
AUTO_FIELDS = ("x-autoreply", "x-autorespond", "x-auto-reply", "x-autoreply-from", "x-mail-autoreply")
_TRACE = re.compile(
    rb"(?im)^(?:in-reply-to|references)[ \t]*:|^subject[ \t]*:[^\r\n]{0,400}\bR[2-9A-HJ-NP-Z]{10}\b|"
    rb"\+[^\s@<>]{1,64}@|mailer-daemon|postmaster@|^return-path[ \t]*:[ \t]*<>"
)
_DAEMON = re.compile(r"(?i)mailer-?daemon|\bpost[-_ ]?master@|mail delivery (?:sub)?system")
_BOUNCE_SUBJECT = re.compile(
    r"(?i)undeliver|(?:not|n't) be delivered|non[- ]?deliver|delivery (?:status|fail|has failed|notification|problem)|"
    r"deliver(?:y|ed)?\W{0,3}fail|failure notice|returned (?:mail|to sender|message)|mail system error|unzustellbar|"
    r"nicht zugestellt|warning: .{0,60}(?:delayed|not (?:been )?(?:sent|delivered))|"
    r"退信|无法(?:投递|送达)|投递失败"
)
_DELAYED = re.compile(
    r"(?i)\bdelayed\b|will (?:be retried|keep trying|continue to (?:try|attempt))|still (?:trying|being)|"
    r"temporar|verz(?:ö|oe)gert|"
    r"no(?:t)? (?:need|have) to (?:resend|do anything)|延迟"
)
_REPORT = frozenset({"message/delivery-status", "message/global-delivery-status"})


class Bounce(NamedTuple):
    """What a delivery report says (RFC 3464): `failed` for good, or only `delayed` (the mail server still tries)."""

    action: Literal["failed", "delayed", "delivered"]
    status: str
    address: str
    words: str

    @property
    def said(self) -> str:
        """Status and words of the mail server that refused it, as one line."""
        return " ".join(filter(None, (self.address and f"{self.address}:", self.status, self.words)))[:500]


class Heard(NamedTuple):
    """A mail as an answer. `text` is all that was written, `shown` without quotes and signature."""

    kind: Kind
    why: str
    sender: str
    message_id: str
    addressed: tuple[str, ...]
    thread: tuple[str, ...]
    subject: str
    text: str = ""
    shown: str = ""
    bounce: Bounce | None = None
    returned: tuple[str, ...] = ()
    """Message-IDs of the mail that a bounce brings back."""


class Envelope(NamedTuple):
    """The header fields by which a mail is recognised, without a look at its body."""

    message_id: str
    addressed: tuple[str, ...]
    thread: tuple[str, ...]
    sender: str
    subject: str
    is_from_machine: bool


def may_answer(data: bytes) -> bool:
    """Whether the head of a mail has anything by which an answer is known: most complaints have not."""
    return _TRACE.search(head_of(data)) is not None


def envelope_of(data: bytes) -> Envelope:
    """The envelope in the first 64 kB of a mail; empty where the bytes are none. Costs no parse of the whole."""
    found: dict[str, list[str]] = {}
    for name, value in fields(decode(head_of(data))):
        found.setdefault(name, []).append(value)
    first = {name: values[0] for name, values in found.items()}
    sender = _last_address(first.get("from", ""))
    return Envelope(
        next(iter(_MESSAGE_ID.findall(first.get("message-id", "")[:1000])), ""),
        _addressed(found),
        _thread(found),
        sender,
        first.get("subject", "")[:998],
        bool(_DAEMON.search(first.get("from", "")[:500])) or first.get("return-path", "").strip() == "<>",
    )


def heard(data: bytes, *, null_path: bool = False) -> Heard:
    """What a mail is as an answer. `null_path` says that the envelope named no sender (`MAIL FROM:<>`)."""
    material = Material(data)
    if material.message is None:
        return Heard("doubtful", "it is no mail", "", "", (), (), "")
    headers = material.message.headers
    kind, why, bounce = _kind(material, null_path=null_path or material.field("return-path").strip() == "<>")
    text = material.text[:LONGEST].strip()
    return Heard(
        kind,
        why,
        _last_address(material.field("from")),
        next(iter(_MESSAGE_ID.findall(material.field("message-id")[:1000])), ""),
        _addressed(headers),
        _thread(headers),
        material.subject[:998],
        text,
        quoting.own_words(text),
        bounce,
        tuple(_returned(material)) if bounce else (),
    )


def _kind(material: Material, *, null_path: bool) -> tuple[Kind, str, Bounce | None]:
    bounce = _bounce(material, null_path=null_path)
    if bounce is not None and bounce.action == "delivered":
        return "auto_reply", "a receipt of delivery", None
    if bounce is not None:
        return "bounce", f"{'a bounce' if bounce.action == 'failed' else 'a delay'}: {bounce.said}", bounce
    machine = _machine(material)
    if machine:
        return "auto_reply", machine, None
    return _person_or_not(material, null_path=null_path)


def _machine(material: Material) -> str:
    """What says for certain that a machine answered; empty where nothing does."""
    declared = material.field("content-type").lower()
    if "disposition-notification" in declared:
        return "a receipt of reading (RFC 8098)"
    if "text/calendar" in declared:
        return "a calendar's answer"
    return _automatic_header(material) or (
        "an automatic reply, by its subject" if _AWAY.match(material.subject[:300]) else ""
    )


def _automatic_header(material: Material) -> str:
    if material.field("auto-submitted").strip().lower().startswith("auto-replied"):
        return "an automatic reply: Auto-Submitted says auto-replied (RFC 3834)"
    if "auto_reply" in material.field("precedence").lower():
        return "an automatic reply: Precedence says auto_reply"
    for name in AUTO_FIELDS:
        if material.field(name).strip() and material.field(name).strip().lower() not in {"no", "false"}:
            return f"an automatic reply: it carries {name.title()}"
    return ""


def _person_or_not(material: Material, *, null_path: bool) -> tuple[Kind, str, Bounce | None]:
    """Signs that a machine may have written it, weighed against its words."""
    sign = _sign(material, null_path=null_path)
    opening = f"{material.subject[:300]}\n{quoting.own_words(material.text[:20_000])[:4_000]}"
    away, receipt = _AWAY_BODY.search(opening), _RECEIPT.search(opening)
    if sign and away:
        return "auto_reply", f"an automatic reply: {sign}", None
    if sign and receipt:
        return "auto_reply", f"a ticket system's receipt: {sign}", None
    if null_path:
        return "auto_reply", "an automatic reply: it comes from the null sender (RFC 5321 section 4.5.5)", None
    if sign:
        # Help desks mark what their people write as automatic too.
        return "doubtful", f"a machine may have written it: {sign}", None
    if away or (receipt and (_PROMISE.search(opening) or _RECEIPT.search(material.subject[:300]))):
        return "doubtful", BY_WORDS, None
    return "reply", "a person's reply", None


def _sign(material: Material, *, null_path: bool) -> str:
    headers = material.message.headers if material.message else {}
    automatic = material.field("auto-submitted").strip().lower()
    if automatic and not automatic.startswith("no"):
        return f"Auto-Submitted says {automatic[:40]}"
    precedence = material.field("precedence").strip().lower()
    if precedence in {"bulk", "junk", "list"}:
        return f"Precedence says {precedence}"
    if "x-auto-response-suppress" in headers:
        return "it carries X-Auto-Response-Suppress"
    system = next((name for name in TICKET_SYSTEM if name in headers), "")
    if system:
        return f"a ticket system sent it ({system.title()})"
    return "it comes from the null sender" if null_path else ""


# --- bounces --------------------------------------------------------------------------------------------------------


def _bounce(material: Material, *, null_path: bool) -> Bounce | None:
    for node in material.nodes:
        if node.content_type in _REPORT:
            return _by_report(_status_text(node)) or _by_words(material)
    declared = material.field("content-type").lower()
    if "multipart/report" in declared and "delivery-status" in declared:
        return _by_words(material)
    daemon = bool(_DAEMON.search(material.field("from")[:500])) or "x-failed-recipients" in _names(material)
    if (daemon or null_path) and (
        _BOUNCE_SUBJECT.search(material.subject[:300]) or "x-failed-recipients" in _names(material)
    ):
        return _by_words(material)
    return None


def _names(material: Material) -> frozenset[str]:
    return frozenset(material.message.headers if material.message else ())


def _status_text(node: Part) -> str:
    """The fields of a delivery report. Parsers may take its groups of fields for parts of their own."""
    blocks = [
        node.text,
        *("\n".join(f"{k}: {v}" for k, vs in one.headers.items() for v in vs) for one in node.children),
    ]
    blocks += [one.text for one in node.children]
    return "\n\n".join(blocks)[:HEADER_LIMIT]


def _by_report(text: str) -> Bounce | None:
    """The first recipient's group of fields that says what became of it; a failure wins over a delay."""
    groups = [dict(fields(group)) for group in re.split(r"\r?\n[ \t]*\r?\n", text)]
    told = [group for group in groups if "action" in group]
    if not told:
        return None
    order = ("failed", "delayed", "delivered")
    action = {group["action"].strip().lower().split(" ")[0]: group for group in reversed(told)}
    name = next((one for one in order if one in action), None)
    if name is None:
        return Bounce("delivered", "", "", "") if action.keys() & {"relayed", "expanded"} else None
    group = action[name]
    status = _ENHANCED.search(group.get("status", ""))
    address = group.get("final-recipient") or group.get("original-recipient") or ""
    words = group.get("diagnostic-code", "").partition(";")[2] or group.get("diagnostic-code", "")
    return Bounce(
        name,  # type: ignore[arg-type]
        status[0] if status else "",
        _last_address(address),
        " ".join(words.split())[:300],
    )


def _by_words(material: Material) -> Bounce:
    """An old-style bounce: status and reason by the words of its text."""
    text = material.text[:20_000]
    status, basic = _ENHANCED.search(text), _BASIC.search(text)
    line = next((one.strip() for one in text.splitlines() if _ENHANCED.search(one) or _BASIC.search(one)), "")
    permanent = (status and status[1] == "5") or (not status and basic and basic[1] == "5")
    delayed = not permanent and _DELAYED.search(f"{material.subject[:300]}\n{text[:4_000]}")
    address = _last_address(material.field("x-failed-recipients")) or _last_address(line)
    return Bounce(
        "delayed" if delayed else "failed", status[0] if status else "", address, " ".join(line.split())[:300]
    )


def _returned(material: Material) -> Iterator[str]:
    """The Message-IDs of what came back: of the mail that the bounce carries, or of the headers in its text."""
    for part in material.embedded:
        yield from _MESSAGE_ID.findall(part.first("message-id")[:1000])
    for line in material.text[:200_000].splitlines():
        name, _, value = line.lstrip("> \t").partition(":")
        if name.strip().lower() == "message-id":
            yield from _MESSAGE_ID.findall(value[:1000])


# --- headers --------------------------------------------------------------------------------------------------------


def head_of(data: bytes) -> bytes:
    head = data[:HEADER_LIMIT].lstrip(b"\r\n\xef\xbb\xbf \t")
    ends = [end for end in (head.find(b"\n\n"), head.find(b"\n\r\n")) if end >= 0]
    return head[: min(ends)] if ends else head


def _addressed(headers: dict[str, list[str]]) -> tuple[str, ...]:
    found = (one.lower() for name in _TO for value in headers.get(name, []) for one in _ADDRESS.findall(value[:8_000]))
    return tuple(dict.fromkeys(found))[:_THREAD_LIMIT]


def _thread(headers: dict[str, list[str]]) -> tuple[str, ...]:
    """The Message-IDs that a mail follows on, the nearest first."""
    nearest = [one for value in headers.get("in-reply-to", []) for one in _MESSAGE_ID.findall(value[:4_000])]
    before = [one for value in headers.get("references", []) for one in _MESSAGE_ID.findall(value[:16_000])]
    return tuple(dict.fromkeys([*nearest, *reversed(before)]))[:_THREAD_LIMIT]


def _last_address(value: str) -> str:
    found = _ADDRESS.findall(value[:1000])
    return found[-1].lower() if found else ""
