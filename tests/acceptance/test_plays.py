"""Both policies played from the first complaint to the last trace, on real systems, under a clock that we move."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abusedesk.policy.stimulus import Evidence, Payment, Verification
from abusedesk.records.models import Effect, Report, Strike, Target
from tests.acceptance.stage import HOUR, JO, TRANSIT, Play, play
from tests.contract.mailbox import Mailbox, mailbox
from tests.contract.networks import eventually

pytestmark = pytest.mark.django_db


@pytest.fixture
def post(settings: Any) -> Iterator[Mailbox]:
    with mailbox() as one:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", one.port
        yield one


@pytest.fixture
def jim(tmp_path: Path, post: Mailbox) -> Iterator[Play]:
    with play("jimcloud", tmp_path, post) as one:
        yield one


@pytest.fixture
def scali(tmp_path: Path, post: Mailbox) -> Iterator[Play]:
    with play("scalibit", tmp_path, post, suspend="off") as one:
        yield one


# --- complaint, suspension, missed replies, shutdown, payment, restoration --------------------------------------------


def test_jimcloud_from_a_complaint_to_the_restoration(jim: Play) -> None:
    found = jim.outside()

    jim.spam()
    assert jim.measures() == {"suspend": "in_force, in_force"}
    assert (jim.guest.power, jim.guest.cables()) == ("running", ["down", "down"])
    assert jim.charges() == [("fine", 2000, 0, "owed")]
    assert jim.mails_to(JO) == 1

    jim.until(12.5)
    assert jim.owes("reply") == "missed missed open"
    assert jim.mails_to(JO) == 3

    jim.until(15)
    jim.answer("The form is closed and the queue is empty.", complete=True)
    assert jim.owes("reply") == "missed missed met"
    assert jim.asks("restore")[1:] == ("denied", ("jimcloud:8.d",))

    jim.until(24.5)
    assert jim.owes("payment") == "missed"
    assert jim.measures() == {"suspend": "in_force, in_force", "shutdown": "in_force, in_force"}
    assert jim.guest.power == "shut off"

    jim.says(Payment(2000))
    assert jim.charges() == [("fine", 2000, 2000, "paid")]
    assert jim.asks("restore")[1] == "granted"
    assert jim.measures() == {"suspend": "lifted, lifted", "shutdown": "lifted, lifted"}
    assert jim.outside() == found


def test_scalibit_from_a_complaint_to_the_restoration(scali: Play) -> None:
    found = scali.outside()

    scali.spam()
    assert scali.measures() == {}
    scali.says(Verification(_report(), "verified", by="ann"))
    assert scali.measures() == {"block_port": "in_force, in_force"}
    assert scali.reaches() == {25: False, 80: True}
    assert scali.charges() == [("liquidated_damages", 50000, 0, "proposed")]

    scali.until(48.5)
    assert scali.owes("reply") == "missed"
    assert scali.measures()["suspend"] == "proposed, none"
    assert scali.guest.power == "running"
    scali.agrees(measure="suspend")
    scali.agrees(item="liquidated_damages")
    assert scali.measures()["suspend"] == "in_force, in_force"
    assert scali.guest.power == "shut off"

    assert scali.asks("restore")[1:] == ("denied", ("scalibit:5.fee",))
    scali.wait(HOUR)
    scali.says(Payment(50000))
    request, answer, _ = scali.asks("restore")
    assert answer == "needs_approval"
    scali.agrees(request=request)
    assert scali.guest.power == "running"
    assert scali.reaches()[25] is False

    scali.answer("All accounts have new passwords.", complete=True)
    request, answer, _ = scali.asks("open_mail_port")
    scali.agrees(request=request)
    assert set(scali.measures().values()) == {"lifted, lifted"}
    assert scali.outside() == found
    assert Strike.objects.count() == 1


# --- DDoS, null-route that the peer sees, lifted and withdrawn --------------------------------------------------------


def test_scalibit_null_routes_what_floods_until_it_is_restored(scali: Play) -> None:
    found = scali.outside()

    scali.attack("ddos")
    assert scali.measures() == {"suspend": "in_force, in_force", "null_route": "in_force, in_force"}
    eventually(scali.upstream_drops)
    assert (scali.mails_to(JO), scali.mails_to(TRANSIT)) == (1, 1)
    assert scali.guest.power == "shut off"
    assert (Strike.objects.count(), scali.charges()) == (0, [])

    scali.speaker.stop()
    scali.speaker.start()
    eventually(lambda: not scali.upstream_drops())
    scali.wait(HOUR)
    eventually(scali.upstream_drops)

    scali.answer("It was an open resolver; it answers nobody now.", complete=True)
    request, answer, _ = scali.asks("restore")
    assert answer == "needs_approval"
    scali.agrees(request=request)
    assert set(scali.measures().values()) == {"lifted, lifted"}
    eventually(lambda: not scali.upstream_drops())
    assert scali.outside() == found


def test_jimcloud_null_routes_a_flooded_node_that_does_not_answer(jim: Play) -> None:
    found = jim.outside()

    with jim.guest.hypervisor.frozen():
        jim.attack("ddos")
        assert jim.measures() == {"suspend": "in_force, applying"}
        assert not jim.upstream_drops()
        jim.wait(HOUR)
        assert jim.measures() == {"suspend": "in_force, in_force"}
        eventually(jim.upstream_drops)
    assert (jim.guest.power, jim.guest.cables()) == ("running", ["up", "down"])

    jim.says(Evidence(accepted=True, by="ann"))
    assert jim.measures() == {"suspend": "lifted, lifted"}
    eventually(lambda: not jim.upstream_drops())
    assert jim.outside() == found
    assert jim.charges() == [("fine", 2000, 0, "owed")]


# --- a wrong suspension, undone with nothing left behind --------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ddos", "port_scan"])
def test_scalibit_undoes_a_wrong_suspension(scali: Play, kind: str) -> None:
    found = scali.outside()
    scali.attack(kind)
    scali.says(Verification(_report(), "verified", by="ann"))
    assert set(scali.measures().values()) == {"in_force, in_force"}
    assert len(scali.measures()) == 2
    assert scali.outside() != found
    assert Strike.objects.filter(annulled_at=None).count() == 1

    scali.wait(3 * HOUR)
    scali.says(Verification(_report(), rejected=True, by="iris"), "iris")
    assert_nothing_is_left(scali, found)


def test_jimcloud_undoes_a_wrong_suspension_whose_fine_was_paid_and_missed(jim: Play) -> None:
    found = jim.outside()
    jim.spam()
    jim.until(25)
    assert jim.measures() == {"suspend": "in_force, in_force", "shutdown": "in_force, in_force"}
    jim.says(Payment(500))

    jim.says(Verification(_report(), rejected=True, by="iris"), "iris")
    assert_nothing_is_left(jim, found)
    assert jim.docket().credit == 500


def _report() -> str:
    return str(Report.objects.get().pk)


def assert_nothing_is_left(of: Play, found: tuple[Any, ...]) -> None:
    """Outside all is as it was; inside nothing stands, is owed, is due, or waits for anybody but the customer."""
    eventually(lambda: not of.upstream_drops())
    assert set(of.measures().values()) == {"lifted, lifted"}
    assert of.outside() == found
    docket = of.docket()
    assert [one for one in docket.measures if one.state in {"proposed", "in_force"}] == []
    assert [one for one in docket.deadlines if one.state == "open"] == []
    assert (docket.flags, {one.state for one in docket.charges}) == ((), {"withdrawn"})
    assert not Strike.objects.filter(annulled_at=None).exists()
    assert not Target.objects.filter(dirty=True).exists()
    assert not Effect.objects.exclude(state="done").exists()
    before = of.outside(), len(of.post.got)
    of.wait(50 * HOUR)
    assert (of.outside(), len(of.post.got)) == before
