"""Picks: the single things that staff choose to undo, named by docket and id, and the stimuli that undo them."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, cast, get_args

from abusedesk.policy.docket import Docket, Measure, Occurrence
from abusedesk.policy.stimulus import Corrected, OfCharge, OfDeadline, OfMeasure, Verification

What = Literal["report", "occurrence", "strike", "measure", "refund", "charge", "deadline"]
_KINDS = frozenset(get_args(What))


class Pick(NamedTuple):
    """One thing to undo: the key of its docket, what it is, and its id there. A strike has its occurrence's id."""

    docket: int
    what: What
    id: str

    def __str__(self) -> str:
        return f"{self.docket}:{self.what}:{self.id}"


def pick_of(text: str) -> Pick | None:
    """The pick that a text names; None where it names none."""
    docket, _, rest = text.partition(":")
    what, _, name = rest.partition(":")
    known = docket.isascii() and docket.isdigit() and what in _KINDS and bool(name)
    return Pick(int(docket), cast("What", what), name) if known else None


def rejections(picks: Iterable[Pick], by: str) -> list[Verification]:
    """The reports that are rejected."""
    reports = dict.fromkeys(one.id for one in picks if one.what == "report")
    return [Verification(one, rejected=True, by=by) for one in reports]


def correction(docket: Docket, picks: Iterable[Pick], by: str, reason: str) -> Corrected | None:
    """What undoes everything else of one docket that is picked; None where that is nothing."""
    chosen: dict[What, list[str]] = {}
    for one in picks:
        chosen.setdefault(one.what, []).append(one.id)
    told = Corrected(
        by,
        reason,
        occurrences=first_reports(docket, chosen.get("occurrence", [])),
        strikes=first_reports(docket, chosen.get("strike", [])),
        charges=tuple(
            OfCharge(one.item, one.at, one.ip) for one in docket.charges if one.id in chosen.get("charge", [])
        ),
        measures=_measures(docket, chosen.get("measure", [])),
        refunds=_measures(docket, chosen.get("refund", [])),
        deadlines=tuple(named(docket, one.id) for one in docket.deadlines if one.id in chosen.get("deadline", [])),
    )
    return None if told == Corrected(by, reason) else told


def named(docket: Docket, deadline: str) -> OfDeadline:
    """A deadline as stimuli name it."""
    one = next(each for each in docket.deadlines if each.id == deadline)
    return OfDeadline(one.name, one.due, next(iter(first_reports(docket, [one.occurrence or ""])), None))


def reports_behind(docket: Docket, picks: Iterable[Pick]) -> frozenset[str]:
    """The reports that would not have counted, had what is picked not been."""
    picks = list(picks)
    rejected = {one.id for one in picks if one.what == "report"}
    whole = {one.id for one in picks if one.what in {"occurrence", "strike"}}
    return frozenset(rejected | {report.id for one in docket.occurrences if one.id in whole for report in one.reports})


def first_reports(docket: Docket, occurrences: Iterable[str]) -> tuple[str, ...]:
    """Occurrences as stimuli name them: by their first reports."""
    wanted = set(occurrences)
    return tuple(_first(one) for one in docket.occurrences if one.id in wanted and one.reports)


def _first(occurrence: Occurrence) -> str:
    return occurrence.reports[0].id


def _measures(docket: Docket, ids: Iterable[str]) -> tuple[OfMeasure, ...]:
    wanted = set(ids)
    return tuple(dict.fromkeys(_of(one) for one in docket.measures if one.id in wanted))


def _of(measure: Measure) -> OfMeasure:
    return OfMeasure(measure.kind, measure.ip, measure.port)
