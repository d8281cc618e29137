"""The webhook actuator: signed orders over HTTP to a receiver that the provider writes.

The wire format is in docs/how-to/webhook-actuator.md. It speaks to the configured address and to nothing else.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from abusedesk.actuators.actuator import Action, Order, Outcome
from abusedesk.actuators.answer import read_answer
from abusedesk.actuators.calls import Unanswered, address_of, posted, secret_in
from abusedesk.problem import Problem

OPTIONS = frozenset({"url", "secret", "secret_file", "timeout", "can_be_asked"})
LONGEST_ANSWER = 64 * 1024
SHORTEST_SECRET = 32
_GONE = {404, 410}
_AGAIN_LATER = {408, 425, 429}


class Webhook:
    """Options: `url`; `secret` or `secret_file`; `timeout`, whole seconds for one call, 10; `can_be_asked`, true."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        unknown = sorted(set(options) - OPTIONS)
        if unknown:
            raise Problem(f"webhook: no option {unknown[0]!r}; there are {', '.join(sorted(OPTIONS))}")
        self._url = address_of(str(options.get("url", "")), "webhook", "https://panel.example.net/abuse")
        self._secret = _secret(options)
        self._timeout = _seconds(options.get("timeout", 10))
        self._can_be_asked = bool(options.get("can_be_asked", True))

    @property
    def can_be_asked(self) -> bool:
        """False when the receiver does not answer `query`."""
        return self._can_be_asked

    def apply(self, order: Order) -> Outcome:
        """Order the measure into force."""
        return self._call("apply", order)

    def query(self, order: Order) -> Outcome:
        """Ask whether it is in force."""
        return self._call("query", order)

    def lift(self, order: Order) -> Outcome:
        """Order its end."""
        return self._call("lift", order)

    def _call(self, action: Action, order: Order) -> Outcome:
        body = json.dumps({"version": 1, "action": action, **asdict(order)}, separators=(",", ":")).encode()
        headers = _headers(self._secret, body, order)
        try:
            status, answer = posted(self._url, body, headers, timeout=self._timeout, longest=LONGEST_ANSWER)
        except Unanswered as silence:
            return Outcome("unreachable", error=str(silence))
        return read(action, status, answer)


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """The signature header for a body sent at a Unix time: HMAC-SHA256 over time, a full stop, and the body."""
    return "v1=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def read(action: Action, status: int, answer: bytes) -> Outcome:
    """What an HTTP answer says of the measure."""
    if status in _GONE:
        # What is gone is under no measure; but neither can one be taken on it.
        return Outcome("refused" if action == "apply" else "not_in_force", {"status": status}, "the target is gone")
    if status >= 500 or status in _AGAIN_LATER:
        return Outcome("unreachable", {"status": status}, f"the receiver answered {status}{_words(answer)}")
    if status >= 300:
        return Outcome("refused", {"status": status}, f"the receiver answered {status}{_words(answer)}")
    return read_answer(answer, {"status": status})


def _words(answer: bytes) -> str:
    text = " ".join(answer[:300].decode(errors="replace").split())
    return f": {text}" if text else ""


def _headers(secret: bytes, body: bytes, order: Order) -> dict[str, str]:
    timestamp = str(int(time.time()))
    return {
        "Content-Type": "application/json",
        "User-Agent": "abusedesk",
        "Idempotency-Key": order.key,
        "Abusedesk-Fence": str(order.fence),
        "Abusedesk-Timestamp": timestamp,
        "Abusedesk-Signature": signature(secret, timestamp, body),
    }


def _secret(options: Mapping[str, Any]) -> bytes:
    secret = str(options.get("secret") or "")
    if not secret and options.get("secret_file"):
        secret = secret_in(str(options["secret_file"]), "webhook", "secret_file")
    if len(secret) < SHORTEST_SECRET:
        raise Problem(f"webhook: secret has fewer than {SHORTEST_SECRET} characters; set secret or secret_file")
    return secret.encode()


def _seconds(value: Any) -> float:
    if not isinstance(value, int | float) or not 1 <= value <= 60:
        raise Problem(f"webhook: timeout {value!r} is no number of seconds from 1 to 60")
    return float(value)
