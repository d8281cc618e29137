"""The console in a real browser: by keyboard, on a phone, with the stop button, and within its content policy."""

from typing import Any

import pytest

from abusedesk.records.models import Brand, Measure
from tests.web import rows
from tests.web.browsing import browser, desk, opened, synchronous_database

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]

__all__ = ["browser", "desk", "synchronous_database"]


def test_the_queue_is_worked_by_keyboard(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/cases/{desk.case.pk}")
    page.keyboard.press("g")
    page.keyboard.press("q")
    page.wait_for_url(f"{live_server.url}/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.locator("dialog[open]").is_visible()
    assert page.refused == []


def test_an_irreversible_proposal_asks_before_it_is_approved(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server)
    page.goto(f"{live_server.url}/cases/{desk.case.pk}")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_role("button", name="Approve termination").click()
    page.wait_for_timeout(300)
    assert len(asked) == 1
    assert "cannot be undone" in asked[0]
    assert Measure.objects.get(kind="terminate").decided == "proposed"


def test_a_proposal_is_made_and_approved_by_another(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    from django.utils import timezone

    from abusedesk.desk.enact import submit
    from abusedesk.policy.stimulus import Proposal

    submit(desk.service.docket, Proposal(by="bo", measure="suspend"), key="p1", at=timezone.now(), by="bo")
    page = opened(browser, live_server)
    page.goto(f"{live_server.url}/cases/{desk.case.pk}")
    page.get_by_role("button", name="Approve suspension").click()
    page.get_by_text("Suspension ordered (approved").wait_for()
    assert Measure.objects.get(kind="suspend").decided == "in_force"
    assert page.refused == []


def test_a_mistake_is_shown_at_its_field(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server)
    page.goto(f"{live_server.url}/cases/{desk.case.pk}")
    page.get_by_text("Propose a measure").click()
    form = page.locator("form", has=page.get_by_role("button", name="Propose"))
    form.locator("select").select_option("null_route")
    page.get_by_role("button", name="Propose").click()
    form.get_by_text("say which").wait_for()


def test_why_opens_in_place(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server)
    page.goto(f"{live_server.url}/cases/{desk.case.pk}")
    page.get_by_text("Why this, and why not more").click()
    page.get_by_text("the first attack suspends").wait_for()
    assert page.refused == []


def test_the_stop_button_stops_and_releases(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server)
    page.goto(f"{live_server.url}/brands/jimcloud")
    page.get_by_label("Reason").fill("wrong data in a feed")
    page.get_by_role("button", name="Stop JimCloud").click()
    page.get_by_text("JimCloud is stopped").first.wait_for()
    assert Brand.objects.get().held_reason == "wrong data in a feed"
    page.get_by_role("button", name="Release").click()
    page.get_by_text("JimCloud runs again").wait_for()
    assert Brand.objects.get().held_since is None


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/cases",
        "/cases/{case}",
        "/customers",
        "/who-had?ip=192.0.2.10",
        "/messages",
        "/outbox",
        "/brands/jimcloud",
    ],
)
def test_a_phone_never_scrolls_sideways(path: str, browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server, width=390)
    page.goto(live_server.url + path.format(case=desk.case.pk))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("path", ["/", "/cases/{case}"])
def test_a_thumb_finds_its_targets(path: str, browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server, width=390)
    page.goto(live_server.url + path.format(case=desk.case.pk))
    heights = page.eval_on_selector_all(
        "main .button, .tabbar a, .row-link", "all => all.filter(one => one.offsetParent).map(one => one.offsetHeight)"
    )
    assert min(heights) >= 40


def test_the_theme_is_kept(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server)
    page.get_by_role("button", name="Dark").click()
    page.reload()
    assert page.get_attribute("html", "data-theme") == "dark"
