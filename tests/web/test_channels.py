"""The channels' pages: their health, and how those that are asked are set up."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from abusedesk.records.models import Channel
from abusedesk.vocabulary.permission import CHANNELS
from tests.desk.estate import provider, with_addresses


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


# --- blocklists -----------------------------------------------------------------------------------------------------


def blocklist(keeper: Client, **options: str) -> Any:
    given = {"option_list": "spamcop", "option_ipv6": "no", **{f"option_{name}": one for name, one in options.items()}}
    return keeper.post("/channels/new/blocklist", {"name": "bl", **given}, follow=True)


def test_a_blocklist_says_up_front_how_long_a_sweep_takes(keeper: Client) -> None:
    with_addresses(provider())

    assert "16 addresses at 10 a second take 2 s, every 24 h." in text(blocklist(keeper, per_second="10"))
    assert Channel.objects.get().carries_answers is False


def test_without_addresses_a_blocklist_says_so(keeper: Client) -> None:
    assert "No service holds an address yet" in text(blocklist(keeper))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"list": "own"}, "Say where your list is asked"),
        ({"list": "own", "zone": "dnsbl.sorbs.net"}, "SORBS was closed on 5 June 2024"),
        ({"list": "own", "zone": "nonsense"}, "A zone is a domain name"),
        ({"list": "own", "zone": "bl.example.net", "accuses": "127.255.255.254"}, "is no return code"),
        ({"zone": "bl.example.net"}, "SpamCop is asked at bl.spamcop.net; leave this empty."),
        ({"list": "spamhaus-dqs"}, "It answers only to accounts"),
        ({"nameservers": "ns.example.net"}, "is no address"),
        ({"per_second": "0"}, "A number from 1 to 20000."),
        ({"hours": "x"}, "Hours, from 0.25 to 744."),
        ({"list": "gone"}, "Select a valid choice"),
    ],
)
def test_a_blocklist_that_is_not_told_enough_is_refused(keeper: Client, options: dict[str, str], says: str) -> None:
    answer = blocklist(keeper, **options)

    assert answer.status_code == 422
    assert says in answer.content.decode().replace("&#x27;", "'")
    assert not Channel.objects.exists()


def test_a_list_of_ones_own_is_taken(keeper: Client) -> None:
    blocklist(
        keeper, list="own", zone="bl.example.net", accuses="127.0.0.2, 127.0.0.4-7", nameservers="192.0.2.53:5353"
    )

    one = Channel.objects.get()
    assert (one.kind, one.options["zone"]) == ("blocklist", "bl.example.net")


def test_a_blocklist_that_was_swept_hours_ago_is_not_late(page: Client) -> None:
    then = timezone.now() - timedelta(hours=20)
    Channel.objects.create(kind="blocklist", name="bl", options={"list": "spamcop"}, watermark=then)

    assert '<span class="tag good">read up to 20 h ago</span>' in page.get("/channels").content.decode()
