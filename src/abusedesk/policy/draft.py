"""The docket while it is being decided: what changed so far, what was ordered, and what the present moment is about.

A draft lives for one call of `decide`. Its parts are the docket's own small tuples, replaced where something changes;
the docket that it came from stays as it was.
"""

from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from abusedesk.policy.decision import AnyEffect, Decision, Notify, Review, SetDeadline, TraceLine
from abusedesk.policy.docket import (
    Charge,
    Deadline,
    Docket,
    Flag,
    HeardReport,
    Measure,
    Occurrence,
    OpenRequest,
    stands,
)
from abusedesk.policy.facts import Facts
from abusedesk.policy.pack import Pack, Terms, Version
from abusedesk.policy.pending import PendingMeasure
from abusedesk.policy.rule import BREACH, OF, Moment, Rule
from abusedesk.policy.stimulus import Stimulus

Row = TypeVar("Row", Occurrence, Deadline, Measure, Charge)

UNHEARD = -1
"""The rank of a report's assurance before it came in."""


class Draft:
    """What `decide` works on: the docket's parts, what it decides with, and the present moment's subject."""

    __slots__ = (
        "after",
        "at",
        "automatic",
        "before",
        "charges",
        "credit",
        "deadlines",
        "docket",
        "effects",
        "facts",
        "flags",
        "item",
        "mail_port",
        "measure",
        "measures",
        "next_id",
        "occurrence",
        "occurrences",
        "opened_at",
        "owed",
        "pack",
        "pending",
        "queue",
        "queue_ip",
        "report",
        "requests",
        "settled_cases",
        "silent",
        "staff_told",
        "stimulus",
        "terms",
        "trace",
        "unpaid",
        "version",
    )

    def __init__(self, docket: Docket, stimulus: Stimulus, facts: Facts, pack: Pack, at: datetime) -> None:
        self.docket = docket
        self.occurrences = docket.occurrences
        self.deadlines = docket.deadlines
        self.measures: tuple[Measure, ...] = docket.measures
        self.charges: tuple[Charge, ...] = docket.charges
        self.flags: tuple[Flag, ...] = docket.flags
        self.requests = docket.requests
        self.credit = docket.credit
        self.mail_port: bool = docket.mail_port
        self.opened_at = docket.opened_at
        self.next_id = docket.next_id
        self.settled_cases = docket.settled_cases
        self.stimulus: Stimulus = stimulus
        self.facts: Facts = facts
        self.pack = pack
        self.at = at
        self.version: Version | None = None
        self.terms: Terms | None = None
        self.effects: list[AnyEffect] = []
        self.trace: list[TraceLine] = []
        self.pending: list[PendingMeasure] = []
        self.queue: list[tuple[Moment, str, str | None]] = []
        """Moments that followed from what was decided: the moment, its subject, and the address concerned."""
        self.automatic = facts.automatic_within_hour
        self.staff_told = facts.staff_told
        self.occurrence: Occurrence | None = None
        self.report: HeardReport | None = None
        self.silent = False
        """Whether the occurrence at hand is one that the customer is not told of."""
        self.before = UNHEARD
        self.after = UNHEARD
        self.unpaid: tuple[Charge, ...] = ()
        self.measure: str | None = None
        self.item: str | None = None
        self.owed: str | None = None
        self.queue_ip: str | None = None

    def under(self, version: Version) -> None:
        """Decides from here on by a version of the pack."""
        self.version = version
        self.terms = self.pack.terms(version, self.facts.settings)

    def new_id(self, prefix: str) -> str:
        """An id that was never used in this docket."""
        number = self.next_id
        self.next_id = number + 1
        return f"{prefix}{number}"

    def case(self) -> str | None:
        """The case of the occurrence at hand, as `s1/attack`."""
        return f"{self.docket.service}/{self.occurrence.abuse_type}" if self.occurrence is not None else None

    def clauses(self, rule: Rule) -> tuple[str, ...]:
        """The clauses that a rule cites at this moment."""
        known = self.terms.cited.get(rule.id) if self.terms is not None else None
        return known or self._clauses_now(rule)

    def _clauses_now(self, rule: Rule) -> tuple[str, ...]:
        """The same; where they are not another at another moment, or for another breach, that is remembered."""
        breach = self.breach() if BREACH in rule.clauses else None
        key = (rule.id, breach) if BREACH in rule.clauses else rule.id
        known = self.terms.cited.get(key) if self.terms is not None else None
        if known is not None:
            return known
        found = tuple(dict.fromkeys(one for word in rule.clauses for one in self._cited(word, breach)))
        found = found or (self.pack.content.counting.clause,)
        if self.terms is not None and not any(word.startswith(OF) for word in rule.clauses):
            self.terms.cited[key] = found
        return found

    def _cited(self, word: str, breach: str | None) -> tuple[str, ...]:
        if word == BREACH:
            return (breach,) if breach is not None else ()
        if word.startswith(OF):
            kind = word.removeprefix(OF)
            return next((one.clauses for one in self.measures if one.kind == kind and stands(one)), ())
        return (word,)

    def breach(self) -> str | None:
        """What the report at hand, or the first of the occurrence at hand that stands, breaches."""
        if self.occurrence is None:
            return None
        report = self.report or next((one for one in self.occurrence.reports if not one.rejected), None)
        return self.pack.breach(report.category) if report is not None else None

    def keep_occurrence(self, occurrence: Occurrence) -> None:
        """Puts a changed occurrence in its place; it stays the one at hand if it was."""
        self.occurrences = _put(self.occurrences, occurrence)
        if self.occurrence is not None and self.occurrence.id == occurrence.id:
            self.occurrence = occurrence

    def keep_measure(self, measure: Measure) -> None:
        """Puts a changed measure in its place."""
        self.measures = _put(self.measures, measure)

    def keep_charge(self, charge: Charge) -> None:
        """Puts a changed charge in its place."""
        self.charges = _put(self.charges, charge)

    def keep_deadline(self, deadline: Deadline) -> None:
        """Puts a changed deadline in its place."""
        self.deadlines = _put(self.deadlines, deadline)

    def keep_request(self, request: OpenRequest, was: OpenRequest) -> None:
        """Puts a changed request in its place."""
        self.requests = tuple(request if one is was else one for one in self.requests)

    def decision(self) -> Decision:
        """What was decided, notices, deadlines and reviews after what they speak of."""
        return Decision(
            self._docket(), _in_order(self.effects), tuple(self.trace), self.version.id if self.version else None
        )

    def _docket(self) -> Docket:
        return replace(
            self.docket,
            sequence=self.docket.sequence + 1,
            opened_at=self.opened_at,
            mail_port=self.mail_port,
            occurrences=self.occurrences,
            deadlines=self.deadlines,
            measures=self.measures,
            charges=self.charges,
            flags=self.flags,
            requests=self.requests,
            credit=self.credit,
            next_id=self.next_id,
            settled_cases=self.settled_cases,
        )


def _put(rows: tuple[Row, ...], changed: Row) -> tuple[Row, ...]:
    if rows and rows[-1].id == changed.id:
        return rows[:-1] + (changed,)  # noqa: RUF005 - what changes is mostly what came last, and this is the quick way
    return tuple([changed if one.id == changed.id else one for one in rows])


def _in_order(effects: list[AnyEffect]) -> tuple[AnyEffect, ...]:
    if len(effects) < 2:
        return tuple(effects)
    done: list[AnyEffect] = []
    spoken: list[AnyEffect] = []
    for one in effects:
        (spoken if type(one) in _SPOKEN and _speaks(one) else done).append(one)
    return (*done, *spoken)


_SPOKEN = frozenset({Notify, SetDeadline, Review})


def _speaks(effect: AnyEffect) -> bool:
    return not isinstance(effect, Notify) or effect.to in _TOLD


_TOLD = frozenset({"customer", "reseller"})
