"""Kill a real process at every step, start another, and nothing is doubled and nothing is missing."""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import count
from typing import Any

import pytest
from django.db import connection

from abusedesk.desk.hold import press
from abusedesk.records.models import (
    Brand,
    BrandAddress,
    Case,
    Charge,
    Decision,
    Docket,
    Effect,
    Measure,
    Message,
    Notice,
    Report,
    Strike,
    Target,
    TicketEntry,
)
from tests.acceptance import child, turns
from tests.acceptance.child import Place
from tests.contract.mailbox import Mailbox, mailbox
from tests.contract.receiver import SECRET, Receiver, receiving
from tests.desk.estate import known_reporter, signed_complaint
from tests.desk.rows import HOUR, NOW, Desk, address_of, desk

pytestmark = pytest.mark.django_db(transaction=True)

LATER = timedelta(minutes=6)  # Longer than any lease.
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
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


@pytest.fixture
def house(settings: Any) -> Iterator[House]:
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
    """The worker killed next has nothing more to do with this one."""
    Brand.objects.filter(pk=acme.brand.pk).update(held_since=NOW)


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


@pytest.mark.parametrize("first", [1, 2], ids=["odd steps", "even steps"])
def test_a_worker_killed_at_any_step_from_mail_to_measure_leaves_one_of_each(house: House, first: int) -> None:
    known_reporter("isp.example.net")
    for step in count(first, 2):
        acme = service_of(f"acme{step}", house.outside)
        BrandAddress.objects.create(brand=acme.brand, address=f"abuse@{acme.brand.slug}.example")
        mail = signed_complaint("isp.example.net", ip=address_of(acme), to=f"abuse@{acme.brand.slug}.example")
        turn = partial(turns.take_and_perform, mail)
        died = house.dies(turn, NOON, at=step)
        turn(NOON + LATER)
        assert counted(acme) == ONE_OF_EACH, f"killed at step {step}"
        assert Report.objects.filter(brand=acme.brand).count() == 1
        assert Message.objects.filter(brand_id=acme.brand.pk).count() == 1
        assert_whole(acme)
        assert_told_once(house, acme)
        assert house.changes_of(acme) == ["apply"]
        assert Measure.objects.get(docket=acme.docket).state == "in_force"
        assert sorted(acme.docket.deadlines.values_list("name", "state")) == [("payment", "open"), ("reply", "open")]
        stop(acme)
        if not died:
            break
    assert step > 100


def test_a_watch_killed_at_any_step_decides_a_deadline_once(house: House) -> None:
    due = NOW + 6 * HOUR
    for step in count(1):
        acme = service_of(f"acme{step}", house.outside)
        turns.enact_and_perform(NOW)
        died = house.dies(turns.watch_and_perform, due, at=step)
        turns.watch_and_perform(due + LATER)
        assert counted(acme) == ONE_OF_EACH | {"decisions": 2, "notices": 2, "entries": 2}, f"killed at step {step}"
        assert_whole(acme)
        states = [("payment", "open"), ("reply", "missed"), ("reply", "open")]
        assert sorted(acme.docket.deadlines.values_list("name", "state")) == states
        stop(acme)
        if not died:
            break
    assert step > 50


def test_a_release_killed_at_any_step_moves_every_deadline_once(house: House) -> None:
    for step in count(1):
        acme = service_of(f"acme{step}", house.outside)
        turns.enact_and_perform(NOW)
        before = dict(acme.docket.deadlines.values_list("item", "due"))
        press(acme.brand, "kim", "a faulty feed", NOW + HOUR)
        died = house.dies(turns.release_held, NOW + 5 * HOUR, at=step)
        turns.release_held(NOW + 5 * HOUR)
        after = dict(acme.docket.deadlines.values_list("item", "due"))
        assert after == {item: due + 4 * HOUR for item, due in before.items()}, f"killed at step {step}"
        assert_whole(acme)
        assert Brand.objects.get(pk=acme.brand.pk).held_since is None
        stop(acme)
        if not died:
            break
    assert step > 30


def test_two_workers_at_once_double_nothing(house: House) -> None:
    cases = [ordered(f"acme{number}", house.outside) for number in range(12)]
    workers = [house.start(turns.perform, NOW) for _ in range(2)]
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(house.mail.got) == len(cases)
    for acme in cases:
        assert house.changes_of(acme) == ["apply"]
        assert Measure.objects.get(brand=acme.brand).fence == 1
