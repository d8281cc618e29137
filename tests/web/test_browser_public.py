"""The public form in a real browser: on a phone, without JavaScript, from the first page to the receipt."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from abusedesk.desk.intake import process_messages
from abusedesk.desk.perform.effects import perform_effects
from abusedesk.desk.public_form import door
from abusedesk.records.models import Report
from abusedesk.web import public_form
from tests.web import rows
from tests.web.browsing import browser, desk, synchronous_database

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]

__all__ = ["browser", "desk", "synchronous_database"]


def phone(browser: Any, *, scripts: bool) -> Any:
    page = browser.new_context(
        viewport={"width": 390, "height": 844}, java_script_enabled=scripts, locale="en-GB"
    ).new_page()
    page.set_default_timeout(8000)
    page.refused = []
    page.on("console", lambda line: page.refused.append(line.text) if line.type == "error" else None)
    return page


def link_in(letter: Any) -> str:
    return re.search(r"http://\S+", letter.body)[0]  # type: ignore[index]


def last_mail() -> Any:
    perform_effects("w", timezone.now() + timedelta(seconds=1))
    return [one for one in mail.outbox if one.to == ["ann@example.com"]][-1]


@pytest.mark.parametrize("scripts", [False, True])
def test_a_report_is_made_on_a_phone(
    scripts: bool, browser: Any, live_server: Any, desk: rows.Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_form, "_QUICK", timedelta())
    door.switch(desk.brand, on=True)
    page = phone(browser, scripts=scripts)
    page.goto(f"{live_server.url}/report/jimcloud")
    page.select_option("#id_category", "content/phishing")
    page.fill("#id_about", "over there")
    page.fill("#id_description", "It asks for passwords.")
    page.fill("#id_email", "ann@example.com")
    page.get_by_role("button", name="Send").click()
    assert page.locator("#id_about_error").inner_text() == ("“over there” is no address, name or web address.")
    assert page.input_value("#id_description") == "It asks for passwords."
    page.fill("#id_about", "192.0.2.10")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/sent?lang=en")
    page.goto(link_in(last_mail()))
    page.get_by_role("button", name="Yes, send my report").click()
    page.wait_for_url("**/state/**")
    assert "received, not read yet" in page.locator("main").inner_text()
    process_messages(timezone.now())
    assert Report.objects.filter(format="form").count() == 1
    page.goto(link_in(last_mail()))
    assert "being looked at" in page.locator("main").inner_text()
    assert [one.subject.split()[0] for one in mail.outbox if one.to == ["ann@example.com"]] == ["Please", "We"]
    assert [one for one in page.refused if "422" not in one] == []


def test_it_fits_a_phone_and_is_worked_by_keyboard(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    door.switch(desk.brand, on=True)
    page = phone(browser, scripts=True)
    for path in ("", "/illegal-content", "/sent", "?lang=zh-Hans"):
        page.goto(f"{live_server.url}/report/jimcloud{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(f"{live_server.url}/report/jimcloud")
    page.focus("#id_email")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Send"
