"""The recorded past of a brand, heard again by a pack: the stimuli as they came, the deadlines as the pack sets them.

What people and machines did is taken as recorded: reports, replies, payments, approvals. What the policy itself brings
about is made anew: dockets, deadlines (a virtual clock fires them when the *new* dockets have them due; recorded ones
are dropped), the brand's blast radius, and what depends on other dockets. What lies outside all dockets comes from
where it is known: who held an address when, from the assignments; the rest of a service's facts, from its newest
record.

In a hold of the brand no deadline fires, and at its end those open move by its length, whether or not a docket had any
when it was recorded.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, cast, get_args

from msgspec import Struct
from msgspec.structs import replace

from abusedesk.policy.decide import decide
from abusedesk.policy.decision import Decision
from abusedesk.policy.docket import Docket
from abusedesk.policy.facts import Elsewhere, Facts, Settings, addresses_in, elsewhere, on_addresses
from abusedesk.policy.pack import Pack
from abusedesk.policy.stimulus import AnyStimulus, DeadlinePassed, Postponed, Request, Stimulus
from abusedesk.policy.strikes import struck_addresses
from abusedesk.policy.surroundings import BlastRadius, VirtualClock, still_due

_EVER, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_NONE: frozenset[str] = frozenset()
_NOTHING = Stimulus()

MADE_ANEW = ("held_ips", "struck_ips", "standing_elsewhere", "automatic_within_hour", "staff_told", "settings")
"""The facts that a replay does not take from the record: the last ones of `Facts`, in their order."""

Tenure = Callable[[str], Sequence[tuple[datetime, str | None]]]
"""From when on which service held an address, in order of time; None where none did (`AssignmentTable.tenure`)."""


class Recorded(Struct, frozen=True, gc=False):
    """A stimulus as it was decided: its instant of receipt, the service (None: the brand's own docket), the facts."""

    at: datetime
    service: str | None
    stimulus: AnyStimulus
    facts: Facts
    effects: bytes = b""
    """What was decided, as stored; only to be compared with."""


class Pause(NamedTuple):
    """A time in which the brand was held; `until` is None where it still is."""

    since: datetime
    until: datetime | None
    reason: str = ""


class Around(NamedTuple):
    """What lies outside all dockets: who held what, when services ended, when the brand was held."""

    tenure: Tenure
    ended: Mapping[str, datetime] = {}
    pauses: Sequence[Pause] = ()


class Start(NamedTuple):
    """How things stand where a replay begins: dockets with the newest facts of each, and the blast radius."""

    dockets: Mapping[str | None, Docket] = {}
    facts: Mapping[str | None, Facts] = {}
    taken: tuple[datetime, ...] = ()
    staff_told: bool = False


class Replayed(Struct, frozen=True, gc=False):
    """One decision of a replay. `recorded` is None for what the virtual clock brought of itself."""

    at: datetime
    service: str | None
    stimulus: AnyStimulus
    facts: Facts
    before: Docket
    decision: Decision
    recorded: Recorded | None


class _Known:
    """What a replay keeps of one service: its docket, its newest facts, and which of its addresses it holds.

    `number` is its place among the services, in the order in which they were first heard of.
    """

    __slots__ = ("base", "docket", "held", "held_until", "named", "number")

    def __init__(self, number: int, docket: Docket, base: Facts) -> None:
        self.number = number
        self.docket = docket
        self.base = base
        self.named = addresses_in(docket, _NOTHING)
        self.held = _NONE
        self.held_until = _EVER


class Replay:
    """Folds a record under a pack and an operator's settings.

    `unfired` counts the recorded deadlines that under this pack did not come due when they did then.
    """

    def __init__(self, pack: Pack, settings: Settings, around: Around, start: Start | None = None) -> None:
        start = start or Start()
        self.pack = pack
        self.settings = settings
        self.unfired = 0
        self._around = around
        self._pauses = sorted(around.pauses)
        self._postponements = {(one.until, one.until - one.since) for one in around.pauses if one.until is not None}
        self._clock = VirtualClock()
        self.radius = BlastRadius(start.taken, start.staff_told)
        self._known: dict[str | None, _Known] = {}
        self._services: dict[str, set[str]] = {}
        self._on_address: dict[str, set[str | None]] = {}
        for service, docket in start.dockets.items():
            self._know(service, docket, start.facts[service])
            self._clock.watch(service, docket.deadlines)

    @property
    def dockets(self) -> dict[str | None, Docket]:
        """The dockets as they stand."""
        return {service: one.docket for service, one in self._known.items()}

    def steps(self, record: Iterable[Recorded], until: datetime | None = None) -> Iterator[Replayed]:
        """The decisions on a record in order of time, and on what comes due up to `until`, that instant included."""
        clock, pauses = self._clock, self._pauses
        for one in record:
            if clock.next < one.at or (pauses and pauses[0].since < one.at):
                yield from self._pass_time(one.at)
            stimulus = one.stimulus
            kind = type(stimulus)
            if kind is DeadlinePassed:
                known = self._recall(one)
                due = self._come_due(known, one)
                if due is not None:
                    yield self._decide(one.service, known, due, one.at, one)
            elif kind is not Postponed or not self._is_postponement(one):
                yield self._decide(one.service, self._recall(one), stimulus, one.at, one)
        if until is not None:
            yield from self._pass_time(until, inclusive=True)

    # --- time -------------------------------------------------------------------------------------------------------

    def _pass_time(self, at: datetime, *, inclusive: bool = False) -> Iterator[Replayed]:
        """What comes due before an instant, with the pauses that begin or end before it."""
        while self._pauses and self._pauses[0].since < at:
            pause = self._pauses[0]
            yield from self._fire(pause.since)
            if pause.until is None or pause.until > at:
                return
            yield from self._postpone(pause, pause.until)
            del self._pauses[0]
        yield from self._fire(at, inclusive=inclusive)

    def _fire(self, at: datetime, *, inclusive: bool = False) -> Iterator[Replayed]:
        for due in self._clock.due_before(at, inclusive=inclusive):
            known = self._known[due.service]
            if still_due(known.docket, due):
                yield self._decide(due.service, known, DeadlinePassed(due.deadline), due.at, None)

    def _postpone(self, pause: Pause, until: datetime) -> Iterator[Replayed]:
        stimulus = Postponed(until - pause.since, pause.reason)
        for service, known in list(self._known.items()):
            if any(one.state == "open" for one in known.docket.deadlines):
                yield self._decide(service, known, stimulus, until, None)

    def _come_due(self, known: _Known, one: Recorded) -> DeadlinePassed | None:
        """What the new docket has due when a deadline was recorded: only the place in time and the order are used."""
        at, stimulus = one.at, cast("DeadlinePassed", one.stimulus)
        due = [each.id for each in known.docket.deadlines if each.state == "open" and each.due == at]
        if stimulus.deadline in due:
            return stimulus
        if due:
            return DeadlinePassed(due[0])
        self.unfired += 1
        return None

    def _is_postponement(self, one: Recorded) -> bool:
        """Whether it is the end of a pause, which is made anew for every docket."""
        return (one.at, cast("Postponed", one.stimulus).by) in self._postponements

    # --- deciding ---------------------------------------------------------------------------------------------------

    def _decide(
        self, service: str | None, known: _Known, stimulus: AnyStimulus, at: datetime, recorded: Recorded | None
    ) -> Replayed:
        before = known.docket
        if recorded is None:
            self._see_ended(service, known)
        facts = self._facts(service, known, stimulus, at)
        decision = decide(before, stimulus, facts, self.pack, at)
        known.docket = decision.docket
        if decision.docket.measures is not before.measures:
            self._note_measures(service, before, decision.docket)
        self._clock.watch(service, decision.docket.deadlines, before.deadlines)
        if decision.effects:
            self.radius.count(decision, at)
        return Replayed(at, service, stimulus, facts, before, decision, recorded)

    def _recall(self, one: Recorded) -> _Known:
        """What is known of a service, with its newest facts."""
        known = self._known.get(one.service)
        if known is None:
            return self._know(one.service, Docket(one.service), one.facts)
        if known.base is not one.facts:
            if known.base.customer != one.facts.customer:
                self._note_customer(one.service, one.facts)
            known.base = one.facts
        return known

    def _know(self, service: str | None, docket: Docket, facts: Facts) -> _Known:
        known = self._known[service] = _Known(len(self._known), docket, facts)
        self._note_customer(service, facts)
        if docket.measures:
            self._note_measures(service, Docket(service), docket)
        return known

    def _see_ended(self, service: str | None, known: _Known) -> None:
        """A service may have ended since its newest record."""
        ended = self._around.ended.get(service or "")
        if ended is not None and known.base.service_until != ended:
            known.base = replace(known.base, service_until=ended)

    def _note_customer(self, service: str | None, facts: Facts) -> None:
        if service is not None and facts.customer is not None:
            self._services.setdefault(facts.customer, set()).add(service)

    def _note_measures(self, service: str | None, before: Docket, after: Docket) -> None:
        """Which dockets have something standing on an address."""
        for one in on_addresses(before):
            self._on_address.get(one.ip or "", set()).discard(service)
        for one in on_addresses(after):
            self._on_address.setdefault(one.ip or "", set()).add(service)

    # --- facts ------------------------------------------------------------------------------------------------------

    def _facts(self, service: str | None, known: _Known, stimulus: AnyStimulus, at: datetime) -> Facts:
        """The newest facts of a service, with what depends on other dockets or on the time made anew."""
        count, told = self.radius.within_hour(at), self.radius.staff_told
        standing = self._standing_elsewhere(service, known, stimulus, at) if self._on_address else ()
        if service is None:
            return self._facts_of_brand(known, stimulus, standing, count)
        if at >= known.held_until or (type(stimulus) in _NAMING and not known.named.issuperset(_addresses(stimulus))):
            self._look_at_addresses(service, known, stimulus, at)
        struck = self._struck_elsewhere(service, known) if type(stimulus) is Request else _NONE
        return replace(
            known.base,
            held_ips=known.held,
            struck_ips=struck,
            standing_elsewhere=standing,
            automatic_within_hour=count,
            staff_told=told,
            settings=self.settings,
        )

    def _facts_of_brand(
        self, known: _Known, stimulus: AnyStimulus, standing: tuple[Elsewhere, ...], count: int
    ) -> Facts:
        known.named.update(_addresses(stimulus))
        return Facts(
            known.base.brand,
            standing_elsewhere=standing,
            automatic_within_hour=count,
            staff_told=self.radius.staff_told,
            settings=self.settings,
        )

    def _look_at_addresses(self, service: str, known: _Known, stimulus: AnyStimulus, at: datetime) -> None:
        """Which of all addresses named so far the service holds at an instant, or nobody; and until when that is so."""
        known.named.update(_addresses(stimulus))
        held, until = set(), _NEVER
        for ip in known.named:
            holder, changes = _holder(self._around.tenure(ip), at)
            until = min(until, changes)
            if holder is None or holder == service:
                held.add(ip)
        known.held, known.held_until = frozenset(held), until

    def _standing_elsewhere(
        self, service: str | None, known: _Known, stimulus: AnyStimulus, at: datetime
    ) -> tuple[Elsewhere, ...]:
        """What stands through other dockets on the addresses that a docket and a stimulus name."""
        named = known.named.union(_addresses(stimulus)) if type(stimulus) in _NAMING else known.named
        others = {other for ip in named if ip in self._on_address for other in self._on_address[ip]} - {service}
        if not others:
            return ()
        in_order = sorted(others, key=lambda other: self._known[other].number)
        return tuple(
            row for other in in_order for row in elsewhere(self._known[other].docket, named, *self._acting(other, at))
        )

    def _acting(self, service: str | None, at: datetime) -> tuple[str | None, Callable[[str], bool]]:
        """The customer of a service, and whether it could be acted against on an address."""
        base = self._known[service].base
        until = self._around.ended.get(service or "", base.service_until)

        def acts(ip: str) -> bool:
            if service is None or (until is not None and until <= at):
                return False
            return _holder(self._around.tenure(ip), at)[0] in {None, service}

        return base.customer, acts

    def _struck_elsewhere(self, service: str, known: _Known) -> frozenset[str]:
        acts_on = self.pack.content.counting.acts_on
        found: frozenset[str] = _NONE
        for other in self._services.get(known.base.customer or "", ()):
            if other != service:
                found |= struck_addresses(self._known[other].docket.occurrences, acts_on)
        return found


_NAMING = frozenset(one for one in get_args(AnyStimulus) if {"ip", "ips"} & {*one.__struct_fields__})


def _addresses(stimulus: Stimulus) -> tuple[str, ...]:
    ips: tuple[str, ...] | None = getattr(stimulus, "ips", None)
    if ips is not None:
        return ips
    ip: str | None = getattr(stimulus, "ip", None)
    return (ip,) if ip else ()


def _holder(tenure: Sequence[tuple[datetime, str | None]], at: datetime) -> tuple[str | None, datetime]:
    """Who holds an address at an instant, and until when that is so."""
    holder = None
    for since, service in tenure:
        if since > at:
            return holder, since
        holder = service
    return holder, _NEVER
