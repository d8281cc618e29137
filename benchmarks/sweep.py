"""How many addresses a second are asked of a blocklist, answered, and their readings written.

The list is a name server of our own on the loopback address, in a process of its own, which lists one address in a
thousand; a resolver and a network in between would add time on the way, not work here.
"""

import multiprocessing
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

ADDRESSES = 1 << 16
ZONE = "bl.example.net"
_LISTED = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x02"
_TEXT = b"\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x3c\x00\x05\x04trap"


def measure() -> dict[str, dict[str, float | str]]:
    """Addresses per second of a whole sweep, which is not held back to any rate."""
    from benchmarks.database import ready  # noqa: PLC0415

    ready()
    from abusedesk.channels import blocklists, fetch  # noqa: PLC0415 - the tables are there only now
    from abusedesk.records.models import Channel, Sweep  # noqa: PLC0415

    _provider()
    with _nameserver() as port:
        options = {"list": "own", "zone": ZONE, "accuses": "127.0.0.2", "nameservers": f"127.0.0.1:{port}"}
        high = str(int(blocklists.FASTEST))
        channel = Channel.objects.create(kind="blocklist", name="bench", options={**options, "per_second": high})
        started = time.perf_counter()
        while not Sweep.objects.exclude(ended_at=None).exists():
            well, _ = fetch.ask_once(channel.pk)
            if not well:
                raise RuntimeError(Channel.objects.get(pk=channel.pk).error)
        seconds = time.perf_counter() - started
    if Sweep.objects.get().unanswered:
        raise RuntimeError("the name server lost questions")
    return {"sweep_per_s": {"value": ADDRESSES / seconds, "unit": "1/s"}}


def _provider() -> None:
    from abusedesk.records.models import Assignment, Brand, Customer, Service  # noqa: PLC0415

    ago = datetime.now(UTC) - timedelta(days=100)
    brand = Brand.objects.create(slug="sweep", name="Sweep", pack="jimcloud", sender="abuse@example.net")
    customer = Customer.objects.create(brand=brand, ref="c", name="C", since=ago)
    service = Service.objects.create(brand=brand, ref="s", customer=customer, since=ago)
    Assignment.objects.create(service=service, prefix="10.0.0.0/16", period=(ago, None))


@contextmanager
def _nameserver() -> Iterator[int]:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    try:
        yield int(ours.recv())
    finally:
        server.terminate()
        server.join()


def _serve(pipe: Connection) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sock.bind(("127.0.0.1", 0))
        pipe.send(sock.getsockname()[1])
        while True:
            question, peer = sock.recvfrom(512)
            sock.sendto(_answer(question), peer)


def _answer(question: bytes) -> bytes:
    """The question as an answer: 127.0.0.2 and every thousandth address are listed, all others have no such name."""
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]])
        at += 1 + question[at]
    asked, is_text = question[12 : at + 5], question[at + 2] == 16
    numbers = [int(one) for one in labels[:4]]
    listed = numbers == [2, 0, 0, 127] or (numbers[3] == 10 and (numbers[0] + 256 * numbers[1]) % 1000 == 7)
    if not listed:
        return question[:2] + b"\x84\x03\x00\x01\x00\x00\x00\x00\x00\x00" + asked
    record = _TEXT if is_text else _LISTED
    return question[:2] + b"\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00" + asked + record
