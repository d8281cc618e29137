"""The door for mail is killed while mails come in: what was acknowledged is there, and nothing is there twice."""

import os
import random
import signal
import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from abusedesk.records.models import Message
from tests.channels.test_lmtp import connects, eventually, free_port
from tests.desk.estate import complaint, provider

pytestmark = pytest.mark.django_db(transaction=True)

MAILS = int(os.environ.get("TEST_MAILS", "600"))
KILLS = int(os.environ.get("TEST_KILLS", "2"))
CLIENTS = 4


class MailServer(threading.Thread):
    """Keeps each of its mails until it was acknowledged, as a mail server does."""

    def __init__(self, port: int, mails: list[bytes]) -> None:
        super().__init__()
        self.port, self.mails, self.acknowledged = port, mails, 0

    def run(self) -> None:
        while self.acknowledged < len(self.mails):
            try:
                self._deliver()
            except (OSError, smtplib.SMTPException):
                time.sleep(0.05)

    def _deliver(self) -> None:
        with smtplib.LMTP("127.0.0.1", self.port, local_hostname="mx.example.net", timeout=20) as client:
            while self.acknowledged < len(self.mails):
                client.sendmail("fbl@isp.example.net", ["abuse@jim.example.org"], self.mails[self.acknowledged])
                self.acknowledged += 1


class MailDoor:
    """The command as it runs in production, on the database of the test."""

    def __init__(self, folder: Path) -> None:
        known = {key: quote(str(connection.settings_dict[key]), safe="") for key in ("NAME", "HOST", "PORT", "USER")}
        database = f"postgresql://{known['USER']}@/{known['NAME']}?host={known['HOST']}&port={known['PORT']}"
        self.port = free_port()
        self.environment = {
            **os.environ,
            "ABUSEDESK_DATA": str(folder),
            "ABUSEDESK_DATABASE_URL": database,
            "ABUSEDESK_LMTP": f"127.0.0.1:{self.port}",
        }
        self.environment.pop("DJANGO_SETTINGS_MODULE", None)
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "abusedesk.cli", "lmtp"], env=self.environment)
        eventually(lambda: connects(self.port))

    def die(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[MailDoor]:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE records_message")
    one = MailDoor(tmp_path)
    yield one
    one.process.terminate()
    one.process.wait(30)


def test_what_was_acknowledged_is_there_once_however_often_the_door_is_killed(door: MailDoor, db: Any) -> None:
    provider()
    mails = [complaint(note=str(number)) for number in range(MAILS)]
    servers = [MailServer(door.port, mails[number::CLIENTS]) for number in range(CLIENTS)]
    for server in servers:
        server.start()
    chance = random.Random(MAILS)
    for kill in range(1, KILLS + 1):
        enough = MAILS * kill // (KILLS + 1) + chance.randrange(20)
        eventually(lambda enough=enough: sum(one.acknowledged for one in servers) >= enough)  # type: ignore[misc]
        door.die()
        door.start()
    for server in servers:
        server.join(120)

    assert sum(one.acknowledged for one in servers) == MAILS
    assert Message.objects.count() == MAILS
    assert Message.objects.values("digest").distinct().count() == MAILS
