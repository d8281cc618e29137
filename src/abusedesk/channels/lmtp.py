"""LMTP and SMTP: mail servers hand complaints over, and hear 250 only after the bytes are committed.

What many connections bring at once is committed together, so that a disk's one write serves them all. What cannot be
committed is refused for the moment (4xx), and the mail server keeps it.
"""

import asyncio
import contextlib
import logging
import re
import resource
import ssl
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from abusedesk.channels.tide import Tide
from abusedesk.configuration import Configuration, Listen
from abusedesk.desk.receive import Incoming, receive_many, without_detail
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, BrandAddress, Channel

log = structlog.get_logger()

TOGETHER = 200
"""So many messages are committed in one transaction at most."""

TOGETHER_BYTES = 32 * 1024 * 1024
CONNECTIONS = 2_000
"""So many connections are open at most; the next is told to come back (421)."""

AT_ONCE = 32
"""So many messages are taken in at once at most, so that memory is bounded by this many of the largest size."""

MESSAGE_S = 600.0
"""A message that takes longer than this to arrive is given up."""

HURRY_S = 10.0
HURRY_BYTES = 10 * 1024
"""While others wait for their turn, a message must bring so much in so long: slow clients must not keep them out."""

ANSWER_S = 60.0
"""A commit that takes longer is not waited for: the mail server keeps the mail, and the same bytes are one message."""

ASK_S = 20.0
"""So long it may take to find out who is here."""

FILES = 8192
"""So many files and connections this process may have open, where the system lets it."""

IDLE_S = 300.0
LONGEST_LINE = 1024 * 1024
"""RFC 5321 section 4.5.3.1.6 says 1,000; complaints quote what spammers wrote, who never read it."""

BEAT_S = 5.0
ADDRESSES_S = 5.0

_USUAL = re.compile(r" ?<([\w.+=-]{1,64}@[\w.-]{1,253})>", re.ASCII)

_LATER = "451 4.3.0 it cannot be stored at the moment; please keep it and come back"
_FULL = "452 4.3.1 there is no room at the moment; please keep it and come back"
_TOO_LARGE = "552 5.3.4 the message is larger than the size that was announced"
_BUSY = "421 4.7.0 too many connections; please come back in a moment"
_TOO_SLOW = "451 4.4.2 the message took too long; please come back"
_END = b"\r\n.\r\n"
_UNKNOWN = "550 5.1.1 nobody of this address is here"


class Delivery(NamedTuple):
    """One message on its way into the database, and where its answer goes."""

    incoming: tuple[Incoming, ...]
    answer: "asyncio.Future[str]"

    @property
    def size(self) -> int:
        return sum(len(one.data) for one in self.incoming)


def run(stop: threading.Event) -> None:
    """Take mail in until `stop`."""
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # The library tells of every command.
    _allow_files()
    asyncio.run(_serve(settings.CONFIGURATION, stop))


def _allow_files() -> None:
    """Every connection is a file, and the usual limit of 1,024 is soon reached."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _serve(configuration: Configuration, stop: threading.Event) -> None:
    async with contextlib.AsyncExitStack() as stack:
        doors = [Door("lmtp", configuration.lmtp, LMTPPeer), Door("smtp", configuration.smtp, SMTPPeer)]
        opened = [door for door in doors if door.listen is not None]
        for door in opened:
            await stack.enter_async_context(_open(door, configuration))
        log.info("mail is taken in", at=[str(door.listen) for door in opened])
        while not stop.is_set():
            await asyncio.sleep(0.1)


@dataclass
class Door:
    """One way in: its channel, where it listens, and how its peers are spoken to."""

    channel: str
    listen: Listen | None
    peer: "type[LMTPPeer | SMTPPeer]"
    connections: int = 0
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))


@contextlib.asynccontextmanager
async def _open(door: Door, configuration: Configuration) -> AsyncIterator[None]:
    """Listens until the block ends; then the last messages are still committed and answered."""
    loop = asyncio.get_running_loop()
    tls = _certificate(configuration)
    with ThreadPoolExecutor(1, thread_name_prefix=door.channel) as database:
        desk = Desk(door, database)

        def peer() -> SMTP:
            return door.peer(
                desk,
                door=door,
                data_size_limit=configuration.mail_size_mb * 1024 * 1024,
                enable_SMTPUTF8=True,
                ident="abusedesk",
                tls_context=tls,
                timeout=IDLE_S,
                auth_exclude_mechanism=["LOGIN", "PLAIN"],
                loop=loop,
            )

        server = await _listen(peer, door)
        tasks = [loop.create_task(desk.commit_all()), loop.create_task(desk.beat())]
        try:
            yield
        finally:
            server.close()
            await desk.finish()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await loop.run_in_executor(database, _close)


async def _listen(peer: Any, door: Door) -> asyncio.Server:
    listen, loop = door.listen, asyncio.get_running_loop()
    if listen is None:
        raise ValueError("a door that is not to be opened")
    try:
        if listen.path:
            return await loop.create_unix_server(peer, listen.path)
        return await loop.create_server(peer, listen.host, listen.port, backlog=1024, reuse_address=True)
    except OSError as error:
        raise Problem(
            f"ABUSEDESK_{door.channel.upper()}: {listen} cannot be listened on ({error.strerror}); "
            "stop what listens there, or choose another"
        ) from None


def _certificate(configuration: Configuration) -> ssl.SSLContext | None:
    certificate: Path | None = configuration.mail_certificate
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, configuration.mail_certificate_key)
    except (OSError, ssl.SSLError) as error:
        raise Problem(f"ABUSEDESK_MAIL_CERTIFICATE: {certificate} cannot be used: {error}") from None
    return context


# --- what peers are told --------------------------------------------------------------------------------------------


class _Peer(SMTP):
    """A connection that is counted, and whose messages wait for their turn.

    What of a message lies beyond the size limit is dropped as it arrives, up to its end: the library would keep a line
    that never ends.
    """

    line_length_limit = LONGEST_LINE

    def __init__(self, handler: "Desk", *, door: Door, **given: Any) -> None:
        super().__init__(handler, **given)
        self._door = door
        self._counted = False
        self._arriving = self._too_large = self._has_slot = False
        self._arrived = 0
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counts the connection; one too many is told so and closed."""
        if not self._counted:
            if self._door.connections >= CONNECTIONS and isinstance(transport, asyncio.WriteTransport):
                transport.write(f"{_BUSY}\r\n".encode())
            self._door.connections += 1
            self._counted = True
        super().connection_made(transport)
        if self._door.connections > CONNECTIONS:
            transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Gives the place back."""
        if self._counted:
            self._door.connections -= 1
            self._counted = False
        super().connection_lost(error)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """The address and what follows it. The library takes a third of its time for those that are plain to see."""
        usual = _USUAL.match(arg)
        return (usual[1], arg[usual.end() :]) if usual else super()._getaddr(arg)

    def data_received(self, data: bytes) -> None:
        """Hands on what arrives, of a message as much as may be."""
        if self._arriving:
            data = self._within_limit(data)
        if data:
            super().data_received(data)

    def _within_limit(self, data: bytes) -> bytes:
        self._arrived += len(data)
        window = self._tail + data
        end = window.find(_END)
        self._tail = window[-4:]
        if end >= 0:
            self._arriving = False
            return window[end:] if self._too_large else data
        if self._too_large:
            return b""
        if self._arrived > (self.data_size_limit or 0) + 8 and len(data) >= 4:
            # It holds no memory from here on, so it need not keep others waiting.
            self._too_large = True
            self._give_slot_back()
            return data[:-4]
        return data

    def _give_slot_back(self) -> None:
        if self._has_slot:
            self._has_slot = False
            self._door.slots.release()

    async def push(self, status: Any) -> None:
        """Says it; of what was too large always the same, whatever the library made of its beginning."""
        said = status.decode("ascii") if isinstance(status, bytes) else status
        if self._too_large and said[:3] in {"500", "552"}:
            said = _TOO_LARGE
        await super().push(said)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the library calls it by the command
        """Takes a message in when there is room for it, and no longer than `MESSAGE_S`."""
        try:
            async with asyncio.timeout(MESSAGE_S) as limit:
                await self._door.slots.acquire()
                self._has_slot = self._arriving = True
                self._too_large, self._arrived, self._tail = False, 0, b"\r\n"
                async with self._hurried(limit):
                    await super().smtp_DATA(arg)
        except TimeoutError:
            with contextlib.suppress(ConnectionError):
                await self.push(_TOO_LARGE if self._too_large else _TOO_SLOW)
            if self.transport is not None:
                self.transport.close()
        finally:
            self._arriving = self._too_large = False
            self._give_slot_back()

    @contextlib.asynccontextmanager
    async def _hurried(self, limit: asyncio.Timeout) -> AsyncIterator[None]:
        """While others wait, ends a message that hardly arrives."""
        hurrying = asyncio.get_running_loop().create_task(self._hurry(limit))
        try:
            yield
        finally:
            hurrying.cancel()

    async def _hurry(self, limit: asyncio.Timeout) -> None:
        while True:
            before = self._arrived
            await asyncio.sleep(HURRY_S)
            if self._arriving and self._door.slots.locked() and self._arrived - before < HURRY_BYTES:
                limit.reschedule(0)
                return


class SMTPPeer(_Peer):
    """A mail server that speaks SMTP (RFC 5321). Its address and the name it gave stand beside what it brings."""

    @staticmethod
    def provenance(session: Session) -> dict[str, str]:
        """Who hands mail over here."""
        host = session.peer[0] if isinstance(session.peer, tuple) else ""
        return {"peer": str(host), "helo": (session.host_name or "")[:253]} if host else {}


class LMTPPeer(_Peer, LMTP):
    """A mail server that speaks LMTP (RFC 2033), and hears of each recipient by itself."""

    _recipients = 0

    @staticmethod
    def provenance(_session: Session) -> dict[str, str]:
        """Nothing: who brings mail here is the provider's own mail server."""
        return {}

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the library calls it by the command
        """Answers once for each recipient (RFC 2033 section 4.2)."""
        self._recipients = len(self.envelope.rcpt_tos) if self.envelope is not None else 0
        try:
            await super().smtp_DATA(arg)
        finally:
            self._recipients = 0

    async def push(self, status: Any) -> None:
        """Says it, after a message as often as it had recipients."""
        said = status.decode("ascii") if isinstance(status, bytes) else status
        times = self._recipients if self._recipients and not said.startswith("354") else 1
        await super().push("\r\n".join([said] * times))


# --- taking in ------------------------------------------------------------------------------------------------------


class Desk:
    """Behind a door: knows who is addressed, and commits what comes in, together."""

    def __init__(self, door: Door, database: ThreadPoolExecutor) -> None:
        self._door = door
        self._database = database
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self._addresses: dict[str, int] = {}
        self._anybody = False
        self._known_at = float("-inf")
        self._committing_since: float | None = None
        self._tide = Tide()

    async def handle_RCPT(  # noqa: N802 - the library's hook
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Whether somebody of this address is here."""
        try:
            async with asyncio.timeout(ASK_S):
                await self._know_addresses()
        except (DatabaseError, TimeoutError):
            return self._come_back(envelope.mail_from, [address])
        if self._is_stuck():
            return self._come_back(envelope.mail_from, [address])
        if not self._anybody and _plain(address) not in self._addresses:
            return _UNKNOWN
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Waits until the message is committed; its answer says whether it was."""
        content = envelope.original_content or b""
        now, envelope_from = datetime.now(UTC), (envelope.mail_from or "").lower().strip("<>")
        addressed: dict[int | None, list[str]] = {}
        for one in envelope.rcpt_tos:
            addressed.setdefault(self._addresses.get(_plain(one)), []).append(one)
        provenance = self._door.peer.provenance(session)
        # One brand gets one message, however many of its addresses it was sent to.
        incoming = tuple(
            Incoming(
                content,
                self._door.channel,
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
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        await self._queue.put(Delivery(incoming, answer))
        try:
            async with asyncio.timeout(ANSWER_S):
                said = await answer
        except TimeoutError:
            said = _LATER
        if said in {_LATER, _FULL}:
            return self._come_back(envelope.mail_from, envelope.rcpt_tos, said)
        for one in envelope.rcpt_tos:
            self._tide.came(_mail(envelope.mail_from, one))
        return said

    def _come_back(self, sender: str | None, addresses: Sequence[str], said: str = _LATER) -> str:
        """What a mail server hears that is to keep a mail; until it came again, the mail may hold an answer."""
        now = datetime.now(UTC)
        for one in addresses:
            self._tide.refused(_mail(sender, one), now)
        return said

    def _is_stuck(self) -> bool:
        """Whether the database takes a commit and says nothing: then no more is taken in than waits already."""
        since = self._committing_since
        return since is not None and asyncio.get_running_loop().time() - since > ANSWER_S

    async def commit_all(self) -> None:
        """Commits what waits, as much at once as there is, for ever."""
        while True:
            batch = [await self._queue.get()]
            while not self._queue.empty() and len(batch) < TOGETHER and sum(one.size for one in batch) < TOGETHER_BYTES:
                batch.append(self._queue.get_nowait())
            # What is not waited for any more is not taken either: its mail server has it still.
            batch = [one for one in batch if not one.answer.done()]
            for delivery, said in zip(batch, await self._commit(batch), strict=True):
                if not delivery.answer.done():
                    delivery.answer.set_result(said)

    async def _commit(self, batch: Sequence[Delivery]) -> list[str]:
        if not batch:
            return []
        self._committing_since = asyncio.get_running_loop().time()
        try:
            return await self._committed(batch)
        finally:
            self._committing_since = None

    async def _committed(self, batch: Sequence[Delivery]) -> list[str]:
        try:
            await self._ask(_take, [one for delivery in batch for one in delivery.incoming])
        except DatabaseError as error:
            log.warning("mail cannot be committed", error=str(error).strip().splitlines()[:1], messages=len(batch))
            full = "No space left" in str(error) or type(error.__cause__).__name__ == "DiskFull"
            return [_FULL if full else _LATER] * len(batch)
        except Exception:
            if len(batch) == 1:
                log.exception("a message cannot be taken in")
                return [_LATER]
            # Together they are many times faster; one by one shows which of them it is.
            return [said for delivery in batch for said in await self._committed([delivery])]
        return ["250 2.0.0 committed"] * len(batch)

    async def beat(self) -> None:
        """Moves the channel's watermark on, for ever: so far, no answer can lie unread."""
        while True:
            with contextlib.suppress(DatabaseError):
                await self._ask(_move_on, self._door.channel, self._tide)
            await asyncio.sleep(BEAT_S)

    async def finish(self) -> None:
        """Waits until all that came in is answered."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                while not self._queue.empty():
                    await asyncio.sleep(0.02)

    async def _know_addresses(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._known_at > ADDRESSES_S:
            self._addresses, self._anybody = await self._ask(_addresses, self._door.channel)
            self._known_at = loop.time()

    async def _ask(self, work: Any, *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._database, _with_connection, work, given)


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


def _with_connection(work: Any, given: tuple[Any, ...]) -> Any:
    try:
        return work(*given)
    except DatabaseError:
        # The next one begins with a connection of its own.
        _close()
        raise


def _take(incoming: list[Incoming]) -> None:
    receive_many(incoming)


def _addresses(channel: str) -> tuple[dict[str, int], bool]:
    """The brands by address, and whether every address will do: where the channel, or all there is, is one brand's."""
    found = {address.lower(): brand for address, brand in BrandAddress.objects.values_list("address", "brand_id")}
    fixed = Channel.objects.filter(name=channel).exclude(brand=None).exists()
    return found, fixed or (not found and Brand.objects.count() == 1)


def _move_on(name: str, tide: Tide) -> None:
    channel, _ = Channel.objects.get_or_create(name=name, defaults={"kind": name, "carries_answers": True})
    watermark = tide.at(datetime.now(UTC), channel.watermark)
    if watermark is not None:
        Channel.objects.filter(pk=channel.pk).update(watermark=watermark)


def _close() -> None:
    from django.db import connection  # noqa: PLC0415 - the connection is the thread's own

    connection.close()
    close_old_connections()
