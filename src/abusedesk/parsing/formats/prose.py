"""Complaints in prose: the last resort, for people, unknown tools and notices of every sender."""

import re
from datetime import datetime

from abusedesk.parsing import cms, hosts, kinds, legal, received, roles
from abusedesk.parsing.material import Format, Material, reported, unreported
from abusedesk.parsing.roles import LIKELY, Candidate, Scene
from abusedesk.vocabulary.category import UNCLASSIFIED
from abusedesk.vocabulary.report import Event, Reading

NAME = "prose"

_EVENTS = 1000
_MAILS = 100
_REPLY = re.compile(
    r"(?i)^\s*(?:\[[^\]]{1,60}\]\s{0,3})?(?:re|aw|sv|antw|odp|ответ|回复|答复|返信)\s?(?:\[\d{1,3}\])?\s?:"
)
_SEALED = cms.TYPES | {"application/pgp-encrypted"}
_WAYS_OF_SPAM = frozenset({"infrastructure/open_proxy", "infrastructure/open_relay"})
_BULK = frozenset({"bulk", "list", "junk"})


def read(material: Material) -> Reading | None:
    """What the words of the message say: a report where it is sure, else what a person must decide."""
    subject, text = material.subject[:1000], material.text
    if not any(leaf.content.strip() for leaf in material.leaves) and not subject and not material.embedded:
        return unreported("not_a_report", NAME, "the message is empty", material.sender)
    if not text.strip() and not subject and not material.embedded:
        return unreported("needs_review", NAME, "there are no words in it", material.sender)
    if not text.strip() and any(leaf.content_type in _SEALED for leaf in material.leaves):
        return unreported(
            "needs_review", NAME, "the message is encrypted; only its addressee can read it", material.sender
        )
    words = kinds.Words(subject, text)
    if words.is_denial:
        return unreported(
            "needs_review", NAME, "a counter-notice or a retraction: a person must read it", material.sender
        )
    spoken, quoted = roles.parted(_answer(text) if _is_answer(subject, text) else text)
    urgency = words.complaint(spoken)
    scene = roles.scene(subject, spoken, quoted, material.date, _own_domains(material))
    kind = _kind(words.kind(spoken), scene, urgency)
    events = _events(kind, scene, material)
    is_answer = bool(_REPLY.match(subject)) and words.is_answer(spoken)
    if events and not is_answer and _is_sure(kind, urgency, scene, material):
        notice = legal.notice(f"{subject}\n{spoken}", events)
        return reported(NAME, material.sender, events, summary=subject, notice=notice)
    return _unsure(material, kind, urgency, events, _weak(kind, scene))


def _is_talk(material: Material) -> bool:
    return _is_answer(material.subject, material.text)


def _is_answer(subject: str, text: str) -> bool:
    """A reply that quotes: what it quotes was complained of before, perhaps by us."""
    return bool(_REPLY.match(subject)) and any(line.startswith(">") for line in text.splitlines()[:500])


def _answer(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith(">"))


def _kind(kind: kinds.Kind, scene: Scene, urgency: int) -> kinds.Kind:
    """A complaint that quotes a mail with its path is about that mail, whatever it says of how it was sent."""
    if kind.weight == 0 and urgency and scene.entry is not None:
        return kinds.Kind("messaging/spam", kinds.SURE)
    if kind.category in _WAYS_OF_SPAM and scene.entry is not None:
        return kinds.Kind("messaging/spam", kind.weight)
    return kind


def _is_sure(kind: kinds.Kind, urgency: int, scene: Scene, material: Material) -> bool:
    """A report needs words for what happened and words of complaint; more of them where only a URL is named."""
    best = max((one.weight for one in scene.addresses), default=0)
    if kind.weight < kinds.SURE or (_is_list_mail(material) and (best < 5 or _is_talk(material)) and urgency < 3):
        return False
    has_address = best >= LIKELY or bool(_of_mail(scene, material))
    if has_address and (urgency >= 1 or kind.weight >= 8):
        return True
    return _is_sure_of_urls(kind, urgency, scene, material)


def _is_sure_of_urls(kind: kinds.Kind, urgency: int, scene: Scene, material: Material) -> bool:
    """A file of its own was put there as a complaint, and so was a mail that says nothing else."""
    best = max((one.weight for one in scene.urls), default=0)
    if urgency >= 2:
        return kind.weight >= 6
    is_short = len(material.text) < 300 and best >= 4
    is_accused = urgency >= 1 and (best >= 5 or (best >= 4 and kind.weight >= 9))
    return kind.weight >= 6 and (is_short or material.message is None or is_accused)


def _unsure(material: Material, kind: kinds.Kind, urgency: int, events: list[Event], weak: list[Event]) -> Reading:
    if _is_list_mail(material) and (urgency < 3 or not events):
        return unreported("not_a_report", NAME, "a newsletter or list mail without a complaint", material.sender)
    if events:
        what = kind.category if kind.category != UNCLASSIFIED else "nothing it knows"
        return unreported(
            "needs_review",
            NAME,
            f"names a source, but its words speak of {what} only weakly",
            material.sender,
            events[:20],
        )
    return unreported(
        "needs_review", NAME, "no address or URL in it is plainly what it complains of", material.sender, weak
    )


def _events(kind: kinds.Kind, scene: Scene, material: Material) -> list[Event]:
    chosen = _chosen(scene.addresses)
    category = kind.category
    if kinds.is_about_content(category) or _is_order(kind, scene):
        found = _of_urls(category, scene, chosen)
        if found:
            return found[:_EVENTS]
    if not chosen:
        chosen = _of_mail(scene, material)
    if not chosen and kind.weight:
        return _of_urls(category, scene, [])[:_EVENTS]
    fallback = scene.times[0] if scene.times else _entered_at(scene, chosen)
    return [
        Event(category, one.source, one.port, one.url, one.at or fallback, evidence=one.extract)
        for one in chosen[:_EVENTS]
    ]


def _entered_at(scene: Scene, chosen: list[Candidate]) -> datetime | None:
    """When the quoted mail came in, where the only source is the one that it came from."""
    is_its = scene.entry is not None and [one.source for one in chosen] == [scene.entry.address]
    return scene.entry.at if scene.entry is not None and is_its else None


def _is_order(kind: kinds.Kind, scene: Scene) -> bool:
    """Authorities who forbid a page name it, whatever it is that they forbid."""
    return kind.category == UNCLASSIFIED and kind.weight > 0 and any(one.weight >= 4 for one in scene.urls)


def _weak(kind: kinds.Kind, scene: Scene) -> list[Event]:
    """What a person who reviews it should see: every address or host that is not said to be another's."""
    named = [one for one in (*scene.addresses, *scene.urls) if one.weight > 0]
    return [Event(kind.category, one.source, one.port, one.url, one.at, evidence=one.extract) for one in named[:20]]


def _chosen(addresses: tuple[Candidate, ...]) -> list[Candidate]:
    """The addresses whose role is near that of the best; private ones only where there is nothing else."""
    likely = [one for one in addresses if one.weight >= LIKELY]
    likely = [one for one in likely if hosts.is_holdable(one.source)] or likely
    best = max((one.weight for one in likely), default=0)
    return [one for one in likely if one.weight * 2 > best]


def _of_urls(category: str, scene: Scene, chosen: list[Candidate]) -> list[Event]:
    """One event a URL; its source is the address named beside it, the only address of the report, or its host."""
    accused = _accused(scene.urls)
    only = chosen[0].source if len(chosen) == 1 else None
    fallback = scene.times[0] if scene.times else None
    found = [_of_url(category, one, only, fallback) for one in accused]
    if found or not chosen:
        return found
    return [Event(category, one.source, one.port, None, one.at or fallback, evidence=one.extract) for one in chosen]


def _accused(urls: tuple[Candidate, ...]) -> list[Candidate]:
    """The URLs that are called infringing or the like. A host also called the genuine one is none of them."""
    best = max((one.weight for one in urls), default=0)
    likely = [one for one in urls if one.weight >= max(LIKELY, 5 if best >= 5 else best - 1)]
    if not likely and len({one.source for one in urls if one.weight > 0}) == 1:
        return [one for one in urls if one.weight > 0]
    genuine = {hosts.host_of(one.url or "") for one in urls if one.weight == -3}
    return [one for one in likely if hosts.host_of(one.url or "") not in genuine] or likely


def _of_url(category: str, one: Candidate, only: str | None, fallback: datetime | None) -> Event:
    is_named = hosts.address(one.source) is not None
    source = one.source if is_named or only is None else only
    return Event(category, source, None, one.url, one.at or fallback, evidence=one.extract)


def _of_mail(scene: Scene, material: Material) -> list[Candidate]:
    """A forwarded or quoted mail: the hop at which it entered the reporter's network; of several mails, each one's."""
    quoted = [received.entry(part.headers.get("received", [])) for part in material.embedded[:_MAILS]]
    entries = {entry.address: entry for entry in quoted if entry and entry.address}
    if not entries and scene.entry is not None and scene.entry.address:
        entries = {scene.entry.address: scene.entry}
    return [Candidate(address, LIKELY, None, entry.at) for address, entry in entries.items() if address]


def _own_domains(material: Material) -> frozenset[str]:
    fields = (
        material.field("from"),
        material.field("reply-to"),
        material.field("return-path"),
        material.field("sender"),
    )
    names = [
        word.rpartition("@")[2].strip("<>\"' ,;") for field in fields for word in field[:1000].split() if "@" in word
    ]
    return frozenset(received.domain(name) for name in names if name)


def _is_list_mail(material: Material) -> bool:
    headers = material.message.headers if material.message else {}
    return (
        "list-unsubscribe" in headers or "list-id" in headers or material.field("precedence").lower().strip() in _BULK
    )


FORMAT = Format(NAME, 90, read)
