"""How fast the watch sees that of a million pending deadlines none is due, and how many it decides per second.

As many watches fire as there are cores; any number may run beside each other.
"""

import multiprocessing
import os
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks import database

PENDING = 1_000_000
SERVICES = 8_000
POLLS = 50
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=200)

_PENDING = """
INSERT INTO records_deadline (docket_id, brand_id, item, name, due, state, measure, clauses)
SELECT %s, %s, 'p' || number, 'reply', %s + number * interval '1 second', 'open', '', '[]'
FROM generate_series(1, %s) AS number
"""


def measure() -> dict[str, dict[str, float | str]]:
    """Polls on a million deadlines none of which is due; then thousands of services miss their time to answer."""
    database.ready()
    from abusedesk.desk.watch import fire_due  # noqa: PLC0415 - it needs the database's settings

    brand = _brand()
    _complain(brand)
    _let_pend(brand)
    polls = [_timed(lambda: fire_due(NOW)) for _ in range(POLLS)]
    rate = SERVICES / _fire_all()
    return {
        "deadline_poll_ms": {"value": statistics.median(polls) * 1000, "unit": "ms"},
        "deadlines_fired_per_s": {"value": rate, "unit": "1/s"},
    }


def _fire_all() -> float:
    """Seconds until all that is due was decided."""
    context = multiprocessing.get_context("spawn")
    number = os.cpu_count() or 1
    ready, fired = context.Barrier(number + 1), context.SimpleQueue()
    watches = [context.Process(target=_watch, args=(ready, fired)) for _ in range(number)]
    for one in watches:
        one.start()
    ready.wait(120)
    started = time.perf_counter()
    total = sum(fired.get() for _ in watches)
    took = time.perf_counter() - started
    for one in watches:
        one.join()
    if total != SERVICES:
        raise RuntimeError(f"{total} deadlines fired of {SERVICES}")
    return took


def _watch(ready: Any, fired: Any) -> None:
    from abusedesk.cli.session import session  # noqa: PLC0415 - it reads the settings of the process

    with session(attach_only=True, migrate=False):
        from abusedesk.desk.watch import fire_due  # noqa: PLC0415

        fire_due(NOW)  # What is loaded once is loaded.
        ready.wait(120)
        done = 0
        while some := fire_due(NOW + timedelta(hours=6)):
            done += some
    fired.put(done)


def _timed(call: Any) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _brand() -> Any:
    from abusedesk.records.models import Brand, Customer, Service  # noqa: PLC0415

    brand = Brand.objects.create(
        slug="bench", name="Bench", pack="jimcloud", sender="abuse@example.net", languages=["en"]
    )
    customer = Customer.objects.create(brand=brand, ref="c", name="c", email="c@example.com", since=LONG_AGO)
    made = (Service(brand=brand, ref=f"s{one}", customer=customer, since=LONG_AGO) for one in range(SERVICES))
    Service.objects.bulk_create(made)
    return brand


def _complain(brand: Any) -> None:
    """Every service gets one complaint that nobody vouches for: a notice, and six hours to answer."""
    from django.db import transaction  # noqa: PLC0415

    from abusedesk.desk.enact import Move, docket_of, enact  # noqa: PLC0415
    from abusedesk.policy.stimulus import Report  # noqa: PLC0415
    from abusedesk.records.holders import holders, lock_version  # noqa: PLC0415

    dockets = [docket_of(service).pk for service in brand.services.all()]
    report = Report("r1", "messaging/spam", ("192.0.2.1",), NOW, assurance="unverified")
    for first in range(0, SERVICES, 200):
        with transaction.atomic():
            lock_version()
            enact([Move(docket, report, "report:1", NOW) for docket in dockets[first : first + 200]], holders())


def _let_pend(brand: Any) -> None:
    from django.db import connection  # noqa: PLC0415

    from abusedesk.desk.enact import docket_of_brand  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(_PENDING, [docket_of_brand(brand.pk).pk, brand.pk, NOW + timedelta(days=2), PENDING])
        cursor.execute("VACUUM ANALYZE")  # As autovacuum leaves the tables of a desk that runs for a while.
