"""A small HTTP server on the loopback for the fakes of vendors' APIs, which misbehaves when told to."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit


class Asked(NamedTuple):
    """One request as the fake sees it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]
    body: str = ""


class Answer(NamedTuple):
    """What the fake says."""

    status: int
    body: Any
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed
    reason: str | None = None
    """The words behind the status, where a vendor says something there."""


Serve = Callable[[Asked], Answer]


class Door:
    """Where the fake listens, what was asked of it, and what it says before it says anything sensible."""

    def __init__(self, serve: Serve) -> None:
        self.asked: list[Asked] = []
        self.first: list[Answer] = []
        """Said first, one for each request, instead of the right answer."""
        self.delay = 0.0
        """Seconds until it says anything, once it has done what was asked."""
        self._serve = serve
        self.url = ""

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        return self.first.pop(0) if self.first else self._serve(asked)


@contextmanager
def listening(serve: Serve, wrap: Callable[[Any], Any] | None = None) -> Iterator[Door]:
    """A server for as long as the block; `wrap` puts TLS around its socket."""
    door = Door(serve)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536  # head and body in one piece, or each answer waits for an acknowledgement

        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            form = dict(parse_qsl(body, keep_blank_values=True))
            query = dict(parse_qsl(parts.query))
            answer = door.answer(Asked(self.command, unquote(parts.path), query, headers, form, body))
            time.sleep(door.delay)
            data = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status, answer.reason)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if wrap is not None:
        server.socket = wrap(server.socket)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    door.url = f"{'https' if wrap else 'http'}://127.0.0.1:{server.server_port}"
    try:
        yield door
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
