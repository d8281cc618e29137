"""Plan: what undoing a mistake would bring, rehearsed on the dockets as they stand, and what followed from it.

What followed is what stands only because the mistake was made: the docket's history is decided once more without it.
Each such thing is put before a person, who says whether it is undone too.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from abusedesk.desk.decide import docket_decoder, pack_of, state_of
from abusedesk.desk.enact import Move, concerned_by, empty_docket, rehearse
from abusedesk.desk.mistake.picks import Pick, What, correction, rejections, reports_behind
from abusedesk.policy.docket import Charge, Docket, Measure, charged, stands
from abusedesk.policy.endings import Ending, endings
from abusedesk.policy.facts import Facts
from abusedesk.policy.otherwise import Because, Followed, Then, followed, without
from abusedesk.policy.pack import Pack
from abusedesk.policy.stimulus import AnyStimulus
from abusedesk.problem import Problem
from abusedesk.records import models
from abusedesk.records.packs import kept

LONGEST_HISTORY = 5000
"""Beyond so many decisions of one docket it is not looked for what followed; a person is told so."""

_stimulus: msgspec.json.Decoder[AnyStimulus] = msgspec.json.Decoder(AnyStimulus)
_facts = msgspec.json.Decoder(Facts)


class Asked(NamedTuple):
    """Something that followed, about which a person says whether it is undone too, and why it would not be."""

    pick: Pick
    because: Because


class Plan(NamedTuple):
    """What undoing some picks brings.

    `before` and `after` are the dockets by their keys, `moves` all that is told to them. `asked` are the follow-ups,
    `left` what still stands on these services and may be undone as well. `untold` are the dockets of which it cannot
    be said what followed.
    """

    moves: tuple[tuple[int, AnyStimulus], ...]
    before: Mapping[int, Docket]
    after: Mapping[int, Docket]
    asked: tuple[Asked, ...]
    left: tuple[Pick, ...]
    untold: tuple[int, ...]

    @property
    def ended(self) -> dict[int, list[Ending]]:
        """What ends, by docket."""
        found = {pk: endings(self.before[pk], self.after[pk]) for pk in self.before}
        return {pk: lines for pk, lines in found.items() if lines}

    @property
    def seen(self) -> str:
        """What a person agrees to, as a short digest: it changes where anything of it would come out otherwise.

        The reason is none of it: it is written while one looks.
        """
        told = [(pk, msgspec.to_builtins(stimulus) | {"reason": ""}) for pk, stimulus in self.moves]
        said = [(pk, [list(one) for one in lines]) for pk, lines in sorted(self.ended.items())]
        return sha256(msgspec.json.encode([told, said, [str(one.pick) for one in self.asked]])).hexdigest()[:24]


class Wanted(NamedTuple):
    """What a person wants undone, in whose name and why: what was wrong, and what else of what it brought or left."""

    picks: tuple[Pick, ...]
    besides: tuple[Pick, ...]
    by: str
    reason: str


def plan(dockets: Sequence[models.Docket], wanted: Wanted, at: datetime) -> Plan:
    """Rehearses it. Picks of other dockets than these are passed over."""
    known = {one.pk: one for one in dockets}
    picks = tuple(one for one in wanted.picks if one.docket in known)
    main = _rehearsed(known, picks, wanted, at)
    asked, untold = _followed(known, main.after, picks)
    left = _left(known, main.after, {one.pick for one in asked})
    besides = {one.pick for one in asked} | set(left)
    chosen = tuple(one for one in wanted.besides if one in besides)
    whole = _rehearsed(known, (*picks, *chosen), wanted, at) if chosen else main
    return whole._replace(asked=tuple(asked), left=tuple(left), untold=tuple(untold))


def _rehearsed(known: Mapping[int, models.Docket], picks: Sequence[Pick], wanted: Wanted, at: datetime) -> Plan:
    moves = tuple(_moves(known, picks, wanted))
    done = rehearse([Move(pk, stimulus, f"rehearsal:{n}", at, wanted.by) for n, (pk, stimulus) in enumerate(moves)])
    untouched = {pk: state_of(one) for pk, one in known.items()}
    return Plan(moves, untouched | dict(done.before), untouched | dict(done.after), (), (), ())


def _moves(
    known: Mapping[int, models.Docket], picks: Sequence[Pick], wanted: Wanted
) -> Iterable[tuple[int, AnyStimulus]]:
    """The reports are rejected wherever they were heard; then each docket is corrected."""
    for pk, docket in known.items():
        for rejection in rejections((one for one in picks if one.docket == pk), wanted.by):
            yield from ((other, rejection) for other in concerned_by(docket, rejection))
    for pk, docket in known.items():
        mine = [one for one in picks if one.docket == pk]
        told = correction(state_of(docket), mine, wanted.by, wanted.reason)
        if told is not None:
            yield pk, told


# --- what followed --------------------------------------------------------------------------------------------------


def _followed(
    known: Mapping[int, models.Docket], after: Mapping[int, Docket], picks: Sequence[Pick]
) -> tuple[list[Asked], list[int]]:
    asked: list[Asked] = []
    untold: list[int] = []
    for pk, docket in known.items():
        reports = reports_behind(state_of(docket), (one for one in picks if one.docket == pk))
        if not reports:
            continue
        history = _history(docket)
        if history is None:
            untold.append(pk)
            continue
        beginning = docket_decoder.decode(empty_docket(docket.service.ref if docket.service else None)["state"])
        found = followed(after[pk], without(beginning, history, reports))
        own = {one.id for one in picks if one.docket == pk and one.what == "strike"}
        asked += [_asked(pk, one) for one in found if not _rests_on(after[pk], one, own)]
    return asked, untold


def _rests_on(docket: Docket, one: Followed, occurrences: set[str]) -> bool:
    """Whether it rests on nothing but some occurrences: where their strike alone is undone, that is no follow-up."""
    if one.what == "deadline":
        return any(each.id == one.id and each.occurrence in occurrences for each in docket.deadlines)
    rows: Sequence[Charge | Measure] = docket.charges if one.what == "charge" else docket.measures
    grounds = [ground.occurrence for each in rows if each.id == one.id for ground in each.grounds]
    return bool(grounds) and occurrences.issuperset(filter(None, grounds)) and None not in grounds


def _asked(docket: int, one: Followed) -> Asked:
    what: What = "refund" if one.because == "refund" else one.what
    return Asked(Pick(docket, what, one.id), one.because)


def _history(docket: models.Docket) -> list[Then] | None:
    """All that was decided on a docket; None where some of it is erased or cannot be read, or it is too much."""
    rows = models.Decision.objects.filter(docket=docket).order_by("sequence")
    rows = rows.only("stimulus", "facts", "pack_digest", "at", "salt")
    if docket.sequence > LONGEST_HISTORY:
        return None
    packs: dict[bytes, Pack | None] = {}
    found = []
    for row in rows:
        digest = bytes(row.pack_digest)
        if digest not in packs:
            packs[digest] = _pack(docket.brand, digest.hex())
        then = _then(row, packs[digest])
        if then is None:
            return None
        found.append(then)
    return found


def _then(row: models.Decision, pack: Pack | None) -> Then | None:
    if pack is None or not bytes(row.salt):
        return None
    try:
        return Then(_stimulus.decode(bytes(row.stimulus)), _facts.decode(bytes(row.facts)), pack, row.at)
    except msgspec.MsgspecError:
        return None


def _pack(brand: models.Brand, digest: str) -> Pack | None:
    try:
        found = kept(digest)
        present = pack_of(brand)
    except Problem:
        return None
    return found or (present if present.digest == digest else None)


# --- what is left ---------------------------------------------------------------------------------------------------


def _left(known: Mapping[int, Any], after: Mapping[int, Docket], asked: set[Pick]) -> list[Pick]:
    """What still stands on these services, beside what is asked about already."""
    found = [pick for pk in known for pick in _standing(pk, after[pk])]
    spoken_of = {(one.docket, one.id) for one in asked if one.what != "refund"}
    return [one for one in found if (one.docket, one.id) not in spoken_of]


def _standing(pk: int, docket: Docket) -> Iterable[Pick]:
    yield from (Pick(pk, "measure", one.id) for one in docket.measures if stands(one) and not one.upstream)
    yield from (Pick(pk, "charge", one.id) for one in docket.charges if charged(one))
    waited = (one for one in docket.deadlines if one.state == "open" and one.name == "reply")
    yield from (Pick(pk, "deadline", one.id) for one in waited)
