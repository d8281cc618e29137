"""Both policies played from the first complaint to the last trace, on real systems, under a clock that we move."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abusedesk.policy.stimulus import Payment, Verification
from abusedesk.records.models import Report, Strike
from tests.acceptance.stage import HOUR, Play, play
from tests.contract.mailbox import Mailbox, mailbox

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
    assert len(jim.post.got) == 1

    jim.until(12.5)
    assert jim.owes("reply") == "missed missed open"
    assert len(jim.post.got) == 3

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
    scali.says(Verification(str(Report.objects.get().pk), "verified", by="ann"))
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
