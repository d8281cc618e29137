"""Findings: what was looked up beside a request, said in words for the person who decides. They never decide."""

from collections.abc import Iterable
from typing import Literal

import msgspec

State = Literal["ok", "wrong", "unknown"]
"""As it should be, not as it should be, or nobody could say."""

Subject = Literal["rdns", "spf", "dkim", "dmarc", "mx"]

SUBJECTS: tuple[Subject, ...] = ("rdns", "spf", "dkim", "dmarc", "mx")
"""In the order in which they are shown: reverse names, who may send, signatures, what receivers are asked, answers."""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that was found: what it is about, how it stands, in words, and what is to be done about it."""

    about: Subject
    state: State
    says: str
    do: str = ""


def worst(findings: Iterable[Finding]) -> State:
    """The state of all together: wrong where one is, else unknown where one is."""
    states = {one.state for one in findings}
    return "wrong" if "wrong" in states else "unknown" if "unknown" in states or not states else "ok"
