"""`safeguard:suppressed`: what rests on suppressed reports alone takes no measure by itself; it is proposed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import UNSET

from abusedesk.policy.docket import Ground, HeardReport
from abusedesk.vocabulary.assurance import RANK

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft

SUPPRESSED = "safeguard:suppressed"


def rest_on_suppressed(draft: "Draft", grounds: tuple[Ground, ...]) -> bool:
    """Whether the report at hand is suppressed; without one, whether all reports that bear the grounds are."""
    if draft.report is not None:
        return draft.report.suppressed is not UNSET
    found = False
    for ground in grounds:
        for report in _bearing(draft, ground):
            if report.suppressed is UNSET:
                return False
            found = True
    return found


def _bearing(draft: "Draft", ground: Ground) -> Iterator[HeardReport]:
    """The reports that stand at the assurance which a ground needs; those of a charge are those of its grounds."""
    for charge in draft.charges if ground.charge is not None else ():
        if charge.id == ground.charge:
            for one in charge.grounds:
                yield from _bearing(draft, one)
    for occurrence in draft.occurrences if ground.occurrence is not None else ():
        if occurrence.id == ground.occurrence:
            yield from (
                one for one in occurrence.reports if not one.rejected and RANK[one.assurance] >= RANK[ground.needs]
            )
