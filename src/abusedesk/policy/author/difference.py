"""One difference between two packs, and the phrases that all of them share."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, TypeVar

from abusedesk.policy.author.words_changed import Piece, marked, words_changed

Kind = Literal[
    "pack",
    "version",
    "counting",
    "clause",
    "parameter",
    "threshold",
    "abuse_type",
    "rule",
    "interpretation",
    "notice",
    "case",
]
"""The part of the pack that differs; a `case` lies beside it."""

T = TypeVar("T")


class Change(NamedTuple):
    """One difference. `clause` is the full id of the clause that it is about, or None where it is about none.

    `text` says it without the clause. `words` are the pieces of a changed text, where it is a text that changed.
    """

    clause: str | None
    kind: Kind
    text: str
    words: tuple[Piece, ...] = ()

    @property
    def short(self) -> str:
        """The clause's id as the pack itself writes it; empty where the difference is about no clause."""
        return short(self.clause) if self.clause is not None else ""

    def __str__(self) -> str:
        return f"{self.short}: {self.text}" if self.clause is not None else self.text


def short(clause: str) -> str:
    """A clause's id without the pack's name; a safeguard's whole."""
    pack, _, rest = clause.partition(":")
    return clause if pack == "safeguard" else rest or clause


def instead(what: str, before: str, after: str) -> str:
    """`the reply period is 4 hours instead of 6 hours`."""
    return f"{what} is {after} instead of {before}"


def moved(before: str, after: str, kind: Kind, what: str) -> Iterator[Change]:
    """The difference that something rests on another clause, if it does."""
    if before != after:
        yield Change(after, kind, f"{what} rests on {short(after)} instead of {short(before)}")


def reworded(clause: str | None, kind: Kind, what: str, before: str, after: str) -> Iterator[Change]:
    """The difference of a text, word by word, if there is one."""
    if before != after:
        pieces = words_changed(before, after)
        yield Change(clause, kind, f"{what} reads otherwise: {marked(pieces)}", pieces)


def gains(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """What a list gains and loses, as phrases."""
    new, gone = [one for one in after if one not in before], [one for one in before if one not in after]
    return [f"{verb} {', '.join(listed)}" for verb, listed in (("gains", new), ("loses", gone)) if listed]


def matched(
    before: Sequence[T], after: Sequence[T], key: Callable[[T], object]
) -> tuple[list[tuple[T, T]], list[T], list[T]]:
    """The pairs of one key, in the order of `after`, then what is only in `before`, and what only in `after`."""
    left = list(before)
    pairs, new = [], []
    for one in after:
        partner = next((other for other in left if key(other) == key(one)), None)
        if partner is None:
            new.append(one)
        else:
            left.remove(partner)
            pairs.append((partner, one))
    return pairs, left, new


def day(moment: datetime) -> str:
    """An instant as its date, with the time where it is not midnight."""
    return f"{moment:%Y-%m-%d}" if (moment.hour, moment.minute, moment.second) == (0, 0, 0) else f"{moment:%FT%TZ}"
