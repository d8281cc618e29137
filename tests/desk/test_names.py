"""Names: what the DNS says of hosts names a candidate and never a holder, at a bounded cost."""

import json
import time
from datetime import datetime, timedelta
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk import names
from abusedesk.desk.attribute import attribute
from abusedesk.desk.candidates import Candidate, NameFacts, agrees, by_dns
from abusedesk.desk.names import Wanted, look_up, public_name
from abusedesk.records.holders import Holders, NameHeld
from abusedesk.records.models import Case, Decision, DeclaredName, Event, Review, Service
from abusedesk.vocabulary.holding import Assignment, AssignmentTable
from abusedesk.vocabulary.report import Event as Observation
from tests.desk.estate import LONG_AGO, NOW, Provider, complaint, provider, take, with_addresses
from tests.desk.nameserver import serving

HOST = "shop.example.net"
AT = "2026-03-02T10:00:00Z"


@pytest.fixture
def jim(db: None) -> Provider:
    return with_addresses(provider())


def phishing(host: str, url: str = "") -> bytes:
    """A XARF report about a host."""
    who = {"org": "E", "contact": "a@example.org", "domain": "example.org"}
    report = {
        "xarf_version": "4.2.0", "report_id": "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "timestamp": AT,
        "reporter": who, "sender": who, "source_identifier": host, "category": "content", "type": "phishing",
        "url": url or f"http://{host}/login", "evidence_source": "user_report",
    }  # fmt: skip
    return json.dumps(report).encode()


def to_jim(report: bytes) -> bytes:
    return b"From: x@example.org\r\nTo: abuse@jim.example.org\r\nSubject: phishing\r\nMIME-Version: 1.0\r\n" + (
        b"Content-Type: application/json\r\nContent-Disposition: attachment; filename=xarf.json\r\n\r\n" + report
    )


def test_a_declared_name_attributes_without_asking_anybody(jim: Provider) -> None:
    DeclaredName.objects.create(service=jim.service, name="example.net", period=(LONG_AGO, None))
    with serving({(HOST, "A"): ["203.0.113.1"]}) as server:
        take(to_jim(phishing(HOST)))
    assert Case.objects.get().service == jim.service
    assert server.asked == []


@pytest.mark.parametrize(("pointer", "how"), [(HOST, "rdns"), ("vps1.hosting.example.org", "look_up")])
def test_what_only_the_dns_says_goes_to_a_person_who_is_told_whom_it_may_mean(
    jim: Provider, pointer: str, how: str
) -> None:
    with serving({(HOST, "A"): ["192.0.2.5"], ("5.2.0.192.in-addr.arpa", "PTR"): [f"{pointer}."]}):
        take(to_jim(phishing(HOST)))
    review = Review.objects.get()
    assert review.reason == "no_attribution"
    [candidate] = review.candidates
    assert (candidate["service"], candidate["how"], candidate["about"]) == (jim.service.pk, how, HOST)
    assert f"{HOST} pointed to 192.0.2.5" in review.detail
    assert not Case.objects.exists()
    assert Event.objects.get().service_id is None


def test_an_address_of_another_brand_is_no_candidate(jim: Provider) -> None:
    other = provider("sca", "scalibit", in_force_from=LONG_AGO)
    other.another("s9", "198.51.100.0/24")
    with serving({(HOST, "A"): ["198.51.100.9"]}):
        take(to_jim(phishing(HOST)))
    review = Review.objects.get()
    assert review.candidates == []
    assert "no service of the brand held" in review.detail


def test_without_an_answer_the_question_says_so(jim: Provider) -> None:
    with serving({}, silent=True), pytest.MonkeyPatch.context() as patched:
        patched.setattr(names, "SECONDS", 0.2)
        take(to_jim(phishing(HOST)))
    assert "did not answer in time" in Review.objects.get().detail


def test_where_no_dns_may_be_asked_the_question_says_so(jim: Provider) -> None:
    take(to_jim(phishing(HOST)))
    assert "setting dns" in Review.objects.get().detail


def test_reverse_names_are_asked_only_of_addresses_that_are_held_here(jim: Provider) -> None:
    with serving({(HOST, "A"): ["203.0.113.7", "192.0.2.5"]}) as server:
        take(to_jim(phishing(HOST)))
    assert [name for name, kind in server.asked if kind == "PTR"] == ["5.2.0.192.in-addr.arpa"]


def test_a_mail_of_a_stranger_with_very_many_hosts_costs_a_handful_of_questions(jim: Provider) -> None:
    hosts = [f"h{one}.example.com" for one in range(10_000)]
    page = "\r\n".join(f"http://{one}/login" for one in hosts)
    words = "Please take down these phishing websites which you host. They steal credentials of our customers:"
    mail = f"From: x@example.org\r\nTo: abuse@jim.example.org\r\nSubject: Phishing\r\n\r\n{words}\r\n{page}\r\n"
    with serving({}) as server:
        take(mail.encode())
    assert Event.objects.count() > 100
    assert len({name for name, _ in server.asked}) == names.OF_A_STRANGER


HELD = Holders(
    1,
    AssignmentTable(
        [
            Assignment(ip_network("192.0.2.0/28"), "1", LONG_AGO),
            Assignment(ip_network("192.0.2.16/32"), "2", LONG_AGO, None, (1024, 2048)),
            Assignment(ip_network("192.0.2.16/32"), "3", LONG_AGO, None, (2048, 4096)),
            Assignment(ip_network("192.0.2.32/28"), "4", LONG_AGO),
            Assignment(ip_network("192.0.2.64/28"), "5", LONG_AGO, NOW - timedelta(days=1)),
        ]
    ),
    {"mine.example.net": [NameHeld(1, LONG_AGO, None)]},
    dict.fromkeys(range(1, 6), 10),
    infrastructure=frozenset({4}),
)


def test_a_batch_asks_about_so_many_hosts_those_of_known_reporters_first() -> None:
    strangers = [Wanted(f"s{one}.example.com", known=False) for one in range(100)]
    friends = [Wanted(f"k{one}.example.com", known=True) for one in range(10)]
    with serving({}) as server:
        found = look_up([*strangers, *friends], HELD, ask_dns=True)
    assert len(found) == names.OF_A_BATCH
    assert {one.host for one in friends} <= set(found)
    assert len({name for name, _ in server.asked}) == names.OF_A_BATCH


def test_what_was_answered_is_not_asked_again() -> None:
    with serving({(HOST, "A"): ["192.0.2.5"]}) as server:
        first = look_up([Wanted(HOST, known=False)], HELD, ask_dns=True)
        before = len(server.asked)
        assert look_up([Wanted(HOST, known=False)], HELD, ask_dns=True) == first
    assert len(server.asked) == before


def test_a_slow_resolver_keeps_a_batch_no_longer_than_its_time_and_a_minute_no_longer_than_its_share() -> None:
    with serving({}, silent=True), pytest.MonkeyPatch.context() as patched:
        patched.setattr(names, "SECONDS", 0.2)
        patched.setattr(names, "SECONDS_A_MINUTE", 0.4)
        begun = time.monotonic()
        found = [look_up([Wanted(f"h{one}.example.com", known=True)], HELD, ask_dns=True) for one in range(20)]
    assert time.monotonic() - begun < 2
    assert found[0][f"h{0}.example.com"].problem == names.TOO_SLOW
    assert found[-1] == {}


def test_only_so_many_answers_are_remembered() -> None:
    kept = names.Memory()
    kept.keep({f"h{one}.example.com": NameFacts() for one in range(names.KEPT + 5)}, 0.0)
    assert kept.recall("h4.example.com", 1.0) is None
    assert kept.recall(f"h{names.KEPT}.example.com", 1.0) == NameFacts()
    assert kept.recall(f"h{names.KEPT}.example.com", names.KEPT_FOR) is None


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("Shop.Example.NET.", "shop.example.net"),
        ("bücher.example.net", "xn--bcher-kva.example.net"),
        ("localhost", ""),
        ("printer.local", ""),
        ("5.2.0.192.in-addr.arpa", ""),
        ("a..example.net", ""),
        ("a b.example.net", ""),
        (f"{'a' * 64}.example.net", ""),
        ("1.2.3.4.5", ""),
        ("", ""),
    ],
)
def test_only_names_of_the_public_dns_are_asked_about(host: str, name: str) -> None:
    assert public_name(host) == name


@given(st.text(max_size=80))
def test_any_text_is_a_public_name_or_none(host: str) -> None:
    name = public_name(host)
    assert name.isascii()
    assert name == "" or public_name(name) == name


@pytest.mark.parametrize(
    ("host", "pointer", "agree"),
    [
        (HOST, HOST, True),
        (HOST, "SHOP.example.net.", True),
        ("example.net", "mail.example.net", True),
        ("www.shop.example.net", HOST, True),
        (HOST, "net", False),
        (HOST, "bookshop.example.net", False),
        ("example.net", "notexample.net", False),
    ],
)
def test_a_reverse_name_agrees_where_one_lies_within_the_other(host: str, pointer: str, agree: bool) -> None:
    assert agrees(host, pointer) is agree


def test_who_agrees_by_the_reverse_name_comes_first() -> None:
    facts = NameFacts(("192.0.2.33", "192.0.2.1"), (("192.0.2.1", HOST),))
    found = by_dns(HOST, facts, NOW, 10, HELD)
    assert [(one.service, one.how) for one in found] == [(1, "rdns"), (4, "infrastructure")]


addresses = st.integers(0, 127).map(lambda host: f"192.0.2.{host}")
sources = addresses | st.sampled_from([HOST, "mine.example.net", "www.mine.example.net", "198.51.100.1"])
facts = st.builds(
    NameFacts,
    st.lists(addresses, max_size=3).map(tuple),
    st.lists(st.tuples(addresses, st.just(HOST)), max_size=3).map(tuple),
)
times = st.none() | st.timedeltas(-timedelta(days=300), timedelta(days=2)).map(lambda ago: NOW + ago)


@given(sources, st.none() | st.integers(0, 65535), times, facts)
def test_nothing_is_attributed_but_to_who_held_address_and_port_or_declared_the_name_then(
    source: str, port: int | None, at: datetime | None, known: NameFacts
) -> None:
    event = Observation("content/phishing", source, source_port=port, occurred_at=at)
    [placed] = attribute([event], NOW, 10, HELD, {source: known})
    if placed.service is None:
        assert placed.how == ""
        return
    assert placed.candidates == ()
    assert placed.service not in HELD.infrastructure
    if placed.ip is None:
        assert (placed.how, placed.service, "mine.example.net" in source) == ("declared", 1, True)
        return
    found = HELD.assignments.holder(placed.ip, placed.at, port)
    assert found is not None
    assert int(found.service) == placed.service
    assert found.ports is None or (at is not None and port is not None and found.has_port(port))


# --- source ports ---------------------------------------------------------------------------------------------------


def shared_address(jim: Provider) -> tuple[Service, Service]:
    one, other = (jim.another(ref, f"198.51.100.{index}") for index, ref in enumerate(("n1", "n2")))
    for service, ports in ((one, (1024, 2048)), (other, (2048, 4096))):
        service.assignments.create(prefix="203.0.113.5", period=(LONG_AGO, None), ports=ports)
    return one, other


def scan(port: int) -> bytes:
    who = {"org": "E", "contact": "a@example.org", "domain": "example.org"}
    report = {
        "xarf_version": "4.2.0", "report_id": "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "timestamp": AT,
        "reporter": who, "sender": who, "source_identifier": "203.0.113.5", "category": "connection",
        "type": "port_scan", "protocol": "tcp", "destination_port": 22, "evidence_source": "honeypot",
        "first_seen": AT, "destination_ip": "192.0.2.200", "source_port": port,
    }  # fmt: skip
    return to_jim(json.dumps(report).encode())


def test_behind_a_nat_the_source_port_tells_the_service(jim: Provider) -> None:
    one, other = shared_address(jim)
    take(scan(2047), scan(2048))
    assert {case.service for case in Case.objects.all()} == {one, other}


def test_without_a_source_port_a_person_chooses_among_those_who_share_it(jim: Provider) -> None:
    one, other = shared_address(jim)
    take(complaint(ip="203.0.113.5"))
    review = Review.objects.get()
    assert [(found["service"], found["ports"]) for found in review.candidates] == [
        (one.pk, [1024, 2048]),
        (other.pk, [2048, 4096]),
    ]
    assert "shared by source ports" in review.detail
    assert not Case.objects.exists()


def test_a_port_that_nobody_held_is_nobodys(jim: Provider) -> None:
    shared_address(jim)
    take(scan(80))
    assert not Case.objects.exists()
    assert Review.objects.get().reason == "no_attribution"


# --- the provider's own ---------------------------------------------------------------------------------------------


def test_a_complaint_about_our_own_goes_to_a_person_at_once_and_never_to_the_policy(jim: Provider) -> None:
    Service.objects.filter(pk=jim.service.pk).update(infrastructure=True)
    with serving({}):
        take(to_jim(phishing("192.0.2.1")))
    review = Review.objects.get()
    assert (review.reason, review.candidates[0]["how"]) == ("own_infrastructure", "infrastructure")
    assert "break-in" in review.detail
    assert not Case.objects.exists()
    assert Decision.objects.get().docket.service is None


def test_a_report_about_our_own_and_about_nobodys_asks_both(jim: Provider) -> None:
    Service.objects.filter(pk=jim.service.pk).update(infrastructure=True)
    found = attribute(
        [Observation("messaging/spam", "192.0.2.33"), Observation("messaging/spam", "198.51.100.1")], NOW, 10, HELD
    )
    assert [one.reason for one in found] == ["own_infrastructure", "no_attribution"]
    assert found[0].candidates == (Candidate(4, "192.0.2.33", "infrastructure", "192.0.2.33"),)
