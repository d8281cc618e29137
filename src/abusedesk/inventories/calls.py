"""What the drivers of inventories have in common: a session that waits, tries again and gives up, and clear words.

Their libraries are extras of the installation; one that is missing is named when it is needed.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from abusedesk.actuators.calls import library
from abusedesk.desk.inventory.driver import TIMEOUT_S
from abusedesk.problem import Problem

TRIES = 3
PAUSE_S = 0.5
"""The wait before the second try; it doubles. A server that says how long (Retry-After) is obeyed."""

BUSY = (429, 502, 503, 504)


def session(verify: bool | str, extra: str) -> Any:
    """A `requests` session with a time limit on every call, which tries again where the server is busy."""
    requests = library("requests", extra)
    retry = library("urllib3.util", extra).Retry(
        total=TRIES,
        connect=0,
        backoff_factor=PAUSE_S,
        status_forcelist=BUSY,
        allowed_methods=None,
        raise_on_status=False,
    )

    class Patient(requests.adapters.HTTPAdapter):  # type: ignore[misc, name-defined]
        """Gives every call its time limit, which the libraries above do not."""

        def send(self, request: Any, **more: Any) -> Any:
            more["timeout"] = more.get("timeout") or TIMEOUT_S
            return super().send(request, **more)

    made = requests.Session()
    made.verify = verify
    for scheme in ("http://", "https://"):
        made.mount(scheme, Patient(max_retries=retry))
    return made


def verified(options: Mapping[str, str]) -> bool | str:
    """How a server's certificate is checked: by the system's authorities, or by those of a file."""
    return options.get("ca_file") or True


@contextmanager
def in_words(who: str, *errors: tuple[type[BaseException], Callable[[Any], str]], extra: str) -> Iterator[None]:
    """Turns what the libraries raise into one line."""
    requests = library("requests", extra)
    try:
        yield
    except requests.exceptions.SSLError as error:
        raise Problem(f"{who}: its certificate cannot be trusted ({reason(error)}); name its CA file") from None
    except requests.exceptions.Timeout:
        raise Problem(f"{who} did not answer within {TIMEOUT_S:g} s") from None
    except requests.exceptions.JSONDecodeError:
        raise Problem(f"{who} answered something that is no JSON, such as an error page") from None
    except requests.exceptions.RequestException as error:
        raise Problem(f"{who} cannot be reached ({reason(error)})") from None
    except tuple(kind for kind, _ in errors) as error:
        said = next(words for kind, words in errors if isinstance(error, kind))
        raise Problem(f"{who}: {said(error)}") from None


def reason(error: BaseException) -> str:
    """The innermost reason of an error, short."""
    inner: BaseException = error
    while True:
        nested = inner.__cause__ or inner.__context__
        held = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
        deeper = held if isinstance(held, BaseException) else nested
        if deeper is None or deeper is inner:
            break
        inner = deeper
    return (str(inner) or type(inner).__name__).rpartition(": ")[2][:200]


def refused(status: int, permission: str) -> str:
    """What a status of refusal or failure means, in words."""
    if status == 401:
        return "it does not know the token; see that the secret is right and not expired"
    if status == 403:
        return f"the token may not do that; it needs {permission}"
    if status == 404:
        return "there is no such interface at this address; see that the address is right"
    if status == 429:
        return "it says that it is asked too often"
    return f"it answered with the status {status}"


def signed(algorithm: str, body: bytes, secret: str, given: str) -> bool:
    """Whether a hexadecimal HMAC of a body is the one given (RFC 2104), in constant time."""
    made = hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).hexdigest()
    return hmac.compare_digest(made.encode(), given.strip().lower().encode("utf-8", "replace"))


def bearer(headers: Mapping[str, str], secret: str) -> bool:
    """Whether a call carries the secret as its bearer token (RFC 6750 section 2.1)."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), secret.encode())
