"""Plays a scenario through `decide` with a virtual clock: the code that decides in production, and nothing beside it.

What the live desk does around `decide` is done here in memory: attribution by the assignments, one docket for each
service, the brand's count of automatic measures, and deadlines that come due.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, cast

from msgspec.structs import replace

from abusedesk.policy.decide import decide
from abusedesk.policy.decision import AnyEffect, Decision
from abusedesk.policy.docket import Docket
from abusedesk.policy.facts import Elsewhere, Facts, addresses_in, elsewhere, on_addresses
from abusedesk.policy.scenario import Entry, Scenario
from abusedesk.policy.stimulus import (
    AnyStimulus,
    Approval,
    DeadlinePassed,
    Opened,
    Report,
    Request,
    Stimulus,
    Unattributed,
    Upstream,
    Verification,
)
from abusedesk.policy.strikes import struck_addresses
from abusedesk.policy.surroundings import BlastRadius, VirtualClock, still_due
from abusedesk.vocabulary.holding import AssignmentTable


class Played(NamedTuple):
    """One effect with its instant and the decision that gave it."""

    at: datetime
    effect: AnyEffect


class Step(NamedTuple):
    """One decision of a play: when, about which service, by what, and what came of it."""

    at: datetime
    service: str | None
    stimulus: Stimulus
    decision: Decision


def play(scenario: Scenario) -> Iterator[Played]:
    """The effects of a scenario in time order."""
    for step in Stage(scenario).steps():
        for effect in step.decision.effects:
            yield Played(step.at, effect)


class Stage:
    """A world at play. `dockets` may be saved and put back at any point between two steps."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.holders = AssignmentTable(scenario.assignments)
        self.dockets: dict[str | None, Docket] = {}
        self._clock = VirtualClock()
        self._radius = BlastRadius()
        self._reports: dict[str, list[str]] = {}
        self._requests: dict[str, str | None] = {}
        self._upstream: dict[tuple[str, str], list[str | None]] = {}

    def steps(self) -> Iterator[Step]:
        """Plays all: openings before entries of their instant, entries before deadlines due at it."""
        for at, action in self._happenings():
            yield from self._deadlines_before(at)
            for service, stimulus in self._addressed(action, at):
                yield self._decide(service, stimulus, at)
        yield from self._deadlines_before(self.scenario.until, inclusive=True)

    def _happenings(self) -> list[tuple[datetime, Entry | str]]:
        end = max([self.scenario.until, *(one.at for one in self.scenario.timeline)])
        opened: list[tuple[datetime, Entry | str]] = [
            (one.since, one.id) for one in self.scenario.services.values() if one.since <= end
        ]
        return sorted([*opened, *((one.at, one) for one in self.scenario.timeline)], key=lambda one: one[0])

    # --- deadlines --------------------------------------------------------------------------------------------------

    def _deadlines_before(self, at: datetime, *, inclusive: bool = False) -> Iterator[Step]:
        for due in self._clock.due_before(at, inclusive=inclusive):
            if still_due(self.dockets[due.service], due):
                yield self._decide(due.service, DeadlinePassed(due.deadline), due.at)

    # --- who is concerned -------------------------------------------------------------------------------------------

    def _addressed(self, action: Entry | str, at: datetime) -> Iterator[tuple[str | None, Stimulus]]:
        """The stimuli of an entry, each with the service whose docket hears it."""
        if isinstance(action, str):
            yield action, Opened(self.scenario.services[action].mail_port)
            return
        stimulus = action.stimulus
        if isinstance(stimulus, Report):
            yield from self._attributed(stimulus)
        elif isinstance(stimulus, Verification):
            for service in self._reports.get(stimulus.report, []):
                yield service, stimulus
        elif isinstance(stimulus, Upstream):
            for concerned in self._upstream_dockets(stimulus, at):
                yield concerned, stimulus
        elif isinstance(stimulus, Approval) and action.service is None:
            asked_by = self._requests.get(stimulus.request or "")
            if asked_by is not None:
                yield asked_by, stimulus
        else:
            yield action.service, stimulus

    def _attributed(self, report: Report) -> Iterator[tuple[str | None, Stimulus]]:
        """The report split by who held its addresses at the time of the event, in the order of the first of each."""
        held: dict[str, list[str]] = {}
        unheld: list[str] = []
        for ip in report.ips:
            holder = self.holders.holder(ip, report.occurred_at)
            if holder is None:
                unheld.append(ip)
            else:
                held.setdefault(holder.service, []).append(ip)
        self._reports.setdefault(report.id, []).extend(held)
        for index, (service, ips) in enumerate(held.items()):
            yield service, replace(report, ips=tuple(ips), with_reviews=index == 0)
        if unheld or not held:
            yield (
                None,
                Unattributed(report.id, report.category, tuple(unheld), report.occurred_at, with_reviews=not held),
            )

    def _upstream_dockets(self, stimulus: Upstream, at: datetime) -> list[str | None]:
        """Wherever it was recorded, for what is lifted; for what is set, who holds the address, or else the brand."""
        recorded = self._upstream.setdefault((stimulus.action, stimulus.ip), [])
        if stimulus.state == "lifted" and recorded:
            del self._upstream[stimulus.action, stimulus.ip]
            return recorded
        holder = self.holders.holder(stimulus.ip, at)
        service = holder.service if holder is not None else None
        if stimulus.state == "set" and service not in recorded:
            recorded.append(service)
        return [service]

    # --- deciding ---------------------------------------------------------------------------------------------------

    def _decide(self, service: str | None, stimulus: Stimulus, at: datetime) -> Step:
        docket = self.dockets.get(service) or Docket(service)
        facts = self._facts(service, docket, stimulus, at)
        decision = decide(docket, cast("AnyStimulus", stimulus), facts, self.scenario.pack, at)
        self.dockets[service] = decision.docket
        self._clock.watch(service, decision.docket.deadlines, docket.deadlines)
        self._radius.count(decision, at)
        if isinstance(stimulus, Request):
            self._requests[stimulus.id] = service
        return Step(at, service, stimulus, decision)

    def _facts(self, service: str | None, docket: Docket, stimulus: Stimulus, at: datetime) -> Facts:
        common = Facts(
            brand=self.scenario.pack.name,
            automatic_within_hour=self._radius.within_hour(at),
            staff_told=self._radius.staff_told,
            settings=self.scenario.settings,
            standing_elsewhere=self._standing_elsewhere(service, docket, stimulus, at),
        )
        if service is None:
            return common
        thing = self.scenario.services[service]
        customer = self.scenario.customers[thing.customer]
        return replace(
            common,
            service=service,
            service_type=thing.type,
            customer=customer.id,
            reseller=customer.reseller,
            customer_since=customer.since,
            service_since=thing.since,
            service_until=thing.until,
            trial=thing.trial,
            protected=thing.protected or customer.protected,
            carries=thing.carries,
            held_ips=frozenset(ip for ip in addresses_in(docket, stimulus) if self._not_passed_on(ip, service, at)),
            struck_ips=self._struck_elsewhere(service, customer.id) if isinstance(stimulus, Request) else frozenset(),
        )

    def _standing_elsewhere(
        self, service: str | None, docket: Docket, stimulus: Stimulus, at: datetime
    ) -> tuple[Elsewhere, ...]:
        others = [(key, one) for key, one in self.dockets.items() if key != service and on_addresses(one)]
        addresses = addresses_in(docket, stimulus) if others else set()
        return tuple(row for key, one in others for row in self._standing(key, one, addresses, at))

    def _standing(self, service: str | None, docket: Docket, addresses: set[str], at: datetime) -> Iterator[Elsewhere]:
        thing = self.scenario.services[service] if service is not None else None

        def acts(ip: str) -> bool:
            if thing is None or (thing.until is not None and thing.until <= at):
                return False
            return self._not_passed_on(ip, thing.id, at)

        return elsewhere(docket, addresses, thing.customer if thing is not None else None, acts)

    def _not_passed_on(self, ip: str, service: str, at: datetime) -> bool:
        holder = self.holders.holder(ip, at)
        return holder is None or holder.service == service

    def _struck_elsewhere(self, service: str, customer: str) -> frozenset[str]:
        acts_on = self.scenario.pack.content.counting.acts_on
        found: frozenset[str] = frozenset()
        for other, docket in self.dockets.items():
            if other is not None and other != service and self.scenario.services[other].customer == customer:
                found |= struck_addresses(docket.occurrences, acts_on)
        return found
