"""What another pack would have made of the past: the consequences of two replays compared, in sums and case by case.

`before` is always the brand's present pack replayed, `after` the changed one; neither is what was recorded. So a
difference is the change's doing alone, and not that of parameters which staff have set otherwise in between.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Literal, NamedTuple

from msgspec import Struct

from abusedesk.policy.author.consequences import MODES, Consequence, Kind, weight_of

Change = Literal["gained", "lost", "changed"]
"""Only the changed pack brings it; only the present one does; both do, at another time, in another mode or amount."""


class Difference(Struct, frozen=True):
    """One thing that would have been otherwise. `service` is None for what nobody held.

    At least one of `before` and `after` is there. `clauses` are those that did it: the changed pack's for what is
    gained or changed, the present one's for what is lost.
    """

    service: str | None
    before: Consequence | None
    after: Consequence | None

    @property
    def change(self) -> Change:
        """Whether it is gained, lost or changed."""
        if self.before is None:
            return "gained"
        return "lost" if self.after is None else "changed"

    @property
    def one(self) -> Consequence:
        """What it is about: as it would be, or as it was where it is lost."""
        return self.after or self.before or _NOTHING

    @property
    def at(self) -> datetime:
        """The earlier of its instants."""
        if self.before is None or self.after is None:
            return self.one.at
        return min(self.before.at, self.after.at)

    @property
    def clauses(self) -> tuple[str, ...]:
        """The clauses that did it."""
        return self.one.clauses

    @property
    def text(self) -> str:
        """In words, with the clauses: `gained: suspend, automatic [acme:1.a]`."""
        cited = f" [{', '.join(self.clauses)}]"
        if self.before is None or self.after is None:
            return f"{self.change}: {self.one.text}{cited}"
        moved = _by_how_much(self.before.at, self.after.at)
        if self.before.text == self.after.text:
            return f"{moved}: {self.after.text}{cited}"
        late = f", {moved}" if moved else ""
        if self.before.head == self.after.head:
            return f"changed: {self.after.head}: {self.before.tail} → {self.after.tail}{late}{cited}"
        return f"changed: {self.before.text} → {self.after.text}{late}{cited}"


class Sum(Struct, frozen=True):
    """All consequences of one kind, `what` and mode: how many, and for charges how much in minor units of `currency`.

    `before + gained - lost == after`. A suspension that the present pack takes by itself and the changed one proposes
    is lost in the row of the automatic, and gained in that of the proposed. `changed` came in both, at another time or
    in another amount.
    """

    kind: Kind
    what: str
    mode: str
    currency: str = ""
    before: int = 0
    after: int = 0
    gained: int = 0
    lost: int = 0
    changed: int = 0
    amount_before: int = 0
    amount_after: int = 0

    @property
    def differs(self) -> bool:
        """Whether the two packs part here."""
        return bool(self.gained or self.lost or self.changed or self.amount_before != self.amount_after)


class Money(Struct, frozen=True):
    """What was charged in minor units by `automatic`, `approved` or `proposed`, less what was withdrawn again."""

    currency: str
    mode: str
    before: int
    after: int


class ClauseSum(Struct, frozen=True):
    """How many differences cite a clause: of the present pack where something is lost, else of the changed one."""

    clause: str
    gained: int = 0
    lost: int = 0
    changed: int = 0


class WhatIf(Struct, frozen=True):
    """The past of a brand under its present pack and under a changed one.

    `since` is where the comparison begins, None for the first stimulus; `until` how far the record reaches. `stimuli`
    were replayed, on `services`, of which `affected` would have fared otherwise. `differences` are the heaviest first:
    terminations, suspensions, charges and so on, each in order of time; `differing` is how many there are in all, also
    where fewer are given. `unlike_record` counts the decisions in which the replay of the present pack is not what was
    recorded, because pack, settings or assignments were others then; `skipped` those whose values were erased.
    `present` and `changed` are the packs' digests.
    """

    brand: str
    present: str
    changed: str
    since: datetime | None
    until: datetime
    stimuli: int
    services: int
    affected: int
    sums: tuple[Sum, ...]
    money: tuple[Money, ...]
    clauses: tuple[ClauseSum, ...]
    differences: tuple[Difference, ...]
    differing: int
    unlike_record: int = 0
    skipped: int = 0
    seconds: float = 0.0

    def sum(self, kind: Kind, what: str, mode: str) -> Sum:
        """One row of the sums, of noughts where there is none; currencies taken together."""
        rows = [one for one in self.sums if (one.kind, one.what, one.mode) == (kind, what, mode)]
        if len(rows) == 1:
            return rows[0]
        numbers = ("before", "after", "gained", "lost", "changed", "amount_before", "amount_after")
        return Sum(kind, what, mode, **{name: sum(getattr(row, name) for row in rows) for name in numbers})


class Row(NamedTuple):
    """What is counted together."""

    kind: Kind
    what: str
    mode: str
    currency: str


Totals = Mapping[Row, tuple[int, int]]
"""How many consequences a replay had of each row, and their amounts together."""


def row_of(one: Consequence) -> Row:
    """The row in which a consequence counts."""
    return Row(one.kind, one.what, one.mode, one.currency)


class Compared(Struct, frozen=True):
    """What a comparison of some of the services found, so that another can take it in."""

    affected: int
    differing: int
    heaviest: tuple[Difference, ...]
    changes: list[tuple[Row, Change, int]]
    clauses: list[tuple[str, Change, int]]


class Comparison:
    """Takes the services one by one and keeps what differs: counts of everything, and the `most` heaviest in full."""

    def __init__(self, most: int | None) -> None:
        self.affected = 0
        self.differing = 0
        self._most = most
        self._kept: list[tuple[_Place, Difference]] = []
        self._worst: _Place | None = None
        self._changes: Counter[tuple[Row, Change]] = Counter()
        self._clauses: Counter[tuple[str, Change]] = Counter()

    def compare(self, service: str | None, before: Sequence[Consequence], after: Sequence[Consequence]) -> None:
        """One service's consequences under both packs."""
        found = differences(service, before, after)
        if not found:
            return
        self.affected += 1
        self.differing += len(found)
        for one in found:
            self._count(one)
        self._keep(found)

    def found(self) -> Compared:
        """What was found so far."""
        changes = [(row, change, count) for (row, change), count in self._changes.items()]
        clauses = [(clause, change, count) for (clause, change), count in self._clauses.items()]
        return Compared(self.affected, self.differing, self.heaviest(), changes, clauses)

    def take_in(self, other: Compared) -> None:
        """Adds what was found of other services."""
        self.affected += other.affected
        self.differing += other.differing
        self._keep(other.heaviest)
        for row, change, count in other.changes:
            self._changes[row, change] += count
        for clause, change, count in other.clauses:
            self._clauses[clause, change] += count

    def sums(self, before: Totals, after: Totals) -> tuple[Sum, ...]:
        """Every row of either replay, with what differs in it; the heaviest first."""
        rows = sorted({*before, *after}, key=_row_place)
        return tuple(self._sum(row, before.get(row, (0, 0)), after.get(row, (0, 0))) for row in rows)

    def clauses(self) -> tuple[ClauseSum, ...]:
        """The clauses that differences cite, those with most of them first."""
        cited = Counter[str]()
        for (clause, _), count in self._clauses.items():
            cited[clause] += count
        return tuple(
            ClauseSum(clause, *(self._clauses[clause, change] for change in ("gained", "lost", "changed")))
            for clause, _ in sorted(cited.items(), key=lambda one: (-one[1], one[0]))
        )

    def heaviest(self) -> tuple[Difference, ...]:
        """The differences in full, the heaviest first and each weight in order of time."""
        self._cut()
        return tuple(one for _, one in self._kept)

    def _sum(self, row: Row, before: tuple[int, int], after: tuple[int, int]) -> Sum:
        gained, lost, changed = (self._changes[row, change] for change in ("gained", "lost", "changed"))
        return Sum(*row, before[0], after[0], gained, lost, changed, before[1], after[1])

    def _count(self, one: Difference) -> None:
        was = row_of(one.before) if one.before is not None else None
        would_be = row_of(one.after) if one.after is not None else None
        change = one.change
        if was == would_be and was is not None:
            self._changes[was, "changed"] += 1
        else:
            if was is not None:
                self._changes[was, "lost"] += 1
            if would_be is not None:
                self._changes[would_be, "gained"] += 1
        for clause in one.clauses:
            self._clauses[clause, change] += 1

    def _keep(self, found: Iterable[Difference]) -> None:
        worst = self._worst
        if worst is not None:
            found = [one for one in found if one.one.weight() <= worst[0]]
        placed = [(_place(one), one) for one in found]
        self._kept += placed if worst is None else [one for one in placed if one[0] < worst]
        if self._most is not None and len(self._kept) > 2 * self._most + 1000:
            self._cut()

    def _cut(self) -> None:
        """The heaviest in order; what is lighter than the last of them need not be kept from now on."""
        self._kept.sort(key=itemgetter(0))
        if self._most is not None and len(self._kept) > self._most:
            del self._kept[self._most :]
            self._worst = self._kept[-1][0] if self._kept else None


def differences(service: str | None, before: Sequence[Consequence], after: Sequence[Consequence]) -> list[Difference]:
    """What differs between two replays of a service, in order of time.

    What is the same in both falls away. Of what is left, two of one subject (the same measure on the same target for
    the same complaint) are one thing that came otherwise; the rest is gained or lost.
    """
    lost, gained = _without_common(before, after)
    found = []
    for subject in dict.fromkeys([*lost, *gained]):
        was, would_be = lost.get(subject, []), gained.get(subject, [])
        both = min(len(was), len(would_be))
        found += [Difference(service, one, other) for one, other in zip(was[:both], would_be[:both], strict=True)]
        found += [Difference(service, one, None) for one in was[both:]]
        found += [Difference(service, None, other) for other in would_be[both:]]
    return sorted(found, key=lambda one: one.at)


def money(sums: Iterable[Sum]) -> tuple[Money, ...]:
    """What was charged in all, by currency and mode, less what was withdrawn."""
    totals: dict[tuple[str, str], list[int]] = {}
    for one in sums:
        if one.currency:
            sign = -1 if one.kind == "withdraw" else 1
            total = totals.setdefault((one.currency, one.mode), [0, 0])
            total[0] += sign * one.amount_before
            total[1] += sign * one.amount_after
    order = sorted(totals, key=lambda one: (one[0], MODES.index(one[1])))
    return tuple(Money(currency, mode, *totals[currency, mode]) for currency, mode in order)


_Place = tuple[tuple[int, int, int], datetime, str, str, str]
"""Where a difference stands among others."""

_Subjects = dict[tuple[object, ...], list[Consequence]]


def _without_common(before: Sequence[Consequence], after: Sequence[Consequence]) -> tuple[_Subjects, _Subjects]:
    """What only one of two lists has, by subject and in order of time."""
    same = [one.same_as() for one in before]
    left = Counter(same)
    gained: _Subjects = {}
    for one in after:
        key = one.same_as()
        if left.get(key, 0) > 0:
            left[key] -= 1
        else:
            gained.setdefault(one.subject(), []).append(one)
    lost: _Subjects = {}
    for key, one in zip(same, before, strict=True):
        if left[key] > 0:
            left[key] -= 1
            lost.setdefault(one.subject(), []).append(one)
    return lost, gained


def _place(one: Difference) -> _Place:
    about = one.one
    return about.weight(), one.at, one.service or "", about.root, about.ip or ""


def _row_place(row: Row) -> tuple[int, int, str, int, str, str]:
    kind, heavy, mode = weight_of(row.kind, row.what, row.mode)
    return kind, heavy, row.what, mode, row.mode, row.currency


def _by_how_much(before: datetime, after: datetime) -> str:
    if before == after:
        return ""
    length = abs(after - before)
    days, minutes = length.days, length.seconds // 60
    parts = [f"{days} d" if days else "", f"{minutes // 60} h" if minutes // 60 else ""]
    parts += [f"{minutes % 60} min" if minutes % 60 else ""]
    words = " ".join(one for one in parts if one) or "under a minute"
    return f"{words} {'earlier' if after < before else 'later'}"


_NOTHING = Consequence(datetime.min.replace(tzinfo=UTC), "review", "")
