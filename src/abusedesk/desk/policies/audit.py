"""Audit: makes recorded decisions again from what is stored beside them, and says where the answer would be another.

Each is made under the pack of its own digest, whose text is kept, so that neither a published policy nor an upgrade of
the product changes what it is held against. A docket is folded from its beginning or from a snapshot; where a decision
cannot be made again, or comes out otherwise, its docket is taken up at its next snapshot.
"""

import contextlib
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Literal, NamedTuple, Protocol, get_args

import msgspec

from abusedesk.desk.decide import docket_decoder, pack_of
from abusedesk.policy.decide import decide
from abusedesk.policy.decision import ENGINE_VERSION, AnyEffect, Decision
from abusedesk.policy.digest import canonical
from abusedesk.policy.docket import Docket
from abusedesk.policy.effect_fields import fields, in_words
from abusedesk.policy.facts import Facts
from abusedesk.policy.pack import Pack
from abusedesk.policy.stimulus import AnyStimulus
from abusedesk.problem import Problem
from abusedesk.records.decided import Decided, decided, how_many
from abusedesk.records.models import Brand
from abusedesk.records.packs import kept

Outcome = Literal["same", "another", "written_otherwise", "erased", "unknown_pack", "unreadable", "unreached"]
"""`another`: other effects. `written_otherwise`: the same effects, and a docket that is not the same to the byte."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

_stimulus: msgspec.json.Decoder[AnyStimulus] = msgspec.json.Decoder(AnyStimulus)
_facts = msgspec.json.Decoder(Facts)
_effects = msgspec.json.Decoder(tuple[AnyEffect, ...])
_encode = msgspec.json.Encoder(order="deterministic").encode


class Made(NamedTuple):
    """What came of making a decision again; `words` say what is wrong, where something is."""

    decided: Decided
    outcome: Outcome
    words: str = ""

    @property
    def is_difference(self) -> bool:
        """Whether it speaks against the record, or against the engine of today.

        Another engine may write its dockets otherwise; one and the same may not.
        """
        if self.outcome == "written_otherwise":
            return self.decided.engine == ENGINE_VERSION
        return self.outcome in {"another", "unknown_pack", "unreadable"}

    def __str__(self) -> str:
        one = self.decided
        about = f"service {one.service}" if one.service else "no service"
        return f"docket {one.docket} ({one.brand}, {about}), decision {one.sequence}: {self.words}"


def recompute(since: datetime | None = None, brand: int | None = None) -> Iterator[Made]:
    """Makes decisions again, docket by docket: all of them, or of the dockets decided on since an instant.

    Everything that is made again is told, also what lies between a snapshot and that instant.
    """
    packs = _Packs()
    fold = _Fold(None, None)
    docket = None
    for one in decided(since, brand):
        if one.docket != docket:
            docket, fold = one.docket, _Fold(one.service, Docket(one.service) if one.sequence == 1 else None)
        if not one.begins:
            yield fold.make(one, packs)
        if not fold.take_up(one):
            yield Made(one, "unreadable", "cannot be begun at: its snapshot is not the docket that was decided")


class Progress(Protocol):
    """Told how far it is."""

    def begin(self, label: str, total: int | None = None) -> None:
        """So much is to be done."""

    def advance(self, steps: int = 1) -> None:
        """So much more is done."""

    def end(self) -> None:
        """All is done."""


class Report(NamedTuple):
    """What came of making decisions again: counted by outcome and engine of then, and the differences in words."""

    counts: Counter[tuple[Outcome, int]]
    differing: int
    differences: list[str]

    def __str__(self) -> str:
        return _sums(self.counts)


def report(
    since: datetime | None = None,
    brand: int | None = None,
    *,
    most: int | None = None,
    progress: Progress | None = None,
    besides: Collection[Outcome] = (),
) -> Report:
    """Makes decisions again and sums up; at most so many differences are put into words.

    The outcomes `besides` are counted, and are no differences.
    """
    counts: Counter[tuple[Outcome, int]] = Counter()
    differing, differences = 0, []
    if progress is not None:
        progress.begin("decisions made again", how_many(since, brand))
    for one in recompute(since, brand):
        counts[one.outcome, one.decided.engine] += 1
        if one.is_difference and one.outcome not in besides:
            differing += 1
            if most is None or differing <= most:
                differences.append(str(one))
        if progress is not None:
            progress.advance()
    if progress is not None:
        progress.end()
    return Report(counts, differing, differences)


def _sums(made: Counter[tuple[Outcome, int]]) -> str:
    total = made.total()
    same = sum(count for (outcome, _), count in made.items() if outcome == "same")
    parts = [f"{_counted(total)} made again: {'all' if same == total else f'{same:,}'} the same"]
    for outcome in OUTCOMES[1:]:
        engines = {engine: count for (kind, engine), count in sorted(made.items()) if kind == outcome}
        if engines:
            parts.append(_SAID[outcome].format(count=f"{sum(engines.values()):,}", engines=_engines(engines)))
    return "; ".join(parts)


_SAID: dict[Outcome, str] = {
    "another": "{count} would be another today ({engines})",
    "written_otherwise": "{count} to the same effect, from a docket written otherwise ({engines})",
    "erased": "{count} cannot be made again, their values were erased",
    "unknown_pack": "{count} cannot be made again, the text of their policy is not kept",
    "unreadable": "{count} cannot be made again, this release cannot read them",
    "unreached": "{count} follow on one of these and were not reached",
}


def _counted(number: int) -> str:
    return f"{number:,} decision{'' if number == 1 else 's'}"


def _engines(engines: dict[int, int]) -> str:
    then = ", ".join(str(one) for one in engines)
    return f"engine {then} then, {ENGINE_VERSION} now" if set(engines) != {ENGINE_VERSION} else f"engine {then}"


class _Packs:
    """The packs of then by digest: from their kept texts, or from a brand's own where that is still the same."""

    def __init__(self) -> None:
        self._known: dict[str, Pack | tuple[Outcome, str]] = {}

    def get(self, digest: str) -> Pack | tuple[Outcome, str]:
        """The pack, or the outcome of having none, with the reason in words."""
        if digest not in self._known:
            self._known[digest] = self._find(digest)
        return self._known[digest]

    def _find(self, digest: str) -> Pack | tuple[Outcome, str]:
        try:
            pack = kept(digest) or _of_a_brand(digest)
        except Problem as problem:
            return "unreadable", f"its policy cannot be read: {problem}"
        return pack or ("unknown_pack", f"the text of its policy ({digest[:12]}) is not kept")


def _of_a_brand(digest: str) -> Pack | None:
    """Decisions from before texts were kept may still be under the pack that their brand goes by."""
    for brand in Brand.objects.all():
        try:
            pack = pack_of(brand)
        except Problem:
            continue
        if pack.digest == digest:
            return pack
    return None


class _Fold:
    """One docket on its way through its decisions; `docket` is None where it is not known how it stood."""

    def __init__(self, service: str | None, docket: Docket | None) -> None:
        self._service = service
        self._docket = docket
        self._facts: tuple[bytes, Facts | None] = (b"", None)

    def make(self, one: Decided, packs: _Packs) -> Made:
        """Makes the next decision again, and goes on with its docket where it has the same effects."""
        if one.erased:
            return self._lost(one, "erased", "its values were erased")
        if self._docket is None:
            return Made(one, "unreached", "it follows on one that could not be made again as it was")
        pack = packs.get(one.pack)
        if isinstance(pack, tuple):
            return self._lost(one, pack[0], f"cannot be made again: {pack[1]}")
        try:
            stimulus, facts = _stimulus.decode(one.stimulus), self._facts_of(one)
        except msgspec.MsgspecError as error:
            return self._lost(one, "unreadable", f"cannot be made again: this release cannot read it ({error})")
        try:
            again = decide(self._docket, stimulus, facts, pack, one.at)
        except Exception as error:  # decide is total; what breaks it is exactly what an audit is there to tell
            return self._lost(one, "another", f"today's engine breaks on it: {type(error).__name__}: {error}")
        return self._compared(one, again)

    def take_up(self, one: Decided) -> bool:
        """Goes on from a snapshot, where the docket is not known. False where the snapshot is of no use."""
        if self._docket is not None or one.snapshot is None:
            return True
        if sha256(one.snapshot).digest() == one.docket_digest:
            with contextlib.suppress(msgspec.MsgspecError):
                self._docket = docket_decoder.decode(one.snapshot)
        return self._docket is not None

    def _compared(self, one: Decided, again: Decision) -> Made:
        self._docket = again.docket
        state = canonical(again.docket)
        if _encode(again.effects) != one.effects and again.effects != _effects.decode(one.effects):
            return self._lost(one, "another", _difference(one, again.effects))
        if sha256(state).digest() != one.docket_digest:
            return Made(one, "written_otherwise", f"the same effects, and another docket{_then(one)}")
        if one.snapshot is not None and one.snapshot != state:
            return Made(one, "written_otherwise", "its snapshot is not the docket that was decided")
        return Made(one, "same")

    def _lost(self, one: Decided, outcome: Outcome, words: str) -> Made:
        self._docket = None
        return Made(one, outcome, words)

    def _facts_of(self, one: Decided) -> Facts:
        """The facts, decoded once for as long as they stay the same."""
        stored, facts = self._facts
        if facts is None or stored != one.facts:
            facts = _facts.decode(one.facts)
            self._facts = (one.facts, facts)
        return facts


def _then(one: Decided) -> str:
    return "" if one.engine == ENGINE_VERSION else f" (engine {one.engine} then, {ENGINE_VERSION} now)"


def _difference(one: Decided, now: tuple[AnyEffect, ...]) -> str:
    then = _effects.decode(one.effects)
    if sorted(map(repr, then)) == sorted(map(repr, now)):
        return f"would be another today{_then(one)}: the same effects in another order"
    gone = "; ".join(_said(one.at, effect) for effect in then if effect not in now) or "nothing"
    new = "; ".join(_said(one.at, effect) for effect in now if effect not in then) or "nothing"
    return f"would be another today{_then(one)}: then {gone}, now {new}"


def _said(at: datetime, effect: AnyEffect) -> str:
    line = fields(at, effect)
    particulars = in_words({name: value for name, value in line.items() if name not in _TOO_MUCH})
    return f"{line['effect']} {particulars} [{', '.join(effect.clauses)}]"


_TOO_MUCH = frozenset({"at", "effect", "clauses", "customer", "case", "occurrence", "item_id", "service"})
