"""What reading a message yields: reports, and in each the events it speaks of."""

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

Outcome = Literal["reported", "not_a_report", "needs_review", "rejected"]


class Event(Struct, frozen=True, omit_defaults=True):
    """One observation: what was seen, where it came from, and when.

    `source` is the address or host that the complaint is about, never the complainant's, target's or a relay's.
    `occurred_at` is None where the report names no time. `count` is how many alike observations the line stands for.
    `target_port` is the port attacked or the open service; `evidence` a short extract in the reporter's words.
    `service` is the provider's own id of the service, where the provider's own sensor names it.
    """

    category: str
    source: str
    source_port: int | None = None
    url: str | None = None
    occurred_at: datetime | None = None
    count: int = 1
    target_port: int | None = None
    evidence: str = ""
    service: str = ""


class Notice(Struct, frozen=True):
    """What a legal notice has of the elements that `law` asks for, and what it lacks, in the order of the law."""

    law: str
    present: tuple[str, ...]
    missing: tuple[str, ...]


class Report(Struct, frozen=True, omit_defaults=True):
    """One complaint by one reporter. `reference` is the reporter's own number for it.

    `notice` says what a legal notice contains; None for a report that is none.
    `stability_risk` says that the provider's own network is in danger, as its sensor saw. `due_by` or `due_within` is
    the time that an upstream's mandate leaves: an instant, or a length from the receipt on.
    """

    format: str
    reporter: str | None
    events: tuple[Event, ...]
    reference: str | None = None
    summary: str = ""
    notice: Notice | None = None
    stability_risk: bool = False
    due_by: datetime | None = None
    due_within: timedelta | None = None


class Reading(Struct, frozen=True, omit_defaults=True):
    """What one message turned out to be.

    `reported` carries at least one event with a source; each of the other outcomes carries a reason.
    `found` lists, for a person who reviews it, what was recognised all the same.
    """

    outcome: Outcome
    format: str
    reason: str | None = None
    reporter: str | None = None
    reports: tuple[Report, ...] = ()
    found: tuple[Event, ...] = ()

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of all reports, in reading order."""
        return tuple(event for report in self.reports for event in report.events)
