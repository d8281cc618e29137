"""One target's way to what is desired: step by step, each until its outside is asked.

A measure is brought about by the first actuator of the brand's chain that does so in its time, and lifted through all
that were asked. What a step leaves to be written down stands on its sheet, which is kept before the outside is asked.
"""

from collections.abc import Generator, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

import structlog

from abusedesk.actuators.actuator import Actuator, Order, Outcome
from abusedesk.actuators.chain import Link, chain_of
from abusedesk.actuators.registry import actuator
from abusedesk.desk.perform import tried
from abusedesk.desk.perform.lease import Lease
from abusedesk.desk.perform.pace import ATTEMPTS
from abusedesk.desk.perform.plan import Switch, Verdict, holdup, judge, standing
from abusedesk.desk.perform.scene import Scene
from abusedesk.desk.perform.sheet import Sheet
from abusedesk.problem import Problem
from abusedesk.records.bulk import storable, storable_value
from abusedesk.vocabulary.measure import MeasureKind

log = structlog.get_logger()


class Ask(NamedTuple):
    """What an outside is to be asked: to bring a measure about or to lift it, and then how it is."""

    outside: Actuator
    order: Order
    on: bool


class Answer(NamedTuple):
    """What one outside said, and what it comes to."""

    state: str
    verdict: Verdict
    error: str
    outcome: Outcome
    can_be_asked: bool
    actuator: str
    stands_in: str | None = None
    asked: tuple[tried.Tried, ...] | None = None
    """What became of all that were asked, where that is to be kept with it."""
    attempts: int = 0
    """How often the one whose turn it is was asked; 0 where the target's attempts count, as for a lift."""


Steps = Generator[Ask, Outcome, Answer]

_NOTHING_LEFT = Answer("lifted", "done", "", Outcome("not_in_force"), can_be_asked=True, actuator="")
"""Of a lift that was read back from all before a crash."""


class Drive:
    """One leased target on its way. `scene` is what is so when it goes on."""

    def __init__(self, lease: Lease, planned: Sequence[Switch], scene: Scene) -> None:
        self.lease, self.planned, self.scene = lease, planned, scene
        self.sheet = Sheet()
        self.behind = False
        """Whether something did not get where it should."""
        self._way = self._bring_about()

    def begin(self) -> Ask | None:
        """What is asked first, if anything is."""
        return next(self._way, None)

    def go_on(self, outcome: Outcome, scene: Scene) -> Ask | None:
        """What is asked after this answer, if anything is; what it comes to stands on a new sheet."""
        self.scene, self.sheet = scene, Sheet()
        try:
            return self._way.send(outcome)
        except StopIteration:
            return None

    def _bring_about(self) -> Generator[Ask, Outcome, None]:
        # What waits for the release does not stand yet, and must not keep off what is lifted meanwhile.
        stand = standing([one for one in self.planned if not one.pending or self._may(one)])
        for switch in (one for one in self.planned if one.pending):
            # It may have been stopped while the outside was asked.
            if self._may(switch):
                answer = yield from self._take(switch, stand) if switch.on else self._undo(switch, stand)
                answer = _concluded(answer, self.lease.attempt)
                self._write(switch, answer)
                self.behind = self.behind or answer.verdict == "later"
                if answer.verdict == "later" and answer.outcome.state == "unreachable":
                    return  # What does not answer now will not answer for the next measure either.

    def _may(self, switch: Switch) -> bool:
        return may(switch, stopped=self.lease.brand in self.scene.stopped)

    def _take(self, switch: Switch, stand: tuple[str, ...]) -> Steps:
        """Have it brought about by whose turn it is; by the next of the chain where that one's time is over."""
        doubt = _doubt(switch, self.scene)
        if doubt:
            return _refused(doubt, "")
        asked = tried_of(switch)
        while True:
            try:
                links = links_of(switch)
                turn = tried.turn(links, asked)
                outside = actuator(turn.link.actuator, turn.link.options)
            except Problem as problem:
                return _refused(str(problem), "")
            asked = tried.asking(asked, turn, self.lease.now)
            one = tried.asked_at(asked, turn)
            self._begin(switch, one.actuator, tried=tried.rows_of(asked))
            answer = yield from _ask(outside, one, self._order(switch, stand, one), on=True)
            if answer.verdict != "later" or turn.is_last or self.lease.now - one.since < turn.link.within:
                state: tried.State = "acts" if answer.verdict == "done" else "asked"
                return answer._replace(asked=tried.now_is(asked, one, state, answer.error), attempts=one.attempts)
            left = one._replace(state="left", error=answer.error)
            asked = tried.now_is(asked, one, "left", answer.error)
            self._leave(switch, asked, left, links[turn.place + 1])

    def _undo(self, switch: Switch, stand: tuple[str, ...]) -> Steps:
        """Have it lifted by all that acted or may have acted; what holds it up is the measure's answer."""
        asked = tried_of(switch) or _first(switch, self.lease.now)
        answers = [_NOTHING_LEFT]
        for one in tried.to_undo(asked):
            answer = yield from self._undo_one(switch, stand, one)
            if answer.state == "lifted":
                asked = tried.now_is(asked, one, "lifted")
                self.sheet.put(switch.moving, tried=tried.rows_of(asked))
            answers.append(answer)
        return holdup(reversed(answers), key=lambda one: (one.verdict, one.state))._replace(asked=asked)

    def _undo_one(self, switch: Switch, stand: tuple[str, ...], one: tried.Tried) -> Steps:
        try:
            outside = actuator(one.actuator, tried.link_behind(links_of(switch), one).options)
        except Problem as problem:
            return _refused(str(problem), one.actuator)
        self._begin(switch, one.actuator)
        return (yield from _ask(outside, one, self._order(switch, stand, one), on=False))

    def _order(self, switch: Switch, stand: tuple[str, ...], one: tried.Tried) -> Order:
        return order_for(self.lease, switch, stand, one, self.scene)

    def _begin(self, switch: Switch, name: str, **kept: Any) -> None:
        """Whoever comes after a crash is to know that it may have happened."""
        state, outside = "applying" if switch.on else "lifting", {"action": switch.action}
        self.sheet.put(switch.moving, state=state, actuator=name, fence=self.lease.fence, outside=outside, **kept)

    def _leave(self, switch: Switch, asked: tuple[tried.Tried, ...], left: tried.Tried, then: Link) -> None:
        """One did not bring it about in its time; who is asked instead."""
        waited = int((self.lease.now - left.since).total_seconds())
        body = {"measure": switch.kind, "ip": switch.ip, "port": switch.port, "error": left.error, "seconds": waited}
        body |= {"actuator": left.actuator, "then": then.actuator, "stands_in": then.stands_in}
        self.sheet.put(switch.moving, tried=tried.rows_of(asked))
        for one in switch.moving:
            self.sheet.tell(one, "fell_back", self.lease.now, body)

    def _write(self, switch: Switch, answer: Answer) -> None:
        outcome, is_final, now = answer.outcome, answer.verdict != "later", self.lease.now
        outside = {"action": switch.action, "final": is_final, "state": outcome.state, **outcome.receipt}
        values: dict[str, Any] = {"state": answer.state, "error": answer.error, "outside": outside}
        if answer.asked is not None:
            values["tried"] = tried.rows_of(answer.asked)
        values |= _stamps(answer.state, outcome, now, can_be_asked=answer.can_be_asked)
        self.sheet.put(switch.moving, fence=self.lease.fence, **values)
        self.sheet.put(switch.over, state="lifted", lifted_at=now)
        if is_final:
            self._mark(switch, answer, failed=answer.verdict == "failed")

    def _mark(self, switch: Switch, answer: Answer, *, failed: bool) -> None:
        body = {"measure": switch.kind, "ip": switch.ip, "port": switch.port, "state": answer.state}
        body |= {"error": answer.error, "actuator": answer.actuator, "stands_in": answer.stands_in}
        for one in (*switch.moving, *switch.over):
            self.sheet.tell(one, "failed" if failed else "carried_out", self.lease.now, body)
            (self.sheet.needs if failed else self.sheet.done).append((one.case_id, f"failed:{switch.kind}"))


def ask(what: Ask) -> Outcome:
    """Ask the outside to bring about what is wanted, and then how it is. It never raises."""
    try:
        outside, order = what.outside, what.order
        told = outside.apply(order) if what.on else outside.lift(order)
        if told.state in {"refused", "unreachable"} or not outside.can_be_asked:
            return _storable(told)
        seen = outside.query(order)
    except Exception as error:
        log.exception("actuator broke", key=what.order.key)
        return Outcome("unreachable", error=storable(f"the actuator broke: {error!r}"))
    return _storable(Outcome(seen.state, {"told": told.receipt, "read_back": seen.receipt}, seen.error))


def may(switch: Switch, *, stopped: bool) -> bool:
    """While a brand is held, or only rehearses, nothing acts against a customer; what frees one goes out."""
    return not (switch.on and stopped)


def links_of(switch: Switch) -> tuple[Link, ...]:
    """The brand's chain for the switch. What it says wrong by now must not keep what acted from being undone."""
    try:
        return chain_of(switch.measures[0].brand.actuators, switch.kind)
    except Problem:
        if switch.on:
            raise
        return ()


def tried_of(switch: Switch) -> tuple[tried.Tried, ...]:
    """What became of each that was asked for the switch."""
    return tried.read((*switch.over, *switch.moving))


def actuator_behind(switch: Switch) -> tuple[Actuator | None, tried.Tried | None, str]:
    """What brought the switch about, and as which of the chain; or None and what is wrong with it."""
    acting = [one for one in tried_of(switch) if one.state == "acts"]
    if not acting:
        return None, None, "nothing is known to act"
    try:
        return actuator(acting[-1].actuator, tried.link_behind(links_of(switch), acting[-1]).options), acting[-1], ""
    except Problem as problem:
        return None, acting[-1], str(problem)


def order_for(lease: Lease, switch: Switch, stand: tuple[str, ...], one: tried.Tried, now: Scene) -> Order:
    """The order to one of the chain that brings a switch about, or looks it up."""
    first = switch.moving[0]
    place = f":{one.place}" if one.place else ""
    if one.stands_in:
        stand = tuple(one.stands_in if each == switch.kind else each for each in stand)
    return Order(
        brand=first.brand.slug,
        service=first.service,
        kind=cast("MeasureKind", one.stands_in or switch.kind),
        key=f"{first.docket_id}:{first.item}:{switch.action}{place}",
        fence=lease.fence,
        ip=switch.ip,
        port=switch.port,
        standing=stand,
        addresses=now.addresses.get(first.service_id, ()),
    )


def _ask(outside: Actuator, one: tried.Tried, order: Order, *, on: bool) -> Steps:
    outcome = yield Ask(outside, order, on)
    state, verdict, error = judge(on=on, can_be_asked=outside.can_be_asked, outcome=outcome)
    return Answer(state, verdict, error, outcome, outside.can_be_asked, one.actuator, one.stands_in)


def _doubt(switch: Switch, now: Scene) -> str:
    """Why a measure had better not be taken after all: what was true at the decision need not be true now."""
    alone = any(one.mode == "automatic" for one in switch.moving)
    if switch.kind == "terminate" and alone and switch.measures[0].brand.settings.get("irreversible") != "automatic":
        return "nobody approved this termination, and the brand does not let it act alone"
    if switch.ip is not None and now.holders.get(switch.ip) != switch.moving[0].service_id:
        return f"{switch.ip} is no longer held by {switch.moving[0].service}"
    return ""


def _refused(why: str, name: str) -> Answer:
    """As if an outside had refused: nothing was sent."""
    return Answer("failed", "failed", why, Outcome("refused", error=why), can_be_asked=True, actuator=name)


def _first(switch: Switch, now: datetime) -> tuple[tried.Tried, ...]:
    """The first of the chain as if it had been asked, where it is not known who was."""
    return tuple(tried.Tried(0, one.actuator, one.mark, one.stands_in, "asked", now) for one in links_of(switch)[:1])


def _concluded(answer: Answer, attempt: int) -> Answer:
    """The answer; what was asked for often enough has failed."""
    attempts = answer.attempts or attempt
    if answer.verdict != "later" or attempts < ATTEMPTS:
        return answer
    return answer._replace(
        state="failed", verdict="failed", error=f"given up after {attempts} attempts: {answer.error}"
    )


def _stamps(state: str, outcome: Outcome, now: datetime, *, can_be_asked: bool) -> dict[str, datetime]:
    read_back = {"read_back_at": now} if can_be_asked and outcome.state in {"in_force", "not_in_force"} else {}
    reached = {"in_force": "in_force_at", "lifted": "lifted_at"}.get(state)
    return read_back | ({reached: now} if reached else {})


def _storable(outcome: Outcome) -> Outcome:
    return Outcome(outcome.state, storable_value(outcome.receipt), storable(outcome.error))
