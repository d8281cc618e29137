"""A mailbox file: only what is new, only what is whole, and never a byte written to it."""

import fcntl
import mailbox
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from abusedesk.channels import fetch, mbox
from abusedesk.records.models import Channel, Message
from abusedesk.records.payload import read_payload
from tests.desk.estate import complaint, provider

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _provider(transactional_db: Any) -> None:
    provider()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    path = tmp_path / "abuse"
    path.touch()
    return path


def mail(number: int) -> bytes:
    return complaint(note=str(number)).replace(b"\r\n", b"\n")


def deliver(spool: Path, *numbers: int) -> None:
    """As a delivery agent does it: the library locks by fcntl and by a lock file."""
    box = mailbox.mbox(spool)
    box.lock()
    for number in numbers:
        box.add(mail(number))
    box.flush()
    box.unlock()
    box.close()


def channel(spool: Path) -> Channel:
    return Channel.objects.create(kind="mbox", name="mbox", options={"path": str(spool)})


def ask(one: Channel) -> Channel:
    fetch.ask_once(one.pk)
    return Channel.objects.get(pk=one.pk)


def taken() -> list[str]:
    return sorted(str(number) for number in range(60) if any(_holds(one, number) for one in Message.objects.all()))


def _holds(message: Message, number: int) -> bool:
    return f"Message-ID: <{number}@example.com>".encode() in (read_payload(message) or b"")


def test_each_mail_is_taken_once_and_the_file_stays_as_it_is(spool: Path) -> None:
    deliver(spool, 1, 2)
    before = spool.read_bytes()
    one = ask(channel(spool))
    assert (taken(), one.error, one.backlog) == (["1", "2"], "", 0)
    assert one.watermark is not None
    assert spool.read_bytes() == before


def test_a_later_round_takes_only_what_was_appended(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = channel(spool)
    deliver(spool, 1)
    ask(one)
    deliver(spool, 2)
    seen: list[int] = []
    real = mbox.take
    monkeypatch.setattr(mbox, "take", lambda channel, found: (seen.append(len(found)), real(channel, found)))
    ask(one)
    assert (seen, taken()) == ([1], ["1", "2"])


def test_an_empty_mailbox_is_read_up_to_now(spool: Path) -> None:
    assert ask(channel(spool)).watermark is not None


@contextmanager
def held_by_another(spool: Path) -> Iterator[None]:
    """A process of its own writes: locks by fcntl belong to a process."""
    context = multiprocessing.get_context("fork")
    ready, done = context.Event(), context.Event()

    def write() -> None:
        with spool.open("ab") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            file.write(b"From a@example.net Mon Mar  2 10:00:00 2026\nhalf")
            file.flush()
            ready.set()
            done.wait(20)
            file.truncate(0)
        os._exit(0)

    writer = context.Process(target=write)
    writer.start()
    assert ready.wait(20)
    yield
    done.set()
    writer.join(20)


def test_while_somebody_writes_nothing_is_taken_and_deadlines_wait(spool: Path) -> None:
    with held_by_another(spool):
        one = ask(channel(spool))
        assert (Message.objects.count(), one.watermark, one.error) == (0, None, "")
    deliver(spool, 1)
    assert ask(one).watermark is not None
    assert taken() == ["1"]


def test_a_lock_file_is_waited_for(spool: Path) -> None:
    deliver(spool, 1)
    lock = Path(f"{spool}.lock")
    lock.touch()
    one = ask(channel(spool))
    assert (Message.objects.count(), one.watermark) == (0, None)
    lock.unlink()
    ask(one)
    assert taken() == ["1"]


def test_a_forgotten_lock_file_is_said(spool: Path) -> None:
    lock = Path(f"{spool}.lock")
    lock.touch()
    long_ago = (datetime.now(UTC) - timedelta(hours=1)).timestamp()
    os.utime(lock, (long_ago, long_ago))
    assert "remove it if nobody delivers" in ask(channel(spool)).error


def test_a_mail_program_that_rewrites_the_file_doubles_nothing(spool: Path) -> None:
    one = channel(spool)
    deliver(spool, 1, 2, 3)
    ask(one)
    _, second = spool.read_bytes().split(b"\n\nFrom ", 1)
    spool.write_bytes(
        b"From "
        + second.replace(b"\n\n--part\nContent-Type: text", b"\nStatus: RO\nX-UID: 7\n\n--part\nContent-Type: text")
    )
    deliver(spool, 4)
    ask(one)
    assert taken() == ["1", "2", "3", "4"]
    assert Message.objects.count() == 4


def test_a_file_that_began_anew_is_read_from_its_start(spool: Path) -> None:
    one = channel(spool)
    deliver(spool, 1, 2, 3)
    ask(one)
    spool.write_bytes(b"")
    deliver(spool, 4)
    ask(one)
    assert taken() == ["1", "2", "3", "4"]


def test_a_large_mailbox_is_read_in_pieces(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mbox, "TOGETHER_BYTES", 3000)
    deliver(spool, *range(30))
    one = channel(spool)
    rounds = 0
    while one.watermark is None:
        one = ask(one)
        rounds += 1
    assert rounds > 5
    assert len(taken()) == Message.objects.count() == 30


def test_what_is_no_mailbox_is_said(spool: Path) -> None:
    spool.write_bytes(b"ip,when\n192.0.2.1,now\n")
    one = ask(channel(spool))
    assert "is no mbox" in one.error
    assert one.watermark is None


def test_a_mailbox_that_is_gone_is_said(tmp_path: Path) -> None:
    assert "there is no such file" in ask(channel(tmp_path / "gone")).error


def test_an_empty_line_before_what_was_appended_loses_nothing(spool: Path) -> None:
    one = channel(spool)
    spool.write_bytes(b"From a@example.net Mon Mar  2 10:00:00 2026\n" + mail(1))
    ask(one)
    with spool.open("ab") as file:
        file.write(b"\nFrom a@example.net Mon Mar  2 10:00:00 2026\n" + mail(2))
    ask(one)
    assert taken() == ["1", "2"]
