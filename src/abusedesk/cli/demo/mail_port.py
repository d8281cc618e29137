"""The demo's request for the mail port: its domain is looked up at the demo's own name server, and at no other.

The domain ends in `.example`, so that whoever has it looked up again asks nobody outside either.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address

import dns.asyncresolver

from abusedesk.cli.demo.day import COLLEAGUE
from abusedesk.cli.demo.lists import List
from abusedesk.cli.demo.machines import Scene
from abusedesk.cli.demo.people import World
from abusedesk.desk import requests
from abusedesk.desk.requests.check import keep
from abusedesk.desk.requests.gather import gather
from abusedesk.desk.requests.grade import grade

TENANT = "Ines Cardoso/1"
DOMAIN, SELECTOR = "cardoso-deals.example", "s1"
_BEFORE = 55
"""Minutes before the demo began."""

_WORDS = "We send our customers their order confirmations, some forty a day. Please open port 25 for this server."


def scenes(world: World, listed: List) -> Iterator[Scene]:
    """The customer asks, a colleague enters it, and the domain is looked up."""
    at = world.began - timedelta(minutes=_BEFORE)
    yield Scene(at, partial(_ask, world, listed, at))


def _ask(world: World, listed: List, at: datetime) -> None:
    ip = world.address[TENANT]
    asked = requests.Asked(
        world.tenant(TENANT), "open_mail_port", "demo-port-1", ip=ip, domain=DOMAIN, selector=SELECTOR, words=_WORDS
    )
    request = requests.enter(asked, COLLEAGUE, at)
    listed.records |= _zone(ip)
    keep(request, grade(gather(DOMAIN, SELECTOR, [ip], resolver=_resolver(listed))), at)


def _zone(ip: str) -> dict[tuple[str, str], list[str]]:
    """What the customer published: the names are in order, the rest is half done."""
    reverse = ip_address(ip).reverse_pointer
    return {
        (reverse, "PTR"): [f"mail.{DOMAIN}."],
        (f"mail.{DOMAIN}", "A"): [ip],
        (DOMAIN, "TXT"): [f'"v=spf1 ip4:{ip} ~all"'],
        (DOMAIN, "MX"): [f"10 mail.{DOMAIN}."],
        (f"_dmarc.{DOMAIN}", "TXT"): ['"v=DMARC1; p=none"'],
    }


def _resolver(listed: List) -> dns.asyncresolver.Resolver:
    made = dns.asyncresolver.Resolver(configure=False)
    made.nameservers, made.port = [listed.host], listed.port
    return made
