"""How many mails and feed rows a second `abusedesk ingest` brings from a file to a committed decision.

The command runs as its user runs it, with two processes, on a server and a database made for this measurement, which
writes to disk as safely as in production. Its start is part of the time.
"""

import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from abusedesk.records import embedded

MAILS = 12_000
MAIL_SERVICES = 2_000
FEED_SERVICES = 5_000
FEED_ROWS = 150_000
REPEATED = 0.9
_BASE = int(IPv4Address("198.18.0.0"))
"""The range set aside for benchmarks (RFC 2544)."""

_ARF = """From: feedback@loop.example.org
To: abuse@mails.example
Subject: FW: your order {number}
Date: {date}
Message-ID: <{number}@loop.example.org>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part"

--part
Content-Type: text/plain; charset="us-ascii"

This is an email abuse report for an email message received from IP {ip}.

--part
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Loop/1.0
Version: 1
Original-Mail-From: <shop{number}@sender.example>
Arrival-Date: {date}
Source-IP: {ip}
Reported-Domain: sender.example

--part
Content-Type: message/rfc822
Content-Disposition: inline

Received: from sender.example ({ip}) by mx.loop.example.org; {date}
From: <shop{number}@sender.example>
To: <somebody@loop.example.org>
Subject: your order {number}
Date: {date}

{body}
--part--
"""
_BODY = "Only today: everything in our shop at half its price, as long as the stock lasts.\n" * 12


def measure() -> dict[str, dict[str, float | str]]:
    """Both figures, each on a fresh database."""
    now = datetime.now(UTC).replace(microsecond=0)
    return {
        "mail_ingest_per_s": {"value": _mails(now), "unit": "mails/s"},
        "feed_rows_per_s": {"value": _feed(now), "unit": "rows/s"},
    }


def _mails(now: datetime) -> float:
    with _desk(MAIL_SERVICES) as folder:
        mails = folder / "mails"
        mails.mkdir()
        for number in range(MAILS):
            (mails / f"{number}.eml").write_text(_mail(number, now - timedelta(seconds=number)))
        return MAILS / _ingest(folder, mails)


def _mail(number: int, at: datetime) -> str:
    ip = IPv4Address(_BASE + number % MAIL_SERVICES)
    return _ARF.format(number=number, date=f"{at:%a, %d %b %Y %H:%M:%S} +0000", ip=ip, body=_BODY)


def _feed(now: datetime) -> float:
    """The third day of a feed: most of what it says it said on the days before."""
    with _desk(FEED_SERVICES) as folder:
        chance = random.Random(1)
        ports = [chance.sample(range(1, 60_000), FEED_ROWS // FEED_SERVICES) for _ in range(FEED_SERVICES)]
        for day in (2, 1):
            _ingest(folder, _feed_file(folder, now - timedelta(days=day), ports))
            for known in ports:
                kept = int(len(known) * REPEATED)
                known[kept:] = chance.sample(range(60_000, 65_536), len(known) - kept)
        return FEED_ROWS / _ingest(folder, _feed_file(folder, now, ports))


def _feed_file(folder: Path, day: datetime, ports: list[list[int]]) -> Path:
    path = folder / f"{day:%Y-%m-%d}-scan_telnet-example-asn.csv"
    with path.open("w") as file:
        file.write('"timestamp","ip","protocol","port","hostname","tag","asn","geo","region","city","naics","banner"\n')
        for service, open_ports in enumerate(ports):
            ip = IPv4Address(_BASE + service)
            for port in open_ports:
                at = day - timedelta(seconds=port % 3600)
                file.write(f'"{at:%Y-%m-%d %H:%M:%S}","{ip}","tcp",{port},"h{service}.example.net","telnet",')
                file.write('64496,"XX","Region","City",518210,"login:"\n')
    return path


# --- the desk to be measured ----------------------------------------------------------------------------------------


@contextmanager
def _desk(services: int) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="abusedesk-bench-"))
    folder.chmod(0o711)
    try:
        with embedded.running(folder):
            _in_a_process(_fill, folder, services)
            yield folder
    finally:
        shutil.rmtree(embedded.locate(folder).home, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _in_a_process(work: Callable[[Path, int], None], *arguments: object) -> None:
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError("the measurement could not be prepared")


def _fill(folder: Path, services: int) -> None:
    os.environ["ABUSEDESK_DATA"] = str(folder)
    from abusedesk.cli.session import apply_migrations, session  # noqa: PLC0415 - they read the folder at import

    with session(attach_only=True, migrate=False):
        apply_migrations()
        from abusedesk.records.models import Assignment, Brand, Customer, Service  # noqa: PLC0415 - as above

        since = datetime(2024, 1, 1, tzinfo=UTC)
        brand = Brand.objects.create(
            slug="bench", name="Bench", pack="jimcloud", sender="abuse@mails.example", languages=["en"]
        )
        customer = Customer.objects.create(brand=brand, ref="c", name="C", email="c@example.net", since=since)
        made = Service.objects.bulk_create(
            Service(brand=brand, ref=f"s{number}", customer=customer, since=since) for number in range(services)
        )
        Assignment.objects.bulk_create(
            Assignment(service=one, prefix=f"{IPv4Address(_BASE + number)}/32", period=(since, None))
            for number, one in enumerate(made)
        )


def _ingest(folder: Path, path: Path) -> float:
    """Seconds that the command took."""
    environment = {**os.environ, "ABUSEDESK_DATA": str(folder)}
    command = [sys.executable, "-m", "abusedesk.cli", "ingest", str(path), "--brand", "bench", "--processes", "2"]
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started
