"""A measure on an address is one for the whole brand, whichever services held the address, and whoever decides."""

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection, connections, transaction

from abusedesk.desk.enact import Move, docket_of, enact, submit
from abusedesk.desk.policies.audit import recompute
from abusedesk.policy.decision import Lift, Take
from abusedesk.policy.stimulus import AnyStimulus, Report, Verification
from abusedesk.records import models
from abusedesk.records.holders import holders
from tests.desk.estate import LONG_AGO, NOW, Provider, provider

IP = "192.0.2.1"
HANDED_ON = NOW - timedelta(hours=6)
MINUTE = timedelta(minutes=1)
ON_ADDRESS = ("null_route", "rate_limit")


class Estate:
    """A brand under SCALIBIT's policy, and an address that passed from `former` to `present` at HANDED_ON."""

    def __init__(self) -> None:
        made: Provider = provider("sca", "scalibit", in_force_from=LONG_AGO)
        self.brand, self.former = made.brand, made.service
        self.present = made.another("s2", f"{IP}/32", HANDED_ON)
        models.Assignment.objects.create(service=self.former, prefix=f"{IP}/32", period=(LONG_AGO, HANDED_ON))

    def hears(self, service: models.Service, stimulus: AnyStimulus, at: datetime) -> list[str]:
        """What one more stimulus says about measures on the address."""
        made = submit(docket_of(service), stimulus, key=f"{service.ref}:{at}", at=at)
        return said(made.decision.effects) if made else []


def said(effects: tuple[object, ...]) -> list[str]:
    found = []
    for one in effects:
        if isinstance(one, Take) and one.measure in ON_ADDRESS:
            found.append(f"{one.measure} {one.mode} {one.service}")
        elif isinstance(one, Lift) and one.measure in ON_ADDRESS:
            found.append(f"lift {one.measure}")
    return found


def attack(name: str, at: datetime) -> Report:
    return Report(name, "connection/ddos", (IP,), at, assurance="authenticated")


def standing() -> list[str]:
    rows = models.Measure.objects.filter(kind__in=ON_ADDRESS, decided="in_force").order_by("service__ref")
    return [one.service.ref for one in rows]


@pytest.mark.django_db
def test_an_address_null_routed_for_its_former_service_is_not_so_a_second_time() -> None:
    estate = Estate()
    assert estate.hears(estate.former, attack("r1", HANDED_ON - MINUTE), HANDED_ON - MINUTE) == [
        "null_route automatic s1"
    ]
    assert estate.hears(estate.present, attack("r2", NOW), NOW) == []
    assert standing() == ["s1", "s2"]
    assert {target.key for target in models.Target.objects.filter(ip=IP)} == {f"ip:sca/{IP}"}


@pytest.mark.django_db
def test_it_is_lifted_when_the_last_service_that_bears_it_lets_go() -> None:
    estate = Estate()
    estate.hears(estate.former, attack("r1", HANDED_ON - MINUTE), HANDED_ON - MINUTE)
    estate.hears(estate.present, attack("r2", NOW), NOW)
    assert estate.hears(estate.former, Verification("r1", rejected=True), NOW + MINUTE) == []
    assert standing() == ["s2"]
    assert estate.hears(estate.present, Verification("r2", rejected=True), NOW + 2 * MINUTE) == ["lift null_route"]
    assert standing() == []


@pytest.mark.django_db
def test_within_one_batch_each_move_sees_what_the_one_before_did() -> None:
    estate = Estate()
    before = HANDED_ON - MINUTE
    moves = [
        Move(docket_of(estate.former).pk, attack("r1", before), "1", before),
        Move(docket_of(estate.present).pk, attack("r2", NOW), "2", NOW),
    ]
    with transaction.atomic():
        told = [said(one.decision.effects) for one in enact(moves, holders())]
    assert told == [["null_route automatic s1"], []]


@pytest.mark.django_db
def test_what_was_read_of_other_dockets_is_stored_and_decides_the_same_again() -> None:
    estate = Estate()
    estate.hears(estate.former, attack("r1", HANDED_ON - MINUTE), HANDED_ON - MINUTE)
    estate.hears(estate.present, attack("r2", NOW), NOW)
    assert b'"standing_elsewhere":[{"kind":"null_route"' in bytes(models.Decision.objects.latest("pk").facts)
    assert {one.outcome for one in recompute()} == {"same"}


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_with_one_address_one_null_routes_it() -> None:
    estate = Estate()
    ready, told = threading.Barrier(2, timeout=60), []

    def decide(service: models.Service, name: str, at: datetime) -> None:
        docket = docket_of(service).pk
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            ready.wait()
            told.append(said(enact([Move(docket, attack(name, at), name, at)], holders())[0].decision.effects))
        connections.close_all()

    workers = [
        threading.Thread(target=decide, args=(estate.former, "r1", HANDED_ON - MINUTE)),
        threading.Thread(target=decide, args=(estate.present, "r2", NOW)),
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert sorted(map(len, told)) == [0, 1]
    assert standing() == ["s1", "s2"]
