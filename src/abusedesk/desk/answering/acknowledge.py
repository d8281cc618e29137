"""Receipts for reporters (RFC 3834): ordered with the reading of a report, sent later as any notice.

Nobody gets one who might not have written: by the brand's setting `acknowledge` a signature must vouch for the sender
(`known`, where nothing is said), or anybody who may be answered gets one (`everybody`), or nobody (`off`). One for a
thread, and only so many an hour and a day for an address, a domain, and for all whom nobody vouches for.
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
FOLLOWS = "what_follows"
"""The brand's setting with what a receipt says of what happens next, by language."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST_LOOK = timedelta(minutes=15)
MACHINES = frozenset({"arf"})
"""Formats that machines write to machines: RFC 5965 wants no answer to them."""
TAKEN_BY_HAND = "ingest"
"""The channel of `abusedesk ingest`: whoever reads an archive in owes nobody a receipt."""


class Limit(NamedTuple):
    """So many receipts an hour and a day."""

    an_hour: int
    a_day: int


PER_ADDRESS = Limit(5, 20)
PER_DOMAIN = Limit(60, 300)
UNVOUCHED = Limit(60, 300)
"""All senders of a brand together whom nobody vouches for: forged ones are never answered in bulk."""

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('abusedesk.acknowledge'))"
_COUNTS = """
SELECT 'address' AS kind, address AS name, count(*) FILTER (WHERE opened_at > %(hour)s), count(*)
FROM records_thread WHERE address = ANY(%(addresses)s) AND opened_at > %(day)s GROUP BY address
UNION ALL
SELECT 'domain', domain, count(*) FILTER (WHERE opened_at > %(hour)s), count(*)
FROM records_thread WHERE domain = ANY(%(domains)s) AND opened_at > %(day)s GROUP BY domain
UNION ALL
SELECT 'unvouched', brand_id::text, count(*) FILTER (WHERE opened_at > %(hour)s), count(*)
FROM records_thread WHERE NOT is_vouched AND brand_id = ANY(%(brands)s) AND opened_at > %(day)s GROUP BY brand_id
UNION ALL
SELECT 'thread', mail_id, 1, 1 FROM records_thread WHERE mail_id = ANY(%(mails)s) AND mail_id <> ''
UNION ALL
SELECT 'thread', message_id::text, 1, 1 FROM records_thread WHERE message_id = ANY(%(messages)s)
UNION ALL
SELECT 'refused', thread.address, 1, 1
FROM records_thread thread JOIN records_notice notice ON notice.thread_id = thread.id
WHERE thread.address = ANY(%(addresses)s) AND notice.state IN ('bounced', 'failed')
"""


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


def order(reads: Sequence[Read], now: datetime) -> None:
    """Orders receipts for what was read, in the transaction that writes what became of it."""
    mails = [(one, mail) for one in reads if _may_be(one) and not (mail := _asked(one)).refused]
    wanted = _wanted(mails) if mails else []
    if not wanted:
        return
    made = _within_limits(wanted, now)
    Thread.objects.bulk_create(made)
    Effect.objects.bulk_create([_effect(one, now) for one in made if one.acknowledged_at], ignore_conflicts=True)
    ring()


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
        _Wanted(read.unread, mail, brands[read.unread.brand or 0], is_vouched(read.evidence, mail.domain))
        for read, mail in mails
        if brands.get(read.unread.brand or 0) in acting
        and mail.to not in own
        and not any(name.rpartition("@")[2].rstrip(">").lower() in domains for name in mail.thread)
    )
    return [one for one in found if one.is_vouched or setting_of(one.brand) == "everybody"]


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


def tells_outcome(brand: Brand) -> bool:
    """Whether the brand tells reporters what became of their reports."""
    return bool(brand.settings.get(TELL_OUTCOME))


# --- limits ---------------------------------------------------------------------------------------------------------


def _within_limits(wanted: list[_Wanted], now: datetime) -> list[Thread]:
    hour, day, known = _counted(wanted, now)
    made: list[Thread] = []
    for one in wanted:
        chain = (one.mail.message_id, str(one.message.message_id), *one.mail.thread)
        names, limits = {("thread", name) for name in chain if name}, _limits(one)
        full = any(hour[key] >= limit.an_hour or day[key] >= limit.a_day for key, limit in limits.items())
        if full or known & {*names, ("refused", one.mail.to)}:
            continue
        known |= names
        hour.update(limits.keys())
        day.update(limits.keys())
        made.append(_thread(one, now))
    return made


def _limits(one: _Wanted) -> dict[tuple[str, str], Limit]:
    limits = {("address", one.mail.to): PER_ADDRESS, ("domain", one.mail.domain): PER_DOMAIN}
    return limits if one.is_vouched else {**limits, ("unvouched", str(one.brand.pk)): UNVOUCHED}


def _counted(
    wanted: list[_Wanted], now: datetime
) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]], set[tuple[str, str]]]:
    """How often each was written to within the hour and the day; and which threads and refusals are known."""
    asked_for: dict[str, Any] = {
        "hour": now - HOUR,
        "day": now - DAY,
        "addresses": sorted({one.mail.to for one in wanted}),
        "domains": sorted({one.mail.domain for one in wanted}),
        "brands": sorted({one.brand.pk for one in wanted}),
        "mails": sorted({name for one in wanted for name in (one.mail.message_id, *one.mail.thread)}),
        "messages": [one.message.message_id for one in wanted],
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)  # Two workers that count at once would both find room for the last one.
        cursor.execute(_COUNTS, asked_for)
        rows = cursor.fetchall()
    hour = Counter({(kind, name): lately for kind, name, lately, _ in rows})
    day = Counter({(kind, name): today for kind, name, _, today in rows})
    return hour, day, {(kind, name) for kind, name, *_ in rows if kind in {"thread", "refused"}}


# --- what is ordered ------------------------------------------------------------------------------------------------


def _thread(one: _Wanted, now: datetime) -> Thread:
    thread = threads.begun(one.brand, one.message.message_id, one.mail, now, is_vouched=one.is_vouched)
    thread.acknowledged_at = now if setting_of(one.brand) != "off" else None
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
