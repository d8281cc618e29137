"""Writes what a docket says into the tables that people and workers look things up in.

The docket is the truth; a case, strike, deadline, measure or charge here is its projection, keyed by the docket's own
id for it. Everything is written in the caller's transaction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from msgspec import UNSET

from abusedesk.policy.docket import Charge, Deadline, Docket, Ground, Measure, Occurrence, OpenRequest, stands
from abusedesk.policy.measures import loses_refund
from abusedesk.policy.occurrences import is_silent
from abusedesk.policy.waiting import Key, Waiting, waiting_in
from abusedesk.records.bulk import Row, give_rows
from abusedesk.vocabulary.measure import ON_ADDRESS
from abusedesk.vocabulary.request import APPROVED_ALONE


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

    `counted` tells by measure id when it was taken automatically, for the blast radius; `asked` by abuse type what
    people are asked about it now, as a case shows it (`review:verify_report`). `by` is who moved it last.
    """

    about: About
    before: Docket
    after: Docket
    at: datetime
    counted: Mapping[str, datetime]
    asked: Mapping[str, Sequence[str]]
    by: str = ""


Cases = dict[tuple[int, str], int]
"""Ids of cases by docket and abuse type."""

Item = TypeVar("Item", Deadline, Measure, Charge)

_CASES = """
INSERT INTO records_case AS present (brand_id, service_id, customer_id, abuse_type, opened_at, last_at, occurrences,
    reports, events, open, needs, next_due, next_due_name, taken_by)
SELECT brand, service, customer, abuse_type, opened_at, last_at, occurrences, reports, events, open, needs, next_due,
       next_due_name, ''
FROM json_to_recordset(%s::json) AS row(brand bigint, service bigint, customer bigint, abuse_type text,
    opened_at timestamptz, last_at timestamptz, occurrences int, reports int, events int, open bool, needs text[],
    next_due timestamptz, next_due_name text)
ON CONFLICT (service_id, abuse_type) DO UPDATE SET last_at = GREATEST(present.last_at, EXCLUDED.last_at),
    occurrences = EXCLUDED.occurrences, reports = EXCLUDED.reports, events = EXCLUDED.events, open = EXCLUDED.open,
    needs = ARRAY(SELECT need FROM unnest(present.needs) need
                  WHERE need NOT LIKE 'proposal:%%' AND need NOT LIKE 'request:%%' AND need <> ALL(EXCLUDED.needs))
            || EXCLUDED.needs,
    next_due = EXCLUDED.next_due, next_due_name = EXCLUDED.next_due_name
RETURNING id, service_id, abuse_type
"""

_STRIKES = """
INSERT INTO records_strike (docket_id, case_id, occurrence, abuse_type, number, at, lapses_at, annulled_at, clauses)
SELECT docket, "case", occurrence, abuse_type, number, at, lapses_at, annulled_at, clauses
FROM json_to_recordset(%s::json) AS row(docket bigint, "case" bigint, occurrence text, abuse_type text, number int,
    at timestamptz, lapses_at timestamptz, annulled_at timestamptz, clauses jsonb)
ON CONFLICT (docket_id, occurrence) DO UPDATE SET number = EXCLUDED.number, at = EXCLUDED.at,
    lapses_at = EXCLUDED.lapses_at, annulled_at = EXCLUDED.annulled_at, clauses = EXCLUDED.clauses
"""

_DEADLINES = """
INSERT INTO records_deadline (docket_id, brand_id, case_id, item, name, due, state, measure, clauses, paused_at)
SELECT docket, brand, "case", item, name, due, state, measure, clauses, paused_at
FROM json_to_recordset(%s::json) AS row(docket bigint, brand bigint, "case" bigint, item text, name text,
    due timestamptz, state text, measure text, clauses jsonb, paused_at timestamptz)
ON CONFLICT (docket_id, item) DO UPDATE SET due = EXCLUDED.due, state = EXCLUDED.state, clauses = EXCLUDED.clauses,
    paused_at = EXCLUDED.paused_at, lease_until = NULL
"""

_CHARGES = """
INSERT INTO records_charge (docket_id, brand_id, service_id, customer_id, case_id, item, name, amount, paid, currency,
    ip, mode, state, clauses, at)
SELECT docket, brand, service, customer, "case", item, name, amount, paid, currency, ip, mode, state, clauses, at
FROM json_to_recordset(%s::json) AS row(docket bigint, brand bigint, service bigint, customer bigint, "case" bigint,
    item text, name text, amount bigint, paid bigint, currency text, ip inet, mode text, state text, clauses jsonb,
    at timestamptz)
ON CONFLICT (docket_id, item) DO UPDATE SET amount = EXCLUDED.amount, paid = EXCLUDED.paid, mode = EXCLUDED.mode,
    state = EXCLUDED.state, clauses = EXCLUDED.clauses
"""

_TARGETS = """
INSERT INTO records_target (key, brand_id, service_id, ip, dirty, fence, lease_owner, next_attempt, attempts)
SELECT key, brand, service, ip, true, 0, '', at, 0
FROM json_to_recordset(%s::json) AS row(key text, brand bigint, service bigint, ip inet, at timestamptz)
ON CONFLICT (key) DO UPDATE SET dirty = true, next_attempt = EXCLUDED.next_attempt, attempts = 0,
    service_id = EXCLUDED.service_id
RETURNING key, id
"""

_MEASURES = """
INSERT INTO records_measure AS present (docket_id, brand_id, service_id, case_id, target_id, item, kind, ip, port, mode,
    refund, upstream, clauses, at, decided, ended, counts, state, in_force_at, lifted_at, actuator, outside, tried,
    fence, error)
SELECT docket, brand, service, "case", target, item, kind, ip, port, mode, refund, upstream, clauses, at, decided,
       ended, counts, state, in_force_at, lifted_at, '', '{}', '[]', 0, ''
FROM json_to_recordset(%s::json) AS row(docket bigint, brand bigint, service bigint, "case" bigint, target bigint,
    item text, kind text, ip inet, port int, mode text, refund bool, upstream bool, clauses jsonb, at timestamptz,
    decided text, ended text, counts bool, state text, in_force_at timestamptz, lifted_at timestamptz)
ON CONFLICT (docket_id, item) DO UPDATE SET mode = EXCLUDED.mode, refund = EXCLUDED.refund, clauses = EXCLUDED.clauses,
    target_id = COALESCE(EXCLUDED.target_id, present.target_id), decided = EXCLUDED.decided,
    ended = EXCLUDED.ended,
    at = CASE WHEN EXCLUDED.counts THEN EXCLUDED.at ELSE present.at END, counts = present.counts OR EXCLUDED.counts,
    upstream = EXCLUDED.upstream,
    state = CASE WHEN EXCLUDED.upstream OR (EXCLUDED.state = 'dry_run' AND present.state = 'none')
            THEN EXCLUDED.state ELSE present.state END,
    lifted_at = COALESCE(EXCLUDED.lifted_at, present.lifted_at)
"""

_REQUESTS = """
INSERT INTO records_customerrequest AS present (docket_id, brand_id, service_id, customer_id, item, kind, ip, cause,
    state, clauses, at, state_at, decided_at, decided_by, lifts, to_do, reason, done, domain, selector, words,
    entered_by, findings)
SELECT docket, brand, service, customer, item, kind, ip, cause, state, clauses, at, state_at, decided_at, decided_by,
       lifts, to_do, '', '[]', '', '', '', '', '[]'
FROM json_to_recordset(%s::json) AS row(docket bigint, brand bigint, service bigint, customer bigint, item text,
    kind text, ip inet, cause text, state text, clauses jsonb, at timestamptz, state_at timestamptz,
    decided_at timestamptz, decided_by text, lifts jsonb, to_do bool)
ON CONFLICT (docket_id, item) DO UPDATE SET state = EXCLUDED.state, state_at = EXCLUDED.state_at, at = EXCLUDED.at,
    kind = EXCLUDED.kind, ip = COALESCE(EXCLUDED.ip, present.ip), clauses = EXCLUDED.clauses,
    lifts = present.lifts || EXCLUDED.lifts,
    to_do = present.to_do OR (EXCLUDED.to_do AND present.state <> EXCLUDED.state),
    decided_at = CASE WHEN EXCLUDED.decided_at IS NULL THEN NULL
                 ELSE COALESCE(present.decided_at, EXCLUDED.decided_at) END,
    decided_by = CASE WHEN present.decided_at IS NULL THEN EXCLUDED.decided_by ELSE present.decided_by END
"""

_PROPOSALS = """
INSERT INTO records_proposal (docket_id, brand_id, service_id, customer_id, case_id, kind, name, request, items, mark,
    amount, currency, clauses, proposers, barred, at, changed_at, answer, closed_by, reason)
SELECT docket, brand, service, customer, "case", kind, name, request, items, mark, amount, currency, clauses, proposers,
       barred, at, at, '', '', ''
FROM json_to_recordset(%s::json) AS row(docket bigint, brand bigint, service bigint, customer bigint, "case" bigint,
    kind text, name text, request text, items jsonb, mark text, amount bigint, currency text, clauses jsonb,
    proposers jsonb, barred jsonb, at timestamptz)
ON CONFLICT (docket_id, kind, name, request) WHERE closed_at IS NULL DO UPDATE SET case_id = EXCLUDED.case_id,
    items = EXCLUDED.items, mark = EXCLUDED.mark, amount = EXCLUDED.amount, currency = EXCLUDED.currency,
    clauses = EXCLUDED.clauses, proposers = EXCLUDED.proposers, barred = EXCLUDED.barred,
    changed_at = EXCLUDED.changed_at
"""

_CLOSE_PROPOSALS = """
UPDATE records_proposal proposal SET closed_at = ended.at
FROM json_to_recordset(%s::json) AS ended(docket bigint, kind text, name text, request text, at timestamptz)
WHERE proposal.docket_id = ended.docket AND proposal.kind = ended.kind AND proposal.name = ended.name
  AND proposal.request = ended.request AND proposal.closed_at IS NULL
"""


def project(changes: Iterable[Change]) -> Cases:
    """Writes what changed between `before` and `after` of each docket. Returns the cases that these dockets have."""
    changes = list(changes)
    cases = _project_cases(changes)
    give_rows(_STRIKES, [row for change in changes for row in _strike_rows(change, cases)])
    give_rows(_DEADLINES, [row for change in changes for row in _deadline_rows(change, cases)])
    give_rows(_CHARGES, [row for change in changes for row in _charge_rows(change, cases)])
    give_rows(_MEASURES, list(_measure_rows(changes, cases)))
    give_rows(_REQUESTS, [row for change in changes for row in _request_rows(change)])
    _project_proposals(changes, cases)
    return cases


# --- cases ----------------------------------------------------------------------------------------------------------


def _project_cases(changes: Sequence[Change]) -> Cases:
    rows = sorted(
        (row for change in changes for row in _case_rows(change)), key=lambda row: (row["service"], row["abuse_type"])
    )
    dockets = {change.about.service: change.about.docket for change in changes}
    return {(dockets[service], abuse_type): pk for pk, service, abuse_type in give_rows(_CASES, rows)}


def _case_rows(change: Change) -> Iterator[Row]:
    about, docket = change.about, change.after
    for abuse_type, occurrences in _by_type(docket).items():
        due = _next_due(docket, abuse_type)
        reports = [one for occurrence in occurrences for one in occurrence.reports if not one.rejected]
        yield {
            "brand": about.brand,
            "service": about.service,
            "customer": about.customer,
            "abuse_type": abuse_type,
            "opened_at": occurrences[0].opened_at,
            "last_at": max(_last(one) for one in occurrences),
            "occurrences": len(occurrences),
            "reports": len(reports),
            "events": sum(one.events for one in reports),
            "open": any(one.processed_at is None and not one.closed and not is_silent(one) for one in occurrences),
            "needs": [*_asked(docket, abuse_type), *change.asked.get(abuse_type, ())],
            "next_due": due.due if due else None,
            "next_due_name": due.name if due else "",
        }


def _by_type(docket: Docket) -> dict[str, list[Occurrence]]:
    found: dict[str, list[Occurrence]] = {}
    for one in docket.occurrences:
        found.setdefault(one.abuse_type, []).append(one)
    return found


def _last(occurrence: Occurrence) -> datetime:
    return max((one.at for one in occurrence.reports), default=occurrence.opened_at)


def _next_due(docket: Docket, abuse_type: str) -> Deadline | None:
    # An expiry frees the customer of itself: nobody has to hurry for it.
    # What stands still while an appeal is heard hurries nobody either.
    open_still = (one for one in docket.deadlines if one.state == "open" and one.paused_at is UNSET)
    running = (one for one in open_still if one.name != "expiry")
    waiting = (one for one in running if _type_of_deadline(docket, one) == abuse_type)
    return min(waiting, key=lambda one: one.due, default=None)


def _asked(docket: Docket, abuse_type: str) -> list[str]:
    """What a person has to say yes or no to: proposals of the case, and requests, which go with the latest case."""
    measures = (one for one in docket.measures if one.state == "proposed" or loses_refund(one))
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
    about = next((one for one in docket.measures if one.id == deadline.measure), None)
    if about is not None:
        return _type_of_measure(docket, about)
    owed = next((one for one in docket.charges if one.deadline == deadline.id), None)
    return _type_of_charge(docket, owed) if owed else _type_of(docket, ())


def _case(change: Change, cases: Cases, abuse_type: str | None) -> int | None:
    return cases.get((change.about.docket, abuse_type)) if abuse_type else None


# --- what a docket holds --------------------------------------------------------------------------------------------


def _strike_rows(change: Change, cases: Cases) -> Iterator[Row]:
    before = {one.id: one.strike for one in change.before.occurrences}
    for one in change.after.occurrences:
        strike = one.strike
        if strike is not None and strike != before.get(one.id):
            yield {
                "docket": change.about.docket,
                "case": cases[change.about.docket, one.abuse_type],
                "occurrence": one.id,
                "abuse_type": one.abuse_type,
                "number": strike.number,
                "at": strike.at,
                "lapses_at": strike.lapses_at,
                "annulled_at": strike.annulled_at,
                "clauses": strike.clauses,
            }


def _deadline_rows(change: Change, cases: Cases) -> Iterator[Row]:
    about, docket = change.about, change.after
    for one in _changed(change.before.deadlines, docket.deadlines):
        yield {
            "docket": about.docket,
            "brand": about.brand,
            "case": _case(change, cases, _type_of_deadline(docket, one)),
            "item": one.id,
            "name": one.name,
            "due": one.due,
            "state": one.state,
            "measure": "" if one.measure is UNSET else one.measure,
            "clauses": one.clauses,
            "paused_at": None if one.paused_at is UNSET else one.paused_at,
        }


def _charge_rows(change: Change, cases: Cases) -> Iterator[Row]:
    about, docket = change.about, change.after
    for one in _changed(change.before.charges, docket.charges):
        yield {
            "docket": about.docket,
            "brand": about.brand,
            "service": about.service,
            "customer": about.customer,
            "case": _case(change, cases, _type_of_charge(docket, one)),
            "item": one.id,
            "name": one.item,
            "amount": one.amount,
            "paid": one.paid,
            "currency": one.currency,
            "ip": one.ip,
            "mode": one.mode,
            "state": one.state,
            "clauses": one.clauses,
            "at": one.at,
        }


def _measure_rows(changes: Sequence[Change], cases: Cases) -> Iterator[Row]:
    """The changed measures; what has to be driven outside is put to its target first."""
    changed = [(change, one) for change in changes for one in _changed(change.before.measures, change.after.measures)]
    moved = {(change.about.docket, one.id): _target_row(change, one) for change, one in changed if _moves(change, one)}
    by_key = {str(row["key"]): row for row in moved.values()}
    targets: dict[str, int] = dict(give_rows(_TARGETS, [by_key[key] for key in sorted(by_key)]))
    for change, one in changed:
        target = moved.get((change.about.docket, one.id))
        yield _measure_row(change, cases, one, targets[str(target["key"])] if target else None)


def _project_proposals(changes: Sequence[Change], cases: Cases) -> None:
    """What waits for a yes or no. Most decisions leave that as it is; then nothing is asked of the database."""
    waiting, ended = [], []
    for change in changes:
        if _asks_as_before(change.before, change.after):
            continue
        before, after = waiting_in(change.before), waiting_in(change.after)
        waiting += [_proposal_row(change, cases, key, one) for key, one in after.items() if before.get(key) != one]
        ended += [
            {"docket": change.about.docket, **key._asdict(), "at": change.at} for key in before if key not in after
        ]
    give_rows(_CLOSE_PROPOSALS, ended)
    give_rows(_PROPOSALS, waiting)


def _asks_as_before(before: Docket, after: Docket) -> bool:
    return before.measures is after.measures and before.charges is after.charges and before.requests is after.requests


def _proposal_row(change: Change, cases: Cases, key: Key, waiting: Waiting) -> Row:
    about, docket = change.about, change.after
    mine = {one.id for one in waiting.items}
    charges = [one for one in docket.charges if one.id in mine]
    types = [_type_of_charge(docket, one) for one in charges]
    types += [_type_of_measure(docket, one) for one in docket.measures if one.id in mine]
    return {
        "docket": about.docket,
        "brand": about.brand,
        "service": about.service,
        "customer": about.customer,
        "case": _case(change, cases, types[0] if types else _type_of(docket, ())),
        **key._asdict(),
        "items": waiting.items,
        "mark": waiting.mark,
        "amount": waiting.amount,
        "currency": charges[0].currency if charges else "",
        "clauses": waiting.clauses,
        "proposers": waiting.proposers,
        "barred": waiting.barred,
        "at": change.at,
    }


def _moves(change: Change, after: Measure) -> bool:
    """Whether the outside has to be driven: the measure came into force or ended, and it is ours to take.

    A dry run takes nothing, but ends what was really taken before it.
    """
    before = next((one for one in change.before.measures if one.id == after.id), None)
    was, stands = before is not None and before.state == "in_force", after.state == "in_force"
    return was != stands and not after.upstream and not (stands and change.about.dry_run)


def _target_row(change: Change, measure: Measure) -> Row:
    about = change.about
    on_address = measure.kind in ON_ADDRESS and measure.ip is not None
    return {
        "key": f"ip:{about.slug}/{measure.ip}" if on_address else f"service:{about.slug}/{about.ref}",
        "brand": about.brand,
        "service": about.service,
        "ip": measure.ip if on_address else None,
        "at": change.at,
    }


def _measure_row(change: Change, cases: Cases, one: Measure, target: int | None) -> Row:
    about = change.about
    told = _told_state(one)
    return {
        "docket": about.docket,
        "brand": about.brand,
        "service": about.service,
        "case": _case(change, cases, _type_of_measure(change.after, one)),
        "target": target,
        "item": one.id,
        "kind": one.kind,
        "ip": one.ip,
        "port": one.port,
        "mode": one.mode,
        "refund": one.refund,
        "upstream": one.upstream,
        "clauses": one.clauses,
        "at": change.counted.get(one.id, one.at),
        "decided": one.state,
        "ended": "" if one.ended is UNSET else one.ended.why,
        "counts": one.id in change.counted,
        "state": told if one.upstream else "dry_run" if about.dry_run else "none",
        "in_force_at": one.at if one.upstream else None,
        "lifted_at": change.at if one.upstream and told == "lifted" else None,
    }


def _told_state(measure: Measure) -> str:
    """An upstream's own measure is as the upstream says: nobody can read it back."""
    return "acknowledged" if measure.state == "in_force" else "lifted"


def _request_rows(change: Change) -> Iterator[Row]:
    """The changed requests. Of several with one id the last is shown, which is the one that a person decides.

    One that changes after it was asked was decided by a person, or waited for a payment.
    """
    before, after = change.before.requests, change.after.requests
    if before is after:
        return
    known, ended = {one.id: one for one in before}, _ended(change)
    for one in {one.id: one for one in after}.values():
        if known.get(one.id) != one:
            yield _request_row(change, one, ended) | {"decided_by": change.by if one.id in known else ""}


def _ended(change: Change) -> list[str]:
    stood = {one.id for one in change.before.measures if stands(one)}
    return [one.id for one in change.after.measures if one.id in stood and not stands(one)]


def _request_row(change: Change, one: OpenRequest, ended: list[str]) -> dict[str, object]:
    about, is_decided = change.about, one.state != "needs_approval"
    return {
        "docket": about.docket,
        "brand": about.brand,
        "service": about.service,
        "customer": about.customer,
        "item": one.id,
        "kind": one.kind,
        "ip": one.ip,
        "cause": one.cause or "",
        "state": one.state,
        "clauses": one.clauses,
        "at": one.at,
        "state_at": change.at,
        "decided_at": change.at if is_decided else None,
        "lifts": ended if one.state == "granted" else [],
        "to_do": one.state == "granted" and one.kind in APPROVED_ALONE,
    }


def _changed(before: Sequence[Item], after: Sequence[Item]) -> list[Item]:
    known = {one.id: one for one in before}
    return [one for one in after if known.get(one.id) is not one and known.get(one.id) != one]
