"""A name server on loopback, UDP and TCP, that keeps blocklists as RFC 5782 wants them, and breaks on demand."""

import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

ZONE = "bl.example.net"


def backwards(address: str) -> str:
    """The name of an address in a list, without the zone."""
    return ip_address(address).reverse_pointer.rsplit(".", 2)[0]


@dataclass
class NameServer:
    """What the lists hold, by zone and address; and what goes wrong: `refuses`, `everything`, `silent`, `fails_on`."""

    port: int = 0
    entries: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    ttl: int = 60
    rcode: dns.rcode.Rcode | None = None
    everything: list[str] = field(default_factory=list)
    fails_on: set[str] = field(default_factory=set)
    silent: bool = False
    truncates: bool = False
    asked: list[str] = field(default_factory=list)
    breaks_after: int | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def serve(self, zone: str = ZONE, *, ipv6: bool = False) -> None:
        """A list with its test entries."""
        self.entries[zone] = {"127.0.0.2": ["127.0.0.2"]} | ({"::ffff:7f00:2": ["127.0.0.2"]} if ipv6 else {})

    def list_(self, address: str, *codes: str, zone: str = ZONE, text: str = "") -> None:
        self.entries[zone][address] = list(codes or ("127.0.0.2",))
        self.texts[address] = text

    def delist(self, address: str, zone: str = ZONE) -> None:
        del self.entries[zone][address]

    def answer(self, wire: bytes, *, tcp: bool) -> bytes | None:
        question = dns.message.from_wire(wire)
        name = question.question[0].name.to_text(omit_final_dot=True).lower()
        kind = question.question[0].rdtype
        self.asked.append(f"{name} {dns.rdatatype.to_text(kind)}")
        if self.breaks_after is not None and len(self.asked) > self.breaks_after:
            self.everything = ["127.0.0.2"]
        if self.silent:
            return None
        reply = dns.message.make_response(question)
        if self.truncates and not tcp:
            reply.flags |= dns.flags.TC
            return reply.to_wire()
        self._fill(reply, name, kind)
        return reply.to_wire()

    def _fill(self, reply: dns.message.Message, name: str, kind: dns.rdatatype.RdataType) -> None:
        address, codes = self._found(name)
        if self.rcode is not None or address in self.fails_on:
            reply.set_rcode(self.rcode if self.rcode is not None else dns.rcode.SERVFAIL)
        elif not codes:
            reply.set_rcode(dns.rcode.NXDOMAIN)
            # Resolvers keep this answer too, for as long as the zone says (RFC 2308).
            soa = f"ns.{ZONE}. hostmaster.{ZONE}. 1 3600 900 604800 {self.ttl}"
            reply.authority.append(dns.rrset.from_text(f"{ZONE}.", self.ttl, "IN", "SOA", soa))
        elif kind == dns.rdatatype.A:
            reply.answer.append(dns.rrset.from_text(reply.question[0].name, self.ttl, "IN", "A", *codes))
        elif self.texts.get(address):
            text = f'"{self.texts[address]}"'
            reply.answer.append(dns.rrset.from_text(reply.question[0].name, self.ttl, "IN", "TXT", text))

    def _found(self, name: str) -> tuple[str, list[str]]:
        for zone, entries in self.entries.items():
            for address, codes in entries.items():
                if name == f"{backwards(address)}.{zone}":
                    return address, codes
        broken = next((one for one in self.fails_on if name.startswith(f"{backwards(one)}.")), "")
        return broken, list(self.everything)


@contextmanager
def nameserver() -> Iterator[NameServer]:
    """A running name server with one list."""
    server = NameServer()
    server.serve()

    class Udp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, sock = self.request
            reply = server.answer(data, tcp=False)
            if reply is not None:
                sock.sendto(reply, self.client_address)

    class Tcp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while len(head := self.rfile.read(2)) == 2:
                reply = server.answer(self.rfile.read(struct.unpack("!H", head)[0]), tcp=True)
                if reply is None:
                    return
                self.wfile.write(struct.pack("!H", len(reply)) + reply)

    class TcpServer(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    udp, tcp = _on_one_port(lambda at: socketserver.UDPServer(at, Udp), lambda at: TcpServer(at, Tcp))
    server.port = int(udp.server_address[1])
    with udp, tcp:
        threads = [threading.Thread(target=one.serve_forever, args=(0.02,)) for one in (udp, tcp)]
        for thread in threads:
            thread.start()
        try:
            yield server
        finally:
            udp.shutdown()
            tcp.shutdown()
            for thread in threads:
                thread.join()


Make = Callable[[tuple[str, int]], socketserver.BaseServer]


def _on_one_port(make_udp: Make, make_tcp: Make) -> tuple[socketserver.BaseServer, socketserver.BaseServer]:
    """Both servers on one port; a port that is free for the one may be taken for the other."""
    for _ in range(50):
        udp = make_udp(("127.0.0.1", 0))
        try:
            return udp, make_tcp(("127.0.0.1", int(udp.server_address[1])))
        except OSError:
            udp.server_close()
    raise RuntimeError("no port is free for both UDP and TCP")
