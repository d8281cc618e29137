"""Names: what the DNS says, at the time of receipt, of hosts that nobody declared, and whom a person may choose.

A hostile mail can name any number of hosts. So few of them are asked about, those of known reporters first, within a
fixed time, and only the configured resolver is spoken to: never the host, and for reverse names only about addresses
that are held here.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Protocol

import structlog

from abusedesk.desk.attribute import Placed, address_of
from abusedesk.desk.candidates import MOST, NameFacts, words
from abusedesk.desk.correlate import Telling
from abusedesk.desk.parse import Unread
from abusedesk.desk.verify import Voice
from abusedesk.records.bulk import Row, give_rows, storable
from abusedesk.records.holders import Holders
from abusedesk.records.models import Service
from abusedesk.vocabulary.category import ILLEGAL_CONTENT
from abusedesk.vocabulary.report import Event, Reading

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

log = structlog.get_logger()

OF_A_STRANGER, OF_A_KNOWN_REPORTER = 3, 10
"""So many hosts of one message are asked about."""

OF_A_BATCH = 30
SECONDS = 2.0
"""So long all questions of a batch together may take."""

SECONDS_A_MINUTE = 10.0
"""So much of a minute may go on questions: a slow resolver must not keep the mail waiting."""

ADDRESSES = 8
"""So many addresses of one host are looked at."""

LINES = 10
"""So much a question says at most; the candidates below it are all there are."""

KEPT = 4096
KEPT_FOR, FAILURE_KEPT_FOR = 600.0, 60.0
"""How many answers are remembered, and for how many seconds."""

TOO_MANY = "it was not looked up: the report, or those beside it, named too many hosts"
NOT_ASKED = "it was not looked up: this installation asks no DNS (setting dns)"
TOO_SLOW = "it could not be looked up: the resolver did not answer in time"
NO_NAME = "it is no name that the public DNS could know"

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NOT_PUBLIC = frozenset(
    {"local", "localhost", "localdomain", "internal", "invalid", "test", "example", "onion", "arpa"}
)
"""Top labels of special use (RFC 6761, RFC 6762, RFC 7686, RFC 9476): nobody outside is asked about them."""

_SUGGEST = """
UPDATE records_review review SET detail = given.detail, candidates = given.candidates
FROM json_to_recordset(%s::json) AS given(report uuid, reason text, detail text, candidates jsonb)
WHERE review.report_id = given.report AND review.reason = given.reason AND review.closed_at IS NULL
"""


class _Read(Protocol):
    """A message that was read (`desk.intake.Read`)."""

    @property
    def unread(self) -> Unread: ...
    @property
    def reading(self) -> Reading: ...
    @property
    def voice(self) -> Voice: ...


class Wanted(NamedTuple):
    """A host for which nobody declared a name, and whether a known reporter asks."""

    host: str
    known: bool


def unplaced(reads: Iterable[_Read], table: Holders) -> list[Wanted]:
    """The hosts that messages complain about and nobody declared, up to the bound for each message."""
    found = []
    for read in reads:
        if read.reading.outcome == "reported":
            bound = OF_A_KNOWN_REPORTER if read.voice.known else OF_A_STRANGER
            hosts = _hosts(read.reading.events, read.unread.received_at, table)
            found += [Wanted(host, read.voice.known) for host in islice(hosts, bound)]
    return found


def _hosts(events: Iterable[Event], received_at: datetime, table: Holders) -> Iterator[str]:
    """Each host that has no holder, once. Hosts of illegal content are no business of anybody's resolver."""
    seen: set[str] = set()
    for event in events:
        if address_of(event.source) is not None or event.source in seen or event.category in ILLEGAL_CONTENT:
            continue
        seen.add(event.source)
        if table.of_name(event.source, min(event.occurred_at or received_at, received_at)) is None:
            yield event.source


# --- asking ---------------------------------------------------------------------------------------------------------


class Memory:
    """What was answered of late, and how much of the last minute went on asking."""

    def __init__(self) -> None:
        self._facts: dict[str, tuple[float, NameFacts]] = {}
        self._spent: deque[tuple[float, float]] = deque()

    def recall(self, host: str, now: float) -> NameFacts | None:
        """What is still known of a host."""
        until, facts = self._facts.get(host, (0.0, None))
        return facts if now < until else None

    def keep(self, found: Mapping[str, NameFacts], now: float) -> None:
        """Remembers answers, and forgets the oldest where there are too many."""
        for host, facts in found.items():
            self._facts.pop(host, None)
            self._facts[host] = (now + (FAILURE_KEPT_FOR if facts.problem == TOO_SLOW else KEPT_FOR), facts)
        while len(self._facts) > KEPT:
            del self._facts[next(iter(self._facts))]

    def may_ask(self, now: float) -> bool:
        """Whether of the last minute there is time left for questions."""
        while self._spent and self._spent[0][0] < now - 60:
            self._spent.popleft()
        return sum(seconds for _, seconds in self._spent) < SECONDS_A_MINUTE

    def spend(self, now: float, seconds: float) -> None:
        """Notes how long questions took."""
        self._spent.append((now, seconds))


memory = Memory()


def look_up(wanted: Sequence[Wanted], table: Holders, *, ask_dns: bool) -> dict[str, NameFacts]:
    """What the DNS says of hosts, as far as there is room and time to ask; what is not in it was not asked about."""
    if not wanted or not ask_dns:
        return {}
    now = time.monotonic()
    hosts = dict.fromkeys(one.host for one in sorted(wanted, key=lambda one: not one.known))
    found = {host: facts for host in hosts if (facts := memory.recall(host, now)) is not None}
    asked = [host for host in hosts if host not in found][:OF_A_BATCH]
    if asked and memory.may_ask(now):
        fresh = asyncio.run(_ask(asked, _is_held(table)))
        memory.keep(fresh, now)
        memory.spend(now, time.monotonic() - now)
        found |= fresh
    return found


def _is_held(table: Holders) -> Callable[[str], bool]:
    now = datetime.now(UTC)
    return lambda ip: table.of_address(ip, now) is not None or bool(table.sharers(ip, now))


def resolver() -> "Resolver":
    """The resolver that this machine is configured with. Raises DNSException where it has none."""
    import dns.asyncresolver  # noqa: PLC0415 - only an installation that may ask the DNS pays for it

    return dns.asyncresolver.Resolver()


async def _ask(hosts: Sequence[str], is_held: Callable[[str], bool]) -> dict[str, NameFacts]:
    import dns.exception  # noqa: PLC0415

    try:
        asked = resolver()
    except dns.exception.DNSException as error:
        log.warning("there is no resolver to ask about names", error=str(error))
        return dict.fromkeys(hosts, NameFacts(problem=TOO_SLOW))
    tasks = {host: asyncio.create_task(_facts(host, asked, is_held)) for host in hosts}
    _, late = await asyncio.wait(tasks.values(), timeout=SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    return {host: NameFacts(problem=TOO_SLOW) if task in late else task.result() for host, task in tasks.items()}


async def _facts(host: str, asked: "Resolver", is_held: Callable[[str], bool]) -> NameFacts:
    import dns.resolver  # noqa: PLC0415
    import dns.reversename  # noqa: PLC0415

    name = public_name(host)
    if not name:
        return NameFacts(problem=NO_NAME)
    try:
        four, six = await asyncio.gather(_answers(asked, name, "A"), _answers(asked, name, "AAAA"))
        addresses = (*four, *six)[:ADDRESSES]
        ours = [ip for ip in addresses if is_held(ip)]
        reverse = [dns.reversename.from_address(ip).to_text(omit_final_dot=True) for ip in ours]
        pointers = await asyncio.gather(*(_answers(asked, one, "PTR") for one in reverse))
    except dns.exception.DNSException:
        return NameFacts(problem=TOO_SLOW)
    return NameFacts(addresses, tuple((ip, one) for ip, names in zip(ours, pointers, strict=True) for one in names))


async def _answers(asked: "Resolver", name: str, kind: str) -> list[str]:
    """The values of a record, none where it does not exist. Raises DNSException where nobody says."""
    import dns.name  # noqa: PLC0415
    import dns.resolver  # noqa: PLC0415

    try:
        answer = await asked.resolve(dns.name.from_text(name), kind, lifetime=SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    return [str(one).rstrip(".").lower() for one in answer][:ADDRESSES]


def public_name(host: str) -> str:
    """A host in the form the DNS has it, or empty for what the public DNS cannot know."""
    try:
        name = host.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
    labels = name.split(".")
    if len(name) > 253 or len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        return ""
    return "" if labels[-1] in _NOT_PUBLIC or labels[-1].isdigit() else name


# --- what a person reads --------------------------------------------------------------------------------------------


def suggest(told: Iterable[Telling], *, ask_dns: bool) -> None:
    """Puts beside the questions of what nobody held who may be meant, and why none could be told."""
    asked = [one for one in told if one.service is None and any(_is_told_of(placed) for placed in one.placed)]
    if not asked:
        return
    named = {candidate.service for one in asked for placed in one.placed for candidate in placed.candidates}
    services = {pk: str(service) for pk, service in Service.objects.in_bulk(named).items()}
    give_rows(_SUGGEST, [_suggestion(one, services, TOO_MANY if ask_dns else NOT_ASKED) for one in asked])


def _is_told_of(placed: Placed) -> bool:
    return placed.ip is None or bool(placed.candidates)


def _suggestion(one: Telling, services: Mapping[int, str], unasked: str) -> Row:
    candidates = list(dict.fromkeys(candidate for placed in one.placed for candidate in placed.candidates))[:MOST]
    lines = [words(candidate, services.get(candidate.service, "")) for candidate in candidates]
    lines += dict.fromkeys(
        _why(placed, unasked) for placed in one.placed if placed.ip is None and not placed.candidates
    )
    more = f"\n(and {len(lines) - LINES} more)" if len(lines) > LINES else ""
    return {
        "report": one.complaint.id,
        "reason": one.reason,
        "detail": storable("\n".join(lines[:LINES]) + more),
        "candidates": [candidate._asdict() for candidate in candidates],
    }


def _why(placed: Placed, unasked: str) -> str:
    return f"{placed.event.source[:255]}: nobody declared it, and {placed.doubt or unasked}"
