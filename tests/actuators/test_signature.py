"""What the brands send is signed by a key of the sender's own domain, and nothing else is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dkim
import pytest

from abusedesk.actuators.mail import Down, Letter, post
from abusedesk.actuators.signature import Key, key_for, keys, make, record
from abusedesk.cli.main import main
from abusedesk.problem import Problem
from tests.contract.mailbox import Mailbox, mailbox

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LETTER = Letter(
    sender="abuse@jim.example.org",
    sender_name="Jim, 客服",
    envelope="bounce+x@jim.example.org",
    to="customer@example.net",
    subject="投诉 about 192.0.2.7",
    text="A line\nand ünother.\n.\n" + "long " * 400,
    message_id="<1@jim.example.org>",
    written_at=NOW,
)


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.CONFIGURATION = replace(settings.CONFIGURATION, data=tmp_path)
    return tmp_path / "dkim"


@pytest.fixture
def server(settings: Any) -> Iterator[Mailbox]:
    with mailbox() as one:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", one.port, 5
        yield one


def delivered(server: Mailbox, letter: Letter = LETTER) -> bytes:
    with post() as way:
        way.send(letter)
    return bytes(server.got[-1].original_content)


def holds(mail: bytes, key: Key) -> bool:
    return bool(
        dkim.verify(mail, dnsfunc=lambda name, timeout=5: {f"{key.name}.": record(key)}[name.decode()].encode())
    )


def test_what_arrives_at_another_server_verifies_by_the_published_record(folder: Path, server: Mailbox) -> None:
    key = make("jim.example.org", folder, NOW)
    mail = delivered(server)
    assert holds(mail, key)
    assert not holds(mail.replace(b"customer@example.net", b"other@example.net"), key)


def test_a_second_sender_cannot_be_put_beside_the_first(folder: Path, server: Mailbox) -> None:
    key = make("jim.example.org", folder, NOW)
    assert not holds(b"From: bank@example.com\r\n" + delivered(server), key)


def test_a_domain_without_a_key_is_not_signed_by_anothers(folder: Path, server: Mailbox) -> None:
    make("jim.example.org", folder, NOW)
    assert b"DKIM-Signature" not in delivered(server, replace(LETTER, sender="abuse@scali.example.org"))


def test_the_newest_key_of_a_domain_signs(folder: Path) -> None:
    old, new = (make("jim.example.org", folder, NOW + timedelta(days=days)) for days in (0, 1))
    other = make("scali.example.org", folder, NOW)
    assert key_for("abuse@JIM.example.org", folder) == new
    assert keys(folder) == [new, old, other]


@pytest.mark.parametrize("sender", ["", "abuse", "abuse@", "abuse@../jim.example.org", "abuse@..", "abuse@."])
def test_no_sender_leads_out_of_the_folder(sender: str, folder: Path) -> None:
    make("jim.example.org", folder, NOW)
    assert key_for(sender, folder / "scali.example.org") is None


def test_with_a_broken_key_nothing_goes_out_unsigned(folder: Path, server: Mailbox) -> None:
    make("jim.example.org", folder, NOW).file.write_text("nonsense")
    with pytest.raises(Down, match="cannot sign"):
        delivered(server)
    assert not server.got


def test_a_key_is_for_its_owner_alone(folder: Path) -> None:
    key = make("jim.example.org", folder, NOW)
    assert key.file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Problem, match="File exists"):
        make("jim.example.org", folder, NOW)


def test_the_command_says_what_has_to_stand_in_the_dns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ABUSEDESK_DATA", str(tmp_path))
    assert main(["dkim", "list"]) == 0
    assert "there is no key" in capsys.readouterr().out
    assert main(["dkim", "new", "jim.example.org"]) == 0
    said = capsys.readouterr().out
    (key,) = keys(tmp_path / "dkim")
    assert said.startswith(f"{key.name}  TXT  v=DKIM1; k=rsa; p=MII")
    assert main(["dkim", "new", "../jim"]) == 2
    assert "'../jim' is no domain" in capsys.readouterr().err


def test_a_sender_whose_name_fills_a_line_is_signed_for(folder: Path, server: Mailbox) -> None:
    key = make("jim.example.org", folder, NOW)
    assert holds(delivered(server, replace(LETTER, sender_name="滥用处理部门 " * 12)), key)
