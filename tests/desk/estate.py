"""A small provider to complain about, and mails that complain."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from abusedesk.desk.intake import process_messages
from abusedesk.desk.receive import Incoming, receive_many
from abusedesk.records.models import Assignment, Brand, BrandAddress, Customer, Reporter, Service
from tests.signing import PAIR, signed

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=200)

MAIL = """\
From: Feedback <{sender}>
To: <{to}>
Subject: FW: Buy now
Date: Mon, 2 Mar 2026 11:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part"

--part
Content-Type: text/plain

One of our users complained about this message.
{note}

--part
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Example/1.0
Version: 1
Source-IP: {ip}
Arrival-Date: {at}

--part
Content-Type: message/rfc822

From: shop@example.com
To: somebody@example.net
Subject: Buy now
Message-ID: <{note}@example.com>

Everything must go.
--part--
"""


@dataclass
class Provider:
    """A brand with an address, one customer and one service that holds 192.0.2.0/28 and 2001:db8:1::/64."""

    brand: Brand
    customer: Customer
    service: Service

    @property
    def address(self) -> str:
        return f"abuse@{self.brand.slug}.example.org"

    def another(self, ref: str, prefix: str, since: datetime = LONG_AGO, until: datetime | None = None) -> Service:
        """Another customer's service that holds a prefix."""
        customer = Customer.objects.create(brand=self.brand, ref=f"c-{ref}", name=ref, since=LONG_AGO)
        service = Service.objects.create(brand=self.brand, ref=ref, customer=customer, since=LONG_AGO)
        Assignment.objects.create(service=service, prefix=prefix, period=(since, until))
        return service


def provider(slug: str = "jim", pack: str = "jimcloud", **brand: Any) -> Provider:
    """A provider whose service is long open."""
    made = Brand.objects.create(
        slug=slug, name=slug.title(), pack=pack, sender=f"abuse@{slug}.example.org", languages=["en"], **brand
    )
    BrandAddress.objects.create(brand=made, address=f"abuse@{slug}.example.org")
    customer = Customer.objects.create(brand=made, ref="c1", name="Jo", email="jo@example.com", since=LONG_AGO)
    service = Service.objects.create(brand=made, ref="s1", customer=customer, since=LONG_AGO)
    return Provider(made, customer, service)


def with_addresses(one: Provider) -> Provider:
    """The provider's service holds its usual prefixes."""
    for prefix in ("192.0.2.0/28", "2001:db8:1::/64"):
        Assignment.objects.create(service=one.service, prefix=prefix, period=(LONG_AGO, None))
    return one


def known_reporter(domain: str, organisation: str = "") -> Reporter:
    """A reporter whose signatures count."""
    keys = {f"s1._domainkey.{domain}": PAIR.record}
    return Reporter.objects.create(
        key=f"fbl@{domain}", domains=[domain], keys=keys, known=True, organisation=organisation or domain
    )


def complaint(
    ip: str = "192.0.2.1", sender: str = "fbl@isp.example.net", to: str = "abuse@jim.example.org", note: str = "1",
    at: str = "Mon, 2 Mar 2026 10:30:00 +0000",
) -> bytes:  # fmt: skip
    """An unsigned ARF mail."""
    return MAIL.format(ip=ip, sender=sender, to=to, note=note, at=at).replace("\n", "\r\n").encode()


def signed_complaint(domain: str, **parts: str) -> bytes:
    """An ARF mail with a DKIM signature of its sender's domain."""
    return signed(complaint(sender=f"fbl@{domain}", **parts), domain)


def take(*mails: bytes, at: datetime = NOW) -> int:
    """Receives mails and reads all that waits. Returns how many messages were read."""
    receive_many([Incoming(mail, "test", at) for mail in mails])
    return process_messages(at)
