"""Reports read per second of one core's time: ARF mails, XARF objects, Shadowserver rows, and all samples mixed.

The samples are those of the tests: three quarters of them prose, the slowest there is. All inputs are made up here.
"""

import base64
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from abusedesk.parsing.formats import shadowserver
from abusedesk.parsing.read import read

_SECONDS = 2.0
_SAMPLES = Path(__file__).parents[1] / "tests" / "parsing" / "samples"
_ROWS = 100_000
_WORDS = "Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy eirmod tempor invidunt ut labore.\n"


def measure() -> dict[str, dict[str, Any]]:
    """The figures of this part of the house."""
    arf, xarf = [arf_mail(number) for number in range(500)], [xarf_report(number) for number in range(500)]
    mixed = [(path.name, path.read_bytes()) for path in sorted(_SAMPLES.iterdir()) if path.suffix != ".json"]
    return {
        "mixed_parse_per_s": {"value": _rate(lambda: _read_mixed(mixed), len(mixed)), "unit": "messages/s"},
        "largest_mail_mb": {"value": _memory_of_largest(), "unit": "MB"},
        "arf_parse_per_s": {"value": _rate(lambda: _read_all(arf), len(arf)), "unit": "mails/s"},
        "xarf_parse_per_s": {"value": _rate(lambda: _read_all(xarf), len(xarf)), "unit": "reports/s"},
        "shadowserver_rows_per_s": {"value": _rate(_rows_reader(), _ROWS), "unit": "rows/s"},
    }


def arf_mail(number: int) -> bytes:
    """A feedback report of about 7 kB, as a mailbox provider sends it."""
    source = f"198.51.100.{number % 250 + 1}"
    original = (
        f"Received: from mail.example.org ([{source}]) by mx.example.net; Tue, 3 Mar 2026 10:00:00 +0000\n"
        f"From: news@example.org\nTo: user@example.net\nSubject: Offer {number}\nMessage-ID: <{number}@example.org>\n"
        f"Date: Tue, 3 Mar 2026 09:59:58 +0000\n\n{_WORDS * 55}"
    )
    return (
        "From: feedback@example.net\nTo: abuse@example.com\nSubject: FW: Offer\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="part"\n\n'
        "--part\nContent-Type: text/plain\n\nThis is a report about a message.\n"
        "--part\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: Loop/1.0\nVersion: 1\n"
        f"Source-IP: {source}\nArrival-Date: Tue, 3 Mar 2026 10:00:00 +0000\n\n"
        f"--part\nContent-Type: message/rfc822\n\n{original}\n--part--\n"
    ).encode()


def xarf_report(number: int) -> bytes:
    """A login attack in XARF 4."""
    party = {"org": "Example", "contact": "abuse@example.net", "domain": "example.net"}
    report = {
        "xarf_version": "4.2.0",
        "report_id": f"00000000-0000-4000-8000-{number:012d}",
        "timestamp": "2026-03-03T10:00:00Z",
        "reporter": party,
        "sender": party,
        "source_identifier": f"198.51.100.{number % 250 + 1}",
        "source_port": 40000 + number,
        "category": "connection",
        "type": "login_attack",
        "protocol": "tcp",
        "first_seen": "2026-03-03T09:00:00Z",
    }
    return json.dumps(report).encode()


def shadowserver_report(rows: int) -> bytes:
    """A scan report of so many rows."""
    header = '"timestamp","severity","ip","protocol","port","hostname","tag","asn","geo","region","city","naics"\n'
    line = '"2026-03-03 {:02d}:{:02d}:{:02d}","low","198.51.{}.{}","udp",53,"a.example.net","dns",64496,"DE","","",\n'
    return (
        header + "".join(line.format(n % 24, n % 60, n % 59, n // 250 % 250, n % 250) for n in range(rows))
    ).encode()


def _read_all(messages: list[bytes]) -> None:
    for message in messages:
        if read(message).outcome != "reported":
            raise RuntimeError("the benchmark's own report was not read as one")


def _read_mixed(messages: list[tuple[str, bytes]]) -> None:
    for name, message in messages:
        read(message, name)


def _memory_of_largest() -> float:
    """The most memory that a process needs in all which reads one mail of 25 MB, in MB."""
    call = "from benchmarks.parsing import read_largest; read_largest()"
    done = subprocess.run([sys.executable, "-c", call], stdout=subprocess.PIPE, text=True, check=True)
    return round(int(done.stdout) / 1024, 1)


def read_largest() -> None:
    """Reads a spam complaint with 25 MB of attachments and prints the kilobytes that this process needed at most."""
    attachment = base64.encodebytes(bytes(range(256)) * 24_000)
    head = arf_mail(1).replace(b"multipart/report; report-type=feedback-report", b"multipart/mixed")
    part = b"--part\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\n" + attachment + b"\n"
    read(head.replace(b"--part--", part * 3 + b"--part--"))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _rows_reader() -> Callable[[], None]:
    data = shadowserver_report(_ROWS)

    def run() -> None:
        if sum(1 for _ in shadowserver.rows(data, "2026-03-03-scan_dns-example-asn.csv")) != _ROWS:
            raise RuntimeError("not every row of the benchmark's report was read")

    return run


def _rate(run: Callable[[], None], number: int) -> float:
    run()
    begin, done = time.process_time(), 0
    while time.process_time() - begin < _SECONDS:
        run()
        done += number
    return round(done / (time.process_time() - begin), 1)
