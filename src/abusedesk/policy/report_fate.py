"""What became of one report, as far as a docket knows it."""

from typing import Literal, NamedTuple

from abusedesk.policy.docket import Docket, HeardReport, Occurrence

Fate = Literal["rejected", "closed", "open"]


class Known(NamedTuple):
    """A report in its docket: whether it counts still, and the ids of the measures that its occurrence bears."""

    fate: Fate
    measures: tuple[str, ...]


def fate_of(docket: Docket, report: str) -> Known | None:
    """What became of a report. None where the docket never heard of it."""
    found = next(((one, heard) for one in docket.occurrences for heard in one.reports if heard.id == report), None)
    if found is None:
        return None
    occurrence, heard = found
    return Known(_fate(occurrence, heard), _borne_by(docket, occurrence))


def _fate(occurrence: Occurrence, heard: HeardReport) -> Fate:
    if heard.rejected:
        return "rejected"
    return "closed" if occurrence.closed or occurrence.processed_at is not None else "open"


def _borne_by(docket: Docket, occurrence: Occurrence) -> tuple[str, ...]:
    return tuple(one.id for one in docket.measures if any(by.occurrence == occurrence.id for by in one.grounds))
