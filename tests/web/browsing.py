"""A real browser for the tests of pages, and somebody signed in with it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from tests.conftest import needs
from tests.web import rows

SWITCHES = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PASSWORD = "a long enough password"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    chromium = needs("chromium")
    with sync_playwright() as player:
        running = player.chromium.launch(executable_path=chromium, args=SWITCHES)
        yield running
        running.close()


@pytest.fixture(autouse=True, scope="module")
def synchronous_database(django_db_setup: None) -> Iterator[None]:
    # Playwright runs an event loop in this thread; the tests' own queries are made between its steps, never inside.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        # The server's threads would keep their connections, and no database with connections can be dropped.
        patch.setitem(connections["default"].settings_dict, "CONN_MAX_AGE", 0)
        yield


@pytest.fixture
def desk(transactional_db: Any) -> rows.Desk:
    rows.staff("ann", PASSWORD)
    return rows.desk()


def opened(browser: Any, server: Any, width: int = 1440, name: str = "ann", **more: Any) -> Any:
    """A page of the console with somebody signed in; `refused` gathers what the browser would not load or run."""
    page = browser.new_context(viewport={"width": width, "height": 900}, **more).new_page()
    page.set_default_timeout(8000)
    page.refused = []
    page.on("console", lambda line: page.refused.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: page.refused.append(str(error)))
    page.goto(f"{server.url}/accounts/login/")
    page.fill("#id_login", name)
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}/")
    return page
