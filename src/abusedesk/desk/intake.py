"""Intake: takes unread messages through parse, attribute, verify, correlate, decide and enact, a batch at a time.

Everything that a batch leads to is written in one transaction. A worker that dies leaves nothing half-done: the lease
on its messages ends and another reads them again, under the same report ids.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from email.utils import parseaddr
from typing import NamedTuple

import msgspec
from django.db import connection, transaction

from abusedesk.desk import campaigns, correlate, designated, names, report_rows, reporters, suppress, verify
from abusedesk.desk.answering import acknowledge
from abusedesk.desk.attribute import Placed, attribute, doubt_about, named_by
from abusedesk.desk.candidates import NameFacts
from abusedesk.desk.claim import BATCH, claim, mark_read
from abusedesk.desk.correlate import Complaint, Telling
from abusedesk.desk.designated import Filed, Filing
from abusedesk.desk.enact import Move, docket_of_brand, empty_docket, enact
from abusedesk.desk.hearing import answers
from abusedesk.desk.hearing.answers import Answer
from abusedesk.desk.parse import Unread, is_illegal, own_rules, read_message
from abusedesk.desk.reading import drift
from abusedesk.desk.verify import Trust, Voice
from abusedesk.parsing.own import OwnRule
from abusedesk.records import models
from abusedesk.records.bulk import give_rows, storable
from abusedesk.records.holders import Holders, holders, lock_version
from abusedesk.records.partitions import STANDARD, ensure_month
from abusedesk.records.payload import destroy
from abusedesk.vocabulary.designation import AUTHORITY
from abusedesk.vocabulary.evidence import Evidence, grade
from abusedesk.vocabulary.report import Reading, Report
from abusedesk.vocabulary.suppression import Suppression, Suppressions

_DOCKETS = """
SELECT service.id, service.brand_id, service.ref, docket.id
FROM records_service service LEFT JOIN records_docket docket ON docket.service_id = service.id
WHERE service.id = ANY(%s) ORDER BY service.id
"""

_NEW_DOCKETS = """
INSERT INTO records_docket (brand_id, service_id, sequence, state, digest, head)
SELECT brand, service, 0, decode(state, 'base64'), decode(digest, 'base64'), ''
FROM json_to_recordset(%s::json) AS row(brand bigint, service bigint, state text, digest text)
ON CONFLICT DO NOTHING
"""


class Read(NamedTuple):
    """A message with what it turned out to be and who speaks in it."""

    unread: Unread
    reading: Reading
    voice: Voice
    evidence: Evidence
    answer: Answer | None = None
    filed: Filed | None = None


class Terms(NamedTuple):
    """By what a batch is read: who is known, the operator's own rules, and whose word is taken."""

    voices: Mapping[str, Voice]
    rules: tuple[OwnRule, ...]
    trust: Trust


class _Ready(NamedTuple):
    """A batch attributed, graded and cleared of repetitions: ready to be decided."""

    reads: list[Read]
    complaints: list[Complaint]
    told: list[Telling]
    orphans: list[Read]


class _Known(NamedTuple):
    """What a batch is attributed and suppressed by."""

    holders: Holders
    rules: Suppressions
    looked_up: Mapping[str, NameFacts]


def process_messages(now: datetime, limit: int = BATCH) -> int:
    """Reads and decides up to `limit` waiting messages, oldest first. Returns how many."""
    claimed = claim(now, limit)
    if not claimed:
        return 0
    terms = Terms(_voices(claimed), own_rules(), verify.trust())
    answered = answers.recognise([one for one in claimed if one.designation != AUTHORITY])
    filings = designated.recognise(claimed, answered)
    reads = [_filed(_read(one, terms, answered.get(one.message_id)), filings.get(one.message_id)) for one in claimed]
    while not _decide(reads, now):
        pass
    return len(reads)


def _filed(read: Read, filing: Filing | None) -> Read:
    """What came to a designated address goes on only as far as its kind may."""
    if filing is None:
        return read
    filed = Filed(read.unread, filing, read.reading)
    return read._replace(reading=designated.withheld(read.reading, filing), filed=filed)


def _voices(claimed: Iterable[Unread]) -> dict[str, Voice]:
    return verify.known_voices({one.provenance["reporter"] for one in claimed if "reporter" in one.provenance})


def _read(unread: Unread, terms: Terms, answer: Answer | None = None) -> Read:
    voice = verify.voice_of_message(unread, terms.voices)
    if answer is not None and answers.is_certain(answer, from_known_reporter=voice.known):
        return _read_as(unread, answer.reading, voice, terms, answer)
    reading = read_message(unread, terms.rules, from_known_reporter=voice.known)
    if answer is not None and not answers.is_complaint(answer, reading, from_known_reporter=voice.known):
        return _read_as(unread, answer.reading, voice, terms, answer)
    if voice.reporter is None and not unread.sender and reading.reporter:
        voice = verify.voice_for(parseaddr(reading.reporter)[1] or reading.reporter, {})
    # Of a complaint that follows on a mail of ours only what was sent to a ticket is in the ticket as well.
    return _read_as(unread, reading, voice, terms, answer if answer is not None and answer.by_token else None)


def _read_as(unread: Unread, reading: Reading, voice: Voice, terms: Terms, answer: Answer | None) -> Read:
    def read_again(data: bytes) -> Reading:
        return read_message(unread._replace(payload=data), terms.rules, from_known_reporter=voice.known)

    return Read(unread, reading, voice, verify.gather(unread, reading, voice, terms.trust, read_again), answer)


def _asks_dns() -> bool:
    return verify.trust().dns


def _decide(reads: list[Read], now: datetime) -> bool:
    """Decides a batch. False when the holders changed between attribution and here, so that it must start over."""
    table = holders()
    ready = _ready(reads, table)
    with transaction.atomic():
        if lock_version() != table.version:
            return False
        _write(ready, table, now)
    return True


# --- attribute, verify, correlate -----------------------------------------------------------------------------------


def _ready(reads: list[Read], table: Holders) -> _Ready:
    complaints: list[Complaint] = []
    orphans: list[Read] = []
    looked_up = names.look_up(names.unplaced(reads, table), table, ask_dns=_asks_dns())
    known = _Known(table, suppress.suppressions(), looked_up)
    for read in reads:
        found = [
            one for index, report in enumerate(read.reading.reports) for one in _complaints(read, index, report, known)
        ]
        complaints += found
        if read.reading.outcome == "reported" and not found:
            orphans.append(read)
    return _Ready(reads, complaints, correlate.tellings(complaints, correlate.heard_before(complaints)), orphans)


def _complaints(read: Read, index: int, report: Report, known: _Known) -> Iterable[Complaint]:
    """The report by brand, category and what suppresses it.

    What nobody held goes to the message's brand, or to the brands named beside.
    """
    parts: dict[tuple[int, str, Suppression | None], list[Placed]] = {}
    unread, senders = read.unread, _senders(read)
    for placed in attribute(report.events, unread.received_at, unread.brand, known.holders, known.looked_up):
        brand = unread.brand or known.holders.brands.get(named_by(placed))
        if brand is not None:
            covered = suppress.cover(known.rules, placed, brand, senders, unread.received_at)
            parts.setdefault((brand, placed.event.category, covered), []).append(placed)
    for part, ones in parts.items():
        yield _complaint(read, index, report, part, tuple(ones))


def _senders(read: Read) -> tuple[str, ...]:
    """The addresses under which a suppression may name the reporter."""
    named = read.unread.sender or parseaddr(read.reading.reporter or "")[1]
    return tuple(dict.fromkeys(one for one in (named, read.voice.key) if one))


def _complaint(
    read: Read,
    index: int,
    report: Report,
    part: tuple[int, str, Suppression | None],
    placed: tuple[Placed, ...],
) -> Complaint:
    brand, category, covered = part
    unread, voice = read.unread, read.voice
    doubts = (doubt_about(one, unread.received_at) for one in placed)
    evidence = msgspec.structs.replace(
        read.evidence, is_listing=category == verify.LISTING, time_doubt=next((one for one in doubts if one), "")
    )
    filing = read.filed.filing if read.filed else None
    assurance, reason = designated.capped(*grade(evidence), filing, report)
    return Complaint(
        correlate.complaint_id(unread, index, brand, category, covered),
        brand,
        unread,
        report,
        category,
        voice,
        assurance,
        reason,
        evidence,
        placed,
        tuple(correlate.identity(one, covered) for one in placed),
        covered,
    )


# --- decide and enact -----------------------------------------------------------------------------------------------


def _write(ready: _Ready, table: Holders, now: datetime) -> None:
    ensure_month(STANDARD, [one.unread.received_at for one in ready.reads])
    dockets = _dockets({one.service for one in ready.told if one.service is not None})
    ids = report_rows.write_reports(ready.told)
    suppress.note(ready.complaints)
    answered = [(one.unread, one.answer) for one in ready.reads if one.answer is not None]
    moves = sorted([*_moves(ready.told, dockets), *answers.moves(answered, now)], key=lambda one: one.at)
    enacted = enact(moves, table)
    raised = correlate.raisings(enacted)
    if raised:
        enact(raised, table)
    report_rows.write_events(ready.told)
    campaigns.watch(ready.told, now)
    report_rows.write_seen(ready.told, now)
    names.suggest(ready.told, ask_dns=_asks_dns())
    _ask_people(ready, now)
    answers.write(answered, now)
    designated.write([one.filed for one in ready.reads if one.filed is not None], table)
    drift.note(filter(None, map(_yield, ready.reads)))
    mark_read(((one.unread, one.reading) for one in ready.reads), now)
    reporters.note_heard(_heard(ready.reads, ids))
    _forget_illegal(ready.reads)
    acknowledge.order(ready.reads, now)


def _moves(told: list[Telling], dockets: Mapping[int, int]) -> list[Move]:
    told = [one for one in told if correlate.is_heard(one)]
    brands = {one.complaint.brand for one in told if one.service is None}
    own = {brand: docket_of_brand(brand).pk for brand in sorted(brands)}
    first: set[uuid.UUID] = set()
    moves = []
    # A part that somebody held brings the reviews of the whole, if there is one.
    for one in sorted(told, key=lambda one: (one.complaint.unread.received_at, one.service is None)):
        docket = own[one.complaint.brand] if one.service is None else dockets[one.service]
        moves.append(correlate.move(one, docket, with_reviews=one.complaint.id not in first))
        first.add(one.complaint.id)
    return moves


def _dockets(services: set[int]) -> dict[int, int]:
    """The dockets of services, made where there is none yet."""
    found = _find_dockets(services)
    new = [
        {"brand": brand, "service": service, **empty_docket(ref)}
        for service, brand, ref, docket in found
        if docket is None
    ]
    if new:
        give_rows(_NEW_DOCKETS, new)
        found = _find_dockets(services)
    return {service: docket for service, _, _, docket in found if docket is not None}


def _find_dockets(services: set[int]) -> list[tuple[int, int, str, int | None]]:
    with connection.cursor() as cursor:
        cursor.execute(_DOCKETS, [sorted(services)])
        return list(cursor.fetchall())


def _ask_people(ready: _Ready, now: datetime) -> None:
    """What could not be read, or concerns no brand that we know, is put up for a person."""
    asked = [one for one in ready.reads if one.reading.outcome in {"needs_review", "rejected"}]
    reviews = [_review(one, one.reading.outcome, one.reading.reason or "", now) for one in asked]
    reviews += [_review(one, "no_brand", _nobody(one), now) for one in ready.orphans]
    models.Review.objects.bulk_create(reviews, ignore_conflicts=True)


def _nobody(read: Read) -> str:
    sources = list(dict.fromkeys(event.source for event in read.reading.events))
    shown = ", ".join(sources[:5]) + (f" and {len(sources) - 5} more" if len(sources) > 5 else "")
    return f"it was sent to no brand of ours and names nobody whom we serve: {shown}"


def _review(read: Read, reason: str, detail: str, now: datetime) -> models.Review:
    illegal = is_illegal(read.reading)
    return models.Review(
        brand_id=read.unread.brand,
        message_id=read.unread.message_id,
        key=f"message:{read.unread.message_id}",
        reason="illegal_content" if illegal else reason,
        detail="" if illegal else storable(detail),
        restricted=illegal,
        opened_at=min(read.unread.received_at, now),
    )


def _yield(read: Read) -> tuple[str, date, bool, bool] | None:
    """Whether a message yielded a source and times, for whom it came from; None for noise and what has a file."""
    if read.filed is not None or (not read.voice.known and read.reading.outcome == "not_a_report"):
        return None
    events = read.reading.events
    timed = bool(events) and all(one.occurred_at is not None for one in events)
    sender = read.voice.key if read.voice.known else verify.domain_of(read.voice.key)
    return sender or "unnamed", read.unread.received_at.date(), bool(events), timed


def _heard(reads: list[Read], ids: Mapping[str, int]) -> Iterable[tuple[int | None, datetime, str]]:
    for read in reads:
        if read.reading.outcome == "reported":
            reporter = read.voice.reporter or ids.get(read.voice.key)
            yield reporter, read.unread.received_at, read.reading.format


def _forget_illegal(reads: list[Read]) -> None:
    """`safeguard:illegal_content`: nothing of it stays, neither bytes nor subject."""
    illegal = [one.unread.message_id for one in reads if is_illegal(one.reading)]
    if illegal:
        destroy(illegal)
        models.Message.objects.filter(pk__in=illegal).update(subject="", name="", reason="")
