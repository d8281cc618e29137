"""Everything that can move a docket.

A stimulus speaks of one service. A complaint about several services is split by `attribute` into one `Report` each;
what nobody held goes, once per complaint, to the brand's own docket as `Unattributed`.
"""

from datetime import datetime, timedelta
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from abusedesk.vocabulary.assurance import Assurance
from abusedesk.vocabulary.measure import MeasureKind
from abusedesk.vocabulary.suppression import Muffled


class Stimulus(Struct, frozen=True, gc=False, tag_field="stimulus"):
    """What came in. Its instant of receipt is the `at` that `decide` is called with."""


class Opened(Stimulus, frozen=True, tag="opened"):
    """A service was opened. `mail_port` marks one whose mail port is open by agreement."""

    mail_port: bool = False


class Report(Stimulus, frozen=True, tag="report"):
    """A complaint about this service: its part of one report.

    `events` counts observations; `occurred_at` is the time of the first. `mandate` is the reply time that an
    upstream or a law asks for. `listing` names the blocklist where the report is a blocklist entry.
    """

    id: str
    category: str
    ips: tuple[str, ...]
    occurred_at: datetime
    events: int = 1
    assurance: Assurance = "authenticated"
    stability_risk: bool = False
    mandate: timedelta | None = None
    listing: str | None = None
    with_reviews: bool = True
    """False on all but one part of a report about several services, so that reviews of the whole come once."""
    suppressed: Muffled | None = None
    """How a suppression of the operator's muffles it (`safeguard:suppressed`)."""


class Unattributed(Stimulus, frozen=True, tag="unattributed"):
    """The addresses of a report that no customer's service held at the time of the event.

    `reason` is what a person is asked: `no_attribution`, or `own_infrastructure` where the provider itself held them.
    """

    id: str
    category: str
    ips: tuple[str, ...]
    occurred_at: datetime
    with_reviews: bool = True
    """False where a part of the same report that somebody held brings the reviews of the whole."""
    reason: str = "no_attribution"


class Verification(Stimulus, frozen=True, tag="verification"):
    """A report's assurance is raised, or staff reject the report. The one thing that changes belief afterwards."""

    report: str
    assurance: Assurance | None = None
    rejected: bool = False
    by: str | None = None


class Reply(Stimulus, frozen=True, tag="reply"):
    """The customer answered; `complete` says that the processing is reported as done."""

    complete: bool


class Evidence(Stimulus, frozen=True, tag="evidence"):
    """Staff judged the customer's evidence."""

    accepted: bool
    by: str | None = None


class Payment(Stimulus, frozen=True, tag="payment"):
    """Money came in for the service, in minor units."""

    amount: int


class Cost(Stimulus, frozen=True, tag="cost"):
    """A cost that the provider had: `admin`, `upstream_fine`, `engineering`, `delisting`, `actual_damages`."""

    kind: str
    amount: int


class Request(Stimulus, frozen=True, tag="request"):
    """The customer asks: `open_mail_port`, `unblock`, `replace_ip`, `restore`."""

    id: str
    kind: str
    ip: str | None = None
    cause: str | None = None


class Approval(Stimulus, frozen=True, tag="approval"):
    """A person decides a proposal (`measure` or `item`) or a request (`request`, its id)."""

    decision: Literal["approve", "reject"]
    by: str
    measure: MeasureKind | None = None
    item: str | None = None
    request: str | None = None
    fee: int | None = None
    break_glass: str | UnsetType = UNSET
    """Why the person approves alone what another should have (`safeguard:four_eyes`). Left out where nobody does."""
    reason: str = ""


class Proposal(Stimulus, frozen=True, tag="proposal"):
    """A person proposes a measure, or a charge of `amount` minor units."""

    by: str
    measure: MeasureKind | None = None
    item: str | None = None
    amount: int | None = None
    ip: str | None = None
    port: int | None = None


class Upstream(Stimulus, frozen=True, tag="upstream"):
    """The upstream took, or lifted, a measure of its own."""

    action: MeasureKind
    state: Literal["set", "lifted"]
    ip: str


class DeadlinePassed(Stimulus, frozen=True, tag="deadline_passed"):
    """A deadline of the docket came due and nothing that came in time met it. `deadline` is its id in the docket."""

    deadline: str


class DeadlineDropped(Stimulus, frozen=True, tag="deadline_dropped"):
    """Staff let a deadline pass without an effect. `deadline` is its id in the docket."""

    deadline: str
    by: str
    reason: str


class OfMeasure(Struct, frozen=True, gc=False):
    """A measure as people speak of it: there is at most one of a kind on a target."""

    kind: MeasureKind
    ip: str | None = None
    port: int | None = None


class OfCharge(Struct, frozen=True, gc=False):
    """A charge, by what it is for and the instant at which it was made."""

    item: str
    at: datetime
    ip: str | None = None


class OfDeadline(Struct, frozen=True, gc=False):
    """An open deadline, by its name and when it is due; `report` is one of those of its occurrence, if it has one."""

    name: str
    due: datetime
    report: str | None = None


class Corrected(Stimulus, frozen=True, tag="corrected"):
    """Staff undo what was their own mistake (`safeguard:our_mistake`). What is not there, or over, is passed over.

    Everything is named by what it is and not by its id in the docket, so that a replay under another pack finds it too.
    `occurrences` and `strikes` are named by a report that the occurrence heard. Of an occurrence all that rests on it
    is undone, though its reports stand: they may be true of somebody else. A strike alone is annulled, and the
    occurrence makes no other. A charge is withdrawn, and credited as far as it was paid; a refund comes back.
    """

    by: str
    reason: str
    occurrences: tuple[str, ...] = ()
    strikes: tuple[str, ...] = ()
    charges: tuple[OfCharge, ...] = ()
    measures: tuple[OfMeasure, ...] = ()
    refunds: tuple[OfMeasure, ...] = ()
    deadlines: tuple[OfDeadline, ...] = ()


class Paused(Stimulus, frozen=True, tag="paused"):
    """Some deadlines stand still until they are told to go on: the customer appeals against what they belong to.

    So do those that begin for `occurrences` meanwhile, each of which is named by a report that it heard.
    """

    deadlines: tuple[OfDeadline, ...]
    by: str
    reason: str
    occurrences: tuple[str, ...] | UnsetType = UNSET


class Resumed(Stimulus, frozen=True, tag="resumed"):
    """Deadlines that stood still go on, later by as long as they stood; of `occurrences` all that began meanwhile."""

    deadlines: tuple[OfDeadline, ...]
    by: str
    reason: str
    occurrences: tuple[str, ...] | UnsetType = UNSET


class Postponed(Stimulus, frozen=True, tag="postponed"):
    """Every open deadline of the docket moves by `by`: the brand was held for that long."""

    by: timedelta
    reason: str = ""


class LiftedByHand(Stimulus, frozen=True, tag="lifted_by_hand"):
    """Staff accept that a measure was lifted outside, by hand: it is over, and is not taken again."""

    measure: MeasureKind
    by: str
    reason: str
    ip: str | None = None
    port: int | None = None


class ExpirySet(Stimulus, frozen=True, tag="expiry_set"):
    """Staff say until when a measure in force stands; with None, until it is lifted."""

    measure: MeasureKind
    until: datetime | None
    by: str
    reason: str
    ip: str | None = None
    port: int | None = None


class LiftedToClean(Stimulus, frozen=True, tag="lifted_to_clean"):
    """Staff lift a measure so that the customer can clean up; at `until` it stands again, as far as it is borne then.

    Told of one that is lifted so already, `until` moves; None leaves it lifted.
    """

    measure: MeasureKind
    until: datetime | None
    by: str
    reason: str
    ip: str | None = None
    port: int | None = None


class CarriedTicket(Stimulus, frozen=True, tag="carried_ticket"):
    """An old ticket of another system: when it happened, about which addresses, and whether it counted there."""

    source: str
    ticket: str
    category: str
    happened_at: datetime
    ips: tuple[str, ...] = ()
    struck: bool = False
    revision: int | UnsetType = UNSET
    """How often it was corrected since it first came. Left out where it never was."""


class CarriedBalance(Stimulus, frozen=True, tag="carried_balance"):
    """What a customer owed for the service in another system, in minor units; less than nothing is credit."""

    source: str
    ticket: str
    item: str
    amount: int
    happened_at: datetime


AnyStimulus = (
    Opened
    | Report
    | Unattributed
    | Verification
    | Reply
    | Evidence
    | Payment
    | Cost
    | Request
    | Approval
    | Proposal
    | Upstream
    | DeadlinePassed
    | DeadlineDropped
    | Corrected
    | Paused
    | Resumed
    | Postponed
    | LiftedByHand
    | ExpirySet
    | LiftedToClean
    | CarriedTicket
    | CarriedBalance
)
