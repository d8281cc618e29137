"""Files of designated addresses: the register, one file, a report made of it, and what only restricted readers see."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from abusedesk.desk.intake import process_messages
from abusedesk.desk.receive import Incoming, receive
from abusedesk.records.models import BrandAddress, FileEntry, LegalFile, Message, Report
from abusedesk.vocabulary.permission import CHANNELS, RESTRICTED_READERS
from tests.web import rows

SECRET = "Order of the Example Court about 192.0.2.10"


@pytest.fixture
def reader(db: Any) -> Client:
    """Somebody who reads what is restricted."""
    user = rows.staff("cy")
    user.groups.add(Group.objects.get_or_create(name=RESTRICTED_READERS)[0])
    client = Client()
    client.force_login(user)
    return client


def filed(of: rows.Desk, kind: str, subject: str = "A letter", text: str = "Please look at 192.0.2.10.") -> LegalFile:
    BrandAddress.objects.create(brand=of.brand, address=f"{kind}@jimcloud.example.net", kind=kind)
    now = timezone.now()
    mail = (
        f"From: officer@police.example\r\nTo: {kind}@jimcloud.example.net\r\nSubject: {subject}\r\n"
        f"Message-ID: <{kind}@police.example>\r\n\r\n{text}\r\n"
    )
    receive(Incoming(mail.encode(), "test", now))
    process_messages(now)
    return LegalFile.objects.get(kind=kind)


def text_of(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def test_an_empty_register_says_what_to_do(page: Client, desk: rows.Desk) -> None:
    assert "No file here" in text_of(page, "/files")


def test_a_file_shows_its_mail_and_what_it_is_about(page: Client, desk: rows.Desk) -> None:
    one = filed(desk, "legal")
    assert one.reference in text_of(page, "/files")
    found = text_of(page, f"/files/{one.pk}")
    assert "Please look at 192.0.2.10." in found


def test_the_register_is_filtered_by_kind_and_state(page: Client, desk: rows.Desk) -> None:
    legal, dsa = filed(desk, "legal"), filed(desk, "dsa")
    assert dsa.reference not in text_of(page, "/files?kind=legal")
    assert legal.reference in text_of(page, "/files?state=open")
    assert legal.reference not in text_of(page, "/files?state=closed")


def test_a_notice_shows_its_elements(page: Client, desk: rows.Desk) -> None:
    one = filed(desk, "dsa")
    found = text_of(page, f"/files/{one.pk}")
    assert "Elements of the notice" in found
    assert "bona fide" in found


def test_it_is_answered_and_closed_with_a_word(page: Client, desk: rows.Desk) -> None:
    one = filed(desk, "legal")
    page.post(f"/files/{one.pk}/enter", {"kind": "answered", "text": "Sent by post."})
    one.refresh_from_db()
    assert one.state == "answered"
    assert "Sent by post." in text_of(page, f"/files/{one.pk}")
    assert page.post(f"/files/{one.pk}/enter", {"kind": "closed", "text": ""}).status_code == 422


def test_it_is_taken_and_given_back(page: Client, desk: rows.Desk) -> None:
    one = filed(desk, "legal")
    page.post(f"/files/{one.pk}/take")
    assert LegalFile.objects.get().taken_by == "ann"
    page.post(f"/files/{one.pk}/take")
    assert LegalFile.objects.get().taken_by == ""


def test_a_person_says_until_when(page: Client, desk: rows.Desk) -> None:
    one = filed(desk, "legal")
    page.post(f"/files/{one.pk}/due", {"due": "2030-01-02 10:00", "reason": "the court"})
    assert LegalFile.objects.get().due_reason == "the court"
    assert "the court" in text_of(page, f"/files/{one.pk}")


def test_a_report_is_looked_at_and_then_made(page: Client, desk: rows.Desk) -> None:
    one = filed(desk, "legal")
    begun = text_of(page, f"/files/{one.pk}/report")
    assert "Make it a report" not in begun
    given = {
        "about": "192.0.2.10",
        "category": "content/phishing",
        "occurred_at": f"{timezone.now() - timedelta(hours=2):%Y-%m-%d %H:%M}",
        "description": "A page that asks for passwords.",
    }
    looked = page.post(f"/files/{one.pk}/report", {**given, "step": "look"}).content.decode()
    assert desk.service.label in looked
    before = Report.objects.count()
    assert before == Report.objects.count()
    for _ in range(2):
        page.post(f"/files/{one.pk}/report", {**given, "step": "make"})
    process_messages(timezone.now())
    made = Report.objects.exclude(pk=desk.report.pk).get()
    assert (made.assurance, made.reference) == ("unverified", one.reference)
    assert FileEntry.objects.filter(kind="report").count() == 1


def test_what_is_no_place_is_said_at_its_field(page: Client, desk: rows.Desk) -> None:
    one = filed(desk, "legal")
    response = page.post(f"/files/{one.pk}/report", {"about": "over there", "step": "make"})
    assert response.status_code == 422
    assert "“over there” is no address" in response.content.decode()


# --- requests of authorities ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/files", "/messages", "/messages?q=Example+Court", "/search?q=Example+Court", "/reviews", "/more",
             "/reading", "/search?q=AUTHORITY-2026-0001", "/brands/jimcloud", "/outbox", "/cases", "/customers"],
)  # fmt: skip
def test_no_list_or_search_shows_others_a_request(path: str, page: Client, desk: rows.Desk) -> None:
    filed(desk, "authority", SECRET, SECRET)
    found = text_of(page, path)
    assert SECRET not in found
    assert "police.example" not in found
    assert "Example Court" not in found.replace("Example Court” ", "").replace('value="Example Court"', "").replace(
        "“Example Court”", ""
    )


def test_others_find_neither_the_file_nor_the_message(page: Client, desk: rows.Desk) -> None:
    one, message = filed(desk, "authority", SECRET, SECRET), Message.objects.get(designation="authority")
    for path in (f"/files/{one.pk}", f"/files/{one.pk}/report", f"/messages/{message.pk}"):
        assert page.get(path).status_code == 404
    for path in (
        f"/files/{one.pk}/enter",
        f"/files/{one.pk}/take",
        f"/files/{one.pk}/due",
        f"/messages/{message.pk}/payload",
    ):
        assert page.post(path).status_code == 404


def test_a_restricted_reader_reads_it(reader: Client, desk: rows.Desk) -> None:
    one, message = filed(desk, "authority", SECRET, SECRET), Message.objects.get(designation="authority")
    assert SECRET in text_of(reader, "/files")
    assert SECRET in text_of(reader, f"/files/{one.pk}")
    assert SECRET in text_of(reader, f"/messages/{message.pk}")
    assert SECRET in reader.post(f"/messages/{message.pk}/payload").content.decode()


def test_a_report_of_a_request_tells_nothing_of_it(reader: Client, page: Client, desk: rows.Desk) -> None:
    one = filed(desk, "authority", SECRET, SECRET)
    given = {
        "about": "192.0.2.10",
        "category": "content/phishing",
        "occurred_at": f"{timezone.now() - timedelta(hours=2):%Y-%m-%d %H:%M}",
        "description": "A page that asks for passwords.",
        "step": "make",
    }
    reader.post(f"/files/{one.pk}/report", given)
    process_messages(timezone.now())
    made = Report.objects.exclude(pk=desk.report.pk).get()
    assert made.reference == ""
    assert made.reporter is not None
    assert made.reporter.key == desk.brand.sender
    shown = text_of(page, f"/messages/{made.message_id}")
    assert one.reference not in shown


# --- addresses ------------------------------------------------------------------------------------------------------


@pytest.fixture
def keeper(db: Any) -> Client:
    user = rows.staff("dee")
    user.groups.add(Group.objects.get_or_create(name=CHANNELS)[0])
    client = Client()
    client.force_login(user)
    return client


def test_an_address_is_added_given_another_purpose_and_removed(keeper: Client, desk: rows.Desk) -> None:
    keeper.post("/brands/jimcloud/addresses", {"address": "DSA@jimcloud.example.net", "kind": "legal"})
    keeper.post("/brands/jimcloud/addresses", {"address": "dsa@jimcloud.example.net", "kind": "dsa"})
    one = BrandAddress.objects.get()
    assert (one.address, one.kind) == ("dsa@jimcloud.example.net", "dsa")
    assert "DSA notices" in text_of(keeper, "/brands/jimcloud")
    keeper.post(f"/brands/jimcloud/addresses/{one.pk}/remove")
    assert not BrandAddress.objects.exists()


def test_an_address_of_another_brand_is_refused_at_its_field(keeper: Client, desk: rows.Desk) -> None:
    BrandAddress.objects.create(brand=rows.brand("other", "Other"), address="legal@example.net", kind="legal")
    response = keeper.post("/brands/jimcloud/addresses", {"address": "legal@example.net", "kind": "legal"})
    assert response.status_code == 422
    assert "an address of Other" in response.content.decode()


def test_addresses_are_for_those_who_set_up_the_ways_in(page: Client, desk: rows.Desk) -> None:
    assert page.get("/brands/jimcloud/addresses").status_code == 403
