"""Receipts for reporters (RFC 3834): ordered with the reading of a report, sent later as any notice.

Nobody gets one who might not have written: by the brand's setting `acknowledge` a signature must vouch for the sender
(`known`, where nothing is said), or anybody who may be answered gets one (`everybody`), or nobody (`off`). One for a
thread, one for a reporter within the hour, and only so many for an address, a domain, and for all whom nobody vouches
for.

Two machines never answer each other for ever (RFC 3834, section 2): what declares itself automatic gets nothing, nor
what comes back with a number of ours in it; and whoever was written to within the month gets a receipt for a report
alone, never for a mail that first has to be understood, such as a help desk's own receipt under a new subject.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, Protocol

from django.db import connection
from django.db.models import prefetch_related_objects

from abusedesk.desk.answering import threads
from abusedesk.desk.hearing.answers import Answer
from abusedesk.desk.outcome import SETTING as TELL_OUTCOME
from abusedesk.desk.parse import Unread, is_illegal
from abusedesk.desk.verify import Voice, registered_domain
from abusedesk.parsing.material import Material
from abusedesk.parsing.responding import Asked, asked
from abusedesk.policy.own_notices import ACKNOWLEDGEMENT
from abusedesk.records.bell import ring
from abusedesk.records.models import Brand, Effect, Thread
from abusedesk.vocabulary.evidence import Evidence, ground_of
from abusedesk.vocabulary.report import Reading

Setting = Literal["off", "known", "everybody"]
SETTING = "acknowledge"
"""The brand's setting that says who gets a receipt."""
SETTINGS: tuple[Setting, ...] = ("off", "known", "everybody")
AN_HOUR = "receipts_an_hour"
"""The brand's setting with how many receipts one address gets within an hour; one where nothing is said."""
MOST_AN_HOUR = 20
FOLLOWS = "what_follows"
"""The brand's setting with what a receipt says of what happens next, by language."""

HOUR, DAY, MONTH = timedelta(hours=1), timedelta(days=1), timedelta(days=30)
FIRST_LOOK = timedelta(minutes=15)
MACHINES = frozenset({"arf"})
"""Formats that machines write to machines: RFC 5965 wants no answer to them."""
BY_PEOPLE = frozenset({"prose", "legal", "form"})
"""Formats that people write. Of what a sensor writes, whatever its address, a domain gets one receipt an hour."""
TAKEN_BY_HAND = "ingest"
"""The channel of `abusedesk ingest`: whoever reads an archive in owes nobody a receipt."""


class Limit(NamedTuple):
    """So many receipts an hour and a day."""

    an_hour: int
    a_day: int


PER_ADDRESS = Limit(MOST_AN_HOUR, 20)
PER_DOMAIN = Limit(60, 300)
UNVOUCHED = Limit(60, 300)
"""All senders of a brand together whom nobody vouches for: forged ones are never answered in bulk."""

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('abusedesk.acknowledge'))"
_COUNTS = """
SELECT 'address' AS kind, address AS name, count(*) FILTER (WHERE opened_at > %(hour)s),
       count(*) FILTER (WHERE opened_at > %(day)s), count(*) FILTER (WHERE acknowledged_at > %(hour)s),
       array_agg(token)
FROM records_thread WHERE address = ANY(%(addresses)s) AND opened_at > %(month)s GROUP BY address
UNION ALL
SELECT 'domain', domain, count(*) FILTER (WHERE opened_at > %(hour)s), count(*),
       count(*) FILTER (WHERE acknowledged_at > %(hour)s), '{}'
FROM records_thread WHERE domain = ANY(%(domains)s) AND opened_at > %(day)s GROUP BY domain
UNION ALL
SELECT 'unvouched', brand_id::text, count(*) FILTER (WHERE opened_at > %(hour)s), count(*), 0, '{}'
FROM records_thread WHERE NOT is_vouched AND brand_id = ANY(%(brands)s) AND opened_at > %(day)s GROUP BY brand_id
UNION ALL
SELECT 'thread', mail_id, 1, 1, 0, '{}' FROM records_thread WHERE mail_id = ANY(%(mails)s) AND mail_id <> ''
UNION ALL
SELECT 'thread', message_id::text, 1, 1, 0, '{}' FROM records_thread WHERE message_id = ANY(%(messages)s)
UNION ALL
SELECT 'refused', thread.address, 1, 1, 0, '{}'
FROM records_thread thread JOIN records_notice notice ON notice.thread_id = thread.id
WHERE thread.address = ANY(%(addresses)s) AND notice.state IN ('bounced', 'failed')
"""

_Key = tuple[str, str]
"""`address`, `domain`, `unvouched`, `thread` or `refused`, and which."""


class Read(Protocol):
    """A message as intake read it."""

    @property
    def unread(self) -> Unread:
        """The message."""

    @property
    def reading(self) -> Reading:
        """What it turned out to be."""

    @property
    def voice(self) -> Voice:
        """Who speaks in it."""

    @property
    def evidence(self) -> Evidence:
        """What vouches for the sender."""

    @property
    def answer(self) -> Answer | None:
        """What it answers, if anything."""

    @property
    def filed(self) -> object | None:
        """The file that it belongs into: who answers a letter is the one who keeps the file."""


class _Wanted(NamedTuple):
    """A message that may be answered."""

    message: Unread
    mail: Asked
    brand: Brand
    is_vouched: bool
    is_report: bool
    by_machine: bool


class _Known(NamedTuple):
    """What was written to whom: threads within the hour and the day, receipts within the hour, and the month's tokens.

    `marks` are the threads and refusals that are known.
    """

    hour: Counter[_Key]
    day: Counter[_Key]
    receipts: Counter[_Key]
    tokens: dict[str, set[str]]
    marks: set[_Key]

    def add(self, one: _Wanted, *, receipt: bool) -> None:
        """One more thread is begun."""
        keys = [*_limits(one)]
        self.hour.update(keys)
        self.day.update(keys)
        self.receipts.update(keys if receipt else ())
        self.marks.update(_names(one))
        self.tokens.setdefault(one.mail.to, set())


def order(reads: Sequence[Read], now: datetime) -> None:
    """Orders receipts for what was read, in the transaction that writes what became of it."""
    mails = [(one, mail) for one in reads if _may_be(one) and not (mail := _asked(one)).refused]
    wanted = _wanted(mails) if mails else []
    if not wanted:
        return
    made = _within_limits(wanted, now)
    Thread.objects.bulk_create(made)
    Effect.objects.bulk_create([_effect(one, now) for one in made if one.acknowledged_at], ignore_conflicts=True)
    ring("send")


def _may_be(read: Read) -> bool:
    """Whether it is a report, or may be one, of somebody who may be answered: what costs nothing to ask comes first."""
    unread, reading = read.unread, read.reading
    return (
        reading.outcome in {"reported", "needs_review"}
        and reading.format not in MACHINES
        and read.answer is None
        and read.filed is None
        and unread.payload is not None
        and unread.brand is not None
        and unread.channel != TAKEN_BY_HAND
        and not read.voice.muted
        and not is_illegal(reading)
    )


def _asked(read: Read) -> Asked:
    unread = read.unread
    return asked(unread.payload or b"", envelope_from=unread.envelope_from, at=unread.received_at)


def _wanted(mails: list[tuple[Read, Asked]]) -> list[_Wanted]:
    """What the brands' settings leave of it. Nothing of our own is answered, nor what follows on a mail of ours."""
    brands = Brand.objects.in_bulk({one.unread.brand for one, _ in mails})
    acting = [one for one in brands.values() if setting_of(one) != "off" or tells_outcome(one)]
    if not acting:
        return []
    own = _own_addresses()
    domains = {address.rpartition("@")[2] for address in own}
    found = (
        _want(read, mail, brands[read.unread.brand or 0])
        for read, mail in mails
        if brands.get(read.unread.brand or 0) in acting
        and mail.to not in own
        and not any(name.rpartition("@")[2].rstrip(">").lower() in domains for name in mail.thread)
    )
    return [one for one in found if one.is_vouched or setting_of(one.brand) == "everybody"]


def _want(read: Read, mail: Asked, brand: Brand) -> _Wanted:
    is_report = read.reading.outcome == "reported"
    by_machine = is_report and read.reading.format not in BY_PEOPLE
    return _Wanted(read.unread, mail, brand, is_vouched(read.evidence, mail.domain), is_report, by_machine)


def is_vouched(evidence: Evidence, domain: str) -> bool:
    """Whether the sender of a mail can be taken to have sent it, so that a receipt reaches nobody who did not write.

    SPF proves no report, for a whole host speaks by it; but that a mail came from its domain's own host is enough here.
    """
    by_path = evidence.known and evidence.spf == "pass" and _is_aligned(evidence.spf_domain, domain)
    return bool(ground_of(evidence)) or by_path


def _is_aligned(one: str, other: str) -> bool:
    return registered_domain(one) == registered_domain(other) != ""


def _own_addresses() -> set[str]:
    """The addresses of all brands: no desk of this house writes to another."""
    brands = list(Brand.objects.all())
    prefetch_related_objects(brands, "addresses")
    named = [one.sender for one in brands] + [one.address for brand in brands for one in brand.addresses.all()]
    return {one.lower() for one in named}


def setting_of(brand: Brand) -> Setting:
    """Who gets a receipt of the brand."""
    said = brand.settings.get(SETTING, "known")
    return next((one for one in SETTINGS if one == said), "known")


def receipts_an_hour(brand: Brand) -> int:
    """How many receipts the brand sends one address within an hour, from 1 to MOST_AN_HOUR."""
    said = brand.settings.get(AN_HOUR, 1)
    return min(max(said, 1), MOST_AN_HOUR) if isinstance(said, int) else 1


def tells_outcome(brand: Brand) -> bool:
    """Whether the brand tells reporters what became of their reports."""
    return bool(brand.settings.get(TELL_OUTCOME))


# --- limits ---------------------------------------------------------------------------------------------------------


def _within_limits(wanted: list[_Wanted], now: datetime) -> list[Thread]:
    known = _counted(wanted, now)
    made: list[Thread] = []
    for one in wanted:
        receipt = _may_have_receipt(one, known)
        # A reporter who had a receipt within the hour is told the outcome all the same.
        if _may_have_thread(one, known) and (receipt or tells_outcome(one.brand)) and not _comes_back(one, known):
            known.add(one, receipt=receipt)
            made.append(_thread(one, now, receipt=receipt))
    return made


def _may_have_thread(one: _Wanted, known: _Known) -> bool:
    full = any(known.hour[key] >= limit.an_hour or known.day[key] >= limit.a_day for key, limit in _limits(one).items())
    return not full and not known.marks & {*_names(one), ("refused", one.mail.to)}


def _may_have_receipt(one: _Wanted, known: _Known) -> bool:
    if setting_of(one.brand) == "off" or known.receipts["address", one.mail.to] >= receipts_an_hour(one.brand):
        return False
    return not (one.by_machine and known.receipts["domain", one.mail.domain])


def _comes_back(one: _Wanted, known: _Known) -> bool:
    """Whether it may be what our own mail set off: an answer with a new subject, from one who was written to lately."""
    if one.mail.to not in known.tokens:
        return False
    if not one.is_report:
        return True
    tokens, text = known.tokens[one.mail.to], Material(one.message.payload or b"").text
    return any(token in text or token in one.mail.subject for token in tokens)


def _names(one: _Wanted) -> set[_Key]:
    """The thread that it is in, by everything that names it."""
    chain = (one.mail.message_id, str(one.message.message_id), *one.mail.thread)
    return {("thread", name) for name in chain if name}


def _limits(one: _Wanted) -> dict[_Key, Limit]:
    limits = {("address", one.mail.to): PER_ADDRESS, ("domain", one.mail.domain): PER_DOMAIN}
    return limits if one.is_vouched else {**limits, ("unvouched", str(one.brand.pk)): UNVOUCHED}


def _counted(wanted: list[_Wanted], now: datetime) -> _Known:
    asked_for: dict[str, Any] = {
        "hour": now - HOUR,
        "day": now - DAY,
        "month": now - MONTH,
        "addresses": sorted({one.mail.to for one in wanted}),
        "domains": sorted({one.mail.domain for one in wanted}),
        "brands": sorted({one.brand.pk for one in wanted}),
        "mails": sorted({name for one in wanted for name in (one.mail.message_id, *one.mail.thread)}),
        "messages": [one.message.message_id for one in wanted],
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)  # Two workers that count at once would both find room for the last one.
        cursor.execute(_COUNTS, asked_for)
        rows = [((kind, name), *counts) for kind, name, *counts in cursor.fetchall()]
    return _Known(
        Counter({key: lately for key, lately, *_ in rows}),
        Counter({key: today for key, _, today, *_ in rows}),
        Counter({key: receipts for key, _, _, receipts, _ in rows}),
        {name: set(tokens) for (kind, name), *_, tokens in rows if kind == "address"},
        {key for key, *_ in rows if key[0] in {"thread", "refused"}},
    )


# --- what is ordered ------------------------------------------------------------------------------------------------


def _thread(one: _Wanted, now: datetime, *, receipt: bool) -> Thread:
    thread = threads.begun(one.brand, one.message.message_id, one.mail, now, is_vouched=one.is_vouched)
    thread.acknowledged_at = now if receipt else None
    thread.look_at = now + FIRST_LOOK if tells_outcome(one.brand) else None
    return thread


def _effect(thread: Thread, now: datetime) -> Effect:
    return Effect(
        brand=thread.brand,
        key=f"acknowledge:{thread.message_id}",
        kind="notice",
        payload={"to": "reporter", "thread": thread.pk, "address": thread.address, "template": ACKNOWLEDGEMENT},
        state="dry_run" if thread.brand.dry_run else "pending",
        due=now,
    )
