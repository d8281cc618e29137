"""What a notice says of its case: the values of a template's placeholders, read from the docket and the tables."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from abusedesk.policy.docket import Docket as PolicyDocket
from abusedesk.policy.docket import HeardReport, Occurrence
from abusedesk.policy.pack import Pack, Version
from abusedesk.records.models import (
    Brand,
    Case,
    Charge,
    Deadline,
    Decision,
    DeclaredName,
    Docket,
    Effect,
    Event,
    Measure,
    Report,
    Service,
    Thread,
)
from abusedesk.vocabulary.instant import format_instant, parse_instant
from abusedesk.vocabulary.measure import NETWORK
from abusedesk.vocabulary.money import format_amount
from abusedesk.vocabulary.passing_on import defanged, without_identities
from abusedesk.vocabulary.proof_code import grouped

LONGEST_COMPLAINT = 2000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
SHOWS_IDENTITIES = "show_identities"
"""The brand's setting: notices say who reported; no, where nothing is said."""
SITES = 20
"""So many sites are named of a report."""


@dataclass(frozen=True, slots=True)
class Language:
    """The few words that are not in a template."""

    measures: dict[str, str]
    modes: dict[str, str]
    items: dict[str, str]
    on: str
    none: str
    events: str
    sites: str
    refunded: dict[bool, str]
    your_report: str
    hidden: str
    outcomes: dict[str, str]
    genuine: str
    """How anybody can see that a notice is ours."""
    seen: str
    ticket: str
    answer_by: str
    """Of one notice in a list of several."""
    abuse_types: dict[str, str]
    """What packs call abuse types, where a customer would not."""


ENGLISH = Language(
    measures={
        "suspend": "suspension of the service",
        "shutdown": "shutdown of the service",
        "terminate": "termination of the service",
        "block_port": "port {port} closed",
        "rate_limit": "rate limit",
        "null_route": "null route",
    },
    modes={"proposed": "proposed, a person decides", "ordered": "ordered"},
    items={},
    on="{what} on {ip}",
    none="nothing",
    events="{category}, {addresses}, events: {count}, first at {first}",
    sites="what is complained about: {sites}",
    refunded={True: "", False: "without refund"},
    your_report="your report",
    hidden="[hidden]",
    outcomes={
        "measure_taken": "We acted on it: a measure stands against the source.",
        "closed": "The case on it is closed; what you reported was dealt with.",
        "rejected": "A person looked at it and found that it does not hold.",
        "uncorroborated": "We could not confirm it. Log lines or headers with exact times and a time zone would help.",
        "known_before": "The same was told to us before; your report adds to it.",
        "not_ours": "At the time that you named, none of our customers held what you reported.",
    },
    genuine="Is this notice from us? Type the code {code} in at {page}",
    seen="first seen {at}",
    ticket="ticket {ticket}",
    answer_by="answer by {at}",
    abuse_types={"relay": "an open relay, proxy or amplifier", "reputation": "an entry on a blocklist"},
)
CHINESE = Language(
    measures={
        "suspend": "暂停服务",
        "shutdown": "关闭服务器",
        "terminate": "终止服务",
        "block_port": "封闭端口 {port}",
        "rate_limit": "限速",
        "null_route": "空路由",
    },
    modes={"proposed": "已提议，等待人工决定", "ordered": "已下令"},
    items={
        "fine": "罚款",
        "delisting_fee": "解除列名费",
        "cost_recovery": "费用追偿",
        "liquidated_damages": "约定损害赔偿",
        "reactivation_fee": "恢复服务费",
        "ip_replacement": "更换 IP 费",
    },
    on="{what}（{ip}）",
    none="无",
    events="{category}，{addresses}，{count} 个事件，首次发现于 {first}",
    sites="被投诉的内容：{sites}",
    refunded={True: "", False: "不予退款"},
    your_report="您的举报",
    hidden="[已隐藏]",
    outcomes={
        "measure_taken": "我们已采取措施，相关来源目前受到限制。",
        "closed": "相关案件已结案，您举报的问题已得到处理。",
        "rejected": "经人工核查，该举报不成立。",
        "uncorroborated": "我们已记录该举报，但尚无法证实。请提供包含准确时间和时区的日志或邮件头。",
        "known_before": "此前已有相同举报，您的举报已与之合并。",
        "not_ours": "在您所述的时间，您举报的对象并不属于我们的任何客户。",
    },
    genuine="如需核实本通知的真伪，请在 {page} 输入验证码 {code}",
    seen="首次发现：{at}",
    ticket="工单：{ticket}",
    answer_by="请在 {at} 之前回复",
    abuse_types={
        "spam": "垃圾邮件",
        "spoofing": "冒用发件人",
        "fraud": "诈骗或钓鱼",
        "malware": "恶意软件",
        "relay": "开放中继、代理或放大器",
        "ddos": "拒绝服务攻击",
        "reputation": "被列入黑名单",
        "intrusion": "入侵或扫描",
        "bot": "僵尸网络",
        "attack": "攻击",
        "infringement": "侵权",
        "copyright": "版权",
        "advisory": "提醒",
    },
)
GERMAN = Language(
    measures={
        "suspend": "Sperrung des Dienstes",
        "shutdown": "Abschaltung des Dienstes",
        "terminate": "Kündigung des Dienstes",
        "block_port": "Port {port} geschlossen",
        "rate_limit": "Begrenzung der Bandbreite",
        "null_route": "Adresse nicht mehr geroutet",
    },
    modes={"proposed": "vorgeschlagen, ein Mensch entscheidet", "ordered": "angeordnet"},
    items={"fee": "Gebühr", "fine": "Strafgebühr"},
    on="{what} ({ip})",
    none="nichts",
    events="{category}, {addresses}, Ereignisse: {count}, zuerst am {first}",
    sites="beanstandet wird: {sites}",
    refunded={True: "", False: "ohne Erstattung"},
    your_report="Ihre Meldung",
    hidden="[verborgen]",
    outcomes={
        "measure_taken": "Wir haben gehandelt: Gegen die Quelle steht eine Maßnahme.",
        "closed": "Der Fall dazu ist abgeschlossen; um das Gemeldete hat man sich gekümmert.",
        "rejected": "Ein Mensch hat es geprüft: Es trifft nicht zu.",
        "uncorroborated": "Wir konnten es nicht bestätigen. Protokolle oder Kopfzeilen mit Zeitzone helfen.",
        "known_before": "Dasselbe wurde uns schon gemeldet; Ihre Meldung kommt dazu.",
        "not_ours": "Zu der Zeit, die Sie nennen, hatte keiner unserer Kunden, was Sie melden.",
    },
    genuine="Ist diese Nachricht von uns? Geben Sie den Code {code} ein auf {page}",
    seen="zuerst gesehen am {at}",
    ticket="Ticket {ticket}",
    answer_by="Antwort bis {at}",
    abuse_types={"attack": "Angriff", "fraud": "Betrug", "malware": "Schadsoftware"},
)
LANGUAGES = {"en": ENGLISH, "zh-Hans": CHINESE, "de": GERMAN}


class Row(NamedTuple):
    """One notice of several: what is concerned, since when, and until when an answer is awaited."""

    service: str
    customer: str
    addresses: tuple[str, ...]
    abuse_type: str
    seen: datetime | None
    ticket: str
    due: datetime | None


def values_of(effect: Effect, case: Case | None, pack: Pack, language: str, answer_at: str) -> dict[str, str]:
    """A value for every placeholder that is known. What the order itself brought wins."""
    said = LANGUAGES.get(language, ENGLISH)
    zone = _zone(case.customer.timezone if case else "UTC")
    service = _service(effect, case)
    occurrence = _occurrence(effect, case)
    found = {
        "customer": case.customer.name or case.customer.ref if case else "",
        "service": str(service) if service else "",
        "addresses": ", ".join(_addresses(effect, occurrence)),
        "abuse_type": case.abuse_type if case else "",
        "abuse_type_said": abuse_type_said(case.abuse_type, language) if case else "",
        "first_seen": _moment(first, zone) if (first := _first_seen(occurrence, case)) else "",
        "complaint": _complaint(occurrence, service, said, zone, show=shows_identities(effect.brand)) or said.none,
        "measures": _lines(_measure(one, said) for one in _measures(effect, case)) or said.none,
        "charges": _lines(_charge(one, said) for one in _charges(case, occurrence)) or said.none,
        "measure": _upstream_measure(effect, said),
        "clauses": clauses_of(effect.payload.get("clauses") or [], pack, effect.decision),
        "clause_texts": _clause_texts(effect, pack),
        "points": str(effect.payload.get("points", "")),
        "answer_at": answer_at,
        "brand": effect.brand.name,
    }
    due = due_of(effect, case)
    return (
        found
        | ({"due": _moment(due, zone)} if due else {})
        | {key: str(one) for key, one in effect.payload.get("values", {}).items()}
    )


def abuse_type_said(name: str, language: str) -> str:
    """An abuse type as people call it; as the pack names it where that is not known."""
    return LANGUAGES.get(language, ENGLISH).abuse_types.get(name) or name.replace("_", " ")


def row_of(effect: Effect, case: Case, ticket: str) -> Row:
    """What a list of several notices says of one."""
    occurrence = _occurrence(effect, case)
    seen, due = _first_seen(occurrence, case), due_of(effect, case)
    addresses = tuple(_addresses(effect, occurrence))
    return Row(str(case.service), case.customer.ref, addresses, case.abuse_type, seen, ticket, due)


def list_of(rows: Iterable[Row], zone: str, language: str) -> str:
    """Rows as the text of a mail shows them, two lines each, on the reader's clock."""
    said, clock = LANGUAGES.get(language, ENGLISH), _zone(zone)
    return "\n".join(_listed(number, row, said, clock) for number, row in enumerate(rows, 1))


def _listed(number: int, row: Row, said: Language, zone: ZoneInfo) -> str:
    where = said.on.format(what=row.service, ip=", ".join(row.addresses)) if row.addresses else row.service
    seen = said.seen.format(at=_moment(row.seen, zone)) if row.seen else ""
    due = said.answer_by.format(at=_moment(row.due, zone)) if row.due else ""
    told = "; ".join(part for part in (seen, said.ticket.format(ticket=row.ticket), due) if part)
    return f"{number}. {where}\n   {told}"


def table_of(rows: Iterable[Row]) -> str:
    """Rows as CSV, a line for each address, times in UTC; nothing in it is a formula to a spreadsheet."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("service", "customer", "address", "abuse_type", "first_seen", "ticket", "answer_by"))
    for row in rows:
        seen, due = (format_instant(one) if one else "" for one in (row.seen, row.due))
        for address in row.addresses or ("",):
            line = (row.service, row.customer, address, row.abuse_type, seen, row.ticket, due)
            writer.writerow([f"'{one}" if one[:1] in _FORMULA else one for one in line])
    return out.getvalue()


def with_code(text: str, code: str, page: str, language: str) -> str:
    """A notice that ends with how anybody can see that it is ours; as it is where there is no page to ask on."""
    if not page:
        return text
    said = LANGUAGES.get(language, ENGLISH)
    return f"{text.rstrip()}\n{said.genuine.format(code=grouped(code), page=page)}\n"


def values_of_thread(thread: Thread, effect: Effect, language: str) -> dict[str, str]:
    """What a mail to a reporter says of the report; nothing of whom it is about."""
    said = LANGUAGES.get(language, ENGLISH)
    code = str(effect.payload.get("code", ""))
    follows = effect.brand.settings.get("what_follows") or {}
    return {
        "subject": thread.subject or said.your_report,
        "reference": thread.token,
        "received": f"{thread.opened_at:%Y-%m-%d %H:%M} UTC",
        "follows": str(follows.get(language, "")).strip() if isinstance(follows, dict) else "",
        "code": code,
        "outcome": said.outcomes.get(code, ""),
    }


def _service(effect: Effect, case: Case | None) -> Service | None:
    return case.service if case else Service.objects.filter(pk=effect.payload.get("service")).first()


def _occurrence(effect: Effect, case: Case | None) -> Occurrence | None:
    """The occurrence that the notice is about; without one named, the last of the case."""
    if case is None:
        return None
    stored = effect.decision.docket if effect.decision else Docket.objects.filter(service=case.service_id).first()
    if stored is None:
        return None
    docket = _docket(bytes(stored.state))
    ours = [one for one in docket.occurrences if one.abuse_type == case.abuse_type]
    named = [one for one in ours if one.id == effect.payload.get("occurrence")] or ours
    return named[-1] if named else None


def _docket(state: bytes) -> PolicyDocket:
    return msgspec.json.decode(state, type=PolicyDocket)


def _reports(occurrence: Occurrence | None) -> list[HeardReport]:
    return [one for one in occurrence.reports if not one.rejected] if occurrence else []


def _addresses(effect: Effect, occurrence: Occurrence | None) -> list[str]:
    if effect.payload.get("ip"):
        return [str(effect.payload["ip"])]
    heard = list(dict.fromkeys(ip for report in _reports(occurrence) for ip in report.ips))
    return heard or [str(one) for one in effect.payload.get("addresses", [])]


def _first_seen(occurrence: Occurrence | None, case: Case | None) -> datetime | None:
    times = [report.occurred_at for report in _reports(occurrence)]
    return min(times) if times else case.opened_at if case else None


def shows_identities(brand: Brand) -> bool:
    """Whether the brand's notices say who reported, and carry addresses and Message-IDs as the reporter wrote them."""
    return brand.settings.get(SHOWS_IDENTITIES) is True


def _complaint(
    occurrence: Occurrence | None, service: Service | None, said: Language, zone: ZoneInfo, *, show: bool
) -> str:
    """Each report with its category, addresses and count, the sites meant, and the summary that intake made of it."""
    reports = _reports(occurrence)
    known = [one.id for one in reports if _is_uuid(one.id)]
    stored = Report.objects.filter(pk__in=known).select_related("reporter")
    own = _own_names(service) if known and not show else []
    summaries = {str(one.pk): _passed_on(one, own, said, show=show) for one in stored}
    # On a server with many sites an address says nothing; nor does a report that named none.
    unclear = [one.id for one in reports if _is_uuid(one.id) and (not one.ips or (service and service.shared))]
    sites = _sites(unclear, service) if unclear else {}
    told = [
        _lines([_events(one, said, zone), _said_sites(sites.get(one.id, ()), said), summaries.get(one.id, "")])
        for one in reports
    ]
    return "\n\n".join(told)[:LONGEST_COMPLAINT]


def _own_names(service: Service | None) -> list[str]:
    """The names under which the customer's own addresses stand."""
    if service is None:
        return []
    return [service.label, *DeclaredName.objects.filter(service=service).values_list("name", flat=True)]


def _passed_on(report: Report, own: list[str], said: Language, *, show: bool) -> str:
    text = report.summary if show else without_identities(report.summary, _names_of(report), own, said.hidden)
    return defanged(text)


def _names_of(report: Report) -> list[str]:
    """The names by which a reporter is known."""
    one = report.reporter
    return [one.name, one.organisation, one.key, one.key.rpartition("@")[2], *one.domains] if one else []


def _sites(reports: list[str], service: Service | None) -> dict[str, dict[str, None]]:
    """The sites that reports name on a service, without the scheme: nobody follows such a link by mistake."""
    events = Event.objects.filter(report_id__in=reports, service_id=service.pk if service else None).order_by("pk")
    found: dict[str, dict[str, None]] = {}
    for report, url, source, ip in events.values_list("report_id", "url", "source", "ip")[: SITES * len(reports)]:
        site = without_identities(url.partition("://")[2] or url or ("" if ip else source), (), (), "…")
        if site:
            found.setdefault(str(report), {})[site] = None
    return found


def _said_sites(sites: Iterable[str], said: Language) -> str:
    named = list(sites)
    return said.sites.format(sites=defanged(", ".join(named[:SITES]))) if named else ""


def _is_uuid(text: str) -> bool:
    return len(text) == 36


def _events(report: HeardReport, said: Language, zone: ZoneInfo) -> str:
    first = _moment(report.occurred_at, zone)
    addresses = ", ".join(report.ips) or "-"
    return said.events.format(category=report.category, addresses=addresses, count=report.events, first=first)


def _measures(effect: Effect, case: Case | None) -> list[Measure]:
    if case is None:
        return []
    standing = Measure.objects.filter(service=case.service, decided__in=("in_force", "proposed"))
    return list(standing.filter(at__lte=effect.due).order_by("at", "pk"))


def _measure(measure: Measure, said: Language) -> str:
    what = said.measures.get(measure.kind, measure.kind).format(port=measure.port)
    where = said.on.format(what=what, ip=measure.ip) if measure.ip else what
    # Nothing is told as done that was not read back as done.
    done = measure.state == "in_force" or measure.upstream
    mode = said.modes["proposed"] if measure.decided == "proposed" else "" if done else said.modes["ordered"]
    refund = said.refunded[measure.refund] if measure.refund is not None else ""
    return ", ".join(part for part in (where, refund, mode) if part)


def _upstream_measure(effect: Effect, said: Language) -> str:
    """The network measure that the upstream hears of, as the same decision ordered it."""
    ip = effect.payload.get("ip")
    taken = [one for one in effect.payload.get("measures", []) if one.get("measure") in NETWORK]
    meant = [one for one in taken if not ip or one.get("ip") == ip]
    named = [said.measures[one["measure"]].format(port=one.get("port")) for one in meant]
    return "; ".join(
        said.on.format(what=what, ip=one["ip"]) if one.get("ip") else what
        for what, one in zip(named, meant, strict=True)
    )


def _charges(case: Case | None, occurrence: Occurrence | None) -> list[Charge]:
    if case is None:
        return []
    open_charges = Charge.objects.filter(case=case, state__in=("proposed", "owed"))
    since = occurrence.opened_at if occurrence else case.opened_at
    return list(open_charges.filter(at__gte=since).order_by("at", "pk"))


def _charge(charge: Charge, said: Language) -> str:
    item = said.items.get(charge.name, charge.name.replace("_", " "))
    what = said.on.format(what=item, ip=charge.ip) if charge.ip else item
    mode = f" ({said.modes['proposed']})" if charge.state == "proposed" else ""
    return f"{format_amount(charge.amount)} {charge.currency}: {what}{mode}"


def clauses_of(cited: Iterable[str], pack: Pack, decision: Decision | None = None) -> str:
    """The clauses cited, each with its title as of the version that decided."""
    version = _version_of(decision, pack)
    return "; ".join(f"{one} {pack.clause_in(one, version).title}".strip() for one in cited)


def _clause_texts(effect: Effect, pack: Pack) -> str:
    """The cited clauses' own words, one a paragraph, as the version that decided has them."""
    version = _version_of(effect.decision, pack)
    cited = [pack.clause_in(one, version) for one in effect.payload.get("clauses") or []]
    return "\n\n".join(f"{one.id}: {' '.join(one.text.split())}" for one in cited if one.text)


def _version_of(decision: Decision | None, pack: Pack) -> Version | None:
    return pack.version(decision.pack_version) if decision is not None and decision.pack_version else None


def due_of(effect: Effect, case: Case | None) -> datetime | None:
    """Until when the customer has to answer, as it is now: the deadline may have moved since it was ordered."""
    if effect.payload.get("due"):
        ordered = parse_instant(str(effect.payload["due"]))
        return max(ordered, _moved(effect) or ordered)
    replies = Deadline.objects.filter(case=case, name="reply", due__gt=effect.due) if case else Deadline.objects.none()
    # The one that this decision set: of several occurrences each has its own, and the latest is the newest.
    last = replies.filter(state="open").order_by("-due").first() or replies.order_by("-due").first()
    return last.due if last else None


def _moved(effect: Effect) -> datetime | None:
    item, decision = effect.payload.get("deadline"), effect.decision
    if not item or decision is None:
        return None
    return Deadline.objects.filter(docket=decision.docket_id, item=item).values_list("due", flat=True).first()


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    """An instant as its reader's clock shows it, with the zone, and in UTC beside it where that differs."""
    local = moment.astimezone(zone)
    shown = f"{local:%Y-%m-%d %H:%M} {local.tzname()}"
    return shown if local.utcoffset() == timedelta() else f"{shown} ({moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC)"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(line for line in lines if line)
