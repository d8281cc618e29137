"""Rows as enact leaves them, for the tests of what comes after it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from abusedesk.policy.digest import canonical
from abusedesk.policy.docket import Docket as PolicyDocket
from abusedesk.records.models import (
    Assignment,
    Brand,
    Case,
    Customer,
    Deadline,
    Decision,
    Docket,
    Effect,
    Measure,
    Service,
    Target,
)

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
_number = count(1)
_service = count()
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")


@dataclass
class Desk:
    """One brand with one customer, service, docket and case."""

    brand: Brand
    customer: Customer
    service: Service
    docket: Docket
    case: Case
    decision: Decision

    def target(self, ip: str | None = None) -> Target:
        key = f"ip:{self.brand.slug}/{ip}" if ip else f"service:{self.brand.slug}/{self.service.ref}"
        made = {"brand": self.brand, "service": self.service, "ip": ip}
        return Target.objects.get_or_create(key=key, defaults=made)[0]

    def measure(self, kind: str = "suspend", **values: Any) -> Measure:
        """A measure as decided; its target waits for whoever drives it."""
        target = self.target(values.get("ip"))
        Target.objects.filter(pk=target.pk).update(dirty=True, next_attempt=NOW)
        given = {"mode": "automatic", "decided": "in_force", "at": NOW, "item": f"m{next(_number)}"} | values
        return Measure.objects.create(
            docket=self.docket,
            brand=self.brand,
            service=self.service,
            case=self.case,
            target=target,
            kind=kind,
            clauses=["acme:1"],
            **given,
        )

    def lift(self, measure: Measure) -> None:
        """What enact does when the policy lifts a measure."""
        Measure.objects.filter(pk=measure.pk).update(decided="lifted")
        Target.objects.filter(pk=measure.target_id).update(dirty=True, next_attempt=NOW)

    def notice(self, **payload: Any) -> Effect:
        """A notice as ordered."""
        given = {
            "to": "customer",
            "via": ["ticket", "email"],
            "template": "abuse",
            "case": self.case.pk,
            "service": self.service.pk,
            "clauses": ["acme:1"],
        }
        return Effect.objects.create(
            brand=self.brand,
            decision=self.decision,
            key=f"{self.docket.pk}:1:{next(_number)}",
            kind="notice",
            payload=given | payload,
            due=NOW,
        )

    def deadline(self, due: datetime, **values: Any) -> Deadline:
        """An open deadline."""
        given = {"item": f"d{next(_number)}", "name": "reply", "clauses": ["acme:2"]} | values
        return Deadline.objects.create(docket=self.docket, brand=self.brand, case=self.case, due=due, **given)


def desk(slug: str = "acme", **brand: Any) -> Desk:
    """A brand and all that one case on one service needs."""
    number = next(_service)
    made = Brand.objects.create(
        slug=slug,
        name=slug.title(),
        pack="jimcloud",
        sender=f"abuse@{slug}.example",
        languages=["en"],
        **brand,
    )
    customer = Customer.objects.create(
        brand=made, ref=f"c{number}", name="Jo Doe", email="jo@customer.example", language="en", since=NOW - 99 * HOUR
    )
    service = Service.objects.create(
        brand=made, ref=f"vps-{number}", customer=customer, type="vps", since=NOW - 99 * HOUR
    )
    Assignment.objects.create(service=service, prefix=f"{address(number)}/32", period=(NOW - 99 * HOUR, None))
    state = canonical(PolicyDocket(service=service.ref))
    docket = Docket.objects.create(brand=made, service=service, state=state, digest=b"")
    case = Case.objects.create(
        brand=made, service=service, customer=customer, abuse_type="spam", opened_at=NOW, last_at=NOW
    )
    decision = Decision.objects.create(
        docket=docket,
        sequence=1,
        key="report:1",
        at=NOW,
        decided_at=NOW,
        stimulus=b"{}",
        facts=b"{}",
        pack_digest=b"",
        engine_version=1,
        docket_digest=b"",
        effects=b"[]",
        trace=b"[]",
        salt=b"",
        previous=b"",
        hash=b"",
    )
    return Desk(made, customer, service, docket, case, decision)


def address(number: int) -> str:
    """One of 750 addresses that are nobody's."""
    return f"{_NETWORKS[number // 250 % 3]}.{number % 250 + 1}"


def address_of(of: Desk) -> str:
    """The one address that the service holds."""
    prefix = Assignment.objects.get(service=of.service).prefix
    return str(prefix.network_address)
