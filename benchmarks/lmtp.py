"""How many mails a second a real client hands over by LMTP, each acknowledged after it was committed.

The door is the command as it runs in production, in a process of its own; the clients keep 20 connections busy.
"""

import os
import smtplib
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.ingest import _desk, _mail

MAILS = 10_000
CONNECTIONS = 20


def measure() -> dict[str, dict[str, float | str]]:
    """Mails acknowledged per second."""
    with _desk(100) as folder:
        port = _free_port()
        environment = {**os.environ, "ABUSEDESK_DATA": str(folder), "ABUSEDESK_LMTP": f"127.0.0.1:{port}"}
        door = subprocess.Popen([sys.executable, "-m", "abusedesk.cli", "lmtp"], env=environment, cwd=_here())
        try:
            _wait_for(port)
            rate = MAILS / _deliver_all(port)
        finally:
            door.terminate()
            door.wait(30)
    return {"lmtp_per_s": {"value": rate, "unit": "mails/s"}}


def _deliver_all(port: int) -> float:
    now = datetime.now(UTC).replace(microsecond=0)
    mails = [_mail(number, now).replace("\n", "\r\n").encode() for number in range(MAILS)]
    threads = [threading.Thread(target=_deliver, args=(port, mails[n::CONNECTIONS])) for n in range(CONNECTIONS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


def _deliver(port: int, mails: list[bytes]) -> None:
    with smtplib.LMTP("127.0.0.1", port, local_hostname="bench.example.net") as client:
        for mail in mails:
            client.sendmail("feedback@loop.example.org", ["abuse@mails.example"], mail)


def _wait_for(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the door did not open")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _here() -> Path:
    return Path(__file__).parent.parent
