"""The one port to every system that can suspend, block or terminate."""

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from abusedesk.vocabulary.measure import MeasureKind

State = Literal["in_force", "requested", "acknowledged", "not_in_force", "refused", "unreachable"]
"""What the outside says of a measure.

`requested` was handed over without an answer, `acknowledged` was accepted and is not done yet. `refused` is a plain no
that trying again does not change. `unreachable` is no answer at all: the order may or may not have been carried out.
"""


Action = Literal["apply", "query", "lift"]


@dataclass(frozen=True, slots=True)
class Order:
    """One measure to bring about, look up or end.

    `key` names the order and stays the same however often it is repeated. `fence` only grows for one target: an
    outside that has seen a higher one must refuse. `standing` lists every measure that is to stand on the target once
    the order is carried out, so that an outside with one switch for several of them knows when it must stay off.
    """

    brand: str
    service: str
    kind: MeasureKind
    key: str
    fence: int
    ip: str | None = None
    port: int | None = None
    standing: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outside's answer: its state, what it sent as receipt, and words for a person where something is wrong."""

    state: State
    receipt: dict[str, Any] = field(default_factory=dict)
    error: str = ""


class Actuator(Protocol):
    """An outside system. Nothing here raises because of the outside: whatever it does is an Outcome.

    Both `apply` and `lift` bring about a state and may be repeated at will. `can_be_asked` is False where `query`
    cannot tell what is really so; measures of such a system are never shown as in force.
    """

    @property
    def can_be_asked(self) -> bool: ...

    def apply(self, order: Order) -> Outcome:
        """Bring the measure into force."""

    def query(self, order: Order) -> Outcome:
        """Read back whether it is in force."""

    def lift(self, order: Order) -> Outcome:
        """End the measure."""
