"""Blocklists asked round by round, against a name server of our own on the loopback address."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dns.rcode
import pytest
from django.utils import timezone

from abusedesk.channels import blocklists, fetch
from abusedesk.desk.intake import process_messages
from abusedesk.desk.listings import book
from abusedesk.desk.listings.blocks import block_of, pack
from abusedesk.records.models import (
    Assignment,
    Case,
    Channel,
    Decision,
    Listing,
    ListingQuestion,
    Message,
    Report,
    Sweep,
    SweptBlock,
    TimelineEntry,
)
from tests.channels.test_lmtp import eventually
from tests.desk.estate import Provider, provider
from tests.desk.listings.nameserver import ZONE, NameServer, nameserver

pytestmark = pytest.mark.django_db(transaction=True)

LIST = ZONE
SOON = timedelta(minutes=31)


@pytest.fixture
def server() -> Iterator[NameServer]:
    with nameserver() as running:
        yield running


@pytest.fixture
def jim(transactional_db: Any, monkeypatch: pytest.MonkeyPatch) -> Provider:
    one = provider()
    hold(one, "192.0.2.0/29")
    return one


def hold(one: Provider, prefix: str, since: datetime | None = None) -> None:
    since = since or timezone.now() - timedelta(days=200)
    Assignment.objects.create(service=one.service, prefix=prefix, period=(since, None))


@pytest.fixture
def channel(jim: Provider, server: NameServer) -> Channel:
    return make(server)


def make(server: NameServer, name: str = "bl", **options: str) -> Channel:
    given = {
        "list": "own", "zone": ZONE, "accuses": "127.0.0.2, 127.0.0.4-7", "nameservers": server.address,
        "per_second": "2000", "hours": "0.25", **options,
    }  # fmt: skip
    return Channel.objects.create(kind="blocklist", name=name, options=given, carries_answers=False)


def ask(one: Channel) -> Channel:
    fetch.ask_once(one.pk)
    return Channel.objects.get(pk=one.pk)


def sweep(one: Channel) -> Channel:
    """A whole sweep, as if it were time for one."""
    Sweep.objects.update(began_at=timezone.now() - timedelta(hours=1))
    one = ask(one)
    while one.backlog and not one.error:
        one = ask(one)
    return one


def pass_time(by: timedelta) -> None:
    """Everything that is written lies so much further back."""
    for row in Listing.objects.all():
        for name in ("clean_at", "seen_at", "last_seen_at", "again_at", "confirmed_at", "missing_since"):
            if getattr(row, name):
                setattr(row, name, getattr(row, name) - by)
        row.save()


def confirmed(one: Channel, server: NameServer, address: str = "192.0.2.3", *codes: str, text: str = "") -> Listing:
    """An entry that two answers named, after a clean sweep."""
    sweep(one)
    server.list_(address, *codes, text=text)
    sweep(one)
    pass_time(SOON)
    ask(one)
    return Listing.objects.get(address=address, blocklist=LIST)


# --- test entries and what counts as a reading ------------------------------------------------------------------------


def test_the_test_entries_are_asked_before_anything_else(channel: Channel, server: NameServer) -> None:
    ask(channel)
    assert server.asked[:2] == [f"2.0.0.127.{ZONE} A", f"1.0.0.127.{ZONE} A"]


def test_a_sweep_asks_every_address_and_remembers_when(channel: Channel, server: NameServer) -> None:
    one = sweep(channel)

    assert {f"{last}.2.0.192.{ZONE} A" for last in range(8)} <= set(server.asked)
    assert (one.error, one.backlog) == ("", 0)
    swept = Sweep.objects.get()
    assert (swept.addresses, swept.asked, swept.unanswered) == (8, 8, 0)
    assert one.watermark == swept.began_at
    assert book.clean_since(LIST, "192.0.2.7") is not None
    assert book.clean_since(LIST, "192.0.2.8") is None


def test_a_list_that_lists_everything_accuses_nobody_and_clears_nobody(channel: Channel, server: NameServer) -> None:
    server.everything = ["127.0.0.2"]

    one = ask(channel)

    assert "it lists 127.0.0.1, and so probably everything" in one.error
    assert not Listing.objects.exists()
    assert book.clean_since(LIST, "192.0.2.3") is None


def test_a_list_that_lists_nothing_clears_nobody(channel: Channel, server: NameServer) -> None:
    server.entries[ZONE] = {}

    one = ask(channel)

    assert "it does not list its test entry 127.0.0.2" in one.error
    assert not SweptBlock.objects.exists()


def test_a_list_that_breaks_during_a_round_accuses_nobody_by_that_round(channel: Channel, server: NameServer) -> None:
    server.breaks_after = 5

    one = ask(channel)

    assert "probably everything" in one.error
    assert not Listing.objects.exists()
    assert not SweptBlock.objects.exists()


@pytest.mark.parametrize("code", ["127.255.255.254", "127.255.255.255", "127.0.0.1", "198.51.100.1"])
def test_an_error_code_is_no_listing_and_no_clean_reading(channel: Channel, server: NameServer, code: str) -> None:
    server.list_("192.0.2.3", code)

    sweep(channel)

    assert not Listing.objects.exists()
    assert book.clean_since(LIST, "192.0.2.3") is None
    assert book.clean_since(LIST, "192.0.2.4") is not None
    assert Sweep.objects.get().unanswered == 1


@pytest.mark.parametrize("rcode", [dns.rcode.REFUSED, dns.rcode.SERVFAIL])
def test_a_server_that_refuses_or_fails_is_said(channel: Channel, server: NameServer, rcode: dns.rcode.Rcode) -> None:
    server.rcode = rcode

    one = ask(channel)

    assert f"{ZONE} is not answering properly" in one.error
    assert one.failing_since is not None


def test_a_server_that_is_silent_is_said(channel: Channel, server: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abusedesk.desk.listings.asking.TIMEOUT_S", 0.1)
    server.silent = True

    assert "no answer came in time" in ask(channel).error


def test_an_address_whose_question_fails_is_neither_accused_nor_cleared(channel: Channel, server: NameServer) -> None:
    server.fails_on = {"192.0.2.3"}

    one = sweep(channel)

    assert one.error == ""
    assert book.clean_since(LIST, "192.0.2.3") is None
    assert book.clean_since(LIST, "192.0.2.4") is not None


def test_an_answer_too_large_for_udp_is_fetched_by_tcp(channel: Channel, server: NameServer) -> None:
    server.truncates = True
    server.list_("192.0.2.3")

    sweep(channel)

    assert Listing.objects.get().codes == ["127.0.0.2"]


# --- belief ---------------------------------------------------------------------------------------------------------


def test_a_confirmed_entry_after_a_clean_reading_becomes_a_corroborated_report(
    channel: Channel, server: NameServer, jim: Provider
) -> None:
    one = confirmed(channel, server, text="sent spam to a trap")

    assert (one.verdict, one.service, one.brand) == ("corroborated", jim.service, jim.brand)
    message = Message.objects.get()
    assert (message.pk, message.brand_id, message.provenance) == (one.message_id, jim.brand.pk, {"listing": ZONE})

    process_messages(timezone.now())

    report = Report.objects.get()
    assert report.assurance == "corroborated"
    assert report.grade_reason == f"corroborated: a query of ours confirmed the entry on {ZONE}"
    assert "sent spam to a trap" in report.summary
    assert b'"listing":"bl.example.net"' in bytes(Decision.objects.get().stimulus)
    assert Case.objects.get().abuse_type == "spam"


def test_an_entry_that_was_seen_once_is_not_believed(channel: Channel, server: NameServer) -> None:
    sweep(channel)
    server.list_("192.0.2.3")
    sweep(channel)
    sweep(channel)

    one = Listing.objects.get()
    assert (one.confirmed_at, one.verdict) == (None, "")
    assert not Message.objects.exists()


def test_the_second_answer_waits_until_no_cache_can_give_the_first_again(channel: Channel, server: NameServer) -> None:
    server.ttl = 7200
    server.list_("192.0.2.3")
    sweep(channel)

    one = Listing.objects.get()
    assert one.again_at == one.seen_at + timedelta(hours=2)


def test_an_entry_that_the_second_answer_does_not_name_is_dropped(channel: Channel, server: NameServer) -> None:
    sweep(channel)
    server.list_("192.0.2.3")
    sweep(channel)
    server.delist("192.0.2.3")
    pass_time(SOON)

    ask(channel)

    one = Listing.objects.get()
    assert one.gone_at is not None
    assert one.confirmed_at is None
    assert not Message.objects.exists()


def test_the_first_sweep_is_a_baseline_and_accuses_nobody(channel: Channel, server: NameServer) -> None:
    server.list_("192.0.2.3")
    sweep(channel)
    pass_time(SOON)
    ask(channel)

    assert Listing.objects.get().verdict == "baseline"
    assert not Message.objects.exists()


def test_what_was_listed_when_it_was_first_asked_stays_a_baseline(
    channel: Channel, server: NameServer, jim: Provider
) -> None:
    sweep(channel)
    jim.another("s2", "198.51.100.0/30", timezone.now() - timedelta(hours=2))
    server.list_("198.51.100.1")
    sweep(channel)
    pass_time(SOON)
    ask(channel)

    assert Listing.objects.get().verdict == "baseline"


def test_an_entry_without_a_clean_reading_since_the_assignment_is_unverified(
    channel: Channel, server: NameServer, jim: Provider
) -> None:
    sweep(channel)
    # The address passed on after it was last read as clean.
    Assignment.objects.all().delete()
    hold(jim, "192.0.2.0/29", timezone.now())
    server.list_("192.0.2.3")
    sweep(channel)
    pass_time(SOON)
    ask(channel)
    process_messages(timezone.now())

    assert Listing.objects.get().verdict == "unverified"
    assert Message.objects.get().provenance == {"blocklist": ZONE}
    assert Report.objects.get().assurance == "unverified"


def test_codes_that_accuse_nobody_are_shown_and_no_report(channel: Channel, server: NameServer) -> None:
    sweep(channel)
    server.list_("192.0.2.3", "127.0.0.10")
    server.list_("192.0.2.4", "127.0.0.10")
    sweep(channel)

    assert not Listing.objects.exists()
    block = SweptBlock.objects.get()
    assert block.shown["127.0.0.10"]["who"] == [3, 4]
    assert book.clean_since(LIST, "192.0.2.3") is not None

    server.delist("192.0.2.3")
    server.delist("192.0.2.4")
    sweep(channel)
    assert SweptBlock.objects.get().shown == {}


def test_an_accusation_beside_a_policy_is_not_hidden_by_it(channel: Channel, server: NameServer) -> None:
    server.list_("192.0.2.3", "127.0.0.10")
    one = confirmed(channel, server, "192.0.2.3", "127.0.0.10", "127.0.0.4")

    assert (one.verdict, one.codes) == ("corroborated", ["127.0.0.4"])


def test_one_record_at_neighbours_of_another_service_names_their_range(
    server: NameServer, jim: Provider, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("secret-key\n")
    zone = "secret-key.zen.dq.spamhaus.net"
    server.serve(zone, ipv6=True)
    one = make(server, list="spamhaus-dqs", zone="", key_file=str(key))
    jim.another("s2", "198.51.100.0/30", timezone.now() - timedelta(days=2))
    sweep(one)
    for address in ("192.0.2.3", "198.51.100.1"):
        server.list_(address, zone=zone, text="https://check.example.net/SBL1234")
    server.list_("192.0.2.4", zone=zone, text="https://check.example.net/SBL999")
    sweep(one)
    pass_time(SOON)
    ask(one)

    verdicts = dict(Listing.objects.values_list("address", "verdict"))
    assert verdicts == {"192.0.2.3": "range", "198.51.100.1": "range", "192.0.2.4": "corroborated"}
    assert "secret" not in str([list(Listing.objects.values()), list(Message.objects.values("name", "provenance"))])


def test_the_same_entry_makes_one_report_however_often_it_is_seen(channel: Channel, server: NameServer) -> None:
    confirmed(channel, server)
    for _ in range(3):
        sweep(channel)
        pass_time(SOON)

    assert Listing.objects.count() == 1
    assert Message.objects.count() == 1


# --- delisting ------------------------------------------------------------------------------------------------------


def test_a_delisting_is_asked_twice_and_told_on_the_case(channel: Channel, server: NameServer) -> None:
    confirmed(channel, server)
    process_messages(timezone.now())
    server.delist("192.0.2.3")
    sweep(channel)
    assert Listing.objects.get().gone_at is None
    pass_time(SOON)
    ask(channel)

    assert Listing.objects.get().gone_at is not None
    entry = TimelineEntry.objects.get(kind="delisted")
    assert entry.case_id == Case.objects.get().pk
    assert entry.body["text"] == f"192.0.2.3 is no longer on {ZONE}: two answers in a row did not name it"


def test_an_entry_of_an_address_that_nobody_holds_any_more_is_asked_for_all_the_same(
    channel: Channel, server: NameServer
) -> None:
    confirmed(channel, server)
    Assignment.objects.all().delete()
    server.delist("192.0.2.3")
    sweep(channel)
    ask(channel)
    pass_time(SOON)
    ask(channel)

    assert Listing.objects.get().gone_at is not None


def test_an_address_that_is_listed_again_is_another_entry(channel: Channel, server: NameServer) -> None:
    confirmed(channel, server)
    server.delist("192.0.2.3")
    sweep(channel)
    pass_time(SOON)
    ask(channel)
    server.list_("192.0.2.3")
    sweep(channel)
    pass_time(SOON)
    ask(channel)

    assert [one.verdict for one in Listing.objects.order_by("pk")] == ["corroborated", "corroborated"]
    assert Message.objects.count() == 2


# --- going on -------------------------------------------------------------------------------------------------------


def test_a_restart_goes_on_where_the_sweep_was(
    channel: Channel, server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocklists, "MOST", 3)
    assert ask(channel).backlog == 5
    server.asked.clear()

    one = ask(channel)

    assert [name for name in server.asked if "2.0.192" in name] == [f"{last}.2.0.192.{ZONE} A" for last in (3, 4, 5)]
    assert (one.backlog, one.watermark) == (2, None)


def test_an_error_in_the_middle_moves_the_sweep_nowhere(
    channel: Channel, server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocklists, "MOST", 3)
    ask(channel)
    server.everything = ["127.255.255.255"]
    assert "asked too much" in ask(channel).error
    server.everything = []
    server.asked.clear()

    ask(channel)

    assert f"3.2.0.192.{ZONE} A" in server.asked


def test_questions_keep_to_the_rate(channel: Channel, server: NameServer) -> None:
    Channel.objects.update(options={**channel.options, "per_second": "20"})
    began = datetime.now(UTC)

    ask(channel)

    # Eight addresses, and the test entries before and after: twelve questions have eleven pauses.
    assert len(server.asked) == 12
    assert (datetime.now(UTC) - began).total_seconds() > 10 / 20


def test_between_sweeps_nothing_is_asked(channel: Channel, server: NameServer) -> None:
    sweep(channel)
    server.asked.clear()

    one = ask(channel)

    assert (server.asked, one.error, one.backlog) == ([], "", 0)


def test_between_sweeps_the_lists_health_is_still_looked_at(channel: Channel, server: NameServer) -> None:
    one = sweep(channel)
    then = timezone.now() - timedelta(hours=1)
    Channel.objects.update(memory={**one.memory, "tested_at": then.isoformat()}, options={**one.options, "hours": "9"})
    server.everything = ["127.0.0.2"]

    assert "probably everything" in ask(channel).error


def test_only_the_brands_own_addresses_are_asked(server: NameServer, jim: Provider) -> None:
    other = provider("sal")
    Assignment.objects.create(service=other.service, prefix="203.0.113.0/30", period=(timezone.now(), None))
    one = make(server)
    Channel.objects.update(brand=other.brand)

    sweep(one)

    assert Sweep.objects.get().addresses == 4


def test_what_a_list_says_up_front(channel: Channel) -> None:
    assert blocklists.about(channel) == "8 addresses at 2000 a second take 1 s, every 15 min."


# --- IPv6 -----------------------------------------------------------------------------------------------------------


def test_of_an_ipv6_network_its_first_hosts_are_asked(server: NameServer, jim: Provider) -> None:
    server.serve(ipv6=True)
    hold(jim, "2001:db8:1::/63")
    hold(jim, "2001:db8:2::7/128")
    one = make(server, ipv6="yes")

    sweep(one)

    assert Sweep.objects.get().addresses == 8 + 2 + 1
    cleared = {text for text in ("2001:db8:1::1", "2001:db8:1:1::1", "2001:db8:2::7") if book.clean_since(LIST, text)}
    assert len(cleared) == 3


def test_without_the_ipv6_test_entry_nothing_about_ipv6_counts(server: NameServer, jim: Provider) -> None:
    hold(jim, "2001:db8:1::/64")
    one = make(server, ipv6="yes")

    one = sweep(one)

    assert one.error == ""
    assert "::ffff:7f00:2" in one.memory["without_ipv6"]
    assert book.clean_since(LIST, "2001:db8:1::1") is None
    assert book.clean_since(LIST, "192.0.2.1") is not None


# --- asked by hand --------------------------------------------------------------------------------------------------


def test_somebody_who_asks_now_is_answered_by_the_next_round(channel: Channel, server: NameServer) -> None:
    sweep(channel)
    server.list_("192.0.2.3", text="trap")
    ListingQuestion.objects.create(channel=channel, address="192.0.2.3", asked_at=timezone.now(), asked_by="ann")

    ask(channel)

    question = ListingQuestion.objects.get()
    assert question.answer == "listed (127.0.0.2): listed. trap"
    assert question.answered_at is not None


def test_a_question_to_which_no_reading_came_is_answered_so(channel: Channel, server: NameServer) -> None:
    server.list_("192.0.2.3", "127.255.255.254")
    ListingQuestion.objects.create(channel=channel, address="192.0.2.3", asked_at=timezone.now(), asked_by="ann")

    ask(channel)

    assert ListingQuestion.objects.get().answer.startswith("no reading: it does not answer public resolvers")


# --- the book -------------------------------------------------------------------------------------------------------


def test_a_million_addresses_take_a_few_thousand_rows() -> None:
    assert block_of("192.0.2.77") == ("192.0.2.0/24", 77)
    assert len(pack(dict.fromkeys(range(256), timezone.now()))) == 1280


# --- killed at any moment -------------------------------------------------------------------------------------------


def test_a_process_that_is_killed_goes_on_where_it_was_and_doubles_nothing(
    server: NameServer, jim: Provider, database_url: str, tmp_path: Path
) -> None:
    hold(jim, "198.51.100.0/23")
    one = make(server, per_second="100", hours="9")
    environment = {**os.environ, "ABUSEDESK_DATABASE_URL": database_url, "ABUSEDESK_DATA": str(tmp_path)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    in_a_round, after_one = lambda: len(server.asked) > 100, lambda: Channel.objects.get(pk=one.pk).memory.get("last")
    for moment in (in_a_round, after_one):
        with subprocess.Popen([sys.executable, "-m", "abusedesk.cli", "fetch"], env=environment) as process:
            try:
                eventually(moment)
            finally:
                process.kill()

    before = len(server.asked)
    one = ask(Channel.objects.get(pk=one.pk))
    while one.backlog:
        one = ask(one)

    assert one.error == ""
    assert len(server.asked) - before < 100
    assert Sweep.objects.get().ended_at is not None
    assert Sweep.objects.get().asked == 520
    assert all(book.clean_since(LIST, f"198.51.{net}.{last}") for net in (100, 101) for last in range(256))


def test_a_list_that_does_not_answer_properly_begins_one_sweep(channel: Channel, server: NameServer) -> None:
    server.rcode = dns.rcode.REFUSED
    assert ask(ask(channel)).error
    server.rcode = None
    assert not ask(channel).error
    assert Sweep.objects.get().asked == 8
