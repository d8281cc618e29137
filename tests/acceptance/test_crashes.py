"""Kill a real process at every step, start another, and nothing is doubled and nothing is missing."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

import pytest
from django.db import connection, connections

from abusedesk.desk.perform.pace import LEASE
from abusedesk.records.models import Brand, Effect, Measure, Notice, Target, Ticket, TicketEntry, TimelineEntry
from tests.acceptance import child, turns
from tests.acceptance.child import Place
from tests.contract.mailbox import Mailbox, mailbox
from tests.contract.receiver import SECRET, Receiver, receiving
from tests.desk.rows import NOW, Desk, desk

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
