"""`abusedesk ingest` as its user meets it: everything accounted for, nothing twice, and bad input is one line."""

import contextlib
import io
import os
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from abusedesk.cli import ingest
from abusedesk.cli.inputs import Input, Unreadable, inputs
from abusedesk.desk.receive import Incoming, receive
from abusedesk.problem import Problem
from abusedesk.records.models import (
    Assignment,
    Brand,
    Case,
    Channel,
    Customer,
    Decision,
    EventSeen,
    Message,
    MessageSeen,
    Report,
    Review,
    Service,
)

ARF = """From: feedback@loop.example.org
To: abuse@jimcloud.example
Subject: complaint {number}
Date: Mon, 02 Mar 2026 09:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an email abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Loop/1.0
Version: 1
Source-IP: 192.0.2.{number}
Arrival-Date: Mon, 02 Mar 2026 08:5{number}:00 +0000

--b
Content-Type: message/rfc822

From: shop@sender.example
Subject: Buy now

Hello.

--b--
"""


def mail(number: int) -> bytes:
    return ARF.format(number=number).encode()


def brand_with_a_service() -> None:
    made = Brand.objects.create(slug="jimcloud", name="JimCloud", pack="jimcloud", sender="abuse@jimcloud.example")
    since = datetime(2025, 1, 1, tzinfo=UTC)
    customer = Customer.objects.create(brand=made, ref="c", name="Jo", since=since)
    service = Service.objects.create(brand=made, ref="s", customer=customer, since=since)
    Assignment.objects.create(service=service, prefix="192.0.2.0/24", period=(since, None))


@pytest.fixture
def desk(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "session", lambda **_: contextlib.nullcontext(SimpleNamespace()))
    brand_with_a_service()


def table(text: str) -> dict[str, int]:
    rows = [line.rsplit(None, 1) for line in text.splitlines() if line and line[-1].isdigit()]
    return {name.strip(): int(count.replace(",", "")) for name, count in rows}


# --- inputs ---------------------------------------------------------------------------------------------------------


def test_a_folder_is_walked_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b.eml", "a.eml", "c/d.eml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    assert [one.name for one in inputs([tmp_path]) if isinstance(one, Input)] == ["a.eml", "b.eml", "d.eml"]


def test_of_a_maildir_only_delivered_mail_is_taken(tmp_path: Path) -> None:
    for name in ("cur/1", "new/2", "tmp/3", ".Sent/cur/4", "dovecot.index"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert [one.name for one in inputs([tmp_path]) if isinstance(one, Input)] == ["4", "1", "2"]


def test_a_mailbox_is_read_mail_by_mail(tmp_path: Path) -> None:
    path = tmp_path / "box"
    path.write_bytes(b"".join(b"From a@b Mon Mar  2 09:00:00 2026\n" + mail(number) + b"\n" for number in (1, 2, 3)))
    found = [one for one in inputs([path]) if isinstance(one, Input)]
    assert [one.name for one in found] == ["box#1", "box#2", "box#3"]
    assert b"complaint 2" in found[1].data


def test_an_archive_is_opened_and_its_members_keep_their_names(tmp_path: Path) -> None:
    path = tmp_path / "day.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("2026-03-02-scan_x.csv", "a,b\n1,2\n")
        archive.writestr("one.eml", mail(1))
    assert [one.name for one in inputs([path]) if isinstance(one, Input)] == ["2026-03-02-scan_x.csv", "one.eml"]


def test_an_archive_that_cannot_be_opened_is_a_message_itself(tmp_path: Path) -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("one.eml", mail(1))
    path = tmp_path / "broken.zip"
    path.write_bytes(whole.getvalue()[:100])
    assert [one.name for one in inputs([path]) if isinstance(one, Input)] == ["broken.zip"]


def test_members_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    path = tmp_path / "half.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.eml", mail(1))
        archive.writestr("two.eml", mail(2))
    damaged = path.read_bytes().replace(b"complaint 2", b"complaint X")
    path.write_bytes(damaged)
    first, second = inputs([path])
    assert isinstance(first, Input)
    assert isinstance(second, Unreadable)
    assert second.reason.startswith("1 of its members cannot be read")


def test_a_link_in_a_circle_does_not_go_on_for_ever(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"x")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    assert len(list(inputs([tmp_path]))) == 1


def test_what_is_neither_file_nor_folder_is_told_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    [found] = inputs([tmp_path])
    assert isinstance(found, Unreadable)
    assert "neither a file nor a folder" in found.reason


# --- the command ----------------------------------------------------------------------------------------------------


def test_everything_is_accounted_for(desk: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.eml").write_bytes(mail(number))
    (tmp_path / "twice.eml").write_bytes(mail(1))
    (tmp_path / "truncated.json").write_bytes(b'{"xarf_version": "4.2.0", "report')
    assert ingest.run([str(tmp_path), "--processes", "1"]) == 0
    counted = table(capsys.readouterr().out)
    assert (counted["taken"], counted["reported"], counted["already known"]) == (3, 2, 1)
    assert counted["needs review"] + counted["rejected"] == 1
    assert Case.objects.get().reports == 2
    assert Review.objects.filter(case=None).count() == 1
    assert not MessageSeen.objects.filter(read_at=None).exists()


def test_a_second_run_adds_nothing(desk: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "1.eml").write_bytes(mail(1))
    ingest.run([str(tmp_path)])
    capsys.readouterr()
    assert ingest.run([str(tmp_path)]) == 0
    counted = table(capsys.readouterr().out)
    assert (counted["taken"], counted["already known"]) == (0, 1)
    assert Case.objects.get().reports == 1


def test_what_a_killed_run_took_in_is_decided_by_the_next(desk: None, tmp_path: Path) -> None:
    (tmp_path / "1.eml").write_bytes(mail(1))
    receive(Incoming(mail(1), "ingest", datetime.now(UTC), "1.eml", Brand.objects.get().pk))
    assert ingest.run([str(tmp_path)]) == 0
    assert Case.objects.get().reports == 1


def test_what_cannot_be_read_is_one_line_and_the_rest_goes_on(
    desk: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "1.eml").write_bytes(mail(1))
    gone = tmp_path / "gone"
    assert ingest.run([str(gone), str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert f"{gone}: cannot be read (No such file or directory)" in err
    assert (table(out)["taken"], table(out)["unreadable"]) == (1, 1)


def test_a_mail_of_25_megabytes_is_taken(desk: None, tmp_path: Path) -> None:
    (tmp_path / "large.eml").write_bytes(mail(1).replace(b"Hello.", b"Hello. " * 3_700_000))
    assert ingest.run([str(tmp_path)]) == 0
    message = Message.objects.filter(name="large.eml").latest("received_at")
    assert message.size > 25_000_000
    assert message.outcome == "reported"


def test_an_unknown_brand_or_channel_is_refused_with_those_there_are(desk: None, tmp_path: Path) -> None:
    Channel.objects.create(name="mailbox", kind="imap")
    with pytest.raises(Problem, match="there is no brand 'jim'; give --brand with one of jimcloud"):
        ingest.run([str(tmp_path), "--brand", "jim"])
    with pytest.raises(Problem, match="there is no channel 'letterbox'; there are: mailbox"):
        ingest.run([str(tmp_path), "--channel", "letterbox"])


def many_mails(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        one = ARF.replace("08:5{number}:00", f"08:{number // 60:02}:{number % 60:02}")
        (folder / f"{number}.eml").write_text(one.format(number=number % 9 + 1))
    return folder


def command(mails: Path, database_url: str, processes: int) -> dict[str, Any]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "abusedesk.settings",
        "ABUSEDESK_DATABASE_URL": database_url,
        "ABUSEDESK_DATA": str(mails.parent / "data"),
    }
    words = [sys.executable, "-m", "abusedesk.cli", "ingest", str(mails), "--processes", str(processes)]
    return {"args": words, "env": environment, "text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


def test_helping_processes_take_part_and_end(transactional_db: None, database_url: str, tmp_path: Path) -> None:
    brand_with_a_service()
    done = subprocess.run(**command(many_mails(tmp_path / "mails", 1200), database_url, 2), timeout=120, check=False)
    assert (done.returncode, table(done.stdout).get("reported")) == (0, 1200), done.stderr
    assert Case.objects.get().occurrences == 1


def test_a_run_that_was_killed_is_finished_by_the_next(
    transactional_db: None, database_url: str, tmp_path: Path
) -> None:
    brand_with_a_service()
    mails = many_mails(tmp_path / "mails", 900)
    with subprocess.Popen(**command(mails, database_url, 1)) as running:
        while running.poll() is None and not Decision.objects.exists():
            time.sleep(0.01)
        running.kill()
    decided = Decision.objects.count()
    assert 0 < decided < 900
    MessageSeen.objects.filter(read_at=None).update(lease_until=None)  # As five minutes later.
    done = subprocess.run(**command(mails, database_url, 1), timeout=120, check=False)
    assert (done.returncode, table(done.stdout)["taken"] + table(done.stdout)["already known"]) == (0, 900), done.stderr
    assert Report.objects.count() == Decision.objects.count() == EventSeen.objects.count() == 900
    assert (Case.objects.get().reports, Case.objects.get().events) == (900, 900)
    assert not MessageSeen.objects.filter(read_at=None).exists()
