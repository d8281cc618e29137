"""The policy pages: every clause with what rests on it, as it stands or stood, and how often it was cited."""

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from abusedesk.policy.author.pack_zip import files_from_zip
from abusedesk.policy.pack import PACKS, load_pack
from abusedesk.records.models import Brand, TimelineEntry
from abusedesk.records.partitions import ensure_month
from abusedesk.web import policy_words
from tests.web import rows

EXAMPLE = Path(__file__).parents[2] / "docs/how-to/example-pack"


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    cache.clear()


def _text(page: Client, path: str = "/policies/jimcloud") -> str:
    return re.sub(r"\s+", " ", page.get(path).content.decode())


def _places(text: str) -> list[str]:
    return re.findall(r'<article class="clause-card" id="([^"]+)"', text)


def _dated_pack(folder: Path) -> str:
    """JimCloud's pack with a second version that shortens the reply period."""
    shutil.copytree(PACKS / "jimcloud", folder / "jimcloud")
    path = folder / "jimcloud" / "pack.yaml"
    text = path.read_text()
    first = '  - {id: "2022-06-07", from: 2022-06-07T00:00:00Z, clause: "11"}\n'
    assert first in text
    text = text.replace(first, f'{first}  - {{id: "2099-01-01", from: 2099-01-01T00:00:00Z, clause: "11"}}\n')
    was = "reply_period: {clause: 8.b, values: {2022-06-07: PT6H}}"
    assert was in text
    path.write_text(text.replace(was, was.replace("PT6H", "PT6H, 2099-01-01: PT4H, 2100-01-01: PT2H")))
    return str(path.parent)


# ---------- every policy ----------


def test_every_brand_is_listed_with_the_version_in_force(page: Client, desk: rows.Desk) -> None:
    rows.brand("scalibit", "SCALIBIT", "scalibit")
    text = _text(page, "/policies")
    assert 'href="/policies/jimcloud"' in text
    assert "7 Jun 2022" in text
    assert text.count("not in force") == 1  # SCALIBIT leaves its date to the operator.


def test_a_version_to_come_is_announced(page: Client, desk: rows.Desk, tmp_path: Path) -> None:
    Brand.objects.update(pack=_dated_pack(tmp_path))
    assert "2099-01-01 <span" in _text(page, "/policies")


def test_a_pack_that_cannot_be_read_breaks_no_other(page: Client, desk: rows.Desk) -> None:
    Brand.objects.filter(pk=rows.brand("other", "Other").pk).update(pack="/nowhere")
    text = _text(page, "/policies")
    assert "cannot be read" in text
    assert "7 Jun 2022" in text
    assert page.get("/policies/other").status_code == 503


# ---------- one policy ----------


def test_every_clause_stands_there_with_its_own_words(page: Client, desk: rows.Desk) -> None:
    text = page.get("/policies/jimcloud").content.decode()
    pack = load_pack("jimcloud")
    assert len(_places(text)) == len(pack.clauses) + len(pack.safeguards)
    assert "Users are requested to complete the processing and reply to the work order within 6 hours." in text


def test_a_clause_has_its_values_rules_and_readings(page: Client, desk: rows.Desk) -> None:
    clause = _text(page).partition('id="1.a"')[2].partition("</article>")[0]
    assert "The first attack suspends the server; accepted evidence will lift it." in clause
    assert "Fine USD 20.00 for each address" in clause
    assert "What does accepted evidence take back?" in clause
    assert "acts by itself" in clause
    assert "<strong>6 hours</strong>" in _text(page).partition('id="8.b"')[2].partition("</article>")[0]


def test_what_the_brand_overrides_is_told_apart(page: Client, desk: rows.Desk) -> None:
    Brand.objects.update(settings={"parameters": {"reply_period": "PT4H"}})
    clause = _text(page).partition('id="8.b"')[2].partition("</article>")[0]
    assert "<strong>4 hours</strong>" in clause
    assert "the policy says 6 hours" in clause


def test_values_to_come_and_past_are_shown_with_their_dates(page: Client, desk: rows.Desk, tmp_path: Path) -> None:
    Brand.objects.update(pack=_dated_pack(tmp_path))
    clause = _text(page).partition('id="8.b"')[2].partition("</article>")[0]
    assert "<strong>6 hours</strong>" in clause
    assert re.search(r"4 hours <span class=\"faint\">from .*1 Jan 2099", clause)
    assert re.search(r"2 hours is written for .*1 Jan 2100.*no version takes it up yet", clause)


def test_the_policy_is_shown_as_it_stood(page: Client, desk: rows.Desk, tmp_path: Path) -> None:
    Brand.objects.update(pack=_dated_pack(tmp_path))
    assert "<strong>4 hours</strong>" in _text(page, "/policies/jimcloud?at=2099-06-01")
    assert "No version was in force on that day" in _text(page, "/policies/jimcloud?at=2020-01-01")
    assert "is no date" in _text(page, "/policies/jimcloud?at=yesterday")


def test_a_policy_without_a_date_says_what_to_do(page: Client, db: Any) -> None:
    rows.brand("scalibit", "SCALIBIT", "scalibit")
    assert "in_force_from" in _text(page, "/policies/scalibit")


# ---------- the filter ----------


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("q=work+order+reply", {"8.b"}),
        ("q=port+25+approved", {"5"}),
        ("show=values", {"0.limitation", "0.track", "1", "2", "3", "4", "5", "7", "8.b", "8.c", "8.d", "9"}),
        ("q=no+such+word", set()),
    ],
)
def test_the_filter_finds_in_all_that_a_clause_says(
    query: str, places: set[str], page: Client, desk: rows.Desk
) -> None:
    assert set(_places(_text(page, f"/policies/jimcloud?{query}"))) == places


def test_a_filter_that_finds_nothing_leads_back(page: Client, desk: rows.Desk) -> None:
    assert "No clause says that" in _text(page, "/policies/jimcloud?q=no+such+word")


def test_only_the_list_is_sent_to_a_page_that_is_there(page: Client, desk: rows.Desk) -> None:
    headers = {"HX-Request": "true", "HX-Target": "clauses"}
    text = page.get("/policies/jimcloud?q=reply", headers=headers).content.decode()
    assert text.strip().startswith('<div id="clauses"')
    assert "<html" not in text


# ---------- how often ----------


def test_citations_are_counted_with_the_last_cases(page: Client, desk: rows.Desk) -> None:
    TimelineEntry.objects.update(clauses=["jimcloud:1.a"])
    text = _text(page, "/policies/jimcloud/cited")
    assert re.search(
        rf'id="cited-clause-jimcloud-1-a".*?Cited once in 30 days, lately in <a href="/cases/{desk.case.pk}">', text
    )
    assert "Not cited in 30 days" in text


def test_old_decisions_other_brands_and_what_was_carried_out_are_not_counted(page: Client, desk: rows.Desk) -> None:
    TimelineEntry.objects.update(clauses=["jimcloud:1.a"], kind="carried_out")
    assert "Cited once" not in _text(page, "/policies/jimcloud?cited=1")
    cache.clear()
    long_ago = datetime.now(UTC) - timedelta(days=40)
    ensure_month("standard", [long_ago])
    TimelineEntry.objects.update(kind="report", at=long_ago)
    assert "Cited once" not in _text(page, "/policies/jimcloud?cited=1")
    rows.brand("other", "Other")
    TimelineEntry.objects.update(at=datetime.now(UTC))
    assert "Cited once" not in _text(page, "/policies/other?cited=1")
    cache.clear()
    assert "Cited once" in _text(page, "/policies/jimcloud?cited=1")


def test_a_desk_with_too_much_to_count_says_so(page: Client, desk: rows.Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abusedesk.web.citations._COUNT", "SELECT pg_sleep(5), %s, %s, %s")
    monkeypatch.setattr("abusedesk.web.citations.PATIENCE_MS", 50)
    assert "too much to count" in _text(page, "/policies/jimcloud/cited")


def test_more_clauses_need_no_more_queries(page: Client, desk: rows.Desk, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(9):
        page.get("/policies/jimcloud")


# ---------- to take along ----------


def test_the_public_page_is_a_file(page: Client, desk: rows.Desk) -> None:
    answer = page.get("/policies/jimcloud/public")
    assert answer["Content-Disposition"].startswith('attachment; filename="jimcloud-policy-')
    assert "Phishing and fraud" in answer.content.decode()
    assert page.get("/policies/jimcloud/public?at=2020-01-01").status_code == 404


def test_the_pack_is_a_zip_that_can_be_handed_in_again(page: Client, desk: rows.Desk) -> None:
    files = files_from_zip(page.get("/policies/jimcloud/pack.zip").content)
    assert files["pack.yaml"] == (PACKS / "jimcloud" / "pack.yaml").read_bytes()
    assert "notices/en/complaint.txt" in files


# ---------- words ----------


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(hours=6), "6 hours"),
        (timedelta(hours=48), "2 days"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(days=365), "365 days"),
        (timedelta(minutes=90), "1 hour 30 minutes"),
        (timedelta(), "no time"),
    ],
)
def test_lengths_are_said_as_people_say_them(length: timedelta, text: str) -> None:
    assert policy_words.span(length) == text


@pytest.mark.parametrize("text", ["4 hours", "PT4H", "pt4h", "3 hours 60 minutes", "3 hours, 60 minutes"])
def test_lengths_are_read_as_people_write_them(text: str) -> None:
    assert policy_words.read_span(text) == timedelta(hours=4)


@pytest.mark.parametrize("text", ["", "4", "hours", "four hours", "4 fortnights", "P1M", "-4 hours", "²  hours"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no length|no duration"):
        policy_words.read_span(text)


@pytest.mark.parametrize("name", ["jimcloud", "scalibit"])
def test_every_order_of_the_packs_has_words(name: str) -> None:
    pack = load_pack(name)
    said = [policy_words.ordered(order, {}) for rule in pack.rules for order in rule.orders]
    assert all(one.text for one in said)
    assert {one.tone for one in said} == {"", "late", "wait", "good"}


# ---------- words by date ----------


def test_a_clause_is_shown_in_the_words_of_the_day_with_those_of_other_days_beside(
    page: Client, desk: rows.Desk
) -> None:
    Brand.objects.update(pack=str(EXAMPLE))
    before, after = (_text(page, f"/policies/jimcloud?at={day}") for day in ("2026-06-30", "2026-07-01"))
    assert "<blockquote>From the second breach on, while there are points, we charge a fee of 25.00" in before
    assert "<blockquote>From the second breach on, while there are points, we charge a fee of 30.00" in after
    assert after.count("Its words by date") == 1
