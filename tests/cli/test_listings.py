"""`abusedesk listings check`: every list that is set up asked about one address, and nothing recorded."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from abusedesk.cli import listings
from abusedesk.problem import Problem
from abusedesk.records.models import Channel, Listing, SweptBlock
from tests.desk.listings.nameserver import ZONE, NameServer, nameserver

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _open_session(monkeypatch: pytest.MonkeyPatch, db: Any) -> None:
    monkeypatch.setattr(listings, "session", nullcontext)


@pytest.fixture
def server() -> Iterator[NameServer]:
    with nameserver() as running:
        options = {"list": "own", "zone": ZONE, "accuses": "127.0.0.2", "nameservers": running.address}
        Channel.objects.create(kind="blocklist", name="bl", options={**options, "per_second": "500"})
        yield running


def test_a_clean_address(server: NameServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert listings.run(["check", "192.0.2.7"]) == 0
    assert capsys.readouterr().out == f"{ZONE}  not listed\n"
    assert not SweptBlock.objects.exists()


def test_a_listed_address(server: NameServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.list_("192.0.2.7", text="trap")
    assert listings.run(["check", "192.0.2.7"]) == 1
    assert capsys.readouterr().out == f"{ZONE}  listed (127.0.0.2): listed. trap\n"
    assert not Listing.objects.exists()


def test_a_list_that_does_not_answer_properly(server: NameServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.everything = ["127.0.0.2"]
    assert listings.run(["check", "192.0.2.7"]) == 1
    assert "not answering properly: it lists 127.0.0.1" in capsys.readouterr().out


def test_a_list_without_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    Channel.objects.create(kind="blocklist", name="dqs", options={"list": "spamhaus-dqs"})
    assert listings.run(["check", "192.0.2.7"]) == 1
    assert "needs the key of an account" in capsys.readouterr().out


def test_without_a_list_it_says_where_to_add_one() -> None:
    with pytest.raises(Problem, match="no blocklist is set up"):
        listings.run(["check", "192.0.2.7"])


def test_what_is_no_address_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        listings.run(["check", "x"])
    assert "is no address; write one such as 192.0.2.7" in capsys.readouterr().err
