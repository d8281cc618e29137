"""A real mail server on the loopback interface that says what a test tells it to say."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller


class Mailbox:
    """What was delivered, and the answers to give."""

    def __init__(self) -> None:
        self.port = 0
        self.got: list[Any] = []
        self.rcpt: dict[str, str] = {}
        self.data = "250 2.0.0 queued as ABC123"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        envelope.rcpt_tos.append(address)
        return self.rcpt.get(address, "250 OK")

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.got.append(envelope)
        return self.data


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A mailbox that listens on a free port."""
    one = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        one.port = free.getsockname()[1]
    controller = Controller(one, hostname="127.0.0.1", port=one.port)
    controller.start()
    try:
        yield one
    finally:
        controller.stop()
