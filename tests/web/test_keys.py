"""The keys' pages: made and shown once, listed without their secret, revoked."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from abusedesk.records import keys
from abusedesk.records.models import ApiKey, Channel
from abusedesk.vocabulary.permission import API_KEYS
from tests.web import rows


@pytest.fixture
def keeper(page: Client, staff: Any) -> Client:
    staff.groups.add(Group.objects.create(name=API_KEYS))
    return page


def text(response: Any) -> str:
    body: str = response.content.decode()
    return body


def given(**changed: Any) -> dict[str, Any]:
    return {"label": "watch", "scope": "reports", "reporter": "Watch@example.net", "per_minute": "600"} | changed


def test_a_new_key_is_shown_once_and_kept_as_a_digest_alone(keeper: Client) -> None:
    shown = keeper.post("/keys/new", given())
    found = re.search(keys.PATTERN, text(shown))
    assert found is not None
    assert "no-store" in shown["Cache-Control"]

    key = ApiKey.objects.get()
    assert keys.find(found[0], datetime.now(UTC)) == key
    assert (key.reporter and key.reporter.key, key.made_by) == ("watch@example.net", "ann")
    assert found[0] not in text(keeper.get("/keys"))
    assert found[0][:14] in text(keeper.get("/keys"))


def test_the_channel_shows_as_soon_as_there_is_a_key(keeper: Client) -> None:
    keeper.post("/keys/new", given())
    channel = Channel.objects.get(name="api")
    assert (channel.kind, channel.always_current, channel.carries_answers) == ("api", True, False)
    assert "always current" in text(keeper.get("/channels"))


def test_a_revoked_key_opens_nothing_and_stays_in_the_list(keeper: Client) -> None:
    key, secret = keys.make(keys.Wanted("watch", ["reports"], "watch@example.net"), "ann", datetime.now(UTC))
    keeper.post(f"/keys/{key.pk}/revoke")
    assert keys.find(secret, datetime.now(UTC)) is None
    assert "by ann" in text(keeper.get("/keys"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"scope": ""}, "This field is required"),
        ({"reporter": ""}, "is a reporter"),
        ({"scope": "telemetry", "reporter": ""}, "say which brand"),
        ({"expires": "2020-01-01"}, "expired already"),
        ({"per_minute": "0"}, "greater than or equal to 1"),
        ({"label": "taken"}, "There is a key &#x27;taken&#x27; already"),
    ],
)
def test_what_could_not_be_used_is_refused_in_words(changed: dict[str, Any], said: str, keeper: Client) -> None:
    keys.make(keys.Wanted("taken", ["reports"], "x@example.net"), "ann", datetime.now(UTC))
    response = keeper.post("/keys/new", given(**changed))
    assert response.status_code == 422
    assert said in text(response)
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("path", ["/keys/new", "/keys/1/revoke"])
def test_keys_are_made_by_few(path: str, page: Client) -> None:
    assert page.post(path).status_code == 403


def test_the_empty_page_says_what_a_key_is_for(page: Client, desk: rows.Desk) -> None:
    assert "/api/v1/reports" in text(page.get("/keys"))
