"""The restore drill: a backup of an hour ago comes up held, says what differs, harms nobody, and is released."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from abusedesk.cli import database
from abusedesk.desk import watch
from abusedesk.desk.enact import submit
from abusedesk.desk.hold import preview, release
from abusedesk.desk.perform import look_again
from abusedesk.policy.stimulus import LiftedByHand, Payment, Reply, Request
from abusedesk.records.chain import verify
from abusedesk.records.models import Brand, Case, Deadline, Measure, Notice
from tests.acceptance import turns
from tests.acceptance.house import House, assert_whole, built, service_of
from tests.desk.rows import HOUR, NOW, Desk

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)
BACK = NOW + 7 * HOUR


@pytest.fixture
def house(settings: Any) -> Iterator[House]:
    with built(settings) as one:
        yield one


@pytest.fixture
def backup(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ABUSEDESK_DATABASE_URL", database_url)
    return tmp_path / "desk.dump"


def turn(now: Any) -> None:
    """What worker and watch do."""
    watch.hold_if_doubtful(now, timedelta())
    turns.watch_and_perform(now)
    while look_again("drill", now):
        turns.perform(now)


def state_of(acme: Desk) -> list[str]:
    return list(Measure.objects.filter(docket=acme.docket).values_list("state", flat=True))


def deadline_of(acme: Desk) -> Deadline:
    return Deadline.objects.get(docket=acme.docket, name="reply", state="open")


def test_a_backup_of_an_hour_ago_comes_up_held_and_harms_nobody(
    house: House, backup: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    freed, late = service_of("freed", house.outside), service_of("late", house.outside)
    turns.enact_and_perform(NOW)
    turn(NOW + 5 * HOUR + 59 * MINUTE)
    due = deadline_of(late).due
    assert database.run(["dump", str(backup)]) == 0

    # What the backup does not know: one customer is freed, another misses a deadline, a third is suspended.
    for number, entry in enumerate((Reply(complete=True), Payment(2000), Request("r1", "restore"))):
        submit(freed.docket, entry, key=f"staff:{number}", at=NOW + 6 * HOUR, by="ann")
    lost = service_of("lost", house.outside)
    turns.enact_and_perform(NOW + 6 * HOUR)
    turn(NOW + 6 * HOUR + MINUTE)
    assert (state_of(freed), deadline_of(late).due > due, state_of(lost)) == (["lifted"], True, ["in_force"])
    before = (list(house.outside.changes), len(house.mail.got))

    connections.close_all()
    assert database.run(["restore", "--replace", str(backup)]) == 0
    assert "held until somebody releases them: freed, late" in capsys.readouterr().out
    assert sorted(Brand.objects.filter(held_by="restore").values_list("slug", flat=True)) == ["freed", "late"]

    # Held: nothing goes out and nothing fires, and what differs outside is shown.
    turn(BACK)
    assert (list(house.outside.changes), len(house.mail.got)) == before
    assert (state_of(freed), state_of(late)) == (["failed"], ["in_force"])
    assert Case.objects.get(service=freed.service).needs == ["failed:suspend"]
    seen = preview(Brand.objects.get(slug="late"), BACK)
    assert (seen.overdue, seen.pause, seen.notices) == ((), HOUR + MINUTE, 0)
    assert min(at for at, _ in seen.next_due) == due + seen.pause > BACK

    # Staff accept what was lifted, and release: deadlines move by the time that is missing.
    docket = freed.docket
    submit(docket, LiftedByHand("suspend", "ann", "it was freed after the backup"), key="staff:9", at=BACK, by="ann")
    for brand in Brand.objects.all():
        release(brand, "ann", BACK)
    turn(BACK)
    assert (list(house.outside.changes), len(house.mail.got)) == before
    assert deadline_of(late).due == due + seen.pause

    turn(due + seen.pause)
    assert Notice.objects.filter(case__service=late.service).count() == 2
    assert (state_of(freed), state_of(late)) == (["lifted"], ["in_force"])
    assert list(house.outside.changes) == before[0]
    for one in (freed, late):
        assert_whole(one)
    assert list(verify()) == []

    # Whom the backup does not know is complained about again; what stands outside already is not done twice.
    again = service_of("lost", house.outside)
    again.service.ref = lost.service.ref
    again.service.save()
    turns.enact_and_perform(due + seen.pause)
    assert state_of(again) == ["in_force"]
    assert house.changes_of(again) == ["apply"]
    connection.close()
