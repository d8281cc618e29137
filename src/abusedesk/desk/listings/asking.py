"""Asking a blocklist: its test entries first and last, at its rate, and what it says of each address.

No answer of a list that does not pass its test entries counts. The key of an account stands in the names that are asked
and nowhere else: neither in the log nor in an error.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import aiodns
from pycares import ARecordData, DNSRecord, TXTRecordData

from abusedesk.desk.listings.places import Looked, Place
from abusedesk.parsing.blocklists import (
    CLEAN,
    TESTS,
    Reading,
    accusing,
    not_answering,
    question,
    read_answer,
)
from abusedesk.records.bulk import storable

TIMEOUT_S = 3.0
TRIES = 2
IN_FLIGHT = 200
"""So many questions of one list wait for an answer at once, whatever its rate."""

T = TypeVar("T")

_TEXT = 500
_FAILURES = {
    aiodns.error.ARES_ENODATA: "it answers without an address",
    aiodns.error.ARES_EFORMERR: "it does not understand the question",
    aiodns.error.ARES_ESERVFAIL: "the name server failed",
    aiodns.error.ARES_EREFUSED: "the name server refuses to answer",
    aiodns.error.ARES_ECONNREFUSED: "no name server is there",
    aiodns.error.ARES_ETIMEOUT: "no answer came in time",
}


def look(place: Place, addresses: Sequence[str]) -> Looked:
    """Asks a list about addresses, and for its own words about those it accuses. Never within a running event loop."""
    return asyncio.run(_look(place, addresses))


async def _look(place: Place, addresses: Sequence[str]) -> Looked:
    at = datetime.now(UTC)
    async with _Asker(place) as asker:
        wrong = await asker.test(4)
        if wrong:
            return Looked(at, addresses, {}, {}, wrong)
        without = await asker.without_ipv6() if any(":" in one for one in addresses) else ""
        asked = [one for one in addresses if not (without and ":" in one)]
        readings = dict(zip(asked, await asker.all_of(asked), strict=True))
        said = [one for one in asked if accusing(place.blocklist.codes, readings[one])]
        words = dict(zip(said, await asker.texts_of(said), strict=True))
    wrong = await _still_wrong(place) if asked else ""
    return Looked(at, addresses, {} if wrong else readings, {} if wrong else words, wrong, without)


async def _still_wrong(place: Place) -> str:
    """What is wrong after a round: a list that broke down in between must not have accused or cleared anybody."""
    async with _Asker(place) as another:
        return await another.test(4)


class _Asker:
    """Questions at a steady rate, by a resolver of its own: each keeps its answers, and must not give them twice."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._resolver = aiodns.DNSResolver(place.nameservers or None, timeout=TIMEOUT_S, tries=TRIES)
        self._flight = asyncio.Semaphore(IN_FLIGHT)
        self._next = time.monotonic()

    async def __aenter__(self) -> "_Asker":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._resolver.close()

    async def test(self, family: int) -> str:
        """What is wrong with the list by its test entries, or empty."""
        listed, unlisted = await self.all_of(TESTS[family])
        return not_answering(listed, unlisted, family)

    async def without_ipv6(self) -> str:
        """Why nothing that the list says of IPv6 addresses counts, or empty."""
        if not self._place.blocklist.ipv6:
            return "it lists no IPv6 addresses"
        return await self.test(6)

    async def all_of(self, addresses: Sequence[str]) -> list[Reading]:
        """What the list says of each address."""
        return await self._in_turn(self._read, addresses)

    async def texts_of(self, addresses: Sequence[str]) -> list[str]:
        """The list's own words about each address; empty where it has none."""
        return await self._in_turn(self._text, addresses)

    async def _in_turn(self, ask: Callable[[str], Awaitable[T]], addresses: Sequence[str]) -> list[T]:
        tasks = []
        for one in addresses:
            await self._turn()
            await self._flight.acquire()
            tasks.append(asyncio.create_task(self._landed(ask(one))))
        return list(await asyncio.gather(*tasks))

    async def _landed(self, asked: Awaitable[T]) -> T:
        try:
            return await asked
        finally:
            self._flight.release()

    async def _turn(self) -> None:
        now = time.monotonic()
        if self._next > now:
            await asyncio.sleep(self._next - now)
        # What was slept too long is made up for, but never more than a twentieth of a second.
        self._next = max(self._next, now - 0.05) + 1 / self._place.per_second

    async def _read(self, address: str) -> Reading:
        try:
            records = await self._asked(address, "A")
        except aiodns.error.DNSError as error:
            return _no_listing(error)
        found = [(one.data.addr, one.ttl) for one in records if isinstance(one.data, ARecordData)]
        return read_answer([address for address, _ in found], min((ttl for _, ttl in found), default=0))

    async def _text(self, address: str) -> str:
        try:
            records = await self._asked(address, "TXT")
        except aiodns.error.DNSError:
            return ""
        parts = [one.data.data.decode("utf-8", "replace") for one in records if isinstance(one.data, TXTRecordData)]
        return " · ".join(" ".join(storable(part).split()) for part in parts)[:_TEXT]

    async def _asked(self, address: str, kind: str) -> Sequence[DNSRecord]:
        answer = await self._resolver.query_dns(question(address, self._place.zone), kind)
        return answer.answer


def _no_listing(error: aiodns.error.DNSError) -> Reading:
    """No such name is the one answer that clears an address; whatever else went wrong says nothing."""
    number = error.args[0] if error.args else 0
    if number == aiodns.error.ARES_ENOTFOUND:
        return CLEAN
    return Reading("none", why=_FAILURES.get(number, f"the question failed ({number})"))
