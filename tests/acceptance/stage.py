"""A stage for plays: a provider's real hypervisor, BGP speaker, router and mail server, under a clock that we move.

Nothing here stands for something else: PostgreSQL, libvirtd with a QEMU guest, two gobgpd that talk BGP, nftables on a
router in a network namespace with packets through it, and SMTP. Only the time is ours: every stage takes it as a value.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from abusedesk.actuators.nftables import Nftables
from abusedesk.desk import hold, watch
from abusedesk.desk.enact import submit
from abusedesk.desk.hearing import answers, tokens, unread
from abusedesk.desk.intake import process_messages
from abusedesk.desk.perform import look_again, perform_effects, perform_targets
from abusedesk.desk.policies.audit import report
from abusedesk.desk.receive import Incoming, receive_many
from abusedesk.policy.decision import Answer, AnyEffect
from abusedesk.policy.docket import Docket as PolicyDocket
from abusedesk.policy.stimulus import AnyStimulus, Approval, Request
from abusedesk.records.chain import verify
from abusedesk.records.models import (
    Assignment,
    Brand,
    Charge,
    Deadline,
    Docket,
    Measure,
    Review,
    Service,
    Ticket,
)
from tests.actuators.test_nftables import Network, listening
from tests.contract.hypervisor import CLOSED, OPEN, Guest, hypervisor
from tests.contract.mailbox import Mailbox
from tests.contract.networks import CUSTOMER, NEIGHBOUR, WORLD, Speaker, neighbour, routed, speaking
from tests.desk.estate import LONG_AGO, NOW, complaint, known_reporter, provider
from tests.signing import signed

OWN = ["192.0.2.0/24"]
ISP = "isp.example.net"
JO = "jo@example.com"
TRANSIT = "noc@transit.example.net"
HOUR = timedelta(hours=1)
STEP = HOUR
_CHARGE = ("name", "amount", "paid", "state")

XARF = """\
From: Reports <fbl@{isp}>
To: <{to}>
Subject: Abuse report
Date: {date:%a, %d %b %Y %H:%M:%S} +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="part"

--part
Content-Type: text/plain

See xarf.json.
--part
Content-Type: application/json; name="xarf.json"

{report}
--part--
"""


@dataclass
class Play:
    """The provider, what stands around it, and what time it is."""

    brand: Brand
    service: Service
    guest: Guest
    speaker: Speaker
    upstream: Speaker
    network: Network
    post: Mailbox
    now: datetime = NOW
    _number: Iterator[int] = field(default_factory=count)

    # --- time --------------------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Everything that is to be done by now is done, as the worker and the watch do it."""
        watch.hold_if_doubtful(self.now, timedelta())
        while process_messages(self.now) or watch.fire_due(self.now) or hold.finish_releases(self.now):
            pass
        perform_effects("play", self.now)
        perform_targets("play", self.now)
        while look_again("play", self.now):
            perform_targets("play", self.now)

    def wait(self, length: timedelta) -> None:
        """Time passes, a little at a time."""
        end = self.now + length
        while self.now < end:
            self.now = min(self.now + STEP, end)
            self.turn()

    def until(self, hours: float) -> None:
        """Time passes until so long after the beginning."""
        self.wait(NOW + hours * HOUR - self.now)

    # --- what comes in -----------------------------------------------------------------------------------------------

    def spam(self) -> None:
        """A reporter who signs complains of spam."""
        self._arrives(complaint(ip=CUSTOMER, to=self._desk, note=f"n{next(self._number)}"))

    def attack(self, kind: str) -> None:
        """A reporter who signs complains of an attack: `ddos`, `port_scan`."""
        told: dict[str, Any] = {
            "xarf_version": "4.2.0",
            "report_id": f"0f8fad5b-d9cb-469f-a165-{next(self._number):012}",
            "timestamp": f"{self.now:%Y-%m-%dT%H:%M:%SZ}",
            "reporter": {"org": "ISP", "contact": f"fbl@{ISP}", "domain": ISP},
            "sender": {"org": "ISP", "contact": f"fbl@{ISP}", "domain": ISP},
            "source_identifier": CUSTOMER,
            "source_port": 40001,
            "destination_ip": "203.0.113.80",
            "category": "connection",
            "type": kind,
            "protocol": "tcp",
            "first_seen": f"{self.now - HOUR:%Y-%m-%dT%H:%M:%SZ}",
        }
        text = XARF.format(isp=ISP, to=self._desk, date=self.now, report=json.dumps(told))
        self._arrives(text.replace("\n", "\r\n").encode())

    def answer(self, text: str, *, complete: bool) -> None:
        """The customer answers by mail to the ticket, and a person reads it."""
        mail = EmailMessage()
        mail["From"], mail["Subject"] = JO, "Re: Abuse complaint"
        mail["To"] = tokens.reply_address(self.brand, Ticket.objects.get(case__service=self.service).token)
        mail["Message-ID"] = f"<answer-{next(self._number)}@example.com>"
        mail.set_content(text)
        receive_many([Incoming(mail.as_bytes(), "play", self.now)])
        self.turn()
        review = Review.objects.get(reason__in=(answers.READ_REPLY, answers.CUSTOMER_WROTE), closed_at=None)
        assert unread.read_reply(review, "complete" if complete else "incomplete", "ann", self.now)
        self.turn()

    def says(self, stimulus: AnyStimulus, by: str = "ann") -> tuple[AnyEffect, ...]:
        """Staff enter something; what the policy orders on it."""
        docket = Docket.objects.get(service=self.service)
        enacted = submit(docket, stimulus, key=f"staff:{next(self._number)}", at=self.now, by=by)
        assert enacted is not None
        self.turn()
        return enacted.decision.effects

    def agrees(self, **what: Any) -> None:
        """A second person approves something."""
        self.says(Approval("approve", "iris", **what), "iris")

    def asks(self, kind: str) -> tuple[str, str, tuple[str, ...]]:
        """The customer asks for something: the request, what is answered, and by which clauses."""
        request = f"request-{next(self._number)}"
        effects = self.says(Request(request, kind))
        answer = next(one for one in effects if isinstance(one, Answer))
        return request, answer.answer, answer.clauses

    # --- what is seen ------------------------------------------------------------------------------------------------

    def measures(self) -> dict[str, str]:
        """What was decided about each measure and what is so, as far as it was read back."""
        rows = Measure.objects.filter(service=self.service).order_by("pk")
        return {one.kind: f"{one.decided}, {one.state}" for one in rows}

    def charges(self) -> list[tuple[str, int, int, str]]:
        """Each charge: its name, its amount, what was paid of it, and how it stands."""
        return list(Charge.objects.filter(service=self.service).order_by("pk").values_list(*_CHARGE))

    def docket(self) -> PolicyDocket:
        """All that the policy knows about the service."""
        return msgspec.json.decode(bytes(Docket.objects.get(service=self.service).state), type=PolicyDocket)

    def owes(self, name: str) -> str:
        """How the deadlines of a name stand, oldest first."""
        rows = Deadline.objects.filter(docket__service=self.service, name=name).order_by("due", "pk")
        return " ".join(rows.values_list("state", flat=True))

    def mails_to(self, address: str) -> int:
        """How many mails somebody got."""
        return sum(address in envelope.rcpt_tos for envelope in self.post.got)

    def upstream_drops(self) -> bool:
        """Whether the upstream has heard that the address is to be dropped."""
        return f"{CUSTOMER}/32" in self.upstream.rib() and "blackhole" in self.upstream.rib()

    def reaches(self) -> dict[int, bool]:
        """Which ports of the world the customer's packets reach."""
        return {port: self.network.reaches(port) for port in (25, 80)}

    def on_the_router(self) -> list[str]:
        """The elements of the desk's sets that name somebody."""
        return [
            line for line in self.network.nft("list", "ruleset").splitlines() if "comment" in line and "192.0.2" in line
        ]

    def outside(self) -> tuple[Any, ...]:
        """All that a measure could have left behind outside."""
        families = ("ipv4", "ipv4-flowspec")
        routes = tuple(one.rib(family) for one in (self.speaker, self.upstream) for family in families)
        return self.guest.everything(), routes, self.on_the_router(), self.reaches()

    @property
    def _desk(self) -> str:
        return f"abuse@{self.brand.slug}.example.org"

    def _arrives(self, mail: bytes) -> None:
        receive_many([Incoming(signed(mail, ISP), "play", self.now)])
        self.turn()


@contextmanager
def play(pack: str, folder: Path, post: Mailbox, *, suspend: str = "unplug") -> Iterator[Play]:
    """A provider of that policy, its systems running, and one customer whose server is on.

    When it is over, the chain of its decisions is whole, and each of them comes out the same when it is made again.
    """
    ours = Speaker(folder, 65001)
    upstream = Speaker(folder, 65002, neighbour(65001, ours.bgp, passive=False))
    ours.listens_to(neighbour(65002, upstream.bgp, passive=True))
    guest = hypervisor().guest(OPEN, CLOSED)
    try:
        with speaking(ours, upstream), routed() as hosts, listening(hosts.world, WORLD, 25, 80):
            via = ["ip", "netns", "exec", hosts.router]
            network = Network(hosts, Nftables({"prefixes": OWN, "via": via}))
            actuators = _actuators(guest, ours, via, suspend)
            known = {"upstream_address": TRANSIT}
            made = provider(pack=pack, in_force_from=LONG_AGO, actuators=actuators, settings=known)
            made.service.ref = guest.name
            made.service.save()
            Assignment.objects.create(service=made.service, prefix=f"{CUSTOMER}/32", period=(LONG_AGO, None))
            made.another("vps-next-door", f"{NEIGHBOUR}/32")
            known_reporter(ISP)
            one = Play(made.brand, made.service, guest, ours, upstream, network, post)
            one.turn()
            yield one
            assert list(verify()) == []
            assert report(None, None).differing == 0
    finally:
        guest.delete()


def _actuators(guest: Guest, speaker: Speaker, via: list[str], suspend: str) -> dict[str, Any]:
    virtual = {"actuator": "libvirt", "uri": guest.hypervisor.uri, "timeout": 5}
    routing = {"actuator": "gobgp", "prefixes": OWN, "gobgp": speaker.words, "next_hop": "192.0.2.1"}
    router = {"actuator": "nftables", "prefixes": OWN, "via": via, "kilobytes": 50}
    return {
        "suspend": [{**virtual, "suspend": suspend, "within": "PT1M"}, {**routing, "as": "null_route"}],
        "shutdown": virtual,
        "terminate": virtual,
        "block_port": router,
        "rate_limit": router,
        "null_route": routing,
    }
