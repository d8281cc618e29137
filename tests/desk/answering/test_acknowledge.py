"""Reporters get a receipt: one for a thread, only whom somebody vouches for, and nobody who is a machine."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abusedesk.desk.answering import acknowledge
from abusedesk.desk.hearing import tokens
from abusedesk.desk.intake import process_messages
from abusedesk.desk.perform import perform_effects
from abusedesk.desk.receive import Incoming, receive_many
from abusedesk.records.models import Brand, BrandAddress, Case, Effect, Notice, Report, Review, Thread, ThreadEntry
from tests.contract.mailbox import Mailbox, mailbox
from tests.desk.estate import NOW, Provider, known_reporter, provider, signed_complaint, with_addresses
from tests.signing import signed

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PAT = "pat@isp.example.net"
WORDS = "Your address 192.0.2.1 attacks our servers by SSH, last at 2026-03-02 10:30 UTC. Please stop the brute force."


@pytest.fixture
def post(settings: Any) -> Iterator[Mailbox]:
    with mailbox() as one:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", one.port, 5
        yield one


@pytest.fixture
def jim() -> Provider:
    made = with_addresses(provider())
    known_reporter("isp.example.net")
    return made


def report(
    sender: str = PAT, number: int = 1, text: str = WORDS, at: datetime = NOW, *, unsigned: bool = False, **more: str
) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "abuse@jim.example.org", f"SSH attack {number}"
    message["Date"], message["Message-ID"] = format_datetime(at), f"<{number}.{hash(sender)}@isp.example.net>"
    for name, value in more.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    data = message.as_bytes().replace(b"\n", b"\r\n")
    return data if unsigned else signed(data, sender.rpartition("@")[2])


def hear(*mails: bytes, at: datetime = NOW, **envelope: Any) -> None:
    receive_many([Incoming(one, "lmtp", at, **envelope) for one in mails])
    process_messages(at)


def setting(**values: Any) -> None:
    Brand.objects.update(settings=values)


def receipts() -> list[str]:
    return list(Effect.objects.filter(key__startswith="acknowledge:").values_list("payload__address", flat=True))


def sent(post: Mailbox, to: str = PAT) -> list[Message]:
    return [message_from_bytes(one.content) for one in post.got if one.rcpt_tos == [to]]


def test_a_vouched_reporter_gets_a_receipt(jim: Provider, post: Mailbox) -> None:
    hear(report(References="<before@isp.example.net>"), envelope_from=PAT)
    perform_effects("w", NOW)

    [mail] = sent(post)
    thread = Thread.objects.get()
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["In-Reply-To"] == thread.mail_id
    assert mail["References"].split() == ["<before@isp.example.net>", thread.mail_id]
    assert mail["Subject"] == f"Auto: SSH attack 1 [{thread.token}]"
    assert mail["Reply-To"] == tokens.thread_address(jim.brand, thread.token)
    assert thread.token in mail.get_payload()
    assert "192.0.2.1" not in mail.get_payload()
    notice = Notice.objects.get(thread=thread)
    envelope = next(one for one in post.got if one.rcpt_tos == [PAT])
    assert envelope.mail_from == tokens.bounce_address(jim.brand, notice.pk)


def test_intake_itself_sends_nothing(jim: Provider, post: Mailbox) -> None:
    hear(report())
    assert receipts() == [PAT]
    assert not post.got


def test_what_nobody_vouches_for_gets_none(jim: Provider) -> None:
    hear(report(unsigned=True), report("kim@example.com", unsigned=True))
    assert Report.objects.exists()
    assert receipts() == []


def test_everybody_gets_one_where_the_brand_says_so_without_the_strangers_words(jim: Provider, post: Mailbox) -> None:
    setting(acknowledge="everybody")
    hear(report("kim@example.com", unsigned=True))
    perform_effects("w", NOW)
    [mail] = sent(post, "kim@example.com")
    assert mail["Subject"] == f"Auto: your report [{Thread.objects.get().token}]"


def test_nobody_gets_one_where_it_is_off(jim: Provider) -> None:
    setting(acknowledge="off")
    hear(report())
    assert receipts() == []
    assert not Thread.objects.exists()


@pytest.mark.parametrize("value", ["nonsense", None, 3])
def test_a_setting_that_is_none_means_the_careful_one(jim: Provider, value: object) -> None:
    setting(acknowledge=value)
    hear(report(unsigned=True))
    assert receipts() == []


def test_a_feedback_loop_gets_none(jim: Provider) -> None:
    setting(acknowledge="everybody")
    hear(signed_complaint("isp.example.net"))
    assert Report.objects.get().assurance == "authenticated"
    assert receipts() == []


def test_the_same_message_again_gets_no_second_one(jim: Provider) -> None:
    hear(report())
    hear(report(), at=NOW + HOUR)
    process_messages(NOW + HOUR)
    assert receipts() == [PAT]


def test_a_thread_gets_one(jim: Provider) -> None:
    hear(report())
    first = Thread.objects.get().mail_id
    hear(report(number=2, References=first), at=NOW + HOUR)
    assert receipts() == [PAT]


def test_two_mails_of_one_thread_in_one_batch_get_one(jim: Provider) -> None:
    first = f"<1.{hash(PAT)}@isp.example.net>"
    hear(report(), report(number=2, In_Reply_To=first))
    assert receipts() == [PAT]


def test_an_address_gets_one_within_an_hour(jim: Provider) -> None:
    hear(*[report(number=number) for number in range(3)])
    hear(report(number=4), at=NOW + HOUR - timedelta(seconds=1))
    assert receipts() == [PAT]
    hear(report(number=5), at=NOW + HOUR)
    assert receipts() == [PAT, PAT]


def test_the_brand_may_let_an_address_have_more_up_to_twenty_a_day(jim: Provider) -> None:
    setting(receipts_an_hour=3)
    hear(*[report(number=number) for number in range(9)])
    assert len(receipts()) == 3
    for hour in range(1, 9):
        hear(*[report(number=100 * hour + number) for number in range(9)], at=NOW + hour * HOUR)
    assert len(receipts()) == acknowledge.PER_ADDRESS.a_day


@pytest.mark.parametrize(("said", "meant"), [(None, 1), (0, 1), (5, 5), (999, 20), ("many", 1)])
def test_what_the_brand_says_is_kept_within_bounds(jim: Provider, said: object, meant: int) -> None:
    setting(receipts_an_hour=said)
    assert acknowledge.receipts_an_hour(Brand.objects.get()) == meant


def sensed(sender: str, number: int) -> bytes:
    """A signed mail with a XARF report."""
    at = f"{NOW - timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}"
    xarf = {
        "xarf_version": "4.2.0", "report_id": f"5f0f3a9e-0000-4000-8000-{number:012}", "timestamp": at,
        "reporter": {"org": "Sensors", "contact": sender, "domain": "isp.example.net"},
        "sender": {"org": "Sensors", "contact": sender, "domain": "isp.example.net"},
        "source_identifier": "192.0.2.1", "source_port": 4711, "category": "connection", "type": "login_attack",
        "destination_ip": "198.51.100.7", "protocol": "tcp", "first_seen": at,
    }  # fmt: skip
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "abuse@jim.example.org", "login attack"
    message["Date"], message["Message-ID"] = format_datetime(NOW), f"<{number}.sensed@isp.example.net>"
    message.set_content("A report is attached.")
    message.add_attachment(json.dumps(xarf).encode(), maintype="application", subtype="json", filename="xarf.json")
    return signed(message.as_bytes().replace(b"\n", b"\r\n"), "isp.example.net")


def test_a_sensor_gets_one_an_hour_under_whatever_address_and_setting(jim: Provider) -> None:
    setting(receipts_an_hour=20)
    hear(*[sensed(f"sensor{number}@isp.example.net", number) for number in range(4)])
    assert Report.objects.count() == 4
    assert len(receipts()) == 1
    hear(sensed("sensor9@isp.example.net", 9), at=NOW + HOUR)
    assert len(receipts()) == 2


def test_who_had_a_receipt_within_the_hour_is_told_the_outcome_all_the_same(jim: Provider) -> None:
    setting(tell_outcome=True)
    hear(report(), report(number=2))
    assert receipts() == [PAT]
    assert Thread.objects.filter(look_at__isnull=False).count() == 2


def test_what_carries_a_number_of_ours_under_a_new_subject_gets_none(jim: Provider) -> None:
    hear(report())
    back = f"{WORDS}\nYour ticket is open. You wrote: your report has the number {Thread.objects.get().token}."
    hear(report(number=2, text=back), at=NOW + 5 * HOUR)
    assert receipts() == [PAT]
    hear(report(number=3, text=WORDS), at=NOW + 5 * HOUR)
    assert receipts() == [PAT, PAT]


def test_who_was_written_to_gets_none_for_a_mail_that_is_no_report(jim: Provider) -> None:
    setting(acknowledge="everybody")
    hear(report())
    vague = report(number=2, text="Somebody of yours attacks me. Do something about this abuse.", at=NOW + DAY)
    hear(vague, at=NOW + DAY)
    assert receipts() == [PAT]
    later = NOW + acknowledge.MONTH + HOUR
    hear(report(number=3, text="Somebody of yours attacks me. Do something about this abuse.", at=later), at=later)
    assert Review.objects.filter(reason="needs_review").count() == 2
    assert receipts() == [PAT, PAT]


def test_a_domain_has_a_limit_too(jim: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acknowledge, "PER_DOMAIN", acknowledge.Limit(3, 10))
    hear(*[report(f"p{number}@isp.example.net", number) for number in range(6)])
    assert len(receipts()) == 3


def test_forged_senders_are_not_answered_in_bulk(jim: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    setting(acknowledge="everybody")
    monkeypatch.setattr(acknowledge, "UNVOUCHED", acknowledge.Limit(4, 10))
    hear(*[report(f"p@isp{number}.example.com", number, unsigned=True) for number in range(12)], report())
    assert len(receipts()) == 5
    assert PAT in receipts()


def test_an_address_that_refused_one_gets_no_more(jim: Provider, post: Mailbox) -> None:
    post.rcpt[PAT] = "550 5.1.1 unknown"
    hear(report())
    perform_effects("w", NOW)
    hear(report(number=2), at=NOW + HOUR)
    assert receipts() == [PAT]


def test_a_receipt_that_bounced_ends_it_and_asks_nobody(jim: Provider, post: Mailbox) -> None:
    hear(report())
    perform_effects("w", NOW)
    bounce = f"From: MAILER-DAEMON@isp.example.net\r\nSubject: failure notice\r\n\r\n<{PAT}>: 550 5.1.1 unknown\r\n"
    asked = Review.objects.filter(closed_at=None).count()
    envelope = next(one for one in post.got if one.rcpt_tos == [PAT])
    hear(
        bounce.encode(),
        at=NOW + HOUR,
        envelope_from="",
        details=(tokens.detail_of(envelope.mail_from),),
        recipient="abuse@jim.example.org",
    )
    assert Notice.objects.get(thread__isnull=False).state == "bounced"
    assert Review.objects.filter(closed_at=None).count() == asked
    hear(report(number=2), at=NOW + 2 * HOUR)
    assert receipts() == [PAT]


@pytest.mark.parametrize("own", ["abuse@jim.example.org", "abuse@other.example.org", "desk@other.example.com"])
def test_no_desk_of_this_house_gets_one(jim: Provider, own: str) -> None:
    other = Brand.objects.create(slug="o", name="O", pack="jimcloud", sender="desk@other.example.com", languages=["en"])
    BrandAddress.objects.create(brand=other, address="abuse@other.example.org")
    setting(acknowledge="everybody")
    hear(report(own, unsigned=True))
    assert receipts() == []


def test_what_follows_on_a_mail_of_ours_gets_none(jim: Provider) -> None:
    setting(acknowledge="everybody")
    hear(report(References="<anything@jim.example.org>"))
    assert receipts() == []


def test_a_muted_reporter_gets_none(jim: Provider) -> None:
    from abusedesk.records.models import Reporter

    Reporter.objects.update(muted=True)
    setting(acknowledge="everybody")
    hear(report())
    assert receipts() == []


def test_an_archive_that_is_read_in_gets_none(jim: Provider) -> None:
    receive_many([Incoming(report(), "ingest", NOW)])
    process_messages(NOW)
    hear(report(number=2, at=NOW - timedelta(days=30)))
    assert receipts() == []


def test_a_rehearsal_sends_none(jim: Provider, post: Mailbox) -> None:
    Brand.objects.update(dry_run=True)
    hear(report())
    assert Effect.objects.get(key__startswith="acknowledge:").state == "dry_run"
    perform_effects("w", NOW)
    assert sent(post) == []


def test_the_brand_says_what_follows_in_the_reporters_language(jim: Provider, post: Mailbox) -> None:
    Brand.objects.update(languages=["en", "zh-Hans"])
    setting(what_follows={"en": "We look at it within a day.", "zh-Hans": "我们将在一天内处理。"})
    hear(report(), report(number=2, text=WORDS + " 谢谢"))
    perform_effects("w", NOW)
    texts = [mail.get_payload(decode=True).decode() for mail in sent(post)]
    assert all("We look at it within a day." in text for text in texts)
    chinese = report(number=3).replace(b"Subject: SSH attack 3", "Subject: 举报".encode())
    hear(signed(chinese[chinese.index(b"From:") :], "isp.example.net"), at=NOW + HOUR)
    perform_effects("w", NOW + HOUR)
    assert "我们将在一天内处理。" in sent(post)[-1].get_payload(decode=True).decode()


# --- the reporter writes again --------------------------------------------------------------------------------------


@pytest.fixture
def receipt(jim: Provider, post: Mailbox) -> Message:
    hear(report())
    perform_effects("w", NOW)
    return sent(post)[0]


def again(receipt: Message, text: str = "Here is more: it went on all night.", **more: str) -> bytes:
    subject = " ".join(receipt["Subject"].split())
    message = EmailMessage()
    for name, value in ({"From": PAT, "To": receipt["Reply-To"], "Subject": f"Re: {subject}"} | more).items():
        message[name.replace("_", "-")] = value
    message["Date"], message["Message-ID"] = format_datetime(NOW + HOUR), "<again@isp.example.net>"
    message.set_content(f"{text}\n\nOn Monday we wrote:\n> {WORDS}\n")
    return message.as_bytes()


def test_what_a_reporter_adds_stands_beside_the_report_and_a_person_reads_it(receipt: Message) -> None:
    events, reports = Report.objects.count(), Thread.objects.count()
    hear(again(receipt), at=NOW + HOUR)

    entry = ThreadEntry.objects.get()
    assert (entry.author, entry.shown) == ("reporter", "Here is more: it went on all night.")
    asked = Review.objects.get(reason="reporter_wrote")
    assert asked.case == Case.objects.get()
    assert "review:reporter_wrote" in Case.objects.get().needs
    assert (Report.objects.count(), Thread.objects.count()) == (events, reports)
    assert receipts() == [PAT]


@pytest.mark.parametrize("way", ["number", "notice", "own mail"])
def test_the_thread_is_found_without_the_signed_address(receipt: Message, way: str) -> None:
    thread = Thread.objects.get()
    name = {"number": "", "notice": receipt["Message-ID"], "own mail": thread.mail_id}[way]
    subject = f"Re: [{thread.token}]" if way == "number" else "Re: that"
    more = {"In-Reply-To": name} if name else {}
    hear(again(receipt, To="abuse@jim.example.org", Subject=subject, **more), at=NOW + HOUR)
    assert ThreadEntry.objects.get().thread == thread


def test_another_who_writes_in_a_thread_is_no_reporter(receipt: Message) -> None:
    hear(again(receipt, From="who@example.com"), at=NOW + HOUR)
    assert ThreadEntry.objects.get().author == "stranger"
    assert "who@example.com is not who reported it" in Review.objects.get(reason="reporter_wrote").detail


def test_a_machines_report_in_a_thread_is_a_report(receipt: Message) -> None:
    before = Report.objects.count()
    mail = signed_complaint("isp.example.net", note="x").replace(
        b"MIME-Version", b"In-Reply-To: " + receipt["Message-ID"].encode() + b"\r\nMIME-Version", 1
    )
    hear(mail, at=NOW + HOUR)
    assert Report.objects.count() == before + 1
    assert not ThreadEntry.objects.exists()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "Auto-Submitted": st.sampled_from(["no", "auto-replied", "auto-generated"]),
            "Precedence": st.sampled_from(["bulk", "junk"]),
            "In-Reply-To": st.sampled_from(["<x@example.com>", "<1@isp.example.net>"]),
            "References": st.just("<x@example.com>"),
            "From": st.sampled_from([PAT, "help@example.com", "desk@isp.example.net"]),
            "To": st.sampled_from(["abuse@jim.example.org", "other@example.com"]),
            "Subject": st.sampled_from(["Re: your mail", "Ticket created", "Auto: x"]),
            "X-RT-Loop-Prevention": st.just("example.com"),
        },
    ),
    st.sampled_from(["", PAT, None]),
)
def test_our_receipt_fed_back_never_makes_another_mail(
    receipt: Message, changed: dict[str, str], envelope_from: str | None
) -> None:
    Brand.objects.update(settings={"acknowledge": "everybody", "tell_outcome": True})
    before = Effect.objects.count()
    mail = message_from_bytes(bytes(receipt))
    for name, value in changed.items():
        del mail[name]
        mail[name] = value
    hear(bytes(mail), at=NOW + HOUR, envelope_from=envelope_from)
    assert Effect.objects.count() == before
