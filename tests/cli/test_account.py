"""`abusedesk account`: staff are made, put into groups, closed and opened, without a shell of the framework."""

from typing import Any

import pytest
from django.contrib.auth import authenticate, get_user_model

from abusedesk.cli import account
from abusedesk.problem import Problem
from abusedesk.vocabulary.permission import GROUPS, POLICY_PUBLISHERS
from abusedesk.web import readers

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_this_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command opens a session of its own; here the test's is open already."""
    from contextlib import nullcontext

    monkeypatch.setattr(account, "session", nullcontext)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)


def run(*arguments: str) -> None:
    assert account.run(list(arguments)) == 0


def user(name: str) -> Any:
    return get_user_model().objects.get(username=name)


def test_a_new_account_signs_in_with_the_password_that_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    run("add", "ann")

    shown = capsys.readouterr().out.split()[-1]
    assert authenticate(username="ann", password=shown) == user("ann")
    assert not user("ann").is_superuser


def test_an_administrator_may_do_everything(capsys: pytest.CaptureFixture[str]) -> None:
    run("add", "ada", "--admin")

    assert user("ada").is_superuser
    assert all(may(user("ada")) for may in MAY)


MAY = (
    readers.may_read_restricted,
    readers.may_publish,
    readers.may_change_reading,
    readers.may_change_channels,
    readers.may_keep_keys,
    readers.may_change_inventories,
    readers.may_change_reporters,
    readers.may_mark_services,
    readers.may_suppress,
    readers.may_set_up_alerts,
    readers.is_approver,
)


@pytest.mark.parametrize(("group", "may"), list(zip(GROUPS, MAY, strict=True)))
def test_each_group_allows_one_thing(group: str, may: Any) -> None:
    run("add", "ann")
    run("grant", "ann", group)
    assert [one(user("ann")) for one in MAY] == [one is may for one in MAY]

    run("revoke", "ann", group)
    assert not may(user("ann"))


def test_a_closed_account_signs_in_no_more_until_it_is_opened(capsys: pytest.CaptureFixture[str]) -> None:
    run("add", "ann")
    shown = capsys.readouterr().out.split()[-1]
    run("close", "ann")
    assert authenticate(username="ann", password=shown) is None
    run("open", "ann")
    assert authenticate(username="ann", password=shown) is not None


def test_the_last_administrator_stays() -> None:
    run("add", "ada", "--admin")
    with pytest.raises(Problem, match="the last administrator"):
        run("close", "ada")


def test_a_new_password_takes_the_old_ones_place(capsys: pytest.CaptureFixture[str]) -> None:
    run("add", "ann")
    old = capsys.readouterr().out.split()[-1]
    run("password", "ann")
    new = capsys.readouterr().out.split()[-1]
    assert authenticate(username="ann", password=old) is None
    assert authenticate(username="ann", password=new) is not None


@pytest.mark.parametrize(("arguments", "said"), [(("add", "Ann"), "already"), (("close", "bob"), "no account 'bob'")])
def test_what_cannot_be_is_said(arguments: tuple[str, ...], said: str) -> None:
    run("add", "ann")
    with pytest.raises(Problem, match=said):
        run(*arguments)


def test_the_list_tells_who_may_what(capsys: pytest.CaptureFixture[str]) -> None:
    run("list")
    assert "no account yet" in capsys.readouterr().out
    run("add", "ann")
    run("grant", "ann", POLICY_PUBLISHERS)
    run("close", "ann")
    capsys.readouterr()

    run("list")

    assert capsys.readouterr().out.split() == ["ann", "policy", "publishers", "closed"]
