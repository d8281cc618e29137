"""How long it takes from a report's arrival until the measure that it brings is in force and read back.

Reports come in by LMTP at a steady rate, each about another service. The door and two workers run as the commands do in
production, and send the notices too; the outside is a webhook on loopback. In force is what another session of the
database reads as in force.
"""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from benchmarks.ingest import _BASE, _desk, _in_a_process
from benchmarks.lmtp import _free_port, _here, _wait_for

RATE = 100
SECONDS = 30
DOORS = 10
"""Connections by which the reports come in."""

FIRST = 20
"""So many reports come before the others and are not counted: then both workers are there and have read their packs."""

PATIENCE_S = 60
"""What is not in force so long after the last report is lost."""


def measure() -> dict[str, dict[str, float | str]]:
    """Median and 99th percentile in seconds."""
    from tests.contract.mailbox import mailbox  # noqa: PLC0415 - only this benchmark needs an outside
    from tests.contract.receiver import receiving  # noqa: PLC0415

    number = FIRST + RATE * SECONDS
    with _desk(number) as folder, receiving() as outside, mailbox() as post:
        _in_a_process(partial(_prepare, outside.url), folder, number)
        mails = [(folder / "mails" / str(one)).read_bytes() for one in range(number)]
        with _running(folder, post.port) as port:
            _play(folder, port, mails[:FIRST], 0)
            sent, reached = _play(folder, port, mails, FIRST)
    if missing := set(sent) - set(reached):
        raise RuntimeError(f"{len(missing)} of {len(sent)} measures did not come into force")
    waits = sorted(reached[one] - sent[one] for one in sent)
    return {
        "measure_p50_s": {"value": statistics.median(waits), "unit": "s"},
        "measure_p99_s": {"value": waits[int(len(waits) * 0.99)], "unit": "s"},
    }


def _prepare(url: str, folder: Path, number: int) -> None:
    """A brand that acts by itself, a reporter whose signature counts, and the reports, each in a file."""
    os.environ["ABUSEDESK_DATA"] = str(folder)
    from abusedesk.cli.session import session  # noqa: PLC0415 - it reads the folder at import

    with session(attach_only=True, migrate=False):
        from abusedesk.records.models import Brand, BrandAddress  # noqa: PLC0415 - as above
        from tests.contract.receiver import SECRET  # noqa: PLC0415
        from tests.desk.estate import known_reporter  # noqa: PLC0415

        brand = Brand.objects.get()
        brand.settings = {"blast_radius": 1_000_000}
        brand.in_force_from = datetime.now(UTC) - timedelta(days=100)
        brand.actuators = {"default": {"actuator": "webhook", "url": url, "secret": SECRET}}
        brand.save()
        BrandAddress.objects.create(brand=brand, address="abuse@mails.example")
        known_reporter("isp.example.net")
        (folder / "mails").mkdir()
        for one, mail in enumerate(_mails(number)):
            (folder / "mails" / str(one)).write_bytes(mail)


def _mails(number: int) -> list[bytes]:
    from tests.desk.estate import complaint  # noqa: PLC0415
    from tests.signing import signed  # noqa: PLC0415

    at = f"{datetime.now(UTC) - timedelta(hours=1):%a, %d %b %Y %H:%M:%S} +0000"
    made = (
        complaint(str(IPv4Address(_BASE + one)), "fbl@isp.example.net", "abuse@mails.example", str(one), at)
        for one in range(number)
    )
    return [signed(one, "isp.example.net") for one in made]


@contextmanager
def _running(folder: Path, post: int) -> Iterator[int]:
    """The door and two workers; the port of the door."""
    port = _free_port()
    environment = {**os.environ, "ABUSEDESK_DATA": str(folder), "ABUSEDESK_LMTP": f"127.0.0.1:{port}"}
    environment |= {"ABUSEDESK_SMTP_URL": f"smtp://127.0.0.1:{post}", "ABUSEDESK_LOG_LEVEL": "error"}
    commands = (["lmtp"], ["worker"], ["worker"])
    parts = [
        subprocess.Popen([sys.executable, "-m", "abusedesk.cli", *one], env=environment, cwd=_here())
        for one in commands
    ]
    try:
        _wait_for(port)
        time.sleep(5)  # The workers are there by then.
        yield port
    finally:
        for one in parts:
            one.terminate()
        for one in parts:
            one.wait(60)


def _play(folder: Path, port: int, mails: Sequence[bytes], first: int) -> tuple[dict[str, float], dict[str, float]]:
    """When each service's report was sent, from the first on, and when its measure was seen in force."""
    sent: dict[str, float] = {}
    reached: dict[str, float] = {}
    begin = time.monotonic() + 0.5
    ways = [threading.Thread(target=_send, args=(port, mails, (first, one), begin, sent)) for one in range(DOORS)]
    for one in ways:
        one.start()
    _watch(folder, len(mails) - first, begin + (len(mails) - first) / RATE + PATIENCE_S, sent, reached)
    for one in ways:
        one.join()
    return sent, reached


def _send(port: int, mails: Sequence[bytes], way: tuple[int, int], begin: float, sent: dict[str, float]) -> None:
    import smtplib  # noqa: PLC0415 - as the tests of the door do

    first, mine = way
    with smtplib.LMTP("127.0.0.1", port, local_hostname="bench.example.net") as client:
        for number in range(first + mine, len(mails), DOORS):
            time.sleep(max(begin + (number - first) / RATE - time.monotonic(), 0))
            sent[f"s{number}"] = time.monotonic()
            client.sendmail("fbl@isp.example.net", ["abuse@mails.example"], mails[number])


_IN_FORCE = """
SELECT service.ref FROM records_measure measure JOIN records_service service ON service.id = measure.service_id
WHERE service.ref = ANY(%s) AND measure.state = 'in_force'
"""


def _watch(folder: Path, number: int, until: float, sent: dict[str, float], reached: dict[str, float]) -> None:
    """Look every 20 ms which of those that were sent are newly in force."""
    import psycopg  # noqa: PLC0415

    from abusedesk.records import embedded  # noqa: PLC0415

    with psycopg.connect(embedded.dsn(folder), autocommit=True) as connection:
        while len(reached) < number and time.monotonic() < until:
            rows: list[Any] = connection.execute(
                _IN_FORCE, [[one for one in list(sent) if one not in reached]]
            ).fetchall()
            now = time.monotonic()
            for (ref,) in rows:
                reached.setdefault(ref, now)
            time.sleep(0.02)
