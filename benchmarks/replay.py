"""How long it takes to replay a million recorded stimuli under another pack, and to say what would have been otherwise.

The record is a year of a provider with tens of thousands of services: complaints known and doubtful, answers, payments,
requests, people's decisions, and the deadlines that passed meanwhile. It is made by the policy itself and lies in the
tables as the desk would have written it. Then the desk's own what-if is timed from the call to its answer: both
replays, present and changed pack, and the comparison.

BENCH_STIMULI makes another number of stimuli; the figure is then what a million would have taken.
"""

import os
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from abusedesk.policy.digest import canonical
from abusedesk.policy.docket import Docket
from abusedesk.policy.facts import Facts, Settings
from abusedesk.policy.pack import PACKS, load_pack
from abusedesk.policy.replay import Around, Recorded, Replay, Replayed
from abusedesk.policy.stimulus import (
    AnyStimulus,
    Approval,
    Evidence,
    Opened,
    Payment,
    Reply,
    Report,
    Request,
    Verification,
)
from benchmarks import database

MILLION = 1_000_000
STIMULI = int(os.environ.get("BENCH_STIMULI", MILLION))
EACH = 20
"""So many stimuli a service has in a year, on average."""

START = datetime(2025, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
HOUR = timedelta(hours=1)
CHUNK = 10_000
CHANGE = (
    "reply_period: {clause: 8.b, values: {2022-06-07: PT6H}}",
    "reply_period: {clause: 8.b, values: {2022-06-07: PT9H}}",
)
CATEGORIES = (
    "messaging/spam", "messaging/spam", "connection/login_attack", "connection/port_scan", "content/phishing",
    "copyright/copyright", "vulnerability/open_service", "connection/ddos",
)  # fmt: skip
# A provider of this size has more than twenty automatic measures an hour.
SETTINGS = {"blast_radius": 100_000}


def measure() -> dict[str, dict[str, float | str]]:
    """The seconds that a million stimuli take; what the two processes used of the cores, and the larger one's memory.

    On an idle machine of two cores the first is a little more than half of the second.
    """
    database.ready()
    from abusedesk.desk.policies.past import what_if  # noqa: PLC0415 - it needs the database's settings

    brand = _record()
    with tempfile.TemporaryDirectory() as folder:
        changed = load_pack(str(_changed_pack(Path(folder) / "jimcloud")))
        started = time.perf_counter()
        found = what_if(brand, changed)
        seconds = time.perf_counter() - started
    if found.unlike_record or found.stimuli < STIMULI or not found.affected:
        raise AssertionError(f"the replay is not what was recorded: {found.unlike_record} of {found.stimuli} differ")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    share = MILLION / found.stimuli
    return {
        "replay_million_s": {"value": seconds * share, "unit": "s"},
        "replay_cpu_s": {"value": (used.ru_utime + used.ru_stime) * share, "unit": "s"},
        "replay_process_mb": {"value": used.ru_maxrss / 1024, "unit": "MiB"},
    }


def _changed_pack(folder: Path) -> Path:
    shutil.copytree(PACKS / "jimcloud", folder)
    text = (folder / "pack.yaml").read_text()
    if text.count(CHANGE[0]) != 1:
        raise AssertionError("the pack has no such parameter to change")
    (folder / "pack.yaml").write_text(text.replace(*CHANGE))
    return folder


# --- the past -------------------------------------------------------------------------------------------------------


def _lives() -> list[tuple[datetime, int, AnyStimulus]]:
    """What happens to all services in a year, in order of time."""
    happens: list[tuple[datetime, int, AnyStimulus]] = []
    for number in range(STIMULI // EACH + 1):
        random = Random(number)
        happens.append((START + timedelta(seconds=number % 3000), number, Opened(mail_port=random.random() < 0.3)))
        for episode in range(_episodes(random)):
            begin = START + HOUR + random.random() * YEAR
            happens += [(at, number, one) for at, one in _episode(random, f"{number}-{episode}", number, begin)]
    happens.sort(key=lambda one: one[:2])
    return happens


def _episodes(random: Random) -> int:
    return random.choice((1, 1, 2, 2, 3, 3, 4, 5))


def _episode(random: Random, name: str, number: int, begin: datetime) -> Iterator[tuple[datetime, AnyStimulus]]:
    """Complaints of one kind within some hours, and what the customer and the staff do about them."""
    category, known = random.choice(CATEGORIES), random.random() < 0.7
    ips = _ips(number)[: random.choice((1, 1, 1, 2))]
    for count in range(random.choice((1, 1, 2, 3, 4, 6, 9))):
        at = begin + count * random.random() * HOUR
        assurance: Any = random.choice(("authenticated", "corroborated")) if known else "unverified"
        yield at, Report(f"{name}-{count}", category, ips, at - HOUR, random.randint(1, 40), assurance)
    if not known and random.random() < 0.4:
        rejected = random.random() < 0.3
        raised: Any = None if rejected else "verified"
        yield begin + 12 * random.random() * HOUR, Verification(f"{name}-0", raised, rejected, "staff")
    if random.random() < 0.75:
        yield begin + 14 * random.random() * HOUR, Reply(complete=random.random() < 0.8)
    if known:
        yield from _dealings(random, name, begin + 6 * HOUR)


def _dealings(random: Random, name: str, begin: datetime) -> Iterator[tuple[datetime, AnyStimulus]]:
    if random.random() < 0.6:
        yield begin + 30 * random.random() * HOUR, Payment(random.choice((2000, 4000, 5000)))
    if random.random() < 0.15:
        yield begin + 2 * HOUR, Evidence(accepted=random.random() < 0.5)
    if random.random() < 0.3:
        yield begin + 35 * HOUR, Request(name, "restore")
    if random.random() < 0.1:
        yield begin + 40 * HOUR, Approval(random.choice(("approve", "reject")), "staff", measure="terminate")


def _ips(number: int) -> tuple[str, str]:
    """Two addresses of a service, of those that are kept for documents."""
    first = int(ip_address("2001:db8::")) + 2 * number
    return str(ip_address(first)), str(ip_address(first + 1))


def _facts(number: int) -> Facts:
    return Facts(
        brand="bench",
        service=f"s{number}",
        service_type="vps",
        customer=f"c{number}",
        customer_since=START,
        service_since=START,
    )


def _steps() -> Iterator[Replayed]:
    """The year as the policy decides it."""
    lives = _lives()
    facts = [_facts(number) for number in range(STIMULI // EACH + 1)]
    record = (Recorded(at, f"s{number}", one, facts[number]) for at, number, one in lives)
    fold = Replay(load_pack("jimcloud"), Settings(**SETTINGS), Around(lambda _: ()))  # type: ignore[arg-type]
    yield from fold.steps(record, START + YEAR + 60 * HOUR)


# --- into the tables ------------------------------------------------------------------------------------------------


def _record() -> Any:
    """The brand, its services, and its past."""
    from abusedesk.records.bulk import copy_rows  # noqa: PLC0415 - it needs the database's settings
    from abusedesk.records.models import Brand  # noqa: PLC0415

    brand = Brand.objects.create(
        slug="bench", name="Bench", pack="jimcloud", sender="abuse@example.net", languages=["en"], settings=SETTINGS
    )
    dockets = _services(brand.pk)
    sequences = dict.fromkeys(dockets, 0)
    rows = _rows(dockets, sequences)
    while chunk := list(islice(rows, CHUNK)):
        copy_rows("records_decision", _columns(), chunk)
    _analyze()
    return brand


def _columns() -> tuple[str, ...]:
    from abusedesk.desk.enact.write import DECISION_COLUMNS  # noqa: PLC0415

    return tuple(one for one in DECISION_COLUMNS if one != "id")


def _rows(dockets: dict[str, int], sequences: dict[str, int]) -> Iterator[tuple[Any, ...]]:
    """The decisions' columns. What a replay does not read (digests, the chain) is of the right size, no more."""
    import msgspec  # noqa: PLC0415

    encode = msgspec.json.Encoder(order="deterministic").encode
    digest, pack = bytes(range(32)), bytes.fromhex(load_pack("jimcloud").digest)
    for number, step in enumerate(islice(_steps(), STIMULI)):
        service = step.service or ""
        sequences[service] += 1
        sequence, decision = sequences[service], step.decision
        snapshot = canonical(decision.docket) if sequence % 50 == 0 else None
        yield (
            dockets[service], sequence, f"{number}", step.at, step.at, "", encode(step.stimulus), encode(step.facts),
            pack, decision.version or "", 1, digest, encode(decision.effects), encode(decision.trace), snapshot,
            digest[:16], digest, digest, digest,
        )  # fmt: skip


def _services(brand: int) -> dict[str, int]:
    """Customers, services, addresses and dockets; returned are the dockets' ids."""
    from abusedesk.records.models import Assignment, Customer, Service  # noqa: PLC0415
    from abusedesk.records.models import Docket as DocketRow  # noqa: PLC0415

    numbers = range(STIMULI // EACH + 1)
    customers = Customer.objects.bulk_create(
        (Customer(brand_id=brand, ref=f"c{one}", name=f"c{one}", since=START) for one in numbers), CHUNK
    )
    services = Service.objects.bulk_create(
        (Service(brand_id=brand, ref=f"s{one.ref[1:]}", customer=one, since=START) for one in customers), CHUNK
    )
    Assignment.objects.bulk_create(
        (
            Assignment(service=service, prefix=f"{_ips(number)[0]}/127", period=(START, None))
            for number, service in enumerate(services)
        ),
        CHUNK,
    )
    made = DocketRow.objects.bulk_create(
        (DocketRow(brand_id=brand, service=one, state=canonical(Docket(one.ref)), digest=b"") for one in services),
        CHUNK,
    )
    return {one.service.ref: one.pk for one in made if one.service is not None}


def _analyze() -> None:
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


if __name__ == "__main__":
    for key, figure in measure().items():
        print(f"{key} {figure['value']:,.1f} {figure['unit']}")
