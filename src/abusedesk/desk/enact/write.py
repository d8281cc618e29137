"""Writes a decided batch: decisions with their chain, dockets, projections, timeline, and the orders that follow."""

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec
from django.db import connection

from abusedesk.desk.enact import orders
from abusedesk.desk.enact.batch import Batch, Enacted, Held, counted
from abusedesk.policy.carried import report_of
from abusedesk.policy.decision import ENGINE_VERSION
from abusedesk.policy.digest import canonical
from abusedesk.policy.pack import Pack
from abusedesk.policy.stimulus import AnyStimulus, CarriedTicket, Report
from abusedesk.records import chain, models
from abusedesk.records.bell import ring
from abusedesk.records.bulk import Row, copy_rows, give_rows
from abusedesk.records.packs import keep
from abusedesk.records.partitions import STANDARD, ensure_month
from abusedesk.records.projection import About, Cases, Change, project

SNAPSHOT_EVERY = 50
"""Every so many decisions the docket is kept with the decision, so that recomputing need not start at the beginning."""

_encode = msgspec.json.Encoder(order="deterministic").encode

_UPDATE_DOCKETS = """
UPDATE records_docket docket SET sequence = changed.sequence, state = decode(changed.state, 'base64'),
    digest = decode(changed.digest, 'base64'), head = decode(changed.head, 'base64')
FROM json_to_recordset(%s::json) AS changed(id bigint, sequence bigint, state text, digest text, head text)
WHERE docket.id = changed.id
"""

DECISION_COLUMNS = (
    "id", "docket_id", "sequence", "key", "at", "decided_at", "by", "stimulus", "facts", "pack_digest", "pack_version",
    "engine_version", "docket_digest", "effects", "trace", "snapshot", "salt", "salted", "previous", "hash",
)  # fmt: skip
TIMELINE_COLUMNS = (
    "retention", "at", "recorded_at", "docket_id", "case_id", "decision_id", "kind", "clauses", "by",
)  # fmt: skip


def write(batch: Batch) -> None:
    """Writes decisions, dockets, projections, timeline, reviews and orders."""
    if not batch.enacted:
        return
    keep({terms.pack.digest: terms.pack for terms in batch.terms.values()}.values())
    ids = _new_ids("records_decision", len(batch.enacted))
    batch.enacted = [one._replace(decision_id=pk) for one, pk in zip(batch.enacted, ids, strict=True)]
    _write_decisions(batch)
    cases = project(_changes(batch, orders.questions(batch)))
    _write_timeline(batch, cases)
    orders.write_reviews(batch, cases)
    orders.write_effects(batch, cases)
    orders.write_beliefs(batch)
    for brand, told in batch.newly_told().items():
        models.Brand.objects.filter(pk=brand).update(staff_told=told)
    if any(one.decision.effects for one in batch.enacted):
        ring("send", "drive")


def _write_decisions(batch: Batch) -> None:
    heads = {pk: one.head for pk, one in batch.held.items()}
    rows, last, states = [], {}, {}
    for one in batch.enacted:
        state = canonical(one.decision.docket)
        row = _decision_row(one, state, heads[one.move.docket], batch.terms_of(one).pack)
        heads[one.move.docket] = row[-1]
        rows.append(row)
        last[one.move.docket] = one
        states[one.move.docket] = state
    copy_rows("records_decision", DECISION_COLUMNS, rows)
    changed = [_docket_row(pk, one.sequence, states[pk], heads[pk]) for pk, one in last.items()]
    give_rows(_UPDATE_DOCKETS, changed)


def _docket_row(pk: int, sequence: int, state: bytes, head: bytes) -> Row:
    return {"id": pk, "sequence": sequence, "state": state, "digest": sha256(state).digest(), "head": head}


def _changes(batch: Batch, questions: Mapping[int, Mapping[str, Sequence[str]]]) -> Iterable[Change]:
    by_docket: dict[int, list[Enacted]] = {}
    for one in batch.enacted:
        by_docket.setdefault(one.move.docket, []).append(one)
    for pk, ones in by_docket.items():
        held = batch.held[pk]
        if held.subject.service is None:
            continue
        taken = {item: one.move.at for one in ones for item in counted(one.decision)}
        latest = max(one.move.at for one in ones)
        asked = questions.get(pk, {})
        after, by = ones[-1].decision.docket, ones[-1].move.by
        yield Change(_about(batch, pk, held), held.docket, after, latest, taken, asked, by)


def _about(batch: Batch, pk: int, held: Held) -> About:
    subject = held.subject
    dry_run = batch.terms[subject.brand].brand.dry_run
    return About(
        pk,
        subject.brand,
        subject.slug,
        subject.service or 0,
        subject.ref or "",
        subject.customer or 0,
        dry_run,
    )


def _write_timeline(batch: Batch, cases: Cases) -> None:
    ensure_month(STANDARD, [one.move.at for one in batch.enacted])
    now = datetime.now(UTC)
    rows = (
        (
            STANDARD, one.move.at, now, one.move.docket, case, one.decision_id,
            one.move.stimulus.__struct_config__.tag, _clauses(one), one.move.by,
        )
        for one in batch.enacted
        for case in _cases_of(one, cases)
    )  # fmt: skip
    copy_rows("records_timeline", TIMELINE_COLUMNS, rows)


def _clauses(one: Enacted) -> str:
    return _encode(sorted({clause for effect in one.decision.effects for clause in effect.clauses})).decode()


def _cases_of(one: Enacted, cases: Cases) -> list[int | None]:
    """The cases that a decision is about; [None] where it is about none in particular."""
    types = dict.fromkeys(orders.type_in(effect.case) for effect in one.decision.effects if effect.case)
    heard = _report_of(one.move.stimulus)
    if heard is not None:
        types |= dict.fromkeys(
            occurrence.abuse_type
            for occurrence in one.decision.docket.occurrences
            if any(report.id == heard for report in occurrence.reports)
        )
    found = [cases[one.move.docket, name] for name in types if (one.move.docket, name) in cases]
    return list(found) or [None]


def _report_of(stimulus: AnyStimulus) -> str | None:
    """What the docket calls the report that a stimulus brought, if it brought one."""
    if isinstance(stimulus, Report):
        return stimulus.id
    return report_of(stimulus) if isinstance(stimulus, CarriedTicket) else None


def _decision_row(one: Enacted, docket: bytes, previous: bytes, pack: Pack) -> tuple[Any, ...]:
    """A decision's columns; `docket` is the docket after it in canonical JSON, `previous` the link before."""
    move, decision = one.move, one.decision
    stimulus, facts = _encode(move.stimulus), _encode(one.facts)
    effects, trace = _encode(decision.effects), _encode(decision.trace)
    state = sha256(docket).digest()
    salt, pack_digest = os.urandom(16), bytes.fromhex(pack.digest)
    salted = chain.salted_digest(salt, stimulus, facts, pack_digest, state, effects, trace)
    link = chain.link(previous, (move.docket, one.sequence), move.key, move.at, salted)
    snapshot = docket if one.sequence % SNAPSHOT_EVERY == 0 else None
    return (
        one.decision_id, move.docket, one.sequence, move.key, move.at, datetime.now(UTC), move.by, stimulus, facts,
        pack_digest, decision.version or "", ENGINE_VERSION, state, effects, trace, snapshot, salt, salted, previous,
        link,
    )  # fmt: skip


def _new_ids(table: str, count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count])
        return [row[0] for row in cursor.fetchall()]
