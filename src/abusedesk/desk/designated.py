"""Designated addresses: mail to them opens files of their own, and goes on as a report only as far as its kind may.

A mail belongs to a file by what it follows on, by the file's number in its subject, or by opening it. A letter or an
authority's request moves no docket: a person makes a report of it. What does go on from here is believed no more than
anybody's word until a person verifies it, so that nothing but an abuse report leads to an automatic measure.
"""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from django.db import connection, transaction
from django.db.models import Max

from abusedesk.desk.attribute import Placed, attribute
from abusedesk.desk.hearing.answers import FORMAT as ANSWER
from abusedesk.desk.hearing.answers import Answer
from abusedesk.desk.parse import Unread, is_illegal
from abusedesk.desk.receive import HEADER_CAP, Incoming, receive
from abusedesk.parsing import legal
from abusedesk.parsing.answers import Envelope, envelope_of
from abusedesk.parsing.formats import form, noise
from abusedesk.parsing.material import Material
from abusedesk.records.bulk import storable
from abusedesk.records.holders import Holders, holders
from abusedesk.records.models import FileEntry, LegalFile, Message, Service
from abusedesk.vocabulary.assurance import Assurance, reaches
from abusedesk.vocabulary.category import ILLEGAL_CONTENT
from abusedesk.vocabulary.designation import (
    ABUSE,
    AUTHORITY,
    DESIGNATIONS,
    FILED,
    RANK,
    becomes_report,
    reference,
)
from abusedesk.vocabulary.report import Event, Notice, Reading, Report

FORMAT = "file"
CHANNEL = "desk"
"""By which comes what staff make of a file."""

_PREFIXES = "|".join(DESIGNATIONS[kind].prefix for kind in FILED)
_REFERENCE = re.compile(rf"\b(?:{_PREFIXES})-2\d{{3}}-\d{{4,7}}\b")
_LAWS = {"dsa": legal.ILLEGAL_CONTENT, "copyright": legal.COPYRIGHT, "dmca": legal.COPYRIGHT}
_MACHINES = frozenset({"own", "bounce", "machine"})


class Filing(NamedTuple):
    """Which file a message belongs into: one that it follows on, or a new one of its kind."""

    kind: str
    envelope: Envelope
    follows: int | None = None


class Filed(NamedTuple):
    """A message to be filed, with what was read in it before its kind held anything back."""

    unread: Unread
    filing: Filing
    reading: Reading


class _Known(NamedTuple):
    """A file that a message may belong to."""

    pk: int
    brand: int
    kind: str


# --- recognising ----------------------------------------------------------------------------------------------------


def recognise(batch: Sequence[Unread], answered: Mapping[uuid.UUID, Answer]) -> dict[uuid.UUID, Filing]:
    """The messages of a batch that belong into files. Asks the database once, and not where nothing could."""
    found = [(one, envelope_of(one.payload or b"")) for one in batch if _may_file(one, answered.get(one.message_id))]
    by_reference, by_mail = _files(found)
    filings = ((one, _filing(one, envelope, by_reference, by_mail)) for one, envelope in found)
    return {one.message_id: filing for one, filing in filings if filing is not None}


def _may_file(unread: Unread, answer: Answer | None) -> bool:
    if unread.designation != ABUSE:
        return answer is None or answer.standing not in _MACHINES
    if answer is not None or unread.payload is None:
        return False
    return _REFERENCE.search(unread.subject) is not None or _follows_on(unread.payload)


def _follows_on(data: bytes) -> bool:
    """Whether the head of a mail names one that it follows on. Asked of every complaint, so it must cost nothing."""
    ends = (data.find(b"\n\n", 0, HEADER_CAP), data.find(b"\r\n\r\n", 0, HEADER_CAP))
    head = data[: min((at for at in ends if at >= 0), default=0)].lower()
    return b"\nin-reply-to:" in head or b"\nreferences:" in head


_FIND = """
SELECT id, brand_id, kind, reference, NULL FROM records_legalfile WHERE reference = ANY(%(references)s)
UNION ALL
SELECT file.id, file.brand_id, file.kind, NULL, entry.mail_id
FROM records_fileentry entry JOIN records_legalfile file ON file.id = entry.file_id
WHERE entry.mail_id = ANY(%(mails)s) AND entry.mail_id <> ''
"""


def _files(found: Iterable[tuple[Unread, Envelope]]) -> tuple[dict[str, list[_Known]], dict[str, list[_Known]]]:
    references = sorted({one for _, envelope in found for one in _REFERENCE.findall(envelope.subject)})
    mails = sorted({one for _, envelope in found for one in envelope.thread})
    by_reference: dict[str, list[_Known]] = {}
    by_mail: dict[str, list[_Known]] = {}
    if references or mails:
        with connection.cursor() as cursor:
            cursor.execute(_FIND, {"references": references, "mails": mails})
            for *known, name, mail in cursor.fetchall():
                by_reference.setdefault(name or "", []).append(_Known(*known))
                by_mail.setdefault(mail or "", []).append(_Known(*known))
    return by_reference, by_mail


def _filing(
    unread: Unread,
    envelope: Envelope,
    by_reference: Mapping[str, list[_Known]],
    by_mail: Mapping[str, list[_Known]],
) -> Filing | None:
    """The file it continues, if one may hold it: nothing to a restricted address goes where others read it."""
    named = [known for name in envelope.thread for known in by_mail.get(name, ())]
    named += [known for name in _REFERENCE.findall(envelope.subject) for known in by_reference.get(name, ())]
    own = (one for one in named if one.brand == unread.brand and _may_hold(one.kind, unread.designation))
    follows = next(own, None)
    if follows is not None:
        return Filing(follows.kind, envelope, follows.pk)
    return None if unread.designation == ABUSE or unread.brand is None else Filing(unread.designation, envelope)


def _may_hold(file: str, message: str) -> bool:
    return message != AUTHORITY or RANK[file] >= RANK[message]


# --- what goes on as a report ---------------------------------------------------------------------------------------


def withheld(reading: Reading, filing: Filing | None) -> Reading:
    """The reading as far as it goes on to the policy; the rest is in the file alone."""
    if filing is None or reading.format in {noise.NAME, ANSWER}:
        return reading
    reports = tuple(one for report in reading.reports if (one := _part(report, filing.kind)) is not None)
    found = tuple(one for one in reading.found if becomes_report(filing.kind, one.category))
    rest = msgspec.structs.replace(reading, reports=reports, found=found)
    return rest if reports or is_illegal(rest) else _only_filed(reading, filing.kind)


def _part(report: Report, kind: str) -> Report | None:
    events = tuple(event for event in report.events if becomes_report(kind, event.category))
    return msgspec.structs.replace(report, events=events) if events else None


def _only_filed(reading: Reading, kind: str) -> Reading:
    return Reading("not_a_report", FORMAT, f"{DESIGNATIONS[kind].one}: it is in its own file", reading.reporter)


def capped(assurance: Assurance, reason: str, filing: Filing | None, report: Report) -> tuple[Assurance, str]:
    """A grade and its reason: what came to a designated address or by a form acts once a person verified it."""
    if not reaches(assurance, "authenticated") or (filing is None and report.format != form.NAME):
        return assurance, reason
    what = f"a {DESIGNATIONS[filing.kind].one}" if filing else "said on a form"
    return "unverified", f"unverified: {what}, which acts when a person has verified it"


# --- the files ------------------------------------------------------------------------------------------------------


def write(filed: Sequence[Filed], table: Holders) -> None:
    """Enters messages into their files, and opens those that there are not. In the transaction of their reading."""
    filed = [one for one in filed if _is_entered(one)]
    if not filed:
        return
    opened = _open(filed, table)
    FileEntry.objects.bulk_create((_entry(one, opened) for one in filed), ignore_conflicts=True)
    for one in filed:
        if one.filing.follows is not None:
            _continue(one.filing.follows, one.unread)
    _mark([one for one in filed if one.filing.kind != one.unread.designation])


def _is_entered(one: Filed) -> bool:
    """A machine's mail opens no file; but whatever comes to an authority's address is kept for those who may look."""
    is_noise = one.reading.format == noise.NAME
    return not is_noise or one.filing.follows is not None or one.filing.kind == AUTHORITY


def _open(filed: Sequence[Filed], table: Holders) -> dict[uuid.UUID, int]:
    """The file of each message. One that follows on a mail of the same batch goes with it."""
    first: dict[str, Filed] = {}
    leads: dict[uuid.UUID, Filed] = {}
    for one in filed:
        before = next((first[name] for name in one.filing.envelope.thread if name in first), None)
        lead = before if before is not None and _goes_with(one, before) else one
        leads[one.unread.message_id] = lead
        if one.filing.envelope.message_id:
            first.setdefault(one.filing.envelope.message_id, lead)
    new = [one for one in filed if leads[one.unread.message_id] is one and one.filing.follows is None]
    made = _made(new, table) if new else {}
    follows = {one.unread.message_id: one.filing.follows for one in filed}
    return {
        message: follows[message] or follows[lead.unread.message_id] or made[lead.unread.message_id]
        for message, lead in leads.items()
    }


def _goes_with(one: Filed, before: Filed) -> bool:
    same = (one.unread.brand, one.filing.kind) == (before.unread.brand, before.filing.kind)
    return same and one.filing.follows is None


def _made(new: Sequence[Filed], table: Holders) -> dict[uuid.UUID, int]:
    with connection.cursor() as cursor:
        # Numbers have no gaps and none comes twice, so one counts at a time.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('records_legalfile'))")
    services = _services(new, table)
    numbers = _last_numbers(new)
    files = [_file(one, numbers, services.get(one.unread.message_id)) for one in new]
    LegalFile.objects.bulk_create(files)
    return {one.unread.message_id: file.pk for one, file in zip(new, files, strict=True)}


def _last_numbers(new: Sequence[Filed]) -> dict[tuple[int, str, int], int]:
    brands = {one.unread.brand for one in new}
    rows = LegalFile.objects.filter(brand__in=[one for one in brands if one is not None])
    counted = rows.values_list("brand_id", "kind", "year").annotate(last=Max("number"))
    return {(brand, kind, year): last for brand, kind, year, last in counted}


def _services(new: Sequence[Filed], table: Holders) -> dict[uuid.UUID, Service]:
    """Whose service each is about, where it names one: the first that held what it names at that time."""
    meant: dict[uuid.UUID, int] = {}
    for one in new:
        placed = attribute(_events(one), one.unread.received_at, one.unread.brand, table)
        service = next((at.service for at in placed if at.service is not None), None)
        if service is not None:
            meant[one.unread.message_id] = service
    known = Service.objects.in_bulk(list(meant.values())) if meant else {}
    return {message: known[pk] for message, pk in meant.items() if pk in known}


def _events(one: Filed) -> tuple[Event, ...]:
    return (*one.reading.events, *one.reading.found)


def _file(one: Filed, numbers: dict[tuple[int, str, int], int], service: Service | None) -> LegalFile:
    unread, kind, year = one.unread, one.filing.kind, one.unread.received_at.year
    counted = (unread.brand or 0, kind, year)
    numbers[counted] = numbers.get(counted, 0) + 1
    notice = _notice(one)
    return LegalFile(
        brand_id=counted[0],
        kind=kind,
        year=year,
        number=numbers[counted],
        reference=reference(kind, year, numbers[counted]),
        received_at=unread.received_at,
        last_at=unread.received_at,
        sender=storable(unread.sender or one.reading.reporter or "")[:320],
        subject=_subject(one),
        service=service,
        customer_id=service.customer_id if service else None,
        notice=msgspec.to_builtins(notice) if notice else None,
    )


def _notice(one: Filed) -> Notice | None:
    """The elements of the law, where the readers recognised them or the address stands for one."""
    read = next((report.notice for report in one.reading.reports if report.notice is not None), None)
    law = _LAWS.get(one.filing.kind)
    if read is not None or law is None or one.unread.payload is None or _is_cleared(one):
        return read
    return legal.elements(law, Material(one.unread.payload).text, _events(one))


def _subject(one: Filed) -> str:
    if _is_cleared(one):
        return ""
    said = one.reading.reports[0].summary if one.reading.format == form.NAME and one.reading.reports else ""
    return storable(one.filing.envelope.subject or said)[:998]


def _is_cleared(one: Filed) -> bool:
    """`safeguard:illegal_content`: nothing of it stays but that it came; an authority's own letter does."""
    return one.filing.kind != AUTHORITY and any(event.category in ILLEGAL_CONTENT for event in _events(one))


def _entry(one: Filed, opened: Mapping[uuid.UUID, int]) -> FileEntry:
    return FileEntry(
        file_id=opened[one.unread.message_id],
        kind="received",
        at=one.unread.received_at,
        author=storable(one.unread.sender or one.reading.reporter or "")[:320],
        subject=_subject(one),
        text="It spoke of illegal content: nothing of it was kept." if _is_cleared(one) else "",
        message_id=one.unread.message_id,
        mail_id=storable(one.filing.envelope.message_id)[:320],
    )


def _continue(file: int, unread: Unread) -> None:
    """A file that is written to is open again."""
    LegalFile.objects.filter(pk=file).update(state="open", last_at=unread.received_at)


def _mark(filed: Iterable[Filed]) -> None:
    """What continues a file is restricted as the file is, whichever address it came to."""
    by_kind: dict[str, list[uuid.UUID]] = {}
    for one in filed:
        if RANK[one.filing.kind] > RANK[one.unread.designation]:
            by_kind.setdefault(one.filing.kind, []).append(one.unread.message_id)
    for kind, messages in by_kind.items():
        Message.objects.filter(pk__in=messages).update(designation=kind)


# --- what people do with them ---------------------------------------------------------------------------------------


@transaction.atomic
def enter(file: LegalFile, kind: str, by: str, at: datetime, text: str) -> None:
    """A person's entry: `answered`, `note` or `closed`, with their words."""
    FileEntry.objects.create(file=file, kind=kind, at=at, author=by, text=storable(text))
    if kind in LegalFile.STATES:
        LegalFile.objects.filter(pk=file.pk).update(state=kind)


@transaction.atomic
def set_due(file: LegalFile, due: datetime | None, reason: str, by: str, at: datetime) -> None:
    """Until when it must be answered, and who asks for that; None where nothing is due any more."""
    LegalFile.objects.filter(pk=file.pk).update(due=due, due_reason=reason if due else "")
    told = f"due {due:%Y-%m-%d %H:%M} UTC: {reason}" if due else f"no longer due: {reason}"
    FileEntry.objects.create(file=file, kind="due", at=at, author=by, text=storable(told))


def would_be(said: form.Said, brand: int, at: datetime) -> list[Placed]:
    """What a report would say: each event with the service that held its source then. Nothing changes."""
    reading = form.read(Material(form.written(said)))
    return attribute(reading.events, at, brand, holders()) if reading else []


@transaction.atomic
def make_report(file: LegalFile, said: form.Said, by: str, at: datetime) -> uuid.UUID:
    """Makes a report of what a file says, once for the same words. It is unverified, as every report begins."""
    received = receive(Incoming(form.written(said), CHANNEL, at, said.reference, file.brand_id))
    made = {"kind": "report", "at": at, "author": by, "text": ", ".join(said.about)[:2000]}
    FileEntry.objects.get_or_create(file=file, message_id=received.message_id, defaults=made)
    return received.message_id
