"""What prose complains of: a category by its vocabulary, with a weight that says how sure the words are.

Words of several languages stand side by side; a word counts once however often it occurs, so that long boilerplate does
not outweigh the sentence that matters.
"""

import re
from typing import NamedTuple

from abusedesk.parsing import lexicon
from abusedesk.parsing.words import Likely, Vocabulary

UNCLASSIFIED = "other/unclassified"
_SWORN = re.compile(lexicon.SWORN.strip())
"""The statement that 17 USC 512 (g) (3) (C) wants of a counter-notice, and of nothing else."""
_NUMBER = re.compile(r"\d+")
_LOOKED_AT = 100_000
_SPOKEN = 16_000

SURE = 3
"""The weight from which on a category is taken as said."""

_WEIGHTS = {category: weight for category, weight, _ in lexicon.CATEGORIES}
_CATEGORIES = Vocabulary(*((category, lines) for category, _, lines in lexicon.CATEGORIES))
_COMPLAINT, _DENIAL, _RETRACTION, _ANSWER = "complaint", "denial", "retraction", "answer"
_ALL = Vocabulary(
    *((category, lines) for category, _, lines in lexicon.CATEGORIES),
    (_COMPLAINT, lexicon.COMPLAINT),
    (_DENIAL, lexicon.DENIALS),
    (_RETRACTION, lexicon.RETRACTIONS),
    (_ANSWER, lexicon.ANSWERS),
)


class Kind(NamedTuple):
    """A category and how sure the words are; a weight of 0 means that nothing was said."""

    category: str
    weight: int


def plain(text: str) -> str:
    """What is looked at: the lines in lower case, and of log lines that differ in numbers alone only the first."""
    lines: dict[str, str] = {}
    for line in text[:_LOOKED_AT].lower().replace("_", " ").splitlines():
        lines.setdefault(_NUMBER.sub("0", line), line)
    return "\n".join(lines.values())[:_SPOKEN]


class Words:
    """What a message says, by its words: looked for once in all of it, then told apart by where they stand."""

    def __init__(self, subject: str, text: str) -> None:
        """Looks through the subject and the text of a message."""
        self.subject = subject.lower()
        self._text = text[:_LOOKED_AT].lower()
        self._likely = _ALL.likely(f"{self.subject}\n{self._text}".replace("_", " "))

    def kind(self, spoken: str) -> Kind:
        """The category that the subject and a part of the text speak of."""
        return _judged(self._likely.of(*_WEIGHTS), plain(self.subject), plain(spoken))

    def complaint(self, spoken: str) -> int:
        """How many different words of a complaint the subject and a part of the text use."""
        return self._likely.of(_COMPLAINT).counts(plain(f"{self.subject}\n{spoken}")).get(_COMPLAINT, 0)

    @property
    def is_denial(self) -> bool:
        """Whether this is a counter-notice or takes a complaint back: it must never open a case."""
        if self._likely.of(_DENIAL).occurs(self.subject) or self._likely.of(_RETRACTION).occurs(self._text[:600]):
            return True
        return _SWORN.search(self._text[:50_000]) is not None

    def is_answer(self, spoken: str) -> bool:
        """Whether somebody answers a complaint instead of making one: what was done, or a plea."""
        return bool(self._likely.of(_ANSWER).occurs(spoken[:3000].lower()))


def kind(subject: str, body: str) -> Kind:
    """The category that the words of a message speak of; its subject counts double."""
    subject, body = plain(subject), plain(body)
    return _judged(_CATEGORIES.likely(f"{subject}\n{body}"), subject, body)


def complaint(text: str) -> int:
    """How many different words of a complaint the text uses."""
    text = plain(text)
    return _ALL.likely(text).of(_COMPLAINT).counts(text).get(_COMPLAINT, 0)


def _judged(likely: Likely, subject: str, body: str) -> Kind:
    scores = {category: 2 * _WEIGHTS[category] for category in likely.occurs(subject)}
    for category, number in likely.counts(body).items():
        scores[category] = scores.get(category, 0) + _WEIGHTS[category] + 2 * number
    if not scores:
        return Kind(UNCLASSIFIED, 0)
    best = max((one for one in _WEIGHTS if one in scores), key=lambda one: scores[one])
    return Kind(_refined(best, scores), scores[best])


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
