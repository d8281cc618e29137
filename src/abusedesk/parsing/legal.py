"""Which elements a legal notice has that its law asks for: what a person checks first, told from its words.

Copyright notices are held against 17 USC 512 (c) (3) (A), notices of illegal content that invoke the Digital Services
Act against Article 16 (2) of Regulation (EU) 2022/2065. Nothing is refused here: a notice that lacks an element is a
report all the same.
"""

from collections.abc import Iterable

from abusedesk.parsing import lexicon
from abusedesk.parsing.words import Vocabulary
from abusedesk.vocabulary.report import Event, Notice

COPYRIGHT = "17 USC 512(c)(3)(A)"
ILLEGAL_CONTENT = "Regulation (EU) 2022/2065 Article 16(2)"

_LOOKED_AT = 50_000
_ELEMENTS = {
    COPYRIGHT: ("signature", "work", "material", "contact", "good_faith", "perjury"),
    ILLEGAL_CONTENT: ("reasons", "location", "notifier", "bona_fide"),
}
"""The elements in the order of the law: (i) to (vi), and (a) to (d)."""

_PLACE = {COPYRIGHT: "material", ILLEGAL_CONTENT: "location"}
"""The element that a URL is."""

_INVOKED = Vocabulary((ILLEGAL_CONTENT, lexicon.DSA))
_SAID = {
    COPYRIGHT: Vocabulary(*lexicon.COPYRIGHT_NOTICE),
    ILLEGAL_CONTENT: Vocabulary(*lexicon.DSA_NOTICE),
}


def notice(text: str, events: Iterable[Event]) -> Notice | None:
    """The elements that are there and those that are missing; None where the report is no legal notice."""
    events = list(events)
    text = text[:_LOOKED_AT].lower()
    if _INVOKED.occurs(text):
        return _checked(ILLEGAL_CONTENT, text, "location", has_place=any(event.url for event in events))
    if any(event.category.startswith("copyright/") for event in events):
        has_place = any(event.url or event.category == "copyright/p2p" for event in events)
        return _checked(COPYRIGHT, text, "material", has_place=has_place)
    return None


def elements(law: str, text: str, events: Iterable[Event]) -> Notice:
    """What a notice has of the elements of a law that its address stands for, whether or not it names the law."""
    events = list(events)
    has_place = any(event.url or event.category == "copyright/p2p" for event in events)
    return _checked(law, text[:_LOOKED_AT].lower(), _PLACE[law], has_place=has_place)


def _checked(law: str, text: str, place: str, *, has_place: bool) -> Notice:
    said = _SAID[law].occurs(text) | ({place} if has_place else set())
    present = tuple(one for one in _ELEMENTS[law] if one in said)
    return Notice(law, present, tuple(one for one in _ELEMENTS[law] if one not in said))
