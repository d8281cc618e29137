"""`abusedesk inventory` against a NetBox over HTTP."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abusedesk.cli import inventory as command
from abusedesk.problem import Problem
from abusedesk.records.models import Assignment, Comparison, Inventory
from tests.desk.estate import provider
from tests.inventories.netbox import TOKEN, NetBox, netbox


@pytest.fixture
def box() -> Iterator[NetBox]:
    with netbox() as made:
        made.address("192.0.2.10/24", made.machine("vps-1", made.tenant("acme")))
        yield made


@pytest.fixture
def source(db: None, box: NetBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inventory:
    monkeypatch.setattr(command, "session", lambda **_: contextlib.nullcontext())
    (tmp_path / "token").write_text(TOKEN)
    return Inventory.objects.create(
        brand=provider().brand,
        kind="netbox",
        name="netbox",
        options={"url": box.url, "token_file": str(tmp_path / "token")},
        rank_customers=1,
        rank_services=1,
        rank_assignments=1,
    )


def test_a_first_reading_waits_and_is_applied(source: Inventory, capsys: Any) -> None:
    assert command.run(["compare", "netbox"]) == 1
    said = capsys.readouterr()
    assert "begun  192.0.2.10/32  vps-1" in said.out
    assert "it waits for a person, for it is the first reading" in said.err
    assert command.run(["apply", "netbox", "--by", "ann"]) == 0
    assert Assignment.objects.get().service.ref == "vps-1"
    assert command.run(["list"]) == 0
    assert "read just now" in capsys.readouterr().out


def test_a_dry_run_writes_nothing(source: Inventory, capsys: Any) -> None:
    assert command.run(["compare", "netbox", "--dry-run", "--csv"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "change,subject,before,after,at"
    assert not Comparison.objects.exists()


def test_a_rejected_one_changes_nothing(source: Inventory) -> None:
    command.run(["compare", "netbox"])
    assert command.run(["reject", "netbox", "--by", "ann"]) == 0
    assert Comparison.objects.get().state == "rejected"
    assert not Assignment.objects.exists()


def test_the_last_one_is_taken_back(source: Inventory, capsys: Any) -> None:
    command.run(["compare", "netbox"])
    command.run(["apply", "netbox", "--by", "ann"])
    assert command.run(["undo", "netbox", "--by", "ann"]) == 0
    assert "taken back: 1 customers new, 1 services new, 1 prefixes begun;" in capsys.readouterr().out
    assert not Assignment.objects.exists()


def test_one_that_cannot_be_read_says_why_and_keeps_it(source: Inventory, box: NetBox) -> None:
    Path(source.options["token_file"]).write_text("wrong")
    with pytest.raises(Problem, match="the token may not do that"):
        command.run(["compare", "netbox"])
    source.refresh_from_db()
    assert source.failing_since is not None
    assert command.run(["list"]) == 1


def test_an_unknown_name_is_answered_with_the_known(source: Inventory) -> None:
    with pytest.raises(Problem, match="there is no inventory 'nextbox'; there are: netbox"):
        command.run(["compare", "nextbox"])


def test_nothing_that_waits_is_said(source: Inventory) -> None:
    with pytest.raises(Problem, match="no difference of netbox is waiting"):
        command.run(["apply", "netbox", "--by", "ann"])
