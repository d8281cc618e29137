"""An approval in a real browser: by keyboard on a desk, by thumb on a phone."""

from typing import Any

import pytest
from django.utils import timezone

from abusedesk.desk.enact import docket_of, submit
from abusedesk.policy.stimulus import Report
from abusedesk.records.models import Proposal
from tests.desk.estate import provider, with_addresses
from tests.web import rows
from tests.web.browsing import PASSWORD, browser, opened, synchronous_database  # noqa: F401 - fixtures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("chromium")]


def test_yes_by_keyboard_and_no_by_thumb(browser: Any, live_server: Any, transactional_db: Any) -> None:  # noqa: F811
    rows.staff("ann", PASSWORD)
    estate = with_addresses(provider())
    for name, category in (("r1", "content/phishing"), ("r2", "copyright/copyright")):
        report = Report(name, category, ("192.0.2.1",), timezone.now())
        submit(docket_of(estate.service), report, key=name, at=timezone.now())
    ending, fine = Proposal.objects.order_by("pk")

    desk = opened(browser, live_server)
    desk.goto(f"{live_server.url}/approvals/{ending.pk}")
    desk.keyboard.press("a")
    desk.keyboard.type("seen the page myself")
    desk.keyboard.press("Enter")  # Enter alone is neither a yes nor a no.
    desk.keyboard.press("Control+Enter")
    desk.wait_for_url(f"{live_server.url}/approvals/{fine.pk}")
    assert (desk.refused, Proposal.objects.get(pk=ending.pk).answer) == ([], "approved")

    phone = opened(browser, live_server, 390)
    phone.goto(f"{live_server.url}/approvals/{fine.pk}")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    place = phone.locator("button[value=reject]").bounding_box()
    assert place["height"] >= 44
    assert 450 < place["y"] < 900 - place["height"]
    phone.fill("#why-said", "no claim of an owner")
    phone.click("button[value=reject]")
    phone.wait_for_url(f"{live_server.url}/approvals")
    assert Proposal.objects.get(pk=fine.pk).answer == "rejected"
