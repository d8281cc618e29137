"""Correlate: lets the same thing fall together before anything is locked.

Two observations of the same source, category, port or URL and time are one event, whoever reports them. What a voice
says again is dropped, whoever said it first; what another voice says too makes one stimulus per service, however many
rows it has. Two
independent voices on one occurrence corroborate each other: of two organisations, two registered domains and two
networks, neither of which sent the other's words.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from hashlib import blake2b
from typing import Any, NamedTuple

from django.db import connection
from msgspec import UNSET

from abusedesk.desk.attribute import NOBODY, Placed
from abusedesk.desk.enact import Enacted, Move
from abusedesk.desk.parse import Unread
from abusedesk.desk.verify import Voice
from abusedesk.policy.docket import Occurrence
from abusedesk.policy.stimulus import Report as ReportStimulus
from abusedesk.policy.stimulus import Unattributed, Verification
from abusedesk.records import models
from abusedesk.vocabulary.assurance import RANK, Assurance
from abusedesk.vocabulary.evidence import Evidence, Marks, corroboration, independent, marks_of
from abusedesk.vocabulary.report import Report
from abusedesk.vocabulary.suppression import Muffled, Suppression

STATES = ("vulnerability/", "infrastructure/open_", "infrastructure/amplifier", "reputation/")
"""Categories of a lasting state, of which a feed says every day that it is still so: one event a day."""

_SEEN = """
SELECT seen.identity, report.evidence->>'organisation', report.assurance, report.id
FROM records_eventseen seen JOIN records_report report ON report.id = seen.report_id
WHERE seen.identity = ANY(%s)
"""

_KNOWN = RANK["authenticated"]


class Complaint(NamedTuple):
    """One report of one message, as far as it is about one category and one brand."""

    id: uuid.UUID
    brand: int
    unread: Unread
    report: Report
    category: str
    voice: Voice
    assurance: Assurance
    grade_reason: str
    evidence: Evidence
    placed: tuple[Placed, ...]
    identities: tuple[bytes, ...]
    """Of each of `placed`, what makes it this event and no other."""
    covered: Suppression | None = None
    """What suppresses it."""


class Heard(NamedTuple):
    """Who told of an event already, how far that could be believed, and in which report."""

    organisation: str
    assurance: Assurance
    report: uuid.UUID


class Telling(NamedTuple):
    """What a complaint says of one service (None: nobody's) that is not a mere repetition.

    `fresh` are the events that nobody told before; `later` is under which key each other telling of them is remembered,
    and its report. `reason` is what a person is asked where it is nobody's.
    """

    complaint: Complaint
    service: int | None
    placed: tuple[Placed, ...]
    fresh: tuple[bytes, ...]
    events: int
    reason: str = NOBODY
    later: tuple[tuple[bytes, uuid.UUID], ...] = ()


class Known(NamedTuple):
    """What is kept of who vouches for a report, and by what its voice is told from others."""

    evidence: Mapping[str, Any]
    marks: Marks


def complaint_id(
    unread: Unread, index: int, brand: int, category: str, covered: Suppression | None = None
) -> uuid.UUID:
    """The same report of the same message has the same id, however often it is read; what is suppressed has its own."""
    apart = f"/suppressed:{covered.id}" if covered is not None else ""
    return uuid.uuid5(unread.message_id, f"{index}/{brand}/{category}{apart}")


def is_heard(telling: Telling) -> bool:
    """Whether a docket hears of it: what is only counted moves none."""
    covered = telling.complaint.covered
    return covered is None or covered.effect != "count_only"


def identity(placed: Placed, covered: Suppression | None = None) -> bytes:
    """What makes an observation this event and no other: 16 bytes.

    What nobody is told of is known apart: whoever says it when it is suppressed no more is not taken to repeat it.
    """
    event = placed.event
    about = event.url or str(event.target_port or event.source_port or "")
    if placed.how == "ports":
        # Behind a NAT it is the source port that tells one service from another.
        about = f"{about}:{event.source_port}"
    moment = placed.at.date() if event.occurred_at is None or event.category.startswith(STATES) else placed.at
    text = f"{placed.ip or event.source.lower()}\n{event.category}\n{about}\n{moment.isoformat()}"
    if covered is not None and covered.effect != "propose":
        text += f"\n{covered.effect}"
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


def voiced(event: bytes, organisation: str) -> bytes:
    """The key of what a further voice told of an event; the event's own key is that of the voice believed most."""
    return blake2b(event + organisation.encode("utf-8", "replace"), digest_size=16).digest()


def heard_before(complaints: Iterable[Complaint]) -> dict[bytes, Heard]:
    """Which of the complaints' events were told before, and by whom. A second query only where others told them."""
    complaints = list(complaints)
    heard = _heard({identity for one in complaints for identity in one.identities})
    return heard | _heard({key for one in complaints for key in _by_others(one, heard)})


def _by_others(complaint: Complaint, heard: dict[bytes, Heard]) -> Iterable[bytes]:
    own = complaint.voice.organisation
    told = ((key, heard[key]) for key in complaint.identities if key in heard)
    return (voiced(key, own) for key, before in told if before.organisation != own)


def _heard(keys: set[bytes]) -> dict[bytes, Heard]:
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, [list(keys)])
        return {bytes(key): Heard(organisation or "", *more) for key, organisation, *more in cursor.fetchall()}


def tellings(complaints: Iterable[Complaint], heard: dict[bytes, Heard]) -> list[Telling]:
    """What is new in each complaint, by service. `heard` grows with what is told."""
    return [
        telling._replace(reason=reason)
        for complaint in complaints
        for (service, reason), placed in _by_service(complaint).items()
        if (telling := _telling(complaint, service, placed, heard)) is not None
    ]


def move(telling: Telling, docket: int, *, with_reviews: bool) -> Move:
    """The stimulus for one docket. Reviews of a whole report come with one of its parts only."""
    complaint = telling.complaint
    ips = tuple(dict.fromkeys(one.ip for one in telling.placed if one.ip))
    since = min(one.at for one in telling.placed)
    report = str(complaint.id)
    stimulus: ReportStimulus | Unattributed
    if telling.service is None:
        stimulus = Unattributed(
            report, complaint.category, ips, since, with_reviews=with_reviews, reason=telling.reason
        )
    else:
        stimulus = ReportStimulus(
            report,
            complaint.category,
            ips,
            since,
            events=telling.events,
            assurance=complaint.assurance,
            listing=_blocklist(complaint),
            stability_risk=complaint.report.stability_risk,
            mandate=_mandate(complaint),
            with_reviews=with_reviews,
            suppressed=_muffled(complaint.covered),
        )
    part = "" if telling.reason == NOBODY else f":{telling.reason}"
    return Move(docket, stimulus, f"report:{report}{part}", complaint.unread.received_at)


def _blocklist(complaint: Complaint) -> str | None:
    """The blocklist whose entry the report is, where we asked it ourselves."""
    origin = complaint.unread.provenance
    return origin.get("listing") or origin.get("blocklist")


def _mandate(complaint: Complaint) -> timedelta | None:
    """The time that a mandate leaves from the receipt on."""
    report = complaint.report
    left = report.due_by - complaint.unread.received_at if report.due_by is not None else report.due_within
    return max(left, timedelta()) if left is not None else None


def raisings(enacted: Iterable[Enacted]) -> list[Move]:
    """The verifications by which reports that stand beside an independent one become corroborated.

    Suppressed reports and others keep apart: what an operator set aside makes nobody else's word weigh more.
    """
    enacted = list(enacted)
    beside = {(one.move.docket, *pair): one.move.at for one in enacted for pair in _beside(one)}
    muffled = _suppressed(enacted) if beside else set()
    known = _evidence({report for _, _, report in beside})
    moves: dict[tuple[int, str], Move] = {}
    for (docket, occurrence, report), at in beside.items():
        kin = {other for where, which, other in beside if (where, which) == (docket, occurrence)}
        others = kin & muffled if report in muffled else kin - muffled
        witness = _witness(report, others, known)
        if witness is not None:
            stimulus = Verification(report, "corroborated")
            reason = corroboration(known[report].evidence, witness.evidence)
            moves.setdefault((docket, report), Move(docket, stimulus, f"corroborated:{report}", at, reason=reason))
    return list(moves.values())


def _witness(report: str, others: set[str], known: Mapping[str, Known]) -> Known | None:
    """One of the other reports whose voice is independent of this one's; the same however often it is asked."""
    if report not in known:
        return None
    mine = known[report].marks
    return next((known[one] for one in sorted(others & known.keys()) if independent(mine, known[one].marks)), None)


def _muffled(covered: Suppression | None) -> Muffled | None:
    return covered.effect if covered is not None and covered.effect != "count_only" else None


def _by_service(complaint: Complaint) -> dict[tuple[int | None, str], list[tuple[bytes, Placed]]]:
    found: dict[tuple[int | None, str], list[tuple[bytes, Placed]]] = {}
    for key, placed in zip(complaint.identities, complaint.placed, strict=True):
        found.setdefault((placed.service, placed.reason), []).append((key, placed))
    return found


def _telling(
    complaint: Complaint, service: int | None, placed: list[tuple[bytes, Placed]], heard: dict[bytes, Heard]
) -> Telling | None:
    own = Heard(complaint.voice.organisation, complaint.assurance, complaint.id)
    told: dict[bytes, Placed] = {}
    fresh: list[bytes] = []
    later: dict[bytes, Heard] = {}
    events = 0
    for key, one in placed:
        before = heard.get(key)
        if key in told or (before is not None and _repeats(key, own, before, heard)):
            continue
        told[key] = one
        if before is None:
            fresh.append(key)
            heard[key] = own
        else:
            later |= _remembered(key, own, before)
        if before is None or _counts_now(own, before):
            events += one.event.count
    heard |= later
    reports = tuple((key, one.report) for key, one in later.items())
    return Telling(complaint, service, tuple(told.values()), tuple(fresh), events, later=reports) if told else None


def _repeats(key: bytes, own: Heard, before: Heard, heard: dict[bytes, Heard]) -> bool:
    """Whether the same voice says again what it said, with no more to vouch for it."""
    said = before if own.organisation == before.organisation else heard.get(voiced(key, own.organisation))
    return said is not None and not _is_better(own, said)


def _counts_now(own: Heard, before: Heard) -> bool:
    """Whether an event that nobody could believe is told by somebody who can be: only then is it counted once more.

    What was believed is raised where it stands, with its events, when somebody believed even more says the same.
    """
    return RANK[before.assurance] < _KNOWN <= RANK[own.assurance]


def _is_better(one: Heard, other: Heard) -> bool:
    return RANK[one.assurance] > RANK[other.assurance]


def _remembered(key: bytes, own: Heard, before: Heard) -> dict[bytes, Heard]:
    """An event is known by the telling that is believed most; the other voices' tellings each stand beside it."""
    if not _is_better(own, before):
        return {voiced(key, own.organisation): own}
    if own.organisation == before.organisation:
        return {key: own}
    return {key: own, voiced(key, before.organisation): before}


def _beside(one: Enacted) -> list[tuple[str, str]]:
    """Occurrence and id of the reports that are believed at least as authenticated, where the move brought one."""
    stimulus = one.move.stimulus
    if not isinstance(stimulus, ReportStimulus) or RANK[stimulus.assurance] < _KNOWN:
        return []
    for occurrence in one.decision.docket.occurrences:
        believed = _believed(occurrence)
        if stimulus.id in believed:
            return [(occurrence.id, report) for report in believed] if len(believed) > 1 else []
    return []


def _suppressed(enacted: Iterable[Enacted]) -> set[str]:
    """The ids of the suppressed reports in the dockets that the moves left."""
    dockets = {one.move.docket: one.decision.docket for one in enacted}
    heard = (report for docket in dockets.values() for one in docket.occurrences for report in one.reports)
    return {one.id for one in heard if one.suppressed is not UNSET}


def _believed(occurrence: Occurrence) -> list[str]:
    return [one.id for one in occurrence.reports if not one.rejected and RANK[one.assurance] >= _KNOWN]


def _evidence(reports: set[str]) -> dict[str, Known]:
    rows = models.Report.objects.filter(pk__in=reports).values_list("pk", "evidence") if reports else []
    return {str(pk): Known(evidence, marks_of(evidence)) for pk, evidence in rows}


def seen_rows(told: Iterable[Telling]) -> list[tuple[bytes, uuid.UUID]]:
    """The identities to remember, in one order for all workers, so that none waits for another in a circle."""
    return sorted((key, one.complaint.id) for one in told for key in one.fresh)


def later_rows(told: Iterable[Telling]) -> list[tuple[bytes, uuid.UUID]]:
    """The further tellings to remember of events that were told before, each key once, in the same order."""
    return sorted(dict(row for one in told for row in one.later).items())
