"""Enact: saves decision, docket, timeline and orders in one transaction.

Dockets are locked in the order of their ids; the brands only when a measure is automatic, and then decided again if
their count changed meanwhile. A stimulus counts once for a docket, by its key.
"""

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from django.db import connection, transaction
from django.db.models import F

from abusedesk.desk.decide import (
    HOUR,
    Radius,
    Subject,
    Surroundings,
    docket_decoder,
    facts_for,
    judge,
    pack_of,
    settings_of,
)
from abusedesk.policy.decision import ENGINE_VERSION, ChargeMade, Decision, Notify, Review, SetDeadline, Take
from abusedesk.policy.digest import canonical, docket_digest
from abusedesk.policy.docket import Docket
from abusedesk.policy.facts import Facts, Settings
from abusedesk.policy.pack import Pack
from abusedesk.policy.stimulus import AnyStimulus, Report, Verification
from abusedesk.records import chain, models
from abusedesk.records.bell import ring
from abusedesk.records.holders import Holders, holders, lock_version
from abusedesk.records.partitions import ensure_month
from abusedesk.records.projection import About, Cases, Change, project
from abusedesk.vocabulary.assurance import RANK

RETENTION = "standard"
SNAPSHOT_EVERY = 50
"""Every so many decisions the docket is kept with the decision, so that recomputing need not start at the beginning."""

BELIEF = ("verify_report", "low_assurance")
"""The reviews that ask whether a report can be believed; believing or rejecting it answers them."""

_encode = msgspec.json.Encoder(order="deterministic").encode

_LOCK_DOCKETS = """
SELECT docket.id, docket.sequence, docket.state, docket.head, docket.brand_id, brand.slug, docket.service_id
FROM records_docket docket JOIN records_brand brand ON brand.id = docket.brand_id
WHERE docket.id = ANY(%s) ORDER BY docket.id FOR UPDATE OF docket
"""

_SUBJECTS = """
SELECT docket.id, docket.brand_id, brand.slug, service.id, service.ref, service.type, service.since, service.until,
       service.trial, service.mail_port, service.protected OR customer.protected,
       customer.id, customer.ref, customer.since, reseller.ref
FROM records_docket docket JOIN records_brand brand ON brand.id = docket.brand_id
JOIN records_service service ON service.id = docket.service_id
JOIN records_customer customer ON customer.id = service.customer_id
LEFT JOIN records_customer reseller ON reseller.id = customer.reseller_id
WHERE docket.id = ANY(%s)
"""

_UPDATE_DOCKETS = """
UPDATE records_docket docket SET sequence = changed.sequence, state = changed.state, digest = changed.digest,
    head = changed.head
FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[], %s::bytea[], %s::bytea[])
    AS changed(id, sequence, state, digest, head)
WHERE docket.id = changed.id
"""

_DECISION_COLUMNS = (
    "id, docket_id, sequence, key, at, decided_at, by, stimulus, facts, pack_digest, pack_version, engine_version, "
    "docket_digest, effects, trace, snapshot, salt, salted, previous, hash"
)

_REVIEWS_AGAIN = """
UPDATE records_case SET needs = ARRAY(SELECT need FROM unnest(needs) need WHERE need NOT LIKE 'review:%%')
    || ARRAY(SELECT DISTINCT 'review:' || reason FROM records_review
             WHERE records_review.case_id = records_case.id AND closed_at IS NULL)
WHERE id = ANY(%s)
"""


class Move(NamedTuple):
    """A stimulus on its way to a docket. `key` names it, so that it counts once; `at` is its instant of receipt."""

    docket: int
    stimulus: AnyStimulus
    key: str
    at: datetime
    by: str = ""


class Enacted(NamedTuple):
    """A move that was decided, under the id of its stored decision."""

    move: Move
    decision_id: int
    sequence: int
    facts: Facts
    decision: Decision


def submit(docket: models.Docket, stimulus: AnyStimulus, *, key: str, at: datetime, by: str = "") -> Enacted | None:
    """Decides one stimulus and saves what follows. None when this key was decided before.

    What is said of a report is said to every docket that heard it.
    """
    with transaction.atomic():
        lock_version()
        concerned = _concerned(docket, stimulus)
        enacted = enact([Move(pk, stimulus, key, at, by) for pk in concerned], holders())
    return next((one for one in enacted if one.move.docket == docket.pk), None)


def docket_of(service: models.Service) -> models.Docket:
    """The docket of a service, made on first need."""
    return _docket(service.brand_id, service.pk, service.ref)


def docket_of_brand(brand: int) -> models.Docket:
    """The brand's own docket, for what nobody held."""
    return _docket(brand, None, None)


def enact(moves: Sequence[Move], known: Holders) -> list[Enacted]:
    """Decides moves in their order and writes everything that follows. Must run in a transaction.

    `known` are the holders by which the moves were attributed; the caller has made sure that they still are.
    """
    batch = _Batch(moves, known)
    for move in moves:
        batch.decide(move)
    batch.write()
    return batch.enacted


def _concerned(docket: models.Docket, stimulus: AnyStimulus) -> list[int]:
    if not isinstance(stimulus, Verification) or not _is_stored(stimulus.report):
        return [docket.pk]
    services = models.Event.objects.filter(report_id=stimulus.report).exclude(service_id=None).values("service_id")
    others = models.Docket.objects.filter(service_id__in=services).exclude(pk=docket.pk)
    return [docket.pk, *others.order_by("pk").values_list("pk", flat=True)]


def _docket(brand: int, service: int | None, ref: str | None) -> models.Docket:
    state = canonical(Docket(ref))
    made, _ = models.Docket.objects.get_or_create(
        brand_id=brand, service_id=service, defaults={"state": state, "digest": sha256(state).digest()}
    )
    return made


class _Held(NamedTuple):
    """A locked docket as it stands in the table."""

    sequence: int
    docket: Docket
    head: bytes
    subject: Subject


class _Terms(NamedTuple):
    """What a brand decides by."""

    brand: models.Brand
    pack: Pack
    settings: Settings


class _Batch:
    """The dockets, brands and results of one transaction."""

    def __init__(self, moves: Sequence[Move], known: Holders) -> None:
        self.holders = known
        self.enacted: list[Enacted] = []
        self._held = _lock(sorted({move.docket for move in moves}))
        self._dockets = {pk: one.docket for pk, one in self._held.items()}
        self._sequences = {pk: one.sequence for pk, one in self._held.items()}
        self._done = _decided_before(moves)
        self._terms = _terms({one.subject.brand for one in self._held.values()})
        self._radii: dict[int, Radius] = {}
        self._brands_locked = False
        self._oldest = min((move.at for move in moves), default=None)

    # --- deciding ---------------------------------------------------------------------------------------------------

    def decide(self, move: Move) -> None:
        """Decides one move on the docket as the moves before it left it."""
        if (move.docket, move.key) in self._done:
            return
        self._done.add((move.docket, move.key))
        facts, decision = self._judge(move)
        if _is_automatic(decision) and not self._brands_locked:
            self._lock_brands()
            facts, decision = self._judge(move)
        self._dockets[move.docket] = decision.docket
        self._count(move, decision)
        self._sequences[move.docket] += 1
        self.enacted.append(Enacted(move, 0, self._sequences[move.docket], facts, decision))

    def _judge(self, move: Move) -> tuple[Facts, Decision]:
        subject, docket = self._held[move.docket].subject, self._dockets[move.docket]
        terms, radius = self._terms[subject.brand], self._radius(subject.brand)
        surroundings = Surroundings(terms.settings, radius, self.holders)
        facts = facts_for(subject, docket, move.stimulus, move.at, surroundings)
        return facts, judge(docket, move.stimulus, facts, terms.pack, move.at)

    def _radius(self, brand: int) -> Radius:
        if brand not in self._radii:
            since = self._oldest - HOUR if self._oldest else None
            taken = models.Measure.objects.filter(brand=brand, counts=True, at__gt=since).values_list("at", flat=True)
            told = models.Brand.objects.values_list("staff_told", flat=True).get(pk=brand)
            self._radii[brand] = Radius(tuple(taken), told)
        return self._radii[brand]

    def _lock_brands(self) -> None:
        """The brands' counters are looked at again under a lock, so that two workers do not both take the last one."""
        ids = sorted(self._terms)
        list(models.Brand.objects.filter(pk__in=ids).order_by("pk").select_for_update().values_list("pk"))
        self._brands_locked = True
        mine = {brand: self._taken_here(brand) for brand in ids}
        self._radii.clear()
        for brand in ids:
            fresh = self._radius(brand)
            self._radii[brand] = Radius((*fresh.taken, *mine[brand]), fresh.staff_told)

    def _taken_here(self, brand: int) -> tuple[datetime, ...]:
        ours = (one for one in self.enacted if self._held[one.move.docket].subject.brand == brand)
        return tuple(one.move.at for one in ours for _ in _counted(one.decision))

    def _count(self, move: Move, decision: Decision) -> None:
        brand = self._held[move.docket].subject.brand
        taken, told = self._radius(brand)
        for effect in decision.effects:
            if isinstance(effect, Take) and effect.counts:
                taken, told = (*taken, move.at), False
            elif isinstance(effect, Notify) and effect.to == "staff":
                told = True
        self._radii[brand] = Radius(taken, told)

    # --- writing ----------------------------------------------------------------------------------------------------

    def write(self) -> None:
        """Writes decisions, dockets, projections, timeline, reviews and orders."""
        if not self.enacted:
            return
        ids = _new_ids("records_decision", len(self.enacted))
        self.enacted = [one._replace(decision_id=pk) for one, pk in zip(self.enacted, ids, strict=True)]
        self._write_decisions()
        cases = project(self._changes())
        self._write_timeline(cases)
        self._write_reviews(cases)
        self._write_effects(cases)
        self._write_beliefs()
        for brand, radius in self._radii.items():
            models.Brand.objects.filter(pk=brand).exclude(staff_told=radius.staff_told).update(
                staff_told=radius.staff_told
            )
        ring()

    def _write_decisions(self) -> None:
        heads = {pk: one.head for pk, one in self._held.items()}
        rows, last = [], {}
        for one in self.enacted:
            row = _decision_row(one, heads[one.move.docket], self._terms_of(one).pack)
            heads[one.move.docket] = row[-1]
            rows.append(row)
            last[one.move.docket] = one
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY records_decision ({_DECISION_COLUMNS}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)
        states = {pk: canonical(one.decision.docket) for pk, one in last.items()}
        with connection.cursor() as cursor:
            cursor.execute(
                _UPDATE_DOCKETS,
                [
                    list(last),
                    [one.sequence for one in last.values()],
                    list(states.values()),
                    [sha256(state).digest() for state in states.values()],
                    [heads[pk] for pk in last],
                ],
            )

    def _changes(self) -> Iterable[Change]:
        by_docket: dict[int, list[Enacted]] = {}
        for one in self.enacted:
            by_docket.setdefault(one.move.docket, []).append(one)
        for pk, ones in by_docket.items():
            held = self._held[pk]
            if held.subject.service is None:
                continue
            counted = {item: one.move.at for one in ones for item in _counted(one.decision)}
            latest = max(one.move.at for one in ones)
            yield Change(self._about(pk, held), held.docket, ones[-1].decision.docket, latest, counted)

    def _about(self, pk: int, held: _Held) -> About:
        subject = held.subject
        dry_run = self._terms[subject.brand].brand.dry_run
        return About(
            pk,
            subject.brand,
            subject.slug,
            subject.service or 0,
            subject.ref or "",
            subject.customer or 0,
            dry_run,
        )

    def _write_timeline(self, cases: Cases) -> None:
        ensure_month(RETENTION, [one.move.at for one in self.enacted])
        now = datetime.now(UTC)
        with (
            connection.cursor() as cursor,
            cursor.copy(
                "COPY records_timeline (retention, at, recorded_at, docket_id, case_id, decision_id, kind, clauses, "
                "by) FROM STDIN"
            ) as copy,
        ):
            for one in self.enacted:
                kind = one.move.stimulus.__struct_config__.tag
                clauses = _encode(sorted({clause for effect in one.decision.effects for clause in effect.clauses}))
                for case in self._cases_of(one, cases):
                    copy.write_row(
                        (
                            RETENTION, one.move.at, now, one.move.docket, case, one.decision_id, kind,
                            clauses.decode(), one.move.by,
                        )
                    )  # fmt: skip

    def _cases_of(self, one: Enacted, cases: Cases) -> list[int | None]:
        """The cases that a decision is about; [None] where it is about none in particular."""
        types = dict.fromkeys(_type_in(effect.case) for effect in one.decision.effects if effect.case)
        if isinstance(one.move.stimulus, Report):
            types |= dict.fromkeys(
                occurrence.abuse_type
                for occurrence in one.decision.docket.occurrences
                if any(report.id == one.move.stimulus.id for report in occurrence.reports)
            )
        found = [cases[one.move.docket, name] for name in types if (one.move.docket, name) in cases]
        return list(found) or [None]

    def _write_reviews(self, cases: Cases) -> None:
        opened = [
            self._review(one, index, effect, cases)
            for one in self.enacted
            for index, effect in enumerate(one.decision.effects)
            if isinstance(effect, Review)
        ]
        models.Review.objects.bulk_create(opened)
        closed = [case for one in self.enacted for case in self._close_reviews(one)]
        touched = sorted({*closed, *(one.case_id for one in opened if one.case_id is not None)})
        if touched:
            with connection.cursor() as cursor:
                cursor.execute(_REVIEWS_AGAIN, [touched])

    def _review(self, one: Enacted, index: int, effect: Review, cases: Cases) -> models.Review:
        return models.Review(
            brand_id=self._held[one.move.docket].subject.brand,
            docket_id=one.move.docket,
            case_id=cases.get((one.move.docket, _type_in(effect.case))) if effect.case else None,
            report_id=effect.report if _is_stored(effect.report) else None,
            key=f"{one.move.docket}:{one.sequence}:{index}",
            reason=effect.reason,
            detail=f"the policy needs to know: {effect.missing}" if effect.missing else "",
            restricted=effect.reason == "illegal_content",
            clauses=list(effect.clauses),
            opened_at=one.move.at,
        )

    def _close_reviews(self, one: Enacted) -> set[int]:
        """A report that staff rejected, or that is believed now, is no question any more."""
        stimulus, acts_on = one.move.stimulus, self._terms_of(one).pack.content.counting.acts_on
        if not isinstance(stimulus, Verification):
            return set()
        if not stimulus.rejected and RANK[stimulus.assurance or "unverified"] < RANK[acts_on]:
            return set()
        asked = models.Review.objects.filter(docket=one.move.docket, closed_at=None, reason__in=BELIEF)
        asked = asked.filter(report_id=stimulus.report) if _is_stored(stimulus.report) else asked.none()
        touched = {case for case in asked.values_list("case_id", flat=True) if case is not None}
        answer = "rejected" if stimulus.rejected else str(stimulus.assurance)
        asked.update(closed_at=one.move.at, closed_by=one.move.by or "desk", answer=answer)
        return touched

    def _write_beliefs(self) -> None:
        """What became of belief in a report stands on the report too, and is remembered of its reporter."""
        for one in self.enacted:
            stimulus = one.move.stimulus
            if isinstance(stimulus, Verification) and _is_stored(stimulus.report):
                _believe(stimulus, one.move)

    def _write_effects(self, cases: Cases) -> None:
        rows = [
            models.Effect(
                brand_id=self._held[one.move.docket].subject.brand,
                decision_id=one.decision_id,
                key=f"{one.move.docket}:{one.sequence}:{index}",
                kind="alert" if effect.to == "staff" else "notice",
                payload=self._payload(one, effect, cases),
                state="dry_run" if self._terms_of(one).brand.dry_run and effect.to != "staff" else "pending",
                due=one.move.at,
            )
            for one in self.enacted
            for index, effect in enumerate(one.decision.effects)
            if isinstance(effect, Notify)
        ]
        models.Effect.objects.bulk_create(rows)

    def _payload(self, one: Enacted, effect: Notify, cases: Cases) -> dict[str, Any]:
        """What the notice has to say beyond what stands in the tables: what this very decision ordered."""
        of_case = [other for other in one.decision.effects if other.case == effect.case]
        stimulus, subject = one.move.stimulus, self._held[one.move.docket].subject
        due = [other.due for other in of_case if isinstance(other, SetDeadline) and other.name == "reply"]
        return {
            "to": effect.to,
            "via": list(effect.via),
            "template": effect.template,
            "clauses": list(effect.clauses),
            "case": cases.get((one.move.docket, _type_in(effect.case))) if effect.case else None,
            "service": subject.service,
            "occurrence": effect.occurrence,
            "ip": effect.ip,
            "report": stimulus.id if isinstance(stimulus, Report) else None,
            "addresses": list(stimulus.ips) if isinstance(stimulus, Report) else [],
            "first_seen": stimulus.occurred_at.isoformat() if isinstance(stimulus, Report) else None,
            "due": due[0].isoformat() if due and due[0] else None,
            "measures": [_as_json(other) for other in one.decision.effects if isinstance(other, Take)],
            "charges": [_as_json(other) for other in of_case if isinstance(other, ChargeMade)],
            "version": one.decision.version,
        }

    def _terms_of(self, one: Enacted) -> _Terms:
        return self._terms[self._held[one.move.docket].subject.brand]


def _believe(stimulus: Verification, move: Move) -> None:
    report = models.Report.objects.filter(pk=stimulus.report, rejected_at=None).first()
    if report is None:
        return
    by = f"staff ({move.by})" if move.by else "the desk"
    if stimulus.rejected:
        report.rejected_at, report.rejected_by = move.at, move.by
    elif stimulus.assurance and RANK[stimulus.assurance] > RANK[report.assurance]:
        report.assurance, report.grade_reason = stimulus.assurance, f"{stimulus.assurance}, by {by}"
    else:
        return
    report.save(update_fields=["assurance", "grade_reason", "rejected_at", "rejected_by"])
    counter = "rejected" if stimulus.rejected else "confirmed"
    if report.reporter_id is not None and (stimulus.rejected or stimulus.assurance == "verified"):
        models.Reporter.objects.filter(pk=report.reporter_id).update(**{counter: F(counter) + 1})


# --- reading --------------------------------------------------------------------------------------------------------


def _lock(ids: list[int]) -> dict[int, _Held]:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_DOCKETS, [ids])
        rows = cursor.fetchall()
        cursor.execute(_SUBJECTS, [ids])
        subjects = {row[0]: Subject(*row[1:]) for row in cursor.fetchall()}
    return {
        pk: _Held(sequence, docket_decoder.decode(bytes(state)), bytes(head), subjects.get(pk) or Subject(brand, slug))
        for pk, sequence, state, head, brand, slug, _ in rows
    }


def _decided_before(moves: Sequence[Move]) -> set[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT docket_id, key FROM records_decision WHERE docket_id = ANY(%s) AND key = ANY(%s)",
            [sorted({move.docket for move in moves}), sorted({move.key for move in moves})],
        )
        return set(cursor.fetchall())


def _terms(brands: set[int]) -> dict[int, _Terms]:
    found = models.Brand.objects.filter(pk__in=brands)
    return {one.pk: _Terms(one, pack_of(one), settings_of(one)) for one in found}


def _new_ids(table: str, count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count])
        return [row[0] for row in cursor.fetchall()]


# --- what a decision contains ---------------------------------------------------------------------------------------


def _is_automatic(decision: Decision) -> bool:
    """Whether the brand's counter bears on the decision: a measure counts, or staff are told that too many did."""
    return bool(_counted(decision)) or any(
        isinstance(effect, Notify) and effect.to == "staff" for effect in decision.effects
    )


def _counted(decision: Decision) -> list[str]:
    """The docket's ids of the measures that count towards the blast radius."""
    return [one.item_id or "" for one in decision.effects if isinstance(one, Take) and one.counts]


def _decision_row(one: Enacted, previous: bytes, pack: Pack) -> tuple[Any, ...]:
    move, decision = one.move, one.decision
    stimulus, facts = _encode(move.stimulus), _encode(one.facts)
    effects, trace = _encode(decision.effects), _encode(decision.trace)
    state = docket_digest(decision.docket)
    salt, pack_digest = os.urandom(16), bytes.fromhex(pack.digest)
    salted = chain.salted_digest(salt, stimulus, facts, pack_digest, state, effects, trace)
    link = chain.link(previous, (move.docket, one.sequence), move.key, move.at, salted)
    snapshot = canonical(decision.docket) if one.sequence % SNAPSHOT_EVERY == 0 else None
    return (
        one.decision_id, move.docket, one.sequence, move.key, move.at, datetime.now(UTC), move.by, stimulus, facts,
        pack_digest, decision.version or "", ENGINE_VERSION, state, effects, trace, snapshot, salt, salted, previous,
        link,
    )  # fmt: skip


def _type_in(case: str | None) -> str:
    return (case or "").rpartition("/")[2]


def _is_stored(report: str | None) -> bool:
    """Whether a report's id is one of the table's: in a simulated history it may be any text."""
    return report is not None and len(report) == 36 and report.count("-") == 4


def _as_json(effect: Take | ChargeMade) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(effect)
    return built
