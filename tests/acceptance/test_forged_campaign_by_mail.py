"""The forged campaign by the real door: handed over by LMTP, read, decided, carried out, up to the last deadline."""

import smtplib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parseaddr
from pathlib import Path
from random import Random
from typing import Any

import pytest

from abusedesk.desk.intake import process_messages
from abusedesk.desk.perform import perform_effects, perform_targets
from abusedesk.desk.watch import fire_due
from abusedesk.records.models import Channel, Charge, Deadline, Measure, Message, Report, Review, Strike
from tests.acceptance.mail_door import MailDoor
from tests.acceptance.test_forged_campaign import ISPS, forgeries, genuine, hurt, passed_on
from tests.contract.mailbox import mailbox
from tests.contract.receiver import SECRET, Receiver, receiving
from tests.desk.estate import LONG_AGO, Provider, known_reporter, provider, with_addresses

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Desk:
    """A provider with its door for mail in a process of its own, and the outside that its measures drive."""

    door: MailDoor
    made: Provider
    outside: Receiver

    def hears(self, mails: Iterable[bytes]) -> None:
        """What a mail server hands over, each acknowledged; then one worker does all there is to do."""
        with smtplib.LMTP("127.0.0.1", self.door.port, local_hostname="mx.example.net", timeout=60) as client:
            for mail in mails:
                sender = parseaddr(mail.split(b"From: ", 1)[1].split(b"\r\n", 1)[0].decode())[1]
                assert client.sendmail(sender, ["abuse@jim.example.org"], mail) == {}
        self.works(datetime.now(UTC))

    def days_pass(self, days: int) -> int:
        """Nobody writes any more, and every deadline comes. Returns how many came."""
        self.door.die()
        now = datetime.now(UTC)
        Channel.objects.update(watermark=now + timedelta(days=days))
        fired = 0
        for hours in range(1, 24 * days, 3):
            fired += fire_due(now + timedelta(hours=hours))
            self.works(now + timedelta(hours=hours))
        return fired

    def works(self, now: datetime) -> None:
        """Whatever waits is read, decided and carried out."""
        while process_messages(now):
            pass
        while perform_effects("worker", now) + perform_targets("worker", now):
            pass


@pytest.fixture(params=["jimcloud", "scalibit"])
def desk(
    request: pytest.FixtureRequest, settings: Any, tmp_path: Path, transactional_db: Any, database_url: str
) -> Iterator[Desk]:
    with mailbox() as mail, receiving() as outside:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mail.port
        driven = {"default": {"actuator": "webhook", "url": outside.url, "secret": SECRET}}
        made = with_addresses(provider(pack=request.param, in_force_from=LONG_AGO, actuators=driven))
        for domain in ISPS:
            known_reporter(domain)
        door = MailDoor(tmp_path, database_url)
        yield Desk(door, made, outside)
        door.end()


def an_hour_ago() -> str:
    return format_datetime(datetime.now(UTC) - timedelta(hours=1))


def test_a_forged_campaign_leads_to_nothing_even_when_every_deadline_has_passed(desk: Desk) -> None:
    mails = forgeries(an_hour_ago())
    Random(7).shuffle(mails)
    desk.hears(mails)
    assert Message.objects.count() == 200
    assert set(Report.objects.values_list("assurance", flat=True)) == {"unverified"}
    assert Review.objects.filter(reason="campaign").count() == 1
    assert desk.days_pass(7)
    assert not Deadline.objects.filter(state="open").exists()
    assert hurt() == {"Strike": 0, "Charge": 0, "Measure": 0}
    assert desk.outside.changes == []


def test_a_replayed_genuine_mail_lends_a_forged_campaign_nothing(desk: Desk) -> None:
    first = genuine(an_hour_ago())[0]
    desk.hears([first])
    before, done = hurt(), list(desk.outside.changes)
    desk.hears([*forgeries(an_hour_ago()), *(passed_on(first, hop) for hop in range(1, 30))])
    assert (hurt(), desk.outside.changes) == (before, done)
    assert Report.objects.exclude(assurance="unverified").count() == 1


def test_the_same_from_authenticated_independent_reporters_is_carried_out(desk: Desk) -> None:
    desk.hears(genuine(an_hour_ago()))
    assert set(Report.objects.values_list("assurance", flat=True)) == {"corroborated"}
    assert Strike.objects.count() == 1
    assert Charge.objects.exists()
    assert set(Measure.objects.filter(decided="in_force").values_list("state", flat=True)) == {"in_force"}
    assert [action for _, action in desk.outside.changes] == ["apply"]
    assert not Review.objects.filter(reason="campaign").exists()
