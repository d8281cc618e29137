"""What staff write goes out as written, into the ticket or the thread, once, and its answers come back there."""

from datetime import datetime
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest

from abusedesk.desk import hold
from abusedesk.desk.answering import letters
from abusedesk.desk.answering.letters import Words
from abusedesk.desk.hearing import tokens, unread
from abusedesk.desk.perform import perform_effects
from abusedesk.problem import Problem
from abusedesk.records.models import (
    Brand,
    Case,
    Deadline,
    Draft,
    Effect,
    Notice,
    Report,
    Review,
    Thread,
    ThreadEntry,
    Ticket,
    TicketEntry,
)
from abusedesk.records.models import (
    Message as Incoming,
)
from tests.contract.mailbox import Mailbox
from tests.desk.answering.test_acknowledge import DAY, HOUR, PAT, again, hear, post, report, setting  # noqa: F401
from tests.desk.estate import NOW, Provider, known_reporter, provider, with_addresses
from tests.desk.hearing.test_answers import mail

pytestmark = pytest.mark.django_db

JO = "jo@example.com"


@pytest.fixture
def jim() -> Provider:
    """A provider whose customer was complained of and written to."""
    made = with_addresses(provider())
    known_reporter("isp.example.net")
    setting(acknowledge="off")
    hear(report())
    perform_effects("w", NOW)
    return made


def words(text: str = "Please tell us when.", key: str = "1", at: datetime = NOW + HOUR) -> Words:
    return Words(Case.objects.get(), text, "ann", key, at)


def sent(post: Mailbox, to: str) -> list[Message]:  # noqa: F811 - the fixture's name says what it is
    return [message_from_bytes(one.content) for one in post.got if one.rcpt_tos == [to]]


def plain_text(mail: Message) -> str:
    part = next(one for one in mail.walk() if one.get_content_type() == "text/plain")
    written = part.get_payload(decode=True)
    assert isinstance(written, bytes)
    return written.decode()


def test_a_letter_goes_into_the_ticket_as_written(jim: Provider, post: Mailbox) -> None:  # noqa: F811
    assert letters.to_customer(words())
    perform_effects("w", NOW + HOUR)
    [mail] = sent(post, JO)
    first = Notice.objects.get(template="complaint")
    ticket = Ticket.objects.get()
    assert mail.get_payload().split("\r\n") == ["Please tell us when.", "", "-- ", "Jim", ""]
    assert mail["Auto-Submitted"] is None
    assert mail["In-Reply-To"] == first.message_id
    assert ticket.token in mail["Subject"]
    assert mail["Reply-To"] == tokens.reply_address(jim.brand, ticket.token)
    entry = TicketEntry.objects.get(author="ann")
    assert entry.notice is not None
    assert entry.notice.state == "sent"


def test_a_form_sent_twice_is_one_letter(jim: Provider, post: Mailbox) -> None:  # noqa: F811
    assert letters.to_customer(words())
    assert not letters.to_customer(words())
    perform_effects("w", NOW + HOUR)
    assert len(sent(post, JO)) == 1


def test_the_answer_to_a_letter_lands_in_the_ticket(jim: Provider, post: Mailbox) -> None:  # noqa: F811
    letters.to_customer(words())
    perform_effects("w", NOW + HOUR)
    hear(mail(to=sent(post, JO)[0]["Reply-To"], text="Tomorrow."), at=NOW + 2 * HOUR)
    assert TicketEntry.objects.get(author="customer").shown == "Tomorrow."


def test_a_stopped_brands_staff_may_write(jim: Provider, post: Mailbox) -> None:  # noqa: F811
    hold.press(jim.brand, "ann", "a wrong feed", NOW)
    letters.to_customer(words())
    perform_effects("w", NOW + HOUR)
    assert len(sent(post, JO)) == 1


def test_in_a_rehearsal_nothing_goes_out(jim: Provider, post: Mailbox) -> None:  # noqa: F811
    Brand.objects.update(dry_run=True)
    letters.to_customer(words())
    Brand.objects.update(dry_run=False)
    perform_effects("w", NOW + HOUR)
    assert sent(post, JO) == []


def test_a_letter_to_a_reporter_begins_a_thread(jim: Provider, post: Mailbox) -> None:  # noqa: F811
    letters.to_reporter(words("Please send the log lines."), Report.objects.get())
    perform_effects("w", NOW + HOUR)
    [mail] = sent(post, PAT)
    thread = Thread.objects.get()
    assert mail["In-Reply-To"] == thread.mail_id != ""
    assert mail["Subject"] == f"Re: SSH attack 1 [{thread.token}]"
    assert mail["Reply-To"] == tokens.thread_address(jim.brand, thread.token)
    assert mail["Auto-Submitted"] is None
    assert Ticket.objects.get().token not in str(mail)
    assert ThreadEntry.objects.get().author == "ann"

    hear(again(mail), at=NOW + 2 * HOUR)
    assert ThreadEntry.objects.get(author="reporter").thread == thread
    assert Review.objects.get(reason="reporter_wrote").case == Case.objects.get()


def test_a_second_letter_goes_into_the_same_thread(jim: Provider) -> None:
    letters.to_reporter(words(), Report.objects.get())
    letters.to_reporter(words(key="2"), Report.objects.get())
    assert Thread.objects.count() == 1


def test_a_report_without_a_mail_has_nobody_to_write_to(jim: Provider) -> None:
    Report.objects.update(message_id=None)
    with pytest.raises(Problem, match="nobody knows where to write"):
        letters.to_reporter(words(), Report.objects.get())


def test_the_sender_is_known_when_the_bytes_are_gone(jim: Provider, post: Mailbox) -> None:  # noqa: F811
    Incoming.objects.update(payload=None)
    letters.to_reporter(words(), Report.objects.get())
    perform_effects("w", NOW + HOUR)
    assert len(sent(post, PAT)) == 1


def test_a_letter_that_is_refused_is_put_before_a_person(jim: Provider, post: Mailbox) -> None:  # noqa: F811
    post.rcpt[PAT] = "550 5.1.1 unknown"
    letters.to_reporter(words(), Report.objects.get())
    perform_effects("w", NOW + HOUR)
    assert "failed:notice" in Case.objects.get().needs


def test_what_an_answer_lacks_is_told_with_the_time_that_is_left(jim: Provider, post: Mailbox) -> None:  # noqa: F811
    due = Deadline.objects.get(name="reply").due
    hear(mail("I am on it."), at=NOW + HOUR)
    read_at = NOW + 3 * HOUR
    unread.read_reply(Review.objects.get(reason="read_reply"), "incomplete", "ann", read_at, "Which script was it?")
    perform_effects("w", read_at)
    left = Deadline.objects.get(name="reply", state="open").due
    assert left == due + 2 * HOUR
    [told] = sent(post, JO)
    text = plain_text(told)
    assert "Which script was it?" in text
    assert f"{left:%Y-%m-%d %H:%M} UTC" in text


def test_without_a_deadline_only_what_is_missing_is_told(jim: Provider, post: Mailbox) -> None:  # noqa: F811
    Deadline.objects.update(state="met")
    letters.lacks(words("Which script was it?"))
    perform_effects("w", NOW + HOUR)
    assert "Which script was it?" in plain_text(sent(post, JO)[0])


def test_a_complete_answer_or_an_empty_field_tells_nothing(jim: Provider) -> None:
    before = Effect.objects.count()
    for number, (verdict, missing) in enumerate([("incomplete", "  "), ("complete", "Something")]):
        hear(mail(f"Done {number}."), at=NOW + HOUR)
        review = Review.objects.get(reason="read_reply", closed_at=None)
        unread.read_reply(review, verdict, "ann", NOW + HOUR, missing)  # type: ignore[arg-type]
    assert Effect.objects.count() == before


def test_a_draft_is_kept_by_person_until_it_is_sent(jim: Provider) -> None:
    case: Any = Case.objects.get()
    letters.keep_draft(case, letters.CUSTOMER, "ann", "Dear", NOW)
    letters.keep_draft(case, letters.CUSTOMER, "ann", "Dear Jo", NOW)
    letters.keep_draft(case, letters.CUSTOMER, "bo", "Other", NOW)
    assert letters.draft_of(case, letters.CUSTOMER, "ann") == "Dear Jo"
    letters.to_customer(words())
    assert letters.draft_of(case, letters.CUSTOMER, "ann") == ""
    assert letters.draft_of(case, letters.CUSTOMER, "bo") == "Other"
    letters.keep_draft(case, letters.CUSTOMER, "bo", "  ", NOW)
    assert not Draft.objects.exists()
