"""Reporters are told once what became of a report, where the brand says so, and nothing of the customer."""

from datetime import timedelta
from email import message_from_bytes
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk.answering import outcomes
from abusedesk.desk.enact import submit
from abusedesk.desk.outcome import Code, outcome_of
from abusedesk.desk.perform import perform_effects
from abusedesk.desk.perform.words import LANGUAGES
from abusedesk.policy.stimulus import Reply, Verification
from abusedesk.records.models import Brand, Effect, Measure, Message, Notice, Report, Thread
from tests.contract.mailbox import Mailbox
from tests.desk.answering.test_acknowledge import DAY, HOUR, PAT, hear, post, report, setting  # noqa: F401 - fixture
from tests.desk.estate import NOW, Provider, known_reporter, provider, with_addresses

pytestmark = pytest.mark.django_db


@pytest.fixture
def jim() -> Provider:
    made = with_addresses(provider())
    known_reporter("isp.example.net")
    setting(tell_outcome=True)
    return made


def ordered() -> list[str]:
    return list(Effect.objects.filter(key__startswith="outcome:").values_list("payload__code", flat=True))


def pass_time(days: int = 1) -> None:
    """The threads are looked at as often as they would be within some days."""
    at = NOW
    while at < NOW + days * DAY:
        at += HOUR
        outcomes.tell(at)


def test_a_report_that_staff_rejected_is_told_so(jim: Provider, post: Mailbox) -> None:  # noqa: F811 - the fixture
    hear(report())
    perform_effects("w", NOW)
    one = Report.objects.get()
    submit(jim.service.docket, Verification(str(one.pk), rejected=True), key="r", at=NOW + HOUR, by="ann")
    pass_time()
    assert ordered() == ["rejected"]
    perform_effects("w", NOW + DAY)
    mails = [message_from_bytes(one.content) for one in post.got if one.rcpt_tos == [PAT]]
    first = next(one for one in mails if one["Auto-Submitted"] == "auto-replied")
    [mail] = [one for one in mails if one["Auto-Submitted"] == "auto-generated"]
    thread = Thread.objects.get()
    assert mail["In-Reply-To"] == thread.mail_id
    assert mail["References"].split() == [thread.mail_id, first["Message-ID"]]
    text = mail.get_payload()
    assert "Code: rejected" in text
    assert not any(one in text for one in ("192.0.2.1", jim.customer.name + ",", jim.customer.email, jim.service.ref))


def test_it_is_told_once(jim: Provider) -> None:
    hear(report())
    submit(jim.service.docket, Reply(complete=True), key="r", at=NOW + HOUR)
    Measure.objects.all().delete()
    pass_time(3)
    assert ordered() == ["closed"]
    assert Thread.objects.get().look_at is None


def test_a_measure_counts_when_it_stands_outside(jim: Provider) -> None:
    hear(report())
    one = Report.objects.get()
    assert Measure.objects.filter(decided="in_force").exists()
    Measure.objects.update(state="none")
    assert outcome_of(one) == "in_progress"
    Measure.objects.update(state="in_force")
    assert outcome_of(one) == "measure_taken"
    Measure.objects.update(decided="lifted")
    assert outcome_of(one) == "in_progress"


def test_each_report_has_the_outcome_of_its_own_occurrence(jim: Provider) -> None:
    hear(report())
    first = Report.objects.get()
    submit(jim.service.docket, Reply(complete=True), key="r", at=NOW + HOUR)
    later = NOW + 3 * DAY
    hear(report(number=2, at=later, text="192.0.2.1 brute-forces SSH of ours since 2026-03-05 11:50 UTC."), at=later)
    second = Report.objects.exclude(pk=first.pk).get()
    Measure.objects.all().delete()
    assert (outcome_of(first), outcome_of(second)) == ("closed", "in_progress")


def test_an_address_of_nobody_is_said_to_be_nobodys(jim: Provider) -> None:
    hear(report(text="Your address 203.0.113.9 attacks our servers by SSH, last at 2026-03-02 10:30 UTC."))
    pass_time()
    assert ordered() == ["not_ours"]


def test_nothing_is_told_where_the_brand_does_not(jim: Provider) -> None:
    hear(report())
    setting(tell_outcome=False)
    Report.objects.update(rejected_at=NOW)
    pass_time()
    assert ordered() == []


def test_a_receipt_that_came_back_ends_it(jim: Provider) -> None:
    hear(report())
    perform_effects("w", NOW)
    Notice.objects.filter(thread__isnull=False).update(state="bounced")
    Report.objects.update(rejected_at=NOW)
    pass_time()
    assert ordered() == []


def test_without_a_receipt_there_may_be_an_outcome_still(jim: Provider) -> None:
    setting(tell_outcome=True, acknowledge="off")
    hear(report())
    Report.objects.update(rejected_at=NOW)
    # `off` means that nobody unknown is written to; whom a signature vouches for hears what became of it.
    pass_time()
    assert list(Effect.objects.filter(payload__to="reporter").values_list("payload__template", flat=True)) == [
        "outcome"
    ]


def test_a_rehearsal_tells_nobody(jim: Provider) -> None:
    Brand.objects.update(dry_run=True)
    hear(report())
    Report.objects.update(rejected_at=NOW)
    pass_time()
    assert set(Effect.objects.filter(payload__to="reporter").values_list("state", flat=True)) == {"dry_run"}


def test_a_thread_is_looked_at_seldom_and_not_for_ever(jim: Provider) -> None:
    hear(report())
    looks = sum(outcomes.tell(NOW + hours * HOUR) for hours in range(24 * 40))
    assert 10 < looks < 60
    assert Thread.objects.get().look_at is None
    assert ordered() == []


def test_a_message_that_is_gone_ends_it(jim: Provider) -> None:
    hear(report())
    Message.objects.all().delete()
    pass_time()
    assert Thread.objects.get().look_at is None


@given(st.lists(st.sampled_from(get_args(Code)), max_size=5), st.integers(0, 40))
def test_what_runs_is_never_told(codes: list[Code], days: int) -> None:
    told = outcomes.told_of(codes, timedelta(days=days))
    assert told in {None, *codes} - {"in_progress"}
    if told is None and codes:
        assert {"in_progress", "uncorroborated"} & set(codes)


def test_every_code_that_is_told_has_its_words() -> None:
    for language in LANGUAGES.values():
        assert set(language.outcomes) == {*get_args(Code)} - {"in_progress"}
