"""What `decide` returns: effects, each with its clauses, the next docket, and the trace of how it came about."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from abusedesk.policy.docket import Docket, Why
from abusedesk.vocabulary.measure import MeasureKind, Mode

ENGINE_VERSION = 2
"""Raised whenever the same inputs may give another decision than before."""


class Effect(Struct, frozen=True, gc=False, tag_field="effect"):
    """Something that the policy ordered, never without the clauses that ordered it.

    `case` is the abuse type's case on the service (`s1/attack`), `item_id` the id in the docket of what it creates
    or ends (a measure, charge or deadline).
    """

    clauses: tuple[str, ...]
    service: str | None = None
    customer: str | None = None
    ip: str | None = None
    case: str | None = None
    occurrence: str | None = None
    item_id: str | None = None


class StrikeMade(Effect, frozen=True, tag="strike"):
    abuse_type: str = ""
    number: int = 0


class PointsAdded(Effect, frozen=True, tag="points"):
    """A strike that stands weighs more from now on, by so many `points`."""

    abuse_type: str = ""
    points: int = 0


class Annul(Effect, frozen=True, tag="annul"):
    abuse_type: str = ""


class Notify(Effect, frozen=True, tag="notify"):
    to: Literal["customer", "reseller", "reporter", "upstream", "staff"] = "customer"
    via: tuple[str, ...] = ()
    template: str = ""


class SetDeadline(Effect, frozen=True, tag="deadline"):
    name: str = ""
    due: datetime | None = None


class Take(Effect, frozen=True, tag="measure"):
    """A measure taken, proposed or approved, or one that stands and changes its refund."""

    measure: MeasureKind = "suspend"
    mode: Mode = "automatic"
    refund: bool | None = None
    port: int | None = None
    upstream: bool = False
    """True where the upstream itself took it, so that nobody is to be told to take it."""
    counts: bool = False
    """True where it counts towards the brand's automatic measures of the hour (`safeguard:blast_radius`)."""


class Lift(Effect, frozen=True, tag="lift"):
    measure: MeasureKind = "suspend"
    port: int | None = None
    upstream: bool = False
    because: Why | None = None
    """Given where it did not end by its grounds."""


class ChargeMade(Effect, frozen=True, tag="charge"):
    item: str = ""
    amount: str = "0.00"
    currency: str = ""
    mode: Mode = "automatic"


class Withdraw(Effect, frozen=True, tag="withdraw"):
    """A proposal, or a charge, that no longer stands."""

    item: str | None = None
    measure: MeasureKind | None = None


class FlagSet(Effect, frozen=True, tag="flag"):
    flag: str = ""


class Answer(Effect, frozen=True, tag="answer"):
    request: str = ""
    kind: str = ""
    answer: Literal["granted", "denied", "needs_approval"] = "needs_approval"


class Review(Effect, frozen=True, tag="review"):
    """A person must look. `missing` names the fact whose absence left the policy undecided."""

    reason: str = ""
    report: str | None = None
    missing: str | None = None


AnyEffect = (
    StrikeMade
    | PointsAdded
    | Annul
    | Notify
    | SetDeadline
    | Take
    | Lift
    | ChargeMade
    | Withdraw
    | FlagSet
    | Answer
    | Review
)


class TraceLine(Struct, frozen=True, gc=False):
    """One rule that was weighed: hit, missed or unknown, with the clause and the plain words of its condition.

    `because` is the condition that settled it, or the fact that was missing; `parameters` are the values used.
    """

    rule: str
    result: Literal["hit", "missed", "unknown"]
    clauses: tuple[str, ...]
    says: str = ""
    because: str = ""
    parameters: dict[str, str] = {}


class Decision(Struct, frozen=True, gc=False):
    """The answer to one stimulus. `version` is the pack version applied, None where none was in force."""

    docket: Docket
    effects: tuple[AnyEffect, ...] = ()
    trace: tuple[TraceLine, ...] = ()
    version: str | None = None
