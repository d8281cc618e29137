"""What of a docket waits for a person's yes or no: proposals by their name, and requests that need an approval.

An approval or a rejection covers all proposals of one name on the service, so they wait together.
"""

from hashlib import sha256
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from abusedesk.policy.docket import Charge, Docket, Measure
from abusedesk.policy.measures import loses_refund
from abusedesk.policy.pending import united
from abusedesk.policy.stimulus import Approval
from abusedesk.vocabulary.measure import MEASURES

WaitingKind = Literal["measure", "charge", "request"]

_encode = msgspec.json.Encoder(order="deterministic").encode


class Item(Struct, frozen=True, gc=False):
    """One proposal: a measure or a charge by its id in the docket, or a request by its own.

    `amount` is in minor units. `takes_refund` marks a suspension in force that is only to lose its refund. `by` names
    the people who proposed it: none of them may say yes to it (`safeguard:four_eyes`).
    """

    id: str
    ip: str | None = None
    port: int | None = None
    amount: int = 0
    refund: bool | None = None
    takes_refund: bool = False
    by: tuple[str, ...] = ()


class Key(NamedTuple):
    """What one answer covers: all proposed measures of a kind, all proposed charges of an item, or one request."""

    kind: WaitingKind
    name: str
    request: str = ""


class Waiting(Struct, frozen=True, gc=False):
    """All that one answer covers, with the clauses that it cites."""

    items: tuple[Item, ...]
    clauses: tuple[str, ...]

    @property
    def mark(self) -> str:
        """Another one as soon as anything joins it, leaves it or grows: an answer to it no longer is to this."""
        return sha256(_encode((self.items, self.clauses))).hexdigest()[:16]

    @property
    def amount(self) -> int:
        """The money that it is about, in minor units."""
        return sum(one.amount for one in self.items)

    @property
    def proposers(self) -> tuple[str, ...]:
        """The people who proposed any of it; none where the policy alone did."""
        return united(*(one.by for one in self.items))

    @property
    def barred(self) -> tuple[str, ...]:
        """The people who proposed all of it, and so can answer none of it."""
        return tuple(one for one in self.proposers if all(one in each.by for each in self.items))


def waiting_in(docket: Docket) -> dict[Key, Waiting]:
    """All that waits in a docket."""
    found: dict[Key, Waiting] = {}
    for measure in docket.measures:
        if measure.state == "proposed" or loses_refund(measure):
            _add(found, Key("measure", measure.kind), _of_measure(measure), measure.clauses)
    for charge in docket.charges:
        if charge.state == "proposed":
            _add(found, Key("charge", charge.item), _of_charge(charge), charge.clauses)
    for request in docket.requests:
        if request.state == "needs_approval":
            key = Key("request", request.kind, request.id)
            _add(found, key, Item(request.id, request.ip), request.clauses)
    return found


def approval(key: Key, decision: Literal["approve", "reject"], by: str, reason: str, fee: int | None) -> Approval:
    """The answer to what waits, as a stimulus."""
    measure = next((one for one in MEASURES if key.kind == "measure" and one == key.name), None)
    item = key.name if key.kind == "charge" else None
    return Approval(decision, by, measure, item, key.request or None, fee, reason=reason)


def _add(found: dict[Key, Waiting], key: Key, item: Item, clauses: tuple[str, ...]) -> None:
    before = found.get(key, Waiting((), ()))
    found[key] = Waiting((*before.items, item), united(before.clauses, clauses))


def _of_measure(measure: Measure) -> Item:
    by = tuple(dict.fromkeys(one.by for one in measure.grounds if one.by and one.mode == "proposed"))
    loses = loses_refund(measure)
    return Item(measure.id, measure.ip, measure.port, 0, measure.refund and not loses, loses, by)


def _of_charge(charge: Charge) -> Item:
    return Item(charge.id, charge.ip, None, charge.amount, by=(charge.by,) if charge.by else ())
