"""The demo's blocklist: a name server of its own on the loopback address, which the desk asks as it asks any list.

It also knows the domain behind the demo's request for the mail port.

It answers while the day is played, and then as long as `abusedesk demo` serves; the desk's own sweeps go on meanwhile.
"""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address, ip_network

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from abusedesk.cli.demo.machines import Scene
from abusedesk.cli.demo.people import World
from abusedesk.cli.part import resolve
from abusedesk.records.models import Channel, Listing

ZONE = "bl.listwatch.example.org"
CHANNEL = "listwatch"
ASK = "abusedesk.channels.blocklists:ask_at"

_SPAM, _POLICY = "127.0.0.2", "127.0.0.10"
_TEST = "127.0.0.2"
_DYNAMIC = ip_network("203.0.113.64/28")
"""What the list calls dial-up space: a policy, which accuses nobody."""

_TTL = 60
_TRAP = "mail to spam traps"

# Minutes before the demo began: who is listed from then on, and who no longer.
_OLD = "198.51.100.240"
_STORY: tuple[tuple[int, tuple[str, ...], tuple[str, ...]], ...] = (
    (1430, (_OLD,), ()),
    (640, ("Marlow & Finch Mailings/0",), ()),
    (445, ("Juniper Mail Services/0",), ()),
    (135, ("Ribera Digital/1",), ("Marlow & Finch Mailings/0",)),
)
_SECOND = 35
"""Minutes after which the desk asks a second time."""


class List:
    """A name server, answering what stands on the list at the moment."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}
        self.records: dict[tuple[str, str], list[str]] = {}
        """Whatever else it knows, by name and kind."""
        self._server = socketserver.UDPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    @property
    def place(self) -> str:
        """Where it is asked."""
        return f"{self.host}:{self.port}"

    @property
    def host(self) -> str:
        """The address of that place."""
        return "127.0.0.1"

    @property
    def port(self) -> int:
        """Its port."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, wire: bytes) -> bytes:
        """The answer to one question (RFC 5782 section 2)."""
        question = dns.message.from_wire(wire)
        asked = question.question[0]
        reply = dns.message.make_response(question)
        name, kind = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
        codes, text = self._said(name)
        if any(known == name for known, _ in self.records):
            if values := self.records.get((name, kind)):
                reply.answer.append(dns.rrset.from_text(asked.name, _TTL, "IN", kind, *values))
        elif not codes:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif asked.rdtype == dns.rdatatype.A:
            reply.answer.append(dns.rrset.from_text(asked.name, _TTL, "IN", "A", *codes))
        elif asked.rdtype == dns.rdatatype.TXT and text:
            reply.answer.append(dns.rrset.from_text(asked.name, _TTL, "IN", "TXT", f'"{text}"'))
        return reply.to_wire()

    def _said(self, name: str) -> tuple[list[str], str]:
        address = ".".join(reversed(name.removesuffix(f".{ZONE}").split(".")))
        if address in {_TEST, *self.entries}:
            return [_SPAM], self.entries.get(address, "")
        return ([_POLICY], "") if _is_in(address, _DYNAMIC) else ([], "")

    def _handler(self) -> type[socketserver.BaseRequestHandler]:
        answer = self.answer

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, sock = self.request
                with suppress(dns.exception.DNSException, IndexError):
                    sock.sendto(answer(data), self.client_address)

        return Handler


def set_up(listed: List) -> None:
    """The channel that asks the list, where it is now."""
    options = {"list": "own", "zone": ZONE, "accuses": _SPAM, "nameservers": listed.place, "per_second": "2000"}
    row, _ = Channel.objects.get_or_create(
        name=CHANNEL,
        defaults={"kind": "blocklist", "enabled": False, "carries_answers": False, "options": {"hours": "3"}},
    )
    row.options = {**row.options, **options}
    row.save(update_fields=["options"])


def answer() -> List:
    """Answers from now on, as long as this process lives, what the list said last."""
    listed = List()
    for one in Listing.objects.filter(blocklist=ZONE, gone_at=None):
        listed.entries[one.address] = one.text
    set_up(listed)
    # Switched on only while somebody answers: by `serve` alone it would be a list that is never there.
    Channel.objects.filter(name=CHANNEL).update(enabled=True)
    return listed


def scenes(world: World, listed: List) -> Iterator[Scene]:
    """The sweeps of the day, each with the second look that an entry needs."""
    for minutes, new, gone in _STORY:
        for before in (minutes, minutes - _SECOND):
            at = world.began - timedelta(minutes=before)
            yield Scene(
                at, partial(_sweep, listed, [_ip(world, one) for one in new], [_ip(world, one) for one in gone], at)
            )


def _sweep(listed: List, new: list[str], gone: list[str], at: datetime) -> None:
    since = f"{at - timedelta(minutes=20):%Y-%m-%d %H:%M} UTC"
    listed.entries |= {one: f"Listwatch: {_TRAP} since {since}" for one in new if one not in listed.entries}
    for one in gone:
        listed.entries.pop(one, None)
    channel = Channel.objects.get(name=CHANNEL)
    done = resolve(ASK)(channel, at)
    changed = {"memory": done.memory, "checked_at": at, **({"watermark": done.read_up_to} if done.read_up_to else {})}
    Channel.objects.filter(pk=channel.pk).update(**changed)


def _ip(world: World, name: str) -> str:
    return world.address.get(name, name)


def _is_in(text: str, network: object) -> bool:
    try:
        return ip_address(text) in network  # type: ignore[operator]
    except ValueError:
        return False
