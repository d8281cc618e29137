"""The doors for mail as a process of their own, and mail servers that speak to them word by word."""

import contextlib
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.channels.test_lmtp import connects, eventually, free_port

SENDER = "fbl@isp.example.net"


class MailDoor:
    """The command as it runs in production, on a database of the test."""

    def __init__(self, folder: Path, database_url: str, **settings: str) -> None:
        self.port, self.smtp_port = free_port(), free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ABUSEDESK_", "DJANGO_"))},
            "ABUSEDESK_DATA": str(folder),
            "ABUSEDESK_DATABASE_URL": database_url,
            "ABUSEDESK_LMTP": f"127.0.0.1:{self.port}",
            "ABUSEDESK_SMTP": f"127.0.0.1:{self.smtp_port}",
            **settings,
        }
        self.start()

    def start(self) -> None:
        """Starts it and waits until it listens."""
        self.process = subprocess.Popen([sys.executable, "-m", "abusedesk.cli", "lmtp"], env=self.environment)
        eventually(lambda: connects(self.port) and connects(self.smtp_port))

    def die(self) -> None:
        """Kills it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        """Ends it as an operator would."""
        self.process.terminate()
        self.process.wait(30)

    def memory_mb(self) -> float:
        """The most memory that it ever had."""
        return most_memory_mb(self.process.pid)

    @contextlib.contextmanager
    def client(self) -> Iterator[smtplib.LMTP]:
        """A mail server that has said who it is."""
        with smtplib.LMTP("127.0.0.1", self.port, local_hostname="mx.example.net", timeout=90) as client:
            client.ehlo_or_helo_if_needed()
            yield client

    def deliver(self, mail: bytes, to: str, sender: str = SENDER) -> int:
        """The code that a mail server hears in the end."""
        with self.client() as client:
            try:
                client.sendmail(sender, [to], mail)
            except smtplib.SMTPRecipientsRefused as refused:
                return refused.recipients[to][0]
            except smtplib.SMTPResponseException as refused:
                return refused.smtp_code
        return 250

    def connection(self) -> socket.socket:
        """A connection and nothing more."""
        return socket.create_connection(("127.0.0.1", self.port), 30)


def begin(client: smtplib.SMTP, to: str, sender: str = SENDER) -> None:
    """All up to the message."""
    client.mail(sender)
    assert client.rcpt(to)[0] == 250
    client.putcmd("data")
    assert client.getreply()[0] == 354


def most_memory_mb(pid: int) -> float:
    """The most memory that a process ever had (proc(5), `VmHWM`)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024
