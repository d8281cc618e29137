"""The page of audits: what changed, what differed, and who accepted it."""

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from abusedesk.records.models import AuditRun, UpgradeAudit


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


# ---------- checks that somebody runs ----------


def test_a_check_is_started_and_shown_with_its_progress(page: Client) -> None:
    assert "None was run yet" in text(page)
    shown = page.post("/audits/start", {"what": "recompute", "days": "30"}, follow=True).content.decode()
    run = AuditRun.objects.get()
    assert (run.what, run.state) == ("recompute", "waiting")
    assert run.since == run.asked_at - timedelta(days=30)
    assert 'hx-get="/audits/checks"' in shown
    AuditRun.objects.update(state="running", done=50, total=200)
    assert 'value="25"' in page.get("/audits/checks").content.decode()


def test_a_second_check_waits_for_the_first(page: Client) -> None:
    page.post("/audits/start", {"what": "verify", "days": ""})
    shown = page.post("/audits/start", {"what": "verify", "days": ""}, follow=True).content.decode()
    assert "is not done yet" in shown
    assert AuditRun.objects.count() == 1


def test_a_check_that_is_done_says_what_differs_and_what_was_erased(page: Client) -> None:
    AuditRun.objects.create(
        what="recompute", by="ann", asked_at=timezone.now(), state="done", looked_at=9, differing=3, erased=2,
        said="9 decisions made again: 4 the same", differences=["decision 7: then <b>suspend</b>"],
    )  # fmt: skip
    shown = text(page)
    assert "3 differ" in shown
    assert "2 erased" in shown
    assert "decision 7: then &lt;b&gt;suspend&lt;/b&gt;" in shown
    assert "and 2 more" in shown
    assert "hx-get" not in page.get("/audits/checks").content.decode()
