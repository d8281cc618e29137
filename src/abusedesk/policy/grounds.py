"""Grounds: what bears a measure, a charge or a flag, and what becomes of a measure when some of it falls."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from abusedesk.policy import measures, occurrences
from abusedesk.policy.carrying import is_of
from abusedesk.policy.docket import Ground, Measure, stands
from abusedesk.policy.pending import united
from abusedesk.policy.resting import rests, shrink
from abusedesk.vocabulary.assurance import RANK
from abusedesk.vocabulary.measure import MeasureKind

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft


def bears(draft: "Draft", ground: Ground) -> bool:
    """Whether a ground still stands: its charge, or a report of its occurrence at the assurance that it needs."""
    if ground.charge is not None:
        return any(one.id == ground.charge and one.state != "withdrawn" for one in draft.charges)
    if ground.occurrence is None:
        return True
    occurrence = next((one for one in draft.occurrences if one.id == ground.occurrence), None)
    return occurrence is not None and occurrences.best(occurrence) >= RANK[ground.needs]


def drop(
    draft: "Draft", fallen: Callable[[Ground], bool], clauses: tuple[str, ...], kind: MeasureKind | None = None
) -> None:
    """Takes fallen grounds from every measure, or from those of one kind.

    Terminations come first, since they hold back what would be said of others.
    """
    for measure in sorted(draft.measures, key=lambda one: one.kind != "terminate"):
        if not (stands(measure) or rests(draft, measure)):
            continue
        left = tuple(one for one in measure.grounds if not (is_of(measure, one, kind) and fallen(one)))
        if len(left) == len(measure.grounds):
            continue
        if stands(measure):
            ground_fell(draft, measure, left, clauses)
        else:
            shrink(draft, measure, left)


def ground_fell(draft: "Draft", measure: Measure, left: tuple[Ground, ...], clauses: tuple[str, ...]) -> None:
    """What becomes of a measure when only the grounds `left` bear it; `clauses` say why the others fell.

    It ends with its last ground. If the grounds left only ever proposed it, it is lifted and stands again as proposed.
    A refund that only a fallen ground took away comes back.
    """
    if not left:
        measures.end(draft, measure, clauses)
    elif measure.state == "in_force" and all(one.mode == "proposed" for one in left):
        _fall_back(draft, measure, left, clauses)
    else:
        _stand_on(draft, measure, left, clauses)


def _fall_back(draft: "Draft", measure: Measure, left: tuple[Ground, ...], clauses: tuple[str, ...]) -> None:
    if measures.elsewhere(draft, measure.kind, measure.ip) == "in_force":
        proposed = replace(measure, state="proposed", mode="proposed", upstream=False)
        draft.keep_measure(measures.borne(proposed, left))
        return
    measures.lift(draft, measure, clauses)
    if not measures.may_act(draft, measure.kind, measure.ip):
        measures.stand_elsewhere(draft, measure)
        return
    left = measures.refunds_last(left)
    refund = all(one.refund is not False for one in left)
    cited = united(*(one.clauses for one in left))
    again = Measure(
        draft.new_id("m"), measure.kind, draft.at, "proposed", cited, "proposed", measure.ip, measure.port, refund, left
    )
    draft.measures = (*draft.measures, again)
    measures.say(draft, again, cited)


def _stand_on(draft: "Draft", measure: Measure, left: tuple[Ground, ...], clauses: tuple[str, ...]) -> None:
    waited = measures.loses_refund(measure)
    without = measures.said_without_refund(measure)
    standing = measures.borne(measure, measures.refunds_last(left) if without else left)
    if without and all(one.refund is not False for one in left):
        standing = replace(standing, refund=True)
        draft.keep_measure(standing)
        if measure.state == "in_force" or not measures.closed(draft):
            measures.say(draft, standing, united(standing.clauses, clauses))
        return
    draft.keep_measure(replace(standing, upstream=all(one.upstream for one in left)))
    if waited and not measures.loses_refund(standing):
        measures.say_withdrawn(draft, measure, clauses)
