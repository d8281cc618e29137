"""What a customer may be asking for in a mail: a suggestion that fills in a form for a person, and nothing else.

By words alone, in English, Chinese and German. What is not said plainly is left open.
"""

import re
from ipaddress import ip_address
from typing import NamedTuple

from abusedesk.vocabulary.request import ABOUT_ADDRESS

LOOKED_AT = 20_000
"""Characters of a mail that are read."""

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "open_mail_port",
        re.compile(
            r"(?i)\bport[ -]?25\b|\b(?:smtp|mail|e-?mail)[ -]?ports?\b|\bmailport|"
            r"(?:开放|打开|开通|解封).{0,12}(?:25|邮件|smtp)|(?:25|邮件).{0,6}端口"
        ),
    ),
    (
        "replace_ip",
        re.compile(
            r"(?i)\b(?:replace|change|swap|new|another|different)\b.{0,30}\b(?:ip|address|ipv4)\b|"
            r"(?:更换|换一?个?|替换).{0,8}(?:ip|地址)|\b(?:neue|andere|ersetzen).{0,30}\b(?:ip|adresse)"
        ),
    ),
    (
        "unblock",
        re.compile(
            r"(?i)\bun-?(?:block|ban|null)\w*|\bwhitelist|解除?封(?:锁|禁)?|\b(?:entsperr|freigeben|freischalt)\w*"
        ),
    ),
    (
        "restore",
        re.compile(
            r"(?i)\b(?:restore|reactivat|re-?enabl|unsuspend|turn(?:ed)? (?:it )?(?:back )?on|bring .{0,20}back)\w*|"
            r"恢复|解除暂停|重新(?:开机|启用|开通)|\b(?:wiederherstell|reaktivier|wieder (?:an|ein)schalt)\w*"
        ),
    ),
)
"""The first that fits is suggested; who writes of port 25 wants that, whatever else it asks."""

_CAUSES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "third_party",
        re.compile(
            r"(?i)\b(?:previous|former) (?:owner|user|customer|tenant)|before (?:me|us)\b|前(?:任|一个?)|vorbesitzer"
        ),
    ),
    ("provider", re.compile(r"(?i)\byour (?:fault|network|range|upstream)\b|贵(?:司|方)的?(?:网络|原因)")),
)
_DOMAIN = re.compile(
    r"(?i)(?<![@\w./-])((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z][a-z0-9-]{1,23})(?![\w@-]|\.\w)"
)
_ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{1,4}:[0-9a-fA-F:]{2,38})(?![\w:]|\.\d)")
_SELECTOR = re.compile(
    r"(?i)\bselector\W{1,5}(?:is\W{1,3})?([a-z0-9][a-z0-9_-]{0,60})\b|([a-z0-9][a-z0-9_.-]{0,60})\._domainkey\b"
)


class Wish(NamedTuple):
    """What a mail seems to ask for; empty where it does not say."""

    kind: str = ""
    ip: str = ""
    cause: str = ""
    domain: str = ""
    selector: str = ""


def wish_of(text: str) -> Wish:
    """What a customer's words seem to ask for."""
    text = text[:LOOKED_AT]
    kind = next((name for name, pattern in _KINDS if pattern.search(text)), "")
    cause = next((name for name, pattern in _CAUSES if pattern.search(text)), "") if kind == "replace_ip" else ""
    ip = _ip(text) if kind in ABOUT_ADDRESS or kind == "open_mail_port" else ""
    if kind != "open_mail_port":
        return Wish(kind, ip, cause)
    domain = _DOMAIN.search(text)
    return Wish(kind, ip, "", domain[1].lower() if domain else "", _selector(text))


def _ip(text: str) -> str:
    for found in _ADDRESS.findall(text):
        try:
            return str(ip_address(found))
        except ValueError:
            continue
    return ""


def _selector(text: str) -> str:
    found = _SELECTOR.search(text)
    return (found[1] or found[2]).lower() if found else ""
