"""Writes what a docket says into the tables that people and workers look things up in.

The docket is the truth; a case, strike, deadline, measure or charge here is its projection, keyed by the docket's own
id for it. Everything is written in the caller's transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
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
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '')
ON CONFLICT (service_id, abuse_type) DO UPDATE SET last_at = GREATEST(present.last_at, EXCLUDED.last_at),
    occurrences = EXCLUDED.occurrences, reports = EXCLUDED.reports, events = EXCLUDED.events, open = EXCLUDED.open,
    needs = ARRAY(SELECT need FROM unnest(present.needs) need
                  WHERE need NOT LIKE 'proposal:%%' AND need NOT LIKE 'request:%%') || EXCLUDED.needs,
    next_due = EXCLUDED.next_due, next_due_name = EXCLUDED.next_due_name
RETURNING id
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
VALUES (%s, %s, %s, %s, true, 0, '', %s, 0)
ON CONFLICT (key) DO UPDATE SET dirty = true, next_attempt = EXCLUDED.next_attempt, attempts = 0,
    service_id = EXCLUDED.service_id
RETURNING id
"""

_MEASURES = """
INSERT INTO records_measure AS present (docket_id, brand_id, service_id, case_id, target_id, item, kind, ip, port, mode,
    refund, upstream, clauses, at, decided, counts, state, in_force_at, lifted_at, actuator, outside, fence, error)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '', '{}', 0, '')
ON CONFLICT (docket_id, item) DO UPDATE SET mode = EXCLUDED.mode, refund = EXCLUDED.refund, clauses = EXCLUDED.clauses,
    target_id = COALESCE(EXCLUDED.target_id, present.target_id), decided = EXCLUDED.decided,
    at = CASE WHEN EXCLUDED.counts THEN EXCLUDED.at ELSE present.at END, counts = present.counts OR EXCLUDED.counts,
    upstream = EXCLUDED.upstream,
    state = CASE WHEN EXCLUDED.upstream OR EXCLUDED.state = 'dry_run' THEN EXCLUDED.state ELSE present.state END,
    lifted_at = COALESCE(EXCLUDED.lifted_at, present.lifted_at)
"""


def project(changes: Iterable[Change]) -> Cases:
    """Writes what changed between `before` and `after` of each docket. Returns the cases that these dockets have."""
    cases: Cases = {}
    for change in changes:
        _project_cases(change, cases)
        _project_strikes(change, cases)
        _project_deadlines(change, cases)
        _project_charges(change, cases)
        _project_measures(change, cases)
    return cases


# --- cases ----------------------------------------------------------------------------------------------------------


def _project_cases(change: Change, cases: Cases) -> None:
    about, docket = change.about, change.after
    for abuse_type, occurrences in _by_type(docket).items():
        due = _next_due(docket, abuse_type)
        reports = [one for occurrence in occurrences for one in occurrence.reports if not one.rejected]
        row = (
            about.brand, about.service, about.customer, abuse_type,
            occurrences[0].opened_at, max(_last(one) for one in occurrences),
            len(occurrences), len(reports), sum(one.events for one in reports),
            any(one.processed_at is None and not one.closed for one in occurrences),
            _asked(docket, abuse_type), due.due if due else None, due.name if due else "",
        )  # fmt: skip
        cases[about.docket, abuse_type] = _returned(_CASES, row)


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


def _project_strikes(change: Change, cases: Cases) -> None:
    before = {one.id: one.strike for one in change.before.occurrences}
    rows = [
        (
            change.about.docket, cases[change.about.docket, one.abuse_type], one.id, one.abuse_type,
            one.strike.number, one.strike.at, one.strike.lapses_at, one.strike.annulled_at, _json(one.strike.clauses),
        )
        for one in change.after.occurrences
        if one.strike is not None and one.strike != before.get(one.id)
    ]  # fmt: skip
    _many(_STRIKES, rows)


def _project_deadlines(change: Change, cases: Cases) -> None:
    about, docket = change.about, change.after
    rows = [
        (
            about.docket, about.brand, _case(change, cases, _type_of_deadline(docket, one)), one.id, one.name, one.due,
            one.state, _json(one.clauses),
        )
        for one in _changed(change.before.deadlines, docket.deadlines)
    ]  # fmt: skip
    _many(_DEADLINES, rows)


def _project_charges(change: Change, cases: Cases) -> None:
    about, docket = change.about, change.after
    rows = [
        (
            about.docket, about.brand, about.service, about.customer,
            _case(change, cases, _type_of_charge(docket, one)), one.id, one.item, one.amount, one.paid, one.currency,
            one.ip, one.mode, one.state, _json(one.clauses), one.at,
        )
        for one in _changed(change.before.charges, docket.charges)
    ]  # fmt: skip
    _many(_CHARGES, rows)


def _project_measures(change: Change, cases: Cases) -> None:
    before = {one.id: one for one in change.before.measures}
    for one in _changed(change.before.measures, change.after.measures):
        target = _target(change, one) if _moves(change, before.get(one.id), one) else None
        _execute(_MEASURES, _measure_row(change, cases, one, target))


def _moves(change: Change, before: Measure | None, after: Measure) -> bool:
    """Whether the outside has to be driven: the measure came into force or ended, and it is ours to take."""
    if after.upstream or change.about.dry_run:
        return False
    was = before is not None and before.state == "in_force"
    return (after.state == "in_force") != was


def _target(change: Change, measure: Measure) -> int:
    about = change.about
    on_address = measure.kind in ON_ADDRESS and measure.ip is not None
    key = f"ip:{about.slug}/{measure.ip}" if on_address else f"service:{about.slug}/{about.ref}"
    return _returned(_TARGETS, (key, about.brand, about.service, measure.ip if on_address else None, change.at))


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


def _execute(query: str, row: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query, row)


def _returned(query: str, row: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query, row)
        return int(cursor.fetchone()[0])
