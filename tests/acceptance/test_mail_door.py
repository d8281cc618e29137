"""The door for mail is killed while mails come in: what was acknowledged is there, and nothing is there twice."""

import os
import random
import smtplib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abusedesk.records.models import Message
from tests.acceptance.mail_door import MailDoor
from tests.channels.test_lmtp import eventually
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
        with smtplib.LMTP("127.0.0.1", self.port, local_hostname="mx.example.net", timeout=60) as client:
            while self.acknowledged < len(self.mails):
                client.sendmail("fbl@isp.example.net", ["abuse@jim.example.org"], self.mails[self.acknowledged])
                self.acknowledged += 1


@pytest.fixture
def door(tmp_path: Path, transactional_db: Any, database_url: str) -> Iterator[MailDoor]:
    one = MailDoor(tmp_path, database_url)
    yield one
    one.end()


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
