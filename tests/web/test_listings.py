"""The listings: entries present and past, each list's health, an address asked about now, and a service's own."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from abusedesk.records.models import Assignment, Channel, Listing, ListingQuestion, Sweep, SweptBlock
from abusedesk.web.listings import title_of
from tests.web.rows import Desk

NOW = timezone.now()


@pytest.fixture
def channel(db: Any) -> Channel:
    one = Channel.objects.create(kind="blocklist", name="zen", options={"list": "spamhaus-zen"}, carries_answers=False)
    Sweep.objects.create(channel=one, blocklist="spamhaus-zen", began_at=NOW, addresses=4000, asked=1000, unanswered=3)
    return one


@pytest.fixture
def held(desk: Desk) -> Desk:
    Assignment.objects.create(service=desk.service, prefix="192.0.2.0/28", period=(NOW - timedelta(days=90), None))
    return desk


def listed(address: str = "192.0.2.3", **more: Any) -> Listing:
    given = {
        "blocklist": "spamhaus-zen", "title": "Spamhaus ZEN", "says": "XBL: infected", "seen_at": NOW,
        "last_seen_at": NOW, **more,
    }  # fmt: skip
    return Listing.objects.create(address=address, **given)


def shown(page: Client, query: str = "") -> str:
    answer = page.get(f"/listings{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_without_a_list_the_page_says_where_to_add_one(page: Client) -> None:
    assert "No list is asked" in shown(page)


def test_each_list_shows_how_far_its_sweep_is(page: Client, channel: Channel) -> None:
    text = shown(page)
    assert "Spamhaus ZEN" in text
    assert "25 % since" in text
    assert "4,000" in text


def test_a_list_that_does_not_answer_properly_says_so(page: Client, channel: Channel) -> None:
    Channel.objects.update(error="Spamhaus ZEN is not answering properly: it was asked too much", failing_since=NOW)
    assert "it was asked too much" in shown(page)


def test_a_channel_of_a_list_that_is_not_known_any_more_still_shows(page: Client, channel: Channel) -> None:
    Channel.objects.update(options={"list": "gone"})
    assert title_of(Channel.objects.get()) == "zen"
    assert "zen" in shown(page)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "seen once"),
        ({"gone_at": NOW}, "not confirmed"),
        ({"confirmed_at": NOW, "verdict": "corroborated"}, "corroborated"),
        ({"confirmed_at": NOW, "verdict": "unverified"}, "not read as clean since the holder"),
        ({"confirmed_at": NOW, "verdict": "baseline"}, "there before"),
        ({"confirmed_at": NOW, "verdict": "range"}, "names a range"),
        ({"confirmed_at": NOW, "verdict": "unheld"}, "held by nobody alone"),
    ],
)
def test_an_entry_says_what_it_is(page: Client, fields: dict[str, Any], word: str) -> None:
    listed(**fields)
    assert word in shown(page, "?show=all")


def test_past_and_present_are_told_apart(page: Client) -> None:
    listed("192.0.2.3")
    listed("192.0.2.4", gone_at=NOW)
    assert "192.0.2.3" in shown(page)
    assert "192.0.2.4" not in shown(page)
    assert "192.0.2.4" in shown(page, "?show=past")
    assert "192.0.2.3" not in shown(page, "?show=past")


@pytest.mark.parametrize(
    ("text", "fits"),
    [("192.0.2.3", True), ("192.0.2.0/24", True), ("198.51.100.0/24", False), ("host", True), ("nobody", False)],
)
def test_entries_are_found_by_address_prefix_and_service(page: Client, desk: Desk, text: str, *, fits: bool) -> None:
    listed(service=desk.service, brand=desk.brand)
    assert ("XBL: infected" in shown(page, f"?q={text}")) == fits


def test_entries_are_found_by_list(page: Client) -> None:
    listed()
    assert "XBL: infected" in shown(page, "?list=spamhaus-zen")
    assert "XBL: infected" not in shown(page, "?list=other")


def test_what_accuses_nobody_is_shown_by_block(page: Client, channel: Channel) -> None:
    known = {"127.0.0.11": {"since": NOW.isoformat(), "who": [3, 4, 200]}}
    SweptBlock.objects.create(blocklist="spamhaus-zen", block="192.0.2.0/24", shown=known)
    text = shown(page)
    assert "PBL: should not send mail directly" in text
    assert "3 addresses of" in text


def test_a_service_shows_its_entries_and_what_accuses_nobody(page: Client, held: Desk, channel: Channel) -> None:
    listed("192.0.2.3", service=held.service)
    listed("192.0.2.5", says="there before it had the address")
    listed("198.51.100.5", says="of somebody else")
    known = {"127.0.0.11": {"since": NOW.isoformat(), "who": [3, 200]}}
    SweptBlock.objects.create(blocklist="spamhaus-zen", block="192.0.2.0/24", shown=known)

    text = page.get(f"/services/{held.service.pk}").content.decode()

    assert "XBL: infected" in text
    assert "there before it had the address" in text
    assert "of somebody else" not in text
    assert "1 address; accuses nobody" in text


def test_an_address_asked_about_is_put_before_every_list_once(page: Client, held: Desk, channel: Channel) -> None:
    for _ in range(2):
        answer = page.post("/listings/ask", {"ip": " 192.0.2.3 "})

    assert answer.headers["Location"] == "/listings?asked=192.0.2.3#asked"
    question = ListingQuestion.objects.get()
    assert (question.channel, question.address, question.asked_by) == (channel, "192.0.2.3", "ann")
    assert 'hx-trigger="every 2s"' in shown(page, "?asked=192.0.2.3")


def test_what_the_list_said_ends_the_waiting(page: Client, held: Desk, channel: Channel) -> None:
    ListingQuestion.objects.create(
        channel=channel, address="192.0.2.3", asked_at=NOW, asked_by="ann", answered_at=NOW, answer="not listed"
    )
    text = page.get("/listings/answers?asked=192.0.2.3").content.decode()
    assert "not listed" in text
    assert "every 2s" not in text


@pytest.mark.parametrize(
    ("address", "why"), [("x", "is no address"), ("203.0.113.9", "No service of yours ever held 203.0.113.9")]
)
def test_what_cannot_be_asked_is_said(page: Client, held: Desk, channel: Channel, address: str, why: str) -> None:
    answer = page.post("/listings/ask", {"ip": address}, follow=True)
    assert why in answer.content.decode()
    assert not ListingQuestion.objects.exists()
