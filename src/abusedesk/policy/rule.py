"""The vocabulary of rules: the moments at which they are weighed and the orders that they give.

A pack's rule says *when* (a moment, an assurance, a condition), *what* (its orders) and *by which clause*. This module
is the whole list of what a pack can order; `enforce.py` carries the orders out.
"""

from typing import Literal

from msgspec import Struct

from abusedesk.policy.condition import Condition
from abusedesk.vocabulary.assurance import Assurance
from abusedesk.vocabulary.measure import MeasureKind, Mode

Moment = Literal[
    "opened",
    "occurrence",
    "report",
    "strike",
    "missed",
    "reply",
    "evidence",
    "cost",
    "request",
    "approved",
    "upstream",
    "measure",
    "notice",
    "owed",
]
"""When a rule is weighed.

`occurrence`: a report opened one. `report`: a report first reaches the assurance that the rule `needs` (or arrives
`below` it). `strike`: an occurrence became one. `missed`: a deadline passed. `approved`: a person approved a request.
`measure`: one came into force. `notice`: the customer was sent one. `owed`: a charge became owed.
"""

KINDED: frozenset[str] = frozenset({"missed", "request", "approved"})
"""The moments of several kinds, whose rules name the `kind`: a deadline's name or a request's."""

BELIEVED: tuple[str, ...] = ("report", "missed")
"""The moments whose rules may ask how far the report is believed: `needs` and `below`."""

Calendar = Literal["all", "business"]
"""Whether a deadline counts all days, or only Mondays to Fridays (UTC)."""

BREACH = "breach"
"""In a rule's clauses: the prohibition that the occurrence breaches, as its abuse type says."""

OF = "of "
"""In a rule's clauses, before a measure: the clauses that ordered that measure, as in `of terminate`."""


class MakeStrike(Struct, frozen=True):
    """The occurrence counts, unless it does already. `points` is the count parameter that says what it weighs."""

    points: str | None = None


class AddPoints(Struct, frozen=True):
    """The strike behind a missed deadline weighs more, by the count parameter `points`, while it counts."""

    points: str


class SendNotice(Struct, frozen=True):
    """A notice by the pack's template."""

    to: Literal["customer", "reseller", "reporter", "upstream", "staff"]
    via: tuple[str, ...]
    template: str


class StartDeadline(Struct, frozen=True):
    """A deadline after a parameter's duration; with `mandate`, after the report's mandate where that is shorter."""

    name: str
    within: str
    mandate: bool = False
    calendar: Calendar = "all"


class ShortenDeadline(Struct, frozen=True):
    """The report's mandate replaces the occurrence's open deadline where it ends sooner."""

    name: str
    within: str
    calendar: Calendar = "all"


class OrderMeasure(Struct, frozen=True):
    """A measure on the service, or on each address of the report. `sanction` is False for what is no reproach."""

    kind: MeasureKind
    mode: Mode = "automatic"
    refund: bool = True
    port: int | None = None
    sanction: bool = True
    expires: str | None = None
    """The parameter that says how long it stands by itself."""


class MakeCharge(Struct, frozen=True):
    """A charge of a parameter's amount, or of the amount `stated` by the stimulus."""

    item: str
    amount: str
    each: Literal["ip", "occurrence", "request", "time"]
    mode: Mode = "automatic"


class TopUp(Struct, frozen=True):
    """A charge of what the case's events are worth beyond what it was charged, proposed or refused before."""

    item: str
    at_least: str
    per_event: str
    mode: Mode = "proposed"


class AddCost(Struct, frozen=True):
    """The stated amount is added to the newest proposed charge of an item."""

    item: str


class SetFlag(Struct, frozen=True):
    """A flag on each address of the report."""

    flag: str


class AskReview(Struct, frozen=True):
    """A person is asked to look."""

    reason: str


class GiveAnswer(Struct, frozen=True):
    """The answer to a request; of several rules the strictest answer holds."""

    answer: Literal["granted", "denied", "needs_approval"]


class LiftMeasures(Struct, frozen=True):
    """Measures in force are lifted; with a fee in the approval, once nothing is unpaid. `fee` is its item.

    With `proposals` those that are only proposed are withdrawn as well.
    """

    kinds: tuple[MeasureKind, ...]
    fee: str | None = None
    proposals: bool = False


class Process(Struct, frozen=True):
    """Occurrences count as answered: `all` of them, or those whose strike cites a clause."""

    which: str


class DropGround(Struct, frozen=True):
    """A clause no longer bears a measure."""

    kind: MeasureKind
    clause: str


class MarkService(Struct, frozen=True):
    """The service is marked: its mail port was opened on application."""

    mark: Literal["mail_port"]


class WithdrawCharges(Struct, frozen=True):
    """Proposed charges of an item are withdrawn; with `closes`, the present cases carry no more of them."""

    item: str
    closes: bool = False


class RecordUpstream(Struct, frozen=True):
    """The upstream's own measure is recorded or lifted; `port` is the one that it closes where it closes one."""

    port: int | None = None


Order = (
    MakeStrike
    | AddPoints
    | SendNotice
    | StartDeadline
    | ShortenDeadline
    | OrderMeasure
    | MakeCharge
    | TopUp
    | AddCost
    | SetFlag
    | AskReview
    | GiveAnswer
    | LiftMeasures
    | Process
    | DropGround
    | MarkService
    | WithdrawCharges
    | RecordUpstream
)


class Rule(Struct, frozen=True):
    """One rule of a pack. `clauses` are full ids, `breach` or `of MEASURE`; `ground` is the clause that bears."""

    id: str
    clauses: tuple[str, ...]
    says: str
    on: Moment
    orders: tuple[Order, ...]
    kind: str | None = None
    condition: Condition | None = None
    needs: Assurance = "unverified"
    below: Assurance | None = None
    line: int = 0

    @property
    def ground(self) -> str:
        """The clause by which what the rule orders is borne."""
        return self.clauses[0]
