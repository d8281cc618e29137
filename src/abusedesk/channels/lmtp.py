"""LMTP and SMTP: mail servers hand complaints over, and hear 250 only after the bytes are committed.

Here the doors are opened and closed; `peers` speaks with who comes, `delivery` commits what they bring. What many
connections bring at once is committed together, so that a disk's one write serves them all.
"""

import asyncio
import contextlib
import logging
import resource
import ssl
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP
from django.conf import settings

from abusedesk.channels import delivery
from abusedesk.channels.delivery import Desk
from abusedesk.channels.peers import LMTPPeer, Room, SMTPPeer
from abusedesk.configuration import Configuration, Listen
from abusedesk.problem import Problem

log = structlog.get_logger()

FILES = 8192
"""So many files and connections this process may have open, where the system lets it."""


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
    peer: type[LMTPPeer | SMTPPeer]


@contextlib.asynccontextmanager
async def _open(door: Door, configuration: Configuration) -> AsyncIterator[None]:
    """Listens until the block ends; then the last messages are still committed and answered."""
    loop = asyncio.get_running_loop()
    tls = _certificate(configuration)
    with ThreadPoolExecutor(1, thread_name_prefix=door.channel) as database:
        largest = configuration.mail_size_mb * 1024 * 1024
        desk, room = Desk(door.channel, door.peer.provenance, database), Room(largest)

        def peer() -> SMTP:
            return door.peer(
                desk,
                room=room,
                largest=largest,
                enable_SMTPUTF8=True,
                ident="abusedesk",
                tls_context=tls,
                auth_exclude_mechanism=["LOGIN", "PLAIN"],
                loop=loop,
            )

        server = await _listen(peer, door)
        tasks = [loop.create_task(one) for one in (desk.commit_all(), desk.beat(), room.hurry())]
        try:
            yield
        finally:
            server.close()
            await desk.finish()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await loop.run_in_executor(database, delivery.close)


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
