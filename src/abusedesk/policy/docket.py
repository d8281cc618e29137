"""The docket: all that the policy may know about one service.

A docket is a fold over stimuli. Everything in it has an id that is unique within it and never used twice, so that the
tables of the live desk are a projection of it. Whatever ordered or proposed a standing measure or charge is one of
its grounds; when a report is rejected, what rests on fallen grounds alone ends with them.

The rows are trees without cycles, so the collector of cycles need not look at them (`gc=False`): a worker holds
many thousands.
"""

from datetime import datetime, timedelta
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from abusedesk.vocabulary.assurance import Assurance
from abusedesk.vocabulary.measure import MeasureKind, Mode
from abusedesk.vocabulary.suppression import Muffled


class HeardReport(Struct, frozen=True, gc=False):
    """A report as the docket remembers it."""

    id: str
    at: datetime
    category: str
    ips: tuple[str, ...]
    events: int
    assurance: Assurance
    occurred_at: datetime
    rejected: bool = False
    stability_risk: bool = False
    acted: frozenset[str] = frozenset()
    """Names of the rules that acted once for this report and do so no second time."""
    suppressed: Muffled | UnsetType = UNSET
    """How it was muffled by a suppression. Left out where it was not, so that dockets of before keep their digest."""


class Strike(Struct, frozen=True, gc=False):
    """An occurrence that counts. `number` is how many the service had when it was made, this one counted."""

    number: int
    at: datetime
    lapses_at: datetime | None
    clauses: tuple[str, ...]
    annulled_at: datetime | None = None
    of_type: int = 1
    """How many of them were of this abuse type."""
    points: int = 1
    """What it weighs, where a pack counts points."""
    forgiven: bool | UnsetType = UNSET
    """True where staff annulled it as their mistake, so that its occurrence makes no other. Left out elsewhere."""


class Occurrence(Struct, frozen=True, gc=False):
    """The reports on one abuse type that belong together, from a first notice to the end of its window."""

    id: str
    abuse_type: str
    opened_at: datetime
    version: str
    reports: tuple[HeardReport, ...] = ()
    strike: Strike | None = None
    processed_at: datetime | None = None
    notices: int = 0
    misses: tuple[datetime, ...] = ()
    chain_from: datetime | None = None
    closed: bool = False
    undone_at: datetime | UnsetType = UNSET
    """When staff undid it as their mistake: its reports count here no more. Left out where they did not."""
    disputed_at: datetime | UnsetType = UNSET
    """Since when an appeal against it is heard: what begins for it stands still. Left out where none is."""


class Deadline(Struct, frozen=True, gc=False):
    """`reply`, `payment`, or of a measure `expiry` and `resume`. `met`, `missed`, `cancelled`, `replaced` end it."""

    id: str
    name: str
    due: datetime
    clauses: tuple[str, ...]
    occurrence: str | None = None
    state: Literal["open", "met", "missed", "cancelled", "replaced"] = "open"
    measure: str | UnsetType = UNSET
    """The measure that expires or stands again then. Left out where it is about none."""
    paused_at: datetime | UnsetType = UNSET
    """Since when it stands still. Left out while it runs."""


class Ground(Struct, frozen=True, gc=False):
    """What bears a measure, a charge or a flag: an occurrence, by a clause, at the assurance that the clause needs."""

    clause: str
    occurrence: str | None = None
    report: str | None = None
    charge: str | None = None
    needs: Assurance = "unverified"
    mode: Mode = "automatic"
    refund: bool | None = None
    by: str | None = None
    clauses: tuple[str, ...] = ()
    """All clauses that it cites, the bearing one and the safeguards included."""
    upstream: bool = False
    """True where the upstream itself took the measure."""
    expires: timedelta | UnsetType = UNSET
    """How long it bears what it ordered, where the pack says so."""
    narrowed: MeasureKind | UnsetType = UNSET
    """What was ordered on the whole service, where it was narrowed to the accused address."""


Why = Literal["expired", "by_hand", "to_clean"]
"""How a measure ended, other than by its grounds: in time, by a hand outside, or lifted for a while to clean up."""


class Ended(Struct, frozen=True, gc=False):
    """How a measure ended, and when."""

    why: Why
    at: datetime


class Measure(Struct, frozen=True, gc=False):
    """A measure that the policy ordered or proposed. `in_force` here means decided; the outside is asked elsewhere."""

    id: str
    kind: MeasureKind
    at: datetime
    mode: Mode
    clauses: tuple[str, ...]
    state: Literal["proposed", "in_force", "lifted", "withdrawn"]
    ip: str | None = None
    port: int | None = None
    refund: bool | None = None
    grounds: tuple[Ground, ...] = ()
    upstream: bool = False
    ended: Ended | UnsetType = UNSET


class Charge(Struct, frozen=True, gc=False):
    """Money that the policy charges or proposes, in minor units. `proposed` is not owed; `withdrawn` is credit."""

    id: str
    item: str
    at: datetime
    amount: int
    paid: int
    currency: str
    mode: Mode
    clauses: tuple[str, ...]
    state: Literal["proposed", "owed", "paid", "rejected", "withdrawn"]
    ip: str | None = None
    grounds: tuple[Ground, ...] = ()
    deadline: str | None = None
    by: str | None = None
    owed_at: datetime | None = None
    """Since when it is owed; the oldest owed is paid first."""
    case: str | None = None
    """The abuse type whose case it belongs to."""
    forgiven: bool | UnsetType = UNSET
    """True where staff withdrew it as their mistake: nobody is charged it again. Left out elsewhere."""


class Flag(Struct, frozen=True, gc=False):
    """A lasting mark on an address, such as `no_unblock`."""

    flag: str
    ip: str
    at: datetime
    grounds: tuple[Ground, ...] = ()


class OpenRequest(Struct, frozen=True, gc=False):
    """What the customer asked for and how far it got. `granted_when_paid` waits until nothing is owed."""

    id: str
    kind: str
    at: datetime
    state: Literal["needs_approval", "granted", "granted_when_paid", "denied", "void"]
    ip: str | None = None
    cause: str | None = None
    clauses: tuple[str, ...] = ()
    lifts: tuple[MeasureKind, ...] = ()
    """What is lifted as soon as nothing is unpaid (`granted_when_paid`)."""


class Docket(Struct, frozen=True, gc=False):
    """The state of one service under one pack; the empty docket is `Docket(service="s1")`.

    The brand's own docket, for reports that nobody held, has service None.
    """

    service: str | None
    sequence: int = 0
    opened_at: datetime | None = None
    mail_port: bool = False
    occurrences: tuple[Occurrence, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    measures: tuple[Measure, ...] = ()
    charges: tuple[Charge, ...] = ()
    flags: tuple[Flag, ...] = ()
    requests: tuple[OpenRequest, ...] = ()
    credit: int = 0
    next_id: int = 1
    settled_cases: frozenset[str] = frozenset()
    """`item/abuse type` of the cases that carry no more of a charge, since the actual damages are known."""


def charged(charge: Charge) -> bool:
    """Whether a charge is proposed, owed or paid."""
    return charge.state in {"proposed", "owed", "paid"}


def stands(measure: Measure) -> bool:
    """Whether a measure is in force or proposed."""
    return measure.state in {"proposed", "in_force"}
