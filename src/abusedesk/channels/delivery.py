"""What is behind the doors for mail: knows who is addressed, and commits what comes in, together.

What cannot be committed is refused for the moment (4xx), and the mail server keeps it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, NamedTuple

import structlog
from aiosmtpd.smtp import Envelope, Session
from django.db import Error, close_old_connections, connection

from abusedesk.channels.peers import FULL, Peer
from abusedesk.channels.tide import Tide
from abusedesk.desk.receive import Incoming, receive_many, without_detail
from abusedesk.records.models import Brand, BrandAddress, Channel
from abusedesk.records.room import NoRoom

log = structlog.get_logger()

TOGETHER = 200
"""So many messages are committed in one transaction at most."""

REST_S = 0.02
"""After commits of single messages the next is put off for as long as the last one took, but no longer than this."""

TOGETHER_BYTES = 32 * 1024 * 1024
RECIPIENTS = 1_000
"""So many addresses a message may have; RFC 5321 section 4.5.3.1.8 asks for 100."""

ANSWER_S = 60.0
"""A commit that takes longer is not waited for: the mail server keeps the mail, and the same bytes are one message."""

ASK_S = 20.0
"""So long it may take to find out who is here."""

BEAT_S = 5.0
ADDRESSES_S = 5.0

_DISK_FULL = "53100"
_COMMITTED = "250 2.0.0 committed"
_LATER = "451 4.3.0 it cannot be stored at the moment; please keep it and come back"
_UNKNOWN = "550 5.1.1 nobody of this address is here"
_TOO_MANY = "452 4.5.3 too many recipients; send it to the others once more"

Provenance = Callable[[Session], dict[str, str]]


class Delivery(NamedTuple):
    """One message on its way into the database, and where its answer goes."""

    incoming: tuple[Incoming, ...]
    answer: "asyncio.Future[str]"

    @property
    def size(self) -> int:
        return sum(len(one.data) for one in self.incoming)


class Desk:
    """Behind a door."""

    def __init__(self, channel: str, provenance: Provenance, database: ThreadPoolExecutor) -> None:
        self._channel = channel
        self._provenance = provenance
        self._database = database
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self._waiting: dict[asyncio.Future[str], datetime] = {}
        self._addresses: dict[str, int] = {}
        self._anybody = False
        self._known_at = float("-inf")
        self._committing_since: float | None = None
        self._tide = Tide()

    # --- what mail servers ask --------------------------------------------------------------------------------------

    async def handle_RCPT(  # noqa: N802 - the library's hook
        self, _server: Peer, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Whether somebody of this address is here."""
        if len(envelope.rcpt_tos) >= RECIPIENTS:
            return _TOO_MANY
        try:
            async with asyncio.timeout(ASK_S):
                await self._know_addresses()
        except (Error, TimeoutError):
            return self.come_back(envelope.mail_from, [address])
        if self._is_stuck():
            return self.come_back(envelope.mail_from, [address])
        if not self._anybody and _plain(address) not in self._addresses:
            self._tide.came(_mail(envelope.mail_from, address))
            return _UNKNOWN
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: Peer, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Waits until the message is committed; its answer says whether it was."""
        now = datetime.now(UTC)
        delivery = Delivery(self._incoming(session, envelope, now), asyncio.get_running_loop().create_future())
        self._waiting[delivery.answer] = now
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._queue.put(delivery)
                said = await delivery.answer
        except TimeoutError:
            said = _LATER
        finally:
            del self._waiting[delivery.answer]
        if said != _COMMITTED:
            return self.come_back(envelope.mail_from, envelope.rcpt_tos, said)
        for one in envelope.rcpt_tos:
            self._tide.came(_mail(envelope.mail_from, one))
        return said

    def come_back(self, sender: str | None, addresses: Sequence[str], said: str = _LATER) -> str:
        """What a mail server hears that is to keep a mail; until it came again, the mail may hold an answer."""
        now = datetime.now(UTC)
        for one in addresses:
            self._tide.refused(_mail(sender, one), now)
        return said

    def turned_away(self) -> None:
        """Somebody was told to come back, and nobody knows with what."""
        self._tide.turned_away(datetime.now(UTC))

    def _incoming(self, session: Session, envelope: Envelope, now: datetime) -> tuple[Incoming, ...]:
        """One message for each brand that is addressed, however many of its addresses it was sent to."""
        content, envelope_from = envelope.original_content or b"", (envelope.mail_from or "").lower().strip("<>")
        provenance = self._provenance(session)
        addressed: dict[int | None, list[str]] = {}
        for one in envelope.rcpt_tos:
            addressed.setdefault(self._addresses.get(_plain(one)), []).append(one)
        return tuple(
            Incoming(
                content,
                self._channel,
                now,
                "",
                brand,
                _plain(to[0]),
                _details(to),
                envelope_from,
                provenance,
                beside=tuple(map(_plain, to[1:])),
            )
            for brand, to in addressed.items()
        )

    async def _know_addresses(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._known_at > ADDRESSES_S:
            self._addresses, self._anybody = await self._ask(_addresses, self._channel)
            self._known_at = loop.time()

    def _is_stuck(self) -> bool:
        """Whether the database takes a commit and says nothing: then no more is taken in than waits already."""
        since = self._committing_since
        return since is not None and asyncio.get_running_loop().time() - since > ANSWER_S

    # --- what goes on for ever --------------------------------------------------------------------------------------

    async def commit_all(self) -> None:
        """Commits what waits, as much at once as there is, for ever."""
        alone = 0
        while True:
            batch = [await self._queue.get()]
            while not self._queue.empty() and len(batch) < TOGETHER and sum(one.size for one in batch) < TOGETHER_BYTES:
                batch.append(self._queue.get_nowait())
            # What is not waited for any more is not taken either: its mail server has it still.
            wanted = [one for one in batch if not one.answer.done()]
            began = self._committing_since = asyncio.get_running_loop().time()
            for delivery, said in zip(wanted, await self._committed(wanted), strict=True):
                if not delivery.answer.done():
                    delivery.answer.set_result(said)
            self._committing_since = None
            alone = alone + 1 if len(batch) == 1 else 0
            if alone > 1:
                # One by one they cost several times as much; what comes meanwhile is committed together.
                await asyncio.sleep(min(asyncio.get_running_loop().time() - began, REST_S))

    async def _committed(self, batch: Sequence[Delivery]) -> list[str]:
        try:
            await self._ask(_take, [one for delivery in batch for one in delivery.incoming])
        except Error as error:
            log.warning("mail cannot be committed", error=str(error).strip().splitlines()[:1], messages=len(batch))
            return [FULL if _is_full(error) else _LATER] * len(batch)
        except Exception:
            if len(batch) == 1:
                log.exception("a message cannot be taken in")
                return [_LATER]
            # Together they are many times faster; one by one shows which of them it is.
            return [said for delivery in batch for said in await self._committed([delivery])]
        return [_COMMITTED] * len(batch)

    async def beat(self) -> None:
        """Moves the channel's watermark on, for ever: so far, no answer can lie unread."""
        while True:
            now = datetime.now(UTC)
            try:
                await self._move_on(now)
            except Error:
                self._tide.still_here(now)
            await asyncio.sleep(BEAT_S)

    async def _move_on(self, now: datetime) -> None:
        watermark = self._tide.at(now, await self._ask(_watermark, self._channel))
        if watermark is not None:
            # A message counts from its arrival, and is not overtaken while it is committed.
            await self._ask(_move_to, self._channel, min([watermark, *self._waiting.values()]))

    async def finish(self) -> None:
        """Waits until all that came in is answered."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                while self._waiting:
                    await asyncio.sleep(0.02)

    async def _ask(self, work: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._database, _with_connection, work, given)


def _is_full(error: Error) -> bool:
    return isinstance(error, NoRoom) or getattr(error.__cause__, "sqlstate", None) == _DISK_FULL


def _mail(sender: str | None, address: str) -> str:
    """By what a mail is known again that was to be kept."""
    return f"{(sender or '').lower().strip('<>')[:320]} {_plain(address)[:320]}"


def _plain(address: str) -> str:
    return without_detail(address.lower().strip("<>"))


def _details(addresses: Sequence[str]) -> tuple[str, ...]:
    """What stands after the plus sign: an answer's token, for one."""
    found = (one.lower().strip("<>").rpartition("@")[0].partition("+")[2] for one in addresses)
    return tuple(dict.fromkeys(one for one in found if one and " " not in one))[:50]


# --- in the thread of the database ----------------------------------------------------------------------------------


def _with_connection(work: Callable[..., Any], given: tuple[Any, ...]) -> Any:
    """What `work` returns. Everything may be done twice, and the first connection may be of before an outage."""
    try:
        return work(*given)
    except Error:
        close()
    try:
        return work(*given)
    except Error:
        close()
        raise


def _take(incoming: list[Incoming]) -> None:
    if incoming:
        receive_many(incoming)


def _addresses(channel: str) -> tuple[dict[str, int], bool]:
    """The brands by address, and whether every address will do: where the channel, or all there is, is one brand's."""
    found = {address.lower(): brand for address, brand in BrandAddress.objects.values_list("address", "brand_id")}
    fixed = Channel.objects.filter(name=channel).exclude(brand=None).exists()
    return found, fixed or (not found and Brand.objects.count() == 1)


def _watermark(name: str) -> datetime | None:
    channel, _ = Channel.objects.get_or_create(name=name, defaults={"kind": name, "carries_answers": True})
    return channel.watermark


def _move_to(name: str, watermark: datetime) -> None:
    Channel.objects.filter(name=name).update(watermark=watermark)


def close() -> None:
    """Closes what this thread has open."""
    connection.close()
    close_old_connections()
