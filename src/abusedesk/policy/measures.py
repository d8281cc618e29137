"""Measures: how what the rules ordered becomes automatic or proposed, and what stands already stays single.

Here the safeguards on measures have their say: irreversible, protected, suppressed and blast_radius. Nothing is taken
against a service that has ended or is terminated.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from msgspec import UNSET
from msgspec.structs import replace

from abusedesk.policy import deadlines
from abusedesk.policy.carrying import CARRIES, hits_others, narrowed
from abusedesk.policy.decision import Lift, Notify, Review, Take, Withdraw
from abusedesk.policy.docket import Ended, Ground, Measure, Why, stands
from abusedesk.policy.expiry import renew
from abusedesk.policy.pending import PendingMeasure, merged, united
from abusedesk.policy.restoration import void_waiting
from abusedesk.policy.suppressed import SUPPRESSED, rest_on_suppressed
from abusedesk.vocabulary.measure import NETWORK, ON_ADDRESS, MeasureKind

if TYPE_CHECKING:
    from abusedesk.policy.draft import Draft

IRREVERSIBLE = "safeguard:irreversible"
PROTECTED = "safeguard:protected"
BLAST_RADIUS = "safeguard:blast_radius"
MISSING_FACT = "safeguard:missing_fact"

COUNTED: frozenset[str] = NETWORK | {"suspend"}
"""What counts towards the blast radius when it is automatic."""

_TURN = {"suspend": 0, "shutdown": 1, "null_route": 2, "rate_limit": 2, "block_port": 3, "terminate": 4}


def order(draft: "Draft", pending: PendingMeasure) -> None:
    """Notes a measure to be taken in this decision. One that cannot be undone is split by `safeguard:irreversible`."""
    if pending.kind == "terminate" and pending.mode == "automatic" and draft.facts.settings.irreversible == "approve":
        clauses = united(pending.clauses, (IRREVERSIBLE,))
        grounds = tuple(replace(one, clauses=united(one.clauses, (IRREVERSIBLE,))) for one in pending.grounds)
        meanwhile = PendingMeasure(
            "suspend", None, None, "automatic", pending.refund, clauses, grounds, pending.sanction
        )
        _note(draft, meanwhile)
        if pending.sanction:
            clauses = united(clauses, tuple(_holding_back(draft, grounds)))
        proposed = tuple(replace(one, mode="proposed", clauses=clauses) for one in grounds)
        pending = PendingMeasure("terminate", None, None, "proposed", pending.refund, clauses, proposed)
    _note(draft, pending)


def _note(draft: "Draft", ordered: PendingMeasure) -> None:
    for pending in narrowed(draft, ordered):
        _note_one(draft, pending)


def _note_one(draft: "Draft", pending: PendingMeasure) -> None:
    for index, other in enumerate(draft.pending):
        if (other.kind, other.ip, other.port) == (pending.kind, pending.ip, pending.port):
            draft.pending[index] = merged(other, pending)
            return
    draft.pending.append(pending)


def carry_out(draft: "Draft") -> None:
    """Takes or proposes what was ordered, suspensions first, then addresses, then ports."""
    if not draft.pending:
        return
    ordered, draft.pending = draft.pending, []
    for pending in sorted(ordered, key=lambda one: _TURN[one.kind]):
        _impose(draft, pending)


def _impose(draft: "Draft", pending: PendingMeasure) -> None:
    # What the upstream did to an address is a fact, whoever holds the address by now.
    present = find(draft, pending.kind, pending.ip, pending.port)
    if pending.upstream:
        in_force_already = present is not None and present.state == "in_force"
        if closed(draft) and not in_force_already:
            return
    elif not may_act(draft, pending.kind, pending.ip):
        return
    pending = _held_back(draft, pending)
    if present is not None and present.state == "in_force":
        _join(draft, present, pending)
        return
    others = elsewhere(draft, pending.kind, pending.ip)
    if others == "in_force":
        _share(draft, present, pending)
        return
    if counts(pending) and draft.automatic >= draft.facts.settings.blast_radius:
        _tell_staff(draft)
        pending = _proposed(pending, BLAST_RADIUS)
    if pending.mode == "proposed" and (present is not None or others is not None):
        _share(draft, present, pending)
    elif present is None:
        _take(draft, pending)
    else:
        _overtake(draft, present, pending)


def _held_back(draft: "Draft", pending: PendingMeasure) -> PendingMeasure:
    if pending.sanction and not pending.upstream and pending.mode == "automatic":
        hits = hits_others(draft, pending)
        for safeguard in _holding_back(draft, pending.grounds):
            pending = _proposed(pending, safeguard)
        pending = _proposed(pending, CARRIES) if hits else pending
    return pending


def _holding_back(draft: "Draft", grounds: tuple[Ground, ...]) -> Iterator[str]:
    """The safeguards by which a measure on these grounds is proposed rather than taken."""
    if draft.facts.protected:
        yield PROTECTED
    if rest_on_suppressed(draft, grounds):
        yield SUPPRESSED


def may_act(draft: "Draft", kind: MeasureKind, ip: str | None) -> bool:
    """Whether a measure may still be taken: the service neither ended nor terminated, the address not passed on."""
    if closed(draft):
        return False
    if kind not in ON_ADDRESS or ip is None:
        return True
    if draft.facts.held_ips is None:
        draft.effects.append(
            Review(
                (MISSING_FACT,),
                draft.docket.service,
                draft.facts.customer,
                ip,
                reason="missing_fact",
                missing="held_ips",
            )
        )
        return False
    return ip in draft.facts.held_ips


def closed(draft: "Draft") -> bool:
    """Whether the service has ended or is terminated."""
    until = draft.facts.service_until
    if until is not None and until <= draft.at:
        return True
    for one in draft.measures:  # noqa: SIM110 - asked of every measure, and a generator takes twice as long
        if one.kind == "terminate" and one.state == "in_force":
            return True
    return False


def find(draft: "Draft", kind: str, ip: str | None, port: int | None) -> Measure | None:
    """The measure in force or proposed on a target: an address for null-routes and rate limits, else the service."""
    on_address = kind in ON_ADDRESS
    for one in draft.measures:
        if one.kind == kind and stands(one) and one.port == port and (not on_address or one.ip == ip):
            return one
    return None


def counts(pending: PendingMeasure) -> bool:
    """Whether it would count towards the blast radius."""
    return pending.mode == "automatic" and pending.kind in COUNTED and pending.sanction and not pending.upstream


def _proposed(pending: PendingMeasure, safeguard: str) -> PendingMeasure:
    """The same, but proposed; where a safeguard changed that, it is cited."""
    if pending.mode == "proposed":
        return pending
    grounds = tuple(replace(one, mode="proposed", clauses=united(one.clauses, (safeguard,))) for one in pending.grounds)
    return replace(pending, mode="proposed", clauses=united(pending.clauses, (safeguard,)), grounds=grounds)


def elsewhere(draft: "Draft", kind: str, ip: str | None) -> Literal["proposed", "in_force"] | None:
    """How the same measure stands on an address through other dockets of the brand; one in force outweighs all."""
    if not draft.facts.standing_elsewhere or kind not in ON_ADDRESS:
        return None
    states = {one.state for one in draft.facts.standing_elsewhere if one.kind == kind and one.ip == ip}
    if not states:
        return None
    return "in_force" if "in_force" in states else "proposed"


def _share(draft: "Draft", present: Measure | None, pending: PendingMeasure) -> None:
    """A ground, without a word, of what stands on the target already, be it through another docket."""
    if present is None:
        made = _measure(draft, pending)
        draft.measures = (*draft.measures, made)
        renew(draft, made)
        return
    shared = borne(present, (*present.grounds, *pending.grounds))
    if pending.mode != "proposed":
        shared = replace(shared, state="in_force", mode=pending.mode, at=draft.at, upstream=pending.upstream)
    draft.keep_measure(shared)
    renew(draft, shared)


def _take(draft: "Draft", pending: PendingMeasure) -> None:
    measure = _measure(draft, pending)
    draft.measures = (*draft.measures, measure)
    _taken(draft, measure, pending)


def _measure(draft: "Draft", pending: PendingMeasure) -> Measure:
    state: Literal["proposed", "in_force"] = "proposed" if pending.mode == "proposed" else "in_force"
    return Measure(
        draft.new_id("m"),
        pending.kind,
        draft.at,
        pending.mode,
        pending.clauses,
        state,
        pending.ip,
        pending.port,
        pending.refund,
        refunds_last(pending.grounds),
        pending.upstream,
    )


def _overtake(draft: "Draft", present: Measure, pending: PendingMeasure) -> None:
    """An automatic measure takes the place of the same measure proposed; one without refund stays so."""
    measure = replace(
        borne(present, (*present.grounds, *pending.grounds)),
        state="in_force",
        mode=pending.mode,
        at=draft.at,
        refund=pending.refund and present.refund is not False,
        upstream=pending.upstream,
    )
    draft.keep_measure(measure)
    _taken(draft, measure, pending)


def _taken(draft: "Draft", measure: Measure, pending: PendingMeasure) -> None:
    counted = counts(pending)
    say(draft, measure, pending.clauses, counts=counted)
    renew(draft, measure)
    if counted:
        draft.automatic += 1
        draft.staff_told = False
    if pending.sanction and not pending.upstream:
        in_force(draft, measure)
    void_waiting(draft)


def in_force(draft: "Draft", measure: Measure) -> None:
    """Lets the rules on measures hear of one that is in force."""
    if measure.state == "in_force":
        draft.queue.append(("measure", measure.kind, measure.ip))


def _join(draft: "Draft", present: Measure, pending: PendingMeasure) -> None:
    """One more ground for what is in force.

    A refund that it takes away is stated; where that is only proposed, it waits for a person.
    """
    had_pending = loses_refund(present)
    joined = borne(present, (*present.grounds, *pending.grounds))
    if not pending.upstream and present.upstream:
        joined = replace(joined, upstream=False)
    if joined.grounds != present.grounds:
        renew(draft, joined)
    if pending.refund or present.refund is False:
        draft.keep_measure(joined)
    elif pending.mode == "proposed":
        draft.keep_measure(joined)
        if not had_pending:
            say(draft, replace(joined, mode="proposed", refund=False), pending.clauses)
    else:
        joined = replace(joined, refund=False)
        draft.keep_measure(joined)
        say(draft, replace(joined, mode=pending.mode), pending.clauses)


def loses_refund(measure: Measure) -> bool:
    """Whether a measure in force waits for a person to say that it is without refund."""
    return (
        measure.state == "in_force"
        and measure.refund is not False
        and any(one.mode == "proposed" and one.refund is False for one in measure.grounds)
    )


def refunds_last(grounds: tuple[Ground, ...]) -> tuple[Ground, ...]:
    """Grounds in their order, but first those that take the refund away."""
    return tuple(sorted(grounds, key=lambda one: one.refund is not False))


def said_without_refund(measure: Measure) -> bool:
    """Whether its latest effect said that there is no refund.

    A proposal may lose its refund without a word; one that was first stated without has such a ground at its head.
    """
    if measure.state == "in_force":
        return measure.refund is False
    return bool(measure.grounds) and measure.grounds[0].refund is False


def borne(measure: Measure, grounds: tuple[Ground, ...]) -> Measure:
    """The measure on other grounds, each once, citing what they cite; one proposed loses its refund without a word."""
    grounds = tuple(dict.fromkeys(grounds))
    refund = measure.refund
    if measure.state == "proposed":
        refund = all(one.refund is not False for one in grounds)
    return replace(measure, grounds=grounds, clauses=united(*(one.clauses for one in grounds)), refund=refund)


def end(draft: "Draft", measure: Measure, clauses: tuple[str, ...], because: Why | None = None) -> None:
    """Lifts what is in force and withdraws what is proposed.

    What stands on the same address through another docket is not ended: it goes on without a word, or, where that
    docket only ever proposed it, stands again as proposed.
    """
    if measure.state == "in_force":
        lift(draft, measure, clauses, because)
        stand_elsewhere(draft, measure)
        return
    draft.keep_measure(replace(measure, state="withdrawn"))
    if elsewhere(draft, measure.kind, measure.ip) is None:
        say_withdrawn(draft, measure, united(clauses, measure.clauses))


def lift(draft: "Draft", measure: Measure, clauses: tuple[str, ...], because: Why | None = None) -> None:
    """What is in force ends here; that is said unless another docket keeps it in force."""
    ended = UNSET if because is None else Ended(because, draft.at)
    draft.keep_measure(replace(measure, state="lifted", ended=ended))
    deadlines.end_of(draft, measure.id, "expiry", "cancelled")
    if elsewhere(draft, measure.kind, measure.ip) != "in_force":
        _say_lifted(draft, measure, united(clauses, measure.clauses), because)


def stand_elsewhere(draft: "Draft", measure: Measure) -> None:
    """What another docket only ever proposed stands again as proposed, now that nothing keeps it in force."""
    if elsewhere(draft, measure.kind, measure.ip) != "proposed":
        return
    for one in draft.facts.standing_elsewhere:
        if one.kind == measure.kind and one.ip == measure.ip and one.may_act:
            draft.effects.append(
                Take(
                    one.clauses,
                    one.service,
                    one.customer,
                    one.ip,
                    measure=one.kind,
                    mode="proposed",
                    refund=measure.refund,
                )
            )
            return


def lift_own(draft: "Draft", measure: Measure, clauses: tuple[str, ...], because: Why | None = None) -> None:
    """Lifts what is ours; what the upstream did stays until it says so."""
    theirs = tuple(one for one in measure.grounds if one.upstream)
    if not theirs:
        end(draft, measure, clauses, because)
    elif len(theirs) < len(measure.grounds):
        draft.keep_measure(replace(borne(measure, theirs), upstream=True))
        deadlines.end_of(draft, measure.id, "expiry", "cancelled")


def approve(draft: "Draft", measure: Measure) -> None:
    """A person said yes to a proposal, or to taking the refund away; all its grounds are approved with it."""
    grounds = tuple(replace(one, mode="approved") if one.mode == "proposed" else one for one in measure.grounds)
    refund = all(one.refund is not False for one in grounds)
    waited = measure.state == "in_force"
    approved = replace(measure, state="in_force", mode="approved", grounds=grounds, refund=refund, at=draft.at)
    draft.keep_measure(approved)
    say(draft, approved, measure.clauses)
    if not waited:
        renew(draft, approved)
        in_force(draft, approved)
        void_waiting(draft)


def reject(draft: "Draft", measure: Measure) -> None:
    """A person said no to a proposal, or to taking the refund away."""
    if measure.state == "proposed":
        draft.keep_measure(replace(measure, state="withdrawn"))
    else:
        kept = tuple(one for one in measure.grounds if one.mode != "proposed" or one.refund is not False)
        draft.keep_measure(borne(measure, kept))
    say_withdrawn(draft, measure, measure.clauses)


def _tell_staff(draft: "Draft") -> None:
    if draft.staff_told:
        return
    draft.staff_told = True
    draft.effects.append(
        Notify(
            (BLAST_RADIUS,),
            draft.docket.service,
            draft.facts.customer,
            to="staff",
            via=("email",),
            template="blast_radius",
        )
    )


def say(draft: "Draft", measure: Measure, clauses: tuple[str, ...], *, counts: bool = False) -> None:
    """The effect that states a measure as it stands."""
    draft.effects.append(
        Take(
            clauses,
            draft.docket.service,
            draft.facts.customer,
            measure.ip,
            draft.case(),
            _occurrence(measure),
            measure.id,
            measure=measure.kind,
            mode=measure.mode,
            refund=measure.refund,
            port=measure.port,
            upstream=measure.upstream,
            counts=counts,
        )
    )


def _say_lifted(draft: "Draft", measure: Measure, clauses: tuple[str, ...], because: Why | None) -> None:
    draft.effects.append(
        Lift(
            clauses,
            draft.docket.service,
            draft.facts.customer,
            measure.ip,
            None,
            _occurrence(measure),
            measure.id,
            measure=measure.kind,
            port=measure.port,
            upstream=measure.upstream,
            because=because,
        )
    )


def say_withdrawn(draft: "Draft", measure: Measure, clauses: tuple[str, ...]) -> None:
    """The effect that takes a proposed measure back."""
    draft.effects.append(
        Withdraw(
            clauses,
            draft.docket.service,
            draft.facts.customer,
            measure.ip,
            None,
            _occurrence(measure),
            measure.id,
            measure=measure.kind,
        )
    )


def _occurrence(measure: Measure) -> str | None:
    return next((one.occurrence for one in measure.grounds if one.occurrence is not None), None)
