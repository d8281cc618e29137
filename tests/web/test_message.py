"""Messages: how they were read, and their bytes as text and only as text."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from abusedesk.records.models import Event, Message, MessageKey
from abusedesk.records.payload import seal
from abusedesk.web.payload import subject_of
from tests.web import rows

HOSTILE = b"Subject: x\r\n\r\n<script>alert(1)</script><img src=http://192.0.2.1/x.png>"


def _with_bytes(desk: rows.Desk, data: bytes) -> str:
    key, payload = seal(data)
    MessageKey.objects.create(message_id=desk.message.pk, key=key)
    Message.objects.filter(pk=desk.message.pk).update(payload=payload)
    return f"/messages/{desk.message.pk}/payload"


def test_how_it_was_read_is_shown(page: Client, desk: rows.Desk) -> None:
    text = page.get(f"/messages/{desk.message.pk}").content.decode()
    assert "Watch of Example Net" in text
    assert f"/cases/{desk.case.pk}" in text


def test_bytes_are_shown_as_escaped_text(page: Client, desk: rows.Desk) -> None:
    text = page.post(_with_bytes(desk, HOSTILE)).content.decode()
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>" not in text
    assert "<img" not in text


def test_bytes_are_never_part_of_the_page_itself(page: Client, desk: rows.Desk) -> None:
    _with_bytes(desk, HOSTILE)
    assert "alert(1)" not in page.get(f"/messages/{desk.message.pk}").content.decode()


def test_a_destroyed_key_is_said(page: Client, desk: rows.Desk) -> None:
    path = _with_bytes(desk, HOSTILE)
    MessageKey.objects.all().delete()
    assert "no longer readable" in page.post(path).content.decode()


def test_illegal_content_is_never_shown(page: Client, desk: rows.Desk) -> None:
    path = _with_bytes(desk, HOSTILE)
    Event.objects.update(category="content/csam")
    assert page.post(path).status_code == 404
    assert "Show as plain text" not in page.get(f"/messages/{desk.message.pk}").content.decode()


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", "Grüße".encode("latin-1"), b""])
def test_any_bytes_can_be_shown(data: bytes, page: Client, desk: rows.Desk) -> None:
    assert page.post(_with_bytes(desk, data)).status_code == 200


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("plain", "plain"),
        ("=?utf-8?b?R3LDvMOfZQ==?=", "Grüße"),
        ("=?no-such-charset?b?R3LDvA==?=", "=?no-such-charset?b?R3LDvA==?="),
        ("=?utf-8?b?R3", "=?utf-8?b?R3"),
        ("=?utf-8?q?a?= " * 500, "=?utf-8?q?a?= " * 500),
    ],
)
def test_subjects_are_read_or_left_as_they_came(raw: str, read: str) -> None:
    assert subject_of(raw) == read


def test_messages_are_found_by_outcome(page: Client, desk: rows.Desk) -> None:
    assert desk.message.subject in page.get("/messages?outcome=reported").content.decode()
    assert desk.message.subject not in page.get("/messages?outcome=needs_review").content.decode()


def test_a_moment_before_this_year_shows_its_year(page: Client, desk: rows.Desk) -> None:
    from abusedesk.web.templatetags.desk import at

    assert "2019" in str(at(datetime(2019, 5, 4, tzinfo=UTC)))
