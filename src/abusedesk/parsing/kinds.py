"""What prose complains of: a category by its vocabulary, with a weight that says how sure the words are.

Words of several languages stand side by side; a word counts once however often it occurs, so that long boilerplate does
not outweigh the sentence that matters.
"""

import re
from typing import NamedTuple

UNCLASSIFIED = "other/unclassified"
_CAPITAL = re.compile(r"(?<!\\)[A-Z]")
_NUMBER = re.compile(r"\d+")
_LOOKED_AT = 100_000
_SPOKEN = 16_000

SURE = 3
"""The weight from which on a category is taken as said."""


class Kind(NamedTuple):
    """A category and how sure the words are; a weight of 0 means that nothing was said."""

    category: str
    weight: int


def _words(*alternatives: str) -> re.Pattern[str]:
    """The alternatives in lower case, for text in lower case: that takes half the time of ignoring the case."""
    return re.compile("|".join(_CAPITAL.sub(lambda letter: letter.group().lower(), one) for one in alternatives))


def plain(text: str) -> str:
    """What is looked at: the lines in lower case, and of log lines that differ in numbers alone only the first."""
    lines: dict[str, str] = {}
    for line in text[:_LOOKED_AT].lower().splitlines():
        lines.setdefault(_NUMBER.sub("0", line), line)
    return "\n".join(lines.values())[:_SPOKEN]


_VOCABULARY: tuple[tuple[str, int, re.Pattern[str]], ...] = tuple(
    (category, weight, _words(*alternatives))
    for category, weight, alternatives in (
        (
            "content/csam",
            6,
            (
                r"\bcsam\b",
                r"child (?:sexual )?abuse (?:material|image|content|media|video|site)",
                r"child (?:porn|sexual (?:abuse|exploitation))",
                r"sexual abuse material",
                r"kinderporno",
                r"pédopornograph",
                r"детск\w{0,4} порно",
                r"pornografía infantil",
                r"児童ポルノ",
                r"儿童色情",
            ),
        ),
        (
            "content/phishing",
            5,
            (
                r"phish",
                r"fake (?:bank|login|web ?site|shop)",
                r"credential (?:theft|harvest)",
                r"фишинг",
                r"钓鱼",
                r"釣魚",
                r"フィッシング",
                r"hameçonnage",
                r"suplantación",
            ),
        ),
        (
            "content/malware",
            4,
            (
                r"malware",
                r"\btrojan\b",
                r"\bransomware",
                r"malicious (?:file|content|code|software|url|payload)",
                r"\bvirus(?:es)?\b",
                r"schadsoftware",
                r"schadprogramm",
                r"logiciel malveillant",
                r"вредоносн",
                r"恶意(?:软件|代码|程序)",
                r"マルウェア",
                r"maliciousurl|(?:identified|classified|flagged) as malicious",
                r"drive-by",
                r"exploit kit",
                r"safe browsing",
            ),
        ),
        (
            "content/fraud",
            4,
            (
                r"\bfraud",
                r"\bscam",
                r"betrug",
                r"estafa",
                r"escroquerie",
                r"мошенни",
                r"诈骗",
                r"詐欺",
                r"advance[- ]fee",
                r"419 ",
            ),
        ),
        (
            "content/brand_infringement",
            5,
            (
                r"trade ?mark",
                r"counterfeit",
                r"brand (?:abuse|infring|impersonat)",
                r"markenrecht",
                r"контрафакт",
                r"商标",
                r"商標",
                r"contrefaçon",
            ),
        ),
        (
            "copyright/p2p",
            6,
            (
                r"bit ?torrent",
                r"peer[- ]to[- ]peer",
                r"\bp2p\b",
                r"\bemule\b",
                r"info ?hash",
                r"file[- ]sharing network",
                r"filesharing",
            ),
        ),
        (
            "copyright/copyright",
            5,
            (
                r"copyright",
                r"\bdmca\b",
                r"digital millennium",
                r"infringing (?:file|work|material|content|url)",
                r"urheberrecht",
                r"droits? d'auteur",
                r"derechos de autor",
                r"авторск\w{0,4} прав",
                r"著作权|版权|著作権",
                r"piracy|pirated|anti-?piracy",
            ),
        ),
        (
            "connection/ddos",
            5,
            (
                r"\bd?dos\b(?! not)(?<!ms-dos)",
                r"denial[- ]of[- ]service",
                r"déni de service|denegación de servicio|negação de serviço|dienstverweigerung",
                r"syn[- ]?flood",
                r"udp[- ]?flood",
                r"\bflood(?:ing)? attack",
                r"amplification attack",
                r"reflect(?:ion|ive|or) attack",
                r"отказ\w{0,2} в обслуживании",
                r"拒绝服务",
                r"サービス拒否",
                r"very large-scale attack",
                r"attack target",
            ),
        ),
        (
            "connection/login_attack",
            5,
            (
                r"brute[- ]?forc",
                r"fail2ban",
                r"failed (?:ssh |ftp |smtp |imap |login |password |authentication )",
                r"log-?in (?:attempt|attack|failure)",
                r"attempting (?:to )?log-?in",
                r"ssh ?auth",
                r"authentication (?:attack|attempt)",
                r"authentication (?:failure|failed)",
                r"password guess",
                r"wrong password|logon failure",
                r"(?:service|method|protocol)\W{1,4}(?:\w{1,12}\W{1,3}){0,2}(?:ssh|ftp|imap|pop3|sasl|"
                r"rdp|telnet|mysql|bruteforcelogin|sip|asterisk)\b",
                r"dictionary attack",
                r"invalid user",
                r"\bsasl login",
                r"tried to log ?in",
                r"anmeldeversuch",
                r"tentatives? de connexion",
                r"intentos? de (?:acceso|inicio)",
                r"подбор\w{0,2} парол",
                r"暴力破解",
                r"ブルートフォース",
                r"not allowed to log ?in",
                r"auth(?:entication)? attempts?",
            ),
        ),
        (
            "connection/port_scan",
            5,
            (
                r"port ?-?scan",
                r"net ?scan(?:s|ning|ned)?\b",
                r"\bscann(?:ing|ed)\b.{0,40}\bports?\b",
                r"\bnmap\b|\bmasscan\b|\bzmap\b",
                r"\bprob(?:e|es|ing|ed)\b.{0,40}\bports?\b",
                r"portscan",
                r"сканирован\w{0,3} порт",
                r"端口扫描",
                r"ポートスキャン",
                r"escaneo de puertos",
                r"network scan",
                r"sip (?:options|invite|register|query|scan)|\bsip\b.{0,40}\b(?:request|invitation|"
                r"registration|queries)",
                r"unsolicited (?:dns|sip|protocol|packet)|recursion desired|version\.bind|\bscanner\b",
                r"ipfw|iptables|\bIN=\w{1,8} |\bDROP\b|\bDENY\b",
            ),
        ),
        (
            "connection/sql_injection",
            6,
            (r"sql[- ]?injection", r"union(?:\s|%20|\+)+select", r"SQL-Inje[ck]tion", r"инъекц"),
        ),
        (
            "connection/vulnerability_scan",
            4,
            (
                r"vulnerability scan",
                r"web (?:attack|exploit|application attack|and network attack)",
                r"exploit attempt",
                r"attempt\w{0,4} to exploit",
                r"directory traversal",
                r"wp-login|xmlrpc\.php|phpmyadmin|\.env\b",
                r"remote (?:code|file) (?:execution|inclusion)",
                r"hack(?:ing)? attempt",
                r'"(?:GET|POST|HEAD|PUT|OPTIONS|CONNECT|PROPFIND) ',
                r"\bhack(?:er|ed|ing)?\b",
                r"intrusion attempt",
                r"mod_?security",
                r"\bbotware\b|\bbad ?bot",
                r"malicious attempt",
                r"abusive (?:web )?requests?",
                r"\battack(?:s|ed|ing|er|ers)?\b",
                r"angriff",
                r"attaque",
                r"ataque",
                r"атак",
                r"攻击|攻撃",
            ),
        ),
        ("connection/scraping", 4, (r"scrap(?:ing|er|ed)\b", r"crawl(?:ing|er)\b", r"harvest(?:ing|er)")),
        (
            "infrastructure/botnet",
            4,
            (
                r"botnet",
                r"command[- ]and[- ]control",
                r"\bc2 server|\bc&c\b",
                r"ботнет",
                r"僵尸网络",
                r"ボットネット",
                r"sinkhole",
                r"\bmalw\b|trojan ?family|bot ?name",
            ),
        ),
        (
            "connection/infected_host",
            4,
            (
                r"\binfected (?:host|machine|computer|system|with)",
                r"\binfections?\b",
                r"\bworm\b",
                r"infiziert",
                r"заражен",
                r"受感染",
                r"感染",
                r"zombie",
            ),
        ),
        (
            "infrastructure/compromised_server",
            4,
            (
                r"\bcompromised\b",
                r"defaced?|defacement",
                r"backdoor",
                r"web ?shell",
                r"kompromittiert",
                r"взлом",
                r"被入侵",
                r"rootkit",
                r"intruded",
            ),
        ),
        ("infrastructure/open_relay", 6, (r"open (?:mail )?relay", r"offenes? relay")),
        ("infrastructure/open_proxy", 6, (r"open (?:http |socks )?prox(?:y|ies)", r"tor exit")),
        (
            "vulnerability/open_service",
            5,
            (
                r"open (?:dns )?resolver",
                r"openly accessible",
                r"publicly (?:accessible|exposed|available) (?:\w+ )?(?:server|service|database|instance|port)",
                r"exposed (?:service|database|instance|server|port|to the internet)",
                r"open (?:ntp|ssdp|snmp|ldap|memcached|redis|mongodb|elasticsearch|portmapper|netbios|"
                r"mdns|chargen|tftp)",
                r"public ntp server",
                r"offene[rn]? (?:dns|dienst|resolver|server)",
                r"amplifier",
                r"unprotected (?:\w{1,20} )?(?:database|server|instance)",
                r"(?:database|service|server|instance) is (?:openly |publicly |freely )?accessible",
                r"\bopen ports?\b",
                r"service ouvert|открыт\w{0,3} (?:резолвер|порт|сервис)",
                r"monlist",
            ),
        ),
        (
            "vulnerability/cve",
            5,
            (
                r"\bcve-\d{4}-\d{3,7}",
                r"\bvulnerab(?:le|ility|ilities)\b",
                r"schwachstelle",
                r"vulnérabilit",
                r"vulnerabilidad",
                r"уязвимост",
                r"漏洞",
                r"脆弱性",
                r"unpatched|outdated version",
            ),
        ),
        (
            "vulnerability/misconfiguration",
            4,
            (
                r"security (?:issue|flaw|weakness|problem|hole)",
                r"misconfigur",
                r"insecure (?:configuration|service)",
                r"expired certificate",
                r"default (?:password|credentials)",
            ),
        ),
        (
            "other/unclassified",
            4,
            (
                r"court order",
                r"violat\w{1,4} .{0,40}\blaws?\b",
                r"\billegal (?:content|user|information|material|activit)",
                r"federal law",
                r"law enforcement",
                r"roskomnadzor|роскомнадзор",
                r"ministry|police|guardia civil|\bcert\b",
                r"prohibited|запрещ",
                r"extremis|экстремис|terroris",
                r"defam|diffam|verleumd",
                r"privacy (?:complaint|violation)|right to privacy|invasion of privacy",
                r"harass|doxx?ing|stalking",
                r"违法|违反|非法|名誉|著しく|プライバシー",
            ),
        ),
        (
            "content/exposed_data",
            4,
            (
                r"data (?:leak|breach)",
                r"leaked (?:data|credential|account)",
                r"personal data (?:exposed|published)",
                r"datenleck",
                r"fuite de données",
                r"\.git/config|directory listing|information disclosure",
            ),
        ),
        (
            "reputation/blocklist",
            5,
            (
                r"(?:added to|listed (?:on|in|at|by)|listing (?:in|on)|entry in) .{0,60}(?:block|black) ?list",
                r"\b(?:block|black) ?list(?:ed|ing)\b",
                r"\bsbl\b|\bxbl\b|\bdnsbl\b|\brbl\b|uceprotect|\bsorbs\b",
                r"sperrliste",
                r"liste noire",
                r"lista negra",
                r"ч[её]рн\w{0,3} спис",
                r"黑名单|ブラックリスト",
                r"greylist",
            ),
        ),
        (
            "messaging/spam",
            4,
            (
                r"\bspam(?!assassin|hausen|-status|-score|-level|-flag|-checker|\.|_|trap)(?:s|med|"
                r"ming|mer|mers|ming)?\b",
                r"unsolicited (?:bulk |commercial )?(?:e-?)?mail",
                r"\bube\b|\buce\b",
                r"junk ?mail",
                r"spam ?trap",
                r"unerwünschte (?:e-?)?(?:mail|werbung)",
                r"courrier indésirable|pourriel",
                r"correo (?:no deseado|basura)",
                r"спам",
                r"垃圾邮件|垃圾郵件",
                r"迷惑メール|スパム",
                r"email from (?:\d|[0-9a-f:]{4})",
                r"bulk (?:e-?)?mail",
                r"nevyžádan",
                r"mail harvesting|comment spamming|email spamming",
                r"unwanted e-?mail",
            ),
        ),
        (
            "messaging/spoofing",
            5,
            (r"spoof(?:ed|ing) (?:e-?mail|sender|mail)", r"forged (?:sender|header|from)", r"impersonat"),
        ),
        ("infrastructure/compute_abuse", 5, (r"crypto ?-?(?:mining|miner|jacking)", r"coin ?miner")),
    )
)

_COMPLAINT = _words(
    r"\babuse\b",
    r"\bcomplain",
    r"\breport(?:ing)? (?:of|about|an?)\b",
    r"your (?:network|server|customer|ip|host|system|client|machine|user|infrastructure|address space)",
    r"(?:originat|com)(?:ing|es|ed)? from",
    r"take ?down|taken down|\bremove\b|disable access|shut ?down|suspend",
    r"please (?:block|investigate|take|stop|act|secure|remove|check|fix|block|look)",
    r"\bincident\b",
    r"\b(?:we|wir|nous|hemos|our \w+) (?:have |haben |avons |has |was )?(?:detect|observ|notic|record|"
    r"receiv|entdeckt|festgestellt|détecté|detectado|register)",
    r"entfern|fordern sie|löschen|supprim|retirer|eliminar|retirar|rimuov|удал|删除|移除|下架|削除",
    r"medidas|tomen|rogamos|merci d.intervenir|prière de|maßnahmen|gegenmaßnahmen|примите меры|просим|"
    r"приняти\w мер|请处理|请调查|対応|検知",
    r"angriff|attaque|ataque|атак|攻击|攻撃|\bddos\b|\bflood\b|\bscan(?:s|ned|ning)?\b",
    r"\boffending\b",
    r"(?:been|was|were)\W{1,4}(?:identified|observed|seen|detected)",
    r"\bsuspicious\b|\bunsolicited\b|\bunwanted\b",
    r"\billegal\b|\bunlawful|\binfring|\bviolat",
    r"missbrauch|beschwerde|ihre[mrs]? (?:netz|server|kunde|ip)",
    r"plainte|votre (?:réseau|serveur|client)",
    r"queja|su (?:red|servidor|cliente)",
    r"жалоб|ваш\w{0,4} (?:сет|сервер|клиент)",
    r"投诉|滥用|举报|您的(?:网络|服务器|客户)",
    r"苦情|通報|貴社",
    r"vaší ip|uw netwerk",
    r"\bnotice of\b|\bnotification of\b",
    r"malicious|attack",
)

_DENIALS = _words(
    r"counter[- ]?(?:notice|notification)",
    r"retract(?:ion|ing|ed)? (?:of )?(?:the |our |my |this )?(?:notice|complaint|claim|takedown|dmca)",
    r"withdraw(?:al|ing|n)? (?:of )?(?:the |our |my |this )?(?:notice|complaint|claim|takedown|dmca)",
    r"gegendarstellung",
    r"contre-notification",
    r"(?:removed|disabled|removal|disabling).{0,60}(?:as a result of|due to|"
    r"because of) (?:a )?(?:mistake|error|misidentif)",
)
_RETRACTIONS = _words(
    r"\b(?:i|we) (?:am |are )?(?:hereby )?(?:retract|withdraw|submit(?:ting)? (?:a |this |my |"
    r"our )?counter|(?:dispute|contest) (?:the|this) (?:notice|claim))",
    r"^\W{0,10}(?:dmca )?counter[- ]?(?:notice|notification)",
    r"\b(?:notice|complaint|claim|takedown|report)\b.{0,60}\b(?:is|was|are|has been|"
    r"have been) (?:hereby )?(?:retracted|withdrawn|resolved)",
)
_SWORN = _words(r"as a result of (?:a )?(?:mistake|error)\W{1,3}(?:or|and/or) (?:a )?mis-?identif")
"""The statement that 17 USC 512 (g) (3) (C) wants of a counter-notice, and of nothing else."""


def kind(subject: str, body: str) -> Kind:
    """The category that the words of a message speak of; its subject counts double."""
    subject, body = plain(subject), plain(body)
    scores: dict[str, int] = {}
    for category, weight, pattern in _VOCABULARY:
        in_subject, in_body = bool(pattern.search(subject)), _distinct(pattern, body)
        if in_subject or in_body:
            scores[category] = weight * 2 * in_subject + weight * min(in_body, 1) + 2 * min(in_body, 4)
    if not scores:
        return Kind(UNCLASSIFIED, 0)
    best = max(scores, key=lambda one: scores[one])
    return Kind(_refined(best, scores), scores[best])


def complaint(text: str) -> int:
    """How many different words of a complaint the text uses."""
    return _distinct(_COMPLAINT, plain(text))


def is_denial(subject: str, body: str) -> bool:
    """Whether this is a counter-notice or takes a complaint back: it must never open a case."""
    opening = body[:600].lower()
    return bool(
        _DENIALS.search(subject.lower()) or _RETRACTIONS.search(opening) or _SWORN.search(body[:50_000].lower())
    )


def is_about_content(category: str) -> bool:
    """Whether such complaints are about a URL first and an address second."""
    return category.startswith(("content/", "copyright/")) and category != "copyright/p2p"


def _distinct(pattern: re.Pattern[str], text: str) -> int:
    found: set[str] = set()
    for match in pattern.finditer(text):
        found.add(match.group())
        if len(found) >= 4:
            break
    return len(found)


def _refined(best: str, scores: dict[str, int]) -> str:
    """Where the words of two categories meet, the narrower one is meant."""
    if best == "copyright/copyright" and "copyright/p2p" in scores:
        return "copyright/p2p"
    if best == "connection/vulnerability_scan":
        narrower = [one for one in scores if one.startswith("connection/") and one != best]
        return max(narrower, key=lambda one: scores[one]) if narrower else best
    return best
