"""A name server on loopback that counts what it is asked."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from abusedesk.desk import names

Zone = dict[tuple[str, str], list[str]]
"""The values of a record by its name and kind. A name that is nowhere does not exist."""


class NameServer(threading.Thread):
    """Answers by UDP from its zone; `silent` it hears and says nothing."""

    def __init__(self, zone: Zone, *, silent: bool = False) -> None:
        super().__init__(daemon=True)
        self.zone, self.silent = zone, silent
        self.asked: list[tuple[str, str]] = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]

    def run(self) -> None:
        while True:
            try:
                data, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            reply = self._reply(dns.message.from_wire(data))
            if not self.silent:
                self.socket.sendto(reply.to_wire(), peer)

    def _reply(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        values = self.zone.get((name, kind), [])
        if values:
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *values))
        elif not any(known == name for known, _ in self.zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply


@contextmanager
def serving(zone: Zone, *, silent: bool = False) -> Iterator[NameServer]:
    """A running name server, which is the machine's resolver for as long."""
    import dns.asyncresolver
    import pytest

    from abusedesk.desk import intake

    server = NameServer(zone, silent=silent)
    server.start()

    def ours() -> dns.asyncresolver.Resolver:
        made = dns.asyncresolver.Resolver(configure=False)
        made.nameservers, made.port = ["127.0.0.1"], server.port
        return made

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(intake, "_asks_dns", lambda: True)
        patched.setattr(names, "resolver", ours)
        patched.setattr(names, "memory", names.Memory())
        try:
            yield server
        finally:
            server.socket.close()
