"""Near-identical texts: which of many were written from one pattern."""

import re
from collections.abc import Sequence

_VARIES = re.compile(r"[\w.+-]+@[\w.-]+|https?://\S+|[0-9a-f:.]*\d[0-9a-f:.]*")
_WORD = re.compile(r"\w+")
NEAR = 0.8
"""Two texts are near-identical where so much of their word triples is the same."""

MOST = 400
"""So many words of a text are looked at."""


def triples(text: str) -> frozenset[tuple[str, ...]]:
    """Three words each that follow one another, without what varies from mail to mail: numbers, addresses, links."""
    words = _WORD.findall(_VARIES.sub(" ", text.lower()))[:MOST]
    return frozenset(zip(words, words[1:], words[2:], strict=False)) or frozenset({tuple(words)})


def groups(texts: Sequence[str]) -> list[list[int]]:
    """The texts by their places, near-identical ones together, the largest group first.

    A text joins the first group whose first text it is near to.
    """
    found: list[tuple[frozenset[tuple[str, ...]], list[int]]] = []
    for place, text in enumerate(texts):
        own = triples(text)
        near = next((members for pattern, members in found if _near(own, pattern)), None)
        if near is None:
            found.append((own, [place]))
        else:
            near.append(place)
    return sorted((members for _, members in found), key=len, reverse=True)


def _near(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> bool:
    smaller, larger = sorted((len(one), len(other)))
    return smaller >= NEAR * larger and len(one & other) >= NEAR * len(one | other)
