"""The desk's values in the words of the screens. Pure: every function turns a term or a struct into plain text."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from abusedesk.policy import decision as effects
from abusedesk.policy import stimulus as stimuli
from abusedesk.vocabulary.designation import DESIGNATIONS
from abusedesk.vocabulary.duration import plain_length
from abusedesk.vocabulary.measure import MEASURE_NOUN
from abusedesk.vocabulary.money import format_amount

Tone = Literal["", "late", "wait", "good"]


class Line(NamedTuple):
    """One line of a story: an icon's name, a tone, what it says, and particulars in smaller type."""

    icon: str
    tone: Tone
    text: str
    more: str = ""


MEASURE_VERB = {
    "suspend": "suspend the service",
    "shutdown": "shut the service down",
    "terminate": "terminate the service",
    "block_port": "block the port",
    "rate_limit": "limit the rate",
    "null_route": "null-route the address",
}
_CATEGORY = {
    "connection/ddos": "DDoS attack",
    "connection/sql_injection": "SQL injection",
    "content/csam": "illegal content",
    "content/csem": "illegal content",
    "copyright/copyright": "copyright infringement",
    "copyright/p2p": "copyright, peer to peer",
    "vulnerability/cve": "known vulnerability",
    "reputation/blocklist": "blocklist entry",
    "infrastructure/botnet": "botnet",
    "infrastructure/compute_abuse": "compute abuse",
    "other/unclassified": "unclassified",
}
REVIEW_ASKS = {
    "break_glass": "Approved alone: agreed, or a mistake?",
    "mass_expiry": "Many deadlines at once: what becomes of them?",
    "verify_report": "Verify a report",
    "low_assurance": "Verify a report",
    "no_attribution": "Nobody held this address",
    "own_infrastructure": "About our own infrastructure",
    "needs_review": "Read a message",
    "unreadable": "Unreadable message",
    "rejected": "Broken machine report",
    "illegal_content": "Illegal content reported",
    "no_policy_in_force": "No policy was in force",
    "unknown_fact": "A fact is missing",
    "no_brand": "Sent to no brand of ours",
    "format_drift": "A sender's messages yield less",
    "damages_calculable": "Damages can be calculated",
    "blast_radius": "Many measures within an hour",
    "read_reply": "Read the customer's answer",
    "customer_wrote": "Read what the customer wrote",
    "unserved": "Nobody has the notice",
    "only_on_accused": "Only reachable on the accused server",
    "reporter_wrote": "Read what the reporter added",
    "campaign": "Many unproven reporters",
}
FOUND_BY = {
    "rdns": "its name points there, and the reverse name agrees",
    "look_up": "its name points there; anybody can do that",
    "ports": "shares the address",
}
"""How a service was found that may be meant and can be chosen."""

_ITEM = {
    "fine": "fine",
    "liquidated_damages": "liquidated damages",
    "delisting_fee": "delisting fee",
    "cost_recovery": "cost recovery",
    "ip_replacement": "address replacement",
    "reactivation_fee": "reactivation fee",
}
_CHARGE_ASKED = {
    "fine": "a fine",
    "liquidated_damages": "liquidated damages",
    "delisting_fee": "a delisting fee",
    "cost_recovery": "a recovery of costs",
    "reactivation_fee": "a reactivation fee",
}
REQUEST = {
    "open_mail_port": "open the mail port",
    "unblock": "unblock an address",
    "replace_ip": "replace an address",
    "restore": "restore the service",
}
ASSURANCE = {
    "unverified": "anybody could have written it",
    "authenticated": "the reporter is who it says",
    "corroborated": "two independent reporters agree",
    "verified": "staff or own telemetry confirmed it",
}
TO = {
    "customer": "the customer",
    "reseller": "the reseller",
    "reporter": "the reporter",
    "notifier": "whoever filled in the form",
    "upstream": "the upstream",
    "staff": "staff",
}
_FORMAT = {
    "acns": "ACNS",
    "arf": "ARF",
    "xarf": "XARF",
    "xarf2": "X-ARF",
    "xarf3": "XARF v3",
    "xarf4": "XARF",
    "shadowserver": "Shadowserver",
    "prose": "free text",
    "form": "form",
    "file": "",
    "noise": "",
}


def plain(term: str) -> str:
    """A term of the tables as words: `port_scan` as `port scan`."""
    return term.replace("_", " ").strip()


def sentence(text: str) -> str:
    """The text with a capital at its beginning, the rest as it is."""
    return text[:1].upper() + text[1:]


def category(pair: str) -> str:
    """An abuse category in words: `connection/port_scan` as `port scan`."""
    return _CATEGORY.get(pair) or plain(pair.rpartition("/")[2])


def report_format(name: str) -> str:
    """A report format's name as it is written in prose."""
    return _FORMAT.get(name, plain(name))


def designation(kind: str) -> str:
    """What an address is for, in words."""
    found = DESIGNATIONS.get(kind)
    return found.title if found else plain(kind)


def item(name: str) -> str:
    """A charge's name in words."""
    return _ITEM.get(name) or plain(name)


def measure(kind: str, *, port: int | None = None, ip: str | None = None) -> str:
    """A measure as a noun with what it acts on: `null-route of 192.0.2.7`."""
    noun = MEASURE_NOUN.get(kind) or plain(kind)
    if kind == "block_port" and port:
        return f"block of port {port}"
    return f"{noun} of {ip}" if ip else noun


def charge(name: str) -> str:
    """A charge's name with its article: `a fine`, `liquidated damages`."""
    return _CHARGE_ASKED.get(name) or f"a charge: {item(name)}"


def money(minor: int, currency: str) -> str:
    """An amount with its currency: `USD 20.00`."""
    return f"{currency} {format_amount(minor)}".strip()


def instant(moment: datetime) -> str:
    """An instant of these days as staff read it, in UTC to the minute."""
    return f"{moment:%-d %b, %H:%M} UTC"


def several(number: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 report`, `3 reports`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def joined(parts: Iterable[str]) -> str:
    """Parts as an enumeration: `a, b and c`."""
    *first, last = [part for part in parts if part] or [""]
    return f"{', '.join(first)} and {last}" if first else last


# ---------- what a person must do ----------


class Ask(NamedTuple):
    """What is asked of a person, most pressing first by `rank`."""

    rank: int
    text: str
    tone: Tone = "wait"


def ask(need: str) -> Ask:
    """One entry of a case's needs in words."""
    kind, _, name = need.partition(":")
    if kind == "failed":
        return Ask(0, f"{sentence(measure(name))} failed", "late")
    if kind == "proposal" and name in MEASURE_NOUN:
        return Ask(1 if name == "terminate" else 2, f"Approve a {measure(name)}")
    if kind == "proposal":
        return Ask(4, f"Approve {charge(name)}")
    if kind == "appeal":
        return Ask(1, f"Hear an appeal against a {name}")
    if kind == "request":
        return Ask(3, f"Asked to {REQUEST.get(name) or plain(name)}")
    return Ask(5, review(name))


def review(reason: str) -> str:
    """A review's reason as what is asked."""
    return REVIEW_ASKS.get(reason) or sentence(plain(reason))


def asks(needs: Iterable[str]) -> list[Ask]:
    """All that is asked, most pressing first, each once."""
    return sorted(set(map(ask, needs)))


MEASURE_DOES = {
    "suspend": "The service is suspended. It can be lifted later.",
    "shutdown": "The service is shut down. It can be lifted later.",
    "terminate": "The service is taken back and its data deleted by the provider's system. This cannot be undone.",
    "block_port": "The port is closed for the service. It can be opened later.",
    "rate_limit": "Traffic of the address is limited. It can be lifted later.",
    "null_route": "The address becomes unreachable from everywhere. It can be lifted later.",
}
"""What each measure does outside, and whether it can be undone."""

_NOTHING: Mapping[str, Any] = {}


def waits(kind: str, name: str, parts: Sequence[Mapping[str, Any]], amount: int, currency: str) -> str:
    """What waits for a yes or no (`records.models.Proposal`): `fine, USD 40.00`, `null-route of 192.0.2.7`."""
    first = parts[0] if parts else _NOTHING
    ips = joined(dict.fromkeys(str(one["ip"]) for one in parts if one.get("ip")))
    if kind == "charge":
        return f"{item(name)}, {money(amount, currency)}"
    if kind == "request":
        return f"request to {REQUEST.get(name) or plain(name)}{f', {ips}' if ips else ''}"
    what = measure(name, port=first.get("port"), ip=ips or None)
    return f"{what}: loss of the refund" if all(one.get("takes_refund") for one in parts) and parts else what


# ---------- what came in ----------


def stimulus_line(one: stimuli.Stimulus, by: str = "", reporters: Mapping[str, str] | None = None) -> Line:
    """What moved the docket, as a line of the story. `reporters` names the reporter of each report id."""
    return _STIMULUS[type(one)](one, by, reporters or {})


def _report(one: Any, _by: str, reporters: Mapping[str, str]) -> Line:
    who = reporters.get(one.id)
    more = [", ".join(one.ips), several(one.events, "event"), one.assurance]
    if one.listing:
        more.insert(0, f"on {one.listing}")
    said = f"{sentence(category(one.category))} reported{f' by {who}' if who else ''}"
    return Line("report", "", said, " · ".join(filter(None, more)))


def _unattributed(one: Any, _by: str, reporters: Mapping[str, str]) -> Line:
    who = reporters.get(one.id)
    said = f"{sentence(category(one.category))} reported{f' by {who}' if who else ''}, held by nobody at the time"
    return Line("report", "", said, ", ".join(one.ips))


def _verification(one: Any, by: str, reporters: Mapping[str, str]) -> Line:
    whose = f"report of {reporters[one.report]}" if one.report in reporters else "report"
    who = one.by or by
    if one.rejected:
        return Line("cross", "", f"{sentence(whose)} rejected{f' by {who}' if who else ''}")
    return Line("check", "good", f"{sentence(whose)} raised to {one.assurance}", f"by {who}" if who else "")


def _reply(one: Any, by: str, _reporters: Mapping[str, str]) -> Line:
    if one.complete:
        return Line("reply", "", "Customer replied: says that it is done", f"logged by {by}" if by else "")
    # What came by mail nobody has read yet when it is recorded.
    said = "Customer replied: not finished yet" if by else "Customer replied by mail"
    return Line("reply", "", said, f"logged by {by}" if by else "")


def _evidence(one: Any, by: str, _reporters: Mapping[str, str]) -> Line:
    return Line("scale", "", f"Customer's evidence {'accepted' if one.accepted else 'refused'}", f"by {one.by or by}")


def _payment(one: Any, by: str, _reporters: Mapping[str, str]) -> Line:
    return Line("money", "good", f"Payment of {format_amount(one.amount)} received", f"recorded by {by}" if by else "")


def _cost(one: Any, by: str, _reporters: Mapping[str, str]) -> Line:
    return Line("money", "", f"Cost recorded: {plain(one.kind)}, {format_amount(one.amount)}", f"by {by}" if by else "")


def _request(one: Any, by: str, _reporters: Mapping[str, str]) -> Line:
    what = REQUEST.get(one.kind) or plain(one.kind)
    more = [one.ip or "", f"cause: {plain(one.cause)}" if one.cause else "", f"entered by {by}" if by else ""]
    return Line("request", "", f"Customer asks to {what}", " · ".join(filter(None, more)))


def _approval(one: Any, _by: str, _reporters: Mapping[str, str]) -> Line:
    what = measure(one.measure) if one.measure else item(one.item) if one.item else "request"
    yes = one.decision == "approve"
    fee = f"with a fee of {format_amount(one.fee)}" if one.fee else ""
    alone = one.break_glass if isinstance(one.break_glass, str) else ""
    return Line(
        "check" if yes else "cross",
        "",
        f"{sentence(what)} {'approved' if yes else 'rejected'} by {one.by}{' alone' if alone else ''}",
        " · ".join(filter(None, (fee, alone, one.reason))),
    )


def _proposal(one: Any, _by: str, _reporters: Mapping[str, str]) -> Line:
    what = measure(one.measure, ip=one.ip) if one.measure else item(one.item or "charge")
    return Line(
        "person",
        "",
        f"{one.by} proposes: {what}",
        format_amount(one.amount) if one.amount else "",
    )


def _upstream(one: Any, by: str, _reporters: Mapping[str, str]) -> Line:
    done = "took" if one.state == "set" else "lifted"
    return Line("measure", "", f"The upstream {done} a {measure(one.action, ip=one.ip)}", f"told by {by}" if by else "")


def _carried_ticket(one: Any, by: str, _reporters: Mapping[str, str]) -> Line:
    counted = "counted as a strike" if one.struck else "not counted"
    came = "Corrected" if one.revision else "Carried over"
    said = f"{came} from {one.source}, ticket {one.ticket}: {category(one.category)} of {one.happened_at:%-d %b %Y}"
    return Line("clock", "", said, " · ".join(filter(None, [counted, ", ".join(one.ips), f"by {by}" if by else ""])))


def _carried_balance(one: Any, by: str, _reporters: Mapping[str, str]) -> Line:
    what = f"{format_amount(abs(one.amount))} {'owed' if one.amount > 0 else 'of credit'}"
    said = f"Carried over from {one.source}, ticket {one.ticket}: {what} since {one.happened_at:%-d %b %Y}"
    return Line("clock", "", said, f"by {by}" if by else "")


def _of_stimulus(one: Any) -> str:
    return measure(one.measure, port=one.port, ip=one.ip)


def _said(one: Any, ends: str, never: str) -> str:
    """What staff say of how long a measure stands or is lifted."""
    return f"{one.by}: the {_of_stimulus(one)} {f'{ends} {instant(one.until)}' if one.until else never}"


_STIMULUS: dict[type[stimuli.Stimulus], Callable[[Any, str, Mapping[str, str]], Line]] = {
    stimuli.Opened: lambda one, _by, _r: Line(
        "server", "", "Service opened", "mail port open by agreement" if one.mail_port else ""
    ),
    stimuli.Report: _report,
    stimuli.Unattributed: _unattributed,
    stimuli.Verification: _verification,
    stimuli.Reply: _reply,
    stimuli.Evidence: _evidence,
    stimuli.Payment: _payment,
    stimuli.Cost: _cost,
    stimuli.Request: _request,
    stimuli.Approval: _approval,
    stimuli.Proposal: _proposal,
    stimuli.Upstream: _upstream,
    stimuli.DeadlinePassed: lambda _one, _by, _r: Line("clock", "late", "A deadline passed and nothing had come"),
    stimuli.CarriedTicket: _carried_ticket,
    stimuli.CarriedBalance: _carried_balance,
    stimuli.DeadlineDropped: lambda one, _by, _r: Line(
        "clock", "good", f"{one.by} let a deadline pass without an effect", one.reason
    ),
    stimuli.LiftedByHand: lambda one, _by, _r: Line(
        "person", "", f"{one.by} accepts that the {_of_stimulus(one)} was lifted by hand", one.reason
    ),
    stimuli.ExpirySet: lambda one, _by, _r: Line(
        "clock", "", _said(one, "expires", "stands until it is lifted"), one.reason
    ),
    stimuli.LiftedToClean: lambda one, _by, _r: Line(
        "person", "", _said(one, "is lifted to clean up until", "stays lifted"), one.reason
    ),
    stimuli.Corrected: lambda one, _by, _r: Line(
        "person", "good", f"{one.by} undid what was our own mistake", one.reason
    ),
    stimuli.Paused: lambda one, _by, _r: Line("clock", "good", _standing_still(one), one.reason),
    stimuli.Resumed: lambda one, _by, _r: Line("clock", "", _going_on(one), one.reason),
    stimuli.Postponed: lambda one, _by, _r: Line(
        "clock", "", f"Deadlines moved by {plain_length(one.by)}", one.reason or "the brand was held"
    ),
}


def _standing_still(one: stimuli.Paused) -> str:
    running = several(len(one.deadlines), "deadline stands", "deadlines stand")
    return f"{running} still" if one.deadlines else "Deadlines that begin for it stand still"


def _going_on(one: stimuli.Resumed) -> str:
    return f"{several(len(one.deadlines), 'deadline goes', 'deadlines go')} on" if one.deadlines else "Deadlines go on"


# ---------- what the policy ordered ----------


def effect_line(one: effects.Effect) -> Line:
    """What the policy ordered, as a line of the story."""
    return _EFFECT[type(one)](one)


def _notify(one: Any) -> Line:
    ways = joined("work order" if way == "ticket" else "e-mail" if way == "email" else plain(way) for way in one.via)
    return Line("mail", "", f"Notice to {TO.get(one.to, one.to)}", f"by {ways}" if ways else "")


_DUE = {
    "reply": "Reply asked for",
    "payment": "Payment due",
    "expiry": "The measure expires",
    "resume": "The measure is taken again",
}


def _deadline(one: Any) -> Line:
    due = f" by {instant(one.due)}" if one.due else ""
    what = _DUE.get(one.name, sentence(plain(one.name)))
    return Line("clock", "", f"{what}{due}")


def _take(one: Any) -> Line:
    what = sentence(measure(one.measure, port=one.port, ip=one.ip))
    refund = "" if one.refund is None else "with refund" if one.refund else "without refund"
    if one.upstream:
        return Line("measure", "late", f"{what} by the upstream", refund)
    if one.mode == "proposed":
        return Line("measure", "wait", f"{what} proposed", _and("waits for a person", refund))
    return Line(
        "measure", "late", f"{what} ordered", _and("automatic" if one.mode == "automatic" else "approved", refund)
    )


def _and(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _charge(one: Any) -> Line:
    amount = f"{one.currency} {one.amount}".strip()
    what = sentence(item(one.item))
    if one.mode == "proposed":
        return Line("money", "wait", f"{what} of {amount} proposed", "waits for a person")
    return Line(
        "money", "", f"{what} of {amount} charged", _and(one.mode if one.mode == "approved" else "", one.ip or "")
    )


def _withdraw(one: Any) -> Line:
    what = measure(one.measure) if one.measure else item(one.item or "charge")
    return Line("cross", "good", f"{sentence(what)} withdrawn")


def _answer(one: Any) -> Line:
    what = REQUEST.get(one.kind) or plain(one.kind)
    if one.answer == "needs_approval":
        return Line("request", "wait", f"Request to {what} waits for a person")
    return Line("request", "good" if one.answer == "granted" else "late", f"Request to {what} {one.answer}")


def _review_effect(one: Any) -> Line:
    missing = f"missing: {plain(one.missing)}" if one.missing else ""
    return Line("eye", "wait", f"A person is asked: {review(one.reason).lower()}", missing)


ENDED = {
    "expired": "expired, lifted",
    "by_hand": "lifted by hand, and accepted",
    "to_clean": "lifted to clean up",
}
"""How a measure ended, where that was not by its grounds."""

ENDED_SHORT = {"expired": "expired", "by_hand": "lifted by hand, accepted", "to_clean": "lifted to clean up"}
"""The same as a state."""

_EFFECT: dict[type[effects.Effect], Callable[[Any], Line]] = {
    effects.StrikeMade: lambda one: Line("strike", "late", f"Strike {one.number}", plain(one.abuse_type)),
    effects.PointsAdded: lambda one: Line(
        "strike", "late", several(one.points, "point") + " more", plain(one.abuse_type)
    ),
    effects.Annul: lambda one: Line("strike", "good", "Strike annulled", plain(one.abuse_type)),
    effects.Notify: _notify,
    effects.SetDeadline: _deadline,
    effects.Take: _take,
    effects.Lift: lambda one: Line(
        "lift",
        "good",
        f"{sentence(measure(one.measure, port=one.port, ip=one.ip))} {ENDED.get(one.because or '', 'lifted')}",
    ),
    effects.ChargeMade: _charge,
    effects.Withdraw: _withdraw,
    effects.FlagSet: lambda one: Line("alert", "late", f"Address marked: {plain(one.flag)}", one.ip or ""),
    effects.Answer: _answer,
    effects.Review: _review_effect,
}


def what_followed(ordered: Sequence[effects.AnyEffect]) -> tuple[str, Tone]:
    """What a decision ordered, for the person whose word it was."""
    lines = [effect_line(effect) for effect in ordered]
    if not lines:
        return "Recorded. The policy orders nothing on this; “Why nothing followed” in the timeline says why.", "wait"
    said = [f"{line.text} ({line.more})" if line.more else line.text for line in lines]
    return f"Recorded. {'; '.join(said)}.", "good"


def answered(state: str, why: str, ordered: Sequence[effects.AnyEffect]) -> tuple[str, Tone]:
    """What became of a yes or no (`desk.approvals.Result`), for the person who said it."""
    if state in {"decided", "nothing"}:
        return what_followed(ordered)
    if state == "noted":
        return "Your yes is recorded. It takes another person's; nothing happens before.", "wait"
    if state == "twice":
        return "This form was sent twice; it counted once.", ""
    return f"Nothing was done: {why.removesuffix('.')}.", "late"


# ---------- states of what was ordered ----------

_MEASURE_STATE: dict[str, tuple[str, Tone]] = {
    "none": ("not sent yet", ""),
    "applying": ("being applied", "wait"),
    "requested": ("requested", "wait"),
    "acknowledged": ("acknowledged", "wait"),
    "in_force": ("in force, read back", "late"),
    "lifting": ("being lifted", "wait"),
    "lifted": ("lifted, read back", "good"),
    "failed": ("failed", "late"),
    "dry_run": ("dry run: nothing sent", ""),
}


def measure_state(decided: str, state: str, ended: str = "") -> tuple[str, Tone]:
    """What the outside says of a measure. One that is proposed or withdrawn was never sent there.

    `ended` is how it ended where that was not by its grounds.
    """
    if ended and decided == "lifted" and state == "lifted":
        return f"{ENDED_SHORT[ended]}, read back", "good"
    if decided == "proposed":
        return "waits for approval", "wait"
    if decided == "withdrawn":
        return "withdrawn", ""
    return _MEASURE_STATE.get(state, (plain(state), ""))


_TRIED = {
    "asked": "is asked",
    "acts": "acts",
    "left": "was left behind",
    "lifted": "was lifted, read back",
    "again": "is asked again",
}


def chain(tried: Sequence[Mapping[str, Any]]) -> list[str]:
    """Who of a chain of actuators did what, and why; nothing where one alone did what was ordered."""
    if len(tried) < 2 and not any(one["stands_in"] for one in tried):
        return []
    return [sentence(": ".join(filter(None, (_one_of_chain(one), one["error"])))) for one in tried]


def _one_of_chain(one: Mapping[str, Any]) -> str:
    as_what = f" with a {MEASURE_NOUN[one['stands_in']]}" if one["stands_in"] else ""
    return f"{one['actuator']} {_TRIED[one['state']]}{as_what if one['state'] == 'acts' else ''}"


_CHARGE_TONE: dict[str, Tone] = {"proposed": "wait", "owed": "late", "paid": "good"}


def charge_tone(state: str) -> Tone:
    """The tone of a charge's state."""
    return _CHARGE_TONE.get(state, "")
