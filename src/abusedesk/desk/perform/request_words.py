"""What a customer is told of a request: what was asked, how it stands, and what follows, in the language it reads."""

from collections.abc import Mapping
from typing import NamedTuple

from abusedesk.records.models import Customer, CustomerRequest, Effect
from abusedesk.vocabulary.money import format_amount


class Said(NamedTuple):
    """The words of one language: what is asked by kind, the answers by state, what follows by kind and state."""

    asked: Mapping[str, str]
    about: str
    answers: Mapping[str, str]
    follows: Mapping[tuple[str, str], str]
    unpaid: str


ENGLISH = Said(
    asked={
        "open_mail_port": "to open the mail port (outgoing port 25)",
        "unblock": "to unblock an address",
        "replace_ip": "to replace an address",
        "restore": "to restore the service",
    },
    about="{what}: {ip}",
    answers={
        "needs_approval": "We have your request. A person decides about it, and we write to you again.",
        "granted": "Your request is granted.",
        "granted_when_paid": "Your request is granted once what you owe for the service is paid: {owed}.",
        "denied": "Your request is denied. The clauses below say why.",
        "answered": "A person has looked at your request:",
    },
    follows={
        ("open_mail_port", "granted"): "The port is being opened; this takes a few minutes.",
        ("open_mail_port", "denied"): "The port stays closed. Do what the clauses ask for, then ask again.",
        ("unblock", "granted"): "We unblock the address and need nothing more from you.",
        ("replace_ip", "granted"): "We will write to you with the new address. The old one ends when you have it.",
        ("restore", "granted"): "Your service is being restored; this takes a few minutes.",
        ("restore", "granted_when_paid"): "As soon as it is paid, your service is restored without your asking again.",
        ("restore", "denied"): "Put right what the clauses name, then ask again.",
    },
    unpaid="Unpaid for the service: {owed}.",
)
CHINESE = Said(
    asked={
        "open_mail_port": "开放邮件端口（出站 25 端口）",
        "unblock": "解除 IP 地址的封锁",
        "replace_ip": "更换 IP 地址",
        "restore": "恢复服务",
    },
    about="{what}：{ip}",
    answers={
        "needs_approval": "我们已收到您的申请，将由人工审核，并另行通知您结果。",
        "granted": "您的申请已获批准。",
        "granted_when_paid": "您的申请已获批准，将在您付清该服务的欠款后生效：{owed}。",
        "denied": "您的申请未获批准，原因见下列条款。",
        "answered": "您的申请已由人工处理：",
    },
    follows={
        ("open_mail_port", "granted"): "正在开放端口，需要几分钟时间。",
        ("open_mail_port", "denied"): "端口继续关闭。请按条款要求处理后重新申请。",
        ("unblock", "granted"): "我们会解除该地址的封锁，您无需再做其他操作。",
        ("replace_ip", "granted"): "我们会另行通知您新的地址。您收到新地址后，旧地址即停止使用。",
        ("restore", "granted"): "正在恢复您的服务，需要几分钟时间。",
        ("restore", "granted_when_paid"): "付清后服务将自动恢复，无需再次申请。",
        ("restore", "denied"): "请先解决条款所述的问题，再重新申请。",
    },
    unpaid="该服务的欠款：{owed}。",
)
GERMAN = Said(
    asked={
        "open_mail_port": "den Mailport zu öffnen (Port 25, ausgehend)",
        "unblock": "eine Adresse freizugeben",
        "replace_ip": "eine Adresse zu ersetzen",
        "restore": "den Dienst wiederherzustellen",
    },
    about="{what}: {ip}",
    answers={
        "needs_approval": "Ihre Anfrage liegt uns vor. Ein Mensch entscheidet darüber, und wir schreiben Ihnen wieder.",
        "granted": "Ihrer Anfrage wird entsprochen.",
        "granted_when_paid": "Ihrer Anfrage wird entsprochen, sobald der offene Betrag bezahlt ist: {owed}.",
        "denied": "Ihre Anfrage ist abgelehnt. Die Gründe nennen die Klauseln unten.",
        "answered": "Ein Mensch hat sich Ihre Anfrage angesehen:",
    },
    follows={
        ("open_mail_port", "granted"): "Der Port wird geöffnet; das dauert einige Minuten.",
        (
            "open_mail_port",
            "denied",
        ): "Der Port bleibt geschlossen. Tun Sie, was die Klauseln verlangen, und fragen Sie neu.",
        ("unblock", "granted"): "Wir geben die Adresse frei; Sie müssen nichts weiter tun.",
        ("replace_ip", "granted"): "Wir nennen Ihnen die neue Adresse. Die alte endet, wenn Sie sie haben.",
        ("restore", "granted"): "Ihr Dienst wird wiederhergestellt; das dauert einige Minuten.",
        ("restore", "granted_when_paid"): "Sobald bezahlt ist, wird Ihr Dienst ohne neue Anfrage wiederhergestellt.",
        ("restore", "denied"): "Bringen Sie in Ordnung, was die Klauseln nennen, und fragen Sie dann neu.",
    },
    unpaid="Für den Dienst offen: {owed}.",
)
LANGUAGES = {"en": ENGLISH, "zh-Hans": CHINESE, "de": GERMAN}


def values_of_request(effect: Effect, language: str) -> dict[str, str]:
    """A value for each placeholder of the answer to a request, as things stood when it was answered."""
    order, said = effect.payload, LANGUAGES.get(language, ENGLISH)
    kind, state = str(order["kind"]), str(order["state"])
    owed = f"{format_amount(order['owed'])} {order['currency']}" if order["owed"] else ""
    what = said.asked.get(kind, kind.replace("_", " "))
    found = {
        "asked": said.about.format(what=what, ip=order["ip"]) if order["ip"] else what,
        "answer": said.answers.get(state, state).format(owed=owed),
        "follows": _follows(said, kind, state, owed),
        "reason": _reason(order["docket"], str(order["request"])) if state != "needs_approval" else "",
    }
    customer = Customer.objects.filter(pk=order["customer"]).first()
    return found | ({"customer": customer.name or customer.ref} if customer else {})


def _follows(said: Said, kind: str, state: str, owed: str) -> str:
    unpaid = said.unpaid.format(owed=owed) if owed and state == "denied" else ""
    return " ".join(filter(None, (said.follows.get((kind, state), ""), unpaid)))


def _reason(docket: int, item: str) -> str:
    """Why a person decided so, in that person's words."""
    return CustomerRequest.objects.filter(docket=docket, item=item).values_list("reason", flat=True).first() or ""
