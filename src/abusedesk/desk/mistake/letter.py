"""Letter: the draft of an apology, in the customer's language; a person changes it before it goes out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from abusedesk.desk.hearing import tokens
from abusedesk.desk.perform.notice import language_for
from abusedesk.desk.perform.words import LANGUAGES, Language
from abusedesk.policy.endings import Ending
from abusedesk.policy.notice import render
from abusedesk.policy.own_notices import APOLOGY, UPHELD
from abusedesk.records.models import Case, Ticket
from abusedesk.records.packs import pack_of
from abusedesk.vocabulary.money import format_amount

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Apology:
    """How a language says what was taken back. What the customer never heard of is left out."""

    says: dict[str, str]
    on: str
    away: str
    short: str


ENGLISH = Apology(
    says={
        "annulled": "the strike of {day} no longer counts",
        "lifted": "{measure}: lifted",
        "withdrawn": "{name}: no longer proposed",
        "falls_back": "{measure}: lifted; a colleague still has to decide whether it is needed for another reason",
        "refunded": "{measure}: with refund again",
        "unpaid": "{name} of {amount}: withdrawn, you owe nothing for it",
        "credited": "{name} of {amount}: withdrawn; the {paid} that you paid are credited to you",
        "dropped": "you need not answer by {day} any more",
        "unmarked": "{ip} is no longer marked",
        "stays_lifted": "{measure}: will not be taken again",
    },
    on="{what} ({ip})",
    away="Your service could not be reached for about {hours} hours because of it.",
    short="Your service could not be reached for less than an hour because of it.",
)
CHINESE = Apology(
    says={
        "annulled": "{day} 的违规记录不再计入",
        "lifted": "{measure}：已解除",
        "withdrawn": "{name}：不再提议",
        "falls_back": "{measure}：已解除；是否因其他原因仍需采取，将由同事决定",
        "refunded": "{measure}：恢复退款",
        "unpaid": "{name} {amount}：已撤销，您无需支付",
        "credited": "{name} {amount}：已撤销；您已支付的 {paid} 将退为余额",
        "dropped": "您无需再于 {day} 前回复",
        "unmarked": "{ip} 的标记已取消",
        "stays_lifted": "{measure}：不会再次采取",
    },
    on="{what}（{ip}）",
    away="您的服务因此约有 {hours} 小时无法访问。",
    short="您的服务因此有不到一小时无法访问。",
)
GERMAN = Apology(
    says={
        "annulled": "der Verstoß vom {day} zählt nicht mehr",
        "lifted": "{measure}: aufgehoben",
        "withdrawn": "{name}: nicht mehr vorgeschlagen",
        "falls_back": "{measure}: aufgehoben; ein Mensch entscheidet noch, ob sie aus anderem Grund nötig ist",
        "refunded": "{measure}: wieder mit Erstattung",
        "unpaid": "{name} von {amount}: zurückgenommen, Sie schulden dafür nichts",
        "credited": "{name} von {amount}: zurückgenommen; gezahlte {paid} werden Ihnen gutgeschrieben",
        "dropped": "Sie müssen nicht mehr bis {day} antworten",
        "unmarked": "{ip} ist nicht mehr gekennzeichnet",
        "stays_lifted": "{measure}: wird nicht wieder verhängt",
    },
    on="{what} ({ip})",
    away="Ihr Dienst war deshalb etwa {hours} Stunden lang nicht erreichbar.",
    short="Ihr Dienst war deshalb weniger als eine Stunde lang nicht erreichbar.",
)
APOLOGIES = {"en": ENGLISH, "zh-Hans": CHINESE, "de": GERMAN}


def apology(case: Case, ended: Iterable[Ending], away: timedelta) -> str:
    """The draft of an apology for what was taken back, and for the time without the service."""
    language = language_for(case.brand, case.customer)
    words, said = LANGUAGES.get(language, LANGUAGES["en"]), APOLOGIES.get(language, ENGLISH)
    lines = dict.fromkeys(line for one in ended if (line := _line(one, words, said)))
    told = {"undone": "\n".join(f"- {line}" for line in lines) or f"- {words.none}", "downtime": _away(away, said)}
    return _draft(case, APOLOGY, language, told)


def upheld(case: Case, about: str, reason: str) -> str:
    """The draft of a letter that says why an appeal was not granted."""
    told = {"about": about, "reason": reason or "…"}
    return _draft(case, UPHELD, language_for(case.brand, case.customer), told)


def _draft(case: Case, template: str, language: str, told: dict[str, str]) -> str:
    values = {
        "customer": case.customer.name or case.customer.ref,
        "service": str(case.service),
        "answer_at": _answer_at(case),
    }
    return render(pack_of(case.brand), None, template, language, values | told)[1]


def _answer_at(case: Case) -> str:
    ticket = Ticket.objects.filter(case=case).first()
    return tokens.reply_address(case.brand, ticket.token) if ticket else tokens.answer_address(case.brand)


def _line(one: Ending, words: Language, said: Apology) -> str:
    """One thing in the customer's language; empty for what the customer never heard of."""
    # That nothing need be paid any more is said with the charge.
    form = "" if one.what == "dropped" and one.name != "reply" else said.says.get(one.what, "")
    measure = words.measures.get(one.name, one.name.replace("_", " ")).format(port=one.port)
    item = words.items.get(one.name, one.name.replace("_", " "))
    name = measure if one.name in words.measures else item
    return form.format(
        day=f"{one.at:%Y-%m-%d}",
        measure=_on(measure, one.ip, said),
        name=_on(name, one.ip, said),
        amount=f"{format_amount(one.amount)} {one.currency}",
        paid=f"{format_amount(one.paid)} {one.currency}",
        ip=one.ip or "",
    )


def _on(what: str, ip: str | None, said: Apology) -> str:
    return said.on.format(what=what, ip=ip) if ip else what


def _away(away: timedelta, said: Apology) -> str:
    if not away:
        return ""
    return said.away.format(hours=round(away / HOUR)) if away >= HOUR else said.short
