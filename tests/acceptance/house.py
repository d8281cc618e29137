"""A house whose workers can be killed at any step: database, mail server and receiver outlive them."""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import connection

from abusedesk.records.models import (
    Brand,
    Case,
    Charge,
    Decision,
    Docket,
    Effect,
    Measure,
    Notice,
    Pace,
    Strike,
    Target,
    TicketEntry,
)
from tests.acceptance import child
from tests.acceptance.child import Place
from tests.contract.mailbox import Mailbox, mailbox
from tests.contract.receiver import SECRET, Receiver, receiving
from tests.desk.rows import NOW, Desk, desk

LATER = timedelta(minutes=6)  # Longer than any lease.
ONE_OF_EACH = {"decisions": 1, "strikes": 1, "charges": 1, "measures": 1, "notices": 1, "entries": 1}

Turn = Callable[[datetime], None]


@dataclass
class House:
    """The database, the mail server and the receiver that outlive every worker."""

    mail: Mailbox
    outside: Receiver

    def dies(self, turn: Turn, now: datetime, at: int) -> bool:
        """Run one worker that is killed at a step. False when it came to its end before."""
        worker = self.start(turn, now, at)
        worker.join(60)
        assert worker.exitcode in {0, -signal.SIGKILL}
        until(lambda: others() == 0)  # The server takes a moment to see that its client is dead.
        return worker.exitcode != 0

    def start(self, turn: Turn, now: datetime, die_at: int | None = None) -> multiprocessing.process.BaseProcess:
        """Start one worker."""
        known = {key: str(connection.settings_dict[key]) for key in ("NAME", "HOST", "PORT", "USER", "PASSWORD")}
        place = Place(known, self.mail.port)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.acceptance.child", "tests.acceptance.turns", "pytest"])
        worker = context.Process(target=child.run, args=(place, turn, now, die_at))
        worker.start()
        return worker

    def mails_of(self, notice: Notice) -> int:
        """How often a notice's mail arrived."""
        return sum(notice.message_id.encode() in envelope.content for envelope in self.mail.got)

    def changes_of(self, acme: Desk) -> list[str]:
        """What really changed outside for a service."""
        return [action for place, action in self.outside.changes if place.startswith(f"{acme.service.ref}/")]


def others() -> int:
    """How many other sessions the database has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that must come about soon."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


@contextmanager
def built(settings: Any) -> Iterator[House]:
    """A house for the length of a block; what is sent meanwhile goes to its mail server."""
    with mailbox() as mail, receiving() as outside:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mail.port
        yield House(mail, outside)


def ordered(slug: str, outside: Receiver) -> Desk:
    """One case with a notice and a suspension to carry out."""
    acme = desk(slug, actuators={"suspend": {"actuator": "webhook", "url": outside.url, "secret": SECRET}})
    values = dict.fromkeys(("complaint", "due", "addresses"), "x")
    acme.notice(template="complaint", values=values)
    acme.measure()
    return acme


def assert_told_once(house: House, acme: Desk) -> None:
    """One notice, and no mail but its own; that one may have gone out twice."""
    notice = Notice.objects.get(brand=acme.brand)
    assert notice.state == "sent"
    assert 1 <= house.mails_of(notice) == len(house.mail.got) <= 2
    house.mail.got.clear()


def service_of(slug: str, outside: Receiver) -> Desk:
    """A service whose brand decides by a pack; nothing has happened on it yet."""
    actuators = {"default": {"actuator": "webhook", "url": outside.url, "secret": SECRET}}
    acme = desk(slug, actuators=actuators)
    Case.objects.filter(pk=acme.case.pk).delete()
    Decision.objects.filter(pk=acme.decision.pk).delete()
    return acme


def stop(acme: Desk) -> None:
    """The worker killed next has nothing more to do with this one.

    It begins at the same hour again, when the mails of this one would be still to come.
    """
    Brand.objects.filter(pk=acme.brand.pk).update(held_since=NOW)
    Pace.objects.all().delete()


def counted(acme: Desk) -> dict[str, int]:
    """How many of each kind of record the docket has."""
    tables = {"decisions": Decision, "strikes": Strike, "charges": Charge, "measures": Measure}
    counts = {name: table.objects.filter(docket=acme.docket).count() for name, table in tables.items()}
    entries = TicketEntry.objects.filter(ticket__case__service=acme.service).count()
    return counts | {"notices": Notice.objects.filter(brand=acme.brand).count(), "entries": entries}


def assert_whole(acme: Desk) -> None:
    """The docket is what its last decision made it, and nothing waits to be carried out."""
    docket = Docket.objects.get(pk=acme.docket.pk)
    last = Decision.objects.filter(docket=docket).order_by("sequence").last()
    assert last is not None
    assert (docket.sequence, bytes(docket.head)) == (last.sequence, bytes(last.hash))
    assert sha256(bytes(docket.state)).digest() == bytes(docket.digest) == bytes(last.docket_digest)
    assert set(Effect.objects.filter(brand=acme.brand).values_list("state", flat=True)) == {"done"}
    assert not Target.objects.filter(brand=acme.brand, dirty=True).exists()
