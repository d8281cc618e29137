"""The mail servers that speak to a door, and what they may cost: connections, memory and time.

Nobody can make the door hold more than its room, and nobody slow keeps others out. Who is turned away is told to come
back (4xx), but for a message that is too large.
"""

import asyncio
import re
from typing import Any, Protocol

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from abusedesk.channels.arrival import Arrival

CONNECTIONS = 2_000
"""So many connections are open at most; the next is told to come back (421)."""

ROOM_MB = 256
"""All messages on their way together hold so much at most, or four of the largest."""

MESSAGE_S = 600.0
"""A message that takes longer than this to arrive is given up."""

HURRY_S = 10.0
HURRY_BYTES = 10 * 1024
"""While room is short, a message must bring so much in so long."""

IDLE_S = 300.0
"""A connection without a command is closed after this (RFC 5321 section 4.5.3.2.7)."""

LONGEST_COMMAND = 16 * 1024
_TURN_S = 0.05

FULL = "452 4.3.1 there is no room at the moment; please keep it and come back"
_BUSY = "421 4.7.0 too many connections; please come back in a moment"
_TOO_LARGE = "552 5.3.4 the message is larger than the size that was announced"
_TOO_SLOW = "451 4.4.2 the message took too long; please come back"

_USUAL = re.compile(r" ?<([\w.+=-]{1,64}@[\w.-]{1,253})>", re.ASCII)


class Behind(Protocol):
    """Who is behind the door, as its peers see it."""

    def turned_away(self) -> None:
        """Somebody was told to come back, and nobody knows with what."""

    def come_back(self, sender: str | None, addresses: list[str], said: str) -> str:
        """What is said to somebody who is to keep a mail."""


class Room:
    """What all connections of a door share."""

    def __init__(self, largest: int) -> None:
        self.limit = max(ROOM_MB * 1024 * 1024, 4 * largest)
        self.connections = 0
        self.held = 0
        self.arriving: set[Peer] = set()

    @property
    def is_short(self) -> bool:
        """Whether more than half of it is taken: then no further message is begun."""
        return self.held > self.limit // 2

    async def turn(self) -> None:
        """Waits until a message may begin."""
        while self.is_short:
            await asyncio.sleep(_TURN_S)

    async def hurry(self) -> None:
        """While it is short, gives messages up that hardly arrive, for ever."""
        while True:
            before = {peer: peer.arrived for peer in self.arriving}
            await asyncio.sleep(HURRY_S)
            for peer in self.arriving & before.keys() if self.is_short else ():
                if peer.arrived - before[peer] < HURRY_BYTES:
                    peer.give_up()


class Peer(SMTP):
    """A mail server on the other side. The library reads its commands, we read its messages."""

    line_length_limit = LONGEST_COMMAND

    def __init__(self, behind: Behind, *, room: Room, largest: int, **given: Any) -> None:
        super().__init__(behind, timeout=IDLE_S, data_size_limit=largest, **given)
        self._behind = behind
        self._room = room
        self._largest = largest
        self._counted = False
        self._arrival: Arrival | None = None
        self._whole: asyncio.Future[None]

    @property
    def arrived(self) -> int:
        """Bytes that came so far of the message that is arriving."""
        return self._arrival.size if self._arrival else 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counts the connection; one too many is told so and closed."""
        if not self._counted:
            if self._room.connections >= CONNECTIONS and isinstance(transport, asyncio.WriteTransport):
                transport.write(f"{_BUSY}\r\n".encode())
                self._behind.turned_away()
            self._room.connections += 1
            self._counted = True
        super().connection_made(transport)
        if self._room.connections > CONNECTIONS:
            transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Gives the place back."""
        if self._counted:
            self._room.connections -= 1
            self._counted = False
        super().connection_lost(error)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """The address and what follows it. The library takes a third of its time for those that are plain to see."""
        usual = _USUAL.match(arg)
        return (usual[1], arg[usual.end() :]) if usual else super()._getaddr(arg)

    # --- a message ------------------------------------------------------------------------------------------------

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the library calls it by the command
        """Takes a message in when there is room for it, no longer than `MESSAGE_S` and no larger than was announced."""
        envelope = self.envelope
        if envelope is None or not envelope.rcpt_tos:
            await self.push("503 5.5.1 say MAIL and RCPT first")
        elif arg:
            await self.push("501 5.5.4 DATA stands alone")
        else:
            self._reset_timeout(2 * MESSAGE_S)  # This has a limit of its own.
            await self._take(envelope)
            self._reset_timeout()

    async def _take(self, envelope: Envelope) -> None:
        try:
            async with asyncio.timeout(MESSAGE_S):
                await self._room.turn()
        except TimeoutError:
            await self.push(self._behind.come_back(envelope.mail_from, envelope.rcpt_tos, FULL))
            return
        arrival = self._begin()
        try:
            await self.push("354 end with a dot on a line of its own")
            await self._take_early()
            said = await self._answered(arrival, envelope)
            self._set_post_data_state()  # type: ignore[no-untyped-call]
            await self._answer(said, len(envelope.rcpt_tos))
        finally:
            self._end(arrival)
        if arrival.content is None and self.transport is not None:
            # Where in the message it is, nobody knows any more.
            self.transport.close()

    async def _answered(self, arrival: Arrival, envelope: Envelope) -> str:
        try:
            async with asyncio.timeout(MESSAGE_S):
                await self._whole
            refusal = arrival.refusal
        except TimeoutError:
            refusal = arrival.refusal or _TOO_SLOW
        if refusal == FULL:
            return self._behind.come_back(envelope.mail_from, envelope.rcpt_tos, FULL)
        if refusal:
            return refusal
        envelope.content = envelope.original_content = arrival.content
        return str(await self._call_handler_hook("DATA"))

    async def _answer(self, said: str, recipients: int) -> None:  # noqa: ARG002 - LMTP asks for it
        await self.push(said)

    def _begin(self) -> Arrival:
        arrival = self._arrival = Arrival()
        self._whole = asyncio.get_running_loop().create_future()
        self._room.arriving.add(self)
        self._room.held += arrival.held
        return arrival

    async def _take_early(self) -> None:
        """What came before it was asked for lies with the library."""
        if self._reader._buffer:  # type: ignore[attr-defined]
            self.data_received(await self._reader.read(1024 * LONGEST_COMMAND))

    def _end(self, arrival: Arrival) -> None:
        self._room.arriving.discard(self)
        self._room.held -= arrival.held
        self._arrival = None

    def give_up(self) -> None:
        """Waits for the rest of the message no longer."""
        if not self._whole.done():
            self._whole.set_exception(TimeoutError())

    def data_received(self, data: bytes) -> None:
        """Keeps what belongs to a message, and leaves commands to the library."""
        arrival = self._arrival
        if arrival is None or arrival.content is not None:
            super().data_received(data)
            return
        before = arrival.held
        arrival.take(data)
        self._hold(arrival, before)
        if arrival.content is not None:
            if not self._whole.done():
                self._whole.set_result(None)
            super().data_received(arrival.rest)

    def _hold(self, arrival: Arrival, before: int) -> None:
        self._room.held += arrival.held - before
        if arrival.refusal:
            return
        held = arrival.held
        if arrival.is_larger_than(self._largest):
            arrival.refuse(_TOO_LARGE)
        elif self._room.held > self._room.limit:
            arrival.refuse(FULL)
        self._room.held += arrival.held - held


class SMTPPeer(Peer):
    """A mail server that speaks SMTP (RFC 5321). Its address and the name it gave stand beside what it brings."""

    @staticmethod
    def provenance(session: Session) -> dict[str, str]:
        """Who hands mail over here."""
        host = session.peer[0] if isinstance(session.peer, tuple) else ""
        return {"peer": str(host), "helo": (session.host_name or "")[:253]} if host else {}


class LMTPPeer(Peer, LMTP):
    """A mail server that speaks LMTP (RFC 2033), and hears of each recipient by itself."""

    @staticmethod
    def provenance(_session: Session) -> dict[str, str]:
        """Nothing: who brings mail here is the provider's own mail server."""
        return {}

    async def _answer(self, said: str, recipients: int) -> None:
        """Once for each recipient (RFC 2033 section 4.2)."""
        await self.push("\r\n".join([said] * recipients))
