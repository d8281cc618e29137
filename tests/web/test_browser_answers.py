"""A customer's answer in a real browser: read, and answered with one press, on a desk and on a phone."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from abusedesk.desk.hearing import tokens
from abusedesk.desk.intake import process_messages
from abusedesk.desk.perform import perform_effects
from abusedesk.desk.receive import Incoming, receive
from abusedesk.records.models import Brand, Deadline, TicketEntry
from tests.desk.estate import known_reporter, provider, signed_complaint, take, with_addresses
from tests.web import rows
from tests.web.browsing import PASSWORD, browser, opened, synchronous_database  # noqa: F401 - fixtures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("chromium")]

ANSWER = """\
From: Jo <{sender}>
To: {to}
Subject: Re: Abuse complaint
Message-ID: <{number}@example.com>

{text}

On Mon, 2 Mar 2026 at 12:00, Jim wrote:
> Please process the complaint.
"""


@pytest.fixture
def answered(transactional_db: Any) -> int:
    """A case with two answers, one of them from an address that nobody knows. Returns the case."""
    rows.staff("ann", PASSWORD)
    with_addresses(provider())
    known_reporter("isp.example.net")
    now = timezone.now()
    complaint = signed_complaint("isp.example.net", at=f"{now - timedelta(minutes=5):%a, %d %b %Y %H:%M:%S} +0000")
    take(complaint, at=now - timedelta(minutes=4))
    perform_effects("w", now)
    ticket = TicketEntry.objects.get().ticket
    to = tokens.reply_address(Brand.objects.get(), ticket.token)
    said = [
        "We found a web shop plug-in that sent the mail, removed it and changed all passwords.",
        "Still looking at it.",
    ]
    for number, (sender, text) in enumerate(zip(("jo@example.com", "eve@elsewhere.example.org"), said, strict=True)):
        mail = ANSWER.format(sender=sender, to=to, number=number, text=text)
        receive(Incoming(mail.encode(), "test", now + timedelta(seconds=number)))
    process_messages(now + timedelta(seconds=5))
    return int(ticket.case_id)


@pytest.mark.parametrize("width", [1440, 390])
def test_an_answer_is_read_in_the_browser(
    browser: Any,  # noqa: F811 - the fixture
    live_server: Any,
    answered: int,
    width: int,
) -> None:
    page = opened(browser, live_server, width)
    page.goto(f"{live_server.url}/cases/{answered}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    page.get_by_role("button", name="It is not the customer's").click()
    page.wait_for_selector("text=counts for nothing")
    page.get_by_role("button", name="It says that all is done").click()
    page.wait_for_selector("text=it counts as done as of its receipt")

    assert page.refused == []
    assert Deadline.objects.get(name="reply").state == "met"
