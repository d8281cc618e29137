"""What is still to be done on a target: pure, from its measures."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, Protocol, TypeVar, cast

from abusedesk.actuators.actuator import Outcome
from abusedesk.vocabulary.measure import MeasureKind

# Brakes before the end: nothing can be suspended any more once it is terminated.
ORDER: tuple[MeasureKind, ...] = ("null_route", "rate_limit", "block_port", "suspend", "shutdown", "terminate")
_SENT = frozenset({"applying", "requested", "acknowledged", "in_force", "lifting", "failed"})

Verdict = Literal["done", "later", "failed"]
_HOLDS_UP: dict[Verdict, int] = {"done": 0, "failed": 1, "later": 2}
Told = TypeVar("Told")


class Planned(Protocol):
    """What the plan reads of a measure."""

    kind: str
    ip: str | None
    port: int | None
    decided: str
    state: str
    actuator: str
    outside: Any
    item: str


@dataclass(frozen=True, slots=True)
class Switch:
    """All measures of one kind on one address or port: together one thing outside, on while any of them stands."""

    kind: MeasureKind
    ip: str | None
    port: int | None
    on: bool
    measures: tuple[Any, ...]

    @property
    def action(self) -> Literal["apply", "lift"]:
        """The order that brings it about."""
        return "apply" if self.on else "lift"

    @property
    def moving(self) -> tuple[Any, ...]:
        """The measures that the order is for: those that stand, or else those that may have been carried out."""
        return tuple(one for one in self.measures if (one.decided == "in_force" if self.on else one.state in _SENT))

    @property
    def over(self) -> tuple[Any, ...]:
        """Measures that ended while another keeps the switch on."""
        return tuple(one for one in self.measures if self.on and one.decided != "in_force" and one.state in _SENT)

    @property
    def pending(self) -> bool:
        """Whether the outside is not yet known to be as desired, and no failure waits for a person."""
        return bool(self.over) or any(not _settled(one, self.action) for one in self.moving)


def _settled(measure: Planned, action: str) -> bool:
    if measure.state == "failed":
        return bool(measure.outside.get("action") == action)
    if measure.state in {"in_force", "lifted"}:
        return measure.state == ("in_force" if action == "apply" else "lifted")
    # The last word of an outside that cannot be asked.
    return bool(measure.outside.get("action") == action and measure.outside.get("final"))


def switches(measures: Iterable[Any]) -> list[Switch]:
    """The switches of a target in the order of driving them: those to be on first, so that no gap opens between two."""
    ours = sorted((one for one in measures if not one.upstream and one.state != "dry_run"), key=_switch_of)
    found = [_switch(list(group)) for _, group in groupby(ours, key=_switch_of)]
    return sorted(found, key=lambda one: (not one.on, ORDER.index(one.kind)))


def standing(of: Sequence[Switch]) -> tuple[str, ...]:
    """The measures that are to stand on the target: `suspend`, `block_port/25`."""
    return tuple(f"{one.kind}/{one.port}" if one.port else one.kind for one in of if one.on)


def _switch_of(measure: Planned) -> tuple[str, str, int]:
    return (measure.kind, measure.ip or "", measure.port or 0)


def _switch(group: list[Any]) -> Switch:
    first = group[0]
    kind = cast("MeasureKind", first.kind)
    return Switch(kind, first.ip, first.port, any(one.decided == "in_force" for one in group), tuple(group))


def judge(*, on: bool, can_be_asked: bool, outcome: Outcome) -> tuple[str, Verdict, str]:
    """A measure's state after an answer, whether that settles it, and what is wrong.

    Where the outside cannot be asked, even its own word for done is an acknowledgement.
    """
    if outcome.state == "refused":
        return "failed", "failed", outcome.error or "refused"
    waiting = "applying" if on else "lifting"
    if outcome.state == "unreachable":
        return waiting, "later", outcome.error or "unreachable"
    if not can_be_asked:
        handed_over = "requested" if outcome.state == "requested" else "acknowledged"
        return (handed_over if on else "lifting"), "done", outcome.error
    if outcome.state == ("in_force" if on else "not_in_force"):
        return ("in_force" if on else "lifted"), "done", ""
    if on and outcome.state in {"requested", "acknowledged"}:
        return outcome.state, "later", "the outside has it and does not report it in force yet"
    return waiting, "later", f"read back: {outcome.state.replace('_', ' ')}"


def holdup(told: Iterable[Told], key: Callable[[Told], tuple[Verdict, str]]) -> Told:
    """Of what several said that must all have lifted it, verdict and state by `key`: what holds it up.

    While one of them has not answered, the others' refusal is no end: it is tried again.
    """
    return max(told, key=lambda one: (_HOLDS_UP[key(one)[0]], key(one)[1] != "lifted"))
