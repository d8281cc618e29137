"""Kill a real process at every step, start another, and nothing is doubled and nothing is missing."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count

import pytest
from django.db import connection, connections

from abusedesk.desk.perform.pace import LEASE
from abusedesk.records.models import (
    Brand,
    Case,
    Charge,
    Decision,
    Docket,
    Effect,
    Measure,
    Notice,
    Strike,
    Target,
    Ticket,
    TicketEntry,
    TimelineEntry,
)
from tests.acceptance import child, turns
from tests.acceptance.child import Place
from tests.contract.mailbox import Mailbox, mailbox
from tests.contract.receiver import SECRET, Receiver, receiving
from tests.desk.rows import HOUR, NOW, Desk, desk

pytestmark = pytest.mark.django_db(transaction=True)

Turn = Callable[[datetime], None]


@dataclass
class House:
    """The database, the mail server and the receiver that outlive every worker."""

    mail: Mailbox
    outside: Receiver

    def work(self, turn: Turn, now: datetime, die_at: int | None = None) -> int:
        """Run one worker to its end, or to its death. Returns its exit code."""
        worker = self.start(turn, now, die_at)
        worker.join(60)
        assert worker.exitcode is not None
        return worker.exitcode

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


@pytest.fixture
def house() -> Iterator[House]:
    with mailbox() as mail, receiving() as outside:
        yield House(mail, outside)
    connections.close_all()


def ordered(slug: str, outside: Receiver) -> Desk:
    """One case with a notice and a suspension to carry out."""
    acme = desk(slug, actuators={"suspend": {"actuator": "webhook", "url": outside.url, "secret": SECRET}})
    values = dict.fromkeys(("complaint", "due", "addresses"), "x")
    acme.notice(template="complaint", values=values)
    acme.measure()
    return acme


def assert_carried_out_once(house: House, acme: Desk) -> None:
    notice = Notice.objects.get(case=acme.case)
    assert (notice.state, Effect.objects.get(brand=acme.brand).state) == ("sent", "done")
    assert house.mails_of(notice) in {1, 2}  # The same mail twice is allowed, two mails are not.
    assert len(house.mail.got) == house.mails_of(notice)
    assert TicketEntry.objects.filter(ticket=Ticket.objects.get(case=acme.case)).count() == 1
    assert Measure.objects.get(brand=acme.brand).state == "in_force"
    assert house.changes_of(acme) == ["apply"]
    target = Target.objects.get(brand=acme.brand)
    assert (target.dirty, target.lease_owner) == (False, "")
    story = TimelineEntry.objects.filter(docket_id=acme.docket.pk).order_by("pk").values_list("kind", flat=True)
    assert list(story) == ["carried_out", "carried_out"]


def test_a_worker_killed_at_any_step_of_perform_leaves_nothing_doubled_and_nothing_undone(house: House) -> None:
    for step in count(1):
        acme = ordered(f"acme{step}", house.outside)
        died = house.work(turns.perform, NOW, die_at=step)
        assert died in {0, -signal.SIGKILL}
        later = NOW + LEASE + timedelta(seconds=1)
        assert house.work(turns.perform, later) == 0
        assert_carried_out_once(house, acme)
        house.mail.got.clear()
        Brand.objects.filter(pk=acme.brand.pk).update(held_since=NOW)
        if died == 0:
            break
    assert step > 40


def service_of(slug: str, outside: Receiver) -> Desk:
    """A service whose brand decides by a pack; nothing has happened on it yet."""
    actuators = {"default": {"actuator": "webhook", "url": outside.url, "secret": SECRET}}
    acme = desk(slug, actuators=actuators)
    Case.objects.filter(pk=acme.case.pk).delete()
    Decision.objects.filter(pk=acme.decision.pk).delete()
    return acme


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


def test_a_worker_killed_at_any_step_of_enact_and_perform_leaves_one_of_each(house: House) -> None:
    for step in count(1):
        acme = service_of(f"acme{step}", house.outside)
        died = house.work(turns.enact_and_perform, NOW, die_at=step)
        assert died in {0, -signal.SIGKILL}
        assert house.work(turns.enact_and_perform, NOW + LEASE) == 0
        once = {"decisions": 1, "strikes": 1, "charges": 1, "measures": 1, "notices": 1, "entries": 1}
        assert counted(acme) == once, f"killed at step {step}"
        assert_whole(acme)
        assert house.changes_of(acme) == ["apply"]
        assert Measure.objects.get(docket=acme.docket).state == "in_force"
        assert sorted(acme.docket.deadlines.values_list("name", "state")) == [("payment", "open"), ("reply", "open")]
        Brand.objects.filter(pk=acme.brand.pk).update(held_since=NOW)
        if died == 0:
            break
    assert step > 100


def test_a_watch_killed_at_any_step_decides_a_deadline_once(house: House) -> None:
    due = NOW + 6 * HOUR
    for step in count(1):
        acme = service_of(f"acme{step}", house.outside)
        assert house.work(turns.enact_and_perform, NOW) == 0
        died = house.work(turns.watch_and_perform, due, die_at=step)
        assert died in {0, -signal.SIGKILL}
        assert house.work(turns.watch_and_perform, due + LEASE) == 0
        twice = {"decisions": 2, "strikes": 1, "charges": 1, "measures": 1, "notices": 2, "entries": 2}
        assert counted(acme) == twice, f"killed at step {step}"
        assert_whole(acme)
        states = [("payment", "open"), ("reply", "missed"), ("reply", "open")]
        assert sorted(acme.docket.deadlines.values_list("name", "state")) == states
        Brand.objects.filter(pk=acme.brand.pk).update(held_since=NOW)
        if died == 0:
            break
    assert step > 50


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
