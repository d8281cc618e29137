"""The code by which anybody can ask whether a notice is ours: twelve letters of Crockford's base 32, in groups of four.

Sixty bits that nobody guesses, and no letter that is taken for another when it is read aloud or typed off paper.
"""

import re

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 12

_MEANT = str.maketrans({"O": "0", "I": "1", "L": "1"})
_BETWEEN = re.compile(r"[\s\-\u2010-\u2015._]+")


def grouped(code: str) -> str:
    """A code as people read it: `7K3M-9QXA-02ZT`."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def read(typed: str) -> str:
    """The code that somebody typed, in either case and with or without its hyphens; empty where it can be none."""
    found = _BETWEEN.sub("", typed).upper().translate(_MEANT)
    return found if len(found) == LENGTH and set(found) <= set(LETTERS) else ""
