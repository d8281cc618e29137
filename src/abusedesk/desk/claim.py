"""Claim: which of the waiting messages a worker takes in hand, and that it is through with them.

A claim is a lease: a worker that dies lets it run out, and another reads the same messages again.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec
from django.db import connection, transaction

from abusedesk.desk.parse import Unread
from abusedesk.records.bulk import Row, give_rows, storable
from abusedesk.records.payload import unseal
from abusedesk.vocabulary.report import Reading

BATCH = 200
BATCH_BYTES = 64 * 1024 * 1024
"""So much of payloads is held at once; a batch ends with the message that reaches it."""

LEASE = timedelta(minutes=5)

LATELY = timedelta(seconds=0.2)
"""So long a few messages are left to another worker that reads: those that come meanwhile are then read with them."""

# A batch costs almost as much for one message as for ten.
_FOR_US = """
WITH waiting AS (SELECT count(*) AS few FROM (
    SELECT FROM records_messageseen WHERE read_at IS NULL AND (lease_until IS NULL OR lease_until <= %(now)s)
    LIMIT %(full)s) AS one)
SELECT few >= %(full)s OR few > 0 AND NOT EXISTS (
    SELECT FROM records_messageseen WHERE read_at IS NULL AND lease_until > %(lately)s) FROM waiting
"""

# The claim is not waited for until it is on the disk: a server that forgets it has lost its connections as well.
_CLAIM = """
UPDATE records_messageseen SET lease_until = %(until)s, attempts = attempts + 1
WHERE (SELECT set_config('synchronous_commit', 'off', true)) = 'off'
  AND digest IN (SELECT digest FROM records_messageseen
                 WHERE read_at IS NULL AND (lease_until IS NULL OR lease_until <= %(now)s)
                 ORDER BY received_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING digest, message_id, attempts
"""

_SIZES = """
SELECT id, size FROM records_message WHERE id = ANY(%s) ORDER BY received_at, id
"""

_GIVE_BACK = """
UPDATE records_messageseen SET lease_until = NULL, attempts = attempts - 1 WHERE digest = ANY(%s)
"""

_MESSAGES = """
SELECT message.id, COALESCE(seen.again_at, message.received_at), message.retention, message.brand_id, message.channel,
       message.name, message.sender, message.payload, message.recipient, message.details, message.envelope_from,
       message.provenance, message.designation, message.subject, key.key
FROM records_message message JOIN records_messageseen seen ON seen.digest = message.digest
LEFT JOIN records_messagekey key ON key.message_id = message.id
WHERE message.id = ANY(%s) ORDER BY message.received_at, message.id
"""

_READ = """
UPDATE records_message message SET outcome = read.outcome, format = read.format, reason = read.reason
FROM json_to_recordset(%s::json) AS read(id uuid, outcome text, format text, reason text)
WHERE message.id = read.id
"""

_DONE = """
UPDATE records_messageseen seen SET read_at = row.at, lease_until = NULL
FROM json_to_recordset(%s::json) AS row(digest text, at timestamptz) WHERE seen.digest = decode(row.digest, 'base64')
"""


def is_for_us(now: datetime) -> bool:
    """Whether messages wait that are not better left to a worker that reads now: a whole batch, or any if none does."""
    with connection.cursor() as cursor:
        cursor.execute(_FOR_US, {"now": now, "lately": now + LEASE - LATELY, "full": BATCH})
        return bool(cursor.fetchone()[0])


def claim(now: datetime, limit: int) -> list[Unread]:
    """Up to `limit` of the waiting messages, the oldest first, for as long as `LEASE`."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "until": now + LEASE, "limit": limit})
        claimed = {message_id: (bytes(digest), attempts) for digest, message_id, attempts in cursor.fetchall()}
        cursor.execute(_SIZES, [list(claimed)])
        found = {message_id: (size, claimed[message_id][1]) for message_id, size in cursor.fetchall()}
        kept = _manageable(found)
        if len(kept) < len(found):
            cursor.execute(_GIVE_BACK, [[claimed[one][0] for one in found if one not in kept]])
        cursor.execute(_MESSAGES, [list(kept)])
        return [_unread(row, *claimed[row[0]]) for row in cursor.fetchall()]


def _manageable(found: Mapping[uuid.UUID, tuple[int, int]]) -> set[uuid.UUID]:
    """Of messages with their sizes and attempts, as many from the first on as can be held at once.

    What broke off before is read alone: if it ends its reader again, it takes no other message with it.
    """
    kept: set[uuid.UUID] = set()
    total = 0
    for message_id, (size, attempts) in found.items():
        again = attempts > 1
        if kept and (again or total >= BATCH_BYTES):
            break
        kept.add(message_id)
        total += size
        if again:
            break
    return kept


def _unread(row: tuple[object, ...], digest: bytes, attempts: int) -> Unread:
    *known, provenance, kind, subject, key = row
    message_id, received_at, retention, brand, channel, name, sender, payload, *envelope = known
    data = unseal(bytes(key), bytes(payload)) if key is not None and payload is not None else None  # type: ignore[call-overload]
    envelope += [msgspec.json.decode(str(provenance), type=dict[str, str]), kind, subject]
    return Unread(message_id, digest, received_at, retention, brand, channel, name, sender, data, attempts, *envelope)  # type: ignore[arg-type]


def mark_read(reads: Iterable[tuple[Unread, Reading]], now: datetime) -> None:
    """Notes what messages turned out to be; nobody claims them again."""
    done = list(reads)
    give_rows(_READ, [_read_row(unread.message_id, reading) for unread, reading in done])
    give_rows(_DONE, [{"digest": unread.digest, "at": now} for unread, _ in done])


def _read_row(message: uuid.UUID, reading: Reading) -> Row:
    reason = storable(reading.reason or "")
    return {"id": message, "outcome": reading.outcome, "format": reading.format, "reason": reason}
