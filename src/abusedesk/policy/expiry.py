"""How long a measure stands by itself: an expiry is a deadline that frees the customer.

It runs from the newest ground. A ground that never expires keeps the measure until it is lifted.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import UNSET

from abusedesk.policy import deadlines
from abusedesk.policy.docket import Ground, Measure
from abusedesk.policy.pending import united
from abusedesk.vocabulary.duration import parse_duration

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft

EXPIRY = "safeguard:expiry"


def renew(draft: "Draft", measure: Measure) -> None:
    """Sets the expiry of a measure in force by its grounds: the longest of theirs from now on, none where one has none.

    One that runs is only ever moved to later.
    """
    if measure.state != "in_force" or measure.upstream:
        return
    length = _length(draft, measure)
    if length is None:
        deadlines.end_of(draft, measure.id, "expiry", "cancelled")
        return
    due, running = deadlines.later(draft.at, length), deadlines.of(draft, measure.id, "expiry")
    if running is None or running.due < due:
        deadlines.put(draft, "expiry", measure.id, due, united(measure.clauses, (EXPIRY,)))


def _length(draft: "Draft", measure: Measure) -> timedelta | None:
    if measure.kind == "terminate":
        return None
    given = draft.facts.settings.expires.get(measure.kind)
    usual = parse_duration(given) if given is not None else None
    lengths = [_of_ground(one, usual) for one in measure.grounds if not one.upstream]
    known = [one for one in lengths if one is not None]
    return max(known) if known and len(known) == len(lengths) else None


def _of_ground(ground: Ground, usual: timedelta | None) -> timedelta | None:
    return usual if ground.expires is UNSET else ground.expires
