"""What prose complains of: a category by its vocabulary, with a weight that says how sure the words are.

Words of several languages stand side by side; a word counts once however often it occurs, so that long boilerplate does
not outweigh the sentence that matters.
"""

import re
from typing import NamedTuple

from abusedesk.parsing import lexicon
from abusedesk.parsing.words import Vocabulary

UNCLASSIFIED = "other/unclassified"
_NUMBER = re.compile(r"\d+")
_LOOKED_AT = 100_000
_SPOKEN = 16_000

SURE = 3
"""The weight from which on a category is taken as said."""

_WEIGHTS = {category: weight for category, weight, _ in lexicon.CATEGORIES}
_CATEGORIES = Vocabulary(*((category, lines) for category, _, lines in lexicon.CATEGORIES))
_COMPLAINT = Vocabulary(("complaint", lexicon.COMPLAINT))
_DENIALS = Vocabulary(("denial", lexicon.DENIALS))
_RETRACTIONS = Vocabulary(("retraction", lexicon.RETRACTIONS))
_ANSWERS = Vocabulary(("answer", lexicon.ANSWERS))
_SWORN = Vocabulary(("sworn", lexicon.SWORN))


class Kind(NamedTuple):
    """A category and how sure the words are; a weight of 0 means that nothing was said."""

    category: str
    weight: int


def plain(text: str) -> str:
    """What is looked at: the lines in lower case, and of log lines that differ in numbers alone only the first."""
    lines: dict[str, str] = {}
    for line in text[:_LOOKED_AT].lower().splitlines():
        lines.setdefault(_NUMBER.sub("0", line), line)
    return "\n".join(lines.values())[:_SPOKEN]


def kind(subject: str, body: str) -> Kind:
    """The category that the words of a message speak of; its subject counts double."""
    body, in_subject = plain(body), _CATEGORIES.occurs(plain(subject))
    scores = {category: 2 * _WEIGHTS[category] for category in in_subject}
    for category, number in _CATEGORIES.counts(body).items():
        scores[category] = scores.get(category, 0) + _WEIGHTS[category] + 2 * number
    if not scores:
        return Kind(UNCLASSIFIED, 0)
    best = max((one for one in _WEIGHTS if one in scores), key=lambda one: scores[one])
    return Kind(_refined(best, scores), scores[best])


def complaint(text: str) -> int:
    """How many different words of a complaint the text uses."""
    return _COMPLAINT.counts(plain(text)).get("complaint", 0)


def is_denial(subject: str, body: str) -> bool:
    """Whether this is a counter-notice or takes a complaint back: it must never open a case."""
    opening = body[:600].lower()
    return bool(
        _DENIALS.occurs(subject.lower()) or _RETRACTIONS.occurs(opening) or _SWORN.occurs(body[:50_000].lower())
    )


def is_answer(text: str) -> bool:
    """Whether somebody answers a complaint instead of making one: what was done, or a plea."""
    return bool(_ANSWERS.occurs(text[:3000].lower()))


def is_about_content(category: str) -> bool:
    """Whether such complaints are about a URL first and an address second."""
    return category.startswith(("content/", "copyright/")) and category != "copyright/p2p"


def _refined(best: str, scores: dict[str, int]) -> str:
    """Where the words of two categories meet, the narrower one is meant."""
    if best == "copyright/copyright" and "copyright/p2p" in scores:
        return "copyright/p2p"
    if best == "connection/vulnerability_scan":
        narrower = [one for one in scores if one.startswith("connection/") and one != best]
        return max(narrower, key=lambda one: scores[one]) if narrower else best
    return best
