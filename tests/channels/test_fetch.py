"""Channels that are asked: a Maildir, a watched folder, a real IMAP server; and the part that asks them."""

import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from abusedesk.channels import fetch, folder, maildir
from abusedesk.desk.channel import drivers
from abusedesk.records.models import Channel, Message
from abusedesk.records.payload import read_payload
from tests.channels.dovecot import USER, Dovecot, dovecot, is_there, password
from tests.channels.test_lmtp import eventually
from tests.desk.estate import complaint, provider

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _provider(transactional_db: Any) -> None:
    provider()


def channel(kind: str, **options: str) -> Channel:
    return Channel.objects.create(kind=kind, name=kind, options=options)


def ask(one: Channel) -> Channel:
    fetch.ask_once(one.pk)
    return Channel.objects.get(pk=one.pk)


def mail(number: int) -> bytes:
    return complaint(note=str(number))


# --- Maildir --------------------------------------------------------------------------------------------------------


@pytest.fixture
def box(tmp_path: Path) -> Path:
    for part in ("new", "cur", "tmp"):
        (tmp_path / part).mkdir()
    return tmp_path


def test_a_maildirs_new_messages_are_taken_and_moved_never_deleted(box: Path) -> None:
    (box / "new" / "1.host").write_bytes(mail(1))
    (box / "tmp" / "2.host").write_bytes(b"half writ")

    one = ask(channel("maildir", path=str(box)))

    assert [read_payload(message) for message in Message.objects.all()] == [mail(1)]
    assert [path.name for path in (box / "cur").iterdir()] == ["1.host:2,S"]
    assert [path.name for path in (box / "tmp").iterdir()] == ["2.host"]
    assert (one.error, one.backlog) == ("", 0)
    assert one.watermark is not None


def test_a_crash_between_the_commit_and_the_move_doubles_nothing(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (box / "new" / "1.host").write_bytes(mail(1))
    one = channel("maildir", path=str(box))
    with monkeypatch.context() as patch:
        patch.setattr(maildir, "_move_to_cur", lambda _: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        assert ask(one).error == "Input/output error"

    ask(one)

    assert Message.objects.count() == 1
    assert not list((box / "new").iterdir())


def test_while_some_are_left_the_watermark_stays(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maildir, "TOGETHER", 2)
    for number in range(5):
        (box / "new" / f"{number}.host").write_bytes(mail(number))
    one = channel("maildir", path=str(box))

    assert [(ask(one).backlog, ask(one).backlog)] == [(3, 1)]
    assert Channel.objects.get().watermark is None
    assert ask(one).watermark is not None
    assert Message.objects.count() == 5


def test_what_cannot_be_reached_is_said_and_the_watermark_stays(tmp_path: Path) -> None:
    one = ask(channel("maildir", path=str(tmp_path / "gone")))

    assert one.error == f"{tmp_path / 'gone'}: there is no such folder on the machine that runs the desk"
    assert one.failing_since is not None
    assert one.watermark is None


def test_a_failure_that_is_over_is_forgotten(box: Path) -> None:
    one = channel("maildir", path=str(box))
    Channel.objects.update(error="gone", failing_since=datetime.now(UTC))

    one = ask(one)

    assert (one.error, one.failing_since) == ("", None)


# --- watched folder -------------------------------------------------------------------------------------------------


def written(path: Path, data: bytes, ago: timedelta = timedelta(minutes=1)) -> Path:
    path.write_bytes(data)
    then = (datetime.now(UTC) - ago).timestamp()
    os.utime(path, (then, then))
    return path


def test_a_file_is_taken_when_it_is_complete(tmp_path: Path) -> None:
    written(tmp_path / "a.eml", mail(1))
    written(tmp_path / "b.eml", mail(2), timedelta(0))
    written(tmp_path / ".c.eml", mail(3))

    one = ask(channel("folder", path=str(tmp_path)))

    assert [read_payload(message) for message in Message.objects.all()] == [mail(1)]
    assert (one.backlog, one.watermark) == (1, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".c.eml", "b.eml", "taken"]


def test_a_name_that_was_taken_before_takes_nothing_away(tmp_path: Path) -> None:
    one = channel("folder", path=str(tmp_path))
    for number in range(3):
        written(tmp_path / "feed.csv", mail(number))
        ask(one)

    assert sorted(path.name for path in (tmp_path / folder.TAKEN).iterdir()) == ["feed-2.csv", "feed-3.csv", "feed.csv"]
    assert Message.objects.count() == 3


def test_a_mailbox_brings_each_of_its_mails(tmp_path: Path) -> None:
    box = b"".join(
        b"From a@example.net Mon Mar  2 10:00:00 2026\n" + mail(n).replace(b"\r\n", b"\n") + b"\n" for n in (1, 2)
    )
    written(tmp_path / "abuse.mbox", box)

    ask(channel("folder", path=str(tmp_path)))

    assert set(Message.objects.values_list("name", flat=True)) == {"abuse.mbox#1", "abuse.mbox#2"}


# --- IMAP -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[Dovecot]:
    if not is_there():
        pytest.skip("dovecot is not installed (apt-get install dovecot-imapd)")
    with dovecot() as running:
        yield running


@pytest.fixture
def imap(server: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Channel:
    from abusedesk.channels import imap as driver

    monkeypatch.setattr(driver, "IDLE_S", 0.2)
    secret = tmp_path / "password"
    secret.write_text(f"{password()}\n")
    return channel(
        "imap", host="127.0.0.1", port=str(server.port), security="none", user=USER, password_file=str(secret)
    )


def test_a_mailbox_is_taken_byte_for_byte_and_marked(server: Dovecot, imap: Channel) -> None:
    server.deliver("1.host", mail(1))
    server.deliver("2.host", mail(2))

    one = ask(imap)

    assert {read_payload(message) for message in Message.objects.all()} == {mail(1), mail(2)}
    assert one.error == ""
    assert one.memory["uid"] == 2
    assert sorted(path.name[-2:] for path in (server.maildir / "cur").iterdir()) == [",S", ",S"]


def test_the_next_round_begins_after_the_last_number(server: Dovecot, imap: Channel) -> None:
    server.deliver("1.host", mail(1))
    ask(imap)
    server.deliver("2.host", mail(2))
    ask(imap)

    assert Message.objects.count() == 2
    assert Channel.objects.get().memory["uid"] == 2


def test_another_uidvalidity_begins_anew_and_doubles_nothing(server: Dovecot, imap: Channel) -> None:
    server.deliver("1.host", mail(1))
    ask(imap)
    Channel.objects.update(memory={"uidvalidity": 1, "uid": 900})

    assert ask(imap).memory["uid"] == 1
    assert Message.objects.count() == 1


def test_what_was_taken_is_moved_where_the_operator_wants_it(server: Dovecot, imap: Channel) -> None:
    Channel.objects.update(options={**imap.options, "move_to": "Taken"})
    server.deliver("1.host", mail(1))

    ask(imap)

    assert len([path for path in server.maildir.glob(".Taken/*/*") if path.parent.name in {"new", "cur"}]) == 1
    assert Message.objects.count() == 1


def test_a_round_waits_for_the_server_to_speak_up(
    server: Dovecot, imap: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from abusedesk.channels import imap as driver

    monkeypatch.setattr(driver, "IDLE_S", 15)
    later = threading.Timer(0.5, server.deliver, ("1.host", mail(1)))
    later.start()
    began = time.monotonic()

    ask(imap)

    assert Message.objects.count() == 1
    assert time.monotonic() - began < 12


def test_a_wrong_password_is_said_in_the_servers_words(server: Dovecot, imap: Channel) -> None:
    Path(imap.options["password_file"]).write_text("wrong")

    one = ask(imap)

    assert one.error.startswith("the mail server refuses: ")
    assert one.watermark is None


def test_a_server_that_is_gone_is_said(imap: Channel, server: Dovecot) -> None:
    Channel.objects.update(options={**imap.options, "port": "1"})

    assert "refused" in ask(imap).error


# --- asking all -----------------------------------------------------------------------------------------------------


def test_what_the_console_changes_holds_at_once(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "LOOK_S", 0.05)
    monkeypatch.setattr(fetch, "EVERY_S", 0.05)
    one = channel("maildir", path=str(box))
    stop = threading.Event()
    asking = threading.Thread(target=fetch.run, args=(stop,))
    asking.start()
    try:
        (box / "new" / "1.host").write_bytes(mail(1))
        eventually(lambda: Message.objects.count() == 1)

        Channel.objects.filter(pk=one.pk).update(enabled=False)
        time.sleep(0.5)
        (box / "new" / "2.host").write_bytes(mail(2))
        time.sleep(0.5)
        assert Message.objects.count() == 1

        Channel.objects.filter(pk=one.pk).update(enabled=True)
        eventually(lambda: Message.objects.count() == 2)
    finally:
        stop.set()
        asking.join(30)


def test_a_channel_that_breaks_keeps_no_other_from_being_asked(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(_: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr("abusedesk.channels.places.folder", explode)
    assert ask(channel("maildir", path=str(box))).error == "RuntimeError: no"


def test_every_driver_says_what_it_needs_to_be_told() -> None:
    assert set(drivers()) == {"blocklist", "folder", "imap", "maildir", "mbox"}
    for one in drivers().values():
        assert one.title
        assert all(option.label for option in one.options)
