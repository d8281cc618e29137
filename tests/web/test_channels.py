"""The channels' pages: their health, and how those that are asked are set up."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from abusedesk.records.models import Channel
from abusedesk.vocabulary.permission import CHANNELS


@pytest.fixture
def keeper(page: Client, staff: Any) -> Client:
    staff.groups.add(Group.objects.create(name=CHANNELS))
    return page


def text(response: Any) -> str:
    body: str = response.content.decode()
    return body


def given(path: Path, **changed: str) -> dict[str, str]:
    return {"name": "feeds", "brand": "", "carries_answers": "on", "option_path": str(path), **changed}


def test_the_empty_page_says_how_anything_comes_in(page: Client) -> None:
    assert "Nothing comes in by itself yet" in text(page.get("/channels"))


def test_a_channel_that_fails_shows_why_and_since_when(page: Client) -> None:
    Channel.objects.create(kind="imap", name="box", error="Connection refused", failing_since=timezone.now())

    shown = text(page.get("/channels"))

    assert "cannot be reached" in shown
    assert "Connection refused · since" in shown


@pytest.mark.parametrize("path", ["/channels/new/folder", "/channels/1/switch"])
def test_channels_are_changed_by_few(path: str, page: Client, db: Any) -> None:
    Channel.objects.create(pk=1, kind="folder", name="feeds")
    assert page.post(path).status_code == 403


def test_a_channel_is_added_changed_and_switched_off(keeper: Client, tmp_path: Path) -> None:
    keeper.post("/channels/new/folder", given(tmp_path))
    one = Channel.objects.get()
    assert (one.kind, one.name, one.options) == ("folder", "feeds", {"path": str(tmp_path)})
    assert one.carries_answers

    other = tmp_path / "other"
    other.mkdir()
    Channel.objects.update(memory={"uid": 3}, error="gone")
    keeper.post(f"/channels/{one.pk}", given(other, name="more-feeds", carries_answers=""))
    one.refresh_from_db()
    assert (one.name, one.options, one.memory, one.error) == ("more-feeds", {"path": str(other)}, {}, "")
    assert str(other) in text(keeper.get(f"/channels/{one.pk}"))

    keeper.post(f"/channels/{one.pk}/switch")
    one.refresh_from_db()
    assert not one.enabled


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"option_path": "relative"}, "Write the whole path"),
        ({"option_path": "/no/such/folder"}, "There is no such folder"),
        ({"option_path": ""}, "This field is required"),
        ({"name": "Feeds And More"}, "Small letters, digits and hyphens only"),
        ({"name": "taken"}, "Another channel has this name"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(changed: dict[str, str], said: str, keeper: Client, tmp_path: Path) -> None:
    Channel.objects.create(kind="lmtp", name="taken")

    response = keeper.post("/channels/new/folder", given(tmp_path, **changed))

    assert response.status_code == 422
    assert said in text(response)
    assert Channel.objects.count() == 1


@pytest.mark.parametrize("kind", ["lmtp", "nothing"])
def test_only_what_is_asked_can_be_added(kind: str, keeper: Client, db: Any) -> None:
    assert keeper.get(f"/channels/new/{kind}").status_code == 404
