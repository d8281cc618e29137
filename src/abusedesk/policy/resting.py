"""Measures that are lifted to let the customer clean up and wait to stand again: what ends their waiting."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from abusedesk.policy import deadlines
from abusedesk.policy.docket import Ground, Measure

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft


def rests(draft: "Draft", measure: Measure) -> bool:
    """Whether a measure is lifted to clean and waits to stand again."""
    return measure.state == "lifted" and deadlines.of(draft, measure.id, "resume") is not None


def forget(draft: "Draft", measure: Measure) -> None:
    """What was lifted to clean stays lifted: it was lifted for good, or nothing bears it any more."""
    deadlines.end_of(draft, measure.id, "resume", "cancelled")


def shrink(draft: "Draft", measure: Measure, left: tuple[Ground, ...]) -> None:
    """Of a measure that is lifted to clean some grounds fell: that is not said, and without any it stays lifted."""
    draft.keep_measure(replace(measure, grounds=left))
    if not left:
        forget(draft, measure)
