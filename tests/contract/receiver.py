"""A provider's side of the webhook: a small real HTTP server that keeps a switch for each measure."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "a secret of more than thirty-two characters"


@dataclass
class Receiver:
    """What the receiver knows, and how it is to misbehave. `changes` counts what really changed outside."""

    url: str = ""
    on: dict[str, bool] = field(default_factory=dict)
    fences: dict[str, int] = field(default_factory=dict)
    changes: list[tuple[str, str]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    drip: float = 0.0
    delay: float = 0.0
    lazy: bool = False
    deaf_after: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to one order."""
        with self.lock:
            order = json.loads(body)
            self.calls.append(order)
            self.headers = headers
            if self.answers:
                return self.answers.pop(0)
            if not _is_signed(headers, body):
                return 401, b"wrong signature"
            return self._carry_out(order)

    def _carry_out(self, order: dict[str, Any]) -> tuple[int, bytes]:
        target = f"{order['service']}/{order['ip']}"
        place = f"{target}/{order['kind']}/{order['port']}"
        if order["service"] in self.gone:
            return 404, b"no such service"
        if order["action"] != "query":
            if order["fence"] < self.fences.get(target, 0):
                return 409, b"a later order was here before"
            self.fences[target] = order["fence"]
            wanted = order["action"] == "apply"
            if self.on.get(place, False) != wanted:
                self.on[place] = wanted
                self.changes.append((place, order["action"]))
        if self.lazy:
            return 202, b'{"state": "acknowledged"}'
        return 200, json.dumps({"state": "in_force" if self.on.get(place) else "not_in_force"}).encode()


def _is_signed(headers: dict[str, str], body: bytes) -> bool:
    stamp = headers.get("Abusedesk-Timestamp", "0")
    wanted = "v1=" + hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    fresh = abs(time.time() - int(stamp)) < 300
    return fresh and hmac.compare_digest(wanted, headers.get("Abusedesk-Signature", ""))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Five, the library's own, is fewer than a worker orders at once; who is turned away comes again after a second.
    request_queue_size = 64


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens on a free port of the loopback interface."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = receiver.answer(dict(self.headers), body)
            time.sleep(receiver.delay)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            if status in {301, 302, 307}:
                self.send_header("Location", receiver.url + "/elsewhere")
            self.end_headers()
            self._write(answer)

        def _write(self, answer: bytes) -> None:
            try:
                for byte in answer if receiver.drip else [answer]:
                    self.wfile.write(bytes([byte]) if isinstance(byte, int) else byte)
                    self.wfile.flush()
                    time.sleep(receiver.drip)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}/abuse"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()
