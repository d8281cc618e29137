"""Correlate: what is one event, what is a repetition, and what a service hears of a report."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk.attribute import Placed
from abusedesk.desk.correlate import (
    Complaint,
    Heard,
    complaint_id,
    identity,
    later_rows,
    move,
    seen_rows,
    tellings,
)
from abusedesk.desk.parse import Unread
from abusedesk.desk.verify import Voice
from abusedesk.policy.stimulus import Report as ReportStimulus
from abusedesk.policy.stimulus import Unattributed
from abusedesk.vocabulary.assurance import Assurance
from abusedesk.vocabulary.evidence import Evidence
from abusedesk.vocabulary.report import Event, Report

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MESSAGE = uuid.UUID(int=7)
FIRST = uuid.UUID(int=99)


def placed(source: str = "192.0.2.1", service: int | None = 1, **more: Any) -> Placed:
    given_at = more.pop("occurred_at", NOW - HOUR)
    category = more.pop("category", "connection/login_attack")
    ip = None if source.endswith(".net") else source
    return Placed(Event(category, source, occurred_at=given_at, **more), ip, given_at or NOW, service)


def complaint(
    *ones: Placed, organisation: str = "isp", assurance: Assurance = "unverified", number: int = 1
) -> Complaint:
    unread = Unread(MESSAGE, b"", NOW, "standard", 5, "mail", "", "", b"", 1)
    voice = Voice(None, f"x@{organisation}", organisation, known=False, muted=False, domains=(), keys={})
    report = Report("arf", None, tuple(one.event for one in ones))
    category, identities = ones[0].event.category, tuple(identity(one) for one in ones)
    return Complaint(
        uuid.UUID(int=number), 5, unread, report, category, voice, assurance, "", Evidence(organisation), tuple(ones),
        identities,
    )  # fmt: skip


# --- identity -------------------------------------------------------------------------------------------------------


def test_the_same_observation_is_one_event_whatever_else_is_said_of_it() -> None:
    assert identity(placed(target_port=22)) == identity(placed(target_port=22, count=9, evidence="other words"))


@pytest.mark.parametrize(
    "other",
    [
        {"source": "192.0.2.2"},
        {"category": "connection/port_scan"},
        {"target_port": 23},
        {"url": "http://shop.example.net/x"},
        {"occurred_at": NOW},
    ],
)
def test_another_source_category_port_url_or_time_is_another_event(other: dict[str, Any]) -> None:
    assert identity(placed(target_port=22)) != identity(placed(**({"target_port": 22} | other)))


@pytest.mark.parametrize(
    "category", ["vulnerability/open_service", "infrastructure/open_relay", "reputation/blocklist"]
)
def test_a_lasting_state_is_one_event_a_day(category: str) -> None:
    morning = placed(category=category, occurred_at=NOW - 5 * HOUR)
    assert identity(morning) == identity(placed(category=category, occurred_at=NOW))
    assert identity(morning) != identity(placed(category=category, occurred_at=NOW + 24 * HOUR))


def test_host_names_are_the_same_in_any_case() -> None:
    assert identity(placed("Shop.Example.net")) == identity(placed("shop.example.net"))


@given(st.text(max_size=50), st.text(max_size=50))
def test_an_identity_is_16_bytes_of_anything(source: str, url: str) -> None:
    assert len(identity(Placed(Event("messaging/spam", source, url=url), None, NOW, None))) == 16


# --- what is told ---------------------------------------------------------------------------------------------------


def test_each_service_hears_its_own_events_and_nothing_of_others() -> None:
    one = complaint(placed(service=1), placed("192.0.2.2", service=2), placed("192.0.2.3", service=None))
    told = tellings([one], {})
    assert [(telling.service, [each.ip for each in telling.placed]) for telling in told] == [
        (1, ["192.0.2.1"]),
        (2, ["192.0.2.2"]),
        (None, ["192.0.2.3"]),
    ]


def test_many_rows_about_one_service_are_one_telling_with_their_sum() -> None:
    [telling] = tellings([complaint(*(placed(target_port=port, count=2) for port in range(1, 51)))], {})
    assert (telling.events, len(telling.placed), len(telling.fresh)) == (100, 50, 50)


def test_a_row_given_twice_counts_once() -> None:
    [telling] = tellings([complaint(placed(), placed())], {})
    assert (telling.events, len(telling.placed)) == (1, 1)


def test_one_voice_that_says_it_again_says_nothing() -> None:
    assert len(tellings([complaint(placed()), complaint(placed(), number=2)], {})) == 1


def test_a_second_voice_that_says_it_again_says_nothing_either() -> None:
    voices = ["isp", "other", "isp", "other", "third", "other"]
    told = tellings([complaint(placed(), organisation=one, number=at) for at, one in enumerate(voices)], {})
    assert [one.complaint.voice.organisation for one in told] == ["isp", "other", "third"]


def test_an_event_is_counted_once_for_all_who_are_believed_alike() -> None:
    voices = [("nobody", "unverified"), ("isp", "authenticated"), ("other", "authenticated"), ("nobody", "unverified")]
    told = tellings(
        [
            complaint(placed(), organisation=who, assurance=assurance, number=at)
            for at, (who, assurance) in enumerate(voices)
        ],
        {},
    )
    assert [one.events for one in told] == [1, 1, 0]


def test_what_was_believed_is_not_counted_again_for_somebody_believed_more() -> None:
    sensor = complaint(placed(), organisation="sensor", assurance="verified", number=2)
    first, second = tellings([complaint(placed(), assurance="authenticated"), sensor], {})
    assert (first.events, second.events) == (1, 0)


def test_another_voice_is_heard_and_adds_no_event() -> None:
    _, second = tellings([complaint(placed()), complaint(placed(), organisation="other", number=2)], {})
    assert (second.events, second.fresh) == (0, ())


def test_a_better_vouched_report_brings_the_events_that_a_worse_one_told() -> None:
    heard = {identity(placed()): Heard("anybody", "unverified", FIRST)}
    [telling] = tellings([complaint(placed(), organisation="isp", assurance="authenticated")], heard)
    assert (telling.events, telling.fresh) == (1, ())


def test_a_voice_that_is_vouched_for_now_is_no_repetition() -> None:
    heard = {identity(placed()): Heard("isp", "unverified", FIRST)}
    assert len(tellings([complaint(placed(), assurance="authenticated")], heard)) == 1
    assert tellings([complaint(placed())], {identity(placed()): Heard("isp", "authenticated", FIRST)}) == []


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4), st.sampled_from(["a", "b"])), max_size=12))
def test_however_often_and_by_whom_each_event_is_fresh_once(rows: list[tuple[int, int, str]]) -> None:
    complaints = [
        complaint(placed(f"192.0.2.{ip}", service=ip, target_port=port), organisation=who, number=number)
        for number, (ip, port, who) in enumerate(rows)
    ]
    told = tellings(complaints, {})
    fresh = [key for telling in told for key in telling.fresh]
    assert len(fresh) == len(set(fresh)) == len({(ip, port) for ip, port, _ in rows})
    assert sum(telling.events for telling in told) == len(fresh)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["unverified", "authenticated"])), max_size=12),
    st.integers(0, 12),
)
def test_it_makes_no_difference_where_a_batch_ends(said: list[tuple[str, Assurance]], cut: int) -> None:
    complaints = [
        complaint(placed(), organisation=who, assurance=assurance, number=number)
        for number, (who, assurance) in enumerate(said)
    ]
    together = tellings(complaints, {})
    first = tellings(complaints[:cut], {})
    stored = dict(seen_rows(first)) | dict(later_rows(first))
    by_id = {one.id: one for one in complaints}
    heard = {
        key: Heard(by_id[report].voice.organisation, by_id[report].assurance, report) for key, report in stored.items()
    }
    assert [*first, *tellings(complaints[cut:], heard)] == together


# --- the stimulus ---------------------------------------------------------------------------------------------------


def test_a_stimulus_counts_at_receipt_and_speaks_of_the_first_event() -> None:
    first = NOW - 9 * HOUR
    ones = placed(), placed(occurred_at=first), placed("192.0.2.2", occurred_at=NOW - 3 * HOUR)
    [telling] = tellings([complaint(*ones)], {})
    made = move(telling, 11, with_reviews=True)
    assert isinstance(made.stimulus, ReportStimulus)
    assert (made.docket, made.at, made.key) == (11, NOW, f"report:{uuid.UUID(int=1)}")
    assert made.stimulus.occurred_at == first
    assert made.stimulus.ips == ("192.0.2.1", "192.0.2.2")
    assert made.stimulus.events == 3


def test_what_nobody_held_goes_to_the_brands_own_docket() -> None:
    [telling] = tellings([complaint(placed(service=None))], {})
    stimulus = move(telling, 12, with_reviews=False).stimulus
    assert isinstance(stimulus, Unattributed)
    assert not stimulus.with_reviews


def test_the_same_part_of_the_same_message_has_the_same_id_for_ever() -> None:
    unread = complaint(placed()).unread
    spam = complaint_id(unread, 0, 5, "messaging/spam")
    assert spam == complaint_id(unread._replace(attempts=3), 0, 5, "messaging/spam")
    others = {
        complaint_id(unread, 1, 5, "messaging/spam"),
        complaint_id(unread, 0, 6, "messaging/spam"),
        complaint_id(unread, 0, 5, "connection/ddos"),
    }
    assert len(others | {spam}) == 4
