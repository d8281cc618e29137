"""Notices on their way out: one record, one Message-ID, one ticket entry, and a receipt."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import dkim
import pytest
from django.core import mail
from django.db import connection

from abusedesk.actuators import signature
from abusedesk.desk.hearing import tokens
from abusedesk.desk.perform import effects, perform_effects, retry_effect
from abusedesk.desk.perform.pace import ATTEMPTS, LEASE
from abusedesk.policy.digest import canonical
from abusedesk.policy.docket import Docket as PolicyDocket
from abusedesk.policy.docket import HeardReport, Occurrence
from abusedesk.policy.notice_html import html_of
from abusedesk.records.models import (
    Brand,
    Case,
    Charge,
    Contact,
    Customer,
    Docket,
    Effect,
    Notice,
    Ticket,
    TicketEntry,
    TimelineEntry,
)
from tests.contract.mailbox import Mailbox, mailbox
from tests.desk.rows import HOUR, NOW, Desk, desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def smtp(settings: Any) -> Iterator[Mailbox]:
    with mailbox() as one:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", one.port, 5
        yield one


@pytest.fixture
def acme() -> Desk:
    """A case with one complaint, one fine and a time to answer."""
    acme = desk()
    report = HeardReport(
        id="r1",
        at=NOW,
        category="messaging/spam",
        ips=("192.0.2.7",),
        events=3,
        assurance="authenticated",
        occurred_at=NOW - HOUR,
    )
    occurrence = Occurrence(id="o1", abuse_type="spam", opened_at=NOW, version="2022-06-07", reports=(report,))
    state = canonical(PolicyDocket(service=acme.service.ref, occurrences=(occurrence,)))
    Docket.objects.filter(pk=acme.docket.pk).update(state=state)
    Charge.objects.create(
        docket=acme.docket,
        brand=acme.brand,
        service=acme.service,
        customer=acme.customer,
        case=acme.case,
        item="c1",
        name="fine",
        amount=2000,
        currency="USD",
        ip="192.0.2.7",
        mode="automatic",
        state="owed",
        at=NOW,
    )
    acme.deadline(NOW + 6 * HOUR)
    return acme


def ordered(acme: Desk, **payload: Any) -> Effect:
    return acme.notice(**({"template": "complaint", "clauses": ["jimcloud:8.a"]} | payload))


def needs(acme: Desk) -> list[str]:
    return Case.objects.get(pk=acme.case.pk).needs


def test_without_a_mail_server_a_notice_lies_in_the_outbox(acme: Desk) -> None:
    effect = ordered(acme)
    assert perform_effects("w1", NOW) == 1
    notice = Notice.objects.get()
    effect.refresh_from_db()
    assert (notice.state, notice.address, notice.sent_at, notice.language) == (
        "outbox",
        "jo@customer.example",
        NOW,
        "en",
    )
    assert (effect.state, effect.receipt["message_id"]) == ("done", notice.message_id)
    assert [entry.kind for entry in TimelineEntry.objects.all()] == ["carried_out"]


def test_a_notice_says_what_the_case_is_about(acme: Desk) -> None:
    ordered(acme)
    acme.measure("suspend", refund=False)
    perform_effects("w1", NOW)
    text = Notice.objects.get().text
    for part in (
        "Jo Doe",
        "192.0.2.7",
        "messaging/spam, 192.0.2.7, events: 3, first at 2026-03-02 09:00 UTC",
        "suspension of the service, without refund, ordered",
        "20.00 USD: fine on 192.0.2.7",
        "2026-03-02 16:00 UTC",
        "jimcloud:8.a",
    ):
        assert part in text


def test_times_are_the_readers_own(acme: Desk) -> None:
    Customer.objects.update(timezone="Asia/Shanghai")
    ordered(acme)
    perform_effects("w1", NOW)
    assert "2026-03-03 00:00 CST (2026-03-02 16:00 UTC)" in Notice.objects.get().text


def test_the_customers_language_is_spoken_where_the_brand_speaks_it(acme: Desk) -> None:
    Brand.objects.update(languages=["en", "zh-Hans"])
    Customer.objects.update(language="zh-Hans")
    ordered(acme)
    perform_effects("w1", NOW)
    notice = Notice.objects.get()
    assert notice.language == "zh-Hans"
    assert "20.00 USD: 罚款（192.0.2.7）" in notice.text


def test_the_ticket_is_made_on_demand_and_named_in_the_subject(acme: Desk) -> None:
    ordered(acme)
    ordered(acme)
    perform_effects("w1", NOW)
    ticket = Ticket.objects.get()
    assert {notice.subject.split()[0] for notice in Notice.objects.all()} == {f"[{ticket.token}]"}
    assert [entry.notice_id for entry in ticket.entries.order_by("pk")] == [
        notice.pk for notice in Notice.objects.order_by("entry__pk")
    ]


def test_a_later_notice_of_a_case_follows_on_the_first(acme: Desk) -> None:
    ordered(acme)
    perform_effects("w1", NOW)
    ordered(acme)
    perform_effects("w1", NOW + HOUR)
    first, second = mail.outbox
    assert second.extra_headers["In-Reply-To"] == first.extra_headers["Message-ID"]
    assert "In-Reply-To" not in first.extra_headers


def test_the_mail_is_one_that_no_robot_answers_and_whose_bounce_finds_back(acme: Desk, smtp: Mailbox) -> None:
    ordered(acme)
    perform_effects("w1", NOW)
    notice = Notice.objects.get()
    (envelope,) = smtp.got
    text = envelope.content.decode()
    assert tokens.notices_in([tokens.detail_of(envelope.mail_from)]) == [notice.pk]
    assert envelope.rcpt_tos == ["jo@customer.example"]
    for line in (
        "From: Acme <abuse@acme.example>",
        f"Message-ID: {notice.message_id}",
        f"Reply-To: {tokens.reply_address(acme.brand, Ticket.objects.get().token)}",
        "Auto-Submitted: auto-generated",
        "Date: Mon, 02 Mar 2026 10:00:00 +0000",
    ):
        assert f"{line}\r\n" in text


def test_the_receipt_is_in_the_mail_servers_own_words(acme: Desk, smtp: Mailbox) -> None:
    effect = ordered(acme)
    perform_effects("w1", NOW)
    effect.refresh_from_db()
    assert effect.receipt["response"] == "250 2.0.0 queued as ABC123"
    notice = Notice.objects.get()
    assert (notice.state, notice.response) == ("sent", "250 2.0.0 queued as ABC123")


def test_several_notices_go_through_one_connection(acme: Desk, smtp: Mailbox) -> None:
    for _ in range(3):
        ordered(acme)
    perform_effects("w1", NOW)
    assert len(smtp.got) == 3


def test_a_crash_after_the_mail_went_out_sends_the_same_mail_again_not_another(
    acme: Desk, smtp: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered(acme)
    with monkeypatch.context() as patch:
        patch.setattr(effects, "_end_lease", _crash)
        with pytest.raises(KeyboardInterrupt):
            perform_effects("w1", NOW)
    assert perform_effects("w2", NOW + LEASE - timedelta(seconds=1)) == 0
    assert perform_effects("w2", NOW + LEASE) == 1
    assert len(smtp.got) == 2
    assert smtp.got[0].content == smtp.got[1].content
    assert (Notice.objects.count(), TicketEntry.objects.count()) == (1, 1)


def test_a_notice_to_a_customer_says_the_same_as_text_and_as_html(acme: Desk, smtp: Mailbox) -> None:
    ordered(acme)
    perform_effects("w1", NOW)
    mail = message_from_bytes(smtp.got[0].content)
    assert mail.get_content_type() == "multipart/alternative"
    plain, html = (part.get_payload(decode=True).decode() for part in mail.get_payload())
    notice = Notice.objects.get()
    assert plain.replace("\r\n", "\n") == notice.text
    assert html.replace("\r\n", "\n") == notice.html
    assert notice.html == html_of(notice.subject, notice.text, notice.language, mail["Reply-To"])


def test_the_signature_over_both_parts_holds_at_the_other_end(
    acme: Desk, smtp: Mailbox, settings: Any, tmp_path: Path
) -> None:
    settings.CONFIGURATION = replace(settings.CONFIGURATION, data=tmp_path)
    key = signature.make("acme.example", settings.CONFIGURATION.dkim, NOW)
    Brand.objects.update(languages=["zh-Hans"])
    ordered(acme)
    perform_effects("w1", NOW)
    # The sink hands over what came in as the wire had it, dots undone.
    received = smtp.got[0].original_content
    assert message_from_bytes(received).get_content_type() == "multipart/alternative"
    looked_up: list[bytes] = []

    def txt(name: bytes, timeout: int = 5) -> bytes:
        looked_up.append(name)
        return signature.record(key).encode()

    assert dkim.verify(received, dnsfunc=txt)
    assert looked_up == [f"{key.name}.".encode()]
    assert not dkim.verify(received.replace(b"text/html", b"text/plain"), dnsfunc=txt)


def test_a_brand_may_send_text_alone(acme: Desk, smtp: Mailbox) -> None:
    Brand.objects.update(settings={"html_notices": False})
    ordered(acme)
    perform_effects("w1", NOW)
    assert message_from_bytes(smtp.got[0].content).get_content_type() == "text/plain"


def _crash(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_a_server_that_takes_nothing_now_is_tried_later(acme: Desk, smtp: Mailbox) -> None:
    effect = ordered(acme)
    smtp.data = "451 4.3.0 later please"
    perform_effects("w1", NOW)
    effect.refresh_from_db()
    assert (effect.state, effect.attempts, effect.lease_until) == ("pending", 1, None)
    assert effect.due > NOW
    assert "451 4.3.0 later please" in effect.error
    smtp.data = "250 OK"
    perform_effects("w1", effect.due)
    effect.refresh_from_db()
    assert (effect.state, effect.error) == ("done", "")


def test_one_greylisted_address_does_not_keep_the_others_waiting(acme: Desk, smtp: Mailbox) -> None:
    first = ordered(acme)
    perform_effects("w1", NOW)
    other = desk("other")
    second = ordered(acme)
    third = other.notice(template="complaint", values={"complaint": "x"})
    Customer.objects.filter(pk=other.customer.pk).update(email="other@customer.example")
    smtp.rcpt = {"jo@customer.example": "450 4.2.0 greylisted"}
    other.deadline(NOW + HOUR)
    perform_effects("w1", NOW)
    assert [Effect.objects.get(pk=one.pk).state for one in (first, second, third)] == ["done", "pending", "done"]


def test_after_many_attempts_a_person_is_asked_and_can_have_it_tried_again(acme: Desk, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 9, 1
    effect = ordered(acme)
    for attempt in range(ATTEMPTS):
        assert perform_effects("w1", NOW + attempt * 2 * HOUR) == 1
    effect.refresh_from_db()
    assert (effect.state, needs(acme), Notice.objects.get().state) == ("failed", ["failed:notice"], "failed")
    assert perform_effects("w1", NOW + 99 * HOUR) == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    retry_effect(effect.pk, NOW + 99 * HOUR)
    perform_effects("w1", NOW + 99 * HOUR)
    assert (needs(acme), Notice.objects.get().state) == ([], "outbox")


def test_an_address_that_is_refused_for_good_gives_way_to_the_next_contact(acme: Desk, smtp: Mailbox) -> None:
    Contact.objects.create(customer=acme.customer, email="second@customer.example", role="other", position=1)
    smtp.rcpt = {"jo@customer.example": "550 5.1.1 no such user"}
    ordered(acme)
    perform_effects("w1", NOW)
    notice = Notice.objects.get()
    assert (notice.state, notice.address) == ("sent", "second@customer.example")
    assert [one.rcpt_tos[-1] for one in smtp.got] == ["second@customer.example"]


def test_an_address_that_is_refused_without_another_is_shown(acme: Desk, smtp: Mailbox) -> None:
    smtp.rcpt = {"jo@customer.example": "550 5.1.1 no such user"}
    effect = ordered(acme)
    perform_effects("w1", NOW)
    effect.refresh_from_db()
    assert (effect.state, effect.error) == ("failed", "jo@customer.example: 550 5.1.1 no such user")
    assert needs(acme) == ["failed:notice"]


def test_a_customer_without_an_address_is_shown(acme: Desk) -> None:
    Customer.objects.update(email="")
    effect = ordered(acme)
    perform_effects("w1", NOW)
    effect.refresh_from_db()
    assert effect.error == "the customer has no mail address; add one and try again"
    assert needs(acme) == ["failed:notice"]


def test_a_notice_by_ticket_alone_needs_no_mail(acme: Desk) -> None:
    Customer.objects.update(email="")
    ordered(acme, via=["ticket"])
    perform_effects("w1", NOW)
    assert (Notice.objects.get().state, TicketEntry.objects.count(), mail.outbox) == ("ticket", 1, [])


def test_an_unknown_template_is_shown(acme: Desk) -> None:
    effect = ordered(acme, template="poem")
    perform_effects("w1", NOW)
    effect.refresh_from_db()
    assert effect.state == "failed"
    assert "no notice template 'poem'" in effect.error


def test_an_alert_is_for_staff_and_shown_on_the_console_without_an_address(acme: Desk) -> None:
    ordered(acme, to="staff", template="blast_radius")
    perform_effects("w1", NOW)
    assert (Notice.objects.get().state, TicketEntry.objects.count(), mail.outbox) == ("shown", 0, [])


def test_the_upstreams_address_is_a_setting_of_the_brand(acme: Desk) -> None:
    Brand.objects.update(pack="scalibit", settings={"upstream_address": "noc@upstream.example"})
    ordered(
        acme,
        to="upstream",
        template="upstream_measure",
        measures=[{"measure": "null_route", "ip": "192.0.2.7"}],
        ip="192.0.2.7",
    )
    perform_effects("w1", NOW)
    (sent,) = mail.outbox
    assert sent.to == ["noc@upstream.example"]
    assert "null route on 192.0.2.7" in sent.body


def test_the_reseller_gets_a_copy_that_is_not_in_the_customers_ticket(acme: Desk) -> None:
    reseller = Customer.objects.create(
        brand=acme.brand, ref="r", name="Agent", email="agent@reseller.example", since=NOW
    )
    Customer.objects.filter(pk=acme.customer.pk).update(reseller=reseller)
    ordered(acme, to="reseller", template="reseller_copy")
    perform_effects("w1", NOW)
    (sent,) = mail.outbox
    assert sent.to == ["agent@reseller.example"]
    assert TicketEntry.objects.count() == 0


def test_while_a_brand_is_held_its_notices_wait_and_staff_is_told(acme: Desk) -> None:
    Brand.objects.update(held_since=NOW)
    customers = ordered(acme)
    staffs = ordered(acme, to="staff", template="blast_radius")
    assert perform_effects("w1", NOW) == 1
    customers.refresh_from_db()
    staffs.refresh_from_db()
    assert (customers.state, staffs.state) == ("held", "done")


def test_a_rehearsing_brand_sends_nothing(acme: Desk) -> None:
    Brand.objects.update(dry_run=True)
    ordered(acme)
    assert perform_effects("w1", NOW) == 0


def test_an_effect_that_ended_the_worker_every_time_is_given_up(acme: Desk) -> None:
    effect = ordered(acme)
    Effect.objects.update(attempts=ATTEMPTS)
    perform_effects("w1", NOW)
    effect.refresh_from_db()
    assert effect.state == "failed"
    assert not mail.outbox


def test_a_late_worker_writes_no_receipt(acme: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    effect = ordered(acme)
    send = effects._send
    calls: list[int] = []

    def slow(effect: Effect, notice: Notice, out: Any) -> Any:
        if not calls:
            calls.append(1)
            perform_effects("w2", NOW + LEASE)
        return send(effect, notice, out)

    monkeypatch.setattr(effects, "_send", slow)
    perform_effects("w1", NOW)
    effect.refresh_from_db()
    assert (effect.state, effect.done_at) == ("done", NOW + LEASE)
    assert TimelineEntry.objects.filter(kind="carried_out").count() == 1


def test_what_is_due_is_found_by_the_index(acme: Desk) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM records_effect WHERE state = 'pending' AND due <= %s ORDER BY due",
            [datetime.now(UTC)],
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "effect_due" in plan
