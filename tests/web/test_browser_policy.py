"""The policy pages in a real browser: found in, followed to, changed, played and read on a phone."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils import timezone

from abusedesk.desk.policies import publish
from abusedesk.desk.policies.whatif import runs
from abusedesk.records.models import WhatIfRun
from abusedesk.records.packs import pack_of
from abusedesk.vocabulary.permission import POLICY_PUBLISHERS
from tests.web import rows
from tests.web.browsing import PASSWORD, browser, desk, opened, synchronous_database

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]

__all__ = ["browser", "desk", "synchronous_database"]


def _tried(page: Any, server: Any) -> WhatIfRun:
    """A change of the reply period, made by hand."""
    page.goto(f"{server.url}/policies/jimcloud/what-if")
    page.get_by_label("Reply period").fill("4 hours")
    page.get_by_role("button", name="See what changes").first.click()
    page.get_by_role("heading", name="Reply period 4 hours").wait_for()
    return WhatIfRun.objects.get()


def test_the_policies_have_a_key(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server)
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url(f"{live_server.url}/policies")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/policies/jimcloud")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/policies/jimcloud#0.limitation")
    page.keyboard.press("u")
    page.wait_for_url(f"{live_server.url}/policies")
    assert page.refused == []


def test_the_policy_is_filtered_while_typing(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server)
    page.goto(f"{live_server.url}/policies/jimcloud")
    page.get_by_label("Find in the policy").fill("work order reply")
    page.get_by_text("1 of 18 clauses").wait_for()
    assert page.locator(".clause-list").first.locator(".clause-card").count() == 1
    assert "q=work" in page.url
    assert page.evaluate("document.activeElement.id") == "policy-q"
    assert page.refused == []


def test_a_clause_on_a_case_leads_to_its_place(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server)
    page.goto(f"{live_server.url}/cases/{desk.case.pk}")
    page.locator("a.clause", has_text="jimcloud:9").first.click()
    page.wait_for_url(f"{live_server.url}/policies/jimcloud#9")
    place = page.locator('[id="9"]').bounding_box()
    assert 0 <= place["y"] < 300


def test_citations_come_after_the_page(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server)
    page.goto(f"{live_server.url}/policies/jimcloud")
    page.locator('[id="1.a"]').get_by_text("in 30 days").wait_for()
    assert page.refused == []


def test_without_a_script_the_page_says_as_much(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server, java_script_enabled=False)
    page.goto(f"{live_server.url}/policies/jimcloud")
    page.get_by_label("Find in the policy").fill("mail port")
    page.get_by_role("button", name="Find").click()
    assert "q=mail+port" in page.url
    assert page.locator('[id="5"]').is_visible()
    page.goto(f"{live_server.url}/policies/jimcloud")
    page.get_by_role("link", name="Count how often").click()
    assert page.get_by_text("in 30 days").first.is_visible()


def test_a_change_is_made_and_its_replay_watched(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server)
    run = _tried(page, live_server)
    page.get_by_text("The reply period is 4 hours instead of 6 hours").wait_for()
    page.get_by_text("of its own cases come out as they say").wait_for()
    page.get_by_role("button", name="Play it").click()
    page.get_by_text("Waits for the worker").wait_for()
    claimed = runs.claim(timezone.now())
    assert claimed is not None
    WhatIfRun.objects.update(done=30, total=120)
    page.locator("progress[value='25']").wait_for()
    WhatIfRun.objects.filter(pk=run.pk).update(state="failed", error="jim has no past yet")
    page.get_by_text("There is no past yet").wait_for()
    assert page.get_by_role("button", name="Play it again").is_enabled()
    assert page.refused == []


def test_a_mistake_is_shown_beside_its_field(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server)
    page.goto(f"{live_server.url}/policies/jimcloud/what-if")
    page.get_by_label("Reply period").fill("soon")
    page.get_by_role("button", name="See what changes").first.click()
    page.get_by_text("is no length of time").wait_for()
    assert page.get_by_label("Reply period").input_value() == "soon"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_never_scrolls_sideways(scheme: str, browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server, width=390, color_scheme=scheme)
    run = _tried(page, live_server)
    proposed = publish.propose(desk.brand, runs.files_of(run), "bo", "W" * 300)
    paths = ["", "/jimcloud", "/jimcloud?show=values", "/jimcloud/what-if", f"/jimcloud/what-if/{run.pk}"]
    for path in (*paths, "/jimcloud/publications", f"/jimcloud/publications/{proposed.pk}"):
        page.goto(f"{live_server.url}/policies{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    assert page.refused == []


def test_a_thumb_finds_its_targets(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server, width=390)
    page.goto(f"{live_server.url}/policies/jimcloud/what-if")
    heights = page.eval_on_selector_all(
        "main .button, main input:not([type=hidden])",
        "all => all.filter(one => one.offsetParent).map(one => one.offsetHeight)",
    )
    assert min(heights) >= 40


def test_a_print_shows_the_policy_and_nothing_else(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    page = opened(browser, live_server)
    page.goto(f"{live_server.url}/policies/jimcloud")
    page.emulate_media(media="print")
    assert page.locator('[id="8.b"] blockquote').is_visible()
    for gone in (".side", "#policy-filter", ".contents"):
        assert not page.locator(gone).first.is_visible(), gone


def test_a_policy_goes_from_its_author_to_another_who_approves(browser: Any, live_server: Any, desk: rows.Desk) -> None:
    publishers = Group.objects.create(name=POLICY_PUBLISHERS)
    for user in (get_user_model().objects.get(username="ann"), rows.staff("bo", PASSWORD)):
        user.groups.add(publishers)
    page = opened(browser, live_server)
    _tried(page, live_server)
    page.get_by_label("What changes and why").fill("Six hours are too long.")
    page.get_by_role("button", name="Propose it").click()
    page.get_by_text("It waits for another person").first.wait_for()
    assert page.get_by_role("button", name="Approve and publish").count() == 0
    other = opened(browser, live_server, name="bo")
    other.goto(f"{live_server.url}/policies")
    other.get_by_text("1 proposal to decide").click()
    other.get_by_text("Six hours are too long.").click()
    other.get_by_role("button", name="Approve and publish").click()
    other.get_by_text("Published. The next decision is made by it.").wait_for()
    desk.brand.refresh_from_db()
    assert len(pack_of(desk.brand).versions) == 2
    for one in (page, other):
        one.goto(f"{live_server.url}/policies/jimcloud")
        one.get_by_text("to come").first.wait_for()
        assert one.refused == []
