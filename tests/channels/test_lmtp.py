"""Real LMTP and SMTP conversations over loopback, with the standard library's clients as mail servers."""

import asyncio
import contextlib
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from abusedesk.channels import delivery, lmtp, peers
from abusedesk.configuration import Listen
from abusedesk.problem import Problem
from abusedesk.records.models import BrandAddress, Channel, Message
from abusedesk.records.payload import read_payload
from tests.channels.certificate import self_signed
from tests.desk.estate import complaint, provider

pytestmark = pytest.mark.django_db(transaction=True)

JIM = "abuse@jim.example.org"
SMALL_MB = 1


@dataclass
class Doors:
    """Both listeners, running."""

    lmtp_port: int
    smtp_port: int

    @contextlib.contextmanager
    def lmtp(self) -> Iterator[smtplib.LMTP]:
        with smtplib.LMTP("127.0.0.1", self.lmtp_port, local_hostname="mx.example.net", timeout=60) as client:
            client.ehlo_or_helo_if_needed()
            yield client

    @contextlib.contextmanager
    def smtp(self) -> Iterator[smtplib.SMTP]:
        with smtplib.SMTP("127.0.0.1", self.smtp_port, local_hostname="mx.example.net", timeout=60) as client:
            yield client

    def deliver(self, mail: bytes, to: str = JIM) -> None:
        with self.lmtp() as client:
            client.sendmail("fbl@isp.example.net", [to], mail)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def eventually(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def connects(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@pytest.fixture
def doors(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doors]:
    provider()
    monkeypatch.setattr(peers, "ROOM_MB", 1)
    monkeypatch.setattr(peers, "HURRY_S", 0.5)
    one = Doors(free_port(), free_port())
    certificate, key = self_signed(tmp_path)
    settings.CONFIGURATION = replace(
        settings.CONFIGURATION,
        lmtp=Listen("127.0.0.1", one.lmtp_port),
        smtp=Listen("127.0.0.1", one.smtp_port),
        mail_certificate=certificate,
        mail_certificate_key=key,
        mail_size_mb=SMALL_MB,
    )
    stop = threading.Event()
    thread = threading.Thread(target=lmtp.run, args=(stop,))
    thread.start()
    try:
        eventually(lambda: connects(one.lmtp_port) and connects(one.smtp_port))
        yield one
    finally:
        stop.set()
        thread.join(30)


def test_what_was_acknowledged_is_committed_byte_for_byte(doors: Doors) -> None:
    doors.deliver(complaint())

    message = Message.objects.get()
    assert read_payload(message) == complaint()
    assert (message.channel, message.recipient) == ("lmtp", JIM)


def test_smtp_takes_the_same(doors: Doors) -> None:
    with doors.smtp() as client:
        client.sendmail("fbl@isp.example.net", [JIM], complaint())

    message = Message.objects.get()
    assert (message.channel, message.provenance) == ("smtp", {"peer": "127.0.0.1", "helo": "mx.example.net"})


def test_smtp_speaks_tls_with_the_certificate(doors: Doors) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with doors.smtp() as client:
        client.starttls(context=context)
        client.sendmail("fbl@isp.example.net", [JIM], complaint())

    assert Message.objects.count() == 1


def test_nobodys_address_is_refused_at_once_and_the_others_are_served(doors: Doors) -> None:
    with doors.lmtp() as client:
        refused = client.sendmail("fbl@isp.example.net", ["who@example.org", JIM], complaint())

    assert {one: code for one, (code, _) in refused.items()} == {"who@example.org": 550}
    assert Message.objects.count() == 1


def test_the_detail_of_an_address_is_kept_beside_it(doors: Doors) -> None:
    """An answer's token is in it; whose mail it is does not depend on it."""
    doors.deliver(complaint(), to="Abuse+4711@JIM.example.org")

    message = Message.objects.get()
    assert (message.recipient, message.details) == (JIM, "4711")


def test_the_details_of_all_recipients_of_a_brand_are_kept(doors: Doors) -> None:
    with doors.lmtp() as client:
        assert send(client, [JIM, "abuse+a@jim.example.org", "abuse+b@jim.example.org"], complaint()) == [250] * 3

    assert Message.objects.get().details == "a b"


@pytest.mark.parametrize(("given", "kept"), [("", ""), ("Bounces+7@ISP.example.net", "bounces+7@isp.example.net")])
def test_the_sender_of_the_envelope_is_kept_and_nobody_is_one(doors: Doors, given: str, kept: str) -> None:
    with doors.lmtp() as client:
        client.sendmail(given, [JIM], complaint())

    assert Message.objects.get().envelope_from == kept


def test_a_message_has_no_more_recipients_than_can_be_kept(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "RECIPIENTS", 2)
    with doors.lmtp() as client:
        client.mail("a@example.net")
        assert [client.rcpt(JIM)[0] for _ in range(3)] == [250, 250, 452]


def test_two_addresses_of_a_brand_are_one_message_and_two_brands_are_two(doors: Doors) -> None:
    sca = provider("sca", "scalibit")
    BrandAddress.objects.create(brand=sca.brand, address="legal@sca.example.org")
    with doors.lmtp() as client:
        assert send(client, [JIM, "abuse@sca.example.org", "legal@sca.example.org"], complaint()) == [250] * 3

    assert Message.objects.count() == 2
    assert Message.objects.values("brand_id").distinct().count() == 2


def test_of_several_addresses_of_a_brand_the_most_restrictive_wins(doors: Doors) -> None:
    brand = BrandAddress.objects.get(address=JIM).brand
    BrandAddress.objects.create(brand=brand, address="requests@jim.example.org", kind="authority")
    with doors.lmtp() as client:
        assert send(client, [JIM, "requests@jim.example.org"], complaint()) == [250, 250]

    assert Message.objects.get().designation == "authority"


def test_each_recipient_gets_an_answer_of_its_own(doors: Doors) -> None:
    """RFC 2033 section 4.2: one reply for each recipient that was accepted."""
    with doors.lmtp() as client:
        assert send(client, [JIM, "abuse+1@jim.example.org"], b"Subject: x\r\n\r\nx\r\n") == [250, 250]
        assert client.noop()[0] == 250


def send(client: smtplib.LMTP, to: list[str], mail: bytes) -> list[int]:
    """The reply for each recipient; the standard library itself reads but one."""
    client.mail("a@example.net")
    for one in to:
        client.rcpt(one)
    client.putcmd("data")
    client.getreply()
    client.send(mail + b".\r\n")
    return [client.getreply()[0] for _ in to]


def test_the_size_limit_is_announced_and_held(doors: Doors) -> None:
    with doors.lmtp() as client:
        assert client.esmtp_features["size"] == str(SMALL_MB * 1024 * 1024)
        large = b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * (SMALL_MB * 15_000)
        client.mail("a@example.net")
        client.rcpt(JIM)
        assert client.data(large)[0] == 552
        assert client.noop()[0] == 250

    assert not Message.objects.exists()


def test_lines_longer_than_the_standard_allows_are_taken(doors: Doors) -> None:
    mail = complaint() + b"x" * 50_000 + b"\r\n"
    doors.deliver(mail)

    payload = read_payload(Message.objects.get())
    assert payload == mail


def test_the_null_sender_is_taken(doors: Doors) -> None:
    with doors.lmtp() as client:
        client.sendmail("", [JIM], complaint())

    assert Message.objects.count() == 1


def test_the_same_mail_again_is_acknowledged_and_is_one_message(doors: Doors) -> None:
    for _ in range(3):
        doors.deliver(complaint())

    assert Message.objects.count() == 1


def test_many_connections_are_committed_together(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    take = delivery._take

    def slowly(incoming: Any) -> None:
        sizes.append(len(incoming))
        time.sleep(0.2)
        take(incoming)

    monkeypatch.setattr(delivery, "_take", slowly)
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda number: doors.deliver(complaint(note=str(number))), range(20)))

    assert Message.objects.count() == 20
    assert len(sizes) < 10


def test_what_cannot_be_committed_is_left_to_the_mail_server(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> None:
        raise OperationalError("the server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "_take", fail)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            doors.deliver(complaint())
        assert refused.value.smtp_code == 451

    doors.deliver(complaint())
    assert Message.objects.count() == 1


def test_a_database_connection_that_breaks_is_made_anew(doors: Doors) -> None:
    doors.deliver(complaint(note="1"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    doors.deliver(complaint(note="2"))
    assert Message.objects.count() == 2


def test_a_message_that_breaks_takes_no_other_with_it(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    take = delivery._take

    def picky(incoming: Any) -> None:
        if any(b"<bad@example.com>" in one.data for one in incoming):
            raise RuntimeError
        time.sleep(0.1)
        take(incoming)

    monkeypatch.setattr(delivery, "_take", picky)

    def deliver(note: str) -> int:
        try:
            doors.deliver(complaint(note=note))
        except smtplib.SMTPDataError as error:
            return error.smtp_code
        return 250

    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(deliver, ["1", "2", "bad", "3", "4", "5"]))

    assert codes == [250, 250, 451, 250, 250, 250]
    assert Message.objects.count() == 5


def test_a_thousand_idle_connections_keep_nobody_out(doors: Doors) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(socket.create_connection(("127.0.0.1", doors.lmtp_port), 10))
        doors.deliver(complaint())

    assert Message.objects.count() == 1


def test_one_connection_too_many_is_told_to_come_back(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "CONNECTIONS", 3)
    with contextlib.ExitStack() as stack:
        greetings = set()
        for _ in range(4):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", doors.lmtp_port), 10))
            greetings.add(one.recv(100)[:3])
    assert greetings == {b"220", b"421"}
    eventually(lambda: _answers(doors))


def _answers(doors: Doors) -> bool:
    with contextlib.suppress(smtplib.SMTPException, OSError):
        doors.deliver(complaint())
        return True
    return False


def test_a_client_too_slow_with_its_message_is_told_so_and_let_go(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "MESSAGE_S", 0.5)
    with doors.lmtp() as slow:
        begin(slow)
        slow.send(b"Subject: never ends\r\n")
        doors.deliver(complaint())
        assert slow.getreply() == (451, b"4.4.2 the message took too long; please come back")
        with pytest.raises(smtplib.SMTPServerDisconnected):
            slow.noop()

    assert Message.objects.count() == 1


def begin(client: smtplib.SMTP) -> None:
    """All up to the message."""
    client.mail("a@example.net")
    client.rcpt(JIM)
    client.putcmd("data")
    assert client.getreply()[0] == 354


def test_a_message_may_take_longer_than_a_connection_may_be_idle(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "IDLE_S", 0.5)
    with doors.lmtp() as slow:
        begin(slow)
        for _ in range(5):
            time.sleep(0.2)
            slow.send(b"Subject: slow\r\n")
        slow.send(b".\r\n")
        assert slow.getreply()[0] == 250


def test_an_idle_connection_is_closed(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "IDLE_S", 0.3)
    with socket.create_connection(("127.0.0.1", doors.lmtp_port), 10) as idle:
        assert idle.recv(100).startswith(b"220")
        assert idle.recv(100) == b""


def test_a_client_that_does_not_wait_to_be_asked_is_heard_all_the_same(doors: Doors) -> None:
    with doors.lmtp() as hasty:
        hasty.send(f"MAIL FROM:<a@example.net>\r\nRCPT TO:<{JIM}>\r\nDATA\r\n".encode())
        hasty.send(b"Subject: x\r\n\r\nx\r\n.\r\nNOOP\r\n")
        assert [hasty.getreply()[0] for _ in range(5)] == [250, 250, 354, 250, 250]


def test_messages_that_find_no_room_are_refused_for_the_moment(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is room for four of the largest."""
    monkeypatch.setattr(peers, "HURRY_BYTES", 0)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(doors.lmtp()) for _ in range(6)]
        for one in clients:
            begin(one)
        for one in clients:
            one.send(b"Subject: x\r\n\r\n" + b"x" * 900_000)
        for one in clients:
            one.send(b"\r\n.\r\n")
        assert sorted(one.getreply()[0] for one in clients) == [250, 250, 250, 250, 452, 452]
        # The room is free again.
        begin(clients[0])
        clients[0].send(b"Subject: x\r\n\r\n" + b"y" * 900_000 + b"\r\n.\r\n")
        assert clients[0].getreply()[0] == 250


def test_while_room_is_short_those_who_hardly_send_are_let_go_and_the_next_gets_its_turn(doors: Doors) -> None:
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(doors.lmtp()) for _ in range(3)]
        for one in slow:
            begin(one)
        for one in slow:
            one.send(b"Subject: x\r\n\r\n" + b"x" * 900_000)
        began = time.monotonic()
        doors.deliver(complaint())
        assert time.monotonic() - began < 3
        assert [one.getreply()[0] for one in slow] == [451] * 3


def test_the_watermark_follows_the_clock_while_the_door_is_open(doors: Doors) -> None:
    eventually(lambda: Channel.objects.filter(name="lmtp", watermark__isnull=False).exists())
    watermark = Channel.objects.get(name="lmtp").watermark
    assert watermark is not None
    assert datetime.now(UTC) - watermark < timedelta(minutes=1)


def test_the_watermark_does_not_overtake_a_message_that_is_being_committed(db: Any) -> None:
    now = datetime.now(UTC)
    arrived = now - timedelta(seconds=3)

    async def beat(database: ThreadPoolExecutor) -> None:
        desk = delivery.Desk("lmtp", peers.LMTPPeer.provenance, database)
        desk._waiting[asyncio.get_running_loop().create_future()] = arrived
        await desk._move_on(now)

    with ThreadPoolExecutor(1) as database:
        asyncio.run(beat(database))
        database.submit(delivery.close).result()
    assert Channel.objects.get(name="lmtp").watermark == arrived


def test_a_port_that_is_taken_is_said_in_one_line(settings: Any, db: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings.CONFIGURATION = replace(settings.CONFIGURATION, lmtp=Listen("127.0.0.1", taken.getsockname()[1]))
        with pytest.raises(Problem, match=r"ABUSEDESK_LMTP: 127\.0\.0\.1:\d+ cannot be listened on"):
            asyncio.run(lmtp._serve(settings.CONFIGURATION, threading.Event()))


def test_a_socket_in_the_file_system_will_do(settings: Any, tmp_path: Path) -> None:
    provider()
    path = str(tmp_path / "lmtp")
    settings.CONFIGURATION = replace(settings.CONFIGURATION, lmtp=Listen(path=path))
    stop = threading.Event()
    thread = threading.Thread(target=lmtp.run, args=(stop,))
    thread.start()
    try:
        eventually(Path(path).exists)
        with smtplib.LMTP(path) as client:
            client.sendmail("fbl@isp.example.net", [JIM], complaint())
    finally:
        stop.set()
        thread.join(30)
    assert Message.objects.count() == 1
