"""A brand: the stop button shows what a release would set off, and a dry run ends in a stop."""

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from abusedesk.records.models import Brand, Channel, Deadline, Hold
from tests.web import rows


def test_a_stop_needs_a_reason(page: Client, desk: rows.Desk) -> None:
    assert page.post("/brands/jimcloud/stop", {"reason": " "}).status_code == 422
    assert Brand.objects.get().held_since is None


def test_a_stop_is_seen_on_every_page(page: Client, desk: rows.Desk) -> None:
    page.post("/brands/jimcloud/stop", {"reason": "a wrong feed"})
    text = page.get("/customers").content.decode()
    assert "JimCloud is stopped" in text
    assert "a wrong feed" in text
    assert Hold.objects.get().held_by == "ann"


def test_what_a_release_sets_off_is_shown(page: Client, desk: rows.Desk) -> None:
    Deadline.objects.create(
        docket=desk.service.docket, brand=desk.brand, case=desk.case, item="d1", name="reply",
        due=timezone.now() + timedelta(hours=2),
    )  # fmt: skip
    page.post("/brands/jimcloud/stop", {"reason": "a wrong feed"})
    text = page.get("/brands/jimcloud").content.decode()
    assert desk.service.label in text.partition("After release")[2]


def test_releasing_lets_the_brand_go_on(page: Client, desk: rows.Desk) -> None:
    page.post("/brands/jimcloud/stop", {"reason": "a wrong feed"})
    page.post("/brands/jimcloud/release")
    assert Brand.objects.get().held_since is None
    assert Hold.objects.get().released_by == "ann"


def test_a_dry_run_ends_in_a_stop(page: Client, desk: rows.Desk) -> None:
    page.post("/brands/jimcloud/dry-run", {"dry_run": "on"})
    assert Brand.objects.get().dry_run
    assert "dry run" in page.get("/").content.decode()
    page.post("/brands/jimcloud/dry-run", {"dry_run": "off"})
    brand = Brand.objects.get()
    assert (brand.dry_run, brand.held_by) == (False, "ann")


def test_a_channel_that_lags_is_seen(page: Client, desk: rows.Desk) -> None:
    Channel.objects.create(name="imap", kind="imap", watermark=timezone.now() - timedelta(hours=3))
    Channel.objects.create(name="api", kind="api")
    text = page.get("/brands").content.decode()
    assert "read up to 3 h ago" in text
    assert "never read" in text
