"""The queue: one row per case, what is asked in words, filters, paging, and no more queries for more rows."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from abusedesk.records.models import Case, Effect, Review
from abusedesk.web import paging
from tests.web import rows


def _text(page: Client, path: str = "/") -> str:
    return page.get(path).content.decode()


def test_a_case_is_asked_for_in_words(page: Client, desk: rows.Desk) -> None:
    text = _text(page)
    assert "Approve a termination" in text
    assert desk.service.label in text
    assert desk.customer.name in text
    assert "authenticated" in text


def test_a_case_that_needs_nobody_is_not_in_the_queue(page: Client, desk: rows.Desk) -> None:
    quiet = rows.case(desk.brand, needs=[])
    assert quiet.service.label not in _text(page)
    assert quiet.service.label in _text(page, "/cases")


def test_an_empty_queue_says_so(page: Client, db: Any) -> None:
    assert "Nobody needs you now" in _text(page)


@pytest.mark.parametrize(
    ("kind", "shown"), [("verify", "review:low_assurance"), ("approve", "proposal:fine"), ("failed", "failed:suspend")]
)
def test_kinds_filter(kind: str, shown: str, page: Client, db: Any) -> None:
    brand = rows.brand()
    cases = {
        need: rows.case(brand, needs=[need]) for need in ("review:low_assurance", "proposal:fine", "failed:suspend")
    }
    text = _text(page, f"/?kind={kind}")
    assert [need for need, case in cases.items() if case.service.label in text] == [shown]


def test_brands_filter(page: Client, desk: rows.Desk) -> None:
    other = rows.case(rows.brand("scalibit", "SCALIBIT", "scalibit"), needs=["review:verify_report"])
    text = _text(page, "/?brand=scalibit")
    assert other.service.label in text
    assert desk.service.label not in text


def test_the_nearest_deadline_comes_first_and_cases_without_one_last(page: Client, db: Any) -> None:
    brand = rows.brand()
    late, soon, none = (
        rows.case(brand, needs=["review:verify_report"], due=due)
        for due in (timedelta(hours=9), timedelta(minutes=20), None)
    )
    text = _text(page)
    places = [text.index(case.service.label) for case in (soon, late, none)]
    assert places == sorted(places)


def test_reviews_without_a_case_stand_beside(page: Client, desk: rows.Desk) -> None:
    Review.objects.create(
        brand=desk.brand, key="r1", reason="unreadable", message_id=desk.message.pk, opened_at=timezone.now()
    )
    text = _text(page)
    assert "Unreadable message" in text
    assert desk.message.subject in text


def test_restricted_reviews_are_for_few(page: Client, desk: rows.Desk, staff: Any) -> None:
    one = Review.objects.create(
        brand=desk.brand, key="r1", reason="illegal_content", restricted=True, opened_at=timezone.now()
    )
    assert "Illegal content" not in _text(page)
    assert page.get(f"/reviews/{one.pk}").status_code == 403
    staff.is_superuser = True
    staff.save()
    assert "Illegal content" in _text(page)


def test_more_rows_need_no_more_queries(page: Client, desk: rows.Desk) -> None:
    def queries(added: int) -> int:
        for _ in range(added):
            rows.report(rows.case(desk.brand, needs=["review:verify_report"], due=timedelta(hours=1)))
        with CaptureQueriesContext(connection) as asked:
            page.get("/")
        return len(asked)

    assert queries(added=1) == queries(added=11)


def _all_pages(after: str = "") -> list[int]:
    found: list[int] = []
    waiting = Case.objects.exclude(needs=[])
    while True:
        one = paging.soonest_first(waiting, "next_due", "last_at", after, size=3)
        found += [case.pk for case in one.rows]
        if not one.next:
            return found
        after = one.next


@pytest.mark.parametrize("dated", [0, 2, 3, 4, 6, 8])
def test_pages_join_without_gap_or_overlap(dated: int, db: Any) -> None:
    brand = rows.brand()
    cases = [
        rows.case(brand, needs=["review:verify_report"], due=timedelta(hours=number % 3) if number < dated else None)
        for number in range(8)
    ]
    found = _all_pages()
    assert sorted(found) == sorted(case.pk for case in cases)
    assert len(found) == len(set(found))


def test_a_made_up_page_key_begins_at_the_beginning(page: Client, desk: rows.Desk) -> None:
    for key in ("x", "rest", "rest2026~", "2026-01-01~'", "9~9", "2026-01-01T00:00:00+00:00~-"):
        assert page.get("/", {"after": key}).status_code == 200


def test_mails_that_are_kept_back_are_shown_with_the_reason(page: Client, desk: rows.Desk) -> None:
    assert "Mails kept back" not in page.get("/").content.decode()
    about = {"brand": desk.brand, "kind": "notice", "due": timezone.now(), "waits": "example.net: at most 120 a minute"}
    for number, state in enumerate(("pending", "gathered", "done")):
        Effect.objects.create(key=f"e{number}", state=state, **about)
    text = page.get("/").content.decode()
    assert "2: example.net: at most 120 a minute" in text
    assert "Mails kept back" not in page.get("/?brand=nobody").content.decode()
