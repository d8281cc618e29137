"""A batch of moves: their dockets locked, each decided on the docket as the one before it left it.

Dockets are locked in the order of their ids; the brands only when a measure is automatic or one on an address changes,
and then what depends on the brand's other dockets is read and decided again: they change under that lock alone. A
stimulus counts once for a docket, by its key.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper

from abusedesk.desk.decide import (
    Neighbour,
    Radius,
    Subject,
    Surroundings,
    docket_decoder,
    facts_for,
    judge,
    pack_of,
    radius_of,
    settings_of,
)
from abusedesk.policy.decision import Decision, Notify, Take
from abusedesk.policy.docket import Docket
from abusedesk.policy.facts import Facts, Settings, addresses_in, on_addresses
from abusedesk.policy.pack import Pack
from abusedesk.policy.stimulus import AnyStimulus
from abusedesk.records import models
from abusedesk.records.holders import Holders
from abusedesk.vocabulary.measure import ON_ADDRESS

_LOCK_DOCKETS = """
SELECT docket.id, docket.sequence, docket.state, docket.head FROM records_docket docket
WHERE docket.id = ANY(%s) ORDER BY docket.id FOR UPDATE
"""

_LOCK_BRANDS = """
SELECT FROM records_brand WHERE id = ANY(%s) ORDER BY id FOR UPDATE
"""

_SUBJECTS = """
SELECT docket.id, docket.brand_id, brand.slug, service.id, service.ref, service.type, service.since, service.until,
       service.trial, service.mail_port, service.protected OR customer.protected,
       customer.id, customer.ref, customer.since, reseller.ref, service.carries
FROM records_docket docket JOIN records_brand brand ON brand.id = docket.brand_id
JOIN records_service service ON service.id = docket.service_id
JOIN records_customer customer ON customer.id = service.customer_id
LEFT JOIN records_customer reseller ON reseller.id = customer.reseller_id
WHERE docket.id = ANY(%s)
"""


# The docket of the brand itself has no service, and so no row in the table of measures: it is always looked at.
_NEIGHBOURS = """
SELECT docket.id, docket.state FROM records_docket docket
WHERE docket.brand_id = ANY(%(brands)s) AND docket.id <> ALL(%(held)s) AND (docket.service_id IS NULL OR docket.id IN (
    SELECT measure.docket_id FROM records_measure measure
    WHERE measure.ip = ANY(%(ips)s::inet[]) AND measure.kind IN ('null_route', 'rate_limit')
      AND measure.decided IN ('proposed', 'in_force')))
ORDER BY docket.id
"""

_BRANDS = """
SELECT docket.id, docket.brand_id, brand.slug FROM records_docket docket
JOIN records_brand brand ON brand.id = docket.brand_id WHERE docket.id = ANY(%s)
"""


class Move(NamedTuple):
    """A stimulus on its way to a docket. `key` names it, so that it counts once; `at` is its instant of receipt.

    `reason` is what the desk raises a report for; it stands on the report and is no part of the decision.
    """

    docket: int
    stimulus: AnyStimulus
    key: str
    at: datetime
    by: str = ""
    reason: str = ""


class Enacted(NamedTuple):
    """A move that was decided, under the id of its stored decision."""

    move: Move
    decision_id: int
    sequence: int
    facts: Facts
    decision: Decision


class Held(NamedTuple):
    """A locked docket as it stands in the table."""

    sequence: int
    docket: Docket
    head: bytes
    subject: Subject


class Terms(NamedTuple):
    """What a brand decides by."""

    brand: models.Brand
    pack: Pack
    settings: Settings


class Batch:
    """The dockets, brands and results of one transaction."""

    def __init__(self, moves: Sequence[Move], known: Holders) -> None:
        self.holders = known
        self.enacted: list[Enacted] = []
        self.held = _lock(sorted({move.docket for move in moves}))
        self._dockets = {pk: one.docket for pk, one in self.held.items()}
        self._sequences = {pk: one.sequence for pk, one in self.held.items()}
        self._done = _decided_before(moves)
        self.terms = _terms({one.subject.brand for one in self.held.values()})
        self.radii: dict[int, Radius] = {}
        self._told_before: dict[int, bool] = {}
        self._brands_locked = False
        instants = [move.at for move in moves]
        self._span = (min(instants, default=None), max(instants, default=None))
        self._addresses = _addresses(moves, self._dockets)
        self._outside = self._read_outside()
        self._on_address = {pk for pk, one in self._dockets.items() if on_addresses(one)}

    def decide(self, move: Move) -> None:
        """Decides one move on the docket as the moves before it left it."""
        if (move.docket, move.key) in self._done:
            return
        self._done.add((move.docket, move.key))
        facts, decision = self._judge(move)
        before = self._dockets[move.docket]
        if not self._brands_locked and (is_automatic(decision) or _moves_on_address(before, decision.docket)):
            self._lock_brands()
            facts, decision = self._judge(move)
        self._dockets[move.docket] = decision.docket
        if decision.docket.measures is not before.measures:
            self._note_on_address(move.docket, decision.docket)
        self._count(move, decision)
        self._sequences[move.docket] += 1
        self.enacted.append(Enacted(move, 0, self._sequences[move.docket], facts, decision))

    def _judge(self, move: Move) -> tuple[Facts, Decision]:
        subject, docket = self.held[move.docket].subject, self._dockets[move.docket]
        terms, radius = self.terms[subject.brand], self._radius(subject.brand)
        surroundings = Surroundings(terms.settings, radius, self.holders, self._neighbours(move.docket, subject.brand))
        facts = facts_for(subject, docket, move.stimulus, move.at, surroundings)
        return facts, judge(docket, move.stimulus, facts, terms.pack, move.at)

    def _read_outside(self) -> dict[int, Neighbour]:
        """The brands' other dockets with something standing on an address that the batch speaks of."""
        if not self._addresses:
            return {}
        given: dict[str, Any] = {"brands": list(self.terms), "held": list(self.held), "ips": sorted(self._addresses)}
        with connection.cursor() as cursor:
            cursor.execute(_NEIGHBOURS, given)
            dockets = {pk: docket_decoder.decode(bytes(state)) for pk, state in cursor.fetchall()}
            dockets = {pk: one for pk, one in dockets.items() if on_addresses(one)}
            subjects = _subjects(cursor, list(dockets)) if dockets else {}
        return {pk: Neighbour(subjects[pk], one) for pk, one in dockets.items()}

    def _neighbours(self, docket: int, brand: int) -> list[Neighbour]:
        """Those outside as they were read, those in the batch as the moves before left them."""
        inside = (Neighbour(self.held[pk].subject, self._dockets[pk]) for pk in sorted(self._on_address - {docket}))
        return [one for one in (*self._outside.values(), *inside) if one.subject.brand == brand]

    def _note_on_address(self, pk: int, docket: Docket) -> None:
        if on_addresses(docket):
            self._on_address.add(pk)
        else:
            self._on_address.discard(pk)

    def _radius(self, brand: int) -> Radius:
        if brand not in self.radii:
            self.radii[brand] = radius_of(brand, *self._span)
            self._told_before[brand] = self.radii[brand].staff_told
        return self.radii[brand]

    def _lock_brands(self) -> None:
        """What depends on a brand's other dockets is looked at again under a lock.

        So two workers neither both take the last of the counter nor both null-route one address.
        """
        ids = sorted(self.terms)
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_BRANDS, [ids])
        self._brands_locked = True
        self._outside = self._read_outside()
        mine = {brand: self._taken_here(brand) for brand in ids}
        self.radii.clear()
        for brand in ids:
            fresh = self._radius(brand)
            self.radii[brand] = fresh._replace(taken=(*fresh.taken, *mine[brand]))

    def _taken_here(self, brand: int) -> tuple[datetime, ...]:
        ours = (one for one in self.enacted if self.held[one.move.docket].subject.brand == brand)
        return tuple(one.move.at for one in ours for _ in counted(one.decision))

    def _count(self, move: Move, decision: Decision) -> None:
        brand = self.held[move.docket].subject.brand
        self.radii[brand] = self._radius(brand).after(decision, move.at)

    def newly_told(self) -> dict[int, bool]:
        """Whether staff heard that there were too many measures, by brand, where that changed."""
        return {
            brand: one.staff_told for brand, one in self.radii.items() if one.staff_told != self._told_before[brand]
        }

    def terms_of(self, one: Enacted) -> Terms:
        """What the brand of a decided move decides by."""
        return self.terms[self.held[one.move.docket].subject.brand]


def _lock(ids: list[int]) -> dict[int, Held]:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_DOCKETS, [ids])
        rows = cursor.fetchall()
        subjects = _subjects(cursor, ids)
    return {
        pk: Held(sequence, docket_decoder.decode(bytes(state)), bytes(head), subjects[pk])
        for pk, sequence, state, head in rows
    }


def _subjects(cursor: CursorWrapper, dockets: list[int]) -> dict[int, Subject]:
    """Whom dockets are about."""
    cursor.execute(_BRANDS, [dockets])
    of_brands = {row[0]: Subject(*row[1:]) for row in cursor.fetchall()}
    cursor.execute(_SUBJECTS, [dockets])
    return of_brands | {row[0]: Subject(*row[1:]) for row in cursor.fetchall()}


def _addresses(moves: Sequence[Move], dockets: Mapping[int, Docket]) -> set[str]:
    """The addresses that the moves and their dockets speak of."""
    named: set[str] = set()
    for move in moves:
        named |= addresses_in(dockets[move.docket], move.stimulus)
    return named


def _moves_on_address(before: Docket, after: Docket) -> bool:
    """Whether a measure on an address changed, be it without an effect."""
    if before.measures is after.measures:
        return False
    return [one for one in before.measures if one.kind in ON_ADDRESS] != [
        one for one in after.measures if one.kind in ON_ADDRESS
    ]


def _decided_before(moves: Sequence[Move]) -> set[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT docket_id, key FROM records_decision WHERE docket_id = ANY(%s) AND key = ANY(%s)",
            [sorted({move.docket for move in moves}), sorted({move.key for move in moves})],
        )
        return set(cursor.fetchall())


def _terms(brands: set[int]) -> dict[int, Terms]:
    found = models.Brand.objects.filter(pk__in=brands)
    return {one.pk: Terms(one, pack_of(one), settings_of(one)) for one in found}


def is_automatic(decision: Decision) -> bool:
    """Whether the brand's counter bears on the decision: a measure counts, or staff are told that too many did."""
    return bool(counted(decision)) or any(
        isinstance(effect, Notify) and effect.to == "staff" for effect in decision.effects
    )


def counted(decision: Decision) -> list[str]:
    """The docket's ids of the measures that count towards the blast radius."""
    return [one.item_id or "" for one in decision.effects if isinstance(one, Take) and one.counts]
