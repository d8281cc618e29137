"""A small desk made of rows alone, so that the pages are tested without the stages."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
from django.contrib.auth import get_user_model
from django.utils import timezone

from abusedesk.policy import decision as effects
from abusedesk.policy import stimulus as stimuli
from abusedesk.policy.docket import Docket as PolicyDocket
from abusedesk.records import models as records
from abusedesk.records.partitions import ensure_month

_number = itertools.count(1)


@dataclass
class Desk:
    """What the tests ask for by name."""

    brand: records.Brand
    customer: records.Customer
    service: records.Service
    case: records.Case
    report: records.Report
    message: records.Message


def staff(name: str = "ann", password: str = "a long enough password", **more: Any) -> Any:
    """Somebody who may sign in."""
    return get_user_model().objects.create_user(name, f"{name}@desk.example.net", password, **more)


def brand(slug: str = "jimcloud", name: str = "JimCloud", pack: str = "jimcloud") -> records.Brand:
    """A brand."""
    return records.Brand.objects.create(
        slug=slug, name=name, pack=pack, sender=f"abuse@{slug}.example.net", languages=["en"]
    )


def case(
    of: records.Brand, *, needs: list[str], due: timedelta | None = None, abuse_type: str = "attack"
) -> records.Case:
    """A case on a service of its own."""
    number, now = next(_number), timezone.now()
    customer = records.Customer.objects.create(
        brand=of,
        ref=f"c-{number}",
        name=f"Customer {number}",
        email=f"c{number}@example.org",
        since=now - timedelta(days=400),
    )
    service = records.Service.objects.create(
        brand=of,
        ref=f"s-{number}",
        customer=customer,
        label=f"host{number}.example.net",
        since=now - timedelta(days=300),
    )
    records.Docket.objects.create(
        brand=of, service=service, state=msgspec.json.encode(PolicyDocket(service=service.ref)), digest=b"d"
    )
    return records.Case.objects.create(
        brand=of,
        service=service,
        customer=customer,
        abuse_type=abuse_type,
        opened_at=now - timedelta(hours=5),
        last_at=now - timedelta(hours=number % 20),
        occurrences=1,
        reports=1,
        events=4,
        needs=needs,
        next_due=now + due if due else None,
        next_due_name="reply" if due else "",
    )


def report(
    on: records.Case, *, assurance: str = "authenticated", text: bytes = b""
) -> tuple[records.Report, records.Message]:
    """A report about a case, with the message that brought it."""
    now = timezone.now()
    ensure_month("standard", [now])
    reporter, _ = records.Reporter.objects.get_or_create(
        key="net.example", defaults={"name": "Watch of Example Net", "known": True}
    )
    message = records.Message.objects.create(
        received_at=now - timedelta(hours=4),
        brand_id=on.brand_id,
        channel="mail",
        digest=uuid4().bytes,
        size=len(text),
        sender="reports@example.net",
        subject="[abuse] port scan from your network",
        outcome="reported",
        format="xarf",
    )
    one = records.Report.objects.create(
        brand=on.brand,
        message_id=message.pk,
        reporter=reporter,
        reference="EX-4711",
        format="xarf",
        received_at=now - timedelta(hours=4),
        assurance=assurance,
        grade_reason="signed by example.net, which is known",
    )
    event(on, one, "192.0.2.10")
    return one, message


def event(on: records.Case, of: records.Report, ip: str, category: str = "connection/port_scan") -> records.Event:
    """An event of a report."""
    now = timezone.now()
    return records.Event.objects.create(
        received_at=now - timedelta(hours=4),
        brand_id=on.brand_id,
        report_id=of.pk,
        service_id=on.service_id,
        case_id=on.pk,
        category=category,
        source=ip,
        ip=ip,
        occurred_at=now - timedelta(hours=5),
        count=4,
    )


def decision(
    on: records.Case, stimulus: stimuli.Stimulus, ordered: tuple[Any, ...], trace: tuple[Any, ...] = (), key: str = ""
) -> records.Decision:
    """A decision with its line in the timeline."""
    now = timezone.now()
    docket = on.service.docket
    docket.sequence += 1
    docket.save()
    ensure_month("standard", [now])
    made = records.Decision.objects.create(
        docket=docket,
        sequence=docket.sequence,
        key=key or f"test:{uuid4()}",
        at=now,
        decided_at=now,
        by="",
        stimulus=msgspec.json.encode(stimulus),
        facts=b"{}",
        pack_digest=b"\x01\x02",
        pack_version="2022-06-07",
        engine_version=effects.ENGINE_VERSION,
        docket_digest=b"d",
        effects=msgspec.json.encode(ordered),
        trace=msgspec.json.encode(trace),
        salt=b"s",
        previous=b"",
        hash=uuid4().bytes,
    )
    records.TimelineEntry.objects.create(
        at=now, recorded_at=now, docket_id=docket.pk, case_id=on.pk, decision_id=made.pk, kind="report"
    )
    return made


def proposed(on: records.Case, kind: str = "terminate") -> records.Measure:
    """A measure that waits for a person."""
    return records.Measure.objects.create(
        docket=on.service.docket,
        brand=on.brand,
        service=on.service,
        case=on,
        item=f"m{next(_number)}",
        kind=kind,
        mode="proposed",
        refund=False,
        clauses=["jimcloud:9", "safeguard:irreversible"],
        at=timezone.now(),
        decided="proposed",
    )


def first_attack(on: records.Case, of: UUID) -> records.Decision:
    """What the first complaint about an attack brings, as a decision."""
    orders = (
        effects.StrikeMade(
            clauses=("jimcloud:0.track",), case=f"{on.service.ref}/attack", abuse_type="attack", number=1
        ),
        effects.Take(clauses=("jimcloud:1.a",), case=f"{on.service.ref}/attack", measure="suspend", refund=True),
        effects.ChargeMade(
            clauses=("jimcloud:1.a",), case=f"{on.service.ref}/attack", item="fine", amount="20.00", currency="USD"
        ),
    )
    trace = (
        effects.TraceLine("first_attack", "hit", ("jimcloud:1.a",), "the first attack suspends", "strikes == 0"),
        effects.TraceLine(
            "third_strike", "missed", ("jimcloud:9",), "the third strike proposes a termination", "strikes >= 2"
        ),
    )
    stimulus = stimuli.Report(
        id=str(of), category="connection/port_scan", ips=("192.0.2.10",), occurred_at=datetime.now(UTC), events=4
    )
    return decision(on, stimulus, orders, trace)


def desk() -> Desk:
    """One case with one report, one decision and a proposal."""
    of = brand()
    one = case(of, needs=["proposal:terminate"], due=timedelta(hours=3))
    told, message = report(one)
    first_attack(one, told.pk)
    proposed(one)
    records.Assignment.objects.create(
        service=one.service, prefix="192.0.2.10/32", period=(timezone.now() - timedelta(days=300), None)
    )
    return Desk(of, one.customer, one.service, one, told, message)
