"""Difference: from what stands in the records and what the inventories want, the steps from one to the other. Pure.

Only what is open is touched, and nothing before the last reading that stands: an interval ends or begins between then
and now. What the records hold and nobody claims is ended only where the inventory that is read had said so before;
what came from elsewhere is only shown.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from abusedesk.desk.inventory.precedence import Wanted
from abusedesk.vocabulary.claims import Claims, CustomerClaim, HoldingClaim, ServiceClaim

INSTANT = timedelta(microseconds=1)
FEW = 2
"""So many endings and moves are never a mass change by their share."""


class Standing(NamedTuple):
    """A prefix held now, as recorded."""

    pk: int
    service: str
    since: datetime
    inventory: int | None


class StandingService(NamedTuple):
    """A service as recorded."""

    pk: int
    customer: str
    label: str
    type: str
    since: datetime
    until: datetime | None
    inventory: int | None


class StandingCustomer(NamedTuple):
    """A customer as recorded."""

    pk: int
    name: str
    email: str
    language: str
    reseller: str


class Records(NamedTuple):
    """What stands in the records of one brand.

    `elsewhere` are prefixes that another brand's service holds now, with words who; `ended_at` is when the last holder
    of a prefix ended, of any brand.
    """

    customers: Mapping[str, StandingCustomer]
    services: Mapping[str, StandingService]
    holdings: Mapping[str, Standing]
    elsewhere: Mapping[str, str]
    ended_at: Mapping[str, datetime]


class Step(msgspec.Struct, frozen=True, tag_field="step", omit_defaults=True):
    """One change. `subject` is the ref or prefix it is about."""

    subject: str


class NewCustomer(Step, frozen=True, tag="new_customer"):
    """A customer that the records do not have."""

    name: str
    email: str
    language: str
    reseller: str
    since: datetime


class ChangedCustomer(Step, frozen=True, tag="changed_customer"):
    """Fields of a customer, before and after."""

    pk: int
    before: dict[str, str]
    after: dict[str, str]


class NewService(Step, frozen=True, tag="new_service"):
    """A service that the records do not have."""

    customer: str
    label: str
    type: str
    since: datetime
    inventory: int


class ChangedService(Step, frozen=True, tag="changed_service"):
    """Label or type of a service, before and after."""

    pk: int
    before: dict[str, str]
    after: dict[str, str]


class MovedService(Step, frozen=True, tag="moved_service"):
    """A service that another customer rents now."""

    pk: int
    before: str
    after: str


class EndedService(Step, frozen=True, tag="ended_service"):
    """A service that runs no more, since `at`; what it holds ends with it."""

    pk: int
    at: datetime
    customer: str


class ResumedService(Step, frozen=True, tag="resumed_service"):
    """A service that had ended and runs again."""

    pk: int
    ended: datetime
    customer: str


class Begun(Step, frozen=True, tag="begun"):
    """A prefix that nobody held, held from `since` on."""

    service: str
    since: datetime
    inventory: int


class Ended(Step, frozen=True, tag="ended"):
    """A prefix that its holder holds no more, since `at`."""

    pk: int
    service: str
    at: datetime


class Moved(Step, frozen=True, tag="moved"):
    """A prefix that passed from one service to another at `at`."""

    pk: int
    before: str
    after: str
    at: datetime
    inventory: int


class Confirmed(Step, frozen=True, tag="confirmed"):
    """A holding or a service (`kind`) that stands already, and that an inventory now vouches for."""

    kind: str
    pk: int
    inventory: int
    before: int | None = None


AnyStep = (
    NewCustomer | ChangedCustomer | NewService | ChangedService | MovedService | EndedService | ResumedService
    | Begun | Ended | Moved | Confirmed
)  # fmt: skip


class Untaken(msgspec.Struct, frozen=True):
    """What an inventory says and the records cannot take, with the reason."""

    subject: str
    reason: str


class Difference(msgspec.Struct, frozen=True):
    """The steps, what cannot be taken, and what only the records hold."""

    steps: tuple[AnyStep, ...] = ()
    untaken: tuple[Untaken, ...] = ()
    only_here: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Names the difference, whenever it was found: instants of this reading are not part of it."""
        parts = sorted(_identity(one) for one in self.steps)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def figures(self) -> dict[str, int]:
        """How many steps of each kind, and how many things were left."""
        found: dict[str, int] = {}
        for one in self.steps:
            found[kind_of(one)] = found.get(kind_of(one), 0) + 1
        found["untaken"], found["only_here"] = len(self.untaken), len(self.only_here)
        return {name: number for name, number in found.items() if number}

    @property
    def changes(self) -> int:
        """The steps that change anything; a confirmation changes nothing."""
        return sum(not isinstance(one, Confirmed) for one in self.steps)


class Limits(NamedTuple):
    """Beyond which a person is asked: a share in percent, and a number, of what ends or moves."""

    percent: int
    rows: int


def kind_of(step: AnyStep) -> str:
    """The name of a step's kind."""
    return str(step.__struct_config__.tag)


def find(wanted: Wanted, records: Records, read: "Reading") -> Difference:
    """The steps from the records to what is wanted."""
    found = _Finding(wanted, records, read)
    found.customers()
    found.services()
    found.holdings()
    return Difference(tuple(found.steps), tuple(found.untaken), tuple(sorted(found.only_here)))


class Reading(NamedTuple):
    """The reading that is compared: of which inventory, when, after which earlier one that stands, with which types.

    `types` are the service types that the policy knows; empty: any.
    """

    inventory: int
    at: datetime
    last: datetime | None
    unread: frozenset[str] = frozenset()
    types: tuple[str, ...] = ()


class _Finding:
    """The steps as they are found. What a later part needs of an earlier one are the refs that will exist."""

    def __init__(self, wanted: Wanted, records: Records, read: Reading) -> None:
        self.wanted, self.records, self.read = wanted, records, read
        self.steps: list[AnyStep] = []
        self.untaken: list[Untaken] = []
        self.only_here: list[str] = []
        self.known = set(records.customers)
        self.running = {ref: one.since for ref, one in records.services.items() if one.until is None}

    # --- customers

    def customers(self) -> None:
        for ref, claim in self.wanted.customers.items():
            before = self.records.customers.get(ref)
            if before is not None:
                self._changed_customer(ref, before, claim)
            else:
                since = min(claim.since or self.read.at, self.read.at)
                name = claim.name or ref
                self.steps.append(NewCustomer(ref, name, claim.email, claim.language, claim.reseller, since))
                self.known.add(ref)

    def _changed_customer(self, ref: str, before: StandingCustomer, claim: CustomerClaim) -> None:
        said = {name: getattr(claim, name) for name in ("name", "email", "language", "reseller")}
        changed = {name: value for name, value in said.items() if value and value != getattr(before, name)}
        if changed:
            was = {name: str(getattr(before, name)) for name in changed}
            self.steps.append(ChangedCustomer(ref, before.pk, was, changed))

    # --- services

    def services(self) -> None:
        for ref, (inventory, claim) in self.wanted.services.items():
            before = self.records.services.get(ref)
            if before is not None:
                self._known_service(ref, before, claim, inventory)  # type: ignore[arg-type]
            elif not claim.ended:  # type: ignore[union-attr]
                self._new_service(claim, inventory)  # type: ignore[arg-type]
        for ref, one in self.records.services.items():
            if one.until is None and ref not in self.wanted.services:
                self._unclaimed_service(ref, one)

    def _new_service(self, claim: ServiceClaim, inventory: int) -> None:
        reason = self._wrong_with(claim)
        if reason:
            self.untaken.append(Untaken(claim.ref, reason))
            return
        since = min(claim.since or self.read.at, self.read.at)
        self.steps.append(NewService(claim.ref, claim.customer, claim.label, self._type(claim), since, inventory))
        self.running[claim.ref] = since

    def _wrong_with(self, claim: ServiceClaim) -> str:
        if not claim.customer:
            return "no inventory that is believed about services says whose it is"
        if claim.customer not in self.known:
            return f"its customer {claim.customer} is unknown"
        return ""

    def _type(self, claim: ServiceClaim) -> str:
        types = self.read.types
        if claim.type and (not types or claim.type in types):
            return claim.type
        return "vps" if not types or "vps" in types else types[0]

    def _known_service(self, ref: str, before: StandingService, claim: ServiceClaim, inventory: int) -> None:
        if claim.ended:
            if before.until is None:
                self._end_service(ref, before, claim.until)
            return
        if before.until is not None:
            self.steps.append(ResumedService(ref, before.pk, before.until, before.customer))
            self.running[ref] = before.since
        self._service_fields(ref, before, claim)
        if claim.customer and claim.customer != before.customer:
            self._move_service(ref, before, claim)
        if before.inventory != inventory:
            self.steps.append(Confirmed(ref, "service", before.pk, inventory, before.inventory))

    def _service_fields(self, ref: str, before: StandingService, claim: ServiceClaim) -> None:
        said = {"label": claim.label, "type": claim.type if claim.type in self.read.types else ""}
        changed = {name: value for name, value in said.items() if value and value != getattr(before, name)}
        if changed:
            was = {name: str(getattr(before, name)) for name in changed}
            self.steps.append(ChangedService(ref, before.pk, was, changed))

    def _move_service(self, ref: str, before: StandingService, claim: ServiceClaim) -> None:
        if claim.customer in self.known:
            self.steps.append(MovedService(ref, before.pk, before.customer, claim.customer))
        else:
            self.untaken.append(Untaken(ref, f"its customer {claim.customer} is unknown"))

    def _end_service(self, ref: str, before: StandingService, until: datetime | None) -> None:
        at = max(self._moment(until), before.since)
        self.steps.append(EndedService(ref, before.pk, at, before.customer))
        self.running.pop(ref, None)

    def _unclaimed_service(self, ref: str, one: StandingService) -> None:
        if one.inventory != self.read.inventory:
            self.only_here.append(f"service {ref}")
        elif ref not in self.read.unread:
            self._end_service(ref, one, None)

    # --- prefixes

    def holdings(self) -> None:
        for prefix, (inventory, claim) in self.wanted.holdings.items():
            self._holding(prefix, claim, inventory)  # type: ignore[arg-type]
        for prefix, one in self.records.holdings.items():
            if prefix not in self.wanted.holdings and prefix not in self.wanted.open_prefixes:
                self._unclaimed_holding(prefix, one)

    def _holding(self, prefix: str, claim: HoldingClaim, inventory: int) -> None:
        before = self.records.holdings.get(prefix)
        if claim.service not in self.running:
            self._homeless(prefix, claim, before)
        elif before is None:
            self._begin(prefix, claim, inventory)
        elif before.service != claim.service:
            self._move(prefix, before, claim, inventory)
        elif before.inventory != inventory:
            self.steps.append(Confirmed(prefix, "assignment", before.pk, inventory, before.inventory))

    def _homeless(self, prefix: str, claim: HoldingClaim, before: Standing | None) -> None:
        """Of a service that does not run here. What held it before cannot hold it any longer."""
        known = claim.service in self.records.services
        self.untaken.append(
            Untaken(prefix, f"its service {claim.service} {'has ended' if known else 'is not known here'}")
        )
        if before is not None and before.service in self.running and before.service != claim.service:
            self.steps.append(Ended(prefix, before.pk, before.service, self._not_before(before.since)))

    def _begin(self, prefix: str, claim: HoldingClaim, inventory: int) -> None:
        if prefix in self.records.elsewhere:
            self.untaken.append(Untaken(prefix, f"{self.records.elsewhere[prefix]} holds it; end that first"))
            return
        floors = [self.running[claim.service], self.records.ended_at.get(prefix)]
        since = max([self._moment(claim.since), *[one for one in floors if one is not None]])
        self.steps.append(Begun(prefix, claim.service, since, inventory))

    def _move(self, prefix: str, before: Standing, claim: HoldingClaim, inventory: int) -> None:
        at = max(self._moment(claim.since), self.running[claim.service])
        if at <= before.since:
            at = self.read.at
        if at <= before.since:
            self.untaken.append(Untaken(prefix, f"{before.service} holds it only from {before.since:%Y-%m-%d %H:%M}"))
        else:
            self.steps.append(Moved(prefix, before.pk, before.service, claim.service, at, inventory))

    def _unclaimed_holding(self, prefix: str, one: Standing) -> None:
        if one.service not in self.running:
            return  # it ends with its service
        if one.inventory != self.read.inventory:
            self.only_here.append(f"{prefix} of {one.service}")
        elif one.service not in self.read.unread:
            self.steps.append(Ended(prefix, one.pk, one.service, self._not_before(one.since)))

    def _not_before(self, since: datetime) -> datetime:
        """Now, or the instant after a beginning that lies ahead: no interval is empty."""
        return max(self.read.at, since + INSTANT)

    def _moment(self, said: datetime | None) -> datetime:
        """An instant that the inventory gives, where it can be believed: not ahead, not before the last reading."""
        if said is None or said > self.read.at:
            return self.read.at
        return said if self.read.last is None or said >= self.read.last else self.read.at


def _shrunk(read: Claims, before: Claims) -> str:
    """Whether a reading names fewer than half of what the one before did, in words; empty where it does not.

    Services and prefixes count apart too: what lost the right to one list still answers the other in full.
    """
    if before.size and read.size * 2 < before.size:
        return f"it names {read.size:,} services and prefixes, where it named {before.size:,} before"
    lists = (read.services, before.services, "services"), (read.holdings, before.holdings, "prefixes")
    for now, then, called in lists:
        if len(then) > FEW and len(now) * 2 < len(then):
            return f"it names {len(now):,} {called}, where it named {len(then):,} before"
    return ""


def why_mass(difference: Difference, records: Records, read: Claims, before: Claims | None, limits: Limits) -> str:
    """Why a person must look before the difference is written; empty where it is an everyday one."""
    if before is None:
        return "it is the first reading of this inventory"
    shrunk = _shrunk(read, before)
    if shrunk:
        return shrunk
    services = sum(isinstance(one, EndedService | MovedService) for one in difference.steps)
    prefixes = sum(isinstance(one, Ended | Moved) for one in difference.steps)
    running = sum(one.until is None for one in records.services.values())
    for touched, existing, called in ((services, running, "services"), (prefixes, len(records.holdings), "prefixes")):
        if touched > limits.rows:
            return f"{touched:,} {called} would end or move, more than {limits.rows:,}"
        if touched > FEW and touched * 100 > existing * limits.percent:
            return f"{touched:,} of {existing:,} {called} would end or move, more than {limits.percent} %"
    return ""


def rows(difference: Difference) -> Iterable[tuple[str, str, str, str, str]]:
    """The difference as rows for people and for CSV: kind, subject, before, after, at."""
    for one in difference.steps:
        if not isinstance(one, Confirmed):
            yield _row(one)
    for left in difference.untaken:
        yield "cannot be taken", left.subject, "", left.reason, ""
    for only in difference.only_here:
        yield "only here", only, "", "", ""


ORDER = (
    "new_customer", "changed_customer", "new_service", "moved_service", "ended_service", "resumed_service",
    "changed_service", "begun", "moved", "ended", "confirmed", "untaken", "only_here",
)  # fmt: skip
WORDS = {
    "new_customer": "customers new", "changed_customer": "customers changed", "new_service": "services new",
    "moved_service": "services of another customer", "ended_service": "services ended",
    "resumed_service": "services resumed", "changed_service": "services changed", "begun": "prefixes begun",
    "moved": "prefixes moved", "ended": "prefixes ended", "confirmed": "confirmed", "untaken": "cannot be taken",
    "only_here": "only here",
}  # fmt: skip


def in_words(figures: Mapping[str, int]) -> list[tuple[str, int]]:
    """Figures of a difference in one order, in words."""
    return [(WORDS[name], figures[name]) for name in ORDER if figures.get(name)]


HEADER = ("change", "subject", "before", "after", "at")


def _row(one: AnyStep) -> tuple[str, str, str, str, str]:
    values: dict[str, Any] = msgspec.structs.asdict(one)
    at = next((values[name] for name in ("at", "since", "ended") if name in values), None)
    before, after = _words(one, values)
    return kind_of(one).replace("_", " "), one.subject, before, after, f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else ""


def _words(one: AnyStep, values: dict[str, Any]) -> tuple[str, str]:
    if isinstance(one, ChangedCustomer | ChangedService):
        return "; ".join(map(": ".join, one.before.items())), "; ".join(map(": ".join, one.after.items()))
    if isinstance(one, Moved | MovedService):
        return one.before, one.after
    if isinstance(one, Ended):
        return one.service, ""
    if isinstance(one, EndedService):
        return one.customer, ""
    return "", str(next((values[name] for name in ("service", "customer", "name") if name in values), ""))


def _identity(one: AnyStep) -> str:
    values = msgspec.structs.asdict(one)
    plain = {name: value for name, value in values.items() if name not in {"at", "since"}}
    return f"{kind_of(one)} {msgspec.json.encode(plain, order='deterministic').decode()}"
