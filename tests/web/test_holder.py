"""Who had an address at a moment, and the search box that leads there."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from abusedesk.records.models import Assignment
from abusedesk.web.spans import spans_of
from tests.web import rows


def _text(page: Client, **asked: str) -> str:
    return page.get("/who-had", asked).content.decode()


def test_the_holder_then_is_answered_not_the_holder_now(page: Client, desk: rows.Desk) -> None:
    now = timezone.now()
    before, after = rows.case(desk.brand, needs=[]), rows.case(desk.brand, needs=[])
    change = now - timedelta(days=5)
    Assignment.objects.create(service=before.service, prefix="192.0.2.77/32", period=(now - timedelta(days=90), change))
    Assignment.objects.create(service=after.service, prefix="192.0.2.77/32", period=(change, None))
    then = (change - timedelta(days=1)).strftime("%Y-%m-%d %H:%M")
    assert f"{before.customer.name}</a> had" in _text(page, ip="192.0.2.77", at=then)
    assert f"{after.customer.name}</a> had" in _text(page, ip="192.0.2.77")


def test_of_nested_prefixes_the_longest_answers(page: Client, desk: rows.Desk) -> None:
    end = rows.case(desk.brand, needs=[])
    since = timezone.now() - timedelta(days=9)
    Assignment.objects.create(service=desk.service, prefix="2001:db8:5::/48", period=(since, None))
    Assignment.objects.create(service=end.service, prefix="2001:db8:5:1::/64", period=(since, None))
    assert f"{end.customer.name}</a> had" in _text(page, ip="2001:db8:5:1::9")
    assert f"{desk.customer.name}</a> had" in _text(page, ip="2001:db8:5:2::9")


def test_nobody_is_an_answer(page: Client, desk: rows.Desk) -> None:
    assert "Nobody had" in _text(page, ip="203.0.113.9")


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"ip": "999.1.1.1"}, "is no address"), ({"ip": "192.0.2.1", "at": "yesterday"}, "Write a moment such as")],
)
def test_a_bad_question_says_what_to_write(asked: dict[str, str], said: str, page: Client) -> None:
    response = page.get("/who-had", asked)
    assert response.status_code == 422
    assert said in response.content.decode()


def test_bars_keep_to_their_scale(desk: rows.Desk) -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    for start, stop in (
        (datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)),
        (datetime(2026, 1, 1, tzinfo=UTC), None),
    ):
        Assignment.objects.create(service=desk.service, prefix="198.51.100.3/32", period=(start, stop))
    scale = spans_of(Assignment.objects.filter(prefix="198.51.100.3/32").order_by("period"), moment)
    assert [span.on for span in scale.spans] == [False, True]
    assert all(span.x >= 0 and span.x + span.width <= 1000 for span in scale.spans)
    assert scale.spans[1].x < scale.moment_x < 1000


@pytest.mark.parametrize("asked", ["192.0.2.10", "2001:db8::1"])
def test_an_address_in_the_search_box_asks_who_had_it(asked: str, page: Client, desk: rows.Desk) -> None:
    assert page.get("/search", {"q": asked})["Location"] == f"/who-had?ip={asked}"


def test_a_single_find_is_opened(page: Client, desk: rows.Desk) -> None:
    assert page.get("/search", {"q": desk.customer.name})["Location"] == f"/customers/{desk.customer.pk}"
    assert page.get("/search", {"q": desk.service.ref})["Location"] == f"/services/{desk.service.pk}"
    assert page.get("/search", {"q": f"#{desk.case.pk}"})["Location"] == f"/cases/{desk.case.pk}"


def test_a_reporters_reference_leads_to_case_and_report(page: Client, desk: rows.Desk) -> None:
    text = page.get("/search", {"q": "EX-4711"}).content.decode()
    assert f"/cases/{desk.case.pk}" in text
    assert f"/messages/{desk.message.pk}" in text


def test_nothing_found_says_what_can_be_searched(page: Client, desk: rows.Desk) -> None:
    for odd in ("zzz", "9" * 40, "'; --", "%"):
        assert page.get("/search", {"q": odd}).status_code in {200, 302}
    assert "Nothing is called that" in page.get("/search", {"q": "zzz"}).content.decode()


def _shared(desk: rows.Desk) -> None:
    since = timezone.now() - timedelta(days=9)
    for ports in ((1024, 2048), (2048, 4096)):
        one = rows.case(desk.brand, needs=[]).service
        Assignment.objects.create(service=one, prefix="203.0.113.5/32", ports=ports, period=(since, None))


def test_behind_a_nat_the_port_answers(page: Client, desk: rows.Desk) -> None:
    _shared(desk)
    names = [one.service.customer.name for one in Assignment.objects.filter(prefix="203.0.113.5/32").order_by("ports")]
    assert f"{names[0]}</a> had" in _text(page, ip="203.0.113.5", port="2047")
    assert f"{names[1]}</a> had" in _text(page, ip="203.0.113.5", port="2048")
    assert "Nobody had" in _text(page, ip="203.0.113.5", port="80")


def test_behind_a_nat_without_a_port_nobody_is_named(page: Client, desk: rows.Desk) -> None:
    _shared(desk)
    text = _text(page, ip="203.0.113.5")
    assert "2 services shared" in text
    assert "</a> had" not in text
    assert "ports 1024-2047" in text


def test_a_port_that_is_none_is_said(page: Client) -> None:
    response = page.get("/who-had", {"ip": "192.0.2.1", "port": "99999"})
    assert response.status_code == 422
    assert "0 to 65535" in response.content.decode()
