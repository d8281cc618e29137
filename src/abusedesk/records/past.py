"""The record of a brand's decisions, read in order of time from one snapshot of the database, and never written.

Processes that read the same record side by side share the snapshot. Nothing here needs Django, so that such a process
starts at once.
"""

import sys
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from socket import AF_INET, AF_INET6, inet_pton
from typing import Any, NamedTuple

import msgspec
import psycopg
from msgspec.structs import replace
from psycopg import sql

from abusedesk.policy.decide import decide
from abusedesk.policy.docket import Docket
from abusedesk.policy.facts import Facts, Settings
from abusedesk.policy.pack import Pack
from abusedesk.policy.replay import MADE_ANEW, Around, Pause, Recorded, Start
from abusedesk.policy.stimulus import AnyStimulus
from abusedesk.vocabulary.holding import Assignment, AssignmentTable

_BATCH = 2000

_DOCKETS = """
SELECT docket.id, service.ref FROM records_docket docket
LEFT JOIN records_service service ON service.id = docket.service_id WHERE docket.brand_id = %(brand)s
"""

# One look at the table for all that a replay has to know of it beforehand. The ids come as one value,
# of eight bytes each: a million rows would take as long to read as to sort.
_IN_ORDER = """
SELECT string_agg(int8send(id), ''::bytea) FILTER (WHERE NOT erased), count(*) FILTER (WHERE erased)
FROM (SELECT decision.id, decision.salt = '' AS erased FROM records_decision decision
      WHERE decision.docket_id IN (SELECT id FROM records_docket WHERE brand_id = %(brand)s)
      ORDER BY decision.at, decision.id) AS decision
"""

_SERVICES = """
SELECT count(*) FROM records_docket docket WHERE brand_id = %(brand)s AND service_id IS NOT NULL
    AND EXISTS (SELECT FROM records_decision WHERE docket_id = docket.id)
"""

# Where the replay of each docket begins: at its first decision since a date.
_CUT = """
WITH cut AS (
    SELECT decision.docket_id, min(decision.sequence) AS first
    FROM records_decision decision JOIN records_docket docket ON docket.id = decision.docket_id
    WHERE docket.brand_id = %(brand)s AND decision.at >= %(since)s
    GROUP BY decision.docket_id
)
"""

_IN_ORDER_SINCE = (
    _CUT  # noqa: S608 - all of it is written here
    + """
SELECT string_agg(int8send(id), ''::bytea) FILTER (WHERE NOT erased), count(*) FILTER (WHERE erased)
FROM (SELECT decision.id, decision.salt = '' AS erased FROM cut JOIN records_decision decision USING (docket_id)
      WHERE decision.sequence >= cut.first ORDER BY decision.at, decision.id) AS decision
"""
)

_SERVICES_SINCE = (
    _CUT
    + """
SELECT count(*) FROM cut JOIN records_docket docket ON docket.id = cut.docket_id WHERE docket.service_id IS NOT NULL
"""
)

_DECISIONS = """
SELECT decision.id, decision.docket_id, decision.at, decision.stimulus, decision.facts, {effects}
FROM records_decision decision WHERE decision.id {wanted}
"""

# Dockets that heard nothing since a date stood then as they stand now.
_QUIET = """
SELECT docket.id, docket.state, decision.facts FROM records_docket docket
JOIN records_decision decision ON decision.docket_id = docket.id AND decision.sequence = docket.sequence
WHERE docket.brand_id = %(brand)s AND NOT EXISTS (
    SELECT FROM records_decision later WHERE later.docket_id = docket.id AND later.at >= %(since)s)
"""

# The others: their decisions before that date, from the newest snapshot on.
_NEWEST = """, newest AS (
    SELECT DISTINCT ON (docket_id) docket_id, decision.sequence
    FROM cut JOIN records_decision decision USING (docket_id)
    WHERE decision.sequence < cut.first AND decision.snapshot IS NOT NULL
    ORDER BY docket_id, decision.sequence DESC
)
"""

_EARLIER = (
    _CUT
    + _NEWEST
    + """
SELECT docket_id, decision.at, decision.stimulus, decision.facts,
       CASE WHEN decision.sequence = newest.sequence THEN decision.snapshot END
FROM cut JOIN records_decision decision USING (docket_id) LEFT JOIN newest USING (docket_id)
WHERE decision.sequence < cut.first AND decision.sequence >= COALESCE(newest.sequence, 0) AND decision.salt <> ''
ORDER BY docket_id, decision.sequence
"""
)

_TAKEN = """
SELECT at FROM records_measure
WHERE brand_id = %(brand)s AND counts AND at >= %(since)s::timestamptz - interval '1 hour' AND at < %(since)s
ORDER BY at
"""

# A prefix of another brand has another holder than any service of this one.
_ASSIGNMENTS = """
SELECT text(assignment.prefix),
       CASE WHEN service.brand_id = %(brand)s THEN service.ref ELSE service.brand_id || '/' || service.ref END,
       lower(assignment.period), LEAST(upper(assignment.period), service.until),
       NULLIF(assignment.ports, '[0,65536)')
FROM records_assignment assignment JOIN records_service service ON service.id = assignment.service_id
"""

_ENDED = "SELECT ref, until FROM records_service WHERE brand_id = %(brand)s AND until IS NOT NULL"

_PAUSES = """
SELECT since, until, reason FROM records_hold WHERE brand_id = %(brand)s
UNION SELECT held_since, NULL, held_reason FROM records_brand brand WHERE id = %(brand)s AND held_since IS NOT NULL
    AND NOT EXISTS (SELECT FROM records_hold WHERE brand_id = brand.id AND since = brand.held_since)
"""

# As far as the watch has looked, all that came due was decided and is on record.
_UNTIL = """
SELECT GREATEST((SELECT max(at) FROM records_decision WHERE id = %(last)s),
                (SELECT at FROM records_heartbeat WHERE name = 'watch'))
"""

_stimulus = msgspec.json.Decoder[AnyStimulus](AnyStimulus)
_facts = msgspec.json.Decoder(Facts)
_docket = msgspec.json.Decoder(Docket)
_ANEW = f'"{MADE_ANEW[0]}":'.encode()

Access = dict[str, str | int]
"""How to connect: psycopg's keywords."""


@contextmanager
def reading(access: Access, snapshot: str | None = None) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection that sees one state of the database until the block ends, and cannot write.

    `snapshot` is another such connection's, from `pg_export_snapshot()`.
    """
    given = {**access, "options": f"{access.get('options', '')} -c timezone=UTC"}
    with psycopg.connect(**given) as connection:  # type: ignore[arg-type]
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        if snapshot is not None:
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
        yield connection
        connection.rollback()


class Extent(NamedTuple):
    """What a record holds: its decisions in order of time, on how many services, and how far it reaches.

    `erased` decisions are passed over, since their values are gone. `until` is the last stimulus, or as far as the
    watch has looked for what is due; None where there is nothing.
    """

    ids: "array[int]"
    services: int
    erased: int
    until: datetime | None


class _Docket(NamedTuple):
    """The service of a docket, and its newest facts: decoded, and as stored up to where a replay makes them anew.

    What is stored never begins with a zero, as what lasts does before there are facts.
    """

    service: str | None
    lasting: bytes = b"\0"
    facts: Facts = Facts("")


class Record:
    """The decisions of one brand, of which `since` (None: all) those from each docket's first since then."""

    def __init__(
        self, connection: psycopg.Connection[tuple[Any, ...]], brand: int, since: datetime | None = None
    ) -> None:
        self._connection = connection
        self._given = {"brand": brand, "since": since}
        self._of_docket = {docket: _Docket(service) for docket, service in self._all(_DOCKETS)}

    def extent(self) -> Extent:
        """What there is to replay."""
        since = self._given["since"] is not None
        ((listed, erased),) = self._all(_IN_ORDER_SINCE if since else _IN_ORDER)
        ((services,),) = self._all(_SERVICES_SINCE if since else _SERVICES)
        ids = array("q", listed or b"")
        if sys.byteorder == "little":
            ids.byteswap()
        return Extent(ids, services, erased, self._all(_UNTIL, last=ids[-1])[0][0] if ids else None)

    def stimuli(
        self, ids: "array[int]", *, with_effects: bool, heard: Callable[[int], None] | None = None
    ) -> Iterator[Recorded]:
        """The stimuli of an extent in order of their instants; those of one instant as they were decided.

        `heard` is told now and then how many there were so far.
        """
        read, of_docket = _read_stimulus, self._of_docket
        for first in range(0, len(ids), _BATCH):
            batch = ids[first : first + _BATCH]
            rows = self._rows(batch, with_effects=with_effects)
            for one in batch:
                _, docket, at, stimulus, stored, effects = rows[one]
                service, lasting, facts = of_docket[docket]
                if not stored.startswith(lasting):
                    facts = self._learn(docket, stored)
                yield Recorded(at, service, read(stimulus), facts, effects)
            if heard is not None:
                heard(first + len(batch))

    def _rows(self, ids: "array[int]", *, with_effects: bool) -> dict[int, tuple[Any, ...]]:
        """Decisions by their ids. Most were written in order of time: a range of ids is read at half the cost."""
        low, high = min(ids), max(ids)
        given: list[int | str] = [low, high]
        wanted = "BETWEEN %s AND %s"
        if high - low >= 2 * len(ids):
            # As one text: thousands of numbers are not looked at one by one.
            wanted, given = "= ANY(%s::text::bigint[])", [f"{{{','.join(map(str, ids))}}}"]
        effects = "decision.effects" if with_effects else "''::bytea"
        query = sql.SQL(_DECISIONS).format(effects=sql.SQL(effects), wanted=sql.SQL(wanted))
        return {row[0]: row for row in self._connection.execute(query, given, binary=True).fetchall()}

    def around(self) -> Around:
        """What lies outside all dockets."""
        table = AssignmentTable(
            Assignment(ip_network(prefix), service, since, until, (ports.lower, ports.upper) if ports else None)
            for prefix, service, since, until, ports in self._all(_ASSIGNMENTS)
            if until is None or since < until
        )
        pauses = tuple(Pause(*row) for row in self._all(_PAUSES))
        return Around(_remembered(table), dict(self._all(_ENDED)), pauses)

    def start(self, first: int, pack: Pack, settings: Settings) -> Start:
        """How the dockets stood at `since`: each folded from its newest snapshot before, under a pack and settings.

        `first` is the id of the first decision since then.
        """
        dockets: dict[str | None, Docket] = {}
        facts: dict[str | None, Facts] = {}
        for pk, state, known in self._streamed(_QUIET):
            dockets[self._of_docket[pk].service] = _docket.decode(state)
            facts[self._of_docket[pk].service] = self._facts_of(pk, known)
        for pk, at, stimulus, known, snapshot in self._streamed(_EARLIER):
            service, its = self._of_docket[pk].service, self._facts_of(pk, known)
            facts[service] = its
            if snapshot is not None:
                dockets[service] = _docket.decode(snapshot)
                continue
            docket = dockets.get(service) or Docket(service)
            stood = replace(its, settings=settings)
            dockets[service] = decide(docket, _stimulus.decode(stimulus), stood, pack, at).docket
        return Start(dockets, facts, tuple(row[0] for row in self._all(_TAKEN)), self._staff_told(first))

    def _staff_told(self, first: int) -> bool:
        """Whether staff had heard of the blast radius when the first stimulus was decided."""
        query = "SELECT facts FROM records_decision WHERE id = %s"
        (facts,) = self._connection.execute(query, [first], binary=True).fetchone() or (b"",)
        return _facts.decode(facts).staff_told

    def _facts_of(self, docket: int, stored: bytes) -> Facts:
        """Facts, decoded once for as long as those of a docket stay the same, up to where a replay makes them anew."""
        _, lasting, facts = self._of_docket[docket]
        return facts if stored.startswith(lasting) else self._learn(docket, stored)

    def _learn(self, docket: int, stored: bytes) -> Facts:
        service = self._of_docket[docket].service
        if not stored:
            return Facts("", service=service)
        facts = _facts.decode(stored)
        lasting, anew, _ = stored.partition(_ANEW)
        self._of_docket[docket] = _Docket(service, lasting + anew, facts)
        return facts

    def _all(self, query: str, **more: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, {**self._given, **more}, binary=True).fetchall()

    def _streamed(self, query: str) -> Iterator[tuple[Any, ...]]:
        with self._connection.cursor("stream", binary=True) as cursor:
            cursor.itersize = _BATCH
            cursor.execute(query, self._given)
            yield from cursor


def _read_stimulus(stored: bytes) -> AnyStimulus:
    """A stimulus as stored. The short ones (a reply, a payment, a passed deadline) are a few, over and over."""
    found = _short.get(stored)
    if found is None:
        found = _stimulus.decode(stored)
        if len(stored) <= _SHORT and len(_short) < _REMEMBERED:
            _short[stored] = found
    return found


_short: dict[bytes, AnyStimulus] = {}
_SHORT, _REMEMBERED = 64, 4096


def _remembered(table: AssignmentTable) -> Any:
    known: dict[str, list[tuple[datetime, str | None]]] = {}

    def tenure(address: str) -> list[tuple[datetime, str | None]]:
        found = known.get(address)
        if found is None:
            found = known[address] = table.tenure(_read(address))
        return found

    return tenure


def _read(address: str) -> IPv4Address | IPv6Address:
    """An address that was read before. The system reads them ten times as fast as the library."""
    try:
        if ":" in address:
            return IPv6Address(inet_pton(AF_INET6, address))
        return IPv4Address(inet_pton(AF_INET, address))
    except OSError:
        return ip_address(address)
