"""Which address or URL in prose the complaint is about: judged by the words around it."""

import re
from datetime import datetime, timezone
from typing import NamedTuple

from abusedesk.parsing import hosts, instants, received, sections

LIKELY = 3
"""The weight from which on a candidate counts as the source."""

_CLOCK = re.compile(r"\d[:.：时時点]\d\d")
_NUMERIC = "0123456789abcdef.:/ ,;|\t-"
_TRIM = " \t><*-•.,;:|[]()\"'"
_LINES = 4000
_URLS = 2000
_NEAR = 600
_WIDTH = 1500
_CLOSING = r"(?:[\s:=(\[\"'<*|#,@：（「『【＝-]|\.\.){0,12}$"
_IS_SOURCE = re.compile(
    r"(?:\b(?:source|src|saddr|srcip|offend\w*|attack(?:er|ing|s)\w*|infring\w*|abus(?:e|ive|"
    r"ing)\w*|suspect\w*|malicious|remote|client"
    r"|rhost|infected|compromised|originat\w*|listed|spamm\w*|from|peer|intruder|scanner|bot|hostile|"
    r"evil|perpetrator|violat\w*"
    r"|quelle|angreifer|von|vom|vanaf|dal|dall|depuis|provenant|desde|origen|origem|zdroj|źródł\w*|источник\w*|атак\w*|"
    r"нарушител\w*|\u0441|из)"
    r"(?:[\s-](?:the|your|de|du|le|los|las|el|do|da|o|il|dal|dall'|uw|het|ihrer|ihrem|votre|su|sua|vostro|"
    r"this|der|des|la|l'adresse|dirección|direccion|endereço|endereco|indirizzo|adres\w{0,3}|адрес\w{0,2}|following|"
    r"ip|ips|host|server|serveur|servidor|сервер\w{0,2}|rechner|machine|maschine|machina|máquina|ordinateur|equipo|"
    r"address(?:es)?|adresse|system|user|computer|customer|network|pc|location|domain|url|was|is|"
    r"вашего|вашей|вашего|нашего)){0,4}"
    r"|来自|來自|源(?:ip|地址|IP)(?:地址)?|(?:攻击|恶意|违规|涉案|发送|扫描)(?:者|源|方)?(?:ip|IP|主机)?(?:地址)?"
    r"|(?:送信元|発信元|攻撃元|接続元|貴社|御社|感染)(?:の)?(?:ip|IP|サーバー?|ホスト)?(?:アドレス)?)" + _CLOSING
)
_IS_LABEL = re.compile(
    r"(?:^|[\s>|(\[,;*])(?:your|the|following|this|these|affected|reported|involved|ihre?r?|votre|"
    r"su|ваш\w{0,4}|vaší|uw|het|der|die|l')?[\s-]{0,2}"
    r"(?:ipv?[46]?(?:[\s/_-]?(?:addresse?s?|adres\w{0,3}|cidr|number|addr|dirección|адрес\w{0,2}|アドレス|"
    r"地址|s))?|host(?:name)?|server|serveur|servidor|сервер\w{0,2}|rechner|équipement|equipo|hôte|système|"
    r"sistema|服务器|主机|サーバー?|machine|system|address|ip地址|адрес\w{0,2}|domain)"
    r"(?:\s(?:is|was|of|in question|involved))?" + _CLOSING
)
_IS_PLACE = re.compile(
    r"\b(?:on|at|hosted (?:on|at|by)|located (?:at|on)|resolv\w{2,4} to|running on|auf|sur|en|på|"
    r"for|about|gegen|behind|with)(?:\s(?:the|your|ip|host|server|machine|address|netblock|network|"
    r"der|ip-adresse)){0,4}" + _CLOSING
)
_IS_OTHER = re.compile(
    r"(?:\b(?:to|dst|daddr|dstip|dest\w{0,9}|target\w{0,3}|victims?\w{0,2}|by|relay\w{0,2}|"
    r"received by|honey ?pots?|sensor|reporter\w{0,3}|x-reporter-ip|local|laddr"
    r"|name ?servers?|dns|gateway|protected|version|release|build|gecko|chrome|firefox|safari|opera|"
    r"msie|rev|against|attacked|my|meine?r?|mein|mon|моего|мой|notre|nos|nuestro|nuestra|unser\w{0,3}|"
    r"наш\w{0,3}|nosso|nossa|"
    r"forwarded|towards?|our|nach|ziel\w{0,4}|cible|vers|destin\w{0,4}|"
    r"hacia|objetivo|цел\w{1,3}|на|mask|netmask|route|range|via|helo|ehlo)"
    r"(?:[\s-](?:the|our|nuestro|nuestra|unser\w{0,3}|notre|наш\w{0,3}|адрес\w{0,2}|servidor|serveur|сервер\w{0,2}|"
    r"système|sistema|ip|ips|host|server|servers|address(?:es)?|adresse|system|machine|network|"
    r"mail|port|of|is|was|web|site|honeypot|sensor)){0,4}"
    r"|attack(?:s|ed|ing)?\s(?:on|at|upon|directed\sat)|scan(?:s|ned|ning)?\s(?:of|on)|angriffe?\sauf"
    r"|\b(?:our|my|unser\w{0,2}|notre|nos|nuestr[oa]s?|mein\w{0,2}|nosso)\s(?:[\w-]{1,20}\s){0,3}(?:ip|address|server|host|mx"
    r"|machine|network|system|firewall|mailserver|box|router|service|website|adresse|serveur|servidor|customer|client|kunde)"
    r"|(?:目标|目的|宛先|送信先|攻撃先|接続先|受害|被攻击|被害|我们的?|我司|我方|本公司|当社|弊社|自社)(?:の|者|方|端)?"
    r"(?:服务器|主机|サーバー?|ホスト|ip|IP)?(?:地址|アドレス)?)" + _CLOSING
)
_ACTS_AFTER = re.compile(
    r"(?i)^[\s)\]>\"'*:,(]{0,4}(?:has|was|is|had|tried|attempt\w{0,3}|attack\w{0,3}|sent|sends|"
    r"scan\w{0,5}|been|hat|wurde|a été|ha |からの|から|对|向|hosted|in your|on your|within your|"
    r"belong\w{0,3}|located|listed|added|will|keeps?|tries|experienced|continues?|started|participated|hosts?|"
    r"connected|made|performed|flooded|está|estaba|realiz\w{1,4}|a\stenté|versucht\w{0,2}|greift|сканир\w{1,4}|атак\w{1,4}|"
    r"рассыл\w{1,4}|sta|está)\b|^[\s)\]\"']{0,3}(?:からの|から|对|向|에서|上の|上的|正在|이|가)"
)
_NAMED = re.compile(r"[\w-]{1,63}\.[a-z]{2,24}(?:/\S{0,200})?[\s,]{1,3}[(\[]$")
_OURS = re.compile(r"\b(?:our|my|to|by|via|relay|target|victim)\b")
"""An address in brackets behind a host name or a link stands for it, unless the line says whose that is."""
_ENTRY_AFTER = re.compile(
    r"^[\w.:/]{3,50}\s{1,4}(?:[(\[][^()\[\]]{0,80}[)\]]|[-–:|,;]\s.{0,120}|\t.{0,120}|\s{2}.{0,120})\s*$"
)
"""What follows an address that opens the entry of a list: its name in brackets, or a remark behind a dash or a gap."""
_ARROW_AFTER = re.compile(r"^(?:[.:/\s]\d{1,5})?(?:\s\(?\w{1,20}\)?)?\s{0,4}(?:->|=>|-->|→|>\s?\d)")
_ARROW_BEFORE = re.compile(r"(?:->|=>|-->|→)\s{0,4}$")
_ACCESS_LOG = re.compile(r"^\S{1,60} \S{1,60} \S{1,60} \[\d")
_HOP = re.compile(
    r"(?i)^\s{0,6}\d{1,2}\s.{0,120}\b\d{1,5}(?:\.\d{1,3})?\s?ms\b|\btraceroute to\b|^\s*(?:hop|tracing|traceroute)\b"
)
_HEADER = re.compile(
    r"(?i)^[>\s|]{0,6}(?:received|x-received|received-spf|authentication-results|arc-[\w-]+|"
    r"dkim-[\w-]+|domainkey-[\w-]+|return-path|message-id|x-[\w-]{2,40}|references|in-reply-to|"
    r"user-agent|mime-version|content-[\w-]+|to|cc|delivered-to|list-[\w-]+)\s?:"
)
_RECEIVED = re.compile(r"(?i)^[>\s|]{0,6}received\s?:\s?(.*)$")
_QUOTED_MAIL = re.compile(r"(?i)^[>\s|]{0,6}(?:received|return-path|delivered-to|x-originating-ip)\s?:\s?\S")
_ORIGINATING = re.compile(
    r"(?i)^[>\s|]{0,6}x-(?:originating-ip|sender-ip|source-ip|client-ip|remote-ip|mnmail-ip|ahost)\s?:"
)
_SUBJECT = re.compile(r"(?i)^[>\s|]{0,6}subject\s?:")
_WRAPPER = re.compile(
    r"(?i)request \d+ was acted upon|^\s*(?:transaction|queue|owner|requestors|status|ticket)\s?:?\s|^\s*ticket <url"
)
_SIGNATURE = re.compile(r"^(?:-- ?|__+|—\s?)$")
_PORT_AFTER = re.compile(
    r"(?i)^\]?(?::|#|\s(?:source )?port[:= ]\s?|,\s?port\s|\s(?=\d{1,5}\s{0,4}(?:->|=>|→)))(\d{1,5})\b"
)
_PREFIX = re.compile(r"^/(\d{1,3})(?![\w/.])")
_SPT = re.compile(r"(?i)\b(?:spt|sport|src_?port|source[ _-]?port)\s?[=:]\s?(\d{1,5})\b")
_BOILERPLATE_URL = re.compile(
    r"\b(?:more|further|additional|mehr|weitere|plus d)\W{0,3}\w{0,12}\s?(?:info|detail|read|"
    r"learn|inform)|\binformation\b|\bdetails?\b|\bvisit\b|\bclick\b|\bfollow(?:ing)? (?:the )?link|"
    r"\bunsubscribe|\bwebsite:|\bhomepage|\bfaq\b|\bpolicy"
    r"|\bticket\b|\bsupport\b|\bcontact\b|\babout\b|\bspecification\b|\bsee\s?:?\b|\bstatus\b|"
    r"\bincident report|\bto (?:view|resolve|reply|opt)|\bhttps?://\S{0,60}(?:faq|policy|support|"
    r"contact|unsubscribe|about|help|docs?)\b|powered by|\bplease (?:see|use|visit)|\bdownload\b|"
    r"\bwww:|w3:|\bregister|\bbehalf of\b|\bdisclaimer|\bon behalf\b|\breview\b.{0,30}\bhere\b|"
    r"\bkey\b|\bpgp\b|\bcopy of\b"
)
_ABOUT_THE_REPORT = re.compile(
    r"\b(?:feedback|ticket|case|incident|reply|status|support|unsubscribe|tracking|evidence|screenshots?)"
    r"\s?(?:urls?|links?|pages?)\s?[:=]"
)
_SAID_INFRINGING = re.compile(
    r"\b(?:infring\w{2,6}|offending|abusive|malicious|phish\w{0,5}|reported|"
    r"illegal)\s(?:\w{1,12}\s){0,2}(?:urls?|uri|links?|pages?|sites?)\s?\d{0,3}\s?[:=]"
)
_FOLLOWING = re.compile(
    r"\b(?:following|these|this|below)\s(?:\w{1,14}\s){0,3}(?:web ?sites?|urls?|pages?|links?|"
    r"sites?|domains?|content|files?|items?|locations?|repositor\w{1,3})\b"
)
_LABELLED = re.compile(
    r"(?:^|[\s>|_(*-])(?:\w{0,12}urls?(?:[ _]?box)?[ _\d]{0,6}|(?<!edit )links?|uri|address|site|"
    r"page|location)\)?[*\s]{0,3}[:=]\W{0,4}h(?:tt|xx)p"
)
_GENUINE = re.compile(
    r"\boriginal(?:ly)?\b|\bofficial|\breal (?:web ?)?(?:site|bank|page|shop|url)\b|\blegitimate|"
    r"\bgenuine|\bauthori[sz]ed (?:copy|example|site)|"
    r"\bour (?:own )?(?:web ?)?(?:site|page|product|work|customer|client|store|shop)|"
    r"\bmy (?:own )?(?:web ?)?(?:site|page|work|product)|\bowner'?s (?:web ?)?site|\btargets?\b|"
    r"\bcustomer,|website url|\brights? (?:owner|holder)\b|\bwork (?:is|can be|may be)\b|"
    r"\bcan be found at|copyrighted work|\bpublished (?:at|on)|\bwhere (?:it|the work)|"
    r"\bcompany (?:web|url)|\bcopyright(?:ed)? work\b|\bowner\b.{0,20}\b(?:site|url)"
)
_ON_YOURS = re.compile(
    r"\bhosted (?:by|on|with|at) you|\b(?:on|at|in|by) your (?:server|network|platform|customer|client|service)|"
    r"\byour (?:customer|client|subscriber)"
)
"""Said of a place that is the reader's: then the heading accuses, although it also names the genuine owner."""
_SITE_NAMED = re.compile(
    r"(?:\b(?:domain(?: name)?|web ?site|site|web ?shop|shop|hostname|fqdn|homepage|page|seite|dominio|sitio|domaine|"
    r"домен\w{0,2}|сайт\w{0,2})|网站|域名|サイト|ドメイン)[\s:：=\"'<(]{1,4}((?:[a-z0-9_-]{1,63}\.){1,6}[a-z]{2,24})(?![\w.-]*@)"
)
_FILES = frozenset({"exe", "zip", "html", "htm", "php", "js", "txt", "log", "json", "xml", "pdf", "jpg", "png", "csv"})
_SOURCE_COLUMN, _TARGET_COLUMN = 5, -4
_TARGET_WORDS = ("dst", "dest", "target", "victim", "attacked", "ziel", "local", "honeypot")
_COLUMN = re.compile(
    r"(?<![\w])(?:(?P<source>(?:src|source|attack(?:er|ing)|offend(?:er|ing)|scanner|infected|malicious|quell?e?|origen|remote)"
    r"[\s_-]?(?:ip|ips|addr(?:ess)?|host|adresse)?)|(?:dst|dest(?:ination)?|target(?:ed)?|victim|attacked|ziel|destino|local|honeypot)"
    r"[\s_-]?(?:ip|ips|addr(?:ess)?|host|adresse)?)(?![\s_-]?port|\w)"
)
"""The columns that hold addresses; those of ports are not among them."""
_COPIED = re.compile(
    r"infringing|unauthori[sz]ed|takedown|taken down|counterfeit|pirated|stolen"
    r"|\b(?:cop(?:y|ies)|versions?) of (?:our|my)\b"
)
_ACCUSED = re.compile(
    r"\binfring|\btake(?:n)? ?down|\bremov(?:e|al|ed)|\billegal|\bunlawful|\bphish|\bmalicious|"
    r"\bmalware|\bunauthori[sz]ed|\balleged|\boffending|\bfraud|\bscam|\babus|\bpirat|\bviolat|"
    r"\bdisabl|\breported url|\w{0,12}urls?(?:\s?box)?[\s\d]{0,6}[:=]|(?<!edit )\blinks?\s?[:=]|\bblock (?:this|the)|"
    r"\busername|\blocated on your|\bhosted\b|\bon your network|\bspamvert|\bcounterfeit|\bstolen|"
    r"\bfake|\bcompromised|\bhacked|\bspread|\bdefam|\battack at|\bsite at|侵权|侵害|违法|钓鱼|恶意|фишинг|"
    r"запрещ|наруш|блокир"
)


_HELPS = frozenset(
    {
        "docs",
        "help",
        "support",
        "policy",
        "policies",
        "faq",
        "legal",
        "abuse",
        "status",
        "ticket",
        "tickets",
        "rt",
        "kb",
        "wiki",
    }
)
_REFERENCES = frozenset(
    [
        "x-arf.org",
        "xarf.org",
        "abusix.org",
        "abusix.com",
        "w3.org",
        "ietf.org",
        "rfc-editor.org",
        "copyright.gov",
        "uspto.gov",
        "wikipedia.org",
        "spamcop.net",
        "spamhaus.org",
        "uceprotect.net",
        "shadowserver.org",
        "acns.net",
        "mitre.org",
        "nist.gov",
        "first.org",
        "cisa.gov",
        "us-cert.gov",
        "arin.net",
        "ripe.net",
        "apnic.net",
        "lacnic.net",
        "afrinic.net",
        "iana.org",
        "icann.org",
        "stopbadware.org",
        "virustotal.com",
        "abuseipdb.com",
        "openphish.com",
        "lumendatabase.org",
        "chillingeffects.org",
        "projecthoneypot.org",
        "blocklist.de",
        "fail2ban.org",
        "europa.eu",
        "team-cymru.org",
        "team-cymru.com",
    ]
)


class Candidate(NamedTuple):
    """An address or host with the weight of its role, and what its line says besides."""

    source: str
    weight: int
    url: str | None = None
    at: datetime | None = None
    port: int | None = None
    extract: str = ""


class Scene(NamedTuple):
    """What a text offers: addresses and URLs by the weight of their role, and its times."""

    addresses: tuple[Candidate, ...]
    urls: tuple[Candidate, ...]
    times: tuple[datetime, ...]
    entry: received.Hop | None


def parted(text: str) -> tuple[str, str]:
    """What the reporter says, and the mail that is quoted below it: the words of the second are not the reporter's."""
    start = 0
    for line in text.splitlines(keepends=True)[:_LINES]:
        if _QUOTED_MAIL.match(line):
            break
        start += len(line)
    return text[:start], text[start:]


def scene(subject: str, text: str, quoted: str, near: datetime | None, own_domains: frozenset[str]) -> Scene:
    """Judges every address and URL of a message. `own_domains` are the reporter's: their links are no complaint."""
    lines = [line[:_WIDTH] for line in hosts.refanged(text).splitlines()[:_LINES]]
    zone = _declared_zone(text)
    addresses = _in_subject(hosts.refanged(subject))
    urls: list[Candidate] = []
    times: list[datetime] = []
    heading, stance = "", 0
    columns: tuple[int, ...] = ()
    headers = _header_lines(lines)
    lower = text.lower()
    is_wrapped, has_hops = "acted upon" in lower or "ticket <url" in lower, " ms" in lower or "traceroute" in lower
    for number, line in enumerate(lines):
        if (has_hops and _HOP.search(line)) or (is_wrapped and _WRAPPER.search(line)):
            continue
        if number in headers:
            addresses += _originating(line)
            continue
        found_times = [moment for moment, _, _ in instants.find(line, near, zone)] if _CLOCK.search(line) else []
        times += found_times
        at = found_times[0] if found_times else None
        columns = _columns(line, columns)
        addresses += _in_subject(line) if _SUBJECT.match(line) else _on_line(line, heading, at, columns)
        stance = sections.stance(line, stance)
        if len(urls) < _URLS:
            urls += _urls_on_line(line, heading, at, own_domains, stance) or _names_on_line(line, at, own_domains)
        heading = _heading(line, heading)
    quoted_lines = [line[:_WIDTH] for line in quoted.splitlines()[:400]]
    for line in quoted_lines:
        addresses += _originating(line)
    entry = received.entry(_received([*lines, *quoted_lines])) if headers or quoted_lines else None
    return Scene(_summed(addresses), _summed_urls(urls), tuple(times), entry)


def _heading(line: str, heading: str) -> str:
    """The last line of words; lists of addresses and empty lines below it are still under it."""
    words = (hosts.URL.sub("", line) if "://" in line else line).strip()
    if len(words) <= 12 or not any(letter.isalpha() for letter in words):
        return heading
    is_entry = len(words.split()) <= 3 and hosts.IPV4.search(words) is not None
    return heading if is_entry else words[-300:]


def _in_subject(line: str) -> list[Candidate]:
    line = line[:_WIDTH]
    return [
        Candidate(_widened(address, line[end:]), 1 if _IS_OTHER.search(line[max(0, start - 80) : start].lower()) else 6)
        for address, start, end in hosts.addresses(line)
        if _is_anyones(address)
    ]


def _originating(line: str) -> list[Candidate]:
    if not _ORIGINATING.match(line):
        return []
    return [Candidate(address, 3) for address, _, _ in hosts.addresses(line) if hosts.is_holdable(address)]


def _on_line(line: str, heading: str, at: datetime | None, columns: tuple[int, ...]) -> list[Candidate]:
    if line.count(".") < 3 and line.count(":") < 2:
        return []
    spans = [span for span in hosts.addresses(line) if _is_anyones(span[0]) and not _is_version(line, span[1])]
    if not spans:
        return []
    is_access_log, lower, stated = bool(_ACCESS_LOG.match(line)), _lower(line), _port(_SPT.search(line))
    found = []
    for order, (address, start, end) in enumerate(spans):
        before, after = lower[max(0, start - 80) : start], line[end : end + 40]
        if is_access_log and start == 0:
            weight = 5
        elif len(columns) == len(spans):
            weight = columns[order]
        else:
            weight = _weight(before, after) or _standing(
                line, before, heading, is_first=order == 0, is_only=len(spans) == 1, is_timed=at is not None
            )
        source = _widened(address, after)
        port = _port(_PORT_AFTER.match(after)) or (stated if weight >= LIKELY else None)
        found.append(Candidate(source, weight, None, at, port, line.strip()[:300]))
    return found


def _lower(line: str) -> str:
    """The line in lower case where that keeps every letter in its place: a few capitals become two letters."""
    lower = line.lower()
    return lower if len(lower) == len(line) else line


def _columns(line: str, current: tuple[int, ...]) -> tuple[int, ...]:
    """The weights of the addresses in rows below a header that names a source and a target, in its order."""
    if not line.strip(" \t-=+|*#>_"):
        return current
    if line.count(".") > 2 or line.count(":") > 2:
        return current
    lower = line[:400].lower()
    if not any(word in lower for word in _TARGET_WORDS):
        return ()
    named = [_SOURCE_COLUMN if match.lastgroup == "source" else _TARGET_COLUMN for match in _COLUMN.finditer(lower)]
    return tuple(named) if set(named) == {_SOURCE_COLUMN, _TARGET_COLUMN} and len(named) < 5 else ()


def _widened(address: str, after: str) -> str:
    """The network where the address is written as one: listings speak of ranges. Very wide ones are not accused."""
    length = _PREFIX.match(after)
    if length is None or int(length[1]) < (32 if ":" in address else 20):
        return address
    return hosts.network(f"{address}/{length[1]}") or address


def _weight(before: str, after: str) -> int:
    """What the words right before and after an address make of it; 0 where they say nothing."""
    if _ARROW_BEFORE.search(before):
        return -4
    if before.strip(_NUMERIC) and (introduced := _introduced(before, after)):
        return introduced
    return 4 if _ARROW_AFTER.match(after) else 3 if _ACTS_AFTER.match(after) else 0


def _introduced(before: str, after: str) -> int:
    """What the words before an address call it."""
    if before.endswith("src="):
        return 6
    if before.endswith("@") or _IS_OTHER.search(before):
        return -4
    if _IS_SOURCE.search(before):
        return 5
    if _ARROW_AFTER.match(after):
        return 4
    if _IS_LABEL.search(before):
        return 5 if _ACTS_AFTER.match(after) else 4
    return 3 if _IS_PLACE.search(before) else 0


def _standing(line: str, before: str, heading: str, *, is_first: bool, is_only: bool, is_timed: bool) -> int:
    """An address that no word introduces: alone on its line, first of a log line, or lost in a sentence."""
    bare = line.strip(_TRIM)
    if is_only and len(bare) <= 50 and len(bare.split()) == 1:
        return 1 if _IS_OTHER.search(heading.lower() + " ") else 4
    if named := _NAMED.search(before):
        return 0 if _OURS.search(before[max(0, named.start() - 20) : named.start()]) else 3
    if is_first and not before.strip(_TRIM) and _ENTRY_AFTER.match(line[len(before) :]):
        return 1 if _IS_OTHER.search(heading.lower() + " ") else 4
    is_entry = is_only and heading.endswith(":") and len(bare.split()) <= 3
    if (is_first and is_timed) or (is_entry and not _IS_OTHER.search(heading.lower() + " ")):
        return 3
    if is_first and not before.strip(" \t>*-|"):
        return 2
    return 1


def _is_version(line: str, start: int) -> bool:
    """`Chrome/10.0.648.204` and `v1.2.3.4` look like addresses."""
    before = line[max(0, start - 12) : start]
    return bool(re.search(r"(?i)[a-z]/$|\bv$|ver(?:sion)?\.?\s?$|\brv:$", before)) and "//" not in before


def _is_anyones(address: str) -> bool:
    return not address.startswith(("127.", "0.", "255.", "224.", "239.")) and address not in {"::", "::1"}


def _urls_on_line(line: str, heading: str, at: datetime | None, own: frozenset[str], stance: int) -> list[Candidate]:
    """The links of a line. Its other words are weighed once for all of them."""
    urls = [(url, host) for url in hosts.urls(line) if (host := hosts.host_of(url))] if "://" in line else []
    urls = [(url, host) for url, host in urls if received.domain(host) not in own]
    if not urls:
        return []
    rest = (
        hosts.URL.sub(" ", line).replace("_", " ") if len(urls) > 1 else line.replace(urls[0][0], " ").replace("_", " ")
    )
    around = f"{heading} {rest}".replace("_", " ") if len(rest.strip()) < 25 else rest
    before = line[: line.find("://")].lower() if len(rest.strip()) >= 25 else ""
    weight = _under(stance, _url_weight(line[:_NEAR].lower(), around[:_NEAR].lower(), before))
    nearby = next((address for address, _, _ in hosts.addresses(rest) if _is_anyones(address)), None)
    found = []
    for url, host in urls:
        its = -3 if _is_reference(host) else weight
        found.append(Candidate(nearby if nearby and its > 0 else host, its, url, at, None, line.strip()[:300]))
    return found


def _names_on_line(line: str, at: datetime | None, own: frozenset[str]) -> list[Candidate]:
    """Sites that are named without a link, where the words before a name say that it is one and accuse it."""
    lower = line[:_NEAR].lower()
    named = list(_SITE_NAMED.finditer(lower)) if "." in lower and "://" not in lower else []
    if not named or not (_ACCUSED.search(lower) or _ON_YOURS.search(lower)):
        return []
    found = []
    for match in named:
        name, before = match[1].rstrip("."), lower[: match.start(1)]
        is_own = received.domain(name) in own or _is_reference(name) or _GENUINE.search(before)
        if hosts.is_host(name) and not is_own and name.rpartition(".")[2] not in _FILES:
            found.append(Candidate(name, 4, None, at, None, line.strip()[:300]))
    return found


def _is_reference(host: str) -> bool:
    """Help pages and the sites of standards and authorities are what reports point to, not what they accuse."""
    return host.split(".", maxsplit=1)[0] in _HELPS or received.domain(host) in _REFERENCES


def _url_weight(line: str, around: str, before: str) -> int:
    is_alone = len(line.strip(_TRIM + "0123456789").split()) <= 2
    if _ABOUT_THE_REPORT.search(line.replace("_", " ")):
        return -2
    if _SAID_INFRINGING.search(line.replace("_", " ")):
        return 6
    if is_alone and _FOLLOWING.search(around) and _ACCUSED.search(around):
        return 5
    if _GENUINE.search(around):
        return _beside_genuine(around, before, is_alone=is_alone)
    is_labelled = _LABELLED.search(line) is not None
    if _ACCUSED.search(around):
        return 6 if is_labelled else 5 if is_alone else 4
    neutral = 4 if is_labelled else 3 if is_alone else 1
    return -2 if _BOILERPLATE_URL.search(around) else neutral


def _under(stance: int, weight: int) -> int:
    """What the heading makes of a link of which its own line says nothing."""
    if not stance or not 0 < weight <= LIKELY:
        return weight
    return -3 if stance < 0 else weight + 2 if weight == LIKELY else 4


def _beside_genuine(around: str, before: str, *, is_alone: bool) -> int:
    """A URL whose surroundings name a genuine owner: it is theirs, unless the words accuse all the same."""
    if is_alone and _ON_YOURS.search(around):
        return 5
    if _ON_YOURS.search(before) and not _GENUINE.search(before):
        return 4
    return 1 if _COPIED.search(around) else -3


def _summed(found: list[Candidate]) -> tuple[Candidate, ...]:
    """One candidate an address: the weight of its best role, less where another role speaks against it."""
    best: dict[str, Candidate] = {}
    seen: dict[str, list[int]] = {}
    for one in found:
        seen.setdefault(one.source, []).append(one.weight)
        known = best.get(one.source)
        if known is None:
            best[one.source] = one
        else:
            first, other = (one, known) if one.weight > known.weight else (known, one)
            best[one.source] = first._replace(
                at=_either(first.at, other.at), port=first.port or other.port, extract=first.extract or other.extract
            )
    return tuple(one._replace(weight=_judged(seen[source])) for source, one in best.items())


def _either(first: datetime | None, other: datetime | None) -> datetime | None:
    return first if first is not None else other


def _judged(weights: list[int]) -> int:
    against = sum(1 for weight in weights if weight < 0)
    speaking = [weight for weight in weights if weight > 0]
    if against > len([weight for weight in speaking if weight >= LIKELY]):
        return min(weights)
    return max(speaking, default=min(weights)) + min(len(speaking) - 1, 2)


def _summed_urls(found: list[Candidate]) -> tuple[Candidate, ...]:
    best: dict[str, Candidate] = {}
    for one in found:
        known = best.get(one.url or one.source)
        if known is None or one.weight > known.weight:
            best[one.url or one.source] = one
    return tuple(best.values())


def _header_lines(lines: list[str]) -> set[int]:
    """The lines of quoted mail headers, with their continuations: the addresses in them are hops and recipients."""
    found: set[int] = set()
    for number, line in enumerate(lines):
        if _HEADER.match(line) or (number - 1 in found and line[:1] in {" ", "\t"} and line.strip()):
            found.add(number)
    return found


def _received(lines: list[str]) -> list[str]:
    fields: list[str] = []
    is_open = False
    for line in lines:
        match = _RECEIVED.match(line)
        if match:
            fields.append(match.group(1))
        elif (
            is_open
            and fields
            and (line[:1] in {" ", "\t"} or line.startswith(("> ", ">\t")))
            and len(fields[-1]) < 1500
        ):
            fields[-1] += " " + line.strip("> \t")
        is_open = bool(match) or (is_open and line[:1] in {" ", "\t", ">"})
    return fields


def _declared_zone(text: str) -> timezone | None:
    """`All times are UTC+2`: the zone of the times that have none themselves."""
    declared = re.search(
        r"(?i)\b(?:all )?(?:times?(?:stamps?)?(?: ?zone)?|timezone|zeitzone|zeiten|"
        r"hours?)\b[^\n]{0,40}?\b((?:UTC|GMT)\s?[+-]\s?\d{1,2}(?::?\d{2})?|[+-]\d{4}|UTC|GMT|CES?T|"
        r"[ECMP][SD]T|MSK|JST)\b",
        text[:100_000],
    )
    return instants.offset(declared.group(1).replace(" ", "")) if declared else None


def _port(match: re.Match[str] | None) -> int | None:
    return int(match.group(1)) if match and 0 < int(match.group(1)) < 65536 else None
