"""The provider of the play: brands, services, what comes in about them, and what people enter afterwards."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from typing import TypeVar

from django.db import DatabaseError, close_old_connections

from abusedesk.desk.enact import submit
from abusedesk.desk.receive import Incoming, receive_many
from abusedesk.policy.stimulus import AnyStimulus, Approval, Payment, Reply, Request
from abusedesk.records.models import Assignment, Brand, BrandAddress, Customer, Docket, Service
from benchmarks.chaos.outsides import Outside, ref
from tests.acceptance.stage import XARF
from tests.desk.estate import complaint, known_reporter
from tests.signing import signed

ISP = "isp.example.net"
HOUR = timedelta(hours=1)
FINE = 2000
_BASE = int(IPv4Address("198.18.0.1"))
_NO_LIMIT = {"blast_radius": 1_000_000, "mass_expiry": 1_000_000, "long_outage": "P1000D"}

Made = TypeVar("Made")


@dataclass(frozen=True)
class Served:
    """A service of the play: its number, what it lies in, and whether it is to be free at the end."""

    number: int
    outside: Outside
    freed: bool

    @property
    def ip(self) -> str:
        """Its one address."""
        return str(IPv4Address(_BASE + self.number))

    @property
    def floods(self) -> bool:
        """Whether it is null-routed because it floods, not suspended because it spams."""
        return self.outside.kind == "null_route"


def found(outsides: Sequence[Outside], services: int, chance: random.Random, now: datetime) -> list[Served]:
    """A brand for each outside, and services by its share."""
    known_reporter(ISP)
    wheel = [one for one in outsides for _ in range(one.share)]
    served = [Served(n, wheel[n % len(wheel)], chance.random() < 0.8) for n in range(services)]
    since = now - timedelta(days=200)
    brands = {one.name: _brand(one, since) for one in outsides}
    for one in served:
        brand = brands[one.outside.name]
        made = {"name": f"Customer {one.number}", "email": f"c{one.number}@example.com", "since": since}
        customer = Customer.objects.create(brand=brand, ref=f"c{one.number}", **made)
        service = Service.objects.create(brand=brand, ref=ref(one.number), customer=customer, since=since)
        Assignment.objects.create(service=service, prefix=f"{one.ip}/32", period=(since, None))
        one.outside.add(one.number)
    return served


def _brand(outside: Outside, since: datetime) -> Brand:
    floods = outside.kind == "null_route"
    brand = Brand.objects.create(
        slug=outside.name,
        name=outside.name.title(),
        pack="scalibit" if floods else "jimcloud",
        sender=f"abuse@{outside.name}.example.org",
        languages=["en"],
        in_force_from=since,
        settings={**_NO_LIMIT, "upstream_address": "noc@transit.example.net"},
        actuators=outside.actuators,
    )
    BrandAddress.objects.create(brand=brand, address=_door(outside))
    return brand


def _door(outside: Outside) -> str:
    return f"abuse@{outside.name}.example.org"


# --- what comes in --------------------------------------------------------------------------------------------------


def complain(about: Sequence[Served], now: datetime) -> None:
    """A reporter who signs complains of each; who is not told that it arrived sends it again."""
    mails = [Incoming(_mail(one, now), "chaos", now) for one in about]
    again(lambda: receive_many(mails))


def _mail(one: Served, now: datetime) -> bytes:
    at = now - HOUR
    if not one.floods:
        words = f"{at:%a, %d %b %Y %H:%M:%S} +0000"
        return signed(
            complaint(sender=f"fbl@{ISP}", ip=one.ip, to=_door(one.outside), note=f"n{one.number}", at=words), ISP
        )
    speaks = {"org": "ISP", "contact": f"fbl@{ISP}", "domain": ISP}
    told = {
        "xarf_version": "4.2.0",
        "report_id": f"0f8fad5b-d9cb-469f-a165-{one.number:012}",
        "timestamp": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "reporter": speaks,
        "sender": speaks,
        "source_identifier": one.ip,
        "source_port": 40001,
        "destination_ip": "203.0.113.80",
        "category": "connection",
        "type": "ddos",
        "protocol": "tcp",
        "first_seen": f"{at:%Y-%m-%dT%H:%M:%SZ}",
    }
    text = XARF.format(isp=ISP, to=_door(one.outside), date=now, report=json.dumps(told))
    return signed(text.replace("\n", "\r\n").encode(), ISP)


def free(one: Served, now: datetime) -> None:
    """The customer did what was asked and paid, and gets the service back."""
    docket = again(lambda: Docket.objects.get(service__ref=ref(one.number)))
    entries: list[AnyStimulus] = [Reply(complete=True), Payment(FINE), Request("r1", "restore")]
    if one.floods:
        entries = [entries[0], entries[2], Approval("approve", "iris", request="r1")]
    for number, entry in enumerate(entries):
        at = now + timedelta(microseconds=number)
        again(lambda entry=entry, number=number, at=at: submit(docket, entry, key=f"staff:{number}", at=at, by="ann"))  # type: ignore[misc]


def again(act: Callable[[], Made]) -> Made:
    """Do it until the database is there."""
    import time  # noqa: PLC0415 - here alone something is waited for

    end = time.monotonic() + 120
    while True:
        try:
            return act()
        except DatabaseError:
            if time.monotonic() > end:
                raise
            close_old_connections()
            time.sleep(0.05)
