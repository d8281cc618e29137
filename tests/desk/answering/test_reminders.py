"""A reminder before a deadline: one more mail, where there is time for it, and nothing that moves by it."""

from datetime import timedelta

import pytest
from django.db import connection

from abusedesk.desk.answering import reminders
from abusedesk.desk.perform import perform_effects
from abusedesk.policy.parameters_of_the_desk import REMIND_BEFORE
from abusedesk.records.models import Brand, Deadline, Decision, Effect, Notice, Review, TicketEntry
from tests.contract.mailbox import Mailbox
from tests.desk.answering.test_acknowledge import post  # noqa: F401 - the fixture
from tests.desk.estate import NOW, Provider, known_reporter, provider, take, with_addresses
from tests.desk.estate import signed_complaint as complaint
from tests.desk.hearing.test_answers import dsn, hear, mail

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def jim() -> Provider:
    """A customer who was written to, and has five days to answer."""
    made = with_addresses(provider())
    known_reporter("isp.example.net")
    take(complaint("isp.example.net"))
    perform_effects("w", NOW)
    Deadline.objects.filter(name="payment").update(state="met")
    Deadline.objects.filter(name="reply").update(due=NOW + 5 * DAY)
    return made


def setting(**values: object) -> None:
    Brand.objects.update(settings=values)


def reminded() -> list[str]:
    return list(Effect.objects.filter(key__startswith="remind:").values_list("payload__template", flat=True))


def test_a_day_before_the_customer_is_reminded_once(jim: Provider, post: Mailbox) -> None:  # noqa: F811
    before = (Decision.objects.count(), Deadline.objects.get(name="reply").due)
    assert reminders.remind(NOW + 4 * DAY - timedelta(seconds=1)) == 0
    assert reminders.remind(NOW + 4 * DAY) == 1
    assert reminders.remind(NOW + 4 * DAY + HOUR) == 0
    perform_effects("w", NOW + 4 * DAY)

    sent = Notice.objects.get(template="reply_soon")
    assert (sent.address, sent.state) == ("jo@example.com", "sent")
    assert "2026-03-07 12:00 UTC" in sent.text
    assert TicketEntry.objects.filter(notice=sent).exists()
    assert (Decision.objects.count(), Deadline.objects.get(name="reply").due) == before


def test_the_brand_says_how_long_before_and_a_short_deadline_has_none(jim: Provider) -> None:
    Deadline.objects.filter(name="reply").update(due=NOW + 6 * HOUR)
    assert reminders.remind(NOW + 5 * HOUR) == 0
    setting(remind_before="PT2H")
    assert reminders.remind(NOW + 3 * HOUR) == 0
    assert reminders.remind(NOW + 4 * HOUR) == 1


@pytest.mark.parametrize("said", ["PT0S", "P0D"])
def test_the_brand_may_send_none(jim: Provider, said: str) -> None:
    setting(remind_before=said)
    assert reminders.remind(NOW + 4 * DAY) == 0


def test_what_the_policy_says_goes_before_the_brand(jim: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    from abusedesk.policy.pack import Parameter
    from abusedesk.records.packs import pack_of

    setting(remind_before="PT24H")
    forbidden = Parameter(REMIND_BEFORE, "jimcloud:8", "duration", ((None, timedelta()),))
    monkeypatch.setitem(pack_of(jim.brand).content.parameters, REMIND_BEFORE, forbidden)
    assert reminders.remind(NOW + 4 * DAY) == 0


def test_who_answered_is_not_reminded_while_nobody_has_read_it(jim: Provider) -> None:
    hear(mail("All done."))
    assert reminders.remind(NOW + 4 * DAY) == 0


def test_who_was_written_to_lately_is_not_reminded(jim: Provider) -> None:
    Notice.objects.filter(to="customer").update(written_at=NOW + 3 * DAY + HOUR)
    assert reminders.remind(NOW + 4 * DAY) == 0


@pytest.mark.parametrize("stopped", [{"dry_run": True}, {"held_since": NOW}])
def test_a_brand_that_is_stopped_reminds_nobody(jim: Provider, stopped: dict[str, object]) -> None:
    Brand.objects.update(**stopped)
    assert reminders.remind(NOW + 4 * DAY) == 0


def test_a_payment_is_reminded_of_with_what_is_charged(jim: Provider, post: Mailbox) -> None:  # noqa: F811
    Deadline.objects.filter(name="payment").update(state="open", due=NOW + 5 * DAY)
    Deadline.objects.filter(name="reply").update(state="met")
    assert reminders.remind(NOW + 4 * DAY) == 1
    perform_effects("w", NOW + 4 * DAY)
    assert "fine" in Notice.objects.get(template="payment_soon").text


def test_a_reminder_that_waited_until_the_time_was_over_is_not_sent(jim: Provider, post: Mailbox) -> None:  # noqa: F811
    reminders.remind(NOW + 4 * DAY)
    perform_effects("w", NOW + 5 * DAY)
    assert Effect.objects.get(key__startswith="remind:").state == "dropped"
    assert not Notice.objects.filter(template="reply_soon").exists()


def test_a_reminder_that_comes_back_gives_no_time_and_asks_nobody(jim: Provider, post: Mailbox) -> None:  # noqa: F811
    setting(ticket_serves=False)
    reminders.remind(NOW + 4 * DAY)
    perform_effects("w", NOW + 4 * DAY)
    due = Deadline.objects.get(name="reply").due
    sent = Notice.objects.get(template="reply_soon")
    hear(dsn(), at=NOW + 4 * DAY + HOUR, envelope_from="")
    sent.refresh_from_db()
    assert sent.state == "bounced"
    assert Deadline.objects.get(name="reply").due == due
    assert not Review.objects.filter(reason="unserved").exists()


def test_it_costs_one_question_to_the_tables_for_a_brand(jim: Provider) -> None:
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        reminders.remind(NOW)
    assert len([one for one in asked.captured_queries if "records_deadline" in one["sql"]]) == 1
