"""HTTP as actuators speak it: to the configured address and to nothing else, and never longer than it is allowed to.

No redirects, no proxies from the environment, no credentials from files, no cookies.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from abusedesk.problem import Problem


class Unanswered(Exception):  # noqa: N818 - the outside gave no answer, which is no fault of ours
    """Nobody answered in time. The text says who and why; whether the call arrived is not known."""


def library(name: str, extra: str) -> Any:
    """A module of an extra of the installation. Raises Problem where it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        raise Problem(f"this needs {name}, which is not installed; install abusedesk[{extra}]") from None


def must_have(name: str, extra: str) -> None:
    """Raises Problem where a module of an extra is not installed. It is not loaded."""
    if find_spec(name) is None:
        raise Problem(f"this needs {name}, which is not installed; install abusedesk[{extra}]")


def posted(
    url: SplitResult, body: bytes, headers: Mapping[str, str], *, timeout: float, longest: int, ca_file: str = ""
) -> tuple[int, bytes]:
    """Status and the first `longest` bytes of the answer to a POST. Raises Unanswered without one in `timeout` s."""
    return called("POST", url, body, headers, timeout=timeout, longest=longest, ca_file=ca_file)


def called(
    method: str,
    url: SplitResult,
    body: bytes | None,
    headers: Mapping[str, str],
    *,
    timeout: float,
    longest: int,
    ca_file: str = "",
) -> tuple[int, bytes]:
    """The same by any method, with no body where it is None."""
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        with _connected(url, timeout, ca_file) as connection:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return response.status, response.read(longest)
    except (OSError, http.client.HTTPException) as error:
        raise Unanswered(f"{url.netloc} does not answer: {error or type(error).__name__}") from None


@contextmanager
def _connected(url: SplitResult, timeout: float, ca_file: str) -> Iterator[http.client.HTTPConnection]:
    connection = _connection(url, timeout, ca_file)
    connection.connect()
    # A socket's own timeout starts anew with every byte; this one ends the call however slowly it drips.
    cut = threading.Timer(timeout, _cut, [connection.sock])
    cut.daemon = True
    cut.start()
    try:
        yield connection
    finally:
        cut.cancel()
        connection.close()


def _connection(url: SplitResult, timeout: float, ca_file: str) -> http.client.HTTPConnection:
    if url.scheme == "https":
        context = ssl.create_default_context(cafile=ca_file or None)
        return http.client.HTTPSConnection(str(url.hostname), url.port, timeout=timeout, context=context)
    return http.client.HTTPConnection(str(url.hostname), url.port, timeout=timeout)


def _cut(open_socket: socket.socket) -> None:
    try:
        open_socket.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # It ended by itself meanwhile.


def address_of(text: str, actuator: str, example: str) -> SplitResult:
    """The option `url`. Raises Problem where it is none, carries a password, or leaves this machine in the clear."""
    url = urlsplit(text)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise Problem(f"{actuator}: url {text!r} is no address such as {example}")
    if url.username or url.password:
        raise Problem(f"{actuator}: url carries a password; leave it out")
    if url.scheme == "http" and not _is_loopback(url.hostname):
        raise Problem(f"{actuator}: url {text!r} leaves this machine without encryption; use https")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def secret_in(file: str, actuator: str, option: str) -> str:
    """The secret that a file holds. Raises Problem where it cannot be read."""
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8"
        raise Problem(f"{actuator}: {option} {file} cannot be read ({reason})") from None
