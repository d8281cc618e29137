"""The domains of one mail provider share its pace, by what a real name server says of their mail hosts."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from abusedesk.desk.perform import destination, mailhosts, perform_effects
from abusedesk.desk.perform.mailhosts import KEPT, UNANSWERED, host_among, hosts_of, look_up_next
from abusedesk.records.models import Customer, Effect, MailDomain
from tests.contract.mailbox import Mailbox, mailbox
from tests.desk.nameserver import Zone, serving
from tests.desk.rows import HOUR, NOW, desk

pytestmark = pytest.mark.django_db
ZONE: Zone = {
    ("one.example.com", "MX"): ["20 spare.example.org.", "10 mx1.mail.example.net."],
    ("two.example.com", "MX"): ["5 mx2.mail.example.net."],
    ("none.example.com", "MX"): ["0 ."],
    ("plain.example.com", "A"): ["192.0.2.7"],
}
ALL = ["one.example.com", "two.example.com", "none.example.com", "plain.example.com", "gone.example.com"]


@pytest.fixture(autouse=True)
def _dns(settings: Any) -> None:
    settings.CONFIGURATION = replace(settings.CONFIGURATION, dns=True, mail_per_minute=3, mail_at_once=0)


@pytest.fixture
def post(settings: Any) -> Iterator[Mailbox]:
    with mailbox() as one:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", one.port, 5
        yield one


def known(at: Any = NOW) -> dict[str, str]:
    return hosts_of(ALL, at)


def test_a_domain_stands_for_itself_until_its_mail_host_is_known() -> None:
    with serving(ZONE) as server:
        assert known() == {one: one for one in ALL}
        assert server.asked == []
        assert [look_up_next(NOW), look_up_next(NOW)] == [5, 0]
        assert known() == {one: one for one in ALL} | dict.fromkeys(ALL[:2], "example.net")
        known(NOW + KEPT / 2)
        assert look_up_next(NOW + KEPT / 2) == 0
        assert len(server.asked) == 5


def test_what_is_known_holds_while_it_is_asked_again_and_nobody_answers() -> None:
    later = NOW + KEPT
    with serving(ZONE):
        known()
        look_up_next(NOW)
    with pytest.MonkeyPatch.context() as patched, serving(ZONE, silent=True):
        patched.setattr(mailhosts, "SECONDS", 0.2)
        known(later)
        assert look_up_next(later) == 5
        assert known(later)["one.example.com"] == "example.net"
    assert set(MailDomain.objects.values_list("until", "ask_at")) == {(later + UNANSWERED, None)}


def test_without_dns_and_for_names_that_nobody_knows_nothing_is_asked(settings: Any) -> None:
    assert hosts_of(["mail.example", "localhost"], NOW) == {"mail.example": "mail.example", "localhost": "localhost"}
    settings.CONFIGURATION = replace(settings.CONFIGURATION, dns=False)
    assert hosts_of(["one.example.com"], NOW) == {"one.example.com": "one.example.com"}
    assert not MailDomain.objects.exists()


def test_of_equal_hosts_it_is_always_the_same() -> None:
    hosts = [(10, "mx.example.org"), (10, "mx.example.net"), (20, "a.example.com")]
    assert {host_among(hosts), host_among(hosts[::-1])} == {"example.net"}
    assert host_among([]) == ""


def test_mails_to_two_domains_of_one_provider_share_its_pace(post: Mailbox) -> None:
    for number, domain in enumerate(ALL[:2]):
        acme = desk(f"acme{number}", settings={"digest_from": 0})
        acme.deadline(NOW + 6 * HOUR)
        Customer.objects.filter(pk=acme.customer.pk).update(email=f"jo@{domain}")
        for _ in range(2):
            acme.notice(template="complaint", clauses=["jimcloud:8.a"])
    with serving(ZONE):
        known()
        look_up_next(NOW)
        perform_effects("w", NOW)
    assert len(post.got) == 3
    assert Effect.objects.get(state="pending").waits == "example.net: at most 3 a minute"


def test_a_reseller_of_whom_no_case_speaks_is_paced_too() -> None:
    acme = desk()
    agent = Customer.objects.create(brand=acme.brand, ref="r", name="Agent", email="a@agent.example.org", since=NOW)
    Customer.objects.filter(pk=acme.customer.pk).update(reseller=agent)
    order = Effect(pk=1, brand=acme.brand, payload={"to": "reseller", "case": None, "customer": acme.customer.pk})
    assert destination._domains([order]) == {1: "agent.example.org"}
