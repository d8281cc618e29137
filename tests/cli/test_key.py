"""`abusedesk key`: keys of the API are made, listed and revoked."""

from contextlib import nullcontext
from datetime import UTC, datetime

import pytest

from abusedesk.cli import key
from abusedesk.problem import Problem
from abusedesk.records import keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_this_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command opens a session of its own; here the test's is open already."""
    monkeypatch.setattr(key, "session", nullcontext)


def run(*arguments: str) -> None:
    assert key.run(list(arguments)) == 0


def test_what_is_printed_opens_and_is_revoked(capsys: pytest.CaptureFixture[str]) -> None:
    run("new", "watch", "--reporter", "watch@example.net", "--until", "2099-01-31")
    secret = capsys.readouterr().out.strip()
    found = keys.find(secret, datetime.now(UTC))
    assert found is not None
    assert str(found.expires_at) == "2099-01-31 23:59:59.999999+00:00"
    run("revoke", "watch")
    assert keys.find(secret, datetime.now(UTC)) is None


def test_the_list_shows_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    run("list")
    assert "no key yet" in capsys.readouterr().out
    run("new", "watch", "--reporter", "watch@example.net")
    secret = capsys.readouterr().out.strip()
    run("list")
    told = capsys.readouterr().out
    assert told.split()[:2] == ["watch", f"{secret[:14]}…"]
    assert secret not in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("new", "watch"), "say which, by mail address"),
        (("new", "x", "--scope", "telemetry"), "say which brand"),
        (("new", "x", "--scope", "upstream", "--scope", "reports", "--reporter", "x"), "say which brand"),
        (("new", "x", "--scope", "telemetry", "--brand", "nobody"), "no brand 'nobody'"),
        (("revoke", "watch"), "no key 'watch' stands"),
    ],
)
def test_what_cannot_be_is_said(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(Problem, match=said):
        run(*arguments)
