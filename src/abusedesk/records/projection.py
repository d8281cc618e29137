"""Writes what a docket says into the tables that people and workers look things up in.

The docket is the truth; a case, strike, deadline, measure or charge here is its projection, keyed by the docket's own
id for it. Everything is written in the caller's transaction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import msgspec
from django.db import connection

from abusedesk.policy.docket import Charge, Deadline, Docket, Ground, Measure, Occurrence
from abusedesk.vocabulary.measure import ON_ADDRESS


class About(NamedTuple):
    """Whose docket it is."""

    docket: int
    brand: int
    slug: str
    service: int
    ref: str
    customer: int
    dry_run: bool


class Change(NamedTuple):
    """A docket before and after some decisions, the last of which was made at `at`.

    `counted` tells by measure id when it was taken automatically, for the blast radius.
    """

    about: About
    before: Docket
    after: Docket
    at: datetime
    counted: Mapping[str, datetime]


Cases = dict[tuple[int, str], int]
"""Ids of cases by docket and abuse type."""

Item = TypeVar("Item", Deadline, Measure, Charge)

_CASES = """
INSERT INTO records_case AS present (brand_id, service_id, customer_id, abuse_type, opened_at, last_at, occurrences,
    reports, events, open, needs, next_due, next_due_name, taken_by)
SELECT brand, service, customer, type, opened_at, last_at, occurrences, reports, events, open,
       string_to_array(asked, ' '), due, due_name, ''
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::int[],
            %s::int[], %s::int[], %s::bool[], %s::text[], %s::timestamptz[], %s::text[])
     AS row(brand, service, customer, type, opened_at, last_at, occurrences, reports, events, open, asked, due,
            due_name)
ON CONFLICT (service_id, abuse_type) DO UPDATE SET last_at = GREATEST(present.last_at, EXCLUDED.last_at),
    occurrences = EXCLUDED.occurrences, reports = EXCLUDED.reports, events = EXCLUDED.events, open = EXCLUDED.open,
    needs = ARRAY(SELECT need FROM unnest(present.needs) need
                  WHERE need NOT LIKE 'proposal:%%' AND need NOT LIKE 'request:%%') || EXCLUDED.needs,
    next_due = EXCLUDED.next_due, next_due_name = EXCLUDED.next_due_name
RETURNING id, service_id, abuse_type
"""

_STRIKES = """
INSERT INTO records_strike (docket_id, case_id, occurrence, abuse_type, number, at, lapses_at, annulled_at, clauses)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (docket_id, occurrence) DO UPDATE SET number = EXCLUDED.number, at = EXCLUDED.at,
    lapses_at = EXCLUDED.lapses_at, annulled_at = EXCLUDED.annulled_at, clauses = EXCLUDED.clauses
"""

_DEADLINES = """
INSERT INTO records_deadline (docket_id, brand_id, case_id, item, name, due, state, clauses)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (docket_id, item) DO UPDATE SET due = EXCLUDED.due, state = EXCLUDED.state, clauses = EXCLUDED.clauses,
    lease_until = NULL
"""

_CHARGES = """
INSERT INTO records_charge (docket_id, brand_id, service_id, customer_id, case_id, item, name, amount, paid, currency,
    ip, mode, state, clauses, at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (docket_id, item) DO UPDATE SET amount = EXCLUDED.amount, paid = EXCLUDED.paid, mode = EXCLUDED.mode,
    state = EXCLUDED.state, clauses = EXCLUDED.clauses
"""

_TARGETS = """
INSERT INTO records_target (key, brand_id, service_id, ip, dirty, fence, lease_owner, next_attempt, attempts)
SELECT key, brand, service, ip, true, 0, '', at, 0
FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::inet[], %s::timestamptz[]) AS row(key, brand, service, ip, at)
ON CONFLICT (key) DO UPDATE SET dirty = true, next_attempt = EXCLUDED.next_attempt, attempts = 0,
    service_id = EXCLUDED.service_id
RETURNING key, id
"""

_MEASURES = """
INSERT INTO records_measure AS present (docket_id, brand_id, service_id, case_id, target_id, item, kind, ip, port, mode,
    refund, upstream, clauses, at, decided, counts, state, in_force_at, lifted_at, actuator, outside, fence, error)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '', '{}', 0, '')
ON CONFLICT (docket_id, item) DO UPDATE SET mode = EXCLUDED.mode, refund = EXCLUDED.refund, clauses = EXCLUDED.clauses,
    target_id = COALESCE(EXCLUDED.target_id, present.target_id), decided = EXCLUDED.decided,
    at = CASE WHEN EXCLUDED.counts THEN EXCLUDED.at ELSE present.at END, counts = present.counts OR EXCLUDED.counts,
    upstream = EXCLUDED.upstream,
    state = CASE WHEN EXCLUDED.upstream OR (EXCLUDED.state = 'dry_run' AND present.state = 'none')
            THEN EXCLUDED.state ELSE present.state END,
    lifted_at = COALESCE(EXCLUDED.lifted_at, present.lifted_at)
"""


def project(changes: Iterable[Change]) -> Cases:
    """Writes what changed between `before` and `after` of each docket. Returns the cases that these dockets have."""
    changes = list(changes)
    cases = _project_cases(changes)
    _many(_STRIKES, [row for change in changes for row in _strike_rows(change, cases)])
    _many(_DEADLINES, [row for change in changes for row in _deadline_rows(change, cases)])
    _many(_CHARGES, [row for change in changes for row in _charge_rows(change, cases)])
    _many(_MEASURES, _measure_rows(changes, cases))
    return cases


# --- cases ----------------------------------------------------------------------------------------------------------


def _project_cases(changes: Sequence[Change]) -> Cases:
    rows = sorted((row for change in changes for row in _case_rows(change)), key=lambda row: (row[1], row[3]))
    if not rows:
        return {}
    dockets = {change.about.service: change.about.docket for change in changes}
    with connection.cursor() as cursor:
        cursor.execute(_CASES, [list(column) for column in zip(*rows, strict=True)])
        return {(dockets[service], abuse_type): pk for pk, service, abuse_type in cursor.fetchall()}


def _case_rows(change: Change) -> Iterator[tuple[Any, ...]]:
    about, docket = change.about, change.after
    for abuse_type, occurrences in _by_type(docket).items():
        due = _next_due(docket, abuse_type)
        reports = [one for occurrence in occurrences for one in occurrence.reports if not one.rejected]
        yield (
            about.brand, about.service, about.customer, abuse_type,
            occurrences[0].opened_at, max(_last(one) for one in occurrences),
            len(occurrences), len(reports), sum(one.events for one in reports),
            any(one.processed_at is None and not one.closed for one in occurrences),
            " ".join(_asked(docket, abuse_type)), due.due if due else None, due.name if due else "",
        )  # fmt: skip


def _by_type(docket: Docket) -> dict[str, list[Occurrence]]:
    found: dict[str, list[Occurrence]] = {}
    for one in docket.occurrences:
        found.setdefault(one.abuse_type, []).append(one)
    return found


def _last(occurrence: Occurrence) -> datetime:
    return max((one.at for one in occurrence.reports), default=occurrence.opened_at)


def _next_due(docket: Docket, abuse_type: str) -> Deadline | None:
    waiting = (one for one in docket.deadlines if one.state == "open" and _type_of_deadline(docket, one) == abuse_type)
    return min(waiting, key=lambda one: one.due, default=None)


def _asked(docket: Docket, abuse_type: str) -> list[str]:
    """What a person has to say yes or no to: proposals of the case, and requests, which go with the latest case."""
    measures = (one for one in docket.measures if one.state == "proposed")
    charges = (one for one in docket.charges if one.state == "proposed")
    asked = [f"proposal:{one.kind}" for one in measures if _type_of_measure(docket, one) == abuse_type]
    asked += [f"proposal:{one.item}" for one in charges if _type_of_charge(docket, one) == abuse_type]
    if docket.occurrences[-1].abuse_type == abuse_type:
        asked += [f"request:{one.kind}" for one in docket.requests if one.state == "needs_approval"]
    return list(dict.fromkeys(asked))


def _type_of(docket: Docket, grounds: Sequence[Ground]) -> str | None:
    """The abuse type of the first ground that names one; else of the latest occurrence, so that it shows somewhere."""
    types = {one.id: one.abuse_type for one in docket.occurrences}
    charges = {one.id: one for one in docket.charges}
    for ground in grounds:
        if ground.occurrence in types:
            return types[ground.occurrence]
        if ground.charge in charges:
            return _type_of_charge(docket, charges[ground.charge])
    return docket.occurrences[-1].abuse_type if docket.occurrences else None


def _type_of_measure(docket: Docket, measure: Measure) -> str | None:
    return _type_of(docket, measure.grounds)


def _type_of_charge(docket: Docket, charge: Charge) -> str | None:
    known = any(one.abuse_type == charge.case for one in docket.occurrences)
    return charge.case if known else _type_of(docket, charge.grounds)


def _type_of_deadline(docket: Docket, deadline: Deadline) -> str | None:
    for one in docket.occurrences:
        if one.id == deadline.occurrence:
            return one.abuse_type
    owed = next((one for one in docket.charges if one.deadline == deadline.id), None)
    return _type_of_charge(docket, owed) if owed else _type_of(docket, ())


def _case(change: Change, cases: Cases, abuse_type: str | None) -> int | None:
    return cases.get((change.about.docket, abuse_type)) if abuse_type else None


# --- what a docket holds --------------------------------------------------------------------------------------------


def _strike_rows(change: Change, cases: Cases) -> Iterator[tuple[Any, ...]]:
    before = {one.id: one.strike for one in change.before.occurrences}
    for one in change.after.occurrences:
        strike = one.strike
        if strike is not None and strike != before.get(one.id):
            yield (
                change.about.docket, cases[change.about.docket, one.abuse_type], one.id, one.abuse_type,
                strike.number, strike.at, strike.lapses_at, strike.annulled_at, _json(strike.clauses),
            )  # fmt: skip


def _deadline_rows(change: Change, cases: Cases) -> Iterator[tuple[Any, ...]]:
    about, docket = change.about, change.after
    for one in _changed(change.before.deadlines, docket.deadlines):
        case = _case(change, cases, _type_of_deadline(docket, one))
        yield (about.docket, about.brand, case, one.id, one.name, one.due, one.state, _json(one.clauses))


def _charge_rows(change: Change, cases: Cases) -> Iterator[tuple[Any, ...]]:
    about, docket = change.about, change.after
    for one in _changed(change.before.charges, docket.charges):
        yield (
            about.docket, about.brand, about.service, about.customer,
            _case(change, cases, _type_of_charge(docket, one)), one.id, one.item, one.amount, one.paid, one.currency,
            one.ip, one.mode, one.state, _json(one.clauses), one.at,
        )  # fmt: skip


def _measure_rows(changes: Sequence[Change], cases: Cases) -> list[tuple[Any, ...]]:
    """The changed measures; what has to be driven outside is put to its target first."""
    changed = [(change, one) for change in changes for one in _changed(change.before.measures, change.after.measures)]
    moved = {(change.about.docket, one.id): _target_row(change, one) for change, one in changed if _moves(change, one)}
    targets = _put_targets(moved.values())
    rows = []
    for change, one in changed:
        target = moved.get((change.about.docket, one.id))
        rows.append(_measure_row(change, cases, one, targets[target[0]] if target else None))
    return rows


def _put_targets(rows: Iterable[tuple[Any, ...]]) -> dict[str, int]:
    by_key = {row[0]: row for row in rows}
    if not by_key:
        return {}
    columns = zip(*(by_key[key] for key in sorted(by_key)), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_TARGETS, [list(column) for column in columns])
        return dict(cursor.fetchall())


def _moves(change: Change, after: Measure) -> bool:
    """Whether the outside has to be driven: the measure came into force or ended, and it is ours to take.

    A dry run takes nothing, but ends what was really taken before it.
    """
    before = next((one for one in change.before.measures if one.id == after.id), None)
    was, stands = before is not None and before.state == "in_force", after.state == "in_force"
    return was != stands and not after.upstream and not (stands and change.about.dry_run)


def _target_row(change: Change, measure: Measure) -> tuple[Any, ...]:
    about = change.about
    on_address = measure.kind in ON_ADDRESS and measure.ip is not None
    key = f"ip:{about.slug}/{measure.ip}" if on_address else f"service:{about.slug}/{about.ref}"
    return (key, about.brand, about.service, measure.ip if on_address else None, change.at)


def _measure_row(change: Change, cases: Cases, one: Measure, target: int | None) -> tuple[Any, ...]:
    about = change.about
    told = _told_state(one)
    state = told if one.upstream else "dry_run" if about.dry_run else "none"
    return (
        about.docket, about.brand, about.service, _case(change, cases, _type_of_measure(change.after, one)), target,
        one.id, one.kind, one.ip, one.port, one.mode, one.refund, one.upstream, _json(one.clauses),
        change.counted.get(one.id, one.at), one.state, one.id in change.counted, state,
        one.at if one.upstream else None, change.at if one.upstream and told == "lifted" else None,
    )  # fmt: skip


def _told_state(measure: Measure) -> str:
    """An upstream's own measure is as the upstream says: nobody can read it back."""
    return "acknowledged" if measure.state == "in_force" else "lifted"


# --- writing --------------------------------------------------------------------------------------------------------


def _changed(before: Sequence[Item], after: Sequence[Item]) -> list[Item]:
    known = {one.id: one for one in before}
    return [one for one in after if known.get(one.id) is not one and known.get(one.id) != one]


def _json(clauses: Sequence[str]) -> str:
    return msgspec.json.encode(clauses).decode()


def _many(query: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(query, rows)
