"""The page of audits: what changed, what differed, and who accepted it."""

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from abusedesk.records.models import UpgradeAudit


def audit(state: str = "clean", **more: Any) -> UpgradeAudit:
    now = timezone.now()
    return UpgradeAudit.objects.create(
        at=now,
        was={"engine": "1", "pack:jimcloud": "a" * 64},
        now={"engine": "2", "pack:jimcloud": "b" * 64},
        since=now - timedelta(days=30),
        counts={"said": "1,204 decisions made again, all as they were"},
        state=state,
        **more,
    )


def text(page: Client, query: str = "") -> str:
    return page.get(f"/audits{query}").content.decode()


def test_it_is_linked_from_more_and_says_where_audits_come_from(page: Client) -> None:
    assert 'href="/audits"' in page.get("/more").content.decode()
    assert "No audit yet" in text(page)


def test_it_says_what_changed_and_what_it_came_to(page: Client) -> None:
    audit()
    shown = text(page)
    assert "Engine 1 → 2" in shown
    assert f"Policy jimcloud: {'a' * 12} → {'b' * 12}" in shown
    assert "1,204 decisions made again, all as they were" in shown
    assert "nothing differs" in shown


def test_an_open_one_names_what_differs_and_what_to_do(page: Client) -> None:
    audit("open", differing=3, differences=["decision 7: then <b>suspend</b>, now nothing"])
    shown = text(page)
    assert "3 differences" in shown
    assert "decision 7: then &lt;b&gt;suspend&lt;/b&gt;, now nothing" in shown
    assert "and 2 more" in shown
    assert "abusedesk migrate" in shown


def test_an_accepted_one_says_by_whom(page: Client) -> None:
    audit("accepted", differing=1, differences=["x"], accepted_by="ann", accepted_at=timezone.now())
    shown = text(page)
    assert "Accepted by ann" in shown
    assert "waits for somebody" not in shown


def test_older_ones_are_a_page_further(page: Client) -> None:
    made = [audit() for _ in range(21)]
    shown = text(page)
    assert f'id="audit-{made[0].pk}"' not in shown
    assert f'id="audit-{made[0].pk}"' in text(page, f"?after={made[1].pk}")


def test_nonsense_in_the_address_is_the_beginning(page: Client) -> None:
    audit()
    assert "Engine 1" in text(page, "?after=x")


def test_only_staff_see_it() -> None:
    assert Client().get("/audits").status_code == 302
