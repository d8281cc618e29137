"""Requests from end to end, under both policies: asked, answered, told, approved, lifted outside and read back."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from abusedesk.desk import requests
from abusedesk.desk.approvals import Answer, Voice
from abusedesk.desk.enact import docket_of, submit
from abusedesk.desk.perform import perform_effects, perform_targets
from abusedesk.desk.requests import Asked, Ticked
from abusedesk.policy.stimulus import AnyStimulus, Approval, Opened, Payment, Proposal, Reply, Verification
from abusedesk.problem import Problem
from abusedesk.records.models import Assignment, Case, Charge, CustomerRequest, Measure, Notice, Report
from tests.contract.mailbox import Mailbox, mailbox
from tests.contract.receiver import SECRET, Receiver, receiving
from tests.desk.estate import NOW, Provider, known_reporter, provider, signed_complaint, take, with_addresses

pytestmark = pytest.mark.django_db
IP = "192.0.2.1"
MINUTE = timedelta(minutes=1)


class Play:
    """A provider whose actuators are a real receiver, and what time it is."""

    def __init__(self, at: Provider, outside: Receiver, post: Mailbox) -> None:
        self.at, self.outside, self.post, self.now = at, outside, post, NOW
        self._number = 0

    def turn(self) -> None:
        perform_effects("w1", self.now)
        perform_targets("w1", self.now)

    def says(self, stimulus: AnyStimulus) -> None:
        self._number += 1
        self.now += MINUTE
        submit(docket_of(self.at.service), stimulus, key=f"staff:{self._number}", at=self.now, by="ann")
        self.turn()

    def complaint(self) -> None:
        take(signed_complaint("isp.example.net", to=self.at.address), at=self.now)
        self.turn()

    def asks(self, kind: str, **more: str) -> CustomerRequest:
        self._number += 1
        self.now += MINUTE
        made = requests.enter(Asked(self.at.service, kind, f"t{self._number}", **more), "ann", self.now)
        self.turn()
        return made

    def decides(self, request: CustomerRequest, decision: Any = "approve", fee: int | None = None) -> CustomerRequest:
        self.now += MINUTE
        said = Answer(decision, Voice("iris"), "A shop with a good set-up.", fee)
        assert requests.decide_request(request, said, f"d{self.now}", self.now).state == "decided"
        self.turn()
        request.refresh_from_db()
        return request

    def measures(self) -> dict[str, str]:
        return {one.kind: f"{one.decided}, {one.state}" for one in Measure.objects.order_by("pk")}

    def switches(self) -> list[bool]:
        return list(self.outside.on.values())

    def last_mail(self) -> str:
        return Notice.objects.filter(to="customer").order_by("-written_at", "-pk").values_list("text", flat=True)[0]


@pytest.fixture(scope="module")
def post() -> Iterator[Mailbox]:
    with mailbox() as one:
        yield one


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


def play(name: str, pack: str, receiver: Receiver, post: Mailbox, **brand: Any) -> Play:
    receiver.on.clear()
    receiver.fences.clear()
    actuators = {"default": {"actuator": "webhook", "url": receiver.url, "secret": SECRET}}
    known_reporter("isp.example.net")
    return Play(with_addresses(provider(name, pack, actuators=actuators, **brand)), receiver, post)


@pytest.fixture
def jim(receiver: Receiver, post: Mailbox, settings: Any) -> Play:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", post.port
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    return play("jim", "jimcloud", receiver, post)


@pytest.fixture
def scali(receiver: Receiver, post: Mailbox, settings: Any) -> Play:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", post.port
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    return play("scali", "scalibit", receiver, post, in_force_from=NOW - timedelta(days=100))


# --- the mail port --------------------------------------------------------------------------------------------------


def test_jimcloud_opens_the_mail_port_of_a_service_without_a_case(jim: Play) -> None:
    jim.says(Opened())
    assert jim.measures() == {"block_port": "in_force, in_force"}
    request = jim.asks("open_mail_port", domain="shop.example.net")
    assert (request.state, request.clauses) == ("needs_approval", ["jimcloud:5"])
    assert not Case.objects.exists()
    assert "A person decides about it" in jim.last_mail()
    assert jim.switches() == [True]

    request = jim.decides(request)
    assert (request.state, request.decided_by, request.decided_at) == ("granted", "iris", jim.now)
    assert request.lifts == [Measure.objects.get().item]
    assert (jim.measures(), jim.switches()) == ({"block_port": "lifted, lifted"}, [False])
    assert "A shop with a good set-up." in jim.last_mail()
    assert jim.post.got[-1].rcpt_tos == ["jo@example.com"]


def test_scalibit_denies_the_mail_port_while_a_spam_case_waits_and_grants_it_after(scali: Play) -> None:
    scali.complaint()
    scali.says(Verification(str(Report.objects.get().pk), "verified", by="ann"))
    assert scali.measures() == {"block_port": "in_force, in_force"}
    denied = scali.asks("open_mail_port", domain="shop.example.net")
    assert (denied.state, denied.decided_by) == ("denied", "")
    assert "SMTP restrictions" in scali.last_mail()
    scali.says(Reply(complete=True))
    scali.decides(scali.asks("open_mail_port", domain="shop.example.net"))
    assert (scali.measures(), scali.switches()) == ({"block_port": "lifted, lifted"}, [False])


def test_a_rejection_leaves_it_closed_and_says_why(jim: Play) -> None:
    jim.says(Opened())
    request = jim.decides(jim.asks("open_mail_port"), "reject")
    assert (request.state, request.lifts) == ("denied", [])
    assert jim.measures() == {"block_port": "in_force, in_force"}
    assert "The port stays closed." in jim.last_mail()


# --- restore --------------------------------------------------------------------------------------------------------


def test_jimcloud_restores_what_is_paid_and_processed(jim: Play) -> None:
    jim.complaint()
    denied = jim.asks("restore")
    assert (denied.state, denied.clauses) == ("denied", ["jimcloud:8.d", "jimcloud:8.b"])
    assert "20.00 USD" in jim.last_mail()
    jim.says(Payment(2000))
    jim.says(Reply(complete=True))
    granted = jim.asks("restore")
    assert (granted.state, granted.decided_at, len(granted.lifts)) == ("granted", jim.now, 1)
    assert (jim.measures(), jim.switches()) == ({"suspend": "lifted, lifted"}, [False])


def test_scalibit_restores_with_a_fee_once_it_is_paid(scali: Play) -> None:
    scali.complaint()
    scali.says(Verification(str(Report.objects.get().pk), "verified", by="ann"))
    scali.says(Reply(complete=True))
    scali.says(Proposal("ann", measure="suspend"))
    scali.says(Approval("approve", "iris", measure="suspend"))
    request = scali.decides(scali.asks("restore"), fee=5000)
    assert (request.state, request.lifts) == ("granted_when_paid", [])
    assert "50.00 USD" in scali.last_mail()
    assert scali.measures()["suspend"] == "in_force, in_force"
    scali.says(Payment(5000))
    request.refresh_from_db()
    assert (request.state, request.state_at, len(request.lifts)) == ("granted", scali.now, 1)
    assert scali.measures()["suspend"] == "lifted, lifted"
    assert "Your service is being restored" in scali.last_mail()
    assert request.decided_at is not None
    assert request.decided_at < request.state_at


def test_scalibit_restores_without_a_fee_at_once(scali: Play) -> None:
    scali.says(Proposal("ann", measure="suspend"))
    scali.says(Approval("approve", "iris", measure="suspend"))
    scali.decides(scali.asks("restore"))
    assert (scali.measures(), scali.switches()) == ({"suspend": "lifted, lifted"}, [False])


# --- addresses ------------------------------------------------------------------------------------------------------


def test_jimcloud_replaces_an_address_spoilt_by_others_for_five_dollars(jim: Play) -> None:
    request = jim.asks("replace_ip", ip=IP, cause="third_party")
    assert (request.state, request.to_do) == ("granted", True)
    assert list(Charge.objects.values_list("name", "amount")) == [("ip_replacement", 500)]
    assert "We will write to you with the new address." in jim.last_mail()
    with pytest.raises(Problem, match="still says"):
        requests.tick(request, Ticked("old_assignment", "ann", ""), jim.now)
    assert requests.tick(request, Ticked("new_address", "ann", "192.0.2.77"), jim.now)
    Assignment.objects.filter(prefix__startswith="192.0.2").update(period=(NOW - timedelta(days=200), NOW))
    assert requests.tick(request, Ticked("old_assignment", "ann", ""), jim.now)
    assert not requests.tick(request, Ticked("old_assignment", "ann", ""), jim.now)
    request.refresh_from_db()
    assert (request.to_do, [one["step"] for one in request.done]) == (False, ["new_address", "old_assignment"])


@pytest.mark.parametrize(("cause", "state", "clause"), [("own_use", "denied", "6"), ("provider", "granted", "7")])
def test_jimcloud_replaces_by_the_cause(jim: Play, cause: str, state: str, clause: str) -> None:
    request = jim.asks("replace_ip", ip=IP, cause=cause)
    assert (request.state, request.clauses, request.to_do) == (state, [f"jimcloud:{clause}"], state == "granted")
    assert not Charge.objects.exists()


def test_a_cause_that_nobody_gave_is_asked_of_a_person_and_entered_again(jim: Play) -> None:
    request = jim.asks("replace_ip", ip=IP)
    assert request.state == "asked"
    [question] = requests.questions_of(request)
    assert "cause" in question.detail
    again = Asked(jim.at.service, "replace_ip", "again", ip=IP, cause="provider")
    made = requests.replace(request, again, "ann", jim.now + MINUTE)
    request.refresh_from_db()
    question.refresh_from_db()
    assert (made.state, request.state, question.closed_by) == ("granted", "void", "ann")


def test_jimcloud_unblocks_what_no_flag_holds(jim: Play) -> None:
    request = jim.decides(jim.asks("unblock", ip="192.0.2.9"))
    assert (request.state, requests.left_to_do(request)) == ("granted", ["unblocked"])
    assert requests.tick(request, Ticked("unblocked", "ann", ""), jim.now)
    jim.complaint()
    flagged = jim.asks("unblock", ip=IP)
    assert (flagged.state, flagged.clauses) == ("denied", ["jimcloud:3"])


@pytest.mark.parametrize("kind", ["unblock", "replace_ip"])
def test_scalibit_leaves_addresses_to_a_person(scali: Play, kind: str) -> None:
    request = scali.asks(kind, ip=IP)
    assert (request.state, request.clauses) == ("needs_approval", ["scalibit:0.scope"])
    assert scali.decides(request).to_do


# --- what must not happen -------------------------------------------------------------------------------------------


def test_an_address_of_somebody_else_is_not_asked_for(jim: Play) -> None:
    with pytest.raises(Problem, match="does not hold"):
        jim.asks("unblock", ip="198.51.100.7")
    assert not CustomerRequest.objects.exists()


def test_what_is_sent_twice_counts_once(jim: Play) -> None:
    asked = Asked(jim.at.service, "restore", "same")
    first, second = (requests.enter(asked, "ann", jim.now + number * MINUTE) for number in (1, 2))
    assert first == second
    assert first.at == NOW + MINUTE
    said = Answer("approve", Voice("iris"), "yes")
    port = jim.asks("open_mail_port")
    assert requests.decide_request(port, said, "same", jim.now).state == "decided"
    assert requests.decide_request(port, said._replace(reason="no"), "other", jim.now).state == "closed"
    port.refresh_from_db()
    assert port.reason == "yes"
