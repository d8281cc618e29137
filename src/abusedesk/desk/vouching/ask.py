"""The DNS, asked for the sake of a message: short waits, answers kept a while, and a silent domain left in peace."""

import threading
import time
from collections import OrderedDict
from typing import Any

LIFETIME_S = 4.0
"""How long one question may take."""

KEPT_S = 3600.0
ABSENT_S = 300.0
SILENT_S = 60.0
"""So long a domain whose servers did not answer is not asked again: many mails must not wait for it one by one."""

_ENTRIES = 4096


class Silence(Exception):  # noqa: N818 - no error: the desk goes on without an answer
    """The DNS gave no answer in time, or a broken one: nothing is known."""


class Asker:
    """Answers by name and type, the oldest forgotten first. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[float, tuple[Any, ...]]] = OrderedDict()
        self._silent: OrderedDict[str, float] = OrderedDict()

    def ask(self, name: str, kind: str, lifetime: float = LIFETIME_S) -> tuple[Any, ...]:
        """The records of a name (`dnspython`'s), none where there are none. Raises Silence when nobody answers."""
        name = name.rstrip(".").lower()
        if not name:
            raise Silence("no name")
        now = time.monotonic()
        with self._lock:
            kept = self._kept.get((name, kind))
            if kept is not None and kept[0] > now:
                return kept[1]
            if self._silent.get(_zone(name), 0.0) > now:
                raise Silence(name)
        return self._asked(name, kind, min(lifetime, LIFETIME_S))

    def _asked(self, name: str, kind: str, lifetime: float) -> tuple[Any, ...]:
        import dns.exception  # noqa: PLC0415 - only an installation that may ask the DNS pays for it
        import dns.resolver  # noqa: PLC0415

        try:
            found = tuple(dns.resolver.resolve(name, kind, lifetime=lifetime, search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            found = ()
        except dns.exception.Timeout:
            self._remember(self._silent, _zone(name), time.monotonic() + SILENT_S)
            raise Silence(name) from None
        except (dns.exception.DNSException, OSError, ValueError):
            raise Silence(name) from None
        until = time.monotonic() + (KEPT_S if found else ABSENT_S)
        self._remember(self._kept, (name, kind), (until, found))
        return found

    def _remember(self, where: OrderedDict[Any, Any], key: object, value: object) -> None:
        with self._lock:
            where[key] = value
            where.move_to_end(key)
            if len(where) > _ENTRIES:
                where.popitem(last=False)

    def forget(self) -> None:
        """Forget every answer."""
        with self._lock:
            self._kept.clear()
            self._silent.clear()


def _zone(name: str) -> str:
    """What is silent together: a key's name belongs to the domain behind it."""
    return name.rpartition("_domainkey.")[2]


DNS = Asker()
"""The one that all checks of this process share."""


def text(name: str, lifetime: float = LIFETIME_S) -> bytes | None:
    """The first text record of a name, its strings joined; None where there is none or nobody answers."""
    try:
        found = DNS.ask(name, "TXT", lifetime)
    except Silence:
        return None
    return b"".join(found[0].strings) if found else None
