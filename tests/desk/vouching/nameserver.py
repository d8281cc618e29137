"""A small name server on the loopback that answers what it is told, counts what it is asked, and can fall silent."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset

from abusedesk.desk.vouching.ask import DNS


class NameServer(threading.Thread):
    """Answers by name and type, as `("isp.example", "TXT")` with a list of records as they stand in a zone file."""

    def __init__(self, records: Mapping[tuple[str, str], list[str]]) -> None:
        super().__init__(daemon=True)
        self.records = dict(records)
        self.asked: list[tuple[str, str]] = []
        self.silent = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def run(self) -> None:
        while True:
            try:
                data, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            answer = self._answer(dns.message.from_wire(data))
            if not self.silent:
                self.socket.sendto(answer.to_wire(), peer)

    def _answer(self, question: dns.message.Message) -> dns.message.Message:
        asked = question.question[0]
        name, kind = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, kind))
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        found = self.records.get((name, kind))
        if found:
            answer.answer.append(dns.rrset.from_text_list(asked.name, 60, "IN", kind, found))
        elif not any(one == name for one, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


@contextmanager
def name_server(records: Mapping[tuple[str, str], list[str]]) -> Iterator[NameServer]:
    """The only name server that this process asks, for the length of the block."""
    server = NameServer(records)
    server.start()
    before = dns.resolver.default_resolver
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], server.port
    dns.resolver.default_resolver = resolver
    DNS.forget()
    try:
        yield server
    finally:
        dns.resolver.default_resolver = before
        DNS.forget()
        server.socket.close()


def text_record(text: str) -> str:
    """A text as a record of a zone file, cut into strings of 200 bytes."""
    return " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))
